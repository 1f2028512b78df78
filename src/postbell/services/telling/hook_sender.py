"""Tells addresses what happens, beside the publishing: an address that hangs keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from postbell.domain.event import Event
from postbell.domain.hook import CallState, Hook, HookCall
from postbell.domain.retry import STUCK_AFTER, RetryPolicy
from postbell.errors import PostbellError
from postbell.services.context import Context
from postbell.services.telling.alarm import Alarm
from postbell.services.telling.hook_calls import Told, secrets_now, tell, way_to
from postbell.services.telling.troubles import Troubles
from postbell.store import hooks
from postbell.store.hooks import Ahead
from postbell.store.thread import StoreThread


if TYPE_CHECKING:
    from postbell.publishing.web.outside import Outside

#: How far apart tries are: after ten seconds at most at first, after an hour in the end.
_WAITS = RetryPolicy(base=timedelta(seconds=10), cap=timedelta(hours=1))
#: So many events are looked up at a time, and so long (seconds) it is told before that is written down.
_AT_ONCE = 50
_WRITE_EVERY = 0.5
#: Seconds after which what happens is told: what happens together is looked up together.
_A_MOMENT = 0.1
#: Seconds after which it is gone on after a fault.
_AFTER_A_FAULT = 60.0


def trouble_of(hook: str) -> str:
    """Return the name of the trouble that an address takes nothing."""
    return f"hook {hook}"


@dataclass
class HookSender:
    """Hands every event to every address that wants it, until it was taken.

    At least once: a process that dies before it has written down that something was taken hands it over
    again, under the same id. In order, but for what is not taken again and again: others overtake it then.
    """

    ctx: Context
    thread: StoreThread
    troubles: Troubles
    #: Words what services say as commands do for programs.
    words: Callable[[str], str]
    #: Rung when there may be something to tell.
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    #: The tasks that tell, by the ids of the addresses.
    _telling: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    #: The ids of those for which there may be more than they were told.
    _more: set[int] = field(default_factory=set)
    #: Until when (`time.monotonic`) those are left alone with which something went wrong here.
    _broken: dict[int, float] = field(default_factory=dict)
    _alarm: Alarm = field(init=False)
    #: Whether there were addresses at the last turn, or before the first.
    _any: bool = True
    #: Whether something happened since then that nobody seemed to want to hear.
    _unheard: bool = False

    def __post_init__(self) -> None:
        self._alarm = Alarm(self.bell)

    def news(self) -> None:
        """Say that something may have happened; costs nothing where nobody is told."""
        if self._any:
            self._alarm.ring_in(_A_MOMENT)
        self._unheard = not self._any

    def wanted(self, tx: Connection) -> bool:
        """Whether there may be something to tell; reads only."""
        return hooks.any_ahead(tx, self.ctx.now())

    async def turn(self) -> None:
        """Begin to tell every address that is not being told already. Waits for none of them."""
        self._unheard = False
        self._any, awake = await asyncio.to_thread(self._list)
        if self._any and self._unheard:  # it came while this was looked up, and may not be seen below
            self._alarm.ring_in(_A_MOMENT)
        for hook in awake:
            if self._broken.get(hook.id, 0.0) > time.monotonic():
                continue
            self._more.add(hook.id)
            if hook.id not in self._telling:
                self._telling[hook.id] = asyncio.create_task(self._tell(hook.id, hook.name))

    async def close(self) -> None:
        """Break off what is under way; it is told again in the next life."""
        self._alarm.cancel()
        tasks = list(self._telling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _list(self) -> tuple[bool, list[Hook]]:
        """Return whether there are addresses, and those that may have to be told something."""
        with self.ctx.store.read() as tx:
            found = hooks.list_hooks(tx)
            return bool(found), hooks.pick_awake(tx, found) if found else []

    def _look(self, hook_id: int) -> Ahead | None:
        with self.ctx.store.read() as tx:
            return hooks.look_ahead(tx, hook_id, self.ctx.now(), _AT_ONCE)

    async def _tell(self, hook_id: int, name: str) -> None:
        """Tell an address all that there is, what comes meanwhile too, unless it does not take something.

        Only this one is looked at again then: if it rang instead, all would look again, and
        ring for each other without end.
        """
        again = None
        try:
            while hook_id in self._more:
                self._more.discard(hook_id)
                again = await self._tell_safely(hook_id, name)
        finally:
            del self._telling[hook_id]
        if again is not None:
            self._alarm.ring_in(again)

    async def _tell_safely(self, hook_id: int, name: str) -> float | None:
        """Return after how many seconds to look again, if then; raises nothing."""
        try:
            return await self._tell_all(hook_id)
        except Exception as error:  # noqa: BLE001 - no fault here may keep others from being told
            told = {"reason": str(error)} if isinstance(error, PostbellError) else {"exc_info": error}
            structlog.get_logger().error("hook_broke", hook=name, **told)
            # What happens meanwhile must not lead here again at once.
            self._broken[hook_id] = time.monotonic() + _AFTER_A_FAULT
            self._more.discard(hook_id)
            return _AFTER_A_FAULT

    async def _tell_all(self, hook_id: int) -> float | None:
        # Not on the store's own thread: what is to be sent would wait behind it.
        ahead = await asyncio.to_thread(self._look, hook_id)
        way = None
        try:
            while ahead is not None and ahead.is_worth_noting:
                way = way or way_to(self.ctx, ahead.hook)
                await self._tell_some(way, ahead)
                ahead = await asyncio.to_thread(self._look, hook_id)
        finally:
            if way is not None:
                await way.aclose()
        if ahead is None or ahead.again_at is None:
            return None
        return max(0.0, (ahead.again_at - self.ctx.now()).total_seconds())

    async def _tell_some(self, way: Outside, ahead: Ahead) -> None:
        """Tell what is ahead in its order, until something is not taken, and write down how that went."""
        hook, secrets, calls = ahead.hook, secrets_now(self.ctx, ahead.hook), list[HookCall]()
        upto, write_at = hook.after, time.monotonic() + _WRITE_EVERY
        try:
            for event, tries in ahead.events:
                told = await tell(way, event, secrets, hook, self.ctx.now(), words=self.words)
                hook = self._after(hook, told, tries)
                calls.append(_call_of(event, told, tries, hook))
                upto = max(upto, event.id)
                if told.error is not None and not told.hopeless:
                    break
                if time.monotonic() >= write_at:
                    await self._write(calls, hook, upto)
                    calls, write_at = [], time.monotonic() + _WRITE_EVERY
            else:
                upto = ahead.upto
        finally:
            # What was taken is written down even if this is broken off: it need not be told again.
            if calls or upto > ahead.hook.after:
                await asyncio.shield(self._write(calls, hook, upto))
        if hook.failures:
            await self._give_up(hook)

    def _after(self, hook: Hook, told: Told, tries: int) -> Hook:
        """Return how an address is after it was told something that it had not taken so many times before."""
        log = structlog.get_logger().bind(hook=hook.name)
        if told.hopeless:  # that says nothing of the address
            log.error("hook_event_given_up", reason=told.error)
            return hook
        if told.error is None:
            if hook.failures:
                log.info("hook_recovered", failures=hook.failures)
                self.troubles.forget(trouble_of(hook.name))
            return replace(hook, failures=0, failing_since=None, error=None, rests_until=None)
        failures = hook.failures + 1
        wait = _WAITS.wait(failures, chance=0.5 + self.ctx.random.random() / 2)
        until = told.at + wait
        if told.rest_until is not None:
            until = min(max(until, told.rest_until), told.at + _WAITS.cap)
        log.warning("hook_not_told", reason=told.error, status=told.status, tries=tries + 1, again=str(until))
        since = hook.failing_since or told.at
        return replace(hook, failures=failures, failing_since=since, error=told.error, rests_until=until)

    async def _write(self, calls: Sequence[HookCall], hook: Hook, upto: int) -> None:
        await self.thread.write(hooks.record_calls, calls, hook, upto=upto)

    async def _give_up(self, hook: Hook) -> None:
        count = 0
        while some := await self.thread.write(hooks.give_up_old, hook.id, self.ctx.now()):
            count += some
        if count:
            structlog.get_logger().warning("hook_given_up", hook=hook.name, events=count)
            self.troubles.begin(
                trouble_of(hook.name),
                f"Hook {hook.name} has not taken what happened for a day: {hook.error}. "
                f"Given up so far: {count} of the events.",
                f"See `postbell hook log {hook.name}`, and try it: `postbell hook test {hook.name}`.",
            )


def _state_of(told: Told) -> CallState:
    if told.error is None:
        return CallState.TAKEN
    return CallState.GIVEN_UP if told.hopeless else CallState.WAITING


def _call_of(event: Event, told: Told, tries: int, hook: Hook) -> HookCall:
    """Return how an event was told, and when it is tried again if it was not taken."""
    try_at = None
    if told.error is not None and not told.hopeless:
        try_at = hook.rests_until or told.at
        if tries + 1 >= STUCK_AFTER:
            try_at = max(try_at, told.at + _WAITS.wait(tries + 1, chance=0.75))
    return HookCall(
        event_id=event.id,
        kind=event.kind,
        post_id=event.post_id,
        account=event.account,
        state=_state_of(told),
        tries=tries + 1,
        first_at=told.at,
        last_at=told.at,
        try_at=try_at,
        status=told.status,
        took_ms=told.took_ms,
        error=told.error,
    )
