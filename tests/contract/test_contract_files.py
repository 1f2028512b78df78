"""What every network does with sounds and documents: takes them as they are, or refuses them unasked."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from postbell.domain import limits
from postbell.domain.media import SUFFIXES, Media, MediaKind, kind_of
from postbell.publishing.protocol import Resend
from postbell.testing import FakeClock
from support.contracts import deaths, either_side
from support.farside import START, Daemon, Strike, Subject
from support.pictures import written
from support.sounds import of_type
from support.subjects import subjects


#: WebVTT aside: networks take it beside a video, or not at all.
_TYPES = [
    mime for mime in SUFFIXES if kind_of(mime) in (MediaKind.AUDIO, MediaKind.DOCUMENT) and mime != "text/vtt"
]
_PAIRS = [(key, subject, mime) for key, subject in subjects().items() for mime in _TYPES]
_TAKEN = [pair for pair in _PAIRS if pair[2] in pair[1].network.limits.media.types]
_REFUSED = [pair for pair in _PAIRS if pair not in _TAKEN]


def each_that_is(pairs: list[tuple[str, Subject, str]]) -> pytest.MarkDecorator:
    """Let a test have each of these networks and types."""
    names = [f"{key}-{mime}" for key, _, mime in pairs]
    return pytest.mark.parametrize(("subject", "mime"), [pair[1:] for pair in pairs], ids=names)


def _file(folder: Path, mime: str) -> Media:
    name = f"bells{SUFFIXES[mime]}"
    data = of_type(mime)
    path = written(folder, name, data)
    facts: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "mime": mime, "name": name}
    return Media(kind=kind_of(mime), size=len(data), path=path, **facts)


def _daemon(subject: Subject, folder: Path, mime: str) -> Daemon:
    media = (_file(folder, mime),)
    return Daemon(subject, subject.outgoing(media=media), subject.far_side(FakeClock(START)))


@pytest.mark.parametrize(
    ("subject", "mime"), [pair[1:] for pair in _TAKEN], ids=[f"{a}-{c}" for a, _, c in _TAKEN]
)
def test_what_is_taken_reads_back_byte_for_byte(subject: Subject, mime: str, tmp_path: Path) -> None:
    daemon = _daemon(subject, tmp_path, mime)
    asyncio.run(daemon.publish())
    (post,) = daemon.far_side.public()
    assert (post.text, [data for data, _ in post.media]) == ("Good morning", [of_type(mime)])


@each_that_is(_REFUSED)
def test_what_is_not_taken_is_refused_before_anything_is_asked(
    subject: Subject, mime: str, tmp_path: Path
) -> None:
    content = subject.outgoing(media=(_file(tmp_path, mime),)).content
    found = limits.check(content, subject.network.limits, account="mine")
    assert [each.where for each in found] == [f"media bells{SUFFIXES[mime]}"]
    assert found[0].message.startswith(f"{mime} is not taken there; it takes ")


@either_side
@each_that_is(_TAKEN)
def test_a_death_at_any_request_leads_to_one_post_and_never_to_two(
    subject: Subject, mime: str, tmp_path: Path, strike: Strike
) -> None:
    repeats = subject.network.resend is not Resend.NEVER
    for at, daemon in deaths(lambda: _daemon(subject, tmp_path, mime), strike):
        if repeats:
            asyncio.run(daemon.recover())
        assert len(daemon.far_side.public()) in ((1,) if repeats else (0, 1)), f"request {at}"
