"""Keepers of what networks want kept, for tests."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from postbell.publishing.web.tokens import Tokens


class WithoutTokens:
    """A keeper of accounts that are connected without OAuth."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from renewing the login of the account meanwhile."""
        return nullcontext()

    async def load_tokens(self) -> Tokens | None:
        """Return the tokens that are stored now."""
        return None

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        """Store them."""
        raise AssertionError(f"nobody has asked for tokens: {tokens} in the place of {before}")
