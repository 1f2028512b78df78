"""How things stand, in JSON: for `postbell status --json` and the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.shapes.base import stamp
from postbell.shapes.plan import pause_json
from postbell.shapes.posts import delivery_json


if TYPE_CHECKING:
    from postbell.domain.caution import Caution
    from postbell.domain.post import Delivery
    from postbell.services.accounts.holds import Held
    from postbell.services.telling.notified import Notified
    from postbell.services.upkeep.health import Status
    from postbell.settings import Places


def status_json(seen: Status, places: Places) -> dict[str, Any]:
    """Return how things stand."""
    return {
        "daemon": {"pid": seen.daemon} if seen.daemon else None,
        "next_due": [
            {
                "account": waiting.account,
                "post": waiting.post_id,
                "due_at": stamp(waiting.due_at),
                "ready_at": stamp(waiting.ready_at),
            }
            for waiting in seen.next_due
        ],
        "overdue": {
            "count": seen.overdue.count,
            "oldest": stamp(seen.overdue.oldest),
            "held": seen.overdue.held,
        },
        "deliveries": dict(seen.counts),
        "results": dict(seen.results),
        "unsure": [_with_post(delivery) for delivery in seen.unsure],
        "lost": {
            "count": seen.lost.count,
            "newest": [_with_post(delivery) for delivery in seen.lost.newest],
            "superseded": seen.lost.superseded,
        },
        "held": list(map(held_json, seen.held)),
        "pauses": [pause_json(pause) for pause in seen.pauses],
        "caution": _caution_json(seen.caution) if seen.caution else None,
        "foreseen": seen.foreseen,
        "database": {
            "path": str(places.database),
            "bytes": seen.storage.database_bytes + seen.storage.log_bytes,
            "log_bytes": seen.storage.log_bytes,
            "schema": seen.schema,
            "secrets": seen.secrets.word,
        },
        "last_backup": stamp(seen.storage.last_backup),
        "notices": _notices_json(seen.notified),
        "troubles": seen.troubles,
    }


def _notices_json(notified: Notified) -> dict[str, Any]:
    ways = [
        {
            "name": way.name,
            "told_at": stamp(way.told_at),
            "failing_since": stamp(way.failing_since),
            "error": way.error,
        }
        for way in notified.ways
    ]
    return {"untold": notified.untold, "ways": ways}


def held_json(held: Held) -> dict[str, Any]:
    """Return what holds an account."""
    return {"account": held.account, "hold": held.hold, "reason": held.reason, "until": stamp(held.until)}


def _caution_json(caution: Caution) -> dict[str, Any]:
    from postbell.services.upkeep.health import caution_told

    return {
        "cause": caution.cause,
        "since": stamp(caution.since),
        "left": caution.left,
        "asked": caution.asked,
        "lost": caution.lost,
        "holds": caution.holds,
        "says": list(caution_told(caution)),
    }


def _with_post(delivery: Delivery) -> dict[str, Any]:
    return {"post": delivery.post_id, **delivery_json(delivery)}
