"""What every network makes of an unchecked post: it is sent whole, or refused; nothing is left out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.media import Media, MediaKind
from postbell.errors import Rejected
from postbell.publishing import parts
from postbell.publishing.protocol import at_server
from postbell.testing import FakeClock
from support import pictures
from support.contracts import given
from support.farside import START, Daemon, Subject, TooMuch
from support.sounds import of_type
from support.subjects import subjects


subject = given(subjects())

_KINDS = {
    "image/png": MediaKind.IMAGE,
    "image/gif": MediaKind.IMAGE,
    "video/mp4": MediaKind.VIDEO,
    "video/quicktime": MediaKind.VIDEO,
    "audio/mpeg": MediaKind.AUDIO,
    "application/pdf": MediaKind.DOCUMENT,
    "text/vtt": MediaKind.DOCUMENT,
}


def _data(mime: str, number: int) -> bytes:
    """Return what is in truth of a type, each number something else if it is a picture."""
    made: dict[str, Callable[[], bytes]] = {
        "image/png": lambda: pictures.png(40 + number, 30),
        "image/gif": pictures.gif,
        "video/mp4": pictures.mp4,
        "video/quicktime": pictures.mov,
    }
    return made[mime]() if mime in made else of_type(mime)


def files(folder: Path, *mimes: str) -> tuple[Media, ...]:
    return tuple(
        replace(
            pictures.picture(folder, f"{number}.en.file", data=_data(mime, number)),
            mime=mime,
            kind=_KINDS[mime],
        )
        for number, mime in enumerate(mimes)
    )


@pytest.mark.parametrize(
    "mimes",
    [
        ("image/png",) * 22,
        ("image/png", "image/gif"),
        ("image/png", "video/mp4"),
        ("video/mp4", "video/quicktime"),
        ("audio/mpeg", "image/png"),
        ("application/pdf", "image/png"),
        ("text/vtt", "image/png"),
        ("text/vtt",),
    ],
    ids=lambda mimes: f"{len(mimes)} {mimes[0]} to {mimes[-1]}".replace("/", "-"),
)
def test_files_are_sent_all_or_none(subject: Subject, mimes: tuple[str, ...], tmp_path: Path) -> None:
    media = files(tmp_path, *mimes)
    outgoing = subject.outgoing(media=media, unchecked=True)
    found = parts.problems(outgoing.content, outgoing.options, subject.network, account="a")
    if not found or any(problem.firm for problem in found):  # it fits, or is refused whatever is wanted
        return
    subject.network.preview(outgoing)
    far_side = subject.far_side(FakeClock(START))
    try:
        asyncio.run(Daemon(subject, outgoing, far_side).publish())
    except (Rejected, TooMuch):
        # Where nobody knows the answer to so much, a stand-in says that it is; all else must be in order.
        assert far_side.public() == []
    else:
        (post,) = far_side.public()
        assert len(post.media) == len(media)


def test_a_text_that_is_too_long_is_refused_by_the_network(subject: Subject) -> None:
    if subject.too_long is None:
        return
    far_side = subject.far_side(FakeClock(START))
    outgoing = subject.outgoing(subject.too_long, unchecked=True)
    with pytest.raises((Rejected, TooMuch)):
        asyncio.run(Daemon(subject, outgoing, far_side).publish())
    assert far_side.public() == []


_POLL: Mapping[str, Any] = {"poll": ["a", "b"]}


@pytest.mark.parametrize(
    ("key", "said", "mimes"),
    [
        ("bluesky", {}, ("video/mp4", "image/png")),
        ("bluesky", {}, ("text/vtt",)),
        ("bluesky", {"options": {"card_picture": "mine"}}, ()),
        ("bluesky", {"text": ""}, ()),
        ("mastodon", {"options": {"thumbnail": 1}}, ("image/png",)),
        ("mastodon", {"options": {"quote": "https://b.example/@ann/1"}, "old": True}, ()),
        ("mastodon", {"text": ""}, ()),
        ("telegram", {"options": _POLL}, ("image/png",)),
        ("telegram", {"options": {"buttons": ["Go https://a.example"]}}, ("image/png", "image/png")),
        ("telegram", {"text": ""}, ()),
        ("threads", {"options": _POLL}, ("image/png",)),
        ("threads", {"options": {"poll": list("abcde")}}, ()),
        ("threads", {"options": {"text_attachment": "More"}}, ("image/png",)),
        ("threads", {"options": {"gif": "tenor:7"}}, ("image/png",)),
        ("threads", {"options": {"spoilers": ["nowhere"]}}, ()),
        ("threads", {"text": ""}, ()),
    ],
)
def test_what_would_be_left_out_is_refused_all_the_same(
    key: str, said: dict[str, Any], mimes: tuple[str, ...], tmp_path: Path
) -> None:
    subject = subjects()[key]
    network = at_server(subject.network, {}) if said.pop("old", False) else subject.network
    outgoing = subject.outgoing(**{"text": "Hello", **said}, media=files(tmp_path, *mimes), unchecked=True)
    content = replace(outgoing.content, title="A title")
    found = parts.problems(content, outgoing.options, network, account="a")
    assert any(problem.firm for problem in found)
