"""What is done to posts after they were published: asked of their networks until it is done.

A repeat is harmless, so nothing is ever in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, TypeAlias
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.notice import Notice, NoticeKind
from postbell.domain.post import AttemptKind, Delivery
from postbell.errors import Gone, PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Receipt
from postbell.publishing.web.rates import Rest
from postbell.services.context import Context, Prepared
from postbell.services.sending.outcomes import (
    LONGEST_STEP,
    Rules,
    hold_account,
    insist,
    let_rest,
    note_rest,
    result_of,
    write_down,
)
from postbell.services.sending.sessions import Keeper
from postbell.services.sending.side_by_side import by_account
from postbell.store import accounts, attempts, notices, queue
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: After so many tries that came to nothing it is left to the user.
MOST_TRIES = 50
#: How much is done at most before the accounts are looked at anew.
_AT_ONCE = 200
#: How a try ends that counts; what a network turns away does not, because its account waits by itself.
_COUNTED = frozenset({"unavailable", "unsure", "interrupted"})


#: What is public now: the post as its receipt says, or nothing.
Done: TypeAlias = Receipt | Absent
Ending: TypeAlias = Done | PublishError
#: By delivery: held while anything is done to it. Never two things at once.
Locks: TypeAlias = WeakValueDictionary[int, asyncio.Lock]


@dataclass
class Afterwards:
    """One thing that is done to what was published. The accounts side by side, each in its order."""

    ctx: Context
    thread: StoreThread
    #: Shared by all that do something to what was published.
    locks: Locks = field(default_factory=WeakValueDictionary)

    kind: ClassVar[AttemptKind]
    #: How what is done is called: removed; and in the log.
    word: ClassVar[str]
    done: ClassVar[str]
    not_done: ClassVar[str]
    #: What the user is told of what was given up, and what he can do instead: remove it by hand.
    notice: ClassVar[NoticeKind]
    by_hand: ClassVar[str]

    def list_due(self, tx: Connection, most: int) -> list[Delivery]:
        """Return what is due, at most so much."""
        raise NotImplementedError

    async def ask(self, claim: Claim, asked: Prepared) -> Done:
        """Ask the network. Raises a PublishError."""
        raise NotImplementedError

    def record(self, tx: Connection, claim: Claim, done: Done, now: datetime) -> None:
        """Write down that it is done."""
        raise NotImplementedError

    def postpone(self, tx: Connection, delivery: Delivery, until: datetime) -> None:
        """Let it be tried again later."""
        raise NotImplementedError

    def postpone_all(self, tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
        """Let everything that is due of one account be tried again later."""
        raise NotImplementedError

    def give_up(self, tx: Connection, delivery: Delivery, warning: str) -> None:
        """Leave it as it is, with a warning."""
        raise NotImplementedError

    def in_vain(self, tx: Connection, delivery: Delivery, now: datetime) -> str | None:
        """Return why it is not done any more, if so, once that is written down."""
        del tx, delivery, now
        return None

    def begun_at(self, claim: Claim) -> datetime | None:
        """Return when it was asked for, if that is known: earlier tries count no more."""
        del claim
        return None

    async def do_due(self) -> int:
        """Do what is due; return how much was done.

        Not to be called again before it has returned. Raises TryLater where the database cannot be used; then
        it goes on at the next call.
        """
        due, known = await self.thread.read(self._list_due)
        return await by_account(due, lambda each: each.account_id, lambda these: self._do_all(these, known))

    def _list_due(self, tx: Connection) -> tuple[list[Delivery], dict[int, Account]]:
        due = self.list_due(tx, _AT_ONCE)
        return due, {account.id: account for account in accounts.list_accounts(tx)} if due else {}

    async def _do_all(self, due: list[Delivery], known: Mapping[int, Account]) -> int:
        account, count = known.get(due[0].account_id), 0
        for delivery in due:
            with structlog.contextvars.bound_contextvars(post=delivery.post_id, account=delivery.account):
                async with self.locks.setdefault(delivery.id, asyncio.Lock()):
                    ending, rest = await self._do_one(delivery, account)
                log = structlog.get_logger()
                if isinstance(ending, Receipt | Absent):
                    log.info(self.done, url=delivery.url)
                    count += 1
                else:
                    log.warning(self.not_done, result=result_of(ending), reason=str(ending))
            if rest or isinstance(ending, Unauthorized | RateLimited | Unavailable):
                break  # it would be the same with the next one
        return count

    async def _do_one(self, delivery: Delivery, account: Account | None) -> tuple[Ending, Rest | None]:
        if hopeless := _hopeless(delivery, account):
            await insist(self.thread, self._give_up, delivery, hopeless, self.ctx.now())
            return Rejected(hopeless), None
        claim = await self.thread.write(self._open, delivery)
        if isinstance(claim, str):
            return Rejected(claim), None
        ending, rest = await self._try(claim)
        rules = Rules(
            retry=replace(self.ctx.retry, most_tries=MOST_TRIES),
            chance=self.ctx.random.random(),
            now=self.ctx.now(),
            rest=rest,
        )
        instead: Ending = _fault(claim, "its answer cannot be stored")
        return await write_down(self.thread, self._record, claim, rules, ending, instead), rest

    def _open(self, tx: Connection, delivery: Delivery) -> Claim | str:
        """Open a try, or say why not; one that is still open belonged to a process that died."""
        now = self.ctx.now()
        attempts.close_interrupted(tx, delivery.id, now, kind=self.kind)
        if why := self.in_vain(tx, delivery, now):
            return why
        attempt_id = attempts.open_attempt(tx, delivery.id, self.kind, now)
        return queue.load_claim(tx, delivery, attempt_id, self.ctx.media.path_of)

    async def _try(self, claim: Claim) -> tuple[Ending, Rest | None]:
        """Return how a try ended, and for how long the account had better rest by what was answered."""
        asked: Prepared | None = None
        ending: Ending
        try:
            keeper = Keeper(thread=self.thread, account=claim.account, vault=self.ctx.vault)
            asked = await self.ctx.prepare(claim.post, claim.delivery, claim.account, keeper)
            async with asyncio.timeout(LONGEST_STEP):
                ending = await self.ask(claim, asked)
        except TimeoutError:
            ending = Unavailable(f"it was not answered after {LONGEST_STEP / 60:.0f} min")
        except PublishError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=claim.account.network)
            ending = _fault(claim, type(error).__name__)
        return ending, asked.http.rest if asked else None

    def _record(self, tx: Connection, claim: Claim, ending: Ending, rules: Rules) -> None:
        """Write down how a try ended, with everything that follows from it."""
        result = self.word if isinstance(ending, Receipt | Absent) else result_of(ending)
        message = str(ending) if isinstance(ending, PublishError) else None
        attempts.close_attempt(tx, claim.attempt_id, result=result, message=message, now=rules.now)
        note_rest(tx, claim.account.id, rules)
        match ending:
            case Receipt() | Absent():
                self.record(tx, claim, ending, rules.now)
            case Gone():
                mend = f"`postbell unpublish {claim.post.id}` notes that it is gone"
                self._give_up(tx, claim.delivery, str(ending), rules.now, mend=mend)
            case Rejected():
                self._give_up(tx, claim.delivery, str(ending), rules.now)
            case Unauthorized():
                hold_account(tx, claim, str(ending))
            case RateLimited():
                let_rest(tx, claim.account.id, ending, rules)
            case _:
                self._postpone(tx, claim, ending, rules)

    def _postpone(self, tx: Connection, claim: Claim, ending: PublishError, rules: Rules) -> None:
        tries = self._count_tries(tx, claim)
        again = rules.retry.next_try(tries, now=rules.now, chance=rules.chance)
        if again is None:
            self._give_up(tx, claim.delivery, f"gave up after {tries} tries; the last: {ending}", rules.now)
        elif isinstance(ending, Unavailable):
            self.postpone_all(tx, claim.account.id, now=rules.now, until=again)
        else:
            self.postpone(tx, claim.delivery, again)

    def _count_tries(self, tx: Connection, claim: Claim) -> int:
        tries, begun = attempts.list_attempts(tx, [claim.delivery.id]), self.begun_at(claim)
        ours = [each for each in tries if each.kind is self.kind and not (begun and each.started_at < begun)]
        return sum(tried.result in _COUNTED for tried in ours)

    def _give_up(
        self, tx: Connection, delivery: Delivery, why: str, now: datetime, *, mend: str | None = None
    ) -> None:
        """Leave a post as it is, with a warning, which the user is told too: only he can mend it."""
        where = f" at {delivery.url}" if delivery.url else ""
        warning = f"it could not be {self.word}: {why.rstrip('.')}; {mend or f'{self.by_hand}{where}'}"
        self.give_up(tx, delivery, warning)
        told = Notice(
            kind=self.notice,
            subject=str(delivery.id),
            at=now,
            post_id=delivery.post_id,
            account=delivery.account,
            message=f"Not {self.word}: post {delivery.post_id} to {delivery.account}: {warning}.",
            mend=f"See `postbell show {delivery.post_id}`.",
        )
        notices.keep_notices(tx, [told])


def _hopeless(delivery: Delivery, account: Account | None) -> str | None:
    """Return why the network need not be asked, if so."""
    if account is None:
        return "its account was removed"
    return None if delivery.receipt_id else "the network has not told how it is called there"


def _fault(claim: Claim, what: str) -> Unsure:
    return Unsure(f"a fault in Postbell's code for {claim.account.network} ({what}); please report it")
