"""What is to come, queues and pauses in JSON: for the command line and the HTTP API.

The shapes stand in `postbell.cli.future`, `postbell.cli.queue` and `postbell.cli.pause`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.domain.zones import wall_at
from postbell.shapes.base import stamp
from postbell.shapes.posts import post_json


if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from postbell.domain.pause import Pause
    from postbell.domain.weekly import WeeklySlots
    from postbell.services.accounts.pausing import Paused, Resumed
    from postbell.services.plan.projection import Coming
    from postbell.services.plan.queueing import Seat


def coming_json(each: Coming, zone: ZoneInfo) -> dict[str, Any]:
    """Return a delivery that was, or is to be, published."""
    return {
        "at": stamp(each.at),
        "local": wall_at(each.at, zone).isoformat(),
        "zone": zone.key,
        "account": each.account or None,
        "network": each.network or None,
        "post": each.post_id,
        "series": each.series_id,
        "outcome": each.outcome,
        "draft": each.draft,
        "held": each.held,
        "text": each.content.text,
    }


def slots_json(account: str, slots: WeeklySlots | None, outside: Sequence[str]) -> dict[str, Any]:
    """Return the posting times of an account, and what is queued at other times."""
    from postbell.domain.weekly import weekly_text

    return {
        "account": account,
        "zone": slots.zone if slots else None,
        "times": weekly_text(slots.times) if slots else [],
        "days_off": [str(days) for days in slots.days_off] if slots else [],
        "outside": list(outside),
    }


def seat_json(account: str, seat: Seat) -> dict[str, Any]:
    """Return a time in the queue of an account, and who has it."""
    return {
        "account": account,
        "at": stamp(seat.at),
        "local": seat.local.isoformat(),
        "zone": seat.zone,
        "slot": seat.slot,
        "posts": [post_json(post) for post in seat.posts],
    }


def pause_json(pause: Pause) -> dict[str, Any]:
    """Return what is held back, besides single accounts."""
    ends = {"since": stamp(pause.since), "until": stamp(pause.until)}
    return {"scope": pause.scope, "name": pause.name, **ends}


def paused_json(paused: Paused) -> dict[str, Any]:
    """Return what was held back just now."""
    ends = {"since": stamp(paused.since), "until": stamp(paused.until)}
    told = {"scope": paused.target.scope, "name": paused.target.name, **ends}
    return {**told, "waiting": paused.waiting, "used": paused.used}


def resumed_json(resumed: Resumed) -> dict[str, Any]:
    """Return what was let go on just now."""
    counts = {"was_paused": resumed.was_paused, "late": resumed.late, "missed": resumed.missed}
    return {"scope": resumed.target.scope, "name": resumed.target.name, **counts}
