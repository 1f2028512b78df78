"""What every network that takes videos promises of them, whatever steps it takes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.media import Media, MediaKind
from postbell.publishing.protocol import Resend, Unknown
from postbell.testing import FakeClock
from support import pictures
from support.farside import START, Between, Daemon, Killed, Strike, Subject, die_after, die_before
from support.pictures import picture
from support.subjects import subjects


_VIDEOS = {key: each for key, each in subjects().items() if "video/mp4" in each.network.limits.media.types}
#: Those that may send again after a lost answer.
_REPEATED = {key: each for key, each in _VIDEOS.items() if each.network.resend is not Resend.NEVER}
_ONCE = {key: each for key, each in _VIDEOS.items() if key not in _REPEATED}
_ALT = 'A bell rings, "twice" & <loud>'


@pytest.fixture(params=list(_VIDEOS.values()), ids=list(_VIDEOS))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture(params=list(_REPEATED.values()), ids=list(_REPEATED))
def repeated(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture(params=list(_ONCE.values()), ids=list(_ONCE))
def once(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


def _daemon(subject: Subject, folder: Path) -> Daemon:
    facts: dict[str, Any] = {"mime": "video/mp4", "width": 640, "height": 360}
    clip: Media = replace(picture(folder, "clip.mp4", _ALT, pictures.mp4(), **facts), kind=MediaKind.VIDEO)
    return Daemon(subject, subject.outgoing(media=(clip,)), subject.far_side(FakeClock(START)))


def _requests(subject: Subject, folder: Path) -> int:
    whole = _daemon(subject, folder)
    asyncio.run(whole.publish())
    return len(whole.far_side.requests)


def test_it_reads_back_with_its_bytes_and_alt_text(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, tmp_path)
    receipt = asyncio.run(daemon.publish())
    (post,) = daemon.far_side.public()
    ((data, alt),) = post.media
    assert (receipt.id != "", post.text) == (True, "Good morning")
    assert data.startswith(pictures.mp4()), "a network may make something of it"
    assert alt == (_ALT if subject.keeps_alt else "")


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_a_death_at_any_request_leads_to_exactly_one_post(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at in range(_requests(repeated, tmp_path)):
        daemon = _daemon(repeated, tmp_path)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        asyncio.run(daemon.recover())
        (post,) = daemon.far_side.public()
        assert (post.text, len(post.media)) == ("Good morning", 1), f"request {at}"


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


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_what_nobody_can_ask_about_is_never_taken_for_absent(
    once: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at in range(_requests(once, tmp_path)):
        daemon = _daemon(once, tmp_path)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        assert isinstance(asyncio.run(daemon.find()), Unknown)
        assert len(daemon.far_side.public()) <= 1
