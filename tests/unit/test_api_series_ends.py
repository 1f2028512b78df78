"""When series of programs come, and that they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.api import Asked, configured
from support.repeating import let_grow
from support.stage import ring
from support.world import add_account, build_world


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def write(api: Asked, **rule: Any) -> str:
    answer = api.ask("POST", "/api/v1/series", json={"text": "Hello", "to": ["ann"]} | rule)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def coming(api: Asked, series: str) -> list[str]:
    """Return when a series comes, as far as it is told."""
    told = api.ask("GET", f"/api/v1/series/{series}/next?count=50").json()["next"]
    return [each["at"] for each in told]


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        pytest.param(
            {"recycle": {"gap": "2 weeks", "start_date": "2026-11-24 09:00", "expire_count": 3}},
            ["2026-11-24T09:00:00Z", "2026-12-08T09:00:00Z", "2026-12-22T09:00:00Z"],
            id="a gap of weeks, so often",
        ),
        pytest.param(
            {
                "recycle": {
                    "gap": "1 month",
                    "start_date": "2026-11-30",
                    "time": "09:00",
                    "expire_date": "2027-02-28",
                }
            },
            ["2026-11-30T09:00:00Z", "2026-12-30T09:00:00Z", "2027-01-30T09:00:00Z", "2027-02-28T09:00:00Z"],
            id="a gap of months, until a day",
        ),
        pytest.param(
            {"recycle": {"gap": "3 days", "start_date": "2026-11-24 09:00", "expire_date": "2026-11-29"}},
            ["2026-11-24T09:00:00Z", "2026-11-27T09:00:00Z"],
            id="a gap of days, until a day between",
        ),
        pytest.param(
            {
                "repeat": {"repeat": "daily", "interval": 2, "times": ["09:00"], "start_date": "2026-11-24"}
                | {"end_date": "2026-11-28"}
            },
            ["2026-11-24T09:00:00Z", "2026-11-26T09:00:00Z", "2026-11-28T09:00:00Z"],
            id="every other day",
        ),
        pytest.param(
            {
                "repeat": {"repeat": "weekly", "days_of_week": [0, 6], "times": ["09:00"]}
                | {"start_date": "2026-11-24", "end_date": "2026-12-06"}
            },
            ["2026-11-29T09:00:00Z", "2026-11-30T09:00:00Z", "2026-12-06T09:00:00Z"],
            id="on Mondays and Sundays",
        ),
        pytest.param(
            {
                "repeat": {"repeat": "monthly", "interval": 3, "days": [31], "times": ["09:00"]}
                | {"start_date": "2026-11-24", "end_date": "2027-06-01"}
            },
            ["2026-11-30T09:00:00Z", "2027-02-28T09:00:00Z", "2027-05-31T09:00:00Z"],
            id="every three months",
        ),
        pytest.param(
            {
                "repeat": {"repeat": "yearly", "months": [12], "days": [24], "times": ["09:00"]}
                | {"start_date": "2026-11-24", "end_date": "2028-12-23"}
            },
            ["2026-12-24T09:00:00Z", "2027-12-24T09:00:00Z"],
            id="every year",
        ),
        pytest.param(
            {"repeat": {"repeat": "daily", "times": ["09:00"], "start_date": "2026-11-24", "occurrences": 2}},
            ["2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z"],
            id="so often",
        ),
    ],
)
def test_a_series_comes_when_its_rule_says_and_then_never_again(
    api: Asked, rule: dict[str, Any], dates: list[str]
) -> None:
    assert coming(api, write(api, **rule)) == dates


def test_a_series_that_is_over_publishes_nothing_more(api: Asked) -> None:
    rule = {"gap": "2 days", "start_date": "2026-11-24 09:00", "expire_count": 2}
    series = write(api, recycle=rule)
    for _day in range(8):
        let_grow(api.world)
        ring(api.world)
        api.world.clock.advance(timedelta(days=1).total_seconds())
    assert coming(api, series) == []
    posts = api.ask("GET", "/api/v1/posts").json()["posts"]
    assert [(each["at"], each["outcome"]) for each in posts] == [
        ("2026-11-26T09:00:00Z", "published"),
        ("2026-11-24T09:00:00Z", "published"),
    ]
    assert len(api.world.fake.posts) == 2
