from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.when import EXAMPLES, When, describe, parse_when, wall_to_instant, zone_named
from postbell.errors import Invalid


BERLIN = ZoneInfo("Europe/Berlin")
#: Saturday 21 November 2026, 16:00:30 in Berlin.
NOW = datetime(2026, 11, 21, 15, 0, 30, 999, tzinfo=UTC)

#: Zones whose clocks do what nobody expects.
AWKWARD = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            *(
                "UTC",
                "Europe/Berlin",
                "Europe/Dublin",
                "America/New_York",
                "America/St_Johns",
                "America/Sao_Paulo",
            ),
            *(
                "Africa/Casablanca",
                "Asia/Kathmandu",
                "Asia/Tehran",
                "Asia/Gaza",
                "Asia/Kolkata",
                "Antarctica/Troll",
            ),
            *(
                "Australia/Lord_Howe",
                "Pacific/Apia",
                "Pacific/Kiritimati",
                "Pacific/Chatham",
                "Etc/GMT+12",
                "CET",
            ),
        )
    ]
)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WALLS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1))  # noqa: DTZ001


def local(text: str, *, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> str:
    return parse_when(text, now=now, zone=zone).local.isoformat(" ")


def refusal(text: str, *, now: datetime = NOW) -> str:
    with pytest.raises(Invalid) as caught:
        parse_when(text, now=now, zone=BERLIN)
    (problem,) = caught.value.problems
    assert problem.where == "--at"
    return problem.message


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-27 18:00", "2026-11-27 18:00:00"),
        ("2026-11-27T18:00", "2026-11-27 18:00:00"),
        ("2026-11-27 18:00:15", "2026-11-27 18:00:15"),
        ("2026-11-27t18:00:15.999", "2026-11-27 18:00:15"),
        ("2026-11-27 6pm", "2026-11-27 18:00:00"),
        ("2026-11-27T17:00Z", "2026-11-27 18:00:00"),
        ("2026-11-27 17:00 z", "2026-11-27 18:00:00"),
        ("2026-11-27T18:00+01", "2026-11-27 18:00:00"),
        ("2026-11-27T12:00:00-0500", "2026-11-27 18:00:00"),
        ("2026-11-27T22:30:00+05:30", "2026-11-27 18:00:00"),
        ("2026-11-27 17:00 UTC", "2026-11-27 17:00:00"),
        ("today 18:00", "2026-11-21 18:00:00"),
        ("today at 4:30pm UTC", "2026-11-21 16:30:00"),
        ("tomorrow 9am", "2026-11-22 09:00:00"),
        ("Tomorrow at 6:30 PM", "2026-11-22 18:30:00"),
        ("tomorrow noon", "2026-11-22 12:00:00"),
        ("tomorrow midnight", "2026-11-22 00:00:00"),
        ("friday 18:00", "2026-11-27 18:00:00"),
        ("next friday 18:00", "2026-11-27 18:00:00"),
        ("fri at 6pm", "2026-11-27 18:00:00"),
        ("saturday 18:00", "2026-11-28 18:00:00"),
        ("sunday 00:05", "2026-11-22 00:05:00"),
        ("tues 8:00", "2026-11-24 08:00:00"),
        ("24 dec 18:00", "2026-12-24 18:00:00"),
        ("24 December at 18:00", "2026-12-24 18:00:00"),
        ("dec 24 6:30pm", "2026-12-24 18:30:00"),
        ("24 dec 2027 18:00", "2027-12-24 18:00:00"),
        ("sept 1 2027 noon", "2027-09-01 12:00:00"),
        ("21 nov 18:00", "2026-11-21 18:00:00"),
        ("20 nov 18:00", "2027-11-20 18:00:00"),
        ("29 feb 12:00", "2028-02-29 12:00:00"),
        ("in 3 s", "2026-11-21 16:00:33"),
        ("in 45 min", "2026-11-21 16:45:30"),
        ("+ 45 minutes", "2026-11-21 16:45:30"),
        ("+2h", "2026-11-21 18:00:30"),
        ("in 3 d", "2026-11-24 16:00:30"),
        ("in 3 days at 18:00", "2026-11-24 18:00:00"),
        ("in 1 w noon", "2026-11-28 12:00:00"),
        ("18:00", "2026-11-21 18:00:00"),
        ("at 18:00:30", "2026-11-21 18:00:30"),
        ("9am", "2026-11-22 09:00:00"),
        ("12am", "2026-11-22 00:00:00"),
        ("12pm", "2026-11-22 12:00:00"),
        ("12:30 am", "2026-11-22 00:30:00"),
        ("16:00:30", "2026-11-22 16:00:30"),
        ("midnight", "2026-11-22 00:00:00"),
        ("  in   2  h ", "2026-11-21 18:00:30"),
        ("now", "2026-11-21 16:00:30"),
        ("NOW", "2026-11-21 16:00:30"),
    ],
)
def test_every_accepted_form_means_one_time(text: str, meant: str) -> None:
    assert local(text) == meant


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_form_that_a_refusal_shows_is_accepted(text: str) -> None:
    morning = NOW - timedelta(hours=9)
    assert parse_when(text, now=morning, zone=BERLIN).note is None
    assert text in refusal("whenever")


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "next month", "next week monday 10:00", "01/02/2027", "24/12/2026 6pm", "24.12. 18:00"),
        *(
            "5 minutes ago",
            "in 2 months",
            "in 5 m",
            "in an hour",
            "in -1 h",
            "in 1.5 h",
            "in 2 h at 18:00",
            "18",
        ),
        *("1800", "18.00", "tomorrow 9", "this friday 18:00", "2026-11-27T18:00 Berlin", "20261127T1800"),
        *(
            "1 dec 26 18:00",
            "24th dec 18:00",
            "2026-W48-5 18:00",
            "\u0661\u0668:00",
            "6pm today",
            "in 9999999 d",
        ),
        *("friday 18:00 (", "(17:00Z, in 2 h)"),
    ],
)
def test_everything_else_is_refused_with_the_accepted_forms(text: str) -> None:
    message = refusal(text)
    assert message.startswith(f'"{text}" is not a time: it has none of the accepted forms.')
    assert "tomorrow 9am" in message


@pytest.mark.parametrize(
    "text", ["2026-11-27", "today", "tomorrow", "next friday", "24 dec", "24 dec 2026", "dec 24"]
)
def test_a_day_without_a_time_of_day_is_refused(text: str) -> None:
    assert "the time of day is missing" in refusal(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("13:61", "there is no 13:61 on a clock"),
        ("24:00", "there is no 24:00 on a clock"),
        ("18:00:60", "there is no 18:00:60 on a clock"),
        ("13pm", "there is no 13pm on a clock"),
        ("0:30am", "there is no 0:30am on a clock"),
        ("18:00:", "there is no 18:00: on a clock"),
        ("18:5", "there is no 18:5 on a clock"),
        ("2027-02-30 18:00", "day is out of range for month"),
        ("30 feb 18:00", "there is no such day"),
        ("2026-11-27T18:00+15:00", "no place on earth has the offset +15:00"),
        ("2026-11-27T18:00+01:60", "no place on earth has the offset +01:60"),
        ("thu 27 nov 2026 18:00", "2026-11-27 is a Friday"),
        ("27 nov 2026 18:00 Europe/Berlin (16:00Z, in 6 d)", "it is 17:00Z, not 16:00Z"),
        ("2026-11-27T17:00Z (16:00Z)", "it is 17:00Z, not 16:00Z"),
    ],
)
def test_an_impossible_time_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert f"is not a time: {reason}. Accepted are:" in refusal(text)


def test_a_long_text_is_cut_in_the_refusal() -> None:
    assert len(refusal("x" * 10_000)) < 500


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("2026-11-21 13:00", "3 h ago"),
        ("today 9am", "7 h ago"),
        ("21 nov 15:00", "1 h ago"),
        ("2026-11-21 16:00:30", "now"),
        ("in 0 min", "now"),
        ("2025-11-21T15:00:30Z", "365 d ago"),
    ],
)
def test_a_past_time_is_refused_and_says_how_long_ago(text: str, distance: str) -> None:
    message = refusal(text)
    assert message.startswith(f'"{text}" is past: ')
    assert distance in message
    assert message.endswith("Give a later time, or now.")


def test_the_present_instant_is_not_in_the_future() -> None:
    with pytest.raises(Invalid, match="is past"):
        parse_when("2026-11-21T15:00:30Z", now=NOW.replace(microsecond=0), zone=BERLIN)


def test_a_past_time_is_taken_where_it_is_allowed() -> None:
    when = parse_when("2026-11-21 13:00", now=NOW, zone=BERLIN, allow_past=True)
    assert when.at == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_zone_at_the_end_is_the_zone_that_is_meant() -> None:
    assert parse_when("friday 18:00 Asia/Tokyo", now=NOW, zone=BERLIN) == When(
        at=datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
        local=datetime(2026, 11, 27, 18, 0),  # noqa: DTZ001
        zone="Asia/Tokyo",
    )


def test_an_unknown_zone_at_the_end_is_named() -> None:
    assert "Did you mean Europe/Berlin" in refusal("tomorrow 18:00 europe/berlin")


def test_an_offset_gives_the_instant_and_the_zone_shows_it() -> None:
    when = parse_when("2026-11-27T18:00-05:00", now=NOW, zone=BERLIN)
    assert (when.at.isoformat(), when.local.isoformat(), when.zone) == (
        "2026-11-27T23:00:00+00:00",
        "2026-11-28T00:00:00",
        "Europe/Berlin",
    )


def test_days_are_counted_on_the_calendar_and_hours_on_the_clock() -> None:
    evening = datetime(2027, 3, 27, 17, 0, tzinfo=UTC)  # the clocks go forward in the coming night
    assert local("in 1 d", now=evening) == "2027-03-28 18:00:00"
    assert local("in 24 h", now=evening) == "2027-03-28 19:00:00"


def test_a_time_in_a_gap_is_moved_forward_and_the_note_says_so() -> None:
    when = parse_when("2027-03-28 02:30", now=NOW, zone=BERLIN)
    assert when.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert when.local.isoformat() == "2027-03-28T03:30:00"
    assert when.note == "02:30 does not exist on that day in Europe/Berlin; moved to 03:30"


def test_a_day_that_a_zone_left_out_is_moved_to_the_next() -> None:
    instant, note = wall_to_instant(datetime(2011, 12, 30, 10, 0), ZoneInfo("Pacific/Apia"))  # noqa: DTZ001
    assert instant == datetime(2011, 12, 30, 20, 0, tzinfo=UTC)
    assert note == "10:00 does not exist on that day in Pacific/Apia; moved to 2011-12-31 10:00"


def test_of_a_doubled_time_the_first_is_taken_and_the_note_says_so() -> None:
    when = parse_when("2027-10-31 02:30", now=NOW, zone=BERLIN)
    assert when.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert when.note == "02:30 comes twice on that day in Europe/Berlin; this is the first"


def test_an_instant_in_the_doubled_hour_says_which_one_it_is() -> None:
    when = parse_when("2027-10-31T01:30Z", now=NOW, zone=BERLIN)
    assert when.note == "02:30 comes twice on that day in Europe/Berlin; this is the second"
    assert parse_when(describe(when, NOW), now=NOW, zone=BERLIN) == when


def test_a_bare_time_in_the_doubled_hour_is_the_next_first_one() -> None:
    between = datetime(2027, 10, 31, 0, 45, tzinfo=UTC)
    assert local("02:30", now=between) == "2027-11-01 02:30:00"


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("friday 18:00", "Fri 27 Nov 2026 18:00 Europe/Berlin (17:00Z, in 6 d 1 h)"),
        ("2026-12-21 16:00:30", "Mon 21 Dec 2026 16:00:30 Europe/Berlin (15:00:30Z, in 30 d)"),
        ("in 90 min", "Sat 21 Nov 2026 17:30:30 Europe/Berlin (16:30:30Z, in 1 h 30 min)"),
        ("in 65 s", "Sat 21 Nov 2026 16:01:35 Europe/Berlin (15:01:35Z, in 1 min 5 s)"),
        ("now", "Sat 21 Nov 2026 16:00:30 Europe/Berlin (15:00:30Z, now)"),
        ("1 jan noon UTC", "Fri 1 Jan 2027 12:00 UTC (12:00Z, in 40 d 20 h)"),
    ],
)
def test_the_echo_names_day_zone_utc_and_distance(text: str, echo: str) -> None:
    assert describe(parse_when(text, now=NOW, zone=BERLIN), NOW) == echo


@given(INSTANTS, INSTANTS, AWKWARD, AWKWARD)
def test_what_is_echoed_means_the_same_instant(
    at: datetime, now: datetime, zone: ZoneInfo, other: ZoneInfo
) -> None:
    when = parse_when(at.isoformat(), now=now, zone=zone, allow_past=True)
    assert parse_when(describe(when, now), now=now, zone=other, allow_past=True) == when


@given(WALLS, INSTANTS, AWKWARD)
def test_a_time_on_the_wall_is_shown_on_that_wall(wall: datetime, now: datetime, zone: ZoneInfo) -> None:
    when = parse_when(wall.isoformat(" "), now=now, zone=zone, allow_past=True)
    assert when.at.tzinfo is UTC
    assert when.at.astimezone(zone).replace(tzinfo=None) == when.local
    if when.note is None or "twice" in when.note:
        assert when.local == wall.replace(microsecond=0)
    else:
        assert when.local > wall.replace(microsecond=0)


@given(WALLS, AWKWARD)
def test_the_instant_of_a_wall_time_is_the_first_or_behind_the_gap(wall: datetime, zone: ZoneInfo) -> None:
    instant, note = wall_to_instant(wall, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    hour_before = [instant - timedelta(minutes=minutes) for minutes in range(15, 195, 15)]
    if shown == wall:
        assert all(earlier.astimezone(zone).replace(tzinfo=None) != wall for earlier in hour_before)
    else:
        # Forward by the gap: what the offset before it makes of the same wall time.
        before = (instant - timedelta(days=1)).astimezone(zone)
        assert before.utcoffset() == wall - instant.replace(tzinfo=None)
        assert note is not None


FORMS = st.sampled_from(
    [text for text in EXAMPLES if text[0] != "2" and "2026" not in text and text != "today noon"]
)


@given(FORMS, INSTANTS, AWKWARD)
def test_what_is_accepted_is_never_past(text: str, now: datetime, zone: ZoneInfo) -> None:
    when = parse_when(text, now=now, zone=zone)
    assert when.at > now or text == "now"
    assert when.at.microsecond == 0


@given(st.text())
def test_any_text_is_read_or_refused_as_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert parse_when(text, now=NOW, zone=BERLIN).zone


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert zone_named(name).key == name


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("Europe/Berln", "Did you mean Europe/Berlin"),
        ("zzz", "Give an IANA name like Europe/Berlin or UTC."),
        ("../etc/passwd", "there is no time zone named"),
        ("localtime", "there is no time zone named"),
        ("right/Europe/Berlin", "there is no time zone named"),
        ("", "Give an IANA name"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_names(name: str, mend: str) -> None:
    with pytest.raises(Invalid, match="no time zone") as caught:
        zone_named(name)
    (problem,) = caught.value.problems
    assert problem.where == "--tz"
    assert mend in problem.message


@pytest.mark.parametrize(
    "text", ["9999-12-31 23:00 America/New_York", "3000-01-01 12:00", "1969-12-31 12:00"]
)
def test_a_year_that_is_too_far_away_is_refused_past_or_not(text: str) -> None:
    with pytest.raises(Invalid, match=r"is too far away\. Years go from 1970 to 2999"):
        parse_when(
            text, now=datetime(2026, 11, 23, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"), allow_past=True
        )
