"""Trading tokens in before they end, so that no post has to wait for that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.errors import BadConfig, NotFound, PublishError, RateLimited, Unauthorized
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.oauth import renewed
from postbell.services.context import Context
from postbell.services.sending.kept import is_as_it_was
from postbell.services.sending.outcomes import insist
from postbell.services.sending.sessions import Keeper
from postbell.store import accounts, glance
from postbell.store.thread import StoreThread


#: After a failure it is tried again when this part of what is left of their life is over,
_PART = 10
#: but not sooner, nor later.
_SOONEST, _LATEST = timedelta(seconds=30), timedelta(hours=1)


@dataclass
class Renewals:
    """Asks networks for new tokens. That fails without harm, for as long as the old ones live."""

    ctx: Context
    thread: StoreThread

    def wanted(self, tx: Connection) -> bool:
        """Whether there is anything to trade in."""
        return glance.any_to_renew(tx, self.ctx.now())

    async def renew_due(self) -> int:
        """Trade in what is due, the accounts side by side; return of how many it was done.

        An account whose network says that only a person can help is held, and the user is told. Whatever
        else goes wrong is tried again. Raises TryLater where the database cannot be used.
        """
        due = await self.thread.read(accounts.due_renewals, self.ctx.now())
        ends = await asyncio.gather(*map(self._renew, due), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return sum(end is True for end in ends)

    async def _renew(self, account: Account) -> bool:
        log = structlog.get_logger().bind(account=account.name)
        keeper = Keeper(thread=self.thread, account=account, vault=self.ctx.vault)
        try:
            await self._trade_in(account, keeper)
        except Unauthorized as error:
            log.warning("login_ended", reason=str(error))
            await insist(self.thread, _hold, account, str(error))
        except (PublishError, BadConfig, NotFound) as error:
            until = self._again_at(account, error)
            log.warning("login_not_renewed", reason=str(error), again_at=str(until))
            await insist(self.thread, accounts.postpone_renewal, account.id, until)
        else:
            log.info("login_renewed")
            return True
        return False

    async def _trade_in(self, account: Account, keeper: Keeper) -> None:
        oauth, target = oauth_of(self.ctx.network(account.network)), self.ctx.target(account)
        if oauth is None or target.tokens is None:
            raise NotFound(f"This Postbell cannot renew a login of {account.network}.")
        await renewed(oauth, target, self.ctx.http(target, keeper), target.tokens)

    def _again_at(self, account: Account, error: Exception) -> datetime:
        now = self.ctx.now()
        if isinstance(error, RateLimited) and error.until and error.until > now:
            return min(error.until, now + _LATEST)
        left = account.tokens_end_at - now if account.tokens_end_at else _LATEST * _PART
        return now + min(max(left / _PART, _SOONEST), _LATEST)


def _hold(tx: Connection, account: Account, message: str) -> None:
    if is_as_it_was(tx, account):
        accounts.mark_unauthorized(tx, account.id, message)
