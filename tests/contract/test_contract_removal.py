"""What every network promises about taking away what was published."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.errors import Rejected
from postbell.publishing import registry
from postbell.testing import FakeClock
from support.contracts import given
from support.farside import START, Daemon, Subject
from support.folders import picture
from support.subjects import subjects


_DELETING = {key: subject for key, subject in subjects().items() if subject.network.deletes}
_KEEPING = [key for key in registry.keys() if not registry.get(key).deletes]  # noqa: SIM118 - a module


subject = given(_DELETING)


@pytest.fixture
def daemon(subject: Subject) -> Daemon:
    return _daemon(subject)


def _daemon(subject: Subject) -> Daemon:
    return Daemon(subject, subject.outgoing(), subject.far_side(FakeClock(START)))


def _publish(daemon: Daemon) -> str:
    return asyncio.run(daemon.publish()).id


def test_what_was_published_is_not_public_any_more(subject: Subject, tmp_path: Path) -> None:
    outgoing = subject.outgoing(media=(picture(tmp_path),))
    daemon = Daemon(subject, outgoing, subject.far_side(FakeClock(START)))
    name = _publish(daemon)
    asyncio.run(daemon.delete(name))
    assert daemon.far_side.public() == []


def test_to_take_it_away_again_is_harmless(daemon: Daemon) -> None:
    name = _publish(daemon)
    for _ in range(3):
        asyncio.run(daemon.delete(name))
    assert daemon.far_side.public() == []


def test_nothing_else_is_taken_away(subject: Subject) -> None:
    daemon = _daemon(subject)
    other = replace(daemon.outgoing, key="another0key0another0", number=42)
    kept = _publish(Daemon(subject, other, daemon.far_side))
    asyncio.run(daemon.delete(_publish(daemon)))
    assert [post.id for post in daemon.far_side.public()] == [kept]


def test_a_post_that_is_not_there_is_not_looked_for_any_more(subject: Subject) -> None:
    name = _publish(_daemon(subject))
    daemon = _daemon(subject)
    asyncio.run(daemon.delete(name))
    assert daemon.far_side.public() == []


@pytest.mark.parametrize("key", _KEEPING)
def test_a_network_that_cannot_says_so_and_asks_nobody(key: str) -> None:
    subject = subjects()[key]
    daemon = _daemon(subject)
    name = _publish(daemon)
    before = len(daemon.far_side.requests)
    with pytest.raises(Rejected):
        asyncio.run(daemon.delete(name))
    assert len(daemon.far_side.requests) == before
    assert len(daemon.far_side.public()) == 1
