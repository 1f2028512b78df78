"""What a network wants kept for an account: how it is read and stored, and by whom."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.publishing.web.tokens import Tokens, tokens_of
from postbell.services.accounts.vault import Vault
from postbell.store import accounts
from postbell.store.engine import Store


@dataclass(frozen=True, kw_only=True)
class CommandKeeper:
    """Keeps it for a command, which has no thread of the store; a daemon may work on it meanwhile."""

    store: Store
    account: Account
    vault: Vault

    async def load(self) -> dict[str, Any]:
        """Return what is stored now; nothing if the account is another one now."""
        with self.store.read() as tx:
            return load(tx, self.account, self.vault)

    async def save(self, session: dict[str, Any]) -> None:
        """Store it; durable when this returns."""
        with self.store.write() as tx:
            save(tx, self.account, self.vault, session)

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from renewing the login of the account meanwhile."""
        from postbell.store.turn import alone

        return alone(self.store.path.parent, self.account.id)

    async def load_tokens(self) -> Tokens | None:
        """Return the tokens that are stored now; None if the account is another one now."""
        with self.store.read() as tx:
            return load_tokens(tx, self.account, self.vault)

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        """Store them in the place of those before; durable when this returns."""
        with self.store.write() as tx:
            save_tokens(tx, self.account, self.vault, tokens, before)


def is_as_it_was(tx: Connection, was: Account) -> bool:
    """Whether an account still has the credentials and the server that a try was made with."""
    return any(
        (found.id, found.server, found.credentials) == (was.id, was.server, was.credentials)
        for found in accounts.list_accounts(tx)
    )


def keep_tokens(tx: Connection, account: Account, vault: Vault, tokens: Tokens | None) -> None:
    """Store what OAuth has given for an account."""
    stored = vault.encrypt(tokens.values() if tokens else {}, account, "tokens")
    ends_at, renew_at = (tokens.ends_at, tokens.renew_at) if tokens else (None, None)
    accounts.save_tokens(tx, account.id, stored, ends_at=ends_at, renew_at=renew_at)


def load(tx: Connection, account: Account, vault: Vault) -> dict[str, Any]:
    """Return what a network has stored for an account; nothing if it is another one now."""
    if not is_as_it_was(tx, account):
        return {}
    return dict(vault.decrypt(accounts.load_session(tx, account.id), account, "session"))


def save(tx: Connection, account: Account, vault: Vault, session: dict[str, Any]) -> None:
    """Store what a network wants kept, unless the account is another one now."""
    if is_as_it_was(tx, account):
        accounts.save_session(tx, account.id, vault.encrypt(session, account, "session"))


def load_tokens(tx: Connection, account: Account, vault: Vault) -> Tokens | None:
    """Return what OAuth has given for an account; None if it is another one now."""
    if not is_as_it_was(tx, account):
        return None
    return tokens_of(vault.decrypt(accounts.load_tokens(tx, account.id), account, "tokens"))


def save_tokens(
    tx: Connection, account: Account, vault: Vault, tokens: Tokens, before: Tokens | None
) -> None:
    """Store what OAuth has given, unless the account is another one now, or has other tokens than before."""
    if is_as_it_was(tx, account) and load_tokens(tx, account, vault) == before:
        keep_tokens(tx, account, vault, tokens)
