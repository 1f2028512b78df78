"""What happens, read in pages and heard as it happens: without a gap, whoever listens however slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postbell.api import feed as feeds
from postbell.api.callers import Caller
from postbell.api.feed import Feed
from postbell.domain.access import Scope
from postbell.domain.event import EventKind
from postbell.errors import TryLater
from postbell.services.accounts.keys import add_key, revoke_key
from postbell.store import accounts
from postbell.store.events import last_number, prune_events
from support.api import Asked, problem
from support.world import World, add_account, add_post


SELF = Caller(id="user:0", scopes=frozenset({Scope.ADMIN}))
EVERYTHING = frozenset(EventKind)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_LOOK_EVERY", 0.01)


def happen(world: World, times: int = 1) -> None:
    """Let so many events happen."""
    with world.store.read() as tx:
        ann = accounts.accounts_named(tx, ["ann"])["ann"]
    for _ in range(times):
        with world.store.write() as tx:
            if ann.paused_at is None:
                accounts.pause_account(tx, "ann", world.ctx.now())
            else:
                accounts.resume_account(tx, "ann", world.ctx.now())
            ann = accounts.get_account(tx, "ann")


def last(world: World) -> int:
    with world.store.read() as tx:
        return last_number(tx)


def read(part: bytes) -> list[tuple[str, int | None, Any]]:
    """Return the events in a part of a stream: (type, number, data)."""
    found = []
    for block in part.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append((fields["event"], number, json.loads(fields["data"])))
    return found


async def take(stream: AsyncIterator[bytes], count: int) -> list[tuple[str, int | None, Any]]:
    """Return the next events of a stream."""
    found: list[tuple[str, int | None, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += read(await anext(stream))
    return found


def listening(world: World, script: Callable[[Feed], Awaitable[None]]) -> None:
    async def go() -> None:
        feed = Feed(lambda: world.app)
        try:
            await script(feed)
        finally:
            feed.close()

    asyncio.run(go())


# In pages.


def test_what_happened_is_read_in_pages(world: World) -> None:
    api = Asked(world)
    add_post(world.store)
    first = api.ask("GET", "/api/v1/events?limit=2").json()
    assert [each["type"] for each in first["events"]] == ["account.added", "post.added"]
    second = api.ask("GET", f"/api/v1/events?after={first['last']}").json()
    (scheduled,) = second["events"]
    assert scheduled["type"] == "post.scheduled"
    assert scheduled["data"]["state"] == "scheduled"
    assert second["last"] == scheduled["id"]
    assert api.ask("GET", f"/api/v1/events?after={second['last']}").json() == {
        "events": [],
        "last": second["last"],
        "reset": None,
    }


def test_a_page_tells_that_the_database_is_older_than_what_was_known(world: World) -> None:
    add_post(world.store)
    page = Asked(world).ask("GET", "/api/v1/events?after=1000").json()
    assert page == {"events": [], "last": last(world), "reset": "the database is older than that"}


@pytest.mark.parametrize("kept", [0, 2])
def test_a_page_tells_that_what_came_next_was_forgotten(world: World, kept: int) -> None:
    api = Asked(world)
    add_account(world.store)
    happen(world, 5)
    with world.store.write() as tx:
        prune_events(tx, datetime.now(UTC) + timedelta(days=1))
    happen(world, kept)
    page = api.ask("GET", "/api/v1/events?after=1").json()
    assert [each["id"] for each in page["events"]] == list(range(last(world) - kept + 1, last(world) + 1))
    assert (page["last"], page["reset"]) == (last(world), "what came next was forgotten")
    assert api.ask("GET", "/api/v1/events").json()["reset"] is None, "who knows nothing misses nothing"
    assert api.ask("GET", f"/api/v1/events?after={page['last']}").json()["reset"] is None


def test_a_page_holds_what_was_asked_for_and_goes_on_behind_the_rest(world: World) -> None:
    api = Asked(world)
    add_post(world.store)
    page = api.ask("GET", "/api/v1/events?events=post.scheduled,account.*").json()
    assert [each["type"] for each in page["events"]] == ["account.added", "post.scheduled"]
    assert page["last"] == last(world)


@pytest.mark.parametrize("query", ["events=none", "after=-1", "after=x", "limit=0", "limit=1001"])
def test_what_cannot_be_asked_is_refused(world: World, query: str) -> None:
    assert problem(Asked(world).ask("GET", f"/api/v1/events?{query}"))[0] == 422


# As it happens.


def test_a_stream_begins_now_and_tells_what_happens(world: World) -> None:
    add_account(world.store)
    happen(world)

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, None, EVERYTHING)) as stream:
            assert await anext(stream) == b"retry: 2000\n\n"
            waiting = asyncio.create_task(take(stream, 2))
            await asyncio.to_thread(happen, world, 2)
            told = await waiting
        assert [(kind, number) for kind, number, _ in told] == [
            ("account.changed", last(world) - 1),
            ("account.changed", last(world)),
        ]
        assert told[0][2]["data"]["account"] == "ann"

    listening(world, script)


@pytest.mark.parametrize("kept", [5, 1000])
def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    world: World, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_KEPT", kept)
    monkeypatch.setattr(feeds, "_AT_ONCE", 7)
    add_account(world.store)

    async def script(feed: Feed) -> None:
        heard: list[int | None] = []
        async with aclosing(feed.listen(SELF, 0, EVERYTHING)) as steady:
            await take(steady, 1)
            for _ in range(6):
                async with aclosing(
                    feed.listen(SELF, int(heard[-1] or 0) if heard else 0, EVERYTHING)
                ) as stream:
                    writing = asyncio.create_task(asyncio.to_thread(happen, world, 9))
                    heard += [number for _, number, _ in await take(stream, 4)]
                await writing
            async with aclosing(feed.listen(SELF, heard[-1], EVERYTHING)) as stream:
                heard += [number for _, number, _ in await take(stream, last(world) - len(heard))]
            assert heard == list(range(1, last(world) + 1))
            slow = [number for _, number, _ in await take(steady, last(world) - 1)]
            assert slow == list(range(2, last(world) + 1)), "who is slow is told the rest later"

    listening(world, script)


def test_only_what_was_asked_for_is_told(world: World) -> None:
    add_post(world.store)

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, 0, frozenset({EventKind.POST_SCHEDULED}))) as stream:
            assert [kind for kind, _, _ in await take(stream, 1)] == ["post.scheduled"]

    listening(world, script)


def test_a_silent_stream_says_that_it_lives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_HEARTBEAT", 0.01)

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, None, EVERYTHING)) as stream:
            await anext(stream)
            assert await anext(stream) == b":\n\n"

    listening(world, script)


@pytest.mark.parametrize(
    ("after", "reason"), [(10**9, "the database is older than that"), (1, "what came next was forgotten")]
)
def test_a_gap_is_told_before_anything_else(world: World, after: int, reason: str) -> None:
    add_account(world.store)
    happen(world, 5)
    with world.store.write() as tx:
        prune_events(tx, datetime.now(UTC) + timedelta(days=1))
    happen(world)

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, after, EVERYTHING)) as stream:
            ((kind, number, data),) = await take(stream, 1)
            assert (kind, number, data) == ("reset", None, {"reason": reason})
            writing = asyncio.create_task(take(stream, 1))
            await asyncio.to_thread(happen, world)
            ((kind, _, _), *_) = await writing
            assert kind == "account.changed"

    listening(world, script)


def test_nothing_is_missed_where_all_that_was_known_is_forgotten(world: World) -> None:
    add_account(world.store)
    with world.store.write() as tx:
        prune_events(tx, datetime.now(UTC) + timedelta(days=1))

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, last(world), EVERYTHING)) as stream:
            assert await anext(stream) == b"retry: 2000\n\n"

    listening(world, script)


def test_a_revoked_key_hears_nothing_more(world: World) -> None:
    key, _ = add_key(world.ctx, name="ear", scopes=[Scope.READ])
    caller = Caller(id=f"key:{key.id}", scopes=key.scopes)
    add_account(world.store)

    async def script(feed: Feed) -> None:
        stream = feed.listen(caller, 0, EVERYTHING)
        await take(stream, 1)
        revoke_key(world.ctx, "ear")
        async with asyncio.timeout(10):
            assert [part async for part in stream] == []

    listening(world, script)


def test_streams_end_with_the_daemon(world: World) -> None:
    async def script(feed: Feed) -> None:
        stream = feed.listen(SELF, None, EVERYTHING)
        await anext(stream)
        feed.close()
        async with asyncio.timeout(10):
            assert [part async for part in stream] == []

    listening(world, script)


def test_there_is_one_reader_for_all_and_none_for_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_account(world.store)

    async def script(feed: Feed) -> None:
        streams = [feed.listen(SELF, 0, EVERYTHING) for _ in range(20)]
        for stream in streams:
            await take(stream, 1)
        reader = feed._reader
        assert reader is not None
        happen(world)
        for stream in streams:
            await take(stream, 1)
        assert feed._reader is reader
        for stream in streams:
            await stream.aclose()
        assert feed._reader is None

    listening(world, script)


def test_a_database_that_cannot_be_read_ends_no_stream(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_account(world.store)
    look, broken = Feed._look, [True]

    def sometimes(self: Feed) -> Any:
        if broken and broken.pop():
            raise TryLater("It is locked.")
        return look(self)

    monkeypatch.setattr(Feed, "_look", sometimes)

    async def script(feed: Feed) -> None:
        async with aclosing(feed.listen(SELF, None, EVERYTHING)) as stream:
            await anext(stream)
            waiting = asyncio.create_task(take(stream, 1))
            await asyncio.to_thread(happen, world)
            assert len(await waiting) == 1

    listening(world, script)


def test_no_more_listen_than_can(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbell.api.feed.MOST_LISTENERS", 0)
    answer = Asked(world).ask("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
    assert problem(answer) == (503, "too_many_listeners")
    assert answer.headers["retry-after"] == "10"
