from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.moments import Candidate, Choice, Sample, best_moment, grid
from postbell.domain.zones import wall_at


BERLIN = ZoneInfo("Europe/Berlin")
#: A Tuesday.
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)


def wall(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC).replace(tzinfo=None)


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def candidate(hours: float, *, slot: bool = False) -> Candidate:
    return Candidate(at=at(hours), local=wall_at(at(hours), BERLIN), slot=slot)


def sample(hours: float, score: float) -> Sample:
    local = wall_at(at(hours), BERLIN)
    return Sample(weekday=local.weekday(), hour=local.hour, score=score)


def best(
    hours: Sequence[float],
    *,
    taken: Sequence[float] = (),
    samples: Sequence[Sample] = (),
    min_gap: timedelta | None = None,
    seed: int = 1,
) -> Choice | None:
    return best_moment(
        [candidate(hour) for hour in hours],
        taken=[at(hour) for hour in taken],
        samples=samples,
        min_gap=min_gap,
        random=Random(seed),
    )


def hours_of(choice: Choice | None) -> float | None:
    return (choice.at - NOW) / HOUR if choice else None


def why(choice: Choice | None) -> str:
    assert choice is not None
    return choice.why


def test_the_moment_farthest_from_other_posts_is_chosen() -> None:
    assert hours_of(best([1, 5, 9], taken=[0, 10])) == 5
    assert hours_of(best([1, 5, 9], taken=[10, -20])) == 1


def test_other_posts_may_be_given_in_any_order() -> None:
    assert (
        hours_of(best([1, 5, 9, 14], taken=[10, 20, 0]))
        == hours_of(best([1, 5, 9, 14], taken=[20, 0, 10]))
        == 5
    )


def test_beyond_a_day_more_distance_is_no_better() -> None:
    assert {hours_of(best([24, 30, 1000], taken=[0], seed=seed)) for seed in range(30)} == {24, 30, 1000}


def test_an_hour_that_has_worked_is_preferred() -> None:
    samples = [sample(3, 30.0)] * 6 + [sample(5, 10.0)] * 6
    assert hours_of(best([1, 3, 5], samples=samples)) == 3
    assert hours_of(best([5, 1], samples=samples)) == 1


def test_the_same_hour_of_another_week_counts_and_that_of_another_day_does_not() -> None:
    samples = [sample(3 - 7 * 24, 30.0)] * 3 + [sample(1, 1.0)] * 3
    assert hours_of(best([2, 3], samples=samples)) == 3
    assert "no response is known" in why(best([3 + 24], samples=samples))


def test_one_lucky_post_does_not_outdo_many_good_ones() -> None:
    samples = [sample(1, 25.0), *[sample(3, 20.0)] * 20, *[sample(5, 5.0)] * 40]
    assert hours_of(best([1, 3], samples=samples)) == 3


def test_distance_and_response_are_weighed_against_one_another() -> None:
    little, much = [sample(1, 11.0), sample(5, 10.0)] * 5, [sample(1, 30.0), sample(5, 1.0)] * 5
    assert hours_of(best([1, 9], taken=[0], samples=little)) == 9
    assert hours_of(best([1, 9], taken=[0], samples=much)) == 1


def test_what_is_too_near_to_another_post_is_left_out() -> None:
    samples = [sample(1, 100.0)] * 50 + [sample(3, 1.0)] * 50
    assert hours_of(best([1, 3], taken=[0], samples=samples, min_gap=HOUR)) == 1
    assert hours_of(best([1, 3], taken=[0], samples=samples, min_gap=2 * HOUR)) == 3
    assert best([1, 3], taken=[2], min_gap=2 * HOUR) is None


@pytest.mark.parametrize("min_gap", [None, timedelta(0), timedelta(seconds=30)])
def test_no_two_posts_share_a_minute(min_gap: timedelta | None) -> None:
    assert best([0, 0.01], taken=[0], min_gap=min_gap) is None
    assert hours_of(best([0, 0.01, 0.1], taken=[0], min_gap=min_gap)) == 0.1


def test_without_candidates_there_is_no_moment() -> None:
    assert best([]) is None


def test_the_same_seed_chooses_alike_and_others_choose_otherwise() -> None:
    assert best(range(100), seed=3) == best(range(100), seed=3)
    assert len({hours_of(best(range(100), seed=seed)) for seed in range(50)}) > 20


def test_posts_without_any_response_say_nothing() -> None:
    assert why(best([1], samples=[sample(1, 0.0)])) == "Tue 10:00 is free, with no other post of the account"


def test_the_reason_names_the_slot_its_distance_and_the_response() -> None:
    samples = [sample(1, 14.0)] * 6 + [sample(5, 4.0)] * 4
    choice = best_moment(
        [candidate(1, slot=True)], taken=[at(-25.5)], samples=samples, min_gap=None, random=Random(1)
    )
    assert choice == Choice(
        at=at(1),
        local=wall(2026, 11, 24, 10),
        why="Tue 10:00 is a free slot, 26 h from the nearest other post; "
        "posts at Tue 10 h had 1.4 times the usual response (6 posts)",
    )


def test_the_reason_says_when_a_distance_is_short_and_a_post_single() -> None:
    assert why(best([1.5], taken=[0], samples=[sample(1, 2.0)])) == (
        "Tue 10:30 is free, 90 min from the nearest other post; "
        "posts at Tue 10 h had 1.0 times the usual response (1 post)"
    )


def test_the_reason_says_where_no_response_is_known() -> None:
    assert why(best([3], taken=[0], samples=[sample(1, 2.0)])) == (
        "Tue 12:00 is free, 3 h from the nearest other post; of posts at Tue 12 h no response is known"
    )


@given(
    st.lists(st.integers(0, 100), max_size=10),
    st.lists(st.integers(0, 100), max_size=10),
    st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1e9)), max_size=10),
    st.integers(1, 20),
)
def test_a_moment_is_found_whenever_one_is_free(
    hours: list[int], taken: list[int], scores: list[tuple[int, float]], gap: int
) -> None:
    samples = [sample(hour, score) for hour, score in scores]
    chosen = hours_of(best(hours, taken=taken, samples=samples, min_gap=gap * HOUR))
    free = [hour for hour in hours if all(abs(hour - other) >= gap for other in taken)]
    assert chosen in free if free else chosen is None


def test_the_grid_has_the_half_hours_in_which_people_are_awake() -> None:
    found = list(grid(at(-24), at(24), ZoneInfo("UTC")))
    assert len(found) == 29 + 29 + 1
    assert (found[0].local, found[28].local, found[29].local) == (
        wall(2026, 11, 23, 8),
        wall(2026, 11, 23, 22),
        wall(2026, 11, 24, 8),
    )
    assert found[-1] == Candidate(at=at(24), local=wall(2026, 11, 25, 8))


def test_the_grid_may_have_another_step() -> None:
    assert [each.local.hour for each in grid(at(0), at(14), ZoneInfo("UTC"), 4 * HOUR)] == [8, 12, 16, 20]


def test_a_range_that_ends_before_it_begins_has_no_grid() -> None:
    assert list(grid(at(48), at(0), BERLIN)) == []


def test_a_day_that_a_zone_left_out_has_no_moments() -> None:
    start = datetime(2011, 12, 29, 12, 0, tzinfo=UTC)
    days = {each.local.day for each in grid(start, start + timedelta(days=3), ZoneInfo("Pacific/Apia"))}
    assert 30 not in days


@given(st.datetimes(wall(2000, 1, 1), wall(2036, 1, 1)), st.integers(0, 72 * 4), st.sampled_from(ZONES))
def test_the_grid_is_what_clocks_show_and_complete(begin: datetime, quarters: int, name: str) -> None:
    zone, quarter = ZoneInfo(name), timedelta(minutes=15)
    start = begin.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    expected: dict[datetime, datetime] = {}
    for number in range(quarters + 1):
        local = wall_at(start + number * quarter, zone)
        if local.minute in (0, 30) and 8 * 60 <= local.hour * 60 + local.minute <= 22 * 60:
            expected.setdefault(local, start + number * quarter)
    found = list(grid(start, start + quarters * quarter, zone))
    assert [(each.local, each.at) for each in found] == sorted(expected.items())
