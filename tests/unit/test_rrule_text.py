from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from postbell.domain.recurrence import Recurrence, ShortMonth, Unit, Weekday
from postbell.domain.repeat_words import recurrence_from
from postbell.domain.rrule_text import read_rrule, rrule_text
from postbell.errors import Invalid


BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 12, 1)
START = "DTSTART;TZID=Europe/Berlin:20261201T090000\n"


NINE_AND_FIVE = (time(9), time(9, 30), time(17), time(17, 30))


def rule(words: dict[str, Any], **more: Any) -> Recurrence:
    return recurrence_from({**words, **more}, zone=BERLIN, today=TODAY)


def refusal(words: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        rule(words, **more)
    return [str(problem) for problem in caught.value.problems]


def read(text: str) -> Recurrence:
    return rule({"rrule": text})


def days(*numbers: int, nth: int | None = None) -> tuple[Weekday, ...]:
    return tuple(Weekday(day=day, nth=nth) for day in numbers)


def made(**parts: Any) -> Recurrence:
    given = {"zone": "Europe/Berlin", "first": TODAY, "times": (time(9),), **parts}
    return Recurrence(**given)


def test_an_rrule_is_a_rule_in_other_words() -> None:
    text = "DTSTART;TZID=Asia/Tokyo:20261203T173000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=10"
    assert rule({"rrule": text}) == Recurrence(
        every=Unit.WEEK,
        interval=2,
        weekdays=days(0, 3),
        times=(time(17, 30),),
        zone="Asia/Tokyo",
        first=date(2026, 12, 3),
        count=10,
    )


def test_what_an_rrule_leaves_open_is_said_beside_it() -> None:
    meant = rule({"rrule": "FREQ=DAILY", "times": "9am", "start": "2026-12-24", "tz": "UTC"}, count=2)
    assert meant == rule(
        {"repeat": "daily", "times": "09:00"}, start_date="2026-12-24", timezone="UTC", occurrences=2
    )


def test_what_an_rrule_says_is_not_said_again() -> None:
    assert refusal(
        {"rrule": "FREQ=DAILY;BYHOUR=9;COUNT=2"}, repeat="daily", cron="0 9 * * *", times="10:00", count=3
    ) == [
        "repeat: it does not go with rrule, which says the rule.",
        "cron: it does not go with rrule, which says the rule.",
        "times: rrule says it already (BYHOUR). Give one of them.",
        "count: rrule says it already (COUNT). Give one of them.",
    ]


def test_problems_of_an_rrule_name_its_parts_and_come_with_the_others() -> None:
    assert refusal({"rrule": "FREQ=DAILY;BYDAY=MO;BYHOUR=25"}, tz="?")[1:] == [
        "rrule BYDAY: a daily rule has no weekdays. Say that it repeats weekly.",
        'rrule BYHOUR: "25:00" is not a time of day: there is no 25:00 on a clock. Say it like 09:00 or 9am.',
    ]
    assert refusal({"rrule": "FREQ=DAILY;BYSETPOS=1"}, count=0) == [
        "rrule BYSETPOS: Postbell has no such rule. Say it in another way.",
        'count: "0" is not a whole number from 1 to 100000.',
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("FREQ=DAILY;INTERVAL=3", {"every": Unit.DAY, "interval": 3}),
        ("RRULE:freq=weekly;byday=mo,we;", {"every": Unit.WEEK, "weekdays": days(0, 2)}),
        ("RRULE:FREQ=WEEKLY", {"every": Unit.WEEK, "weekdays": days(1)}),
        ("RRULE:FREQ=WEEKLY;WKST=SU;BYDAY=MO", {"every": Unit.WEEK, "weekdays": days(0)}),
        ("RRULE:FREQ=WEEKLY;WKST=MO;INTERVAL=2", {"every": Unit.WEEK, "interval": 2, "weekdays": days(1)}),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=2TU,-1FR",
            {"every": Unit.MONTH, "weekdays": days(1, nth=2) + days(4, nth=-1)},
        ),
        ("RRULE:FREQ=MONTHLY;BYDAY=SU", {"every": Unit.MONTH, "weekdays": days(6)}),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1", {"every": Unit.MONTH, "days": (1, -1)}),
        ("RRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24", {"every": Unit.YEAR, "months": (12,), "days": (24,)}),
        (
            "RRULE:FREQ=YEARLY;BYMONTHDAY=13",
            {"every": Unit.YEAR, "months": tuple(range(1, 13)), "days": (13,)},
        ),
        (
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
            {"every": Unit.YEAR, "months": (3,), "weekdays": days(6, nth=-1)},
        ),
        ("RRULE:FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30", {"every": Unit.DAY, "times": NINE_AND_FIVE}),
        ("RRULE:FREQ=DAILY;BYMINUTE=0,30;BYSECOND=0", {"every": Unit.DAY, "times": (time(9), time(9, 30))}),
        ("RRULE:FREQ=DAILY;BYHOUR=9,17", {"every": Unit.DAY, "times": (time(9), time(17))}),
        ("RRULE:FREQ=DAILY;COUNT=5", {"every": Unit.DAY, "count": 5}),
        ("RRULE:FREQ=DAILY;UNTIL=20261224", {"every": Unit.DAY, "last": date(2026, 12, 24)}),
        ("RRULE:FREQ=DAILY;UNTIL=20261224T080000Z", {"every": Unit.DAY, "last": date(2026, 12, 24)}),
        ("RRULE:FREQ=DAILY;UNTIL=20261224T075959Z", {"every": Unit.DAY, "last": date(2026, 12, 23)}),
        ("RRULE:FREQ=DAILY;UNTIL=20261224T090000", {"every": Unit.DAY, "last": date(2026, 12, 24)}),
    ],
)
def test_an_rrule_is_read(text: str, parts: dict[str, Any]) -> None:
    assert read(START + text) == made(**parts)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", ShortMonth.SKIP),
        ("FREQ=MONTHLY;BYMONTHDAY=31;SKIP=OMIT", ShortMonth.SKIP),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD", ShortMonth.LAST),
        ("FREQ=MONTHLY", ShortMonth.SKIP),
        ("FREQ=MONTHLY;BYMONTHDAY=28", ShortMonth.LAST),
    ],
)
def test_a_day_that_a_month_does_not_have_is_left_out_unless_the_text_says_otherwise(
    text: str, short: ShortMonth
) -> None:
    assert read(START + text).short_month is short


def test_a_start_in_utc_means_the_clocks_of_utc() -> None:
    meant = read("DTSTART:20261201T090000Z\r\nRRULE:FREQ=DA\r\n ILY\r\n\r\n")
    assert meant == made(every=Unit.DAY, zone="UTC")


def test_a_start_without_a_zone_means_the_usual_one() -> None:
    assert read("DTSTART:20261201T090000\nRRULE:FREQ=DAILY") == made(every=Unit.DAY)
    assert read("DTSTART;VALUE=DATE:20261201\nFREQ=DAILY;BYHOUR=9") == made(every=Unit.DAY)
    assert read('DTSTART;TZID="Europe/Berlin":20261201T090000\nFREQ=DAILY') == made(every=Unit.DAY)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "rrule FREQ: say DAILY, WEEKLY, MONTHLY or YEARLY; nothing else is understood."),
        ("FREQ=HOURLY", "rrule FREQ: say DAILY, WEEKLY, MONTHLY or YEARLY; nothing else is understood."),
        *(
            (f"FREQ=YEARLY;{part}=1", f"rrule {part}: Postbell has no such rule. Say it in another way.")
            for part in ("BYSETPOS", "BYWEEKNO", "BYYEARDAY", "BYEASTER", "TZID")
        ),
        ("FREQ=DAILY;BYSECOND=30", "rrule BYSECOND: a rule comes at whole minutes, once a minute at most."),
        ("FREQ=DAILY;FREQ=DAILY", "rrule FREQ: it is there twice. Once is enough."),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            "rrule WKST: weeks begin on Monday here; every n-th week would be",
        ),
        ("FREQ=MONTHLY;SKIP=FORWARD", "rrule SKIP: only OMIT and BACKWARD are understood."),
        ("FREQ=MONTHLY;RSCALE=CHINESE", "rrule RSCALE: only GREGORIAN is understood."),
        (
            "FREQ=YEARLY;BYDAY=20MO",
            "rrule BYDAY: Postbell counts weekdays within a month, not within a year.",
        ),
        ("FREQ=MONTHLY;BYDAY=0MO", 'rrule BYDAY: "0MO" is no weekday like MO, 2TU or -1FR.'),
        ("FREQ=MONTHLY;BYDAY=X", 'rrule BYDAY: "X" is no weekday like MO, 2TU or -1FR.'),
        ("FREQ=MONTHLY;BYMONTHDAY=first", 'rrule BYMONTHDAY: "FIRST" is no list of numbers.'),
        ("FREQ=DAILY;BYMINUTE=30", "rrule BYMINUTE: say of which hour: add BYHOUR."),
        ("FREQ=DAILY;COUNT=2;UNTIL=20271201", "rrule UNTIL: it does not go with COUNT. Give one of them."),
        ("FREQ=DAILY;UNTIL=soon", 'rrule UNTIL: "SOON" is not a time like 20261201T090000Z.'),
        ("FREQ=DAILY;UNTIL=20261301", 'rrule UNTIL: "20261301" is not a time like 20261201T090000Z.'),
        ("DTSTART:soon\nFREQ=DAILY", 'rrule DTSTART: "soon" is not a time like 20261201T090000.'),
        ("RRULE:FREQ=DAILY\nEXDATE:20261224T090000", "rrule EXDATE: only one RRULE is understood, and one"),
        (
            "FREQ=DAILY\nFREQ=DAILY",
            "rrule RRULE: only one RRULE is understood, and one DTSTART line before it.",
        ),
        (START + START + "FREQ=DAILY", "rrule DTSTART: only one RRULE is understood, and one DTSTART line"),
        (
            START + "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "rrule BYDAY: give weekdays or rrule BYMONTHDAY, not both.",
        ),
        (START + "FREQ=MONTHLY;BYMONTH=1", "rrule BYMONTH: months go with a yearly rule."),
        (START + "FREQ=MONTHLY;BYMONTHDAY=-31", 'rrule BYMONTHDAY: "-31" is no day of a month.'),
        (
            START + "FREQ=WEEKLY;BYDAY=2MO",
            "rrule BYDAY: only a monthly or yearly rule knows the n-th weekday.",
        ),
        (
            START + "FREQ=DAILY;BYHOUR=8,9",
            "rrule DTSTART: it is later than 08:00, the first time of that day.",
        ),
        (START + "FREQ=DAILY;COUNT=0", 'rrule COUNT: "0" is not a whole number from 1 to 100000.'),
        (START + "FREQ=DAILY;INTERVAL=x", 'rrule INTERVAL: "X" is not a whole number from 1 to 1000.'),
        (
            START + "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0;UNTIL=20261224T120000Z",
            "rrule UNTIL: it lies between two times of 2026-12-24. Give the last day alone.",
        ),
        (
            "DTSTART;TZID=Berlin:20261201T090000\nFREQ=DAILY",
            'rrule TZID: there is no time zone named "Berlin".',
        ),
    ],
)
def test_what_postbell_has_no_rule_for_is_refused_by_name(text: str, problem: str) -> None:
    assert refusal({"rrule": text})[0].startswith(problem)


def test_all_problems_of_an_rrule_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read_rrule("FREQ=HOURLY;BYSETPOS=1;BYDAY=X", where="--rrule")
    assert [problem.where for problem in caught.value.problems] == [
        "--rrule BYSETPOS",
        "--rrule FREQ",
        "--rrule BYDAY",
    ]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"every": Unit.DAY}, "RRULE:FREQ=DAILY"),
        (
            {"every": Unit.WEEK, "interval": 2, "weekdays": days(1, 3), "count": 10},
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=10",
        ),
        (
            {"every": Unit.MONTH, "weekdays": days(1, nth=1), "last": date(2027, 7, 1)},
            "RRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20270701T215959Z",
        ),
        (
            {"every": Unit.YEAR, "months": (1, 12), "days": (1, -1)},
            "RRULE:FREQ=YEARLY;BYMONTH=1,12;BYMONTHDAY=1,-1",
        ),
        ({"every": Unit.DAY, "times": NINE_AND_FIVE}, "RRULE:FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30"),
    ],
)
def test_a_rule_is_written_and_read_as_the_same(parts: dict[str, Any], text: str) -> None:
    rule = made(**parts)
    assert rrule_text(rule) == START + text
    assert read(rrule_text(rule)) == rule


def test_short_months_are_written_in_the_words_of_rfc_7529() -> None:
    moved = made(every=Unit.MONTH, days=(31,), zone="UTC", first=date(2027, 2, 1))
    text = "DTSTART:20270228T090000Z\nRRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD"
    assert rrule_text(moved) == text
    assert read(text) == replace(moved, first=date(2027, 2, 28))
    left_out = replace(moved, short_month=ShortMonth.SKIP)
    assert rrule_text(left_out) == "DTSTART:20270331T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=31"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (
            made(cron="0 9 * * *", times=()),
            "rrule: A cron line has no RRULE: the two combine days in different ways.",
        ),
        (
            made(every=Unit.DAY, times=(time(9), time(17, 30))),
            "rrule: An RRULE has the same minutes in every hour. Make one series for each time of day.",
        ),
        (
            made(every=Unit.MONTH, days=(1,), weekdays=days(0)),
            "rrule: An RRULE has no word for days of the month besides weekdays.",
        ),
        (
            made(every=Unit.DAY, count=2, last=date(2027, 1, 1)),
            "rrule: An RRULE ends on a day or after a number of times, not both.",
        ),
        (made(every=Unit.DAY, last=date(2026, 1, 1)), "rrule: The rule never comes."),
    ],
)
def test_a_rule_that_an_rrule_cannot_say_is_refused_with_the_reason(rule: Recurrence, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        rrule_text(rule)
    assert [str(found) for found in caught.value.problems] == [problem]


SOME: dict[str, Any] = {"min_size": 1, "max_size": 3, "unique": True}
NTH = st.builds(Weekday, day=st.integers(0, 6), nth=st.sampled_from([None, 1, 2, 3, 4, 5, -1, -2]))
MONTH_DAYS = st.lists(st.integers(1, 31) | st.integers(-28, -1), **SOME).map(tuple)
NTHS = st.lists(NTH, **SOME).map(tuple)
MONTHS = st.lists(st.integers(1, 12), **SOME).map(tuple)
TIMES = st.builds(
    lambda hours, minutes: tuple(sorted(time(hour, minute) for hour in hours for minute in minutes)),
    st.lists(st.integers(0, 23), **SOME),
    st.lists(st.integers(0, 59), **SOME),
)


def kind(every: Unit, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Recurrence]:
    return st.builds(
        Recurrence,
        every=st.just(every),
        interval=st.integers(1, 4),
        times=TIMES,
        zone=st.just("UTC"),
        first=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
        count=st.none() | st.integers(1, 30),
        short_month=st.just(ShortMonth.SKIP),
        **parts,
    )


WEEKDAYS = st.lists(st.builds(Weekday, day=st.integers(0, 6)), **SOME).map(tuple)
ANY = st.one_of(
    kind(Unit.DAY),
    kind(Unit.WEEK, weekdays=WEEKDAYS),
    kind(Unit.MONTH, days=MONTH_DAYS),
    kind(Unit.MONTH, weekdays=NTHS),
    kind(Unit.YEAR, days=MONTH_DAYS, months=MONTHS),
    kind(Unit.YEAR, weekdays=NTHS, months=MONTHS),
).filter(lambda rule: next(rule.occurrences(), None) is not None)


def times_of(rule: Recurrence) -> list[datetime]:
    return [occurrence.local for occurrence in islice(rule.occurrences(), 40)]


@settings(deadline=None)
@given(ANY)
def test_an_independent_reader_finds_the_same_times(rule: Recurrence) -> None:
    # Where one weekday comes every time and another as the n-th, that reader takes only what is both.
    assume(len({day.nth is None for day in rule.weekdays}) < 2)
    found = rrulestr(rrule_text(rule).replace("Z\n", "\n"))
    end = datetime(2045, 1, 1)  # noqa: DTZ001 - days that are rare take that reader long
    theirs = list(islice(takewhile(lambda at: at < end, found), 40))
    assert [at for at in times_of(rule) if at < end] == theirs


@settings(deadline=None)
@given(ANY)
def test_a_written_rule_is_read_with_the_same_times(rule: Recurrence) -> None:
    assert times_of(read(rrule_text(rule))) == times_of(rule)
