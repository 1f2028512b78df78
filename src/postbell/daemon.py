"""The process that publishes: APScheduler is its bell, the database its only memory."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from postbell import logs
from postbell.app import App, open_app, reopen
from postbell.beat import Beat, Chore, new_scheduler
from postbell.bell import Listener
from postbell.clock import SystemClock
from postbell.domain.caution import Cause
from postbell.errors import BadConfig, DaemonRunning, Damaged, PostbellError
from postbell.sd_notify import Notifier
from postbell.services import last_words, upkeep
from postbell.services.commenting import Comments
from postbell.services.dispatch import Dispatcher
from postbell.services.edits import Edits
from postbell.services.faults import Faults
from postbell.services.foretelling import next_told
from postbell.services.health import caution_now
from postbell.services.hook_sender import HookSender
from postbell.services.housekeeping import Housekeeping
from postbell.services.marking import Marking
from postbell.services.metrics import Metrics
from postbell.services.pinging import Pinger
from postbell.services.recover import Recovery
from postbell.services.recur import grow
from postbell.services.removal import Removals
from postbell.services.renewal import Renewals
from postbell.services.retime import retime
from postbell.services.teller import Teller
from postbell.services.troubles import CAUTION
from postbell.services.uploading import sweep
from postbell.settings import Places, Surroundings, load_settings, require_config
from postbell.store import glance
from postbell.store.lock import DaemonLock
from postbell.store.mark import note_alive
from postbell.store.media import forget_unused
from postbell.store.thread import StoreThread


if TYPE_CHECKING:
    from postbell.api.server import Api

#: The database is looked at this often even if nothing rang: a machine that slept, or a clock that was set,
#: rings no bell.
LOOK_EVERY = timedelta(seconds=30)
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
_TELL = "tell"
#: Names a trouble.
_CONFIG = "config"
#: Seconds that a stopping daemon waits for a message to the user that is on its way.
_FAREWELL = 10.0
#: Seconds after which systemd is told what has changed.
_A_MOMENT = 1.0
#: Files that no post uses are removed this often, when they are that old.
_SWEEP_EVERY = timedelta(days=1)


def run_daemon(
    places: Places,
    surroundings: Surroundings,
    *,
    serves: bool = True,
    checkpoint: Callable[[str], None] = lambda _point: None,
) -> None:
    """Publish what is due until SIGTERM or SIGINT; unless `serves` is false also answer the HTTP API.

    Raises DaemonRunning if another daemon works on the database, BadConfig, Damaged or NotFound if it cannot
    begin. The user is told that, by the ways that a good configuration names.
    """
    require_config(places)
    settings = load_settings(places.config)
    logs.set_up(level=settings.log.level, style=settings.log.format, surroundings=surroundings)
    notifier = Notifier(surroundings.notify_socket)
    lock = DaemonLock(places.data_dir)
    try:
        upkeep.require_private(places)
        lock.acquire()
        upkeep.require_plausible(places)
        notifier.tell(STATUS="Upgrading the database", EXTEND_TIMEOUT_USEC=str(10 * 60 * 1_000_000))
        now, kept = SystemClock().now(), settings.backup
        if saved := upkeep.upgrade_locked(places, keep=kept.keep, weeks=kept.keep_weeks, now=now):
            structlog.get_logger().info("database_upgraded", backup=str(saved))
        app = open_app(places, by_user=False)
        asyncio.run(Daemon(app, surroundings, notifier, serves=serves, checkpoint=checkpoint).run())
    except DaemonRunning:
        raise  # that one publishes
    except Damaged as damaged:
        error = upkeep.with_newest_backup(places, damaged)
        last_words.speak(places, settings.notify, error, SystemClock().now())
        raise error from damaged
    except Exception as error:
        last_words.speak(places, settings.notify, error, SystemClock().now())
        raise
    finally:
        lock.release()


class Daemon:
    """One run of the daemon, in one event loop."""

    #: When the scheduler rings.
    _rings_at: datetime | None = None
    #: What answers programs, once it does.
    _api: Api | None = None

    def __init__(
        self,
        app: App,
        surroundings: Surroundings,
        notifier: Notifier,
        *,
        serves: bool = False,
        checkpoint: Callable[[str], None] = lambda _point: None,
    ) -> None:
        self._app = app
        self._surroundings, self._notifier = surroundings, notifier
        events = (asyncio.Event() for _ in range(7))
        self._due, self._lost, self._ripe, self._old, self._changed, self._stop, self._said = events
        self._thread = StoreThread(app.ctx.store)
        self._recovery = Recovery(app.ctx, self._thread)
        self._removals, self._renewals = Removals(app.ctx, self._thread), Renewals(app.ctx, self._thread)
        self._edits = Edits(app.ctx, self._thread)
        self._metrics, self._comments = Metrics(app.ctx, self._thread), Comments(app.ctx, self._thread)
        self._teller = Teller(app.ctx, self._thread, app.settings.notify)
        self._hooks = HookSender(app.ctx, self._thread, self._teller.troubles)
        self._pinger = Pinger(app.ctx, app.settings.health)
        self._thread.on_stuck = self._teller.troubles.begin_of_database
        self._thread.on_written = self._hooks.news
        self._faults = Faults(troubles=self._teller.troubles)
        self._marking = Marking(app.places.mark, self._teller.troubles)
        self._housekeeping = Housekeeping(
            app.places, app.settings, app.ctx.now, thread=self._thread, troubles=self._teller.troubles
        )
        self._dispatcher = Dispatcher(
            app.ctx,
            self._thread,
            slots=app.settings.daemon.concurrency,
            started_at=app.ctx.now(),
            longest_gap=LOOK_EVERY,
            ahead=_AHEAD,
            checkpoint=checkpoint,
            on_free=self._on_free,
            on_lost=self._lost.set,
            on_look=self._marking.attend,
            on_caution=self._say_cautious,
            on_fault=self._faults.note,
            on_comment=self._said.set,
        )
        self._recovery.on_settled = self._due.set
        #: All that ever asked networks: a reload makes new ones while the old are still in use.
        self._clients = [app.ctx.clients]
        every, alive, failed = self._beat_every(), self._say_alive, self._say_stuck
        self._beat = Beat(app.ctx.store, self._chores(), every=every, alive=alive, failed=failed)
        self._scheduler = new_scheduler()
        self._serves = serves

    async def run(self) -> None:
        """Work until told to stop; raises what made going on impossible."""
        log = structlog.get_logger()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        listener = Listener(self._app.places.data_dir, self._on_ring)
        listener.open()
        # What keeps it from beginning is to be told too.
        telling = [self._beat.do(chore) for chore in self._beat.chores if chore.name == _TELL]
        loops = [asyncio.create_task(each) for each in (self._beat.go(), *telling)]
        self._notifier.tell(READY="1", STATUS="Looking whether the database is sound; nothing is sent before")
        stop, begun = asyncio.create_task(self._stop.wait()), asyncio.create_task(self._begin())
        await asyncio.wait((stop, begun, *loops), return_when=asyncio.FIRST_COMPLETED)
        loops += [begun] if stop.done() or not begun.done() or begun.exception() else self._begin_chores()
        # A loop ends only by a fault: then the daemon ends too and is started anew, instead of sitting there.
        await asyncio.wait((stop, *loops), return_when=asyncio.FIRST_COMPLETED)
        self._notifier.tell(STOPPING="1", STATUS="Finishing what is being sent")
        log.info("daemon_stopping", under_way=self._dispatcher.under_way)
        listener.close()
        for task in (stop, *loops):
            task.cancel()
        ends = await asyncio.gather(*loops, return_exceptions=True)
        await self._close()
        log.info("daemon_stopped")
        for end in ends:
            if end is not None and not isinstance(end, asyncio.CancelledError):
                raise end
        self._housekeeping.seal()

    async def _begin(self) -> None:
        """Take over what there is; nothing is sent before."""
        await self._beat.insist(self._housekeeping.prove)
        last_words.forget(self._app.places)
        self._teller.troubles.end(_CONFIG, "The configuration was read.")
        self._teller.begin()
        left = await self._beat.insist(self._recovery.begin)
        self._faults.end()
        await self._beat.insist(lambda: self._marking.take_stock(self._app.ctx, self._thread))
        database = str(self._app.places.database)
        structlog.get_logger().info("daemon_started", database=database, interrupted=left)
        # Importing takes longer than sending: the first post shall not be late because of it.
        await asyncio.to_thread(self._app.ctx.clients)
        # Before anything rings: of a series only the newest of what is due is published. That may take long.
        await self._beat.insist(lambda: grow(self._app.ctx, self._thread))
        await self._beat.insist(lambda: retime(self._app.ctx, self._thread))
        await self._open_api()

    async def _open_api(self) -> None:
        if self._serves and self._app.settings.api.listen:
            from postbell.api.server import Api

            self._api = Api(app=self._app, thread=self._thread, troubles=self._teller.troubles)
            await self._api.open()

    def _begin_chores(self) -> list[asyncio.Task[None]]:
        self._scheduler.start()
        gc.freeze()  # what was loaded stays: to look through it for garbage took a tenth of a backlog's time
        self._due.set()
        self._lost.set()
        self._old.set()
        self._hooks.bell.set()  # an earlier life may have left something to tell
        return [asyncio.create_task(self._beat.do(each)) for each in self._beat.chores if each.name != _TELL]

    def _say_cautious(self, cause: Cause) -> None:
        told = f"{cause.sentence} What was overdue may be public: it is looked up before it is sent."
        self._teller.troubles.happen(CAUTION, told, "See `postbell status`.")

    def reload(self) -> None:
        """Read the configuration again; a bad one is reported and the old one stays."""
        log = structlog.get_logger()
        try:
            self._app = reopen(self._app)
        except BadConfig as error:
            log.warning("config_not_reloaded", reason=str(error))
            self._teller.troubles.begin(_CONFIG, f"The daemon goes on with the configuration it has: {error}")
            return
        self._teller.troubles.end(_CONFIG, "The configuration was read.")
        settings, ctx = self._app.settings, self._app.ctx
        self._clients.append(ctx.clients)
        self._dispatcher.ctx = self._recovery.ctx = self._removals.ctx = self._metrics.ctx = ctx
        self._renewals.ctx = self._comments.ctx = self._hooks.ctx = self._edits.ctx = ctx
        self._dispatcher.slots = settings.daemon.concurrency
        self._housekeeping.settings = settings
        self._pinger.ctx, self._pinger.settings = ctx, settings.health
        self._teller.configure(ctx, settings.notify)
        if self._api:
            self._api.app = self._app
        logs.set_up(level=settings.log.level, style=settings.log.format, surroundings=self._surroundings)
        log.info("config_reloaded")
        self._due.set()
        self._ripe.set()

    def _chores(self) -> tuple[Chore, ...]:
        """Return all that the daemon does by itself."""
        said, told, hooks, ping = self._comments, self._teller, self._hooks, self._pinger
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
            Chore(name="edit", work=edits.do_due, every=LOOK_EVERY, first=_SOON, wanted=edits.wanted),
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
            Chore(name=_TELL, bell=told.bell, work=told.turn, every=LOOK_EVERY, wanted=told.wanted),
            Chore(name="hooks", bell=hooks.bell, work=hooks.turn, every=LOOK_EVERY, wanted=hooks.wanted),
            Chore(name="ping", work=ping.ping, every=LOOK_EVERY, first=_SOON, wanted=ping.wanted),
            Chore(name="foretell", bell=self._changed, work=self._foretell, every=_GROW_EVERY),
            Chore(name="grow", bell=self._ripe, work=self._grow, every=_GROW_EVERY),
            Chore(name="tend", work=self._housekeeping.tend, every=_TEND_EVERY),
            Chore(name="sweep", work=self._sweep, every=_SWEEP_EVERY, first=_GROW_EVERY),
        )

    def _beat_every(self) -> timedelta:
        watchdog = self._surroundings.watchdog_seconds
        return min(LOOK_EVERY, timedelta(seconds=watchdog / 2)) if watchdog else LOOK_EVERY

    def _any_to_send(self, tx: Connection) -> bool:
        # What will be due before the next beat, too: whoever stored it may not have rung.
        return glance.any_to_send(tx, self._app.ctx.now() + LOOK_EVERY)

    async def _ring(self) -> None:
        await self._dispatcher.ring()
        if self._dispatcher.next_at is not None:
            self._ring_at(self._dispatcher.next_at)
        self._changed.set()

    async def _foretell(self) -> None:
        """Tell systemd what comes next, a moment later: under load that changes all the time."""
        if self._surroundings.notify_socket is None:
            return
        await asyncio.sleep(_A_MOMENT)
        # Not on the store's own thread: what is to be sent would wait behind it.
        self._notifier.tell(STATUS=await asyncio.to_thread(next_told, self._app.ctx.store))

    async def _grow(self) -> None:
        await grow(self._app.ctx, self._thread)
        self._due.set()

    def _ring_at(self, at: datetime) -> None:
        if at != self._rings_at:
            self._rings_at = at
            self._scheduler.add_job(
                self._rung, "date", run_date=at - _AHEAD, id="ring", replace_existing=True
            )

    async def _rung(self) -> None:
        self._rings_at = None
        self._due.set()

    def _on_free(self) -> None:
        self._due.set()
        self._teller.news()

    def _on_ring(self) -> None:
        self._on_free()
        self._hooks.bell.set()  # there may be one more

    def _say_alive(self) -> None:
        """Tell systemd that the loop and the database answer."""
        self._notifier.tell(WATCHDOG="1")

    def _say_stuck(self, error: PostbellError) -> None:
        structlog.get_logger().error("database_not_usable", reason=str(error))
        self._teller.troubles.begin_of_database(str(error))
        self._notifier.tell(STATUS=f"Waiting: {error}")

    async def _sweep(self) -> None:
        """Remove the files that nobody uses any more, and forget what is settled."""
        if await self._thread.read(caution_now, self._app.ctx.now(), self._app.ctx.can_ask) is None:
            self._teller.troubles.forget(CAUTION)
        before = self._app.ctx.now() - _SWEEP_EVERY
        await self._thread.write(note_alive, self._app.ctx.now())
        unused = await self._thread.write(forget_unused, before)
        gone = await asyncio.to_thread(sweep, self._app.ctx, unused, before=before)
        structlog.get_logger().info("media_swept", files=gone)

    async def _close(self) -> None:
        # The scheduler would cancel what runs; what is being sent is ended first, and recorded.
        if self._api:
            await self._api.close()
        await self._dispatcher.drain(self._app.settings.daemon.drain_seconds)
        await self._recovery.close()
        await self._teller.close(_FAREWELL)
        await self._hooks.close()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for clients in self._clients:
            await clients().close()
        self._thread.close()
        self._marking.leave(self._app.ctx.now())
        self._app.close()
