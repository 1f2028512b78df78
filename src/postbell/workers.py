"""What looks after posts in the daemon, and when each of it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from postbell.api.commands import in_words_of_the_api
from postbell.app import App
from postbell.beat import Chore, new_scheduler
from postbell.domain.caution import Cause
from postbell.errors import BrokenOff, PostbellError
from postbell.services.media.uploading import sweep
from postbell.services.sending.commenting import Comments
from postbell.services.sending.dispatch import Dispatcher
from postbell.services.sending.edits import Edits
from postbell.services.sending.faults import Faults
from postbell.services.sending.metrics import Metrics
from postbell.services.sending.recover import Recovery
from postbell.services.sending.removal import Removals
from postbell.services.sending.renewal import Renewals
from postbell.services.series.recur import grow
from postbell.services.series.retime import retime
from postbell.services.telling.hook_sender import HookSender
from postbell.services.telling.pinging import Pinger
from postbell.services.telling.teller import Teller
from postbell.services.telling.troubles import CAUTION
from postbell.services.upkeep.health import caution_now
from postbell.services.upkeep.housekeeping import Housekeeping
from postbell.services.upkeep.marking import Marking
from postbell.store import glance
from postbell.store.caution import note_alive
from postbell.store.stored import forget_unused
from postbell.store.thread import StoreThread


#: The database is looked at this often even if nothing rang: a machine that slept, or a clock that was set,
#: rings no bell.
LOOK_EVERY = timedelta(seconds=30)
#: The chore that tells the user: what keeps a daemon from beginning is to be told too.
TELL = "tell"
#: What is due is claimed so long before: longer than a claim takes on a small machine.
_AHEAD = timedelta(milliseconds=20)
#: Unsure deliveries are looked at this often.
_SETTLE_EVERY = timedelta(seconds=60)
#: Seconds that the look at unsure deliveries waits for networks; longer ones answer when they do.
_PATIENCE = 5.0
#: Series make their posts, and libraries fill empty posting times, this often.
_GROW_EVERY = timedelta(minutes=5)
#: How people respond to what was published is read this often, where it is time for that.
_METRICS_EVERY = timedelta(minutes=5)
#: The database file is looked after this often.
_TEND_EVERY = timedelta(seconds=60)
#: What shall not wait for its time at a start is done at the first beat.
_SOON = timedelta(seconds=1)
#: Seconds that a message to the user that is on its way is waited for at the end.
_FAREWELL = 10.0
#: Files that no post uses are removed this often, when they are that old.
_SWEEP_EVERY = timedelta(days=1)


class Workers:
    """All that looks after posts, in one event loop. Nothing is sent before `begin` has ended."""

    #: When the scheduler rings.
    _rings_at: datetime | None = None
    #: Whether it is to end.
    _closing = False

    def __init__(self, app: App, *, checkpoint: Callable[[str], None] = lambda _point: None) -> None:
        """Put it together. `checkpoint` is called at the points where a crash would hurt most."""
        self._app = app
        #: Rung when it may have changed what is published next.
        self.changed = asyncio.Event()
        events = (asyncio.Event() for _ in range(6))
        self._due, self._lost, self._ripe, self._old, self._said, self._edited = events
        self.thread = thread = StoreThread(app.ctx.store)
        self.teller = Teller(app.ctx, thread, app.settings.notify)
        self.troubles = troubles = self.teller.troubles
        self.housekeeping = Housekeeping(
            app.places, app.settings, app.ctx.now, thread=thread, troubles=troubles
        )
        self._recovery = Recovery(app.ctx, thread)
        self._removals, self._renewals = Removals(app.ctx, thread), Renewals(app.ctx, thread)
        self._edits, self._metrics = Edits(app.ctx, thread, self._removals.locks), Metrics(app.ctx, thread)
        self._comments = Comments(app.ctx, thread)
        self._hooks = HookSender(app.ctx, thread, troubles, in_words_of_the_api)
        self._pinger = Pinger(app.ctx, app.settings.health)
        self._faults, self._marking = Faults(troubles=troubles), Marking(app.places.mark, troubles)
        self._dispatcher = Dispatcher(
            app.ctx,
            thread,
            slots=app.settings.daemon.concurrency,
            started_at=app.ctx.now(),
            longest_gap=LOOK_EVERY,
            ahead=_AHEAD,
            checkpoint=checkpoint,
            on_free=self._due.set,
            on_lost=self._lost.set,
            on_look=self._marking.attend,
            on_caution=self._say_cautious,
            on_fault=self._faults.note,
            on_comment=self._said.set,
        )
        thread.on_stuck, thread.on_written = troubles.begin_of_database, self._news
        self._recovery.on_settled = self._due.set
        self.scheduler = new_scheduler()
        #: All that ever asked networks: a reload makes new ones while the old are still in use.
        self._clients = [app.ctx.clients]
        app.ctx.media.on_film = self._go_on

    @property
    def under_way(self) -> int:
        """How many deliveries are under way."""
        return self._dispatcher.under_way

    async def take_over(self) -> int:
        """Close what an earlier life has left open; return how many deliveries that were."""
        return await self._recovery.begin()

    async def take_stock(self) -> None:
        """Find out whether the database is that of the earlier life, and what may be public if it is not."""
        self._faults.end()
        await self._marking.take_stock(self._app.ctx, self.thread)

    async def make_ready(self) -> None:
        """Load what sends: that takes longer than sending, and the first post shall not be late for it."""
        await asyncio.to_thread(self._app.ctx.clients)

    async def grow(self) -> None:
        """Make the posts of series."""
        await grow(self._app.ctx, self.thread)

    async def retime(self) -> None:
        """Give what comes the time that clocks on the wall show then, by the rules of today."""
        await retime(self._app.ctx, self.thread)

    def note_stuck(self, error: PostbellError) -> None:
        """Say why the database cannot be used."""
        self.troubles.begin_of_database(str(error))
        if not self.scheduler.running:  # later on the dispatcher knows what keeps it from its work
            self._dispatcher.note_refused(error)

    async def look(self) -> None:
        """Look at the clock: what was due before that is late because Postbell was not running."""
        await self._dispatcher.look()

    def begin(self) -> None:
        """Let everything be looked at that an earlier life may have left."""
        self.scheduler.start()
        for bell in (self._due, self._lost, self._old, self._edited, self._said, self._hooks.bell):
            bell.set()

    def ring(self) -> None:
        """Let everything be looked at that a command may have changed, or that may go on because of it."""
        for bell in (self._due, self._old, self._edited, self._said, self._hooks.bell):
            bell.set()
        self.teller.news()

    def configure(self, app: App) -> None:
        """Go on with another configuration, on the same database."""
        self._app, settings, ctx = app, app.settings, app.ctx
        self._clients.append(ctx.clients)
        ctx.media.on_film = self._go_on
        self._dispatcher.ctx = self._recovery.ctx = self._removals.ctx = self._metrics.ctx = ctx
        self._renewals.ctx = self._comments.ctx = self._hooks.ctx = self._edits.ctx = ctx
        self._dispatcher.slots = settings.daemon.concurrency
        self.housekeeping.settings = settings
        self._pinger.ctx, self._pinger.settings = ctx, settings.health
        self.teller.configure(ctx, settings.notify)
        self._due.set()
        self._ripe.set()

    async def close(self) -> None:
        """End what is being sent, and record it; then end everything else."""
        self._closing = True
        # The scheduler would cancel what runs.
        await self._dispatcher.drain(self._app.settings.daemon.drain_seconds)
        await self._recovery.close()
        await self.teller.close(_FAREWELL)
        await self._hooks.close()
        if self.scheduler.running:
            self.scheduler.shutdown(wait=False)
        for clients in self._clients:
            await clients().close()
        self.thread.close()
        self._marking.leave(self._app.ctx.now())

    def chores(self) -> tuple[Chore, ...]:
        """Return all that is done again and again."""
        said, told, hooks, ping = self._comments, self.teller, self._hooks, self._pinger
        gone, edits = self._removals, self._edits
        return (
            Chore(name="clock", work=self._dispatcher.look, every=LOOK_EVERY),
            Chore(name="ring", bell=self._due, work=self._ring, every=LOOK_EVERY, wanted=self._any_to_send),
            Chore(
                name="settle",
                bell=self._lost,
                work=lambda: self._recovery.settle(_PATIENCE),
                every=_SETTLE_EVERY,
                wanted=glance.any_unsure,
            ),
            Chore(name="remove", bell=self._old, work=gone.do_due, every=LOOK_EVERY, wanted=gone.wanted),
            Chore(name="edit", bell=self._edited, work=edits.do_due, every=LOOK_EVERY, wanted=edits.wanted),
            Chore(name="say", bell=self._said, work=said.publish_due, every=LOOK_EVERY, wanted=said.wanted),
            Chore(
                name="metrics",
                work=self._metrics.read_due,
                every=_METRICS_EVERY,
                wanted=lambda tx: glance.any_to_read(tx, self._app.ctx.now()),
            ),
            Chore(
                name="renew",
                work=self._renewals.renew_due,
                every=LOOK_EVERY,
                first=_SOON,
                wanted=self._renewals.wanted,
            ),
            Chore(name=TELL, bell=told.bell, work=told.turn, every=LOOK_EVERY, wanted=told.wanted),
            Chore(name="hooks", bell=hooks.bell, work=hooks.turn, every=LOOK_EVERY, wanted=hooks.wanted),
            Chore(name="ping", work=ping.ping, every=LOOK_EVERY, first=_SOON, wanted=ping.wanted),
            Chore(name="grow", bell=self._ripe, work=self._grow_more, every=_GROW_EVERY),
            Chore(name="tend", work=self.housekeeping.tend, every=_TEND_EVERY),
            Chore(name="sweep", work=self._sweep, every=_SWEEP_EVERY, first=_GROW_EVERY),
        )

    def _any_to_send(self, tx: Connection) -> bool:
        # What will be due before the next beat, too: whoever stored it may not have rung.
        return glance.any_to_send(tx, self._app.ctx.now() + LOOK_EVERY)

    async def _ring(self) -> None:
        await self._dispatcher.ring()
        if self._dispatcher.next_at is not None:
            self._ring_at(self._dispatcher.next_at)
        self.changed.set()

    async def _grow_more(self) -> None:
        await self.grow()
        self._due.set()

    def _ring_at(self, at: datetime) -> None:
        if at != self._rings_at:
            self._rings_at = at
            self.scheduler.add_job(self._rung, "date", run_date=at - _AHEAD, id="ring", replace_existing=True)

    async def _rung(self) -> None:
        self._rings_at = None
        self._due.set()

    def _go_on(self, name: str, _part: float) -> None:
        """Break off the work on a video where the daemon is to end: it would wait for it, minutes long."""
        if self._closing:
            raise BrokenOff(f"{name} is not made to fit yet, because Postbell was stopped")

    def _news(self) -> None:
        """Let it be told what was written; it can be read by now."""
        self._hooks.news()
        self.teller.news()

    async def _sweep(self) -> None:
        """Remove the files that nobody uses any more, and forget what is settled."""
        if await self.thread.read(caution_now, self._app.ctx.now(), self._app.ctx.can_ask) is None:
            self.troubles.forget(CAUTION)
        before = self._app.ctx.now() - _SWEEP_EVERY
        await self.thread.write(note_alive, self._app.ctx.now())
        unused = await self.thread.write(forget_unused, before)
        gone = await asyncio.to_thread(sweep, self._app.ctx, unused, before=before)
        structlog.get_logger().info("media_swept", files=gone)

    def _say_cautious(self, cause: Cause) -> None:
        told = f"{cause.sentence} What was overdue may be public: it is looked up before it is sent."
        self.troubles.happen(CAUTION, told, "See `postbell status`.")
