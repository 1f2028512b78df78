"""Asking for what comes after an instant gives what a walk from the beginning gives, without the walk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.recurrence import Recurrence, Unit, Weekday
from support.rules import sample


LATE = datetime(2036, 5, 1, tzinfo=UTC)


@given(seed=st.integers(0, 2**32), back=st.integers(0, 60 * 24 * 40))
def test_after_an_instant_comes_what_a_walk_from_the_beginning_gives(seed: int, back: int) -> None:
    drawn = sample(Random(seed))
    after = drawn.after - timedelta(minutes=back)
    until = after + timedelta(days=60)
    near = max(drawn.rule.first, after.date() - timedelta(days=60))
    rule = replace(drawn.rule, first=near)
    walked = takewhile(lambda one: one.at <= until, rule.occurrences())
    sought = takewhile(lambda one: one.at <= until, rule.occurrences(after))
    assert list(sought) == [one for one in walked if one.at > after]


@given(seed=st.integers(0, 2**32))
def test_each_is_what_comes_after_the_one_before(seed: int) -> None:
    drawn = sample(Random(seed))
    found = list(islice(drawn.rule.occurrences(drawn.after), 6))
    for one, following in pairwise(found):
        assert next(drawn.rule.occurrences(one.at)) == following


@dataclass(frozen=True, kw_only=True)
class Counting(Recurrence):
    """Counts the days, weeks, months or years that it looks into."""

    looks: list[int] = field(default_factory=list)

    def _days_in(self, number: int) -> list[date]:
        self.looks.append(number)
        return super()._days_in(number)


@pytest.mark.parametrize("count", [None, 1_000_000])
@pytest.mark.parametrize("every", list(Unit))
def test_a_rule_begun_in_2000_and_asked_for_2036_does_not_walk_36_years(
    every: Unit, count: int | None
) -> None:
    rule = Counting(every=every, times=(time(9),), zone="Europe/Berlin", first=date(2000, 1, 1), count=count)
    found = next(rule.occurrences(LATE))
    assert found.at > LATE
    # With a count, a rule by the month or year is counted, month by month at most.
    counted = count is not None and every in (Unit.MONTH, Unit.YEAR)
    assert len(rule.looks) <= (12 * 37 + 2 if counted else 8)


def test_a_cron_line_begins_its_search_near_the_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    from cronsim import CronSim

    starts = []

    def search(line: str, start: datetime) -> Iterator[datetime]:
        starts.append(start)
        return CronSim(line, start)

    monkeypatch.setattr("postbell.domain.recurrence.CronSim", search)
    rule = Recurrence(cron="0 9 * * 1", zone="Europe/Berlin", first=date(2000, 1, 1))
    assert next(rule.occurrences(LATE)).key == "2036-05-05T09:00"
    assert starts == [datetime(2036, 4, 28, 23, 59, 59)]  # noqa: DTZ001


@pytest.mark.parametrize(
    "rule",
    [
        Recurrence(
            every=Unit.DAY, interval=3, times=(time(9), time(18)), zone="UTC", first=date(2020, 2, 28)
        ),
        Recurrence(
            every=Unit.WEEK,
            interval=2,
            weekdays=(Weekday(day=0), Weekday(day=2), Weekday(day=6)),
            times=(time(9), time(18)),
            zone="UTC",
            first=date(2020, 2, 26),
        ),
        Recurrence(every=Unit.MONTH, days=(1, 31), times=(time(9),), zone="UTC", first=date(2020, 2, 26)),
        Recurrence(cron="0 9 * * 1,3", zone="UTC", first=date(2020, 2, 26)),
    ],
)
def test_a_count_holds_wherever_one_begins_to_look(rule: Recurrence) -> None:
    rule = replace(rule, count=20)
    everything = list(rule.occurrences())
    assert len(everything) == 20
    for day in range(800):
        after = datetime(2020, 2, 20, tzinfo=UTC) + timedelta(days=day)
        assert list(rule.occurrences(after)) == [one for one in everything if one.at > after]


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    rule = Counting(every=Unit.DAY, times=(time(9),), zone="UTC", first=date(2000, 1, 1))
    found = rule.occurrences()
    assert rule.looks == []
    next(found)
    assert len(rule.looks) == 1
