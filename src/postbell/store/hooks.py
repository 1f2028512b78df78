"""Addresses that are told what happens, and how that went, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from postbell.domain.account import Stored
from postbell.domain.event import Event, EventKind
from postbell.domain.hook import GIVEN_UP_AFTER, CallState, Hook, HookCall, heard
from postbell.domain.retry import STUCK_AFTER
from postbell.errors import Conflict, NotFound
from postbell.store.events import event_from
from postbell.store.retention import AT_ONCE, Step
from postbell.store.tables.events import event, hook, hook_call


_WAITING = hook_call.c.state == CallState.WAITING
#: What is new need not be noted as passed over before so much of it has come together.
_PASSED_OVER = 500


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What an address is to be told next."""

    hook: Hook
    #: Each with how often it was handed over in vain.
    events: tuple[tuple[Event, int], ...]
    #: The number of the event up to which all is told, or noted, once these are.
    upto: int
    #: When something is to be tried again (aware UTC), if nothing is to be now.
    again_at: datetime | None = None

    @property
    def is_worth_noting(self) -> bool:
        """Whether there is something to do, if only to pass over what the address does not want to hear."""
        return bool(self.events) or self.upto - self.hook.after > _PASSED_OVER


def insert_hook(
    tx: Connection, *, name: str, url: str, events: Sequence[str], allow_local: bool, now: datetime
) -> Hook:
    """Store an address that is told what happens from now on; its secret follows. Raises Conflict."""
    last = select(func.coalesce(func.max(event.c.id), 0)).scalar_subquery()
    values = {"name": name, "url": url, "events": list(events), "allow_local": allow_local, "secret": {}}
    try:
        row = tx.execute(
            insert(hook).values(**values, created_at=now, after=last, failures=0).returning(hook)
        ).one()
    except IntegrityError:
        raise Conflict(f"There is a hook named {name} already. Choose another name.") from None
    return _hook_from(row)


def keep_secret(tx: Connection, hook_id: int, secret: Stored) -> None:
    """Store what an address is signed with."""
    tx.execute(update(hook).where(hook.c.id == hook_id).values(secret=secret))


def list_hooks(tx: Connection) -> list[Hook]:
    """Return every address in the order of their names."""
    return [_hook_from(row) for row in tx.execute(select(hook).order_by(hook.c.name))]


def pick_awake(tx: Connection, found: Sequence[Hook]) -> list[Hook]:
    """Return those of these addresses for which there may be something to tell, or to note, at some time.

    It is found out for all of them together: most events concern few. One is left out to which all that it
    wants to hear was told, and which is not far behind.
    """
    last = tx.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one()
    waiting = set(tx.execute(select(hook_call.c.hook_id).where(_WAITING).distinct()).scalars())
    quiet = [
        each
        for each in found
        if each.id not in waiting and each.rests_until is None and last - each.after <= _PASSED_OVER
    ]
    newer = event.c.id > min((each.after for each in quiet), default=last)
    last_of = select(event.c.kind, func.max(event.c.id).label("id")).where(newer).group_by(event.c.kind)
    newest = {row.kind: row.id for row in tx.execute(last_of)}
    asleep = {
        each.id
        for each in quiet
        if all(newest.get(str(kind), 0) <= each.after for kind in heard(each.events))
    }
    return [each for each in found if each.id not in asleep]


def get_hook(tx: Connection, name: str) -> Hook:
    """Return the address of this name; raises NotFound with the names that there are."""
    found = list_hooks(tx)
    for each in found:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in found) or "none yet"
    raise NotFound(f"There is no hook named {name}. Hooks: {names}.")


def delete_hook(tx: Connection, hook_id: int) -> None:
    """Forget an address and how it was told."""
    tx.execute(delete(hook).where(hook.c.id == hook_id))


def look_ahead(tx: Connection, hook_id: int, now: datetime, most: int) -> Ahead | None:
    """Return what an address is to be told at `now` (aware), at most so much; None if it was removed.

    What was not taken comes first when its time has come. While it takes nothing, one event is tried, and not
    the same one for ever: it may be that event and not the address.
    """
    row = tx.execute(select(hook).where(hook.c.id == hook_id)).one_or_none()
    if row is None:
        return None
    found = _hook_from(row)
    if found.rests_until is not None and found.rests_until > now:
        return Ahead(hook=found, events=(), upto=found.after, again_at=found.rests_until)
    most, stuck = (1, _stuck(tx, found)) if found.failures else (most, None)
    again = _due_again(tx, found, now, most, but=stuck)
    last = tx.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one()
    new = _new(tx, found, last, most - len(again))
    if stuck and not again and not new:
        again = _due_again(tx, found, now, most, but=None)
    whole = len(again) + len(new) < most
    upto = max(found.after, last) if whole else (new[-1].id if new else found.after)
    waits = select(func.min(hook_call.c.try_at)).where(hook_call.c.hook_id == hook_id, _WAITING)
    return Ahead(
        hook=found,
        events=(*again, *((each, 0) for each in new)),
        upto=upto,
        again_at=None if again or new else tx.execute(waits).scalar_one(),
    )


def any_ahead(tx: Connection, now: datetime) -> bool:
    """Whether there is an address to which something may have to be told at `now` (aware)."""
    last = select(func.coalesce(func.max(event.c.id), 0)).scalar_subquery()
    waits = exists().where(hook_call.c.hook_id == hook.c.id, _WAITING, hook_call.c.try_at <= now)
    may = (hook.c.rests_until.is_(None) | (hook.c.rests_until <= now)) & ((hook.c.after < last) | waits)
    return tx.execute(select(hook.c.id).where(may).limit(1)).first() is not None


def record_calls(tx: Connection, calls: Sequence[HookCall], told: Hook, *, upto: int) -> None:
    """Write down how telling went, how the address is now, and up to where it is told.

    Where it was removed meanwhile, nothing is written.
    """
    state = {name: getattr(told, name) for name in ("failures", "failing_since", "error", "rests_until")}
    there = update(hook).where(hook.c.id == told.id)
    if tx.execute(there.values(after=func.max(hook.c.after, upto), **state)).rowcount == 0:
        return
    for call in calls:
        values = asdict(call) | {"hook_id": told.id}
        new = upsert(hook_call).values(values)
        kept = {
            name: new.excluded[name] for name in values if name not in ("event_id", "hook_id", "first_at")
        }
        tx.execute(new.on_conflict_do_update(index_elements=["hook_id", "event_id"], set_=kept))


def give_up_old(tx: Connection, hook_id: int, now: datetime) -> int:
    """Give up what an address has not taken for a day, a little at a time; return how much that was.

    That is also what was never tried, because the address took nothing all that time.
    """
    row = tx.execute(select(hook).where(hook.c.id == hook_id)).one_or_none()
    if row is None:
        return 0
    told, before = _hook_from(row), now - GIVEN_UP_AFTER
    mine = and_(hook_call.c.hook_id == hook_id, _WAITING, hook_call.c.first_at <= before)
    ids = list(tx.execute(select(hook_call.c.id).where(mine).limit(AT_ONCE)).scalars())
    given_up = {"state": CallState.GIVEN_UP, "try_at": None}
    tx.execute(update(hook_call).where(hook_call.c.id.in_(ids)).values(given_up))
    if told.failing_since is None or told.failing_since > before:
        return len(ids)
    return len(ids) + _give_up_untried(tx, told, before, now)


def list_calls(tx: Connection, hook_id: int, limit: int) -> list[HookCall]:
    """Return the last calls of an address, the newest event first."""
    mine = select(hook_call).where(hook_call.c.hook_id == hook_id).order_by(hook_call.c.event_id.desc())
    return [_call_from(row) for row in tx.execute(mine.limit(limit))]


def count_calls(tx: Connection) -> dict[tuple[int, CallState], int]:
    """Return how many calls of each address are in each state: (hook id, state)."""
    columns = (hook_call.c.hook_id, hook_call.c.state)
    rows = tx.execute(select(*columns, func.count().label("n")).group_by(*columns))
    return {(row.hook_id, CallState(row.state)): row.n for row in rows}


def prune_calls(tx: Connection, before: datetime) -> Step:
    """Forget calls that were over before an instant (aware), a little at a time."""
    old = and_(hook_call.c.last_at < before, ~_WAITING)
    ids = list(tx.execute(select(hook_call.c.id).where(old).limit(AT_ONCE)).scalars())
    tx.execute(delete(hook_call).where(hook_call.c.id.in_(ids)))
    return Step(removed=len(ids), after=0 if len(ids) == AT_ONCE else None)


def _stuck(tx: Connection, found: Hook) -> int | None:
    """Return the event that was tried last, if it was not taken again and again."""
    mine = (hook_call.c.hook_id == found.id, _WAITING)
    last = select(hook_call.c.event_id, hook_call.c.tries).where(*mine).order_by(hook_call.c.last_at.desc())
    row = tx.execute(last.limit(1)).one_or_none()
    return row.event_id if row and row.tries >= STUCK_AFTER else None


def _due_again(
    tx: Connection, found: Hook, now: datetime, most: int, *, but: int | None
) -> list[tuple[Event, int]]:
    columns = (*event.c, hook_call.c.tries)
    due = (hook_call.c.hook_id == found.id, _WAITING, hook_call.c.try_at <= now, event.c.id != (but or 0))
    joined = select(*columns).join(hook_call, hook_call.c.event_id == event.c.id).where(*due)
    rows = tx.execute(joined.order_by(event.c.id).limit(most))
    return [(event_from(values), values.pop("tries")) for values in (row._asdict() for row in rows)]


def _new(tx: Connection, found: Hook, last: int, most: int) -> list[Event]:
    wanted = select(event).where(event.c.id > found.after, event.c.id <= last, _heard_by(found))
    return [event_from(row._asdict()) for row in tx.execute(wanted.order_by(event.c.id).limit(most))]


def _heard_by(found: Hook) -> Any:
    return event.c.kind.in_([str(kind) for kind in heard(found.events)])


def _give_up_untried(tx: Connection, told: Hook, before: datetime, now: datetime) -> int:
    old = select(event).where(event.c.id > told.after, event.c.at <= before, _heard_by(told))
    found = [event_from(row._asdict()) for row in tx.execute(old.order_by(event.c.id).limit(AT_ONCE))]
    if not found:
        return 0
    calls = [
        HookCall(
            event_id=each.id,
            kind=each.kind,
            post_id=each.post_id,
            account=each.account,
            state=CallState.GIVEN_UP,
            tries=0,
            first_at=now,
            last_at=now,
            error=told.error,
        )
        for each in found
    ]
    tx.execute(insert(hook_call), [asdict(call) | {"hook_id": told.id} for call in calls])
    tx.execute(update(hook).where(hook.c.id == told.id).values(after=found[-1].id))
    return len(found)


def _hook_from(row: Any) -> Hook:
    values = row._asdict()
    return Hook(**values | {"events": tuple(values["events"])})


def _call_from(row: Any) -> HookCall:
    values = row._asdict()
    for name in ("id", "hook_id"):
        del values[name]
    return HookCall(**values | {"kind": EventKind(values["kind"]), "state": CallState(values["state"])})
