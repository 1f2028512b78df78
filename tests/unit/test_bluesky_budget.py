"""Bluesky counts what an account writes, in points by the hour and by the day; a herd stays below both.

The far side counts as the server does (@atproto/pds 0.5.35, rate-limits.js, rate-limiter-http.js): a record
that is put costs 2 points, one that is created in applyWrites 3. A window begins with the first write in it,
and answers tell of the limit that has the fewest points left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postbell.domain.content import Override
from postbell.networks import bluesky
from postbell.settings import RetrySettings, Settings
from postbell.testing import FakeClock
from support.fake_bluesky import APP_PASSWORD, HANDLE, FakeBluesky
from support.farside import START
from support.stage import Stage, live
from support.world import account_of, add_account, add_post, build_world


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(timezone="UTC", late_limit_hours=100, retry=RetrySettings(catch_up_seconds=0))
POSTS = 60
#: More looks are never needed.
LOOKS = 400


@dataclass
class Metered(FakeBluesky):
    """Takes so many points a window, and says so."""

    points: dict[timedelta, int] = field(default_factory=dict)
    #: How often it was asked to wait.
    refused: int = 0
    #: When the windows end, and what is left in each.
    _windows: dict[timedelta, tuple[datetime, int]] = field(default_factory=dict)

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if not self.is_publishing(request, body):
            return super().answer(request, body)
        writes = json.loads(body).get("writes")
        cost, now = 3 * len(writes) if writes else 2, self.clock.now()
        for span, most in self.points.items():
            end, left = self._windows.get(span, (now, 0))
            end, left = (end, left) if now < end else (now + span, most)
            self._windows[span] = (end, left - cost)
        span, (end, left) = min(self._windows.items(), key=lambda window: window[1][1])
        said = {
            "RateLimit-Limit": str(self.points[span]),
            "RateLimit-Remaining": str(max(left, 0)),
            "RateLimit-Reset": str(int(end.timestamp())),
            "RateLimit-Policy": f"{self.points[span]};w={span.total_seconds():.0f}",
        }
        if left < 0:
            self.refused += 1
            error = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
            wait = {"Retry-After": str(int((end - now).total_seconds()) + 1)}
            return httpx.Response(429, json=error, headers=said | wait, request=request)
        answer = super().answer(request, body)
        answer.headers.update(said)
        return answer


def _publish_all(folder: Path, far_side: Metered, options: dict[str, str]) -> timedelta:
    """Let a herd be due at once; return how long it took."""
    with build_world(folder, networks=[bluesky.network], settings=SETTINGS, transport=far_side) as world:
        far_side.clock = world.clock
        credentials = {"identifier": HANDLE, "app_password": APP_PASSWORD}
        add_account(world.store, network="bluesky", credentials=credentials)
        overrides = {"bluesky": Override(options=options)}
        for number in range(POSTS):
            add_post(world.store, network="bluesky", text=f"Bell {number}", overrides=overrides)

        async def script(stage: Stage) -> None:
            for _ in range(LOOKS):
                await stage.ring()
                if len(far_side.records) == POSTS:
                    break
                rests_until = account_of(world.store, "ann").rests_until or START
                world.clock.set(max(rests_until, world.clock.now() + timedelta(seconds=0.1)))

        live(world, script)
        return world.clock.now() - START


@pytest.mark.parametrize(
    ("points", "windows"),
    [({HOUR: 50, DAY: 350}, 2), ({HOUR: 500, DAY: 100}, 1), ({HOUR: 5000, DAY: 35_000}, 0)],
    ids=["hour", "day", "plenty"],
)
def test_a_herd_slows_down_and_waits_and_is_never_told_to(
    tmp_path: Path, points: dict[timedelta, int], windows: int
) -> None:
    far_side = Metered(FakeClock(START), points=points)
    took = _publish_all(tmp_path, far_side, {})
    assert far_side.refused == 0
    assert took // min(points) == windows or took // DAY == windows


def test_what_costs_more_than_is_left_is_told_to_wait_once_in_a_window(tmp_path: Path) -> None:
    far_side = Metered(FakeClock(START), points={HOUR: 100, DAY: 35_000})
    took = _publish_all(tmp_path, far_side, {"replies": "nobody"})
    assert far_side.refused <= took // HOUR + 1
    assert len(far_side.records) == POSTS
