"""What a rehearsal has found, as `postbell rehearse --json` and the HTTP API tell it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from postbell.cli.words import first_words_of
from postbell.domain.content import resolve
from postbell.domain.tagging import completed
from postbell.shapes.base import stamp


if TYPE_CHECKING:
    from datetime import datetime

    from postbell.services.plan.rehearse import Happening, Rehearsed

#: How a delivery may have ended, and that it has not.
ENDS = ("published", "failed", "missed", "unsure", "waiting")


def rehearsed_json(found: Rehearsed, start: datetime, end: datetime) -> dict[str, Any]:
    """Return all of it, for a span (aware)."""
    counts = Counter(str(each.delivery.outcome or "waiting") for each in found.happenings)
    return {
        "deliveries": [_happening_json(each) for each in found.happenings],
        "empty_slots": [{"at": stamp(each.slot.at), "account": each.account} for each in found.empty],
        "repeats": [
            {"series": each.series_id, "account": each.account, "count": each.count} for each in found.repeats
        ],
        "summary": {
            "from": stamp(start),
            "to": stamp(end),
            **{name: counts[name] for name in ENDS},
            "empty_slots": len(found.empty),
            "warnings": found.warnings,
            "latest_seconds": found.latest.total_seconds(),
        },
    }


def _happening_json(each: Happening) -> dict[str, Any]:
    delivery, post = each.delivery, each.post
    said, _ = resolve(post.content, post.overrides, network=delivery.network, account=delivery.account)
    content = completed(said, post.overrides, account=delivery.account)
    return {
        "due_at": stamp(delivery.due_at),
        "began_at": stamp(delivery.begun_at),
        "late_seconds": delivery.lateness.total_seconds() if delivery.lateness else None,
        "late_reason": delivery.late_reason,
        "account": delivery.account,
        "network": delivery.network,
        "post": delivery.post_id,
        "series": post.series_id,
        "outcome": delivery.outcome,
        "message": delivery.message,
        "warnings": list(each.warnings),
        "excerpt": first_words_of(content),
        "text": content.text,
    }
