"""What every network that takes videos promises of them, whatever steps it takes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from postbell.domain.media import Media, MediaKind
from postbell.publishing.protocol import Unknown
from postbell.testing import FakeClock
from support import pictures
from support.contracts import deaths, either_side, given, repeatable, taken_again
from support.farside import START, Daemon, Strike, Subject
from support.pictures import picture
from support.subjects import subjects


_VIDEOS = {key: each for key, each in subjects().items() if "video/mp4" in each.network.limits.media.types}
#: Those that may send again after a lost answer.
_REPEATED = repeatable(_VIDEOS)
_ONCE = {key: each for key, each in _VIDEOS.items() if key not in _REPEATED}
_ALT = 'A bell rings, "twice" & <loud>'


subject = given(_VIDEOS)
repeated = given(_REPEATED)
once = given(_ONCE)


def _daemon(subject: Subject, folder: Path) -> Daemon:
    facts: dict[str, Any] = {"mime": "video/mp4", "width": 640, "height": 360}
    clip: Media = replace(picture(folder, "clip.mp4", _ALT, pictures.mp4(), **facts), kind=MediaKind.VIDEO)
    return Daemon(subject, subject.outgoing(media=(clip,)), subject.far_side(FakeClock(START)))


def test_it_reads_back_with_its_bytes_and_alt_text(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, tmp_path)
    receipt = asyncio.run(daemon.publish())
    (post,) = daemon.far_side.public()
    ((data, alt),) = post.media
    assert (receipt.id != "", post.text) == (True, "Good morning")
    assert data.startswith(pictures.mp4()), "a network may make something of it"
    assert alt == (_ALT if subject.keeps_alt else "")


@either_side
def test_a_death_at_any_request_leads_to_exactly_one_post(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at, daemon in deaths(lambda: _daemon(repeated, tmp_path), strike):
        asyncio.run(daemon.recover())
        (post,) = daemon.far_side.public()
        assert (post.text, len(post.media)) == ("Good morning", 1), f"request {at}"


def test_every_stored_step_can_be_taken_again_after_the_post_is_public(
    repeated: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(repeated, tmp_path)
    for _ in taken_again(daemon):
        assert len(daemon.far_side.public()) == 1


@either_side
def test_what_nobody_can_ask_about_is_never_taken_for_absent(
    once: Subject, tmp_path: Path, strike: Strike
) -> None:
    for _, daemon in deaths(lambda: _daemon(once, tmp_path), strike):
        assert isinstance(asyncio.run(daemon.find()), Unknown)
        assert len(daemon.far_side.public()) <= 1
