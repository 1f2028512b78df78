from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.queue_order import insert_first, reordered, shuffled
from postbell.errors import Invalid, Problem


def slot(number: int) -> datetime:
    return datetime(2026, 11, 23, 9, 0, tzinfo=UTC) + timedelta(hours=number)


def queue(**numbers: int) -> list[tuple[str, datetime]]:
    return [(name, slot(number)) for name, number in numbers.items()]


def at(**numbers: int) -> dict[str, datetime]:
    return dict(queue(**numbers))


QUEUES = st.sets(st.integers(0, 40), max_size=20).map(
    lambda numbers: [(f"p{number}", slot(number)) for number in sorted(numbers, key=lambda n: (n * 7) % 41)]
)


def in_order(places: Sequence[tuple[str, datetime]]) -> list[str]:
    return [name for name, _ in sorted(places, key=lambda item: item[1])]


def test_the_first_slot_is_taken_and_the_others_move_down() -> None:
    assert insert_first("new", queue(b=2, a=1), map(slot, count(1))) == at(new=1, a=2, b=3)


def test_what_is_queued_behind_a_free_slot_stays() -> None:
    assert insert_first("new", queue(a=1, b=3), map(slot, count(1))) == at(new=1, a=2)


def test_a_free_first_slot_moves_nothing() -> None:
    assert insert_first("new", queue(a=2), map(slot, count(1))) == at(new=1)


def test_a_slot_that_something_else_has_taken_is_passed_over() -> None:
    assert insert_first("new", queue(a=1, b=3), map(slot, [1, 3, 5])) == at(new=1, a=3, b=5)


def test_what_is_queued_outside_of_the_slots_stays() -> None:
    assert insert_first("new", queue(old=0, a=1), map(slot, count(1))) == at(new=1, a=2)


def test_what_is_queued_already_leaves_its_own_slot_free() -> None:
    assert insert_first("c", queue(a=1, b=2, c=3, d=4), map(slot, count(1))) == at(c=1, a=2, b=3)


@pytest.mark.parametrize("slots", [[], [1], [1, 2]])
def test_without_a_free_slot_it_is_refused(slots: list[int]) -> None:
    with pytest.raises(Invalid, match="no free slot"):
        insert_first("new", queue(a=1, b=2), map(slot, slots))


@given(QUEUES, st.integers(0, 45))
def test_the_order_of_what_was_queued_is_kept_and_no_slot_is_taken_twice(
    queued: list[tuple[str, datetime]], first: int
) -> None:
    after = {**dict(queued), **insert_first("new", queued, map(slot, count(first)))}
    assert after["new"] == slot(first)
    assert len(set(after.values())) == len(queued) + 1
    assert [name for name in in_order(list(after.items())) if name != "new"] == in_order(queued)


def test_what_is_named_comes_first_and_the_others_follow() -> None:
    assert reordered(["d", "b"], queue(c=5, a=1, b=2, d=9)) == at(d=1, b=2, a=5, c=9)
    assert reordered([], queue(b=2, a=1)) == at(a=1, b=2)


def test_names_that_are_not_queued_or_come_twice_are_told_at_once() -> None:
    with pytest.raises(Invalid) as error:
        reordered(["x", "a", "a", "y"], queue(a=1, b=2))
    assert error.value.problems == (
        Problem(where="x", message="it is not in the queue."),
        Problem(where="y", message="it is not in the queue."),
        Problem(where="a", message="it is named twice; name it once."),
    )


@given(QUEUES, st.randoms(use_true_random=False))
def test_another_order_keeps_the_slots(queued: list[tuple[str, datetime]], random: Random) -> None:
    names = random.sample([name for name, _ in queued], k=len(queued) // 2)
    for places in (reordered(names, queued), shuffled(queued, random)):
        assert sorted(places.values()) == sorted(at for _, at in queued)
        assert sorted(places) == sorted(name for name, _ in queued)


def test_the_same_seed_shuffles_alike() -> None:
    queued = queue(a=1, b=2, c=3, d=4, e=5)
    assert shuffled(queued, Random(7)) == shuffled(list(reversed(queued)), Random(7))
    assert in_order(list(shuffled(queued, Random(7)).items())) == list("cdeab")


def test_each_order_is_as_likely_as_another() -> None:
    random = Random(1)
    orders = Counter(
        "".join(in_order(list(shuffled(queue(a=1, b=2, c=3), random).items()))) for _ in range(6000)
    )
    assert len(orders) == 6
    assert all(850 < times < 1150 for times in orders.values())


def test_a_queue_of_none_or_one_is_shuffled_too() -> None:
    assert shuffled([], Random(1)) == {}
    assert shuffled(queue(a=1), Random(1)) == at(a=1)
