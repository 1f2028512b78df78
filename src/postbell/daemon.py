"""The process that publishes: APScheduler is its bell, the database its only memory."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from postbell import logs
from postbell.app import App, open_app, reopen
from postbell.beat import Beat, Chore
from postbell.bell import Listener
from postbell.clock import SystemClock
from postbell.errors import BadConfig, DaemonRunning, Damaged, PostbellError
from postbell.sd_notify import Notifier
from postbell.services.plan.foretelling import next_told
from postbell.services.telling import last_words
from postbell.services.upkeep import upkeep
from postbell.settings import Places, Surroundings, load_settings, require_config
from postbell.store.lock import DaemonLock
from postbell.workers import LOOK_EVERY, TELL, Workers


if TYPE_CHECKING:
    from postbell.api.server import Api

#: Names a trouble.
_CONFIG = "config"
#: systemd is told what comes next this often, besides when that changes.
_FORETELL_EVERY = timedelta(minutes=5)
#: Seconds after which systemd is told what has changed.
_A_MOMENT = 1.0


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
        now, kept = SystemClock().now(), settings.backup
        upkeep.require_plausible(places, now)
        notifier.tell(STATUS="Upgrading the database", EXTEND_TIMEOUT_USEC=str(10 * 60 * 1_000_000))
        if saved := upkeep.upgrade_locked(places, keep=kept.keep, weeks=kept.keep_weeks, now=now):
            structlog.get_logger().info("database_upgraded", backup=str(saved))
        app = open_app(places, by_user=False)
        asyncio.run(Daemon(app, surroundings, notifier, serves=serves, checkpoint=checkpoint).run())
    except DaemonRunning:
        raise  # that one publishes
    except Damaged as damaged:
        now = SystemClock().now()
        error = upkeep.with_newest_backup(places, damaged, now)
        last_words.speak(places, settings.notify, error, now)
        raise error from damaged
    except Exception as error:
        last_words.speak(places, settings.notify, error, SystemClock().now())
        raise
    finally:
        lock.release()


class Daemon:
    """One run of the daemon, in one event loop."""

    #: What answers programs, once it does.
    _api: Api | None = None
    #: How many deliveries an earlier life has left open.
    _interrupted = 0

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
        self._surroundings = surroundings
        self._notifier = notifier
        self._serves = serves
        self._stop = asyncio.Event()
        self._workers = Workers(app, checkpoint=checkpoint)
        foretell = Chore(
            name="foretell", bell=self._workers.changed, work=self._foretell, every=_FORETELL_EVERY
        )
        chores, every = (*self._workers.chores(), foretell), self._beat_every()
        self._beat = Beat(app.ctx.store, chores, every=every, alive=self._say_alive, failed=self._say_stuck)

    async def run(self) -> None:
        """Work until told to stop; raises what made going on impossible."""
        log = structlog.get_logger()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        listener = Listener(self._app.places.data_dir, self._workers.ring)
        listener.open()
        # What keeps it from beginning is to be told too.
        telling = [self._beat.do(chore) for chore in self._beat.chores if chore.name == TELL]
        loops = [asyncio.create_task(each) for each in (self._beat.go(), *telling)]
        # Ready to be watched: systemd would end a start that waits long for a locked database, or grows much.
        self._notifier.tell(READY="1", STATUS="Looking whether the database is sound; nothing is sent before")
        stop, begun = asyncio.create_task(self._stop.wait()), asyncio.create_task(self._begin())
        await asyncio.wait((stop, begun, *loops), return_when=asyncio.FIRST_COMPLETED)
        loops += [begun] if stop.done() or not begun.done() or begun.exception() else self._begin_chores()
        # A loop ends only by a fault: then the daemon ends too and is started anew, instead of sitting there.
        await asyncio.wait((stop, *loops), return_when=asyncio.FIRST_COMPLETED)
        self._notifier.tell(STOPPING="1", STATUS="Finishing what is being sent")
        log.info("daemon_stopping", under_way=self._workers.under_way)
        listener.close()
        for task in (stop, *loops):
            task.cancel()
        ends = await asyncio.gather(*loops, return_exceptions=True)
        await self._close()
        log.info("daemon_stopped")
        for end in ends:
            if end is not None and not isinstance(end, asyncio.CancelledError):
                raise end
        self._workers.housekeeping.seal()

    async def _begin(self) -> None:
        """Take over what there is; nothing is sent before."""
        workers, insist = self._workers, self._beat.insist
        await insist(workers.housekeeping.prove)
        last_words.forget(self._app.places)
        workers.troubles.end(_CONFIG, "The configuration was read.")
        workers.teller.begin()
        self._interrupted = await insist(workers.take_over)
        await insist(workers.take_stock)
        await workers.make_ready()
        self._notifier.tell(STATUS="Making the posts of series; nothing is sent before")
        # Before anything rings: of a series only the newest of what is due is published. That may take long.
        await insist(workers.grow)
        await insist(workers.retime)
        await self._open_api()
        await insist(workers.look)

    async def _open_api(self) -> None:
        if self._serves and self._app.settings.api.listen:
            from postbell.api.server import Api

            self._api = Api(app=self._app, thread=self._workers.thread, troubles=self._workers.troubles)
            await self._api.open()

    def _begin_chores(self) -> list[asyncio.Task[None]]:
        self._workers.begin()
        database, interrupted = str(self._app.places.database), self._interrupted
        structlog.get_logger().info("daemon_started", database=database, interrupted=interrupted)
        gc.freeze()  # what was loaded stays: to look through it for garbage took a tenth of a backlog's time
        return [asyncio.create_task(self._beat.do(each)) for each in self._beat.chores if each.name != TELL]

    def reload(self) -> None:
        """Read the configuration again; a bad one is reported and the old one stays."""
        log, troubles = structlog.get_logger(), self._workers.troubles
        try:
            self._app = reopen(self._app)
        except BadConfig as error:
            log.warning("config_not_reloaded", reason=str(error))
            troubles.begin(_CONFIG, f"The daemon goes on with the configuration it has: {error}")
            return
        troubles.end(_CONFIG, "The configuration was read.")
        self._workers.configure(self._app)
        if self._api:
            self._api.app = self._app
        level, style = self._app.settings.log.level, self._app.settings.log.format
        logs.set_up(level=level, style=style, surroundings=self._surroundings)
        log.info("config_reloaded")

    def _beat_every(self) -> timedelta:
        watchdog = self._surroundings.watchdog_seconds
        return min(LOOK_EVERY, timedelta(seconds=watchdog / 2)) if watchdog else LOOK_EVERY

    async def _foretell(self) -> None:
        """Tell systemd what comes next, a moment later: under load that changes all the time."""
        if self._surroundings.notify_socket is None:
            return
        await asyncio.sleep(_A_MOMENT)
        # Not on the store's own thread: what is to be sent would wait behind it.
        self._notifier.tell(STATUS=await asyncio.to_thread(next_told, self._app.ctx.store))

    def _say_alive(self) -> None:
        """Tell systemd that the loop and the database answer."""
        self._notifier.tell(WATCHDOG="1")

    def _say_stuck(self, error: PostbellError) -> None:
        structlog.get_logger().error("database_not_usable", reason=str(error))
        self._workers.note_stuck(error)
        self._notifier.tell(STATUS=f"Waiting: {error}")

    async def _close(self) -> None:
        if self._api:
            await self._api.close()
        await self._workers.close()
        self._app.close()
