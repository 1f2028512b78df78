"""What is changed where it is public, and what it said before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from postbell.domain.post import Delivery, Post, Revision
from postbell.domain.states import DeliveryState
from postbell.errors import Conflict
from postbell.store.posts import override_from
from postbell.store.public import Wish
from postbell.store.tables.core import delivery, post
from postbell.store.tables.revisions import revision


_EDIT = Wish(column="edit_at", done="changed")
#: Why what was to be changed is not.
_REMOVED = "it was not edited at its network: it was to be removed by then"
_OVER = (DeliveryState.PROCESSED, DeliveryState.MISSED, DeliveryState.CANCELLED)


def due_edits(tx: Connection, now: datetime, limit: int) -> list[Delivery]:
    """Return what is to be changed by now, at most `limit`; see `Wish.due`."""
    return _EDIT.due(tx, now, limit)


def require_over(tx: Connection, post_id: str) -> None:
    """Raise Conflict if anything of a post may still be sent, or looked up, as it is."""
    open_ = select(delivery.c.id).where(delivery.c.post_id == post_id, delivery.c.state.not_in(_OVER))
    if tx.execute(open_.limit(1)).first():
        raise Conflict(
            f"Something of post {post_id} is still under way, or unsure: nothing was changed. "
            f"See `postbell show {post_id}`."
        )


def ask_edit(tx: Connection, delivery_id: int, now: datetime, *, fingerprint: str | None) -> None:
    """Have it changed now to what its post says. Raises Stale if it is not public any more."""
    _EDIT.ask(tx, delivery_id, now, fingerprint=fingerprint)


def record_edited(
    tx: Connection,
    delivery_id: int,
    *,
    version: int,
    url: str | None,
    warnings: Iterable[str],
    now: datetime,
) -> None:
    """Record that it says what a version of its post says; if that is not the newest, it stays asked for."""
    row = tx.execute(
        select(delivery.c.warnings, post.c.version.label("newest"))
        .join(post, post.c.id == delivery.c.post_id)
        .where(delivery.c.id == delivery_id)
    ).one()
    values: dict[str, Any] = {"edited_at": now, "warnings": list(dict.fromkeys([*row.warnings, *warnings]))}
    values |= {"url": url} if url else {}
    values |= {"edit_at": None} if row.newest == version else {}
    _EDIT.change(tx, delivery_id, **values)


def postpone_edit(tx: Connection, delivery_id: int, until: datetime) -> None:
    """Try to change it later. Raises Stale if that is not asked for any more."""
    _EDIT.postpone(tx, delivery_id, until)


def postpone_edits(tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
    """Try later to change everything that is to be changed by now with one account."""
    _EDIT.postpone_all(tx, account_id, now=now, until=until)


def give_up_edit(tx: Connection, delivery_id: int, warning: str) -> None:
    """Leave it as it is, with a warning. Raises Stale if it was not to be changed any more."""
    row = tx.execute(select(delivery.c.warnings).where(delivery.c.id == delivery_id)).one_or_none()
    warnings = dict.fromkeys([*(row.warnings if row else ()), warning])
    _EDIT.change(tx, delivery_id, edit_at=None, warnings=list(warnings))


def give_up_removed(tx: Connection, delivery_id: int, now: datetime) -> str | None:
    """Leave what is taken away by now, or is to be, as it is; return why it is not changed, None if it is."""
    columns = (delivery.c.edit_at, delivery.c.delete_at, delivery.c.deleted_at)
    row = tx.execute(select(*columns).where(delivery.c.id == delivery_id)).one()
    if row.deleted_at is None and (row.delete_at is None or row.delete_at > now):
        return None
    if row.edit_at is not None and row.deleted_at is None:
        give_up_edit(tx, delivery_id, _REMOVED)
    return _REMOVED


def keep_revision(tx: Connection, said: Post, until: datetime) -> None:
    """Keep what a post has said until it is changed."""
    content = said.content
    words = {
        "text": content.text,
        "segments": list(content.segments),
        "title": content.title,
        "link": content.link,
        "alts": [item.alt for item in content.media],
        "overrides": {key: asdict(override) for key, override in said.overrides.items()},
    }
    values = {"post_id": said.id, "version": said.version, "until": until, "said": words}
    tx.execute(insert(revision).values(values))


def list_revisions(tx: Connection, post_id: str) -> list[Revision]:
    """Return what a post has said before, the oldest first."""
    rows = tx.execute(select(revision).where(revision.c.post_id == post_id).order_by(revision.c.version))
    return [_revision_of(row.version, row.until, row.said) for row in rows]


def _revision_of(version: int, until: datetime, said: dict[str, Any]) -> Revision:
    overrides = {key: override_from(words) for key, words in said["overrides"].items()}
    lists = {name: tuple(said[name]) for name in ("segments", "alts")}
    return Revision(version=version, until=until, **{**said, **lists, "overrides": overrides})
