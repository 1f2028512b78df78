"""How long a text is: what is shown before, what is judged, and what the far side counts are one number."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Override
from postbell.domain.limits import Length
from postbell.domain.media import Media
from postbell.errors import Problem, PublishError
from postbell.publishing import parts
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Preview, Wanted
from postbell.testing import FakeClock
from support import pictures
from support.contracts import given
from support.farside import START, Daemon, Subject, TooMuch
from support.subjects import subjects
from support.world import add_account, build_world


_LINK = "https://example.com/a/long/way?b=c"

subject = given({key: each for key, each in subjects().items() if each.network.limits.text})
with_files = pytest.mark.parametrize("files", [0, 1], ids=["without files", "with a file"])


def _files(folder: Path, count: int) -> tuple[Media, ...]:
    return tuple(pictures.picture(folder) for _ in range(count))


def _said(subject: Subject, text: str, media: tuple[Media, ...]) -> dict[str, Any]:
    return {"text": text, "media": media, "link": _LINK, "options": subject.counting}


def _counted(subject: Subject, text: str, media: tuple[Media, ...]) -> Sequence[Length]:
    outgoing = subject.outgoing(**_said(subject, text, media))
    (lengths,) = parts.lengths(outgoing.content, outgoing.options, subject.network)
    return lengths


def _longest(subject: Subject, media: tuple[Media, ...]) -> int:
    """Return of how many letters a text may be, beside what else counts."""
    return 1 + min(length.most - length.count for length in _counted(subject, "x", media))


def _problems(subject: Subject, text: str, media: tuple[Media, ...]) -> list[Problem]:
    outgoing = subject.outgoing(**_said(subject, text, media))
    return parts.problems(outgoing.content, outgoing.options, subject.network, account="mine")


def _publish(subject: Subject, text: str, media: tuple[Media, ...]) -> None:
    far_side = subject.far_side(FakeClock(START))
    asyncio.run(Daemon(subject, subject.outgoing(**_said(subject, text, media)), far_side).publish())


@with_files
def test_a_text_at_the_limit_is_taken_here_and_there_and_a_longer_one_nowhere(
    subject: Subject, tmp_path: Path, files: int
) -> None:
    media = _files(tmp_path, files)
    longest = _longest(subject, media)
    assert _problems(subject, "x" * longest, media) == []
    _publish(subject, "x" * longest, media)
    (problem,) = _problems(subject, "x" * (longest + 1), media)
    assert problem.where.startswith("text")
    with pytest.raises((PublishError, TooMuch)):
        _publish(subject, "x" * (longest + 1), media)


@with_files
def test_a_preview_shows_the_count_that_is_judged(subject: Subject, tmp_path: Path, files: int) -> None:
    media = _files(tmp_path, files)
    longest = _longest(subject, media)

    def shown(text: str) -> Preview:
        said = {subject.network.key: Override(options=subject.counting)}
        sources = tuple((item.path, "A bell") for item in media)
        wanted = Wanted(text=text, link=_LINK, media=sources, overrides=said, to=("mine",))
        (found,) = preview_post(world.ctx, wanted)
        return found

    with build_world(tmp_path, networks=[subject.network]) as world:
        add_account(
            world.store,
            "mine",
            network=subject.network.key,
            server=subject.server,
            credentials=subject.credentials,
        )
        at_the_limit, beyond = shown("x" * longest), shown("x" * (longest + 1))
    refused = [[it.message for it in each.problems if it.where != "media"] for each in (at_the_limit, beyond)]
    (most,) = {count for count, limit in at_the_limit.lengths[0].values() if count == limit}
    assert most + 1 in {count for count, _ in beyond.lengths[0].values()}
    assert [[told.split(" ")[0] for told in each] for each in refused] == [[], [str(most + 1)]]
