"""What a network wants kept for an account, such as tokens: read anew and stored while it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from postbell.services.outcomes import insist, is_as_it_was
from postbell.services.vault import Vault
from postbell.store import accounts
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Keeps the session of the account of a claim, unless the account was connected anew meanwhile."""

    thread: StoreThread
    claim: Claim
    vault: Vault

    async def load(self) -> dict[str, Any]:
        """Return what is stored now; nothing if the account is another one now."""
        return await self.thread.read(_load, self.claim, self.vault)

    async def save(self, session: dict[str, Any]) -> None:
        """Store it; durable when this returns, however long the database needs for that."""
        await insist(self.thread, _save, self.claim, self.vault, session)


def _load(tx: Connection, claim: Claim, vault: Vault) -> dict[str, Any]:
    if not is_as_it_was(tx, claim):
        return {}
    stored = accounts.load_session(tx, claim.account.id)
    return dict(vault.decrypt(stored, claim.account, "session"))


def _save(tx: Connection, claim: Claim, vault: Vault, session: dict[str, Any]) -> None:
    if is_as_it_was(tx, claim):
        accounts.save_session(tx, claim.account.id, vault.encrypt(session, claim.account, "session"))
