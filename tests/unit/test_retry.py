from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.retry import RetryPolicy


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICY = RetryPolicy(most_tries=10, base=timedelta(seconds=10), cap=timedelta(minutes=5))


def wait(tries: int, chance: float) -> float:
    at = POLICY.next_try(tries, now=NOW, chance=chance)
    assert at is not None
    return (at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("tries", "longest"), [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (9, 300)]
)
def test_the_wait_doubles_with_every_try_up_to_the_cap(tries: int, longest: float) -> None:
    assert wait(tries, 0.5) == longest / 2
    assert wait(tries, 0.75) == longest * 3 / 4


def test_a_delivery_that_was_not_tried_waits_like_one_that_was() -> None:
    assert wait(0, 0.5) == wait(1, 0.5)


@pytest.mark.parametrize("tries", [10, 11, 10_000])
def test_after_the_last_try_there_is_none(tries: int) -> None:
    assert POLICY.next_try(tries, now=NOW, chance=0.5) is None


def test_very_many_tries_do_not_overflow() -> None:
    patient = RetryPolicy(most_tries=10**9)
    at = patient.next_try(10**8, now=NOW, chance=0.5)
    assert at == NOW + patient.cap / 2


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_drawn_evenly_from_nothing_up_to_the_longest(tries: int, chance: float) -> None:
    longest = min(300, 10 * 2 ** (tries - 1))
    assert wait(tries, chance) == pytest.approx(longest * chance, abs=1e-6)
