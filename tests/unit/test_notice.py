from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.notice import QuietHours, is_quiet, parse_quiet


BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(start=time(22), end=time(7))
NOON = QuietHours(start=time(12), end=time(14))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("22:00-07:00", time(22), time(7)),
        (" 9:30 - 10:15 ", time(9, 30), time(10, 15)),
        ("00:00-6:00", time(0), time(6)),
    ],
)
def test_quiet_hours_are_two_times_of_day(text: str, start: time, end: time) -> None:
    assert parse_quiet(text) == QuietHours(start=start, end=end)


@pytest.mark.parametrize(
    "text", ["", "22-7", "22:00", "22:00-22:00", "22:00-7:60", "25:00-07:00", "22:00-07:00-08:00", "at night"]
)
def test_what_is_no_part_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Say it like 22:00-07:00"):
        parse_quiet(text)


@pytest.mark.parametrize(
    ("quiet", "local", "expected"),
    [
        (NIGHT, "21:59", False),
        (NIGHT, "22:00", True),
        (NIGHT, "23:59", True),
        (NIGHT, "00:00", True),
        (NIGHT, "06:59", True),
        (NIGHT, "07:00", False),
        (NOON, "11:59", False),
        (NOON, "12:00", True),
        (NOON, "13:59", True),
        (NOON, "14:00", False),
    ],
)
def test_quiet_hours_may_lead_over_midnight(quiet: QuietHours, local: str, expected: bool) -> None:  # noqa: FBT001
    now = datetime.combine(datetime(2026, 11, 23, tzinfo=UTC), time.fromisoformat(local), BERLIN)
    assert is_quiet(quiet, now, BERLIN) is expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        # The night in which the clocks jump from 2:00 to 3:00: an end at 2:30 has come at once.
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), False),
        # The night in which they show 2:00 to 3:00 twice.
        (datetime(2026, 10, 25, 0, 29, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 0, 31, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 1, 29, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), False),
    ],
)
def test_the_clocks_on_the_wall_decide_also_where_they_are_changed(
    instant: datetime,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_quiet(QuietHours(start=time(22), end=time(2, 30)), instant, BERLIN) is expected
