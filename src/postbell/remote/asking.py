"""What commands want of a post, as the HTTP API is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from postbell.domain.content import Comment, Override
from postbell.domain.media import Media, Source
from postbell.domain.post import Post
from postbell.domain.when import When
from postbell.services.plan.placing import Auto, Placing, Queue
from postbell.services.posts.wanted import Changes, Terms, Wanted, terms_of
from postbell.shapes import comment_json, seconds, stamp


def post_asked(wanted: Wanted, now: datetime) -> dict[str, Any]:
    """Return a new post; what could not be understood is left out."""
    return {
        "text": wanted.text,
        "segments": list(wanted.segments),
        "comment": comment_json(wanted.comment),
        "title": wanted.title,
        "link": wanted.link,
        "media": media_asked(wanted.media),
        "to": list(wanted.to),
        "draft": wanted.draft,
        **_terms(wanted.terms, Terms()),
        "overrides": {key: asdict(said) for key, said in wanted.overrides.items()},
        "split": wanted.split,
        **time_asked(wanted.when or wanted.place, now, draft=wanted.draft),
    }


def change_asked(changes: Changes, post: Post, now: datetime) -> dict[str, Any]:
    """Return what is to change of a post: what is not named stays."""
    said: dict[str, Any] = {
        "text": changes.text,
        "segments": None if changes.segments is None else list(changes.segments),
        "title": changes.title,
        "link": changes.link,
        "media": None if changes.media is None else media_asked(changes.media),
        "to": None if changes.to is None else list(changes.to),
        "overrides": None if changes.overrides is None else _overrides(changes.overrides),
        "split": changes.split,
    }
    asked: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if changes.comment is not None:
        asked["comment"] = comment_json(changes.comment) if changes.comment != Comment(text="") else None
    if changes.terms is not None:
        asked |= _terms(changes.terms, terms_of(post))
    return asked | time_asked(changes.when or changes.place, now)


def time_asked(to: When | Placing | None, now: datetime, *, draft: bool = False) -> dict[str, Any]:
    """Return when something is published; what has come by `now` (aware) is published at once."""
    if to is None:
        return {}
    if isinstance(to, Queue):
        return {"queue": to.mode}
    if isinstance(to, Auto):
        return {"auto": {"between": stamp(to.start), "until": stamp(to.end), "seed": to.seed}}
    if to.at <= now and not draft:
        return {"publish_now": True, "zone": to.zone}
    return {"at": stamp(to.at), "zone": to.zone}


def _terms(terms: Terms, before: Terms) -> dict[str, Any]:
    """Return those terms that are others than before."""
    said = {
        "labels": (list(terms.labels), list(before.labels)),
        "late_limit_seconds": (seconds(terms.late_limit), seconds(before.late_limit)),
        "not_after": (stamp(terms.not_after), stamp(before.not_after)),
        "delete_after_seconds": (seconds(terms.delete_after), seconds(before.delete_after)),
        "allow_duplicate": (terms.allow_duplicate, before.allow_duplicate),
        "bare": (terms.bare, before.bare),
    }
    return {name: now for name, (now, old) in said.items() if now != old}


def _overrides(given: Mapping[str, Override]) -> dict[str, Any]:
    return {key: asdict(said) if said != Override() else None for key, said in given.items()}


def media_asked(items: Sequence[Source | Media]) -> list[dict[str, Any]]:
    """Return files that were sent before."""
    return [
        {"sha256": item.sha256, "alt": item.alt, "name": item.name, "part": item.part}
        for item in items
        if isinstance(item, Media)
    ]
