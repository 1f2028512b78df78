from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.recycling import Gap, GapUnit, Recycling


NINE = datetime(2027, 1, 31, 9)  # noqa: DTZ001


def recycled(gap: int, unit: GapUnit, *, first: datetime = NINE, **rest: Any) -> Recycling:
    return Recycling(gap=Gap(count=gap, unit=unit), first=first, **{"zone": "Europe/Berlin", **rest})


def walls(given_: Recycling, number: int = 4) -> list[str]:
    return [f"{one.local:%Y-%m-%d %H:%M}" for one in islice(given_.occurrences(), number)]


@pytest.mark.parametrize(
    ("count", "unit", "wanted"),
    [
        (10, GapUnit.DAYS, ["2027-01-31 09:00", "2027-02-10 09:00", "2027-02-20 09:00"]),
        (2, GapUnit.WEEKS, ["2027-01-31 09:00", "2027-02-14 09:00", "2027-02-28 09:00"]),
        (36, GapUnit.HOURS, ["2027-01-31 09:00", "2027-02-01 21:00", "2027-02-03 09:00"]),
    ],
)
def test_it_comes_first_and_then_after_every_gap(count: int, unit: GapUnit, wanted: list[str]) -> None:
    assert walls(recycled(count, unit), 3) == wanted


def test_the_31st_is_the_last_day_of_a_short_month_and_never_drifts() -> None:
    assert [day[:10] for day in walls(recycled(1, GapUnit.MONTHS))] == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
    ]


def test_days_keep_the_time_on_the_wall_and_hours_do_not() -> None:
    first = datetime(2027, 3, 27, 9)  # noqa: DTZ001
    assert walls(recycled(1, GapUnit.DAYS, first=first), 2)[1] == "2027-03-28 09:00"
    assert walls(recycled(24, GapUnit.HOURS, first=first), 2)[1] == "2027-03-28 10:00"


def test_of_a_gap_in_days_the_key_is_the_time_on_the_wall() -> None:
    assert next(recycled(1, GapUnit.DAYS).occurrences()).key == "2027-01-31T09:00"


def test_of_a_gap_in_hours_the_key_is_the_instant_in_utc() -> None:
    first = datetime(2026, 10, 25, 1, 30)  # noqa: DTZ001
    found = list(islice(recycled(1, GapUnit.HOURS, first=first).occurrences(), 3))
    assert [one.key for one in found] == ["2026-10-24T23:30Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z"]
    assert [f"{one.local:%H:%M}" for one in found] == ["01:30", "02:30", "02:30"]
    assert [one.note and one.note.rpartition(" ")[2] for one in found] == [None, "first", "second"]


def test_a_first_time_that_the_clocks_leave_out_is_moved_and_said() -> None:
    first = datetime(2027, 3, 28, 2, 30)  # noqa: DTZ001
    for unit in GapUnit:
        found = next(recycled(1, unit, first=first).occurrences())
        assert found.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
        assert found.note == "02:30 does not exist on that day in Europe/Berlin; moved to 03:30"


@pytest.mark.parametrize("unit", list(GapUnit))
def test_it_ends_with_its_count_or_after_its_last_day(unit: GapUnit) -> None:
    assert len(list(recycled(1, unit, count=3).occurrences())) == 3
    found = list(recycled(1, unit, last=date(2027, 2, 28)).occurrences())
    assert {GapUnit.HOURS: 28 * 24 + 15, GapUnit.DAYS: 29, GapUnit.WEEKS: 5, GapUnit.MONTHS: 2}[unit] == len(
        found
    )


@given(
    unit=st.sampled_from(list(GapUnit)),
    gap=st.integers(1, 50),
    count=st.none() | st.integers(1, 40),
    minutes=st.integers(-1000, 80_000),
)
def test_after_an_instant_comes_what_a_walk_from_the_beginning_gives(
    unit: GapUnit, gap: int, count: int | None, minutes: int
) -> None:
    rule = recycled(gap, unit, count=count, last=date(2027, 9, 1))
    after = datetime(2027, 1, 31, 8, tzinfo=UTC) + timedelta(minutes=minutes)
    assert list(rule.occurrences(after)) == [one for one in rule.occurrences() if one.at > after]


@pytest.mark.parametrize("unit", list(GapUnit))
def test_it_ends_with_the_calendar(unit: GapUnit) -> None:
    late = datetime(9999, 11, 1, 9)  # noqa: DTZ001
    for zone in ("Asia/Tokyo", "America/New_York"):
        *_, latest = recycled(1, unit, first=late, zone=zone).occurrences()
        assert latest.at > datetime(9999, 11, 30, tzinfo=UTC)


def test_a_piece_of_a_library_has_no_times_of_its_own() -> None:
    assert list(recycled(1, GapUnit.DAYS, library="evergreen").occurrences()) == []


def test_a_piece_that_was_never_used_may_be_used_from_its_first_time_on() -> None:
    assert recycled(1, GapUnit.DAYS).next_use(None) == datetime(2027, 1, 31, 8, tzinfo=UTC)


def test_a_piece_used_before_its_first_time_waits_for_that() -> None:
    used = datetime(2026, 12, 1, tzinfo=UTC)
    assert recycled(1, GapUnit.DAYS).next_use(used) == datetime(2027, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "unit", "wanted"),
    [
        (24, GapUnit.HOURS, datetime(2027, 3, 28, 12, tzinfo=UTC)),
        (1, GapUnit.DAYS, datetime(2027, 3, 28, 11, tzinfo=UTC)),
        (2, GapUnit.WEEKS, datetime(2027, 4, 10, 11, tzinfo=UTC)),
        (2, GapUnit.MONTHS, datetime(2027, 5, 27, 11, tzinfo=UTC)),
    ],
)
def test_a_used_piece_waits_for_the_gap_on_the_calendar(count: int, unit: GapUnit, wanted: datetime) -> None:
    used = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert recycled(count, unit).next_use(used) == wanted


def test_a_gap_of_months_after_the_31st_ends_on_the_last_day_of_a_short_month() -> None:
    used = datetime(2027, 3, 31, 12, tzinfo=UTC)
    assert recycled(1, GapUnit.MONTHS).next_use(used) == datetime(2027, 4, 30, 12, tzinfo=UTC)


def test_a_use_in_the_second_of_a_doubled_hour_is_followed_by_the_same_time_next_day() -> None:
    used = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert recycled(1, GapUnit.DAYS).next_use(used) == datetime(2027, 11, 1, 1, 30, tzinfo=UTC)
    assert recycled(1, GapUnit.HOURS).next_use(used) == datetime(2027, 10, 31, 2, 30, tzinfo=UTC)


def test_the_end_of_a_piece_does_not_shorten_its_gap() -> None:
    used = datetime(2027, 3, 1, 12, tzinfo=UTC)
    rule = recycled(1, GapUnit.MONTHS, last=date(2027, 3, 2), count=1)
    assert rule.next_use(used) == datetime(2027, 4, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize("unit", list(GapUnit))
def test_a_gap_past_the_end_of_the_calendar_is_never(unit: GapUnit) -> None:
    used = datetime(2027, 3, 1, tzinfo=UTC)
    assert recycled(10**8, unit).next_use(used) == datetime.max.replace(tzinfo=UTC)


def test_it_has_ended_with_its_count_or_with_the_day_after_its_last() -> None:
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert not recycled(1, GapUnit.DAYS).ends_before(noon, 10**6)
    assert not recycled(1, GapUnit.DAYS, count=3).ends_before(noon, 2)
    assert recycled(1, GapUnit.DAYS, count=3).ends_before(noon, 3)
    rule = recycled(1, GapUnit.DAYS, last=date(2027, 2, 28))
    midnight = datetime(2027, 2, 28, 23, tzinfo=UTC)
    assert rule.ends_before(midnight, 0)
    assert not rule.ends_before(midnight - timedelta(seconds=1), 0)
