"""What a network wants kept for an account, such as tokens: read anew and stored while the daemon asks it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from postbell.domain.account import Account
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts.vault import Vault
from postbell.services.sending import kept
from postbell.services.sending.outcomes import insist
from postbell.store.thread import StoreThread


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Keeps it for the daemon, unless the account was connected anew meanwhile."""

    thread: StoreThread
    account: Account
    vault: Vault

    async def load(self) -> dict[str, Any]:
        """Return what is stored now; nothing if the account is another one now."""
        return await self.thread.read(kept.load, self.account, self.vault)

    async def save(self, session: dict[str, Any]) -> None:
        """Store it; durable when this returns, however long the database needs for that."""
        await insist(self.thread, kept.save, self.account, self.vault, session)

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from renewing the login of the account meanwhile."""
        from postbell.store.turn import alone

        return alone(self.thread.path.parent, self.account.id)

    async def load_tokens(self) -> Tokens | None:
        """Return the tokens that are stored now; None if the account is another one now."""
        return await self.thread.read(kept.load_tokens, self.account, self.vault)

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        """Store them in the place of those before; durable when this returns, however long that takes."""
        await insist(self.thread, kept.save_tokens, self.account, self.vault, tokens, before)
