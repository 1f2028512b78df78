from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.library import Filler, Piece, choose, fill
from postbell.domain.recycling import Gap, GapUnit, Recycling


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def piece(
    name: str, *, gap: int = 24, first: datetime = NOW, count: int | None = None, used: datetime | None = None
) -> Piece:
    rule = Recycling(
        gap=Gap(count=gap, unit=GapUnit.HOURS),
        first=first.replace(tzinfo=None),
        zone="UTC",
        count=count,
        library="tips",
    )
    return Piece(series_id=name, rule=rule, uses=0 if used is None else 1, last_use=used)


def chosen(*pieces: Piece, when: datetime = NOW, cooldown_until: datetime | None = None) -> str | None:
    found = choose(pieces, when, cooldown_until=cooldown_until)
    return found.series_id if found else None


def filled(
    slots: list[datetime], *pieces: Piece, cooldown: timedelta | None = None
) -> list[tuple[datetime, str]]:
    fillers = {1: Filler(pieces=pieces, cooldown=cooldown)}
    return [(slot, used.series_id) for slot, _, used in fill([(slot, 1) for slot in slots], fillers)]


def test_the_piece_least_recently_used_is_taken() -> None:
    assert chosen(piece("a", used=at(-30)), piece("b", used=at(-50)), piece("c", used=at(-40))) == "b"


def test_a_piece_that_was_never_used_comes_first() -> None:
    assert chosen(piece("a", used=at(-5000)), piece("b")) == "b"


def test_among_equals_the_order_decides() -> None:
    assert chosen(piece("b"), piece("a")) == "b"
    assert chosen(piece("b", used=at(-30)), piece("a", used=at(-30))) == "b"


def test_a_piece_whose_gap_is_not_over_waits() -> None:
    assert chosen(piece("a", used=at(-23.9))) is None
    assert chosen(piece("a", used=at(-24))) == "a"


def test_a_piece_that_is_to_be_used_later_is_not_used_before() -> None:
    assert chosen(piece("a", used=at(2))) is None


def test_a_piece_is_not_used_before_it_begins() -> None:
    assert chosen(piece("a", first=at(1))) is None
    assert chosen(piece("a", first=at(1)), when=at(1)) == "a"


def test_a_piece_whose_beginning_was_put_off_waits_for_it() -> None:
    assert chosen(piece("a", first=at(100), used=at(-500))) is None


def test_a_piece_that_was_used_often_enough_has_ended() -> None:
    last = piece("a", count=3)
    assert chosen(replace(last, uses=2)) == "a"
    assert chosen(replace(last, uses=3)) is None


def test_a_piece_has_ended_after_its_last_day() -> None:
    given_up = piece("a")
    given_up = replace(given_up, rule=replace(given_up.rule, last=NOW.date()))
    assert chosen(given_up, when=at(14)) == "a"
    assert chosen(given_up, when=at(15)) is None


def test_nothing_is_taken_while_the_account_rests() -> None:
    assert chosen(piece("a"), cooldown_until=at(0.1)) is None
    assert chosen(piece("a"), cooldown_until=NOW) == "a"


def test_without_pieces_nothing_is_taken() -> None:
    assert chosen() is None
    assert filled([at(1)]) == []


def test_slots_are_filled_in_turn() -> None:
    slots = [at(hours) for hours in (1, 2, 25, 26, 49)]
    pieces = piece("a", used=at(-30)), piece("b", used=at(-40)), piece("c", gap=48)
    assert filled(slots, *pieces) == list(zip(slots, "cbabc", strict=True))


def test_a_slot_for_which_there_is_no_piece_stays_empty() -> None:
    assert filled([at(1), at(2), at(25)], piece("a")) == [(at(1), "a"), (at(25), "a")]


def test_each_use_counts_towards_the_end() -> None:
    slots = [at(24 * day) for day in range(5)]
    assert filled(slots, piece("a", count=2)) == [(slots[0], "a"), (slots[1], "a")]


def test_a_piece_is_returned_as_it_was_before_its_use() -> None:
    filler = Filler(pieces=(piece("a"),))
    assert [used.uses for _, _, used in fill([(at(0), 1), (at(24), 1)], {1: filler})] == [0, 1]


def test_accounts_that_share_a_piece_use_its_texts_one_after_the_other() -> None:
    fillers = {key: Filler(pieces=(piece("a", count=3),)) for key in (1, 2)}
    slots = [(at(0), 1), (at(1), 2), (at(24), 1), (at(25), 2)]
    found = [(when, key, used.uses) for when, key, used in fill(slots, fillers)]
    assert found == [(at(0), 1, 0), (at(1), 2, 1), (at(24), 1, 2)]


def test_recycled_posts_keep_the_cooldown_between_them() -> None:
    slots = [at(hours) for hours in range(6)]
    pieces = [piece(name) for name in "abcdef"]
    assert filled(slots, *pieces, cooldown=2 * HOUR) == [(slots[0], "a"), (slots[2], "b"), (slots[4], "c")]


def test_the_last_recycled_post_counts_for_the_cooldown() -> None:
    slots = [(at(hour), 1) for hour in range(3)]
    filler = Filler(pieces=(piece("a"),), cooldown=3 * HOUR, last_recycled=at(-2))
    assert [slot for slot, _, _ in fill(slots, {1: filler})] == [at(1)]
    assert [slot for slot, _, _ in fill(slots, {1: replace(filler, cooldown=None)})] == [at(0)]


@given(
    st.sets(st.integers(0, 400), max_size=40),
    st.lists(st.tuples(st.integers(1, 60), st.none() | st.integers(1, 4)), max_size=5),
    st.integers(0, 30),
)
def test_gaps_counts_and_the_cooldown_are_kept_whatever_the_slots(
    hours: set[int], rules: list[tuple[int, int | None]], cooldown: int
) -> None:
    pieces = [piece(str(number), gap=gap, count=count) for number, (gap, count) in enumerate(rules)]
    found = filled([at(hour) for hour in sorted(hours)], *pieces, cooldown=cooldown * HOUR)
    assert all(later[0] - earlier[0] >= cooldown * HOUR for earlier, later in pairwise(found))
    for number, (gap, count) in enumerate(rules):
        uses = [slot for slot, name in found if name == str(number)]
        assert count is None or len(uses) <= count
        assert all(later - earlier >= gap * HOUR for earlier, later in pairwise(uses))
