from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbell.domain.recurrence import Recurrence, Unit, Weekday
from postbell.domain.weekly import DaysOff, WeeklySlots, WeeklyTime, parse_days_off, parse_weekly, weekly_text
from postbell.errors import Invalid


#: A Tuesday.
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def slots(*lines: str, zone: str = "Europe/Berlin", off: tuple[str, ...] = ()) -> WeeklySlots:
    return WeeklySlots(
        zone=zone, times=parse_weekly(lines, where="slots"), days_off=parse_days_off(off, where="off")
    )


def shown(given: WeeklySlots, count: int, after: datetime = NOW) -> list[str]:
    return [f"{slot.local:%a %d %H:%M}" for slot in islice(given.occurrences(after), count)]


def refusal(*lines: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse_weekly(lines, where="slots")
    return [str(problem) for problem in caught.value.problems]


def test_slots_come_week_after_week_in_order() -> None:
    given = slots("mon-fri 09:00,17:30", "sat 11:00")
    assert shown(given, 8) == [
        "Tue 01 17:30",
        *("Wed 02 09:00", "Wed 02 17:30", "Thu 03 09:00", "Thu 03 17:30", "Fri 04 09:00", "Fri 04 17:30"),
        "Sat 05 11:00",
    ]


def test_a_slot_at_the_very_instant_is_no_later_one() -> None:
    assert shown(slots("daily 13:00"), 1) == ["Wed 02 13:00"]
    assert shown(slots("daily 13:00"), 1, NOW - timedelta(seconds=1)) == ["Tue 01 13:00"]


def test_days_off_have_no_slots() -> None:
    given = slots("daily 9am", off=("2026-12-03..2026-12-05", "2026-12-07"))
    assert shown(given, 3) == ["Wed 02 09:00", "Sun 06 09:00", "Tue 08 09:00"]


def test_an_account_without_times_has_no_slots() -> None:
    assert list(slots().occurrences(NOW)) == []


def test_slots_keep_their_time_on_the_wall_when_the_clocks_change() -> None:
    before = datetime(2027, 3, 27, 0, 0, tzinfo=UTC)
    found = list(islice(slots("daily 02:30,09:00").occurrences(before), 4))
    assert [f"{slot.key} {slot.at:%H:%M}Z {slot.local:%H:%M}" for slot in found] == [
        "2027-03-27T02:30 01:30Z 02:30",
        "2027-03-27T09:00 08:00Z 09:00",
        "2027-03-28T02:30 01:30Z 03:30",
        "2027-03-28T09:00 07:00Z 09:00",
    ]


def test_two_slots_that_meet_when_the_clocks_change_are_one() -> None:
    before = datetime(2027, 3, 27, 20, 0, tzinfo=UTC)
    found = list(islice(slots("sun 02:30,03:30").occurrences(before), 2))
    assert [slot.key for slot in found] == ["2027-03-28T03:30", "2027-04-04T02:30"]


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"])
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WEEK = st.frozensets(st.builds(WeeklyTime, day=st.integers(0, 6), time=TIMES), max_size=12)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None)
@given(
    ZONES,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(TIMES, min_size=1, max_size=4),
    INSTANTS,
)
def test_slots_are_those_of_a_rule_by_the_week(
    zone: str, days: frozenset[int], times: frozenset[time], after: datetime
) -> None:
    rule = Recurrence(
        every=Unit.WEEK,
        weekdays=tuple(Weekday(day=day) for day in sorted(days)),
        times=tuple(sorted(times)),
        zone=zone,
        first=date(1999, 1, 1),
    )
    week = WeeklySlots(zone=zone, times=tuple(WeeklyTime(day=day, time=at) for day in days for at in times))
    assert list(islice(week.occurrences(after), 30)) == list(islice(rule.occurrences(after), 30))


@pytest.mark.parametrize(
    ("line", "days", "times"),
    [
        ("mon 09:00", "0", ["09:00"]),
        ("Mon-Wed  9am", "012", ["09:00"]),
        ("mon, wed 9am, noon", "02", ["09:00", "12:00"]),
        ("weekdays midnight", "01234", ["00:00"]),
        ("weekend 5:30pm", "56", ["17:30"]),
        (" daily 23:59 ", "0123456", ["23:59"]),
        ("fri-sun,tue 08:00", "1456", ["08:00"]),
    ],
)
def test_a_line_says_days_and_times(line: str, days: str, times: list[str]) -> None:
    wanted = {WeeklyTime(day=int(day), time=time.fromisoformat(at)) for day in days for at in times}
    assert set(parse_weekly([line], where="slots")) == wanted


def test_times_are_read_in_the_order_of_the_week() -> None:
    assert [(slot.day, slot.time.hour) for slot in parse_weekly(["sat 9am", "mon 5pm,8am"], where="")] == [
        (0, 8),
        (0, 17),
        (5, 9),
    ]


def test_all_problems_of_the_lines_are_told_at_once() -> None:
    assert refusal(
        "funday,mon 25:00", "09:00", "", "2nd tue 09:00", "mon-fri 09:00", "fri 9am", "sat 9:00:30"
    ) == [
        'slots: "funday" is no weekday. Say mon to sun, or 0 (Monday) to 6 (Sunday).',
        'slots: "25:00" is not a time of day: there is no 25:00 on a clock. Say it like 09:00 or 9am.',
        'slots: "09:00" does not say days and times. Say it like mon-fri 09:00,17:30.',
        'slots: "" does not say days and times. Say it like mon-fri 09:00,17:30.',
        'slots: "2nd tue 09:00" does not say days and times. Say it like mon-fri 09:00,17:30.',
        'slots: "9:00:30" has seconds. A rule comes at whole minutes, once a minute at most.',
        "slots: fri 09:00 is there twice. Once is enough.",
    ]


def test_times_are_written_in_few_lines() -> None:
    lines = ["mon-fri 09:00,17:30", "sat 11:00", "sun 12:00"]
    assert weekly_text(parse_weekly(reversed(lines), where="")) == lines
    assert weekly_text(parse_weekly(["mon,tue,sun 9am"], where="")) == ["mon,tue,sun 09:00"]
    assert weekly_text(parse_weekly(["weekend 9am", "weekdays 9am"], where="")) == ["daily 09:00"]


@settings(deadline=None)
@given(WEEK)
def test_written_times_are_read_as_the_same(week: frozenset[WeeklyTime]) -> None:
    assert parse_weekly(weekly_text(week), where="") == tuple(sorted(week))


def test_days_off_are_days_or_spans_in_order() -> None:
    found = parse_days_off(["2027-01-01", "2026-12-24 .. 2026-12-26"], where="off")
    assert found == (
        DaysOff(first=date(2026, 12, 24), last=date(2026, 12, 26)),
        DaysOff(first=date(2027, 1, 1), last=date(2027, 1, 1)),
    )
    assert [str(off) for off in found] == ["2026-12-24..2026-12-26", "2027-01-01"]


def test_all_problems_of_days_off_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse_days_off(["christmas", "2026-12-26..2026-12-24", "2026-12-24 10:00"], where="off")
    assert [str(problem) for problem in caught.value.problems] == [
        'off: "christmas" is not a date like 2026-12-01, nor a time like 2026-12-01 09:00.',
        'off: "2026-12-26..2026-12-24" ends before it begins.',
        'off: "2026-12-24 10:00" has a time of day. Give the day alone.',
    ]
