"""Accounts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from postbell.domain.account import Account, Health
from postbell.domain.states import DeliveryState
from postbell.errors import Conflict, NotFound
from postbell.store.tables import account, delivery


_FIELDS = tuple(column for column in account.c if column.name != "removed_at")


def account_from(row: Row[Any]) -> Account:
    """Return the account in a row of the account table."""
    values = row._asdict()
    values.pop("removed_at", None)
    return Account(**values | {"health": Health(values["health"])})


def add_account(
    tx: Connection,
    *,
    name: str,
    network: str,
    server: str | None,
    credentials: dict[str, Any],
    session: dict[str, Any],
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


def pause_account(tx: Connection, name: str, now: datetime) -> None:
    """Hold back everything for this account until it is resumed; raises NotFound."""
    _change(tx, name, paused_at=now)


def resume_account(tx: Connection, name: str, now: datetime) -> None:
    """Let a paused account publish again; the pause is kept as the reason for what is late now."""
    found = get_account(tx, name)
    if found.paused_at is not None:
        _change(tx, name, paused_at=None)
        _end_wait(tx, found.id, "the account was paused", now)


def mark_well(
    tx: Connection, account_id: int, *, handle: str | None, session: dict[str, Any] | None, now: datetime
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


def rest_account(
    tx: Connection, account_id: int, *, until: datetime, reason: str, setbacks: int | None = None
) -> None:
    """Send nothing for this account until a time."""
    values: dict[str, Any] = {"rests_until": until, "rest_reason": reason}
    if setbacks is not None:
        values["setbacks"] = setbacks
    tx.execute(update(account).where(account.c.id == account_id).values(values))


def clear_setbacks(tx: Connection, account_id: int) -> None:
    """Record that the network answered."""
    reset = update(account).where(account.c.id == account_id, account.c.setbacks > 0).values(setbacks=0)
    tx.execute(reset)


def save_session(tx: Connection, account_id: int, session: dict[str, Any]) -> None:
    """Store what the network needs next time."""
    tx.execute(update(account).where(account.c.id == account_id).values(session=session))


def replace_credentials(
    tx: Connection, account_id: int, *, server: str | None, credentials: dict[str, Any]
) -> None:
    """Give an account new credentials; what the network had stored is forgotten."""
    values = {"server": server, "credentials": credentials, "session": {}}
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
    values = {"removed_at": now, "credentials": {}, "session": {}}
    tx.execute(update(account).where(account.c.id == found.id).values(values))


def _end_wait(tx: Connection, account_id: int, reason: str, now: datetime) -> None:
    """Let an account go on from now, unless the network has asked it to rest for longer."""
    may_go_on = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    waited = update(account).where(account.c.id == account_id, may_go_on)
    tx.execute(waited.values(rests_until=now, rest_reason=reason))


def _change(tx: Connection, name: str, **values: Any) -> None:
    found = get_account(tx, name)
    tx.execute(update(account).where(account.c.id == found.id).values(values))
