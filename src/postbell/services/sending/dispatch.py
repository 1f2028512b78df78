"""From due to done: claims what is due, hands it to its network, records how that ended."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from postbell.domain.caution import Cause
from postbell.domain.post import LATE_AFTER
from postbell.errors import BrokenOff, PostbellError, PublishError, Rejected, Unsure
from postbell.publishing.protocol import Progress, Receipt
from postbell.publishing.web.rates import Rest
from postbell.services.context import Context, Prepared, progress_of, stored_progress
from postbell.services.sending import caution
from postbell.services.sending.caution import Look, Watch
from postbell.services.sending.lateness import (
    ASLEEP,
    BUSY,
    CLOCK_SET,
    NOT_RUNNING,
    SLOW,
    Halts,
    joined,
    why_refused,
)
from postbell.services.sending.outcomes import (
    LONGEST_STEP,
    Rules,
    insist,
    result_of,
)
from postbell.services.sending.preparing import prepared
from postbell.services.sending.recording import Ending, Recorder
from postbell.services.sending.sessions import Keeper
from postbell.services.sending.taking import Taken, take_due
from postbell.services.sending.way import POISON, Way, is_deadly
from postbell.store import deliveries
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


@dataclass
class Dispatcher:
    """Owns the deliveries that are under way in this process."""

    ctx: Context
    thread: StoreThread
    #: How many deliveries may be under way at once.
    slots: int
    #: When this process began to look after the posts.
    started_at: datetime
    #: How far apart two looks are at most; a longer gap means that the machine slept.
    longest_gap: timedelta
    #: How long before something is due it may be claimed, so that what the claim takes does not make it late.
    #: It is not sent before.
    ahead: timedelta = timedelta(0)
    #: Called at the points where a crash would hurt most; tests end the process there.
    checkpoint: Callable[[str], None] = lambda _point: None
    #: Called when a delivery has ended, to ring again.
    on_free: Callable[[], None] = lambda: None
    #: Called at each look at the clock, with the time.
    on_look: Callable[[datetime], None] = lambda _now: None
    #: Called when there is a cause to look up what is overdue before it is sent.
    on_caution: Callable[[Cause], None] = lambda _cause: None
    #: Called when a delivery became unsure, to look it up.
    on_lost: Callable[[], None] = lambda: None
    #: Called when something became public that is commented on.
    on_comment: Callable[[], None] = lambda: None
    #: Called when a fault of ours has lost how a try ended.
    on_fault: Callable[[Claim, BaseException], None] = lambda _claim, _error: None
    #: When the next ring finds more (aware UTC), where the last one took all that it found.
    next_at: datetime | None = None
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    #: The attempts whose endings the database was given: they hold no slot any more.
    _handed: set[int] = field(default_factory=set)
    _recorder: Recorder = field(init=False)
    _ringing: asyncio.Task[int] | None = None
    #: The one suspect that is under way, and whether there may be others.
    _suspect: asyncio.Task[None] | None = None
    _wary: bool = True
    _watch: Watch = field(init=False)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: Why the database took no claim when it was last tried; None if it did.
    _refused: str | None = None
    #: Whether the clock was looked at: before that nothing is sent, however long taking over takes.
    _begun: bool = False
    #: Since when the machine is awake, as `Clock.elapsed` tells.
    _awake_since: float = -math.inf
    _halts: Halts = field(default_factory=Halts)

    def __post_init__(self) -> None:
        self._halts.note(NOT_RUNNING, until=self.started_at)
        self._recorder = Recorder(self.thread, on_handed=self._note_handed, on_recorded=self._tell)
        self._watch = Watch(self.ctx.clock)

    @property
    def under_way(self) -> int:
        """How many deliveries are under way."""
        return len(self._running)

    @property
    def free(self) -> int:
        """How many more deliveries may be begun. Where none may, a ring follows when one has ended."""
        return self.slots - len(self._running) + len(self._handed)

    async def ring(self) -> int:
        """Start everything that is due, as far as slots are free; return how many deliveries that were.

        Never waits for a network. Raises TryLater where the database cannot take a claim: then nothing was
        claimed, and nothing is sent. What was claimed is begun even if this is cancelled meanwhile: a claim
        that nobody begins would be nobody's.
        """
        self._ringing = asyncio.create_task(self._ring())
        return await asyncio.shield(self._ringing)

    async def look(self) -> None:
        """Notice that the machine slept or that its clock was set.

        To be called so often as `longest_gap` says, whether there is anything to ring for or not. What was
        due before the first look is late because nothing ran.
        """
        async with self._looking:  # two at once would act twice upon one step
            await self._look()

    async def _look(self) -> None:
        look = self._watch.look(self.ctx.clock)
        if look.was_set:
            doubted = await self.thread.write(caution.note_step, self.ctx, look)
            structlog.get_logger().warning("clock_was_set", by=str(look.step), doubted=len(doubted))
            if doubted:
                self.on_lost()
            if look.is_far:
                self.on_caution(Cause.CLOCK_SET)
        if not self._begun:
            self._halts.note(self._refused or NOT_RUNNING, until=look.now)
            self._refused, self._begun = None, True
        elif halt := self._halt_in(look):
            self._halts.note(halt, until=look.now)
            if halt is ASLEEP:
                self._awake_since = look.elapsed
        self._watch.accept(look)
        self.on_look(look.now)

    def note_refused(self, error: PostbellError) -> None:
        """Say why the database takes nothing: until the next ring, or the first look, nothing is sent."""
        self._refused = why_refused(error)

    async def drain(self, seconds: float) -> None:
        """Wait for what is under way, at most `seconds`; then break it off.

        Then wait until it is recorded how everything ended, for as long as the database needs.
        """
        if self._ringing:
            await asyncio.gather(self._ringing, return_exceptions=True)
        if self._running:
            _done, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._recorder.finish()

    async def _ring(self) -> int:
        while (begun := await self._take()) is None:
            pass
        return begun

    async def _take(self) -> int | None:
        """Begin what is due, as `ring` does; None if that is to be done once more."""
        await self.look()
        if self._refused:
            self._halts.note(self._refused, until=self.ctx.now())
            self._refused = None
        free = self.free
        if free <= 0:
            return 0
        self.checkpoint("before_claim")
        at, self.next_at = self._nearly_now(), None
        wary = self._wary and self._suspect is None
        take = functools.partial(self._take_due, free, wary=wary, at=at, asked=self.ctx.clock.elapsed())
        try:
            taken = await self.thread.write(take)
        except PostbellError as error:
            self.note_refused(error)
            raise
        if taken is None:
            return None
        if wary:  # one that did not look knows nothing; the suspect may have ended while it waited
            self._wary = taken.wary
        self.next_at = taken.next_at
        self.checkpoint("claimed")
        for delivery in taken.missed:
            log = structlog.get_logger().bind(post=delivery.post_id, account=delivery.account)
            log.warning("delivery_missed", due=str(delivery.due_at), reason=delivery.message)
        for claim in taken.claims:
            task = asyncio.create_task(self._deliver(claim, at))
            if claim is taken.suspect:
                self._suspect = task
            self._running.add(task)
            task.add_done_callback(functools.partial(self._ended, claim))
        return None if taken.more else len(taken.claims)

    def _nearly_now(self) -> datetime | None:
        """Return when the next thing is due if that is in a moment."""
        now = self.ctx.now()
        return self.next_at if self.next_at and now < self.next_at <= now + self.ahead else None

    def _take_due(
        self, free: int, tx: Connection, *, wary: bool, at: datetime | None, asked: float
    ) -> Taken | None:
        """Do it on the thread of the store, which was asked for it then (as `Clock.elapsed` tells)."""
        # Not before the lock was had: to wait for it is a lateness too.
        look = self._watch.look(self.ctx.clock)
        halt = self._halt_in(look)  # nobody has noticed yet
        if halt is not ASLEEP and look.elapsed - max(asked, self._awake_since) > LATE_AFTER.total_seconds():
            halt = BUSY
        if halt:
            self._halts.note(halt, until=look.now)
        self._halts.spare(tx)
        return take_due(tx, self.ctx, look, free, self._halts.why_late, wary=wary, at=at)

    def _halt_in(self, look: Look) -> str | None:
        """Return what has halted everything since the look before, as the clocks tell, if anything has."""
        if look.passed > self.longest_gap * 2:  # a machine that is awake looks more often
            return ASLEEP
        return CLOCK_SET if look.step > self.longest_gap else None

    def _why_late(self, claim: Claim, begun_at: datetime, now: datetime) -> str | None:
        """Return why what is published now is late, where a try begun then adds to that; else None."""
        due_at, told = claim.delivery.due_at, claim.delivery.late_reason
        assert due_at is not None, "what is claimed has a time"
        if now - due_at <= LATE_AFTER or (told and now - begun_at <= LATE_AFTER):
            return None
        halt = self._halt_in(self._watch.look(self.ctx.clock))  # nobody has noticed yet
        return joined(told, [halt] if halt else self._halts.since(begun_at) or [SLOW])

    def _note_handed(self, claims: Sequence[Claim]) -> None:
        self._handed.update(claim.attempt_id for claim in claims)
        self.on_free()

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._handed.discard(claim.attempt_id)
        if task is self._suspect:
            self._suspect = None
            self.on_free()  # for the next one: it was not taken while this was under way
        if not task.cancelled() and (error := task.exception()):
            structlog.get_logger().error("delivery_broke", exc_info=error)
            self.on_fault(claim, error)
            self.on_free()

    async def _deliver(self, claim: Claim, at: datetime | None) -> None:
        # For good: what is bound in a task ends with it.
        structlog.contextvars.bind_contextvars(
            post=claim.post.id, account=claim.account.name, attempt=claim.attempt_id
        )
        rest, broken_off, way = None, False, Way(progress_of(claim.delivery.progress))
        begun_at = self.ctx.now()
        try:
            if at:
                await asyncio.sleep((at - self.ctx.now()).total_seconds())
            ending, rest = await self._try(claim, way)
        except asyncio.CancelledError:
            ending, broken_off = await self._stopped(claim, way), True
        self.checkpoint("answered")
        now = self.ctx.now()
        rules = Rules(
            retry=self.ctx.retry,
            # Only failures are tried again; and to ask the system each time lets the other thread go first.
            chance=self.ctx.random.random() if isinstance(ending, PublishError) else 0,
            now=now,
            late_reason=self._why_late(claim, begun_at, now),
            rest=rest,
            gap=self.ctx.catch_up_gap,
            broken_off=broken_off,
            first_reading=self.ctx.first_reading(claim.account.network),
            comment_after=self.ctx.comment_after(claim.post, claim.account),
        )
        instead = _fault(claim, "its answer cannot be stored")
        await self._recorder.record(claim, ending, rules, instead=instead)
        self.checkpoint("recorded")

    async def _stopped(self, claim: Claim, way: Way) -> Ending:
        """Return how a try ended that was broken off; what is all public goes on at the next start."""
        if not (way.progress and way.receipt):
            if not way.begun:
                return BrokenOff()
            return Unsure("Postbell was stopped during the try")
        await self._keep(claim, way.progress)  # it may have been stopped before that was done
        return replace(way.progress, again_at=self.ctx.now())

    async def _try(self, claim: Claim, way: Way) -> tuple[Ending, Rest | None]:
        """Return how a try ended, and for how long the account had better rest by what was answered."""
        asked: Prepared | None = None
        ending: Ending
        try:
            keeper = Keeper(thread=self.thread, account=claim.account, vault=self.ctx.vault)
            work = self.ctx.prepare(claim.post, claim.delivery, claim.account, keeper)
            quick = not claim.post.content.media
            asked = await (work if quick else prepared(work, claim, self.thread, self.checkpoint))
            ending = await self._publish(claim, asked, way)
        except TimeoutError:
            ending = Unsure(f"it was not done after {LONGEST_STEP / 60:.0f} min, and was broken off")
        except PublishError as error:
            ending = error
        except Exception as error:  # noqa: BLE001 - a fault in one network must not stop the others
            structlog.get_logger().exception("network_broke", network=claim.account.network)
            ending = _fault(claim, type(error).__name__)
        ending = way.ended(ending, last=claim.delivery.tries >= self.ctx.retry.most_tries)
        return ending, asked.http.rest if asked else None

    async def _publish(self, claim: Claim, asked: Prepared, way: Way) -> Receipt | Progress:
        if way.receipt is not None and await self.thread.read(is_deadly, claim.delivery):
            raise Rejected(POISON)
        asked.require_files()

        async def step(progress: Progress | None) -> Receipt | Progress:
            async with asyncio.timeout(LONGEST_STEP):
                return await asked.network.publish(asked.outgoing, progress, asked.http)

        return await way.go(step, functools.partial(self._keep, claim))

    async def _keep(self, claim: Claim, progress: Progress) -> None:
        await insist(self.thread, deliveries.save_progress, claim.delivery.id, stored_progress(progress))

    def _tell(self, claim: Claim, ending: Ending) -> None:
        log = structlog.get_logger()
        names = {"post": claim.post.id, "account": claim.account.name, "attempt": claim.attempt_id}
        if isinstance(ending, Receipt):
            log.info("delivery_published", **names, url=ending.url, id=ending.id)
            if claim.post.content.comment:
                self.on_comment()
        elif isinstance(ending, Progress):
            log.info("delivery_snoozed", **names, step=ending.step, until=str(ending.again_at))
        else:
            log.warning("delivery_not_published", **names, result=result_of(ending), reason=str(ending))
            if result_of(ending) == "unsure":
                self.on_lost()


def _fault(claim: Claim, what: str) -> Unsure:
    return Unsure(f"a fault in Postbell's code for {claim.account.network} ({what}); please report it")
