"""Takes away what was to be public for a while only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.notice import Notice, NoticeKind
from postbell.domain.post import AttemptKind, Delivery
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent
from postbell.services.context import Context
from postbell.services.outcomes import (
    LONGEST_STEP,
    Rules,
    hold_account,
    insist,
    let_rest,
    result_of,
    write_down,
)
from postbell.services.sessions import Keeper
from postbell.services.side_by_side import by_account
from postbell.store import accounts, attempts, comments, notices, queue, removals
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: After so many tries that came to nothing it is left to the user.
MOST_TRIES = 50
#: How much is taken away at most before the accounts are looked at anew.
_AT_ONCE = 200
#: How a try ends that counts; what a network turns away does not, because its account waits by itself.
_COUNTED = frozenset({"unavailable", "unsure", "interrupted"})

#: Absent: it is not public any more.
Ending: TypeAlias = Absent | PublishError


@dataclass
class Removals:
    """Asks networks to take away what was published. A repeat is harmless, so nothing is ever in doubt."""

    ctx: Context
    thread: StoreThread

    async def remove_due(self) -> int:
        """Take away what is due; return how much was.

        The accounts side by side, what belongs to one of them one after another. Not to be called again
        before it has returned. Raises TryLater where the database cannot be used; then it goes on at the
        next call.
        """
        due, known = await self.thread.read(_list_due, self.ctx)
        return await by_account(
            due, lambda each: each.account_id, lambda these: self._remove_all(these, known)
        )

    async def _remove_all(self, due: list[Delivery], known: Mapping[int, Account]) -> int:
        account, count = known.get(due[0].account_id), 0
        for delivery in due:
            with structlog.contextvars.bound_contextvars(post=delivery.post_id, account=delivery.account):
                ending = await self._remove_one(delivery, account)
                log = structlog.get_logger()
                if isinstance(ending, Absent):
                    log.info("delivery_removed", url=delivery.url)
                    count += 1
                else:
                    log.warning("delivery_not_removed", result=result_of(ending), reason=str(ending))
            if isinstance(ending, Unauthorized | RateLimited | Unavailable):
                break  # it would be the same with the next one
        return count

    async def _remove_one(self, delivery: Delivery, account: Account | None) -> Ending:
        if hopeless := _hopeless(delivery, account):
            told = _warning(delivery, hopeless)
            await insist(self.thread, _give_up, delivery, told, self.ctx.now())
            return Rejected(hopeless)
        claim = await self.thread.write(_open, self.ctx, delivery)
        ending = await self._delete(claim)
        rules = Rules(
            retry=replace(self.ctx.retry, most_tries=MOST_TRIES),
            chance=self.ctx.random.random(),
            now=self.ctx.now(),
        )
        instead = _fault(claim, "its answer cannot be stored")
        return await write_down(self.thread, _record, claim, rules, ending, instead)

    async def _delete(self, claim: Claim) -> Ending:
        try:
            said = await self.thread.read(comments.find_comment, claim.delivery.id)
            keeper = Keeper(thread=self.thread, account=claim.account, vault=self.ctx.vault)
            asked = await self.ctx.prepare(claim.post, claim.delivery, claim.account, keeper)
            async with asyncio.timeout(LONGEST_STEP):
                if said and said.receipt_id:  # else it would stay, below nothing
                    await asked.network.delete(asked.outgoing, said.receipt_id, asked.http)
                await asked.network.delete(asked.outgoing, claim.delivery.receipt_id or "", asked.http)
        except TimeoutError:
            return Unavailable(f"it was not answered after {LONGEST_STEP / 60:.0f} min")
        except PublishError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=claim.account.network)
            return _fault(claim, type(error).__name__)
        return Absent()


def _list_due(tx: Connection, ctx: Context) -> tuple[list[Delivery], dict[int, Account]]:
    due = removals.due_removals(tx, ctx.now(), _AT_ONCE)
    return due, {account.id: account for account in accounts.list_accounts(tx)} if due else {}


def _hopeless(delivery: Delivery, account: Account | None) -> str | None:
    """Return why the network need not be asked, if so."""
    if account is None:
        return "its account was removed"
    return None if delivery.receipt_id else "the network has not told how it is called there"


def _open(tx: Connection, ctx: Context, delivery: Delivery) -> Claim:
    """Open a try; one that is still open belonged to a process that died."""
    now = ctx.now()
    attempts.close_interrupted(tx, delivery.id, now)
    attempt_id = attempts.open_attempt(tx, delivery.id, AttemptKind.REMOVE, now)
    return queue.load_claim(tx, delivery, attempt_id, ctx.media.path_of)


def _record(tx: Connection, claim: Claim, ending: Ending, rules: Rules) -> None:
    """Write down how a try ended, with everything that follows from it."""
    delivery = claim.delivery
    result = "removed" if isinstance(ending, Absent) else result_of(ending)
    message = str(ending) if isinstance(ending, PublishError) else None
    attempts.close_attempt(tx, claim.attempt_id, result=result, message=message, now=rules.now)
    match ending:
        case Absent():
            removals.record_removed(tx, delivery.id, rules.now)
            comments.drop_comment(tx, delivery.id)
        case Rejected():
            _give_up(tx, delivery, _warning(delivery, str(ending)), rules.now)
        case Unauthorized():
            hold_account(tx, claim, str(ending))
        case RateLimited():
            let_rest(tx, claim.account.id, ending, rules)
        case _:
            _postpone(tx, claim, ending, rules)


def _postpone(tx: Connection, claim: Claim, ending: PublishError, rules: Rules) -> None:
    tries = _count_tries(tx, claim.delivery.id)
    again = rules.retry.next_try(tries, now=rules.now, chance=rules.chance)
    if again is None:
        told = f"gave up after {tries} tries; the last: {ending}"
        _give_up(tx, claim.delivery, _warning(claim.delivery, told), rules.now)
    elif isinstance(ending, Unavailable):
        removals.postpone_removals(tx, claim.account.id, now=rules.now, until=again)
    else:
        removals.postpone_removal(tx, claim.delivery.id, again)


def _give_up(tx: Connection, delivery: Delivery, warning: str, now: datetime) -> None:
    """Leave a post where it is, with a warning, which the user is told too: only he can take it away."""
    removals.give_up_removal(tx, delivery.id, warning)
    remains = Notice(
        kind=NoticeKind.REMAINS,
        subject=str(delivery.id),
        at=now,
        post_id=delivery.post_id,
        account=delivery.account,
        message=f"Not removed: post {delivery.post_id} to {delivery.account}: {warning}.",
        mend=f"See `postbell show {delivery.post_id}`.",
    )
    notices.keep_notices(tx, [remains])


def _count_tries(tx: Connection, delivery_id: int) -> int:
    tries = attempts.list_attempts(tx, [delivery_id])
    return sum(tried.kind is AttemptKind.REMOVE and tried.result in _COUNTED for tried in tries)


def _warning(delivery: Delivery, why: str) -> str:
    where = f" at {delivery.url}" if delivery.url else ""
    return f"it could not be removed: {why.rstrip('.')}; remove it by hand{where}"


def _fault(claim: Claim, what: str) -> Unsure:
    return Unsure(f"a fault in Postbell's code for {claim.account.network} ({what}); please report it")
