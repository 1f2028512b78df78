"""Posts in the database: written, changed and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from postbell.domain.additions import Additions
from postbell.domain.content import Comment, Content, Override, Split
from postbell.domain.film import Film
from postbell.domain.media import Media, MediaKind
from postbell.domain.post import Delivery, PlacedBy, Post
from postbell.domain.states import (
    DELETABLE,
    DeliveryState,
    Outcome,
    PostEvent,
    PostState,
    advance_post,
    post_sources,
)
from postbell.errors import Conflict, Stale
from postbell.store.many import as_list, one_of
from postbell.store.prepared import Prepared
from postbell.store.spans import seconds_of, span_of
from postbell.store.tables.core import account, delivery, media, post, post_media


#: Tells where the stored copy of a file lies, from its sha256 and type.
Locate = Callable[[str, str], Path]

_THESE = Prepared(select(post).where(post.c.id.in_(one_of("ids"))))
_MEDIA_OF = Prepared(
    select(post_media, media)
    .join(media, media.c.sha256 == post_media.c.sha256)
    .where(post_media.c.post_id.in_(one_of("ids")))
    .order_by(post_media.c.post_id, post_media.c.position)
)
_DELIVERIES_OF = Prepared(
    select(delivery, account.c.name.label("account"), account.c.network)
    .join(account, account.c.id == delivery.c.account_id)
    .where(delivery.c.post_id.in_(one_of("ids")))
    .order_by(delivery.c.id)
)

#: The longest list that is read at once where the caller names no other.
PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which posts to list. Everything given must be true of a post."""

    state: PostState | None = None
    outcome: Outcome | None = None
    account: str | None = None
    label: str | None = None
    external_id: str | None = None
    #: Instants; posts without a time are left out where one is given.
    since: datetime | None = None
    until: datetime | None = None
    #: Where more fit, the latest are listed.
    limit: int = PAGE
    #: The time and id of a post: only those that are listed before it.
    beyond: tuple[datetime | None, str] | None = None


def insert_post(tx: Connection, new: Post) -> None:
    """Store a post and its media; deliveries are added by `store.deliveries`."""
    tx.execute(insert(post).values(id=new.id, created_at=new.created_at, version=1, **_values(new)))
    _replace_media(tx, new.id, new.content.media)


def insert_posts(tx: Connection, new: Sequence[Post]) -> None:
    """Store many posts, in the states in which they are, with their media."""
    if new:
        rows = [{"id": each.id, "created_at": each.created_at, "version": 1} | _values(each) for each in new]
        tx.execute(insert(post), rows)
    if items := [row for each in new for row in _media_rows(each.id, each.content.media)]:
        tx.execute(insert(post_media), items)


def known_ids(tx: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of these ids that posts have."""
    return set(tx.execute(select(post.c.id).where(post.c.id.in_(ids))).scalars())


def update_post(tx: Connection, changed: Post, event: PostEvent) -> None:
    """Store a changed post if it is still in a state that allows it and nobody else changed it.

    Raises IllegalTransition or Stale; then nothing was changed.
    """
    target = advance_post(changed.state, event)
    statement = (
        update(post)
        .where(
            post.c.id == changed.id,
            post.c.version == changed.version,
            post.c.state.in_(post_sources(event)),
        )
        .values(**_values(changed) | {"state": target, "version": changed.version + 1})
    )
    if tx.execute(statement).rowcount != 1:
        raise stale_post(changed.id)
    _replace_media(tx, changed.id, changed.content.media)


def stale_post(post_id: str) -> Stale:
    """Return what is raised where somebody else changed a post since it was read."""
    return Stale(f"Post {post_id} was changed, or taken up for publishing, meanwhile; nothing was done.")


def rename_overrides(tx: Connection, old: str, new: str) -> None:
    """Let what posts say for one account follow it to its new name."""
    says = func.json_type(post.c.overrides, f'$."{old}"').is_not(None)
    for row in tx.execute(select(post.c.id, post.c.overrides, post.c.version).where(says)).all():
        overrides = {new if key == old else key: said for key, said in row.overrides.items()}
        values = {"overrides": overrides, "version": row.version + 1}
        tx.execute(update(post).where(post.c.id == row.id).values(values))


def delete_post(tx: Connection, post_id: str) -> None:
    """Remove a post and all that belongs to it; raises Conflict where its state forbids it."""
    gone = tx.execute(delete(post).where(post.c.id == post_id, post.c.state.in_(DELETABLE)))
    if gone.rowcount != 1:
        raise Conflict(f"Post {post_id} is being published, or was: it is kept as a record.")


def find_ids(tx: Connection, prefix: str, limit: int = 5) -> list[str]:
    """Return the ids that begin with `prefix`, at most `limit`."""
    # A range instead of LIKE, so that the index serves and no letter is special.
    within = select(post.c.id).where(post.c.id >= prefix, post.c.id < prefix + "\x7f")
    return list(tx.execute(within.order_by(post.c.id).limit(limit)).scalars())


def list_posts(tx: Connection, wanted: Filter, locate: Locate) -> list[Post]:
    """Return the posts that fit, by time, those without one last; of too many the latest."""
    given = {name: value for name, value in _given(wanted).items() if value is not None}
    latest = _latest(frozenset(given) | ({"beyond"} if wanted.beyond else set()), wanted.outcome)
    ids = [post_id for (post_id,) in latest.tuples(tx, {**given, "limit": wanted.limit})]
    return load_posts(tx, ids[::-1], locate)


def load_posts(tx: Connection, ids: Sequence[str], locate: Locate) -> list[Post]:
    """Return these posts with media and deliveries, in the order of `ids`; unknown ids are left out."""
    these = {"ids": as_list(ids)}
    media_of: dict[str, list[Media]] = {}
    for row in _MEDIA_OF.rows(tx, these):
        media_of.setdefault(row["post_id"], []).append(media_from(row, locate))
    deliveries_of: dict[str, list[Delivery]] = {}
    for row in _DELIVERIES_OF.rows(tx, these):
        deliveries_of.setdefault(row["post_id"], []).append(delivery_of(row))
    found = {
        (key := row["id"]): _post_of(row, media_of.get(key, []), deliveries_of.get(key, []))
        for row in _THESE.rows(tx, these)
    }
    return [found[post_id] for post_id in ids if post_id in found]


def delivery_from(row: Row[Any]) -> Delivery:
    """Return the delivery in a row of the delivery table joined with its account."""
    return delivery_of(row._asdict())


def delivery_of(columns: Mapping[str, Any]) -> Delivery:
    """Return the delivery that such a row describes, by column."""
    values = dict(columns)
    values["state"] = DeliveryState(values["state"])
    values["result"] = Outcome(values["result"]) if values["result"] else None
    values["warnings"] = tuple(values["warnings"])
    values["late_limit"] = span_of(values["late_limit"])
    values["placed_by"] = PlacedBy(values["placed_by"]) if values["placed_by"] else None
    return Delivery(**values)


def _values(value: Post) -> dict[str, Any]:
    return {
        "state": value.state,
        "text": value.content.text,
        "segments": list(value.content.segments),
        "comment": comment_values(value.content.comment),
        "title": value.content.title,
        "link": value.content.link,
        "overrides": {key: asdict(override) for key, override in value.overrides.items()},
        "at": value.at,
        "local": value.local.isoformat() if value.local else None,
        "zone": value.zone,
        "updated_at": value.updated_at,
        "series_id": value.series_id,
        "slot": value.slot,
        "turn": value.turn,
        "touched": value.touched,
        "external_id": value.external_id,
        "labels": list(value.labels),
        "late_limit": seconds_of(value.late_limit),
        "not_after": value.not_after,
        "delete_after": seconds_of(value.delete_after),
        "allow_duplicate": value.allow_duplicate,
        "bare": value.bare,
        "unchecked": value.unchecked,
    }


def _replace_media(tx: Connection, post_id: str, items: Sequence[Media]) -> None:
    tx.execute(delete(post_media).where(post_media.c.post_id == post_id))
    if rows := _media_rows(post_id, items):
        tx.execute(insert(post_media), rows)


def _media_rows(post_id: str, items: Sequence[Media]) -> list[dict[str, Any]]:
    return [{"post_id": post_id, **values} for values in media_values(items)]


def _given(wanted: Filter) -> dict[str, Any]:
    """Return what is compared with columns, by the names in `_conditions`; None is not."""
    at, post_id = wanted.beyond or (None, None)
    named = {"account": wanted.account, "label": wanted.label, "external_id": wanted.external_id}
    span = {"since": wanted.since, "until": wanted.until}
    state = wanted.state.value if wanted.state else None
    return {"state": state, **named, **span, "beyond_at": at, "beyond_id": post_id}


@cache
def _latest(given: frozenset[str], outcome: Outcome | None) -> Prepared:
    """Return the statement that finds the ids of the latest posts, where this is asked for."""
    conditions = [condition for name, condition in _conditions().items() if name in given]
    if outcome:
        conditions.append(_has_outcome(outcome))
    if "beyond" in given:
        conditions.append(_before(timed="beyond_at" in given))
    latest = select(post.c.id).where(*conditions).order_by(post.c.at.desc().nulls_first(), post.c.id.desc())
    return Prepared(latest.limit(bindparam("limit")))


def _conditions() -> dict[str, ColumnElement[bool]]:
    of_account = exists().where(
        delivery.c.post_id == post.c.id,
        account.c.id == delivery.c.account_id,
        account.c.name == bindparam("account"),
    )
    labels = func.json_each(post.c.labels).table_valued("value")
    return {
        "state": post.c.state == bindparam("state"),
        "account": of_account,
        "label": exists().where(labels.c.value == bindparam("label")),
        "external_id": post.c.external_id == bindparam("external_id"),
        "since": post.c.at >= bindparam("since"),
        "until": post.c.at < bindparam("until"),
    }


def _before(*, timed: bool) -> ColumnElement[bool]:
    """Say in SQL what is listed before a post with a time or without: those without are listed last."""
    earlier = post.c.id < bindparam("beyond_id")
    if not timed:
        return post.c.at.is_not(None) | earlier
    return (post.c.at <= bindparam("beyond_at")) & ((post.c.at < bindparam("beyond_at")) | earlier)


def _has_outcome(outcome: Outcome) -> ColumnElement[bool]:
    """Say in SQL what `derive_outcome` says of a post; a test holds the two together."""

    def any_delivery(*states: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(delivery.c.post_id == post.c.id, *states)

    published = any_delivery(delivery.c.result == Outcome.PUBLISHED)
    failed = any_delivery(delivery.c.result == Outcome.FAILED)
    missed = any_delivery(delivery.c.state == DeliveryState.MISSED)
    unsure = any_delivery(delivery.c.state == DeliveryState.UNSURE)
    cancelled = any_delivery(delivery.c.state == DeliveryState.CANCELLED)
    ended = (post.c.state == PostState.PROCESSED) | (post.c.state == PostState.CANCELLED)
    other = failed | missed | cancelled
    said: Mapping[Outcome, ColumnElement[bool]] = {
        Outcome.UNSURE: unsure,
        Outcome.PUBLISHED: published & ~other & ~unsure,
        Outcome.PARTIAL: published & other & ~unsure,
        Outcome.FAILED: failed & ~published & ~unsure,
        Outcome.MISSED: missed & ~published & ~failed & ~unsure,
        Outcome.CANCELLED: ~(published | failed | missed | unsure),
    }
    return ended & said[outcome]


def _post_of(columns: Mapping[str, Any], items: list[Media], deliveries: list[Delivery]) -> Post:
    values = dict(columns)
    said = {name: values.pop(name) for name in ("text", "title", "link")}
    said |= {"segments": tuple(values.pop("segments")), "comment": comment_from(values.pop("comment"))}
    values["content"] = Content(**said, media=tuple(items))
    values["overrides"] = {key: override_from(words) for key, words in values["overrides"].items()}
    values["state"] = PostState(values["state"])
    values["local"] = datetime.fromisoformat(values["local"]) if values["local"] else None
    values["labels"] = tuple(values["labels"])
    for name in ("late_limit", "delete_after"):
        values[name] = span_of(values[name])
    return Post(**values, deliveries=tuple(deliveries))


def comment_values(said: Comment | None) -> dict[str, Any] | None:
    """Return what is written down of the text of a first comment."""
    return {"text": said.text, "after": said.after.total_seconds()} if said else None


def comment_from(words: Mapping[str, Any] | None) -> Comment | None:
    """Return the first comment that was stored as these words."""
    return Comment(text=words["text"], after=timedelta(seconds=words["after"])) if words else None


def override_from(words: Mapping[str, Any]) -> Override:
    """Return the override that was stored as these words; older ones have not all of them."""
    newer = {"segments": tuple(words.get("segments", ())), "split": Split(words.get("split", Split.NO))}
    return Override(**{**words, **newer, "added": additions_from(words.get("added"))})


def additions_from(words: Mapping[str, Any] | None) -> Additions | None:
    """Return the additions that were stored as these words."""
    return Additions(**{**words, "sites": tuple(words["sites"])}) if words else None


def media_values(items: Sequence[Media]) -> list[dict[str, Any]]:
    """Return what is written down of the use of files, in their order."""
    return [
        {"position": place, "sha256": item.sha256, "name": item.name, "alt": item.alt, "part": item.part}
        for place, item in enumerate(items)
    ]


def media_from(row: Mapping[str, Any], locate: Locate) -> Media:
    """Return the file in a row of the media table joined with that of its use, by column."""
    return Media(
        sha256=row["sha256"],
        kind=MediaKind(row["kind"]),
        mime=row["mime"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
        film=Film(**row["film"]) if row["film"] else None,
        name=row["name"],
        path=locate(row["sha256"], row["mime"]),
        alt=row["alt"],
        part=row["part"],
    )
