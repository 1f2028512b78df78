"""Reads back what `postbell.shapes` and its kin tell of posts, accounts and series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postbell.domain.account import Account, Health
from postbell.domain.additions import Additions
from postbell.domain.comment import CommentState, FirstComment
from postbell.domain.content import Comment, Content, Override, Split
from postbell.domain.media import Media, kind_of
from postbell.domain.metrics import Reading
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import Attempt, AttemptKind, Delivery, PlacedBy, Post, Revision
from postbell.domain.quota import Per, Quota
from postbell.domain.series import Series
from postbell.domain.states import DeliveryState, Outcome, PostState, SeriesState
from postbell.domain.zones import wall_at, wall_text, zone_named
from postbell.errors import Problem
from postbell.publishing.protocol import Call, Profile
from postbell.services.accounts.holds import Held, Hold
from postbell.services.accounts.pausing import Paused, Resumed, Scope, Target
from postbell.services.plan.projection import Coming
from postbell.services.plan.queueing import Roster, Seat
from postbell.services.posts.wanted import Preview, Saved
from postbell.services.series.resync import Synced
from postbell.services.series.series import SavedSeries
from postbell.services.series.series_view import Upcoming
from postbell.store.posts import additions_from
from postbell.store.series import rule_from


Told = Mapping[str, Any]


def instant_of(text: str | None) -> datetime | None:
    """Return an instant (aware UTC)."""
    return datetime.fromisoformat(text) if text else None


def post_of(told: Told) -> Post:
    """Return a post; of its files the bytes are elsewhere."""
    created, updated = datetime.fromisoformat(told["created_at"]), datetime.fromisoformat(told["updated_at"])
    return Post(
        id=told["id"],
        state=PostState(told["state"]),
        content=_content_of(told),
        overrides=_overrides_of(told),
        at=instant_of(told["at"]),
        local=instant_of(told["local"]),
        zone=told["zone"],
        created_at=created,
        updated_at=updated,
        version=told["version"],
        series_id=told["series"],
        slot=told["slot"],
        turn=told["turn"],
        touched=told["touched"],
        external_id=told["external_id"],
        labels=tuple(told["labels"]),
        late_limit=_span_of(told["late_limit_seconds"]),
        not_after=instant_of(told["not_after"]),
        delete_after=_span_of(told["delete_after_seconds"]),
        allow_duplicate=told["allow_duplicate"],
        bare=told["bare"],
        unchecked=told["unchecked"],
        deliveries=tuple(
            _delivery_of(each, told["id"], number) for number, each in enumerate(told["deliveries"])
        ),
    )


def problem_of(told: Told) -> Problem:
    """Return one thing that is wrong, by the name that the command line has for its place."""
    where = told.get("option") or told.get("where") or "request"
    message = told.get("said") or told["message"]
    return Problem(where=where, message=message, account=told.get("account"))


def saved_of(told: Told) -> Saved:
    """Return a post that was stored, with what came of it."""
    warnings = tuple(Problem(**each) for each in told["problems"])
    return Saved(post=post_of(told), warnings=warnings, moved=tuple(told["moved"]))


def preview_of(told: Told) -> Preview:
    """Return what an account would be sent."""
    return Preview(
        account=told["account"],
        network=told["network"],
        at=instant_of(told["at"]),
        why=told["placed_why"],
        lengths=tuple(
            {unit: (length["count"], length["limit"]) for unit, length in part.items()}
            for part in told["parts"]
        ),
        pictures=tuple(zip(map(_media_of, told["given"]), map(_media_of, told["media"]), strict=True)),
        calls=tuple(Call(**each) for each in told["calls"]),
        problems=tuple(Problem(**each) for each in told["problems"]),
        warnings=tuple(Problem(**each) for each in told["warnings"]),
    )


def stored_of(told: Told) -> Media:
    """Return a stored file, under no name."""
    return _media_of({**told, "name": "", "part": 1})


def profile_of(told: Told) -> Profile:
    """Return what a network says about an account."""
    return Profile(handle=told["handle"], url=told["url"], notes=tuple(told["notes"]))


def paused_of(told: Told) -> Paused:
    """Return what was held back just now."""
    target = Target(scope=Scope(told["scope"]), name=told["name"])
    return Paused(
        target=target,
        since=datetime.fromisoformat(told["since"]),
        until=instant_of(told["until"]),
        waiting=told["waiting"],
        used=told["used"],
    )


def resumed_of(told: Told) -> Resumed:
    """Return what was let go on just now."""
    target = Target(scope=Scope(told["scope"]), name=told["name"])
    return Resumed(target=target, **{name: told[name] for name in ("was_paused", "late", "missed")})


def attempt_of(told: Told, delivery: Delivery) -> Attempt:
    """Return a try of a delivery."""
    return Attempt(
        id=0,
        delivery_id=delivery.id,
        kind=AttemptKind(told["kind"]),
        started_at=datetime.fromisoformat(told["started_at"]),
        ended_at=instant_of(told["ended_at"]),
        result=told["result"],
        message=told["message"],
    )


def revision_of(told: Told) -> Revision:
    """Return what a published post said before."""
    return Revision(
        version=told["version"],
        until=datetime.fromisoformat(told["until"]),
        text=told["text"],
        segments=tuple(told["segments"]),
        title=told["title"],
        link=told["link"],
        alts=tuple(told["alts"]),
        overrides=_overrides_of(told),
    )


def reading_of(told: Told) -> Reading:
    """Return how people had responded."""
    read_at = datetime.fromisoformat(told["read_at"])
    return Reading(account=told["account"], read_at=read_at, counts=told["counts"])


def first_comment_of(told: Told) -> FirstComment:
    """Return how a first comment does."""
    due = datetime.fromisoformat(told["due_at"])
    state = CommentState(told["state"])
    more = {"url": told["url"], "message": told["message"]}
    return FirstComment(delivery_id=0, state=state, due_at=due, try_at=due, **more)


def account_of(told: Told) -> Account:
    """Return an account, without what it keeps secret."""
    return Account(
        id=0,
        name=told["name"],
        network=told["network"],
        handle=told["handle"],
        health=Health(told["health"]),
        health_note=told["health_note"],
        paused_at=instant_of(told["paused_at"]),
        paused_until=instant_of(told["paused_until"]),
        rests_until=instant_of(told["rests_until"]),
        rest_reason=told["rest_reason"],
        server=told["server"],
        next_post_at=instant_of(told["next_post_at"]),
        tokens_end_at=instant_of(told["login_ends_at"]),
        renew_at=instant_of(told["login_renewed_at"]),
        late_limit=_span_of(told["late_limit_seconds"]),
        min_gap=_span_of(told["min_gap_seconds"]),
        cooldown=_span_of(told["cooldown_seconds"]),
        adds=Additions(signature=told["signature"] or "", utm=told["utm"], sites=tuple(told["utm_sites"])),
        quotas=tuple(Quota(per=Per(per), most=most) for per, most in told["quotas"].items()),
        created_at=datetime.fromisoformat(told["created_at"]),
    )


def held_of(told: Told) -> Held:
    """Return what holds an account."""
    until = instant_of(told["until"])
    return Held(account=told["account"], hold=Hold(told["hold"]), reason=told["reason"], until=until)


def pause_of(told: Told) -> Pause:
    """Return what is held back besides single accounts."""
    return Pause(
        scope=PauseScope(told["scope"]),
        name=told["name"],
        since=datetime.fromisoformat(told["since"]),
        until=instant_of(told["until"]),
    )


def series_of(told: Told) -> tuple[Series, Pause | None]:
    """Return a series, and what holds it back."""
    span = {"scope": PauseScope.SERIES, "name": told["id"], **(told["paused"] or {})}
    series = Series(
        id=told["id"],
        state=SeriesState(told["state"]),
        rule=rule_from({"kind": told["rule"]["kind"], "words": told["rule"]["words"]}),
        content=_content_of(told),
        variants=tuple(told["variants"]),
        overrides=_overrides_of(told),
        to=tuple(told["to"]),
        labels=tuple(told["labels"]),
        late_limit=_span_of(told["late_limit_seconds"]),
        delete_after=_span_of(told["delete_after_seconds"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        updated_at=datetime.fromisoformat(told["updated_at"]),
        version=told["version"],
        made=told["made"],
    )
    return series, pause_of(span) if told["paused"] else None


def saved_series_of(told: Told) -> SavedSeries:
    """Return a series that was stored, with what came of it."""
    posts = told["posts"]
    return SavedSeries(
        series=series_of(told)[0],
        synced=Synced(changed=tuple(posts["changed"]), removed=tuple(posts["removed"]), made=posts["made"]),
        warnings=tuple(map(problem_of, told["problems"])),
    )


def upcoming_of(told: Told) -> Upcoming:
    """Return one of the next posts of a series; of the post only what is told here."""
    at, content = datetime.fromisoformat(told["at"]), Content(text=told["text"])
    post = Post(
        id=told["post"] or "",
        state=PostState(told["state"] or PostState.SCHEDULED),
        content=content,
        created_at=at,
        updated_at=at,
        touched=told["touched"],
    )
    return Upcoming(
        at=at,
        local=datetime.fromisoformat(told["local"]),
        zone=told["zone"],
        slot=told["slot"],
        note=told["note"],
        content=content,
        post=post if told["post"] else None,
    )


def roster_of(told: Told) -> Roster:
    """Return the queue of an account."""
    account = Account(id=0, name=told["account"], network="", created_at=datetime.min.replace(tzinfo=UTC))
    seats = tuple(
        Seat(
            at=datetime.fromisoformat(each["at"]),
            local=datetime.fromisoformat(each["local"]),
            zone=each["zone"],
            slot=each["slot"],
            posts=tuple(map(post_of, each["posts"])),
        )
        for each in told["seats"]
    )
    return Roster(account=account, seats=seats, later=told["later"])


def coming_of(told: Told) -> Coming:
    """Return a delivery that was, or is to be, published."""
    return Coming(
        at=datetime.fromisoformat(told["at"]),
        account=told["account"] or "",
        network=told["network"] or "",
        content=Content(text=told["text"]),
        post_id=told["post"],
        series_id=told["series"],
        outcome=Outcome(told["outcome"]) if told["outcome"] else None,
        draft=told["draft"],
        held=told["held"],
    )


def _content_of(told: Told) -> Content:
    said = told["comment"]
    comment = Comment(text=said["text"], after=timedelta(seconds=said["after_seconds"])) if said else None
    return Content(
        text=told["text"],
        segments=tuple(told["segments"]),
        comment=comment,
        title=told["title"],
        link=told["link"],
        media=tuple(map(_media_of, told["media"])),
    )


def _media_of(told: Told) -> Media:
    kind = kind_of(told["mime"])
    names = ("sha256", "mime", "size", "width", "height", "name", "alt", "part")
    return Media(**{name: told[name] for name in names}, kind=kind, path=Path(told["sha256"]))


def _overrides_of(told: Told) -> dict[str, Override]:
    def override(said: Told) -> Override:
        same = {"segments": tuple(said["segments"]), "split": Split(said["split"])}
        return Override(**{**said, **same, "added": additions_from(said["added"])})

    return {key: override(said) for key, said in told["overrides"].items()}


def _delivery_of(told: Told, post_id: str, number: int) -> Delivery:
    outcome = Outcome(told["outcome"]) if told["outcome"] else None
    state = DeliveryState(told["state"])
    times = ("due_at", "try_at", "begun_at", "ended_at", "public_at", "expires_at", "delete_at")
    more = ("deleted_at", "edit_at", "edited_at")
    moments: dict[str, Any] = {name: instant_of(told[name]) for name in (*times, *more)}
    same = ("account", "network", "tries", "receipt_id", "url", "message", "late_reason", "stream")
    zone = told["zone"]
    return Delivery(
        id=number,
        post_id=post_id,
        account_id=number,
        key="",
        state=state,
        result=outcome if state is DeliveryState.PROCESSED else None,
        warnings=tuple(told["warnings"]),
        late_limit=_span_of(told["late_limit_seconds"]),
        placed_by=PlacedBy(told["placed_by"]) if told["placed_by"] else None,
        placed_why=told["placed_why"],
        wall=wall_text(wall_at(moments["due_at"], zone_named(zone)), zone) if zone else None,
        **moments,
        **{name: told[name] for name in same},
    )


def _span_of(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
