"""Accounts in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from postbell.domain.account import Account, Health, Stored
from postbell.domain.additions import Additions
from postbell.domain.quota import Per, Quota
from postbell.domain.states import DeliveryState
from postbell.domain.weekly import DaysOff, WeeklySlots, WeeklyTime
from postbell.errors import Conflict, NotFound
from postbell.store.many import as_list, one_of
from postbell.store.posts import additions_from
from postbell.store.prepared import Prepared
from postbell.store.spans import seconds_of, span_of
from postbell.store.tables.core import account, delivery, post


_FIELDS = tuple(column for column in account.c if column.name != "removed_at")

_ENDED_PAUSES = Prepared(
    select(account.c.id, account.c.paused_until).where(account.c.paused_until <= bindparam("now"))
)

_GAPS = Prepared(
    select(account.c.id, account.c.min_gap).where(
        account.c.id.in_(one_of("ids")), account.c.min_gap.is_not(None)
    )
)


def account_from(row: Row[Any]) -> Account:
    """Return the account in a row of the account table."""
    return account_of(row._asdict())


def account_of(columns: dict[str, Any]) -> Account:
    """Return the account that such a row describes, by column."""
    values = dict(columns)
    values.pop("removed_at", None)
    for name in ("late_limit", "min_gap", "cooldown"):
        values[name] = span_of(values[name])
    values["health"] = Health(values["health"])
    values["tokens"] = values["tokens"] or {}
    values["adds"] = additions_from(values["adds"]) or Additions()
    values["slots"] = _slots_from(values["slots"]) if values["slots"] else None
    quotas = (values["quotas"] or {}).items()
    values["quotas"] = tuple(Quota(most=most, per=Per(per)) for per, most in quotas)
    return Account(**values)


def add_account(
    tx: Connection,
    *,
    name: str,
    network: str,
    server: str | None,
    credentials: Stored,
    session: Stored,
    handle: str | None,
    now: datetime,
) -> Account:
    """Store a new account; raises Conflict if the name is taken."""
    values = {
        "name": name,
        "network": network,
        "server": server,
        "credentials": credentials,
        "session": session,
        "handle": handle,
        "health": Health.OK,
        "setbacks": 0,
        "created_at": now,
    }
    try:
        row = tx.execute(insert(account).values(values).returning(*_FIELDS)).one()
    except IntegrityError:
        raise Conflict(f"There is an account named {name} already. Choose another name.") from None
    return account_from(row)


def list_accounts(tx: Connection) -> list[Account]:
    """Return every account in the order of their names."""
    rows = tx.execute(select(*_FIELDS).where(account.c.removed_at.is_(None)).order_by(account.c.name))
    return [account_from(row) for row in rows]


def accounts_named(tx: Connection, names: Sequence[str]) -> dict[str, Account]:
    """Return the accounts that have these names, by name; unknown names are left out."""
    rows = tx.execute(select(*_FIELDS).where(account.c.removed_at.is_(None), account.c.name.in_(list(names))))
    return {row.name: account_from(row) for row in rows}


def get_account(tx: Connection, name: str) -> Account:
    """Return the account with this name; raises NotFound with the names that there are."""
    found = accounts_named(tx, [name])
    if name not in found:
        names = ", ".join(known.name for known in list_accounts(tx)) or "none yet"
        raise NotFound(f"There is no account named {name}. Accounts: {names}.")
    return found[name]


def rename_account(tx: Connection, name: str, new: str) -> None:
    """Give an account another name; raises NotFound or Conflict."""
    found = get_account(tx, name)
    try:
        tx.execute(update(account).where(account.c.id == found.id).values(name=new))
    except IntegrityError:
        raise Conflict(f"There is an account named {new} already. Choose another name.") from None


def pause_account(tx: Connection, name: str, now: datetime, until: datetime | None = None) -> None:
    """Hold back everything for this account until a time, or until it is resumed; raises NotFound."""
    _change(tx, name, paused_at=now, paused_until=until)


def resume_account(tx: Connection, name: str, now: datetime) -> None:
    """Let a paused account publish again; the pause is kept as the reason for what is late now."""
    found = get_account(tx, name)
    if found.paused_at is not None:
        _end_pause(tx, found.id, now)


def end_account_pauses(tx: Connection, now: datetime) -> None:
    """Resume the accounts that were paused until a time that has come."""
    for row in _ENDED_PAUSES.rows(tx, {"now": now}):
        _end_pause(tx, row["id"], row["paused_until"])


def set_limits(
    tx: Connection,
    name: str,
    *,
    late_limit: timedelta | None,
    min_gap: timedelta | None,
    cooldown: timedelta | None,
    quotas: Sequence[Quota],
) -> None:
    """Store what bounds the posts of an account; what waits for it follows. Raises NotFound."""
    found = get_account(tx, name)
    values: dict[str, Any] = {
        "late_limit": seconds_of(late_limit),
        "min_gap": seconds_of(min_gap),
        "cooldown": seconds_of(cooldown),
        "quotas": {str(quota.per): quota.most for quota in quotas} or None,
    }
    if found.next_post_at is not None and found.min_gap is not None:
        values["next_post_at"] = found.next_post_at - found.min_gap + min_gap if min_gap else None
    _change(tx, name, **values)
    if late_limit != found.late_limit:
        _limit_waiting(tx, found.id, late_limit)


def keep_distance(tx: Connection, published: Mapping[int, datetime]) -> None:
    """Let accounts that have published, or may have, wait for the least gap between their posts.

    Given when that was, by their ids.
    """
    for account_id, min_gap in _GAPS.tuples(tx, {"ids": as_list(published)}):
        next_post_at = published[account_id] + timedelta(seconds=min_gap)
        tx.execute(update(account).where(account.c.id == account_id).values(next_post_at=next_post_at))


def set_slots(tx: Connection, name: str, slots: WeeklySlots | None) -> None:
    """Store when an account likes to post; raises NotFound."""
    _change(tx, name, slots=_slots_json(slots) if slots else None)


def set_additions(tx: Connection, name: str, additions: Additions) -> None:
    """Store what an account adds to its posts; raises NotFound."""
    _change(tx, name, adds=asdict(additions) if additions else None)


def mark_well(
    tx: Connection, account_id: int, *, handle: str | None, session: Stored | None, now: datetime
) -> None:
    """Record that the network accepts the account; what waited for it may go on."""
    was = tx.execute(select(account.c.health).where(account.c.id == account_id)).scalar_one()
    values: dict[str, Any] = {"health": Health.OK, "health_note": None, "setbacks": 0, "handle": handle}
    if session is not None:
        values["session"] = session
    tx.execute(update(account).where(account.c.id == account_id).values(values))
    if was != Health.OK:
        _end_wait(tx, account_id, "the account had to be reconnected", now)


def mark_unauthorized(tx: Connection, account_id: int, note: str) -> None:
    """Record that the network refuses the account; its deliveries wait until it is well."""
    values = {"health": Health.UNAUTHORIZED, "health_note": note}
    tx.execute(update(account).where(account.c.id == account_id).values(values))


def rest_account(tx: Connection, account_id: int, *, until: datetime, reason: str) -> None:
    """Send nothing for this account until a time, whatever it rests for now."""
    rested = update(account).where(account.c.id == account_id)
    tx.execute(rested.values(rests_until=until, rest_reason=reason))


def ask_rest(tx: Connection, account_id: int, *, until: datetime, reason: str) -> None:
    """Send nothing for this account until a time, as its network asks, or for longer if that was asked for.

    An account without setbacks rests because it was asked to. Whatever setbacks there were, they are over:
    the network has answered.
    """
    may = or_(account.c.setbacks > 0, account.c.rests_until.is_(None), account.c.rests_until < until)
    asked = update(account).where(account.c.id == account_id, may)
    tx.execute(asked.values(rests_until=until, rest_reason=reason, setbacks=0))


def prolong_rest(
    tx: Connection, account_id: int, *, until: datetime, reason: str, failed: bool = False
) -> None:
    """Send nothing for this account until a time, as its network asks, unless it rests for longer already.

    Whatever setbacks there were, they are over, unless the network has `failed` behind the answer that asked.
    """
    sooner = or_(account.c.rests_until.is_(None), account.c.rests_until < until)
    prolonged = update(account).where(account.c.id == account_id, sooner)
    over = {} if failed else {"setbacks": 0}
    tx.execute(prolonged.values(rests_until=until, rest_reason=reason, **over))


def set_back(
    tx: Connection, account_id: int, *, setbacks: int, until: datetime, reason: str, now: datetime
) -> None:
    """Send nothing for this account until a time, after so many setbacks in a row.

    Where it rests at `now` because its network has asked for that meanwhile, it is left at that.
    """
    may = or_(account.c.setbacks > 0, account.c.rests_until.is_(None), account.c.rests_until <= now)
    slowed = update(account).where(account.c.id == account_id, may)
    tx.execute(slowed.values(rests_until=until, rest_reason=reason, setbacks=setbacks))


def keep_apart(tx: Connection, account_id: int, until: datetime) -> None:
    """Publish nothing for this account before a time; why that is needs no word."""
    sooner = or_(account.c.next_post_at.is_(None), account.c.next_post_at < until)
    tx.execute(update(account).where(account.c.id == account_id, sooner).values(next_post_at=until))


def clear_setbacks(tx: Connection, account_id: int) -> None:
    """Record that the network answered."""
    reset = update(account).where(account.c.id == account_id, account.c.setbacks > 0).values(setbacks=0)
    tx.execute(reset)


def load_session(tx: Connection, account_id: int) -> Stored:
    """Return what the network needs next time."""
    found: Stored = tx.execute(select(account.c.session).where(account.c.id == account_id)).scalar_one()
    return found


def save_session(tx: Connection, account_id: int, session: Stored) -> None:
    """Store what the network needs next time."""
    tx.execute(update(account).where(account.c.id == account_id).values(session=session))


def load_tokens(tx: Connection, account_id: int) -> Stored:
    """Return what OAuth has given for an account; empty if nothing."""
    found: Stored | None = tx.execute(select(account.c.tokens).where(account.c.id == account_id)).scalar_one()
    return found or {}


def save_tokens(
    tx: Connection, account_id: int, tokens: Stored, *, ends_at: datetime | None, renew_at: datetime | None
) -> None:
    """Store what OAuth has given, when it ends, and when it is to be traded in (aware)."""
    values = {"tokens": tokens or None, "tokens_end_at": ends_at, "renew_at": renew_at}
    tx.execute(update(account).where(account.c.id == account_id).values(values))


def due_renewals(tx: Connection, now: datetime) -> list[Account]:
    """Return the accounts that are well and whose tokens are to be traded in by now (aware)."""
    due = (account.c.removed_at.is_(None), account.c.health == Health.OK, account.c.renew_at <= now)
    return [account_from(row) for row in tx.execute(select(*_FIELDS).where(*due))]


def postpone_renewal(tx: Connection, account_id: int, until: datetime) -> None:
    """Trade the tokens of an account in later, unless that is not to be done any more."""
    due = update(account).where(account.c.id == account_id, account.c.renew_at.is_not(None))
    tx.execute(due.values(renew_at=until))


def replace_credentials(tx: Connection, account_id: int, *, server: str | None, credentials: Stored) -> None:
    """Give an account new credentials; what the network had stored is forgotten."""
    values: dict[str, Any] = {"server": server, "credentials": credentials, "session": {}}
    values |= dict.fromkeys(("tokens", "tokens_end_at", "renew_at"))
    tx.execute(update(account).where(account.c.id == account_id).values(values))


def remove_account(tx: Connection, name: str, now: datetime) -> None:
    """Forget an account and its secrets; its history stays.

    Raises NotFound, or Conflict while something is still to be published with it.
    """
    found = get_account(tx, name)
    waiting = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE)
    open_ = tx.execute(
        select(func.count()).where(delivery.c.account_id == found.id, delivery.c.state.in_(waiting))
    ).scalar_one()
    if open_:
        counted = "1 post is" if open_ == 1 else f"{open_} posts are"
        raise Conflict(
            f"{counted} still to be published or settled with {name}. "
            f"See them with `postbell list --account {name}`; cancel or settle them first."
        )
    drafts = delivery.delete().where(
        delivery.c.account_id == found.id, delivery.c.state == DeliveryState.DRAFT
    )
    tx.execute(drafts)
    values: dict[str, Any] = {"removed_at": now, "credentials": {}, "session": {}}
    values |= dict.fromkeys(("tokens", "tokens_end_at", "renew_at"))
    tx.execute(update(account).where(account.c.id == found.id).values(values))


def _limit_waiting(tx: Connection, account_id: int, late_limit: timedelta | None) -> None:
    """Give the posts of an account that have no limit of their own, and may still be sent, another one."""
    may_be_sent = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE)
    rows = tx.execute(
        select(delivery.c.id, delivery.c.due_at, post.c.not_after)
        .join(post, post.c.id == delivery.c.post_id)
        .where(
            delivery.c.account_id == account_id,
            delivery.c.state.in_(may_be_sent),
            post.c.late_limit.is_(None),
        )
    ).all()
    bounds = []
    for row in rows:
        # The user has asked again for what is due after its last moment.
        ends = [row.not_after] if row.not_after and row.not_after >= row.due_at else []
        ends += [row.due_at + late_limit] if late_limit is not None else []
        bounds.append({"of": row.id, "limit": seconds_of(late_limit), "end": min(ends, default=None)})
    if bounds:
        values: dict[str, Any] = {"late_limit": bindparam("limit"), "expires_at": bindparam("end")}
        tx.execute(update(delivery).where(delivery.c.id == bindparam("of")).values(values), bounds)


def _end_pause(tx: Connection, account_id: int, now: datetime) -> None:
    over = update(account).where(account.c.id == account_id)
    tx.execute(over.values(paused_at=None, paused_until=None))
    _end_wait(tx, account_id, "the account was paused", now)


def _end_wait(tx: Connection, account_id: int, reason: str, now: datetime) -> None:
    """Let an account go on from now, unless the network has asked it to rest for longer."""
    may_go_on = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    waited = update(account).where(account.c.id == account_id, may_go_on)
    tx.execute(waited.values(rests_until=now, rest_reason=reason))


def _change(tx: Connection, name: str, **values: Any) -> None:
    found = get_account(tx, name)
    tx.execute(update(account).where(account.c.id == found.id).values(values))


def _slots_json(slots: WeeklySlots) -> dict[str, Any]:
    return {
        "zone": slots.zone,
        "times": [[each.day, f"{each.time:%H:%M}"] for each in slots.times],
        "days_off": [[off.first.isoformat(), off.last.isoformat()] for off in slots.days_off],
    }


def _slots_from(stored: dict[str, Any]) -> WeeklySlots:
    return WeeklySlots(
        zone=stored["zone"],
        times=tuple(WeeklyTime(day=day, time=time.fromisoformat(at)) for day, at in stored["times"]),
        days_off=tuple(
            DaysOff(first=date.fromisoformat(first), last=date.fromisoformat(last))
            for first, last in stored["days_off"]
        ),
    )
