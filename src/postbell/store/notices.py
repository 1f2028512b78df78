"""What the user is told, kept: what is still to be told, and what was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.notice import LASTING, Notice, NoticeKind
from postbell.store.tables.own import notice, telling


@dataclass(frozen=True, kw_only=True)
class WayState:
    """How one way of telling the user did."""

    name: str
    #: When it last took a message (aware UTC).
    told_at: datetime | None = None
    #: Since when it takes none, and why.
    failing_since: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How telling the user goes."""

    #: What ended before this (aware UTC) was noted, or is not to be told.
    since: datetime
    ways: tuple[WayState, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A notice that is to be told, with its number."""

    id: int
    notice: Notice


_FIELDS = tuple(column for column in notice.c if column.name != "id")
_OPEN = notice.c.over_at.is_(None)
# The daemon tells its own troubles out of its memory: they may keep it from writing here.
_PENDING = and_(
    _OPEN,
    notice.c.told_at.is_(None),
    notice.c.kind != NoticeKind.TROUBLE,
    or_(
        notice.c.kind != NoticeKind.UNSURE,
        notice.c.at <= bindparam("unsure_before", type_=notice.c.at.type),
        # The clock has gone back since.
        notice.c.at > bindparam("now", type_=notice.c.at.type),
    ),
)
_COUNTS = select(notice.c.kind, func.count().label("n")).where(_PENDING).group_by(notice.c.kind)
_OF_KIND = and_(_OPEN, notice.c.kind == bindparam("kind"))


def keep_notices(tx: Connection, notices: Iterable[Notice]) -> None:
    """Keep notices; those that are kept already are brought up to date."""
    rows = [asdict(each) for each in notices]
    if rows:
        new = insert(notice)
        changed = {name: new.excluded[name] for name in ("message", "mend", "told_at", "over_at")}
        keys = ["kind", "subject", "at"]
        tx.execute(new.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def count_pending(tx: Connection, unsure_before: datetime, now: datetime) -> dict[NoticeKind, int]:
    """Return how many notices of each kind are to be told at `now` (aware), but the daemon's own troubles.

    What became unsure after `unsure_before` (aware) is left out.
    """
    rows = tx.execute(_COUNTS, {"unsure_before": unsure_before, "now": now})
    return {NoticeKind(row.kind): row.n for row in rows}


def list_pending(
    tx: Connection, kinds: Collection[NoticeKind], unsure_before: datetime, now: datetime
) -> list[Pending]:
    """Return the same notices, those of these kinds, the oldest first."""
    found = select(notice).where(_PENDING, notice.c.kind.in_(kinds)).order_by(notice.c.at, notice.c.id)
    rows = tx.execute(found, {"unsure_before": unsure_before, "now": now})
    return [Pending(id=row.id, notice=_notice_from(row)) for row in rows]


def list_open(tx: Connection, kind: NoticeKind) -> list[Pending]:
    """Return the notices of a kind that last, or are still to be told."""
    rows = tx.execute(select(notice).where(_OF_KIND), {"kind": kind})
    return [Pending(id=row.id, notice=_notice_from(row)) for row in rows]


def list_notices(tx: Connection, limit: int) -> list[Notice]:
    """Return the last `limit` notices, the newest first."""
    rows = tx.execute(select(*_FIELDS).order_by(notice.c.id.desc()).limit(limit))
    return [_notice_from(row) for row in rows]


def record_told(tx: Connection, ids: Sequence[int], now: datetime) -> None:
    """Write down that these were told; what has happened is over with that, what lasts is not."""
    told = update(notice).where(notice.c.id == bindparam("of")).values(told_at=now)
    rows = [{"of": each} for each in ids]
    if rows:
        tx.execute(told, rows)
        happened = (
            _OPEN,
            notice.c.told_at.is_not(None),
            notice.c.kind.not_in((*LASTING, NoticeKind.TROUBLE)),
        )
        tx.execute(update(notice).where(*happened).values(over_at=now))


def end_notices(tx: Connection, ids: Sequence[int], now: datetime) -> None:
    """End what is true no more; what nobody was told is forgotten."""
    these = notice.c.id.in_(ids)
    tx.execute(delete(notice).where(these, notice.c.told_at.is_(None)))
    tx.execute(update(notice).where(these).values(over_at=now))


def forget_notices(tx: Connection, before: datetime) -> None:
    """Remove what happened, and was over, before an instant (aware): clocks are set back in between."""
    tx.execute(delete(notice).where(notice.c.over_at < before, notice.c.at < before))


def load_telling(tx: Connection) -> Telling | None:
    """Return how telling the user goes; None where it was never begun."""
    row = tx.execute(select(telling)).one_or_none()
    return Telling(since=row.since, ways=tuple(map(_way_from, row.ways))) if row else None


def save_telling(tx: Connection, now: Telling) -> None:
    """Keep how telling the user goes."""
    values = {"since": now.since, "ways": [_way_json(way) for way in now.ways]}
    new = insert(telling).values(id=1, **values)
    tx.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))


def forget_telling(tx: Connection) -> None:
    """Note that nobody is told: when somebody is again, what has ended until then is old."""
    tx.execute(delete(telling))


def _notice_from(row: Any) -> Notice:
    values = row._asdict()
    values.pop("id", None)
    return Notice(**values | {"kind": NoticeKind(values["kind"])})


def _way_json(way: WayState) -> dict[str, Any]:
    times = {name: value.isoformat() for name, value in asdict(way).items() if isinstance(value, datetime)}
    return asdict(way) | times


def _way_from(stored: dict[str, Any]) -> WayState:
    times = {
        name: stored[name] and datetime.fromisoformat(stored[name]) for name in ("told_at", "failing_since")
    }
    return WayState(**stored | times)
