"""Tells the user what he should know: gathered into few messages, each thing once, not while he sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from postbell.domain.notice import UNSURE_AFTER, Notice, NoticeKind, is_quiet
from postbell.errors import PostbellError
from postbell.services.context import Context
from postbell.services.sending.pace import BETWEEN_MESSAGES, Pace
from postbell.services.telling.alarm import Alarm
from postbell.services.telling.message import compose
from postbell.services.telling.messenger import Messenger
from postbell.services.telling.noticing import News, Sought, look, note
from postbell.services.telling.troubles import DATABASE, Troubles
from postbell.services.telling.ways import Way, find_ways
from postbell.settings import NotifySettings
from postbell.store import notices
from postbell.store.notices import Pending, Telling, WayState
from postbell.store.thread import StoreThread


#: Seconds between two looks at least, however much happens.
_BETWEEN_LOOKS = 5.0
#: What ended before the last look is looked for again for so long: clocks are set back, and what ended may
#: have been written down later.
_OVERLAP = timedelta(hours=1)
#: How often it is written down until when everything was noted: from there the next start goes on, however
#: long nothing ran.
_KEEP_PLACE_EVERY = timedelta(days=1)
#: After a start at which that lies in the future, what ended within this time is looked for.
_LOOK_BACK = timedelta(days=2)
#: What was told is kept for so long.
_KEPT = timedelta(days=90)


class Teller:
    """Notes what the user should know, and tells it by the ways that he has configured.

    Nothing here keeps a post from being published: what goes wrong is told in the log and by `status`.
    """

    def __init__(
        self,
        ctx: Context,
        thread: StoreThread,
        settings: NotifySettings,
        *,
        ways: Sequence[Way] | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where to look. Tests give their own ways, and what counts the seconds."""
        #: Rung when a turn is wanted.
        self.bell = asyncio.Event()
        #: What is told of the daemon itself.
        self.troubles = Troubles(now=ctx.now, on_change=self.bell.set)
        self._thread = thread
        self._elapsed = elapsed
        self._started_at = ctx.now()
        self._alarm = Alarm(self.bell)
        self._under_way: asyncio.Task[None] | None = None
        self._seen_until: datetime | None = None
        self._looked = float("-inf")
        self._pending: dict[NoticeKind, int] = {}
        #: What was told and could not be written down yet.
        self._told: set[int] = set()
        self._begun = False
        self.configure(ctx, settings, ways)

    def begin(self) -> None:
        """From now on use the database; before, only what the daemon itself suffers from is told."""
        self._begun = True
        self.bell.set()

    def configure(self, ctx: Context, settings: NotifySettings, ways: Sequence[Way] | None = None) -> None:
        """Take another configuration, and try again at once what was not taken."""
        self._ctx, self._settings = ctx, settings
        self._messenger = Messenger(find_ways(settings) if ways is None else ways, self.troubles)
        self._pace = Pace(gather=settings.gather_seconds)
        #: What is known to be written down of how telling goes; None before that was read.
        self._telling: Telling | None = None
        self.bell.set()

    def news(self) -> None:
        """Ask for a turn, because something may have happened; costs nothing if one is coming."""
        if self._messenger.ways and not self._alarm.is_set:
            self._alarm.ring_in(self._looked + _BETWEEN_LOOKS - self._elapsed())

    def wanted(self, tx: Connection) -> bool:
        """Whether there is anything to note or to tell; reads only."""
        if not self._messenger.ways:
            return False
        if not self._begun:
            return bool(self.troubles.untold())
        if self._telling is None or self._told or self.troubles.to_keep() or self.troubles.untold():
            return True
        now = self._ctx.now()
        if not timedelta() <= now - self._telling.since <= _KEEP_PLACE_EVERY + _OVERLAP:
            return True
        found = look(tx, now, self._sought(now))
        return bool(found.fresh or found.over or found.pending)

    async def turn(self) -> None:
        """Note what is new, and tell what is to be told if it is time for that. Raises nothing."""
        try:
            again = await self._turn()
        except Exception as error:  # noqa: BLE001 - no fault here may keep posts from being published
            structlog.get_logger().error("telling_broke", exc_info=error)
            again = BETWEEN_MESSAGES
        if again is not None:
            self._alarm.ring_in(again)

    async def close(self, seconds: float) -> None:
        """Wait for a message that is on its way, at most so long; then break it off."""
        self._alarm.cancel()
        if self._under_way is not None:
            await asyncio.wait({self._under_way}, timeout=seconds)
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _turn(self) -> float | None:
        """Do a turn; return how soon to do another (seconds), None if not before something happens."""
        if not self._messenger.ways:
            if self._begun:
                with suppress(PostbellError):  # then the past is told to whoever wants to be told again
                    await self._thread.write(notices.forget_telling)
            return None
        now = self._ctx.now()
        await self._look(now)
        kinds = self._kinds(now)
        own = self.troubles.untold() if NoticeKind.TROUBLE in kinds else []
        if not own and not any(self._pending.get(kind) for kind in kinds):
            self._pace.rest()
            return None
        if wait := self._pace.wait(self._elapsed()):
            return wait
        # What was handed over is to be written down, or it would be told again.
        self._under_way = asyncio.create_task(self._tell(now, kinds, own))
        await asyncio.shield(self._under_way)
        return None

    def _kinds(self, now: datetime) -> frozenset[NoticeKind]:
        """Return what may be told now."""
        about, quiet = frozenset(self._settings.about), self._settings.quiet_hours
        return about & set(self._settings.urgent) if quiet and is_quiet(quiet, now, self._ctx.zone) else about

    def _sought(self, now: datetime) -> Sought:
        floor = self._telling.since if self._telling else self._started_at
        # A time that is still to come was written down while the clock was wrong.
        since = floor if floor <= now else now - _LOOK_BACK
        if self._seen_until is not None:
            last = min(self._seen_until, now) - _OVERLAP
            since = max(last, floor) if floor <= now else last
        return Sought(
            about=frozenset(self._settings.about),
            since=since,
            late=timedelta(minutes=self._settings.late_minutes),
            unsure_before=now - UNSURE_AFTER,
            time=lambda moment: f"{moment.astimezone(self._ctx.zone):%Y-%m-%d %H:%M:%S %Z}",
        )

    async def _look(self, now: datetime) -> None:
        """Note what is new, and what was told. Where that is not possible, this is what is to be told."""
        self._looked = self._elapsed()
        if not self._begun:
            return
        try:
            await self._begin(now)
            if self._told:
                await self._thread.write(notices.record_told, sorted(self._told), now)
                self._told.clear()
            self._pending = (await self._note(now)).pending
            # What has ended while nothing could be written down is still to be: it ended before now.
            if DATABASE not in self.troubles.names():
                self._seen_until = now
            if keep := self.troubles.to_keep():
                await self._thread.write(notices.keep_notices, keep)
                self.troubles.kept(keep)
                self.troubles.end(DATABASE, "The database can be used again; what waited goes on.")
        except PostbellError as error:
            self.troubles.begin_of_database(str(error))

    async def _begin(self, now: datetime) -> None:
        """Write down how telling goes; the first time, take over what an earlier life of the daemon left."""
        known = self._telling
        if known is None:
            known = await self._thread.read(notices.load_telling)
            # Not what was told shortly before a long stop: what it told of is looked for once more.
            await self._thread.write(notices.forget_notices, min(known.since if known else now, now) - _KEPT)
            left = await self._thread.read(notices.list_open, NoticeKind.TROUBLE)
            self.troubles.resume(each.notice for each in left)
            self._messenger.resume(known.ways if known else ())
            self._messenger.check(now)
            _log_failing(self._messenger.states)
        telling = Telling(since=self._since(known, now), ways=self._messenger.states)
        if telling != known:
            await self._thread.write(notices.save_telling, telling)
        self._telling = telling

    def _since(self, known: Telling | None, now: datetime) -> datetime:
        """Return from when on the next start is to look for what has ended."""
        since = known.since if known else self._started_at
        if self._seen_until is None:
            return since
        reached = min(self._seen_until, now) - _OVERLAP
        return reached if since > now or reached - since > _KEEP_PLACE_EVERY else since

    async def _note(self, now: datetime) -> News:
        sought = self._sought(now)
        while (found := await self._thread.read(look, now, sought)).fresh or found.over:
            await self._thread.write(note, found, now)
        return found

    async def _tell(self, now: datetime, kinds: Collection[NoticeKind], own: Sequence[Notice]) -> None:
        pending: list[Pending] = []
        if self._begun:
            with suppress(PostbellError):  # then there is a trouble of its own to tell
                pending = await self._thread.read(notices.list_pending, kinds, now - UNSURE_AFTER, now)
        found = {each.id: each.notice for each in pending if each.id not in self._told}
        if not found and not own:
            return
        message = compose([*own, *found.values()])
        errors = await self._messenger.hand_over(message, now)
        _log_failing(self._messenger.states)
        if all(errors.values()):
            self._pace.failed(self._elapsed())
            self._alarm.ring_in(self._pace.wait(self._elapsed()))
        else:
            structlog.get_logger().info("user_told", title=message.title)
            self._pace.told(self._elapsed())
            self.troubles.told(own)
            self._told |= set(found)
        await self._look(now)


def _log_failing(states: Iterable[WayState]) -> None:
    for way in states:
        if way.error is not None:
            structlog.get_logger().warning("user_not_told", way=way.name, reason=way.error)
