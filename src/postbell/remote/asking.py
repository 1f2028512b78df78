"""What commands want of a post, as the HTTP API is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from postbell.domain.content import Override
from postbell.domain.media import Media, Source
from postbell.domain.post import Post
from postbell.domain.when import NOW, When
from postbell.services.plan.placing import Auto, Placing, Queue
from postbell.services.posts.wanted import Changes, ContentChanges, Terms, Wanted, terms_of
from postbell.services.series.series import SeriesChanges, WantedSeries
from postbell.shapes.base import seconds, stamp
from postbell.shapes.posts import comment_json
from postbell.store.series import rule_json


if TYPE_CHECKING:
    from postbell.domain.recurrence import Recurrence
    from postbell.domain.recycling import Recycling

    Rule = Recurrence | Recycling

#: Stands for a rule that could not be understood while the rest is looked at there.
_ANY_RULE = {"repeat": {"repeat": "daily", "times": ["00:00"], "start_date": "2000-01-01"}}


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
        **time_asked(wanted.when or wanted.place, now, draft=wanted.draft, times=wanted.times),
    }


def change_asked(changes: Changes, post: Post, now: datetime) -> dict[str, Any]:
    """Return what is to change of a post: what is not named stays."""
    said = {
        "to": None if changes.to is None else list(changes.to),
        "overrides": None if changes.overrides is None else _overrides(changes.overrides),
        "split": changes.split,
    }
    asked = {**_content_asked(changes), **_given(said)}
    if changes.terms is not None:
        asked |= _terms(changes.terms, terms_of(post))
    return asked | time_asked(changes.when or changes.place, now, times=changes.times)


def series_asked(wanted: WantedSeries) -> dict[str, Any]:
    """Return a new series; what could not be understood is left out."""
    return {
        "text": wanted.text,
        "segments": list(wanted.segments),
        "comment": comment_json(wanted.comment),
        "variants": list(wanted.variants),
        "title": wanted.title,
        "link": wanted.link,
        "media": media_asked(wanted.media),
        "to": list(wanted.to),
        "overrides": {key: asdict(said) for key, said in wanted.overrides.items()},
        "labels": list(wanted.labels),
        "late_limit_seconds": seconds(wanted.late_limit),
        "delete_after_seconds": seconds(wanted.delete_after),
        **(_ANY_RULE if wanted.rule is None else _rule(wanted.rule)),
    }


def series_change_asked(changes: SeriesChanges) -> dict[str, Any]:
    """Return what is to change of a series: what is not named stays."""
    said = {
        "variants": None if changes.variants is None else list(changes.variants),
        "to": None if changes.to is None else list(changes.to),
        "overrides": None if changes.overrides is None else _overrides(changes.overrides),
        "labels": None if changes.labels is None else list(changes.labels),
    }
    spans = {"late_limit": changes.late_limit, "delete_after": changes.delete_after}
    changed = {f"{name}_seconds": seconds(span or None) for name, span in spans.items() if span is not None}
    rule = {} if changes.rule is None else _rule(changes.rule)
    return {**_content_asked(changes), **_given(said), **changed, **rule}


def time_asked(
    to: When | Placing | None,
    now: datetime,
    *,
    draft: bool = False,
    times: Mapping[str, When] | None = None,
) -> dict[str, Any]:
    """Return when something is published; what has come by `now` (aware) is published at once.

    `times` are those of single accounts.
    """
    asked: dict[str, Any] = {"zone": to.zone} if isinstance(to, When) else {}
    if times:
        asked["times"] = {name: _own_moment(when, now, draft=draft) for name, when in times.items()}
    if isinstance(to, Queue):
        return asked | {"queue": to.mode}
    if isinstance(to, Auto):
        return asked | {"auto": {"between": stamp(to.start), "until": stamp(to.end), "seed": to.seed}}
    if to is None:
        return asked
    moment = _moment(to, now, draft=draft)
    return asked | ({"publish_now": True} if moment == NOW else {"at": moment})


def _own_moment(when: When, now: datetime, *, draft: bool) -> str:
    """Return the same with its zone, as RFC 9557 has it."""
    moment = _moment(when, now, draft=draft)
    return moment if moment == NOW else f"{moment}[{when.zone}]"


def _moment(when: When, now: datetime, *, draft: bool) -> str:
    """Return an instant; the word now for one that has come."""
    return NOW if when.at <= now and not draft else str(stamp(when.at))


def _content_asked(changes: ContentChanges) -> dict[str, Any]:
    """Return what is to change of a content."""
    said = {
        "text": changes.text,
        "segments": None if changes.segments is None else list(changes.segments),
        "title": changes.title,
        "link": changes.link,
        "media": None if changes.media is None else media_asked(changes.media),
    }
    if changes.comment is None:
        return _given(said)
    stays = changes.comment if changes.comment.text else None
    return {**_given(said), "comment": comment_json(stays)}


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _rule(rule: Rule) -> dict[str, Any]:
    stored = rule_json(rule)
    return {"recycle" if stored["kind"] == "recycling" else "repeat": stored["words"]}


def _terms(terms: Terms, before: Terms) -> dict[str, Any]:
    """Return those terms that are others than before."""
    said = {
        "external_id": (terms.external_id, before.external_id),
        "labels": (list(terms.labels), list(before.labels)),
        "late_limit_seconds": (seconds(terms.late_limit), seconds(before.late_limit)),
        "not_after": (stamp(terms.not_after), stamp(before.not_after)),
        "delete_after_seconds": (seconds(terms.delete_after), seconds(before.delete_after)),
        "allow_duplicate": (terms.allow_duplicate, before.allow_duplicate),
        "bare": (terms.bare, before.bare),
        "unchecked": (terms.unchecked, before.unchecked),
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
