"""What happens, told as it happens: one reader of the database for all who listen.

Server-Sent Events (html.spec.whatwg.org, 9.2). Nothing is kept for a listener but the number up to which it
was told: who is slow, or comes back, is told the rest out of the database.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from postbell.api.callers import Caller
from postbell.api.wording import worded
from postbell.app import App
from postbell.domain.event import Event, EventKind
from postbell.errors import PostbellError
from postbell.services.telling.hook_calls import event_json
from postbell.store import keys
from postbell.store.events import events_after, first_id, last_number


#: Seconds between two looks into the database, while anybody listens.
_LOOK_EVERY = 0.25
#: Seconds after which a silent stream says that it lives.
_HEARTBEAT = 15.0
#: So many of the last events are kept in memory, and so many are read at a time.
_KEPT, _AT_ONCE = 1000, 200
#: So many may listen at once.
MOST_LISTENERS = 100


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An event as it is sent."""

    id: int
    kind: EventKind
    data: bytes


class Feed:
    """Tells what happens to everybody who listens, until it is closed."""

    def __init__(self, app: Callable[[], App]) -> None:
        self._app = app
        #: All events with higher numbers than `_from` and up to `_upto`, where that is known.
        self._last: deque[_Told] = deque()
        self._from: int | None = None
        self._upto = 0
        #: Replaced each time that there is something new, so that everybody who waits is woken once.
        self._bell = asyncio.Event()
        self._valid: frozenset[str] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._listeners = 0
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else can listen now."""
        return self._listeners >= MOST_LISTENERS

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._ring()

    async def listen(
        self, caller: Caller, after: int | None, kinds: Collection[EventKind]
    ) -> AsyncGenerator[bytes]:
        """Yield what happens after the event with this number, or from now on; ends when the key is revoked.

        Who was told more than there is, or misses what was forgotten, is told so first: `reset`.
        """
        self._listeners += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        try:
            at, begin = await asyncio.to_thread(self._place, after)
            yield b"retry: 2000\n\n" + begin
            while not self._closed and self._opens(caller):
                bell, found = self._bell, self._since(at)
                if found is None:
                    found = await asyncio.to_thread(self._page, at)
                if found:
                    at = found[-1].id
                    if wanted := b"".join(each.data for each in found if each.kind in kinds):
                        yield wanted
                    continue
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        await bell.wait()
                except TimeoutError:
                    yield b":\n\n"
        finally:
            self._listeners -= 1
            if not self._listeners and self._reader is not None:
                self._reader.cancel()
                self._reader, self._from = None, None
                self._last.clear()

    def _opens(self, caller: Caller) -> bool:
        """Whether the key of who listens is still one; users of this machine need none."""
        return self._valid is None or not caller.id.startswith("key:") or caller.id in self._valid

    def _since(self, at: int) -> list[_Told] | None:
        """Return what has happened since; None where memory does not reach back so far."""
        if self._from is None or at < self._from:
            return None
        return [each for each in self._last if each.id > at] if at < self._upto else []

    async def _read(self) -> None:
        while True:
            try:
                found, valid = await asyncio.to_thread(self._look)
            except Exception as error:  # noqa: BLE001 - who listens would be told nothing for ever
                known = isinstance(error, PostbellError)
                structlog.get_logger().warning("events_not_read", reason=str(error) if known else repr(error))
                await asyncio.sleep(1)
                continue
            if found or valid != self._valid:
                self._valid = valid
                self._keep(found)
                self._ring()
            await asyncio.sleep(0 if len(found) == _AT_ONCE else _LOOK_EVERY)

    def _keep(self, found: list[_Told]) -> None:
        self._last.extend(found)
        if found:
            self._upto = found[-1].id
        while len(self._last) > _KEPT:
            self._from = self._last.popleft().id

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    def _look(self) -> tuple[list[_Told], frozenset[str]]:
        """Return what is new, and who may listen; the first look finds where to begin."""
        ctx = self._app().ctx
        with ctx.store.read() as tx:
            now = ctx.now()
            valid = frozenset(f"key:{key.id}" for key in keys.list_keys(tx) if key.is_valid(now))
            if self._from is None:
                self._from = self._upto = last_number(tx)
            return [_told(each) for each in events_after(tx, self._upto, _AT_ONCE)], valid

    def _page(self, at: int) -> list[_Told]:
        with self._app().ctx.store.read() as tx:
            return [_told(each) for each in events_after(tx, at, _AT_ONCE)]

    def _place(self, after: int | None) -> tuple[int, bytes]:
        """Return after which event to go on, and what to say first."""
        with self._app().ctx.store.read() as tx:
            if after is None:
                return last_number(tx), b""
            at, gap = go_on(tx, after)
        return at, _said("reset", {"reason": gap}) if gap else b""


def go_on(tx: Connection, after: int) -> tuple[int, str | None]:
    """Return after which event who was told up to one goes on, and why something is missing between them.

    Of a database that is older than what was told the end is taken, of one that has forgotten the beginning.
    """
    last, first = last_number(tx), first_id(tx)
    if after > last:
        return last, "the database is older than that"
    if after < (oldest := last + 1 if first is None else first) - 1:
        return oldest - 1, "what came next was forgotten"
    return after, None


def _told(event: Event) -> _Told:
    data = f"id: {event.id}\n".encode() + _said(str(event.kind), worded(event_json(event)))
    return _Told(id=event.id, kind=event.kind, data=data)


def _said(kind: str, data: dict[str, Any]) -> bytes:
    said = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {said}\n\n".encode()
