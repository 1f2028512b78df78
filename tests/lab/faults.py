"""What the lab's far side can do to a request.

A fault is a word: what happens to the connection or which answer is given, with `accept+` before it where the
post is made public first. `accept+close` is a lost answer; `close` is a request that nobody took.

    ok           201 (only `accept+ok`, which is what happens without a fault)
    unread       reset before the body is read
    reset        reset after the request was read
    close        the connection ends without an answer
    half         the answer ends in the middle
    garbage      what comes back is not HTTP
    nonsense     200 with a page that says nothing
    delay        the answer comes after `delay` seconds
    drip         the answer comes byte by byte, for `delay` seconds
    late         nothing for `delay` seconds, then the post is made public, whoever still waits
    redirect     302 to somewhere else
    401, 403, 500, 502, 503, 504 and the like: that status
    limit-…      429, with the time at which it ends said by a header: `seconds` and `date` (Retry-After,
                 RFC 9110, 10.2.3), `epoch` and `iso` (X-RateLimit-Reset: X, Mastodon), `reset` (Bluesky's
                 RateLimit-Reset: epoch), `usage` (Meta's X-App-Usage and its kin), `silent` (none)
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime


#: Every answer by which a server asks to wait.
LIMITS = tuple(f"limit-{kind}" for kind in ("seconds", "date", "epoch", "iso", "reset", "usage", "silent"))
#: Every way to lose the answer to a post that is public.
LOST = tuple(
    f"accept+{how}"
    for how in ("close", "reset", "half", "garbage", "nonsense", "delay", "drip", "500", "502", "504")
)
#: Every way to fail before anything was taken, in which the client cannot know that.
VANISHED = ("unread", "reset", "close", "garbage", "500", "502", "504")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What happens to the requests that come. Look-ups have faults of their own."""

    #: What the next requests of an account meet, first to last; of no account in particular: "*".
    script: dict[str, list[str]] = field(default_factory=dict)
    #: What the others meet: how many in a hundred meet each fault. The rest is served.
    mix: dict[str, float] = field(default_factory=dict)
    #: The same of look-ups.
    look_ups: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    #: Each answer takes between so many seconds.
    latency: tuple[float, float] = (0.0, 0.0)
    #: Seconds of `delay`, `drip` and `late`.
    delay: float = 5.0
    #: How long `limit-…` asks to wait, in seconds of the client's clock.
    limit: float = 3.0
    #: The client's clock: at the first instant (seconds since 1970) it showed the second, and goes so fast.
    clock: tuple[float, float, float] = (0.0, 0.0, 1.0)
    #: Whether every answer is kept back until another plan comes.
    hold: bool = False

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan."""
        return cls(**json.loads(text))


class Fate:
    """Draws what happens to each request, by a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._script = {account: list(faults) for account, faults in plan.script.items()}
        self._random = random.Random(plan.seed)

    def of_create(self, account: str) -> str:
        """Return what happens to a call that makes a post public."""
        for name in (account, "*"):
            if self._script.get(name):
                return self._script[name].pop(0)
        return self._draw(self.plan.mix, "accept+ok")

    def of_look_up(self) -> str:
        """Return what happens to a look-up."""
        return self._draw(self.plan.look_ups, "ok")

    def latency(self) -> float:
        """Return how long an answer takes."""
        return self._random.uniform(*self.plan.latency)

    def limit_headers(self, kind: str) -> dict[str, str]:
        """Return what says when a limit ends."""
        real, shown, speed = self.plan.clock
        now = shown + (time.time() - real) * speed
        wait = self.plan.limit
        end = datetime.fromtimestamp(now + wait, UTC)
        minutes = {"call_count": 100, "estimated_time_to_regain_access": max(1, round(wait / 60))}
        return {
            "seconds": {"retry-after": str(max(1, round(wait)))},
            "date": {"retry-after": format_datetime(end, usegmt=True)},
            "epoch": {"x-ratelimit-reset": str(round(end.timestamp()))},
            "iso": {"x-ratelimit-reset": end.isoformat(timespec="milliseconds").replace("+00:00", "Z")},
            "reset": {"ratelimit-reset": str(round(end.timestamp()))},
            "usage": {
                "x-app-usage": json.dumps({"call_count": 100, "total_time": 20, "total_cputime": 20}),
                "x-business-use-case-usage": json.dumps({"1": [{"type": "pages", **minutes}]}),
            },
            "silent": {},
        }[kind]

    def _draw(self, mix: dict[str, float], otherwise: str) -> str:
        if not mix:
            return otherwise
        at = self._random.uniform(0, 100)
        for fault, share in mix.items():
            if (at := at - share) < 0:
                return fault
        return otherwise
