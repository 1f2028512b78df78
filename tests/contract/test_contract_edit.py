"""What every network promises about changing what is public, where it can."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.errors import Rejected
from postbell.publishing.protocol import Outgoing, Threads, editor_of
from postbell.testing import FakeClock
from support.contracts import given
from support.farside import START, Daemon, Subject
from support.folders import picture
from support.subjects import subjects


_EDITING = {key: subject for key, subject in subjects().items() if editor_of(subject.network)}


subject = given(_EDITING)


@pytest.fixture
def daemon(subject: Subject) -> Daemon:
    return _daemon(subject)


def _daemon(subject: Subject) -> Daemon:
    return Daemon(subject, subject.outgoing(), subject.far_side(FakeClock(START)))


def _publish(daemon: Daemon) -> str:
    name = asyncio.run(daemon.publish()).id
    daemon.stored.clear()  # what was stored between two steps is forgotten once it is public
    return name


def _changed(daemon: Daemon, text: str = "Good evening") -> Outgoing:
    return replace(daemon.outgoing, content=replace(daemon.outgoing.content, text=text))


def _edit(daemon: Daemon, name: str, text: str = "Good evening") -> None:
    receipt = asyncio.run(daemon.edit(_changed(daemon, text), name))
    assert receipt.id.startswith(name.split(",", maxsplit=1)[0])


def _texts(daemon: Daemon) -> list[str]:
    return [post.text for post in daemon.far_side.public()]


def test_what_is_public_says_what_it_was_changed_to(daemon: Daemon) -> None:
    name = _publish(daemon)
    (before,) = daemon.far_side.public()
    _edit(daemon, name)
    (after,) = daemon.far_side.public()
    assert "Good evening" in after.text
    assert "Good morning" not in after.text
    assert after.id == before.id


def test_to_change_it_again_is_harmless(daemon: Daemon) -> None:
    name = _publish(daemon)
    for _ in range(3):
        _edit(daemon, name)
    (text,) = _texts(daemon)
    assert "Good evening" in text


def test_files_stay_and_have_the_new_alt_texts(subject: Subject, tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "A bell"), picture(tmp_path, "b.png", "A cat"))
    daemon = Daemon(subject, subject.outgoing(media=media), subject.far_side(FakeClock(START)))
    name = _publish(daemon)
    (before,) = daemon.far_side.public()
    content = replace(daemon.outgoing.content, media=(media[0], replace(media[1], alt="A dog")))
    asyncio.run(daemon.edit(replace(daemon.outgoing, content=content), name))
    (after,) = daemon.far_side.public()
    assert [data for data, _ in after.media] == [data for data, _ in before.media]
    if subject.keeps_alt:
        assert [alt for _, alt in after.media] == ["A bell", "A dog"]


def test_nothing_else_is_changed(subject: Subject) -> None:
    daemon = _daemon(subject)
    other = replace(daemon.outgoing, key="another0key0another0", number=42)
    kept = _publish(Daemon(subject, other, daemon.far_side))
    _edit(daemon, _publish(daemon))
    texts = {post.id: post.text for post in daemon.far_side.public()}
    assert "Good morning" in next(text for name, text in texts.items() if name == kept)
    assert len(texts) == 2


def test_a_thread_is_changed_part_by_part(subject: Subject) -> None:
    if subject.network.threads is not Threads.CHAIN:
        return  # it is one post there
    outgoing = subject.outgoing("One")
    outgoing = replace(outgoing, content=replace(outgoing.content, segments=("Two", "Three")))
    daemon = Daemon(subject, outgoing, subject.far_side(FakeClock(START)))
    name = _publish(daemon)
    changed = replace(outgoing, content=replace(outgoing.content, segments=("Second", "Three")))
    asyncio.run(daemon.edit(changed, name))
    assert _texts(daemon) == ["One", "Second", "Three"]
    with pytest.raises(Rejected, match="it would have 2 parts, and 3 are public"):
        asyncio.run(
            daemon.edit(replace(outgoing, content=replace(outgoing.content, segments=("Two",))), name)
        )


def test_what_is_gone_there_is_told_and_not_made_again(daemon: Daemon) -> None:
    name = _publish(daemon)
    asyncio.run(daemon.delete(name))
    with pytest.raises(Rejected, match="not there any more"):
        asyncio.run(daemon.edit(_changed(daemon), name))
    assert daemon.far_side.public() == []
