"""Series in JSON: for `postbell series --json`, where the shapes are told, and the HTTP API."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from postbell.domain.series import Series
from postbell.errors import Invalid, Problem
from postbell.shapes.base import problems_json, seconds, stamp
from postbell.shapes.media import media_json
from postbell.shapes.posts import comment_json


if TYPE_CHECKING:
    from collections.abc import Iterable

    from postbell.domain.pause import Pause
    from postbell.services.series.series import SavedSeries
    from postbell.services.series.series_view import Upcoming


def series_json(series: Series, pause: Pause | None) -> dict[str, Any]:
    """Return a series."""
    from postbell.domain.rule_text import rule_text
    from postbell.store.series import rule_json

    return {
        "id": series.id,
        "state": series.state,
        "paused": {"since": stamp(pause.since), "until": stamp(pause.until)} if pause else None,
        "rule": {**rule_json(series.rule), "says": rule_text(series.rule), "rrule": rrule_of(series)},
        "library": series.library,
        "to": list(series.to),
        "text": series.content.text,
        "segments": list(series.content.segments),
        "comment": comment_json(series.content.comment),
        "variants": list(series.variants),
        "title": series.content.title,
        "link": series.content.link,
        "media": [media_json(item) for item in series.content.media],
        "overrides": {key: asdict(override) for key, override in series.overrides.items()},
        "labels": list(series.labels),
        "late_limit_seconds": seconds(series.late_limit),
        "delete_after_seconds": seconds(series.delete_after),
        "made": series.made,
        "created_at": stamp(series.created_at),
        "updated_at": stamp(series.updated_at),
        "version": series.version,
    }


def saved_series_json(saved: SavedSeries, pause: Pause | None, notes: Iterable[str] = ()) -> dict[str, Any]:
    """Return a series that was stored, with what became of its posts to come."""
    synced = saved.synced
    posts = {"changed": list(synced.changed), "removed": list(synced.removed), "made": synced.made}
    told = {"posts": posts, "notes": list(notes), "problems": problems_json(saved.warnings)}
    return {**series_json(saved.series, pause), **told}


def upcoming_json(each: Upcoming) -> dict[str, Any]:
    """Return one of the next posts of a series."""
    post = each.post
    return {
        "at": stamp(each.at),
        "local": each.local.isoformat(),
        "zone": each.zone,
        "slot": each.slot,
        "note": each.note,
        "post": post.id if post else None,
        "state": post.state if post else None,
        "touched": bool(post and post.touched),
        "text": each.content.text,
    }


def rrule_of(series: Series) -> str | None:
    """Return the rule of a series as RRULE text, or None where there is none."""
    try:
        return require_rrule(series)
    except Invalid:
        return None


def require_rrule(series: Series) -> str:
    """Return the rule of a series as RRULE text; raises Invalid with the reason where there is none."""
    from postbell.domain.recycling import Recycling
    from postbell.domain.rrule_text import rrule_text

    if isinstance(series.rule, Recycling):
        message = "a recycled series has no RRULE: it comes again after a gap."
        raise Invalid([Problem(where=f"series {series.id}", message=message)])
    return rrule_text(series.rule, where=f"series {series.id}")
