"""Series in the database: what makes posts by itself, and how far it has come with that."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from postbell.domain.content import Content
from postbell.domain.library import Piece
from postbell.domain.media import Media
from postbell.domain.recurrence import Recurrence
from postbell.domain.recycling import Recycling
from postbell.domain.repeat_words import recurrence_from, recurrence_words, recycling_from, recycling_words
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.errors import Stale
from postbell.store.posts import Locate, comment_from, comment_values, media_from, media_values, override_from
from postbell.store.spans import seconds_of, span_of
from postbell.store.tables.core import account, media, post
from postbell.store.tables.series import series, series_account, series_media


#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500

#: Rows count up: that tells apart what was stored within one tick of the clock.
_BY_AGE: tuple[Any, ...] = (series.c.created_at, literal_column("series.rowid"))

_DUE = (
    select(series.c.id)
    .where(
        series.c.state == SeriesState.ACTIVE,
        series.c.next_at <= bindparam("until", type_=series.c.next_at.type),
    )
    .order_by(series.c.next_at)
    .limit(bindparam("most"))
)
_ADVANCE = (
    update(series)
    .where(series.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("state", "made", "made_until", "next_at")})
)


def insert_series(tx: Connection, new: Series, account_ids: Iterable[int]) -> None:
    """Store a series, its media and its accounts."""
    progress = {"made": new.made, "made_until": new.made_until, "next_at": new.next_at}
    values = {"id": new.id, "state": new.state, "created_at": new.created_at, "version": 1}
    tx.execute(insert(series).values(**values, **progress, **_values(new)))
    _replace_media(tx, new.id, new.content.media)
    _replace_accounts(tx, new.id, set(account_ids))


def update_series(tx: Connection, changed: Series, account_ids: Iterable[int]) -> None:
    """Store what the user has changed of an active series; how far it has come stays as it is.

    Raises Stale if somebody else changed it, or it has ended, meanwhile; then nothing was changed.
    """
    statement = (
        update(series)
        .where(
            series.c.id == changed.id,
            series.c.version == changed.version,
            series.c.state == SeriesState.ACTIVE,
        )
        .values(**_values(changed), version=changed.version + 1)
    )
    if tx.execute(statement).rowcount != 1:
        raise stale_series(changed.id)
    _replace_media(tx, changed.id, changed.content.media)
    _replace_accounts(tx, changed.id, set(account_ids))


def stale_series(series_id: str) -> Stale:
    """Return what is raised where somebody else changed a series since it was read."""
    return Stale(f"Series {series_id} was changed, or has ended, meanwhile; nothing was done.")


def end_series(tx: Connection, series_id: str, now: datetime) -> None:
    """Let a series make no more posts; raises Stale if it makes none any more."""
    active = (series.c.id == series_id, series.c.state == SeriesState.ACTIVE)
    values = {"state": SeriesState.ENDED, "next_at": None, "updated_at": now, "version": series.c.version + 1}
    if tx.execute(update(series).where(*active).values(values)).rowcount != 1:
        raise Stale(f"Series {series_id} has ended already; nothing was done.")


def delete_series(tx: Connection, series_id: str) -> None:
    """Remove a series to which no post belongs any more; raises Stale if it is gone."""
    if tx.execute(delete(series).where(series.c.id == series_id)).rowcount != 1:
        raise Stale(f"Series {series_id} was deleted meanwhile; nothing was done.")


def advance_series(tx: Connection, advanced: Iterable[Series]) -> None:
    """Store how far series have come. That is no change by the user: their versions stay."""
    rows = [
        {
            "of": each.id,
            "state": each.state,
            "made": each.made,
            "made_until": each.made_until,
            "next_at": each.next_at,
        }
        for each in advanced
    ]
    if rows:
        tx.execute(_ADVANCE, rows)


def pass_over(tx: Connection, now: datetime) -> None:
    """Let no series make posts any more for the times that have come by now (aware).

    After a step back in time nobody knows whether there were posts for them, and what became of those.
    """
    behind = func.coalesce(series.c.made_until, series.c.created_at) < now
    of_rule = (series.c.state == SeriesState.ACTIVE, series.c.library.is_(None))
    tx.execute(update(series).where(*of_rule, behind).values(made_until=now))


def mark_used(tx: Connection, uses: Iterable[tuple[str, int, datetime]]) -> None:
    """Store when an account uses a piece of a library: (series id, account id, instant) each."""
    rows = [{"piece": piece, "user": user, "at": at} for piece, user, at in uses]
    statement = (
        update(series_account)
        .where(
            series_account.c.series_id == bindparam("piece"), series_account.c.account_id == bindparam("user")
        )
        .values(used_at=bindparam("at"))
    )
    if rows:
        tx.execute(statement, rows)


def due_series(tx: Connection, until: datetime, limit: int) -> list[str]:
    """Return the ids of series that have posts to make, where the horizon is `until` (aware)."""
    return list(tx.execute(_DUE, {"until": until, "most": limit}).scalars())


def is_made_again(tx: Connection, post_id: str) -> bool:
    """Whether a post belongs to a series that still makes posts, and would make it anew."""
    of_active = exists().where(series.c.id == post.c.series_id, series.c.state == SeriesState.ACTIVE)
    return bool(tx.execute(select(post.c.id).where(post.c.id == post_id, of_active)).all())


def find_series_ids(tx: Connection, prefix: str, limit: int = 5) -> list[str]:
    """Return the ids that begin with `prefix`, at most `limit`."""
    within = select(series.c.id).where(series.c.id >= prefix, series.c.id < prefix + "\x7f")
    return list(tx.execute(within.order_by(series.c.id).limit(limit)).scalars())


def list_series(tx: Connection, state: SeriesState | None, locate: Locate) -> list[Series]:
    """Return every series, or those in a state, the oldest first."""
    wanted = select(series.c.id).order_by(*_BY_AGE)
    if state:
        wanted = wanted.where(series.c.state == state)
    return load_series(tx, list(tx.execute(wanted).scalars()), locate)


def load_series(tx: Connection, ids: Sequence[str], locate: Locate) -> list[Series]:
    """Return these series with media and accounts, in the order of `ids`; unknown ids are left out."""
    found: dict[str, Series] = {}
    for start in range(0, len(ids), _AT_ONCE):
        these = ids[start : start + _AT_ONCE]
        media_of: dict[str, list[Media]] = defaultdict(list)
        for row in tx.execute(
            select(series_media, media)
            .join(media, media.c.sha256 == series_media.c.sha256)
            .where(series_media.c.series_id.in_(these))
            .order_by(series_media.c.series_id, series_media.c.position)
        ):
            media_of[row.series_id].append(media_from(row._asdict(), locate))
        names: dict[str, list[str]] = defaultdict(list)
        for row in tx.execute(_accounts_of(series_account.c.series_id.in_(these))):
            names[row.series_id].append(row.name)
        for row in tx.execute(select(series).where(series.c.id.in_(these))):
            found[row.id] = _series_from(row, media_of[row.id], names[row.id])
    return [found[series_id] for series_id in ids if series_id in found]


def with_own_times(tx: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of these series that are active and are no pieces of a library."""
    found: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        these = series.c.id.in_(ids[start : start + _AT_ONCE])
        own = (these, series.c.state == SeriesState.ACTIVE, series.c.library.is_(None))
        found |= set(tx.execute(select(series.c.id).where(*own)).scalars())
    return found


def series_using(tx: Connection, account_id: int, limit: int = 5) -> list[str]:
    """Return the ids of active series that make posts for an account, at most `limit`."""
    wanted = (
        select(series.c.id)
        .join(series_account, series_account.c.series_id == series.c.id)
        .where(series_account.c.account_id == account_id, series.c.state == SeriesState.ACTIVE)
    )
    return list(tx.execute(wanted.order_by(series.c.id).limit(limit)).scalars())


def list_pieces(tx: Connection, account_id: int) -> list[Piece]:
    """Return the pieces of libraries that an account may use, the oldest first."""
    rows = tx.execute(
        select(series.c.id, series.c.rule, series.c.made, series_account.c.used_at)
        .join(series_account, series_account.c.series_id == series.c.id)
        .where(
            series_account.c.account_id == account_id,
            series.c.state == SeriesState.ACTIVE,
            series.c.library.is_not(None),
        )
        .order_by(*_BY_AGE)
    )
    pieces = []
    for row in rows:
        rule = rule_from(row.rule)
        assert isinstance(rule, Recycling), "only recycled posts belong to a library"
        pieces.append(Piece(series_id=row.id, rule=rule, uses=row.made, last_use=row.used_at))
    return pieces


def any_pieces(tx: Connection) -> bool:
    """Say whether there is, or was, any library at all."""
    # Whether one is active is left open: asked for both, SQLite goes through all that are.
    wanted = exists().where(series.c.library.is_not(None))
    return bool(tx.execute(select(wanted)).scalar_one())


def last_recycled(tx: Connection, account_id: int) -> datetime | None:
    """Return when an account has used a piece of a library last, or is to use one."""
    times = select(series_account.c.used_at).where(series_account.c.account_id == account_id)
    last = times.order_by(series_account.c.used_at.desc().nulls_last()).limit(1)
    return tx.execute(last).scalar_one_or_none()


def labelled_pieces(tx: Connection, labels: Sequence[str]) -> list[str]:
    """Return the pieces of libraries that have one of these labels."""
    own = func.json_each(series.c.labels).table_valued("value", name="label")
    labelled = exists().where(own.c.value.in_(labels)).correlate(series)
    wanted = select(series.c.id).where(series.c.library.is_not(None), labelled)
    return list(tx.execute(wanted).scalars())


def rename_overrides(tx: Connection, old: str, new: str) -> None:
    """Let what series say for one account follow it to its new name."""
    says = func.json_type(series.c.overrides, f'$."{old}"').is_not(None)
    for row in tx.execute(select(series.c.id, series.c.overrides, series.c.version).where(says)).all():
        overrides = {new if key == old else key: said for key, said in row.overrides.items()}
        values = {"overrides": overrides, "version": row.version + 1}
        tx.execute(update(series).where(series.c.id == row.id).values(values))


def rule_json(rule: Recurrence | Recycling) -> dict[str, Any]:
    """Return a rule as it is stored: its kind and its words."""
    if isinstance(rule, Recycling):
        return {"kind": "recycling", "words": recycling_words(rule)}
    return {"kind": "recurrence", "words": recurrence_words(rule)}


def rule_from(stored: Mapping[str, Any]) -> Recurrence | Recycling:
    """Return the rule that `rule_json` wrote."""
    return _rule_of(json.dumps(stored))


@lru_cache(maxsize=4096)
def _rule_of(text: str) -> Recurrence | Recycling:
    # Rules are values, and the same ones are read over and over: to understand the words takes far longer.
    stored = json.loads(text)
    # The words that are stored always name their zone and their first day: these stand for nothing.
    zone, day = ZoneInfo("UTC"), date(2000, 1, 1)
    if stored["kind"] == "recycling":
        return recycling_from(stored["words"], zone=zone, now_local=datetime.combine(day, time()))
    return recurrence_from(stored["words"], zone=zone, today=day)


def _accounts_of(where: ColumnElement[bool]) -> Any:
    return (
        select(series_account.c.series_id, account.c.name)
        .join(account, account.c.id == series_account.c.account_id)
        .where(where, account.c.removed_at.is_(None))
        .order_by(account.c.name)
    )


def _values(value: Series) -> dict[str, Any]:
    return {
        "rule": rule_json(value.rule),
        "library": value.library,
        "text": value.content.text,
        "segments": list(value.content.segments),
        "comment": comment_values(value.content.comment),
        "title": value.content.title,
        "link": value.content.link,
        "variants": list(value.variants),
        "overrides": {key: asdict(override) for key, override in value.overrides.items()},
        "labels": list(value.labels),
        "late_limit": seconds_of(value.late_limit),
        "delete_after": seconds_of(value.delete_after),
        "updated_at": value.updated_at,
    }


def _replace_media(tx: Connection, series_id: str, items: Sequence[Media]) -> None:
    tx.execute(delete(series_media).where(series_media.c.series_id == series_id))
    if rows := [{"series_id": series_id, **values} for values in media_values(items)]:
        tx.execute(insert(series_media), rows)


def _replace_accounts(tx: Connection, series_id: str, wanted: set[int]) -> None:
    """Store for whom a series makes posts; those that stay keep when they used it."""
    of_series = series_account.c.series_id == series_id
    had = set(tx.execute(select(series_account.c.account_id).where(of_series)).scalars())
    tx.execute(delete(series_account).where(of_series, series_account.c.account_id.in_(had - wanted)))
    rows = [{"series_id": series_id, "account_id": account_id} for account_id in sorted(wanted - had)]
    if rows:
        tx.execute(insert(series_account), rows)


def _series_from(row: Row[Any], items: list[Media], names: list[str]) -> Series:
    return Series(
        id=row.id,
        state=SeriesState(row.state),
        rule=rule_from(row.rule),
        content=Content(
            text=row.text,
            segments=tuple(row.segments),
            comment=comment_from(row.comment),
            title=row.title,
            link=row.link,
            media=tuple(items),
        ),
        variants=tuple(row.variants),
        overrides={key: override_from(said) for key, said in row.overrides.items()},
        to=tuple(names),
        labels=tuple(row.labels),
        late_limit=span_of(row.late_limit),
        delete_after=span_of(row.delete_after),
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        made=row.made,
        made_until=row.made_until,
        next_at=row.next_at,
    )
