from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pytest

from postbell.domain.recurrence import Occurrence, Recurrence, ShortMonth, Unit, Weekday


NINE = (time(9),)


def rule(every: Unit | None = Unit.DAY, *, zone: str = "Europe/Berlin", **rest: Any) -> Recurrence:
    rest = {"times": NINE, "first": date(2026, 11, 22), **rest}
    return Recurrence(every=every, zone=zone, **rest)


def days(given: Recurrence, number: int = 5) -> list[str]:
    return [one.key[:10] for one in islice(given.occurrences(), number)]


def shown(found: list[Occurrence]) -> list[str]:
    return [f"{one.key} {one.at:%d %H:%M}Z {one.local:%d %H:%M}" for one in found]


def test_a_time_of_day_stays_on_the_wall_when_the_clocks_change() -> None:
    found = list(islice(rule(first=date(2027, 3, 27)).occurrences(), 2))
    assert [one.at for one in found] == [
        datetime(2027, 3, 27, 8, tzinfo=UTC),
        datetime(2027, 3, 28, 7, tzinfo=UTC),
    ]
    assert [one.local.hour for one in found] == [9, 9]
    assert [one.note for one in found] == [None, None]


def test_every_nth_day_is_counted_from_the_first() -> None:
    assert days(rule(interval=3), 3) == ["2026-11-22", "2026-11-25", "2026-11-28"]


def test_several_times_of_a_day_come_in_order_and_each_once() -> None:
    given = rule(times=(time(18), time(9), time(9)))
    assert [one.key for one in islice(given.occurrences(), 3)] == [
        "2026-11-22T09:00",
        "2026-11-22T18:00",
        "2026-11-23T09:00",
    ]


def test_a_week_begins_on_monday_and_its_first_days_may_lie_before_the_first() -> None:
    weekdays = (Weekday(day=0), Weekday(day=6))
    # The 22nd is a Sunday: its week's Monday is over.
    given = rule(Unit.WEEK, interval=2, weekdays=weekdays)
    assert days(given, 4) == ["2026-11-22", "2026-11-30", "2026-12-06", "2026-12-14"]


@pytest.mark.parametrize(
    ("every", "wanted"),
    [
        (Unit.WEEK, ["2026-11-22", "2026-11-29"]),
        (Unit.MONTH, ["2026-11-22", "2026-12-22"]),
        (Unit.YEAR, ["2026-11-22", "2027-11-22"]),
    ],
)
def test_without_a_day_it_comes_on_that_of_the_first(every: Unit, wanted: list[str]) -> None:
    assert days(rule(every), 2) == wanted


def test_a_day_that_a_month_does_not_have_is_its_last_one_and_never_drifts() -> None:
    given = rule(Unit.MONTH, days=(31,), first=date(2027, 1, 31))
    assert days(given, 4) == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]


def test_a_day_that_a_month_does_not_have_is_skipped_by_choice() -> None:
    given = rule(Unit.MONTH, days=(31,), first=date(2027, 1, 31), short_month=ShortMonth.SKIP)
    assert days(given, 3) == ["2027-01-31", "2027-03-31", "2027-05-31"]


def test_two_days_that_a_short_month_makes_one_come_once() -> None:
    given = rule(Unit.MONTH, days=(28, 29, 31, -1), first=date(2027, 2, 1))
    assert days(given, 4) == ["2027-02-28", "2027-03-28", "2027-03-29", "2027-03-31"]


def test_days_may_be_counted_from_the_end_of_the_month() -> None:
    assert days(rule(Unit.MONTH, days=(-2,), first=date(2027, 2, 1)), 2) == ["2027-02-27", "2027-03-30"]


@pytest.mark.parametrize(
    ("short", "wanted"), [(ShortMonth.LAST, "2027-02-01"), (ShortMonth.SKIP, "2027-03-01")]
)
def test_a_day_before_the_beginning_of_a_short_month_is_its_first_or_none(
    short: ShortMonth, wanted: str
) -> None:
    assert days(rule(Unit.MONTH, days=(-31,), first=date(2027, 2, 1), short_month=short), 1) == [wanted]


@pytest.mark.parametrize(
    ("weekday", "wanted"),
    [
        (Weekday(day=1, nth=2), ["2026-12-08", "2027-01-12"]),
        (Weekday(day=4, nth=-1), ["2026-11-27", "2026-12-25"]),
        (Weekday(day=4, nth=-5), ["2027-01-01", "2027-04-02"]),
        (Weekday(day=0, nth=5), ["2026-11-30", "2027-03-29"]),
        (Weekday(day=6), ["2026-11-22", "2026-11-29"]),
    ],
)
def test_a_month_has_an_nth_weekday_from_either_end_or_every_one(weekday: Weekday, wanted: list[str]) -> None:
    assert days(rule(Unit.MONTH, weekdays=(weekday,)), 2) == wanted


def test_days_and_weekdays_of_a_month_add_up() -> None:
    given = rule(Unit.MONTH, days=(1,), weekdays=(Weekday(day=1, nth=2),))
    assert days(given, 4) == ["2026-12-01", "2026-12-08", "2027-01-01", "2027-01-12"]


def test_every_nth_month_is_counted_from_that_of_the_first() -> None:
    assert days(rule(Unit.MONTH, interval=5, days=(1,)), 3) == ["2027-04-01", "2027-09-01", "2028-02-01"]


def test_a_rule_by_the_year_comes_in_its_months() -> None:
    given = rule(Unit.YEAR, interval=2, months=(6, 2), days=(30,))
    assert days(given, 3) == ["2028-02-29", "2028-06-30", "2030-02-28"]


def test_29_february_comes_in_leap_years_alone_by_choice() -> None:
    given = rule(Unit.YEAR, first=date(2096, 2, 29), short_month=ShortMonth.SKIP)
    assert days(given, 2) == ["2096-02-29", "2104-02-29"]


@pytest.mark.parametrize("weekday", ["0", "7", "SUN"])
def test_a_cron_line_calls_sunday_0_or_7(weekday: str) -> None:
    assert days(rule(None, cron=f"0 9 * * {weekday}"), 2) == ["2026-11-22", "2026-11-29"]


def test_a_cron_line_may_begin_with_the_first_minute_of_the_first_day() -> None:
    found = next(rule(None, cron="*/15 * * * *").occurrences())
    assert found.key == "2026-11-22T00:00"


def test_a_cron_line_follows_our_policy_for_the_clocks() -> None:
    given = rule(None, cron="30 2 * * *", first=date(2027, 3, 28))
    assert shown([next(given.occurrences())]) == ["2027-03-28T02:30 28 01:30Z 28 03:30"]
    given = replace(given, first=date(2027, 10, 31))
    assert shown(list(islice(given.occurrences(), 2))) == [
        "2027-10-31T02:30 31 00:30Z 31 02:30",
        "2027-11-01T02:30 01 01:30Z 01 02:30",
    ]


def test_a_time_that_the_clocks_leave_out_moves_forward_by_the_gap_past_later_ones() -> None:
    given = rule(times=(time(2, 30), time(3), time(4)), first=date(2027, 3, 28))
    found = list(islice(given.occurrences(), 3))
    assert shown(found) == [
        "2027-03-28T03:00 28 01:00Z 28 03:00",
        "2027-03-28T02:30 28 01:30Z 28 03:30",
        "2027-03-28T04:00 28 02:00Z 28 04:00",
    ]
    assert [one.note for one in found] == [
        None,
        "02:30 does not exist on that day in Europe/Berlin; moved to 03:30",
        None,
    ]


def test_of_two_times_on_one_instant_the_one_whose_own_time_it_is_remains() -> None:
    given = rule(times=(time(2, 30), time(3, 30)), first=date(2027, 3, 28), last=date(2027, 3, 28))
    assert shown(list(given.occurrences())) == ["2027-03-28T03:30 28 01:30Z 28 03:30"]


def test_a_moved_time_comes_even_if_it_is_the_last() -> None:
    given = rule(times=(time(2, 30),), first=date(2027, 3, 28), last=date(2027, 3, 28))
    assert shown(list(given.occurrences())) == ["2027-03-28T02:30 28 01:30Z 28 03:30"]


def test_a_doubled_hour_counts_once_the_first() -> None:
    given = rule(times=(time(2, 30),), first=date(2026, 10, 25), count=2)
    found = list(given.occurrences())
    assert shown(found) == ["2026-10-25T02:30 25 00:30Z 25 02:30", "2026-10-26T02:30 26 01:30Z 26 02:30"]
    assert found[0].note == "02:30 comes twice on that day in Europe/Berlin; this is the first"


def test_a_day_that_a_zone_has_lost_falls_on_the_next_one() -> None:
    given = rule(Unit.MONTH, days=(30,), first=date(2011, 12, 1), zone="Pacific/Apia")
    assert shown([next(given.occurrences())]) == ["2011-12-30T09:00 30 19:00Z 31 09:00"]
    # Every day: the 31st has that time already.
    assert days(rule(first=date(2011, 12, 29), zone="Pacific/Apia"), 3) == [
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


def test_the_last_day_belongs_to_it() -> None:
    assert days(rule(last=date(2026, 11, 23))) == ["2026-11-22", "2026-11-23"]
    assert days(rule(None, cron="0 9 * * *", last=date(2026, 11, 23))) == ["2026-11-22", "2026-11-23"]


def test_the_count_is_of_the_times_that_the_rule_says() -> None:
    given = rule(times=(time(2, 30), time(3, 30)), first=date(2027, 3, 28), count=3)
    # 02:30 and 03:30 of the first day are one instant, and count as two.
    assert [one.key for one in given.occurrences()] == ["2027-03-28T03:30", "2027-03-29T02:30"]


@pytest.mark.parametrize("every", list(Unit))
def test_a_rule_ends_with_the_calendar(every: Unit) -> None:
    for zone in ("America/New_York", "Asia/Tokyo"):
        given = rule(every, first=date(9998, 12, 31), times=(time(23, 30),), zone=zone)
        *_, latest = given.occurrences()
        assert latest.key >= "9998-12-31T23:30"
        assert list(given.occurrences(latest.at)) == []


def test_a_cron_line_ends_with_the_calendar() -> None:
    given = rule(None, cron="0 9 * * *", first=date(9999, 12, 30))
    assert days(given) == ["9999-12-30", "9999-12-31"]


def test_a_rule_that_never_comes_is_empty_and_not_endless() -> None:
    never = rule(Unit.YEAR, months=(2,), days=(30,), short_month=ShortMonth.SKIP)
    assert days(never) == []


def test_only_those_after_an_instant_come() -> None:
    nine = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert next(rule().occurrences(nine)).key == "2026-11-24T09:00"
    assert next(rule().occurrences(nine - timedelta(microseconds=1))).key == "2026-11-23T09:00"
    assert list(rule().occurrences(datetime.max.replace(tzinfo=UTC))) == []
    assert next(rule().occurrences(datetime.min.replace(tzinfo=UTC))).key == "2026-11-22T09:00"
