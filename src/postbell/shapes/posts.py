"""Posts, their deliveries, and what was tried, read, changed and will be sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postbell.shapes.base import problems_json, seconds, stamp
from postbell.shapes.media import media_json


if TYPE_CHECKING:
    from postbell.domain.comment import FirstComment
    from postbell.domain.content import Comment
    from postbell.domain.metrics import Reading
    from postbell.domain.post import Attempt, Delivery, Post, Revision
    from postbell.services.posts.wanted import Preview, Saved


def post_json(post: Post) -> dict[str, Any]:
    """Return a post with its deliveries."""
    return {
        "id": post.id,
        "state": post.state,
        "outcome": post.outcome,
        "text": post.content.text,
        "segments": list(post.content.segments),
        "comment": comment_json(post.content.comment),
        "title": post.content.title,
        "link": post.content.link,
        "at": stamp(post.at),
        "local": post.local.isoformat() if post.local else None,
        "zone": post.zone,
        "external_id": post.external_id,
        "labels": list(post.labels),
        "late_limit_seconds": seconds(post.late_limit),
        "not_after": stamp(post.not_after),
        "delete_after_seconds": seconds(post.delete_after),
        "allow_duplicate": post.allow_duplicate,
        "bare": post.bare,
        "unchecked": post.unchecked,
        "series": post.series_id,
        "slot": post.slot,
        "turn": post.turn,
        "touched": post.touched,
        "media": [media_json(item) for item in post.content.media],
        "overrides": {key: asdict(override) for key, override in post.overrides.items()},
        "deliveries": [delivery_json(delivery) for delivery in post.deliveries],
        "created_at": stamp(post.created_at),
        "updated_at": stamp(post.updated_at),
        "version": post.version,
    }


def saved_json(saved: Saved, notes: Iterable[str] = ()) -> dict[str, Any]:
    """Return a post that was stored, with what came of it."""
    told = {"notes": list(notes), "problems": problems_json(saved.warnings), "moved": list(saved.moved)}
    return {**post_json(saved.post), **told}


def comment_json(comment: Comment | None) -> dict[str, Any] | None:
    """Return what is published below a post first, null for nothing."""
    return {"text": comment.text, "after_seconds": seconds(comment.after)} if comment else None


def first_comment_json(account: str, found: FirstComment) -> dict[str, Any]:
    """Return how the first comment of an account on a post does."""
    return {
        "account": account,
        "state": found.state,
        "due_at": stamp(found.due_at),
        "url": found.url,
        "message": found.message,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return how one post does on one account."""
    return {
        "account": delivery.account,
        "network": delivery.network,
        "state": delivery.state,
        "outcome": delivery.outcome,
        "due_at": stamp(delivery.due_at),
        "zone": delivery.zone,
        "placed_by": delivery.placed_by,
        "placed_why": delivery.placed_why,
        "stream": delivery.stream,
        "late_limit_seconds": seconds(delivery.late_limit),
        "expires_at": stamp(delivery.expires_at),
        "try_at": stamp(delivery.try_at),
        "tries": delivery.tries,
        "begun_at": stamp(delivery.begun_at),
        "ended_at": stamp(delivery.ended_at),
        "public_at": stamp(delivery.public_at),
        "late_seconds": seconds(delivery.lateness),
        "late_reason": delivery.late_reason,
        "receipt_id": delivery.receipt_id,
        "url": delivery.url,
        "delete_at": stamp(delivery.delete_at),
        "deleted_at": stamp(delivery.deleted_at),
        "edit_at": stamp(delivery.edit_at),
        "edited_at": stamp(delivery.edited_at),
        "message": delivery.message,
        "warnings": list(delivery.warnings),
    }


def revision_json(revision: Revision) -> dict[str, Any]:
    """Return what a published post said before it was changed."""
    overrides = {key: asdict(override) for key, override in revision.overrides.items()}
    return {**vars(revision), "until": stamp(revision.until), "overrides": overrides}


def attempt_json(delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
    """Return one try."""
    return {
        "post": delivery.post_id,
        "account": delivery.account,
        "kind": attempt.kind,
        "started_at": stamp(attempt.started_at),
        "ended_at": stamp(attempt.ended_at),
        "result": attempt.result,
        "message": attempt.message,
    }


def reading_json(post_id: str, reading: Reading) -> dict[str, Any]:
    """Return how people had responded to a post when its network was asked."""
    return {
        "post": post_id,
        "account": reading.account,
        "read_at": stamp(reading.read_at),
        "counts": dict(reading.counts),
    }


def preview_json(preview: Preview) -> dict[str, Any]:
    """Return what an account would be sent."""
    lengths = [
        {unit: {"count": count, "limit": limit} for unit, (count, limit) in part.items()}
        for part in preview.lengths
    ]
    longest = {unit: max((part[unit] for part in lengths), key=lambda it: it["count"]) for unit in lengths[0]}
    return {
        "account": preview.account,
        "network": preview.network,
        "at": stamp(preview.at),
        "placed_why": preview.why,
        "lengths": longest,
        "parts": lengths,
        "given": [media_json(given) for given, _sent in preview.pictures],
        "media": [media_json(sent) for _given, sent in preview.pictures],
        "calls": [asdict(call) for call in preview.calls],
        "problems": problems_json(preview.problems),
        "warnings": problems_json(preview.warnings),
    }
