from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbell.domain.day_words import weekday_text
from postbell.domain.recurrence import Recurrence, Unit, Weekday
from postbell.domain.repeat_words import recurrence_from, recurrence_words
from postbell.errors import Invalid


BERLIN = ZoneInfo("Europe/Berlin")
#: A Tuesday.
TODAY = date(2026, 12, 1)
NAMES = (
    "repeat, interval, days_of_week, days, months, times, short_month, cron, rrule, timezone, start_date, "
    "end_date, occurrences"
)
BERLINS = "Europe/Berlin or Europe/Belfast or Europe/Helsinki?"
DAILY = {"repeat": "daily", "times": "09:00"}
WEEKLY = {"repeat": "weekly", "times": "09:00"}
MONTHLY = {"repeat": "monthly", "times": "09:00"}
YEARLY = {"repeat": "yearly", "times": "09:00"}


def rule(words: dict[str, Any], **more: Any) -> Recurrence:
    return recurrence_from({**words, **more}, zone=BERLIN, today=TODAY)


def refusal(words: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        rule(words, **more)
    return [str(problem) for problem in caught.value.problems]


def days(*numbers: int, nth: int | None = None) -> tuple[Weekday, ...]:
    return tuple(Weekday(day=day, nth=nth) for day in numbers)


def test_the_words_of_publer_make_a_rule() -> None:
    publer = {
        "repeat": "weekly",
        "repeat_rate": 2,
        "days_of_week": [0, 3],
        "start_date": "2026-12-01T17:30:00",
        "end_date": "2027-03-01",
    }
    assert rule(publer) == Recurrence(
        every=Unit.WEEK,
        interval=2,
        weekdays=days(0, 3),
        times=(time(17, 30),),
        zone="Europe/Berlin",
        first=date(2026, 12, 1),
        last=date(2027, 3, 1),
    )


def test_the_other_words_mean_the_same() -> None:
    words = {
        "frequency": "Week",
        "repeat_every": "2",
        "weekdays": "mon,thu",
        "time": "5:30pm",
        "start": date(2026, 12, 1),
        "until": "2027-03-01",
        "expire_count": "10",
        "tz": "Asia/Tokyo",
    }
    meant = rule(words)
    assert meant.zone == "Asia/Tokyo"
    assert meant.count == 10
    options: dict[str, Any] = {
        "--repeat": "weeks",
        "--interval": 2,
        "--days-of-week": ("mon", "thu"),
        "--at": ["17:30"],
    }
    options |= {"start_date": "2026-12-01", "end": "2027-03-01", "count": 10, "zone": "Asia/Tokyo"}
    assert rule(options) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("mon", (0,)),
        ("Monday, TUES", (0, 1)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("weekday", (0, 1, 2, 3, 4)),
        ("weekend", (5, 6)),
        ("sat-mon", (0, 5, 6)),
        ("0-2,6", (0, 1, 2, 6)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
        ("mon-fri,mon", (0, 1, 2, 3, 4)),
        (["6", 2], (2, 6)),
        (4, (4,)),
    ],
)
def test_days_of_the_week_are_numbers_names_and_ranges(text: Any, meant: tuple[int, ...]) -> None:
    assert rule(WEEKLY, days_of_week=text).weekdays == days(*meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2nd tue", Weekday(day=1, nth=2)),
        ("last fri", Weekday(day=4, nth=-1)),
        ("first Monday", Weekday(day=0, nth=1)),
        ("2nd last sun", Weekday(day=6, nth=-2)),
        ("5th wed", Weekday(day=2, nth=5)),
        ("sun", Weekday(day=6)),
    ],
)
def test_a_month_has_nth_weekdays(text: str, meant: Weekday) -> None:
    assert rule(MONTHLY, days_of_week=text).weekdays == (meant,)


def test_days_of_a_month_count_from_either_end() -> None:
    assert rule(MONTHLY, days="last, 15, 1, 2nd last, 15").days == (1, 15, -2, -1)
    assert rule(MONTHLY, days=[31, -1, "10", "last day"]).days == (10, 31, -1)


def test_months_are_numbers_or_names() -> None:
    assert rule(YEARLY, months=["dec", 1, "sept", "4"], days=1).months == (1, 4, 9, 12)


def test_times_of_day_come_in_order() -> None:
    times = (time(0), time(9), time(12), time(17, 30))
    assert rule(DAILY, times=["5:30pm, noon", time(9), "00:00"]).times == times


def test_a_rule_without_days_comes_on_that_of_its_start() -> None:
    assert rule(WEEKLY).weekdays == days(1)
    assert rule(MONTHLY, start="2026-12-31").days == (31,)
    yearly = rule(YEARLY, start="2027-02-03")
    assert (yearly.months, yearly.days) == ((2,), (3,))
    assert rule(YEARLY, months="feb").days == (1,)


def test_what_is_none_or_empty_is_not_said() -> None:
    assert rule(DAILY, days_of_week=(), months=[], cron=None) == rule(DAILY)


def test_a_time_with_an_offset_is_read_on_the_clocks_of_the_zone() -> None:
    meant = rule({"repeat": "daily", "start": "2026-12-01T23:30:00Z"})
    assert (meant.first, meant.times) == (date(2026, 12, 2), (time(0, 30),))


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2026-12-24 17:30", date(2026, 12, 24)),
        ("2026-12-24T16:30:00Z", date(2026, 12, 24)),
        (datetime(2026, 12, 24, 16, 30, tzinfo=UTC), date(2026, 12, 24)),
        ("2026-12-24 08:59", date(2026, 12, 23)),
    ],
)
def test_an_end_with_a_time_means_the_last_whole_day(end: Any, last: date) -> None:
    assert rule(DAILY, times="09:00,17:30", end=end).last == last


def test_an_end_between_two_times_of_a_day_is_refused() -> None:
    assert refusal(DAILY, times="09:00,17:30", end="2026-12-24 12:00") == [
        "end: it lies between two times of 2026-12-24. Give the last day alone."
    ]


def test_a_cron_line_says_the_rule() -> None:
    meant = rule({"cron": " 0  9 * * mon-fri "}, count=3)
    assert meant == Recurrence(cron="0 9 * * mon-fri", zone="Europe/Berlin", first=TODAY, count=3)


def test_a_cron_line_says_all_but_the_span() -> None:
    assert refusal(WEEKLY, cron="0 9 * * *", start="2026-12-01 10:00", end="2026-12-03 10:00") == [
        "repeat: it does not go with cron, which says the rule.",
        "times: it does not go with cron, which says the rule.",
        "start: a cron line says the time of day. Give the day alone.",
        "end: a cron line says the time of day. Give the last day alone.",
    ]


def test_all_problems_are_told_at_once_in_the_words_of_the_user() -> None:
    assert refusal(
        {
            "frequency": "hourly",
            "repeat_every": 0,
            "weekdays": "mon,7,funday",
            "days": "0,32,-29,2nd",
            "months": "13,x",
            "time": ["9", "09:00:30"],
            "tz": "Europe/Berln",
            "start": "soon",
            "end": "2026-02-30",
            "count": 0,
            "short_month": "first",
            "freqency": 1,
            "colour": 1,
            "expire_count": 2,
        }
    ) == [
        "freqency: there is no such word. Did you mean frequency?",
        f"colour: there is no such word. There are: {NAMES}.",
        "expire_count: this says the same as count. Give one of them.",
        'tz: there is no time zone named "Europe/Berln". Did you mean ' + BERLINS,
        'start: "soon" is not a date like 2026-12-01, nor a time like 2026-12-01 09:00.',
        'count: "0" is not a whole number from 1 to 100000.',
        'frequency: "hourly" is none of daily, weekly, monthly, yearly, day, week, month, year.',
        'repeat_every: "0" is not a whole number from 1 to 1000.',
        'weekdays: "7" is no weekday. Say mon to sun, or 0 (Monday) to 6 (Sunday).',
        'weekdays: "funday" is no weekday. Say mon to sun, or 0 (Monday) to 6 (Sunday).',
        'days: "0" is no day of a month. Say 1 to 31, or -1 (the last) to -28.',
        'days: "32" is no day of a month. Say 1 to 31, or -1 (the last) to -28.',
        'days: "-29" is no day of a month. Say 1 to 31, or -1 (the last) to -28.',
        'months: "13" is no month. Say jan to dec, or 1 to 12.',
        'months: "x" is no month. Say jan to dec, or 1 to 12.',
        'short_month: "first" is none of last, skip.',
        'time: "9" is not a time of day: it has none of the accepted forms. Say it like 09:00 or 9am.',
        'time: "09:00:30" has seconds. A rule comes at whole minutes, once a minute at most.',
        'end: "2026-02-30" is not a date like 2026-12-01, nor a time like 2026-12-01 09:00.',
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({}, "repeat: say how often: daily, weekly, monthly or yearly. Or give cron or rrule."),
        (DAILY | {"weekdays": "mon"}, "weekdays: a daily rule has no weekdays. Say that it repeats weekly."),
        (WEEKLY | {"weekdays": "2nd tue"}, "weekdays: only a monthly or yearly rule knows the n-th weekday."),
        (DAILY | {"days": 1}, "days: days of a month go with a monthly or yearly rule."),
        (WEEKLY | {"days": 1}, "days: days of a month go with a monthly or yearly rule."),
        (
            WEEKLY | {"short_month": "skip"},
            "short_month: days of a month go with a monthly or yearly rule.",
        ),
        (MONTHLY | {"months": 1}, "months: months go with a yearly rule."),
        (YEARLY | {"days": 1}, "months: say in which months of the year, for example months = jan,jul."),
        (MONTHLY | {"days": 1, "weekdays": "mon"}, "weekdays: give weekdays or days, not both."),
        ({"repeat": "daily"}, "times: say at what time of day, for example times = 09:00."),
        (DAILY | {"times": "9am,09:00"}, "times: 09:00 is there twice. Once is enough."),
        (DAILY | {"times": 9}, 'times: "9" is not a time of day: it has none of the accepted forms.'),
        (DAILY | {"times": "25:00"}, 'times: "25:00" is not a time of day: there is no 25:00 on a clock.'),
        (
            {"repeat": "daily", "start": "2026-12-01 09:00:30"},
            'start: "09:00:30" has seconds. A rule comes at whole minutes, once a minute at most.',
        ),
        (
            DAILY | {"start": "2026-12-01 12:00"},
            "start: it is later than 09:00, the first time of that day. Give the day alone.",
        ),
        (DAILY | {"start": "0001-01-01"}, 'start: "0001-01-01" is too far away. Years go from 1970 to 2999.'),
        (DAILY | {"interval": True}, 'interval: "True" is not a whole number from 1 to 1000.'),
        (DAILY | {"interval": "9" * 99}, f'interval: "{"9" * 80}" is not a whole number from 1 to 1000.'),
        (MONTHLY | {"days": "2nd and 3rd"}, 'days: "2nd and 3rd" is no day of a month.'),
        (MONTHLY | {"days": "nth last"}, 'days: "nth last" is no day of a month.'),
        (MONTHLY | {"weekdays": "6th tue"}, 'weekdays: "6th tue" is no day of a month.'),
        (MONTHLY | {"weekdays": "some tue"}, 'weekdays: "some tue" is no day of a month.'),
        (WEEKLY | {"weekdays": [None]}, 'weekdays: "None" is no weekday.'),
        (WEEKLY | {"weekdays": "mo"}, 'weekdays: "mo" is no weekday.'),
        (WEEKLY | {"weekdays": "mon-"}, 'weekdays: "" is no weekday.'),
        (DAILY | {"end": "2026-11-30"}, "end: it ends before it starts, on 2026-12-01."),
        (
            MONTHLY | {"days": 31, "end": "2026-12-30"},
            "end: it ends before it comes for the first time, on 2026-12-31.",
        ),
        (
            YEARLY | {"days": 31, "months": "feb", "short_month": "skip"},
            "days: it never comes: there is no such day in these months.",
        ),
        (
            YEARLY | {"weekdays": "5th mon", "months": 2, "interval": 100, "start": "2027-01-01"},
            "weekdays: it never comes: there is no such day in these months.",
        ),
        (
            YEARLY | {"months": 2, "short_month": "skip", "start": "2026-12-31"},
            "short_month: it never comes: there is no such day in these months.",
        ),
    ],
)
def test_a_bad_rule_is_refused(words: dict[str, Any], problem: str) -> None:
    assert refusal(words)[0].startswith(problem)


def test_a_rule_that_never_comes_is_told_with_its_other_problems() -> None:
    assert refusal({"repeat": "yearly", "months": 2, "days": 30, "short_month": "skip", "tz": "?"}) == [
        'tz: there is no time zone named "?". Give an IANA name like Europe/Berlin or UTC.',
        "days: it never comes: there is no such day in these months.",
        "times: say at what time of day, for example times = 09:00.",
    ]


def test_an_end_before_the_start_is_told_with_the_other_problems() -> None:
    assert refusal(DAILY, end="2026-11-30", count=-1) == [
        'count: "-1" is not a whole number from 1 to 100000.',
        "end: it ends before it starts, on 2026-12-01.",
    ]


def test_an_end_is_not_measured_by_a_start_that_cannot_be_read() -> None:
    assert len(refusal(DAILY, start="soon", end="2026-11-30")) == 1


def test_the_words_of_a_rule_are_plain_values() -> None:
    meant = rule(MONTHLY, weekdays="2nd tue,last fri", end="2027-12-31", count=9, short_month="skip")
    assert recurrence_words(meant) == {
        "repeat": "monthly",
        "days_of_week": ["2nd tue", "last fri"],
        "times": ["09:00"],
        "short_month": "skip",
        "timezone": "Europe/Berlin",
        "start_date": "2026-12-01",
        "end_date": "2027-12-31",
        "occurrences": 9,
    }
    assert recurrence_words(rule({"cron": "0 9 * * *"})) == {
        "cron": "0 9 * * *",
        "timezone": "Europe/Berlin",
        "start_date": "2026-12-01",
    }


SOME: dict[str, Any] = {"min_size": 1, "max_size": 4, "unique": True}
WEEKDAYS = st.lists(st.integers(0, 6), **SOME)
MONTH_DAYS = st.lists(st.integers(1, 31) | st.integers(-28, -1), **SOME)
NTH = st.builds(Weekday, day=st.integers(0, 6), nth=st.sampled_from([None, 1, 2, 3, 4, 5, -1, -2, -5]))
NTHS = st.lists(NTH.map(weekday_text), **SOME)
MONTHS = st.lists(st.integers(1, 12), **SOME)
SHORT = st.sampled_from(["last", "skip"])
SPANS = {
    "times": st.lists(st.builds(time, st.integers(0, 23), st.integers(0, 59)), **SOME),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]),
    "start_date": st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    "end_date": st.none() | st.dates(date(2051, 1, 1), date(2090, 1, 1)),
    "occurrences": st.none() | st.integers(1, 99),
}


def kind(name: str, **words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    interval = st.integers(1, 5)
    return st.fixed_dictionaries({"repeat": st.just(name), "interval": interval, **words, **SPANS})


ANY = st.one_of(
    kind("daily"),
    kind("weekly", days_of_week=WEEKDAYS),
    kind("monthly", days=MONTH_DAYS, short_month=SHORT),
    kind("monthly", days_of_week=NTHS),
    kind("yearly", days=MONTH_DAYS, months=MONTHS),
    kind("yearly", days_of_week=NTHS, months=MONTHS),
)


@settings(deadline=None)
@given(ANY)
def test_the_words_of_a_rule_make_the_same_rule(words: dict[str, Any]) -> None:
    meant = rule(words)
    stored = json.loads(json.dumps(recurrence_words(meant)))
    assert recurrence_from(stored, zone=ZoneInfo("Asia/Tokyo"), today=date(2000, 1, 1)) == meant


def test_the_words_of_a_cron_rule_make_the_same_rule() -> None:
    meant = rule({"cron": "*/5 9 l * *"}, count=3, end="2027-12-31")
    assert rule(recurrence_words(meant)) == meant
