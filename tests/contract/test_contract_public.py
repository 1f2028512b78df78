"""What every network promises of a post that is public and of which that is known: no doubt is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from postbell.publishing.protocol import Threads
from postbell.testing import FakeClock
from support.contracts import either_side, given
from support.farside import START, Between, Daemon, Killed, Strike, Subject
from support.subjects import subjects


subject = given(subjects())


@pytest.fixture(params=[(), ("Two", "Three")], ids=["post", "thread"])
def segments(request: pytest.FixtureRequest, subject: Subject) -> tuple[str, ...]:
    """The further parts of a post; none where a network publishes threads in one go."""
    further: tuple[str, ...] = request.param
    return further if subject.network.threads is Threads.CHAIN else ()


def _daemon(subject: Subject, segments: tuple[str, ...]) -> Daemon:
    outgoing = subject.outgoing(options=subject.leaving)
    content = replace(outgoing.content, segments=segments)
    return Daemon(subject, replace(outgoing, content=content), subject.far_side(FakeClock(START)))


def _after_it_is_public(subject: Subject, segments: tuple[str, ...]) -> range:
    """Return the numbers of the requests that come when all of it is public."""
    whole = _daemon(subject, segments)
    before = len(whole.far_side.requests)
    asyncio.run(whole.publish())
    requests = whole.far_side.requests[before:]
    public = [at for at, sent in enumerate(requests) if whole.far_side.is_publishing(sent, sent.content)]
    return range(public[-1] + 1, len(requests))


@either_side
def test_a_death_then_leaves_its_receipt_and_what_is_left_is_done_once_more(
    subject: Subject, segments: tuple[str, ...], strike: Strike
) -> None:
    for at in _after_it_is_public(subject, segments):
        daemon = _daemon(subject, segments)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        receipt = daemon.stored[-1].receipt
        assert receipt, f"request {at} is of the step that publishes"
        assert asyncio.run(daemon.publish()).id == receipt.id
        assert [post.text for post in daemon.far_side.public()] == ["Good morning", *segments]


def test_some_have_something_left_to_do_then() -> None:
    assert [key for key, each in subjects().items() if _after_it_is_public(each, ())] == [
        "telegram",
        "threads",
    ]
