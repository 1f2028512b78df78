"""What every network that takes several pictures promises of them, uploaded side by side or not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from postbell.errors import PublishError
from postbell.publishing.protocol import Resend
from postbell.testing import FakeClock
from support import pictures
from support.farside import START, Between, Daemon, FarSide, Killed, Strike, Subject, die_after, die_before
from support.pictures import picture
from support.subjects import subjects


_COUNT = 4
_ALBUMS = {key: each for key, each in subjects().items() if each.network.limits.media.most >= _COUNT}
_REPEATED = {key: each for key, each in _ALBUMS.items() if each.network.resend is not Resend.NEVER}
#: How many files of a post are on their way at once, where each is a request of its own.
_AT_ONCE = {"bluesky": 3, "mastodon": 3, "threads": 4, "wordpress": 2}


@pytest.fixture(params=list(_ALBUMS.values()), ids=list(_ALBUMS))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture(params=list(_REPEATED.values()), ids=list(_REPEATED))
def repeated(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@dataclass
class Crowded(httpx.AsyncBaseTransport):
    """Keeps each request for a while before it passes it on, the later ones longer than those before."""

    far_side: FarSide
    under_way: int = 0
    most: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(30 // self.under_way):
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


def _requests(subject: Subject, folder: Path) -> int:
    whole = _daemon(subject, folder)
    asyncio.run(whole.publish())
    return len(whole.far_side.requests)


def _assert_whole(daemon: Daemon, hint: str = "") -> None:
    (post,) = daemon.far_side.public()
    wanted = [item.path.read_bytes() for item in daemon.outgoing.content.media]
    alts = [item.alt if daemon.subject.keeps_alt else "" for item in daemon.outgoing.content.media]
    assert list(post.media) == list(zip(wanted, alts, strict=True)), hint


def test_they_read_back_in_their_order_with_their_alt_texts_whatever_comes_first(
    subject: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(subject, tmp_path)
    crowd = Crowded(daemon.far_side)
    asyncio.run(daemon.publish(crowd))
    _assert_whole(daemon)
    assert crowd.most == _AT_ONCE.get(subject.network.key, 1)


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_a_death_at_any_request_leads_to_exactly_one_post(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at in range(_requests(repeated, tmp_path)):
        daemon = _daemon(repeated, tmp_path)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        asyncio.run(daemon.recover())
        _assert_whole(daemon, f"request {at}")


async def _out_of_order(_: FarSide, request: httpx.Request) -> httpx.Response:
    return httpx.Response(503, text="try later", request=request)


def test_a_request_that_is_not_taken_is_made_up_for_by_the_next_try(
    repeated: Subject, tmp_path: Path
) -> None:
    for at in range(_requests(repeated, tmp_path)):
        daemon = _daemon(repeated, tmp_path)
        with suppress(PublishError):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, _out_of_order)))
        asyncio.run(daemon.recover())
        _assert_whole(daemon, f"request {at}")


def test_every_stored_step_can_be_taken_again_after_the_post_is_public(
    repeated: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(repeated, tmp_path)
    receipt = asyncio.run(daemon.publish())
    steps = list(daemon.stored)
    for taken in range(len(steps) + 1):
        daemon.stored = steps[:taken]
        assert asyncio.run(daemon.recover()).id == receipt.id
        assert len(daemon.far_side.public()) == 1
