"""What a dead process, or a lost answer, has left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from postbell.domain.account import Account, Health
from postbell.domain.post import FORGOTTEN, Attempt, AttemptKind, Delivery, Post
from postbell.domain.states import DeliveryState
from postbell.errors import NoKey, NotFound, PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.chain import ids_of
from postbell.publishing.protocol import Absent, Progress, Receipt, Resend, Unknown
from postbell.publishing.web.rates import Rest
from postbell.services.context import Context, Prepared, progress_of
from postbell.services.sending.outcomes import (
    LONGEST_STEP,
    Rules,
    is_in_doubt,
    record_look_up,
    result_of,
    write_down,
)
from postbell.services.sending.quarantine import (
    is_poison,
    is_poison_to_find,
    told_absent,
    told_unfindable,
    told_unsure,
)
from postbell.services.sending.sessions import Keeper
from postbell.store import accounts, attempts, comments, deliveries, queue
from postbell.store.attempts import INTERRUPTED
from postbell.store.posts import Locate
from postbell.store.published import known_receipts
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: The wait before the second look-up of a delivery; it doubles up to the longest.
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
#: How long the far side may still be at work on a request whose answer was lost: what is not public before
#: that may become so.
_STILL_AT_WORK = timedelta(minutes=1)


#: What was published so long before a try is known to be something else, too: clocks differ.
_MARGIN = timedelta(hours=1)
#: Stands for an account where what is looked up has nobody beside it.
_ALONE = 0

_Answer = Receipt | Progress | Absent | Unknown | PublishError


@dataclass(frozen=True, kw_only=True)
class _Doubt:
    """A delivery that may be public."""

    delivery: Delivery
    #: None where it was removed.
    account: Account | None
    #: The try that caused the doubt. A later one is another doubt, with waits of its own.
    tried: Attempt
    #: All that was tried, oldest first.
    tries: tuple[Attempt, ...]

    @property
    def forgotten(self) -> bool:
        """Whether nobody knows if there was a try at all."""
        return self.tried.result == FORGOTTEN


def lose_interrupted(tx: Connection, now: datetime) -> list[Delivery]:
    """Call unsure what was under way when a process died; return it.

    What is all public goes on at once, and so does that of which nothing was sent in this try. Only for a
    daemon that has just started and holds the lock: whatever is processing then is nobody's, and so is every
    open look-up.
    """
    comments.lose_interrupted_comments(tx, now)
    left = deliveries.list_in_state(tx, DeliveryState.PROCESSING)
    for delivery in left:
        unsent = attempts.close_interrupted(tx, delivery.id, now)
        progress = progress_of(delivery.progress)
        if progress and progress.receipt:
            told = f"Postbell ended when it was {progress.step}; it goes on"
            deliveries.record_retry(tx, delivery.id, told, now)
            continue
        if unsent and _goes_on(tx, delivery, now):
            continue
        told = told_unsure(delivery, attempts.list_attempts(tx, [delivery.id]))
        deliveries.lose_track(tx, delivery.id, told)
        accounts.keep_distance(tx, {delivery.account_id: now})
    looked_up = attempts.being_looked_up(tx)  # few, while many may be unsure
    unsure = deliveries.list_in_state(tx, DeliveryState.UNSURE) if looked_up else []
    for delivery in [each for each in unsure if each.id in looked_up]:
        attempts.close_interrupted(tx, delivery.id, now)
        if is_poison_to_find(attempts.list_attempts(tx, [delivery.id])):
            deliveries.tell(tx, delivery.id, told_unfindable(delivery))
    return left


def _goes_on(tx: Connection, delivery: Delivery, now: datetime) -> bool:
    """Let that be sent again of which nothing was sent; whether nobody doubts that it may be."""
    if is_in_doubt(tx, delivery.id):  # because of an earlier try
        return False
    if is_poison(delivery, attempts.list_attempts(tx, [delivery.id])):
        progress = progress_of(delivery.progress)
        what = "the rest of it" if progress and progress.public else "it"
        deliveries.record_failed(tx, delivery.id, told_absent(delivery, what), now)
    else:
        told = "Postbell ended before anything was sent; it goes on"
        deliveries.record_retry(tx, delivery.id, told, now)
    return True


@dataclass
class Recovery:
    """Settles unsure deliveries by asking their networks."""

    ctx: Context
    thread: StoreThread
    #: Called when an account has no more to be looked up for now, to send again what was not found.
    on_settled: Callable[[], None] = lambda: None
    #: By try: when its delivery is looked up next, and how long the wait after that is.
    _turns: dict[int, tuple[datetime, timedelta]] = field(default_factory=dict)
    #: The tries during which the process before this one died: the network is not to blame, so no wait.
    _interrupted: set[int] = field(default_factory=set)
    #: By account: the look-ups that are under way.
    _asking: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def begin(self) -> int:
        """Take over what a dead process left; return how many deliveries that were."""
        left = await self.thread.write(lose_interrupted, self.ctx.now())
        doubts = await self.thread.read(_list_doubts)
        begun = {delivery.id for delivery in left}
        self._interrupted = {doubt.tried.id for doubt in doubts if doubt.delivery.id in begun}
        for delivery in left:
            log = structlog.get_logger()
            log.warning("delivery_interrupted", post=delivery.post_id, account=delivery.account)
        return len(left)

    async def settle(self, patience: float | None = None) -> None:
        """Look up every unsure delivery whose turn it is, and wait at most so many seconds for the answers.

        What is not answered by then goes on by itself: a network that hangs keeps no other one waiting, also
        not the next time. Raises TryLater where the database cannot be used; then the look-ups begin again
        later.
        """
        now = self.ctx.now()
        doubts = await self.thread.read(_list_doubts)
        self._turns = {
            doubt.tried.id: self._turns.get(doubt.tried.id, (now, _FIRST_WAIT)) for doubt in doubts
        }
        self._interrupted &= {doubt.tried.id for doubt in doubts}
        by_account: dict[int, list[_Doubt]] = {}
        suspects = []
        for doubt in doubts:
            if doubt.tries[-1].result == INTERRUPTED and doubt.tries[-1].kind is AttemptKind.FIND:
                suspects.append(doubt)
            else:
                by_account.setdefault(doubt.delivery.account_id, []).append(doubt)
        for account_id, each in by_account.items():
            if account_id not in self._asking:
                self._asking[account_id] = asyncio.create_task(self._settle_account(each, now))
        await self._collect(patience)
        # What may have ended the process when it was looked up is looked up last, and alone.
        suspects = [doubt for doubt in suspects if not is_poison_to_find(doubt.tries)]
        if suspects and not self._asking:
            self._asking[_ALONE] = asyncio.create_task(self._settle_account(suspects, now))
            await self._collect(patience)

    async def close(self) -> None:
        """Break off what is under way, and write that down."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _collect(self, patience: float | None) -> None:
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=patience)
        done = [account_id for account_id, task in self._asking.items() if task.done()]
        ends = [self._asking.pop(account_id).exception() for account_id in done]
        for end in filter(None, ends):
            raise end

    async def _settle_account(self, doubts: list[_Doubt], now: datetime) -> None:
        for doubt in doubts:
            resend = self._resend_of(doubt)
            if resend is not Resend.NEVER and _may_ask(doubt.account, now) and self._is_turn(doubt, now):
                ending, rest = await self._settle_one(doubt, resend, now)
                if rest or isinstance(ending, Unauthorized | RateLimited | Unavailable):
                    break  # the others would hear the same
        self.on_settled()

    def _resend_of(self, doubt: _Doubt) -> Resend:
        """Return what a repeat does; never where nobody can be asked."""
        key = doubt.delivery.network
        if doubt.account is None:
            return Resend.NEVER
        try:
            resend = self.ctx.network_of(doubt.account).resend
        except (NotFound, NoKey):  # a network of another version, or an account that nobody can read
            return Resend.NEVER
        if not doubt.forgotten:
            return resend
        # What identifies a forgotten try may be forgotten too, so that nothing vouches for a repeat.
        return Resend.LOOK_FIRST if self.ctx.can_ask(key) else Resend.NEVER

    def _is_turn(self, doubt: _Doubt, now: datetime) -> bool:
        turn, wait = self._turns[doubt.tried.id]
        if now < turn <= now + wait:  # a turn that is further away was set before the clock went back
            return False
        self._turns[doubt.tried.id] = (now + wait, min(wait * 2, _LONGEST_WAIT))
        return True

    async def _settle_one(
        self, doubt: _Doubt, resend: Resend, now: datetime
    ) -> tuple[_Answer | None, Rest | None]:
        """Return what a look-up said, and for how long the account had better rest after it."""
        delivery, tried = doubt.delivery, doubt.tried
        claim = await self.thread.write(_open_look_up, doubt, now, self.ctx.media.path_of)
        if claim is None:
            return None, None
        with structlog.contextvars.bound_contextvars(post=delivery.post_id, account=delivery.account):
            ending, rest = await self._find(claim, since=tried.started_at if doubt.forgotten else None)
            if isinstance(ending, Absent) and (why := _may_still_be(doubt, claim.post, resend, now)):
                ending = Unknown(reason=why)
            rules = Rules(
                retry=self.ctx.retry,
                chance=self.ctx.random.random(),
                now=self.ctx.now(),
                rest=rest,
                resend=resend,
                at_once=doubt.forgotten or tried.id in self._interrupted,
                too_late_before=now - self.ctx.late_limit,
                first_reading=self.ctx.first_reading(delivery.network),
                comment_after=self.ctx.comment_after(claim.post, claim.account),
            )
            instead = _fault(claim, "its answer cannot be stored")
            ending = await write_down(self.thread, record_look_up, claim, rules, ending, instead)
            structlog.get_logger().info("delivery_looked_up", result=result_of(ending))
            return ending, rest

    async def _find(self, claim: Claim, *, since: datetime | None) -> tuple[_Answer, Rest | None]:
        progress = progress_of(claim.delivery.progress)
        asked: Prepared | None = None
        ending: _Answer
        try:
            keeper = Keeper(thread=self.thread, account=claim.account, vault=self.ctx.vault)
            asked = await self.ctx.prepare(claim.post, claim.delivery, claim.account, keeper, since=since)
            begun = asked.outgoing.begun_at - _MARGIN
            receipts = await self.thread.read(known_receipts, claim.account.id, begun)
            known = frozenset(name for receipt in receipts for name in ids_of(receipt))
            async with asyncio.timeout(LONGEST_STEP):
                outgoing = replace(asked.outgoing, known=known)
                ending = await asked.network.find(outgoing, progress, asked.http)
        except asyncio.CancelledError:  # written down, or it would look as if the question ended the process
            ending = Unavailable("Postbell was stopped while it asked")
        except TimeoutError:
            ending = Unavailable(f"it was not answered after {LONGEST_STEP / 60:.0f} min")
        except PublishError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=claim.account.network)
            ending = _fault(claim, type(error).__name__)
        return ending, asked.http.rest if asked else None


def _fault(claim: Claim, what: str) -> Unknown:
    network = claim.account.network
    return Unknown(reason=f"a fault in Postbell's code for {network} ({what}); please report it")


def _may_still_be(doubt: _Doubt, post: Post, resend: Resend, now: datetime) -> str | None:
    """Return why what the network does not have may be, or have been, public all the same; None if not."""
    tried, delete_after = doubt.tried, post.delete_after
    if doubt.forgotten:
        gone = delete_after is not None and tried.started_at + delete_after <= now
        return "it is not public; it may have been, and have been taken away again" if gone else None
    too_early = now - (tried.ended_at or tried.started_at) < _STILL_AT_WORK
    if resend is Resend.LOOK_FIRST and too_early:
        return "it is not public yet; the network may still be at work on it"
    return None


def _may_ask(account: Account | None, now: datetime) -> bool:
    """Whether the network may be asked for this account now. A pause forbids to publish, not to ask.

    So does a rest after setbacks: look-ups have waits of their own. One that the network asked for is kept.
    """
    if account is None or account.health is not Health.OK:
        return False
    return account.setbacks > 0 or account.rests_until is None or account.rests_until <= now


def _list_doubts(tx: Connection) -> list[_Doubt]:
    by_id = {account.id: account for account in accounts.list_accounts(tx)}
    unsure = deliveries.list_in_state(tx, DeliveryState.UNSURE)
    tries_of: dict[int, list[Attempt]] = {}
    for tried in attempts.list_attempts(tx, [delivery.id for delivery in unsure]):
        tries_of.setdefault(tried.delivery_id, []).append(tried)
    doubts = []
    for delivery in unsure:
        tries = tries_of[delivery.id]
        last = [tried for tried in tries if tried.kind is AttemptKind.PUBLISH][-1]
        account = by_id.get(delivery.account_id)
        doubts.append(_Doubt(delivery=delivery, account=account, tried=last, tries=tuple(tries)))
    return doubts


def _open_look_up(tx: Connection, doubt: _Doubt, now: datetime, locate: Locate) -> Claim | None:
    """Open the look-up of a delivery that is still in this doubt; None if somebody was faster."""
    delivery = doubt.delivery
    tries = attempts.list_attempts(tx, [delivery.id])
    if [tried.id for tried in tries if tried.kind is not AttemptKind.FIND][-1] != doubt.tried.id:
        return None
    attempt_id = attempts.open_attempt(tx, delivery.id, AttemptKind.FIND, now)
    return queue.load_claim(tx, delivery, attempt_id, locate)
