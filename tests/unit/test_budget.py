from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.budget import RetryBudget


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def asked(budget: RetryBudget, count: int, now: datetime = NOW, *, first: int = 0) -> list[float]:
    """Return the waits in seconds of so many that ask at once."""
    waits = [budget.ask(number, now) - now for number in range(first, first + count)]
    return [max(wait.total_seconds(), 0.0) for wait in waits]


def test_so_many_are_tried_at_once_and_the_others_one_after_the_other() -> None:
    assert asked(RetryBudget(6), 9) == [0.0] * 6 + [10.0, 20.0, 30.0]


def test_what_was_promised_a_time_is_let_through_then_and_not_counted_again() -> None:
    budget = RetryBudget(6)
    asked(budget, 9)
    assert budget.ask(6, after(4)) == after(10)
    assert budget.ask(6, after(10)) == after(10)
    assert asked(budget, 1, after(10), first=20) == [30.0]  # behind those that were promised theirs


def test_a_budget_that_is_not_used_fills_up_but_no_further() -> None:
    budget = RetryBudget(6)
    asked(budget, 6)
    assert asked(budget, 3, after(20), first=10) == [0.0, 0.0, 10.0]
    assert asked(budget, 7, after(1e6), first=20) == [0.0] * 6 + [10.0]


def test_after_a_step_back_of_the_clock_nothing_waits_for_the_step() -> None:
    budget = RetryBudget(6)
    asked(budget, 8)
    hour_ago = after(-3600)
    waits = asked(budget, 3, hour_ago)
    assert max(waits) <= 60.0
    assert asked(budget, 1, after(-3500), first=50) == [0.0]


def test_what_never_comes_for_its_time_is_forgotten() -> None:
    budget = RetryBudget(6)
    asked(budget, 20)
    asked(budget, 1, after(2 * 3600), first=99)
    assert budget._promised == {}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=80), st.integers(1, 30))
def test_no_minute_sees_more_than_twice_the_budget(steps: list[tuple[int, int]], most: int) -> None:
    budget, now, waiting, done = RetryBudget(most), NOW, set[int](), list[datetime]()
    for number, (gap, many) in enumerate(steps):
        now += timedelta(seconds=gap)
        waiting |= {number * 100 + each for each in range(many)}
        for each in sorted(waiting):
            if budget.ask(each, now) <= now:
                waiting.discard(each)
                done.append(now)
    for first in done:
        within = [at for at in done if first <= at < first + timedelta(minutes=1)]
        # What was promised a time may come late for it, together with others; the clock of this test jumps.
        assert len(within) <= 2 * most + 1
