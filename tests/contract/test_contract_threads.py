"""What every network promises that publishes a thread as a chain of posts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.errors import PublishError, Rejected
from postbell.publishing.protocol import Absent, Progress, Receipt, Threads
from postbell.testing import FakeClock
from support.announced import shows
from support.contracts import any_fault, deaths, either_side, given, repeatable, taken_again
from support.farside import (
    START,
    Daemon,
    FarSide,
    Fault,
    Public,
    Strike,
    Subject,
)
from support.folders import picture
from support.subjects import of_every_kind


_CHAINS = {key: each for key, each in of_every_kind().items() if each.network.threads is Threads.CHAIN}
TEXTS = ["One", "Two", "Two", "Four"]


subject = given(_CHAINS)
#: Pixelfed does not list answers: nobody can tell whether one is public.
repeated = given(repeatable({key: each for key, each in _CHAINS.items() if key != "pixelfed"}))


def _daemon(subject: Subject, folder: Path) -> Daemon:
    """Return a daemon with a thread of four parts, of which two say the same and one has a picture."""
    outgoing = subject.outgoing(TEXTS[0], media=(replace(picture(folder), part=3),))
    content = replace(outgoing.content, segments=tuple(TEXTS[1:]))
    return Daemon(subject, replace(outgoing, content=content), subject.far_side(FakeClock(START)))


def _thread(far_side: FarSide) -> list[Public]:
    """Return what is public in its order; fails if it is no chain."""
    posts = far_side.public()
    by_answered = {post.answers: post for post in posts}
    assert len(by_answered) == len(posts), "two posts answer the same one"
    found, last = list[Public](), None
    while last in by_answered:
        found.append(by_answered[last])
        last = found[-1].id
    assert len(found) == len(posts), "a post answers nothing of the thread"
    return found


def _assert_whole(daemon: Daemon) -> None:
    thread = _thread(daemon.far_side)
    assert [(post.text, len(post.media)) for post in thread] == [
        (text, int(number == 2)) for number, text in enumerate(TEXTS)
    ]


def test_a_thread_is_a_post_for_each_part_that_answers_the_one_before_it(
    subject: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(subject, tmp_path)
    receipt = asyncio.run(daemon.publish())
    _assert_whole(daemon)
    thread = _thread(daemon.far_side)
    assert receipt.id == ",".join(post.id for post in thread)
    first = Daemon(subject, subject.outgoing(TEXTS[0]), subject.far_side(FakeClock(START)))
    assert receipt.url == asyncio.run(first.publish()).url


def test_a_preview_shows_the_requests_of_all_parts_in_their_order(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, tmp_path)
    calls = subject.network.preview(daemon.outgoing)
    asyncio.run(daemon.publish())
    sent = iter(daemon.far_side.requests)
    for call in calls:
        assert any(shows(call, request) for request in sent), f"not sent, or not in this order: {call}"


@either_side
def test_a_death_at_any_request_leads_to_exactly_one_thread(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    for _, daemon in deaths(lambda: _daemon(repeated, tmp_path), strike):
        asyncio.run(daemon.recover())
        _assert_whole(daemon)


@any_fault
@pytest.mark.parametrize("part", range(4))
def test_any_failure_at_any_part_leads_to_exactly_one_thread(
    repeated: Subject, tmp_path: Path, part: int, fault: Fault
) -> None:
    daemon = _daemon(repeated, tmp_path)
    daemon.far_side.faults = [*[None] * part, fault]  # type: ignore[list-item]
    with suppress(PublishError):
        asyncio.run(daemon.publish())
    daemon.far_side.faults.clear()
    daemon.far_side.clock.advance(180)
    if fault is Fault.UNAUTHORIZED:
        daemon.far_side = _mended(daemon.far_side)
    asyncio.run(daemon.recover())
    _assert_whole(daemon)


def _mended(far_side: FarSide) -> FarSide:
    if hasattr(far_side, "app_password_works"):
        far_side.app_password_works = True
    return far_side


def test_every_stored_step_can_be_taken_again_after_the_thread_is_public(
    repeated: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(repeated, tmp_path)
    for _ in taken_again(daemon):
        _assert_whole(daemon)


def test_what_is_public_of_a_thread_is_found_and_told(repeated: Subject, tmp_path: Path) -> None:
    daemon = _daemon(repeated, tmp_path)
    assert asyncio.run(daemon.find()) == Absent()
    daemon.far_side.faults = [None, Fault.LOST]  # type: ignore[list-item]
    with pytest.raises(PublishError):
        asyncio.run(daemon.publish())
    first, second = _thread(daemon.far_side)
    progress = daemon.stored[-1]
    assert progress.public
    assert progress.public.startswith("part 1 of 4 is public: https://")
    found = asyncio.run(daemon.find())
    assert isinstance(found, Progress)
    assert [part["id"] for part in found.data["parts"]] == [first.id, second.id]
    assert found.public
    assert found.public.startswith("parts 1 to 2 of 4 are public: https://")
    assert isinstance(asyncio.run(daemon.recover()), Receipt)
    _assert_whole(daemon)


def test_a_thread_is_taken_away_whole_and_to_do_that_again_is_harmless(
    subject: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(subject, tmp_path)
    receipt = asyncio.run(daemon.publish())
    for _ in range(2):
        asyncio.run(daemon.delete(receipt.id))
        assert daemon.far_side.public() == []


def test_a_thread_whose_removal_broke_off_has_no_gap_and_is_taken_away_at_the_next_try(
    subject: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(subject, tmp_path)
    receipt = asyncio.run(daemon.publish())
    daemon.far_side.delete_faults = [None, Fault.UNAVAILABLE]  # type: ignore[list-item]
    with pytest.raises(PublishError):
        asyncio.run(daemon.delete(receipt.id))
    assert [post.text for post in _thread(daemon.far_side)] == TEXTS[:3]
    asyncio.run(daemon.delete(receipt.id))
    assert daemon.far_side.public() == []


def test_a_part_whose_forerunner_was_taken_away_is_refused(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, tmp_path)
    daemon.far_side.faults = [None, Fault.UNAVAILABLE]  # type: ignore[list-item]
    with pytest.raises(PublishError):
        asyncio.run(daemon.publish())
    (first,) = daemon.far_side.public()
    daemon.stored = [step for step in daemon.stored if "next" not in step.data]
    asyncio.run(daemon.delete(first.id))
    with pytest.raises(Rejected):
        asyncio.run(daemon.publish())
