"""What every network that takes several pictures promises of them, uploaded side by side or not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from postbell.errors import PublishError
from postbell.testing import FakeClock
from support import pictures
from support.contracts import deaths, either_side, given, repeatable, requests_of, taken_again
from support.farside import START, Between, Daemon, FarSide, Strike, Subject
from support.pictures import picture
from support.subjects import subjects


_COUNT = 4
_ALBUMS = {key: each for key, each in subjects().items() if each.network.limits.media.most >= _COUNT}
#: How many files of a post are on their way at once, where each is a request of its own.
_AT_ONCE = {"bluesky": 3, "mastodon": 3, "threads": 4, "wordpress": 2}


subject = given(_ALBUMS)
repeated = given(repeatable(_ALBUMS))


@dataclass
class Crowded(httpx.AsyncBaseTransport):
    """Keeps each request until no more come, and passes on those that came last before the others."""

    far_side: FarSide
    #: So many are thought to come at once.
    most_wanted: int
    under_way: int = 0
    most: int = 0
    _too_many: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        number = self.under_way
        self.most = max(self.most, number)
        if number > self.most_wanted:
            self._too_many.set()
        with suppress(TimeoutError):  # files are read by other threads, which take their time
            async with asyncio.timeout(0.1):
                await self._too_many.wait()
        for _ in range(30 // number):
            await asyncio.sleep(0)
        try:
            return await self.far_side.handle_async_request(request)
        finally:
            self.under_way -= 1


def _daemon(subject: Subject, folder: Path) -> Daemon:
    media = tuple(
        picture(folder, f"{number}.png", f"Number {number}", pictures.png(40, 30 + number))
        for number in range(_COUNT)
    )
    return Daemon(subject, subject.outgoing(media=media), subject.far_side(FakeClock(START)))


def _assert_whole(daemon: Daemon, hint: str = "") -> None:
    (post,) = daemon.far_side.public()
    wanted = [item.path.read_bytes() for item in daemon.outgoing.content.media]
    alts = [item.alt if daemon.subject.keeps_alt else "" for item in daemon.outgoing.content.media]
    assert list(post.media) == list(zip(wanted, alts, strict=True)), hint


def test_they_read_back_in_their_order_with_their_alt_texts_whatever_comes_first(
    subject: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(subject, tmp_path)
    at_once = _AT_ONCE.get(subject.network.key, 1)
    crowd = Crowded(daemon.far_side, at_once)
    asyncio.run(daemon.publish(crowd))
    _assert_whole(daemon)
    assert crowd.most == at_once


@either_side
def test_a_death_at_any_request_leads_to_exactly_one_post(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at, daemon in deaths(lambda: _daemon(repeated, tmp_path), strike):
        asyncio.run(daemon.recover())
        _assert_whole(daemon, f"request {at}")


async def _out_of_order(_: FarSide, request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, text="try later", request=request)


def test_a_request_that_is_not_taken_is_made_up_for_by_the_next_try(
    repeated: Subject, tmp_path: Path
) -> None:
    for at in range(requests_of(lambda: _daemon(repeated, tmp_path))):
        daemon = _daemon(repeated, tmp_path)
        with suppress(PublishError):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, _out_of_order)))
        asyncio.run(daemon.recover())
        _assert_whole(daemon, f"request {at}")


def test_every_stored_step_can_be_taken_again_after_the_post_is_public(
    repeated: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(repeated, tmp_path)
    for _ in taken_again(daemon):
        assert len(daemon.far_side.public()) == 1
