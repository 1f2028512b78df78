"""What every network promises of all that is asked about what is public: to change it, to take it away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias

import httpx
import pytest
from structlog.testing import capture_logs

from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.protocol import editor_of
from postbell.testing import FakeClock
from support.contracts import any_fault, assert_hidden, told_of
from support.farside import START, Between, Daemon, Fault, Subject, echo, say_nothing
from support.subjects import subjects


Ask: TypeAlias = Callable[[Daemon, str, httpx.AsyncBaseTransport | None], Coroutine[Any, Any, object]]


def _edit(daemon: Daemon, name: str, way: httpx.AsyncBaseTransport | None) -> Coroutine[Any, Any, object]:
    content = replace(daemon.outgoing.content, text="Good evening")
    return daemon.edit(replace(daemon.outgoing, content=content), name, way)


def _delete(daemon: Daemon, name: str, way: httpx.AsyncBaseTransport | None) -> Coroutine[Any, Any, object]:
    return daemon.delete(name, way)


@dataclass
class Wish:
    """One thing that is asked about a post that is public."""

    subject: Subject
    ask: Ask
    #: Where the far side is told what to do wrong then, and whether something is public once it is done.
    faults: str
    stays: bool

    def __post_init__(self) -> None:
        self.make()

    def make(self) -> None:
        """Begin anew, with a post that is public."""
        self.daemon = Daemon(self.subject, self.subject.outgoing(), self.subject.far_side(FakeClock(START)))
        self.name = asyncio.run(self.daemon.publish()).id
        self.daemon.stored.clear()  # what was stored between two steps is forgotten once it is public

    def do(self, way: httpx.AsyncBaseTransport | None = None) -> None:
        """Have it done; a way that never answers is left at last."""
        asyncio.run(asyncio.wait_for(self.ask(self.daemon, self.name, way), 10))

    def fail(self, *faults: Fault) -> PublishError:
        """Return what comes of it while the far side has these faults."""
        setattr(self.daemon.far_side, self.faults, list(faults))
        with pytest.raises(PublishError) as caught:
            self.do()
        setattr(self.daemon.far_side, self.faults, [])
        return caught.value

    def requests(self) -> int:
        """Return how many requests it takes; a new post is public then."""
        before = len(self.daemon.far_side.requests)
        self.do()
        count = len(self.daemon.far_side.requests) - before
        self.make()
        return count


_EDITED = {f"{key}-edited": each for key, each in subjects().items() if editor_of(each.network)}
_REMOVED = {f"{key}-removed": each for key, each in subjects().items() if each.network.deletes}


@pytest.fixture(params=[*_EDITED, *_REMOVED])
def wish(request: pytest.FixtureRequest) -> Wish:
    name = str(request.param)
    if name in _EDITED:
        return Wish(_EDITED[name], _edit, "edit_faults", stays=True)
    return Wish(_REMOVED[name], _delete, "delete_faults", stays=False)


def test_refused_credentials_are_the_account_s_trouble(wish: Wish) -> None:
    assert type(wish.fail(*[Fault.UNAUTHORIZED] * 3)) is Unauthorized


def test_a_rate_limit_says_until_when(wish: Wish) -> None:
    error = wish.fail(Fault.RATE_LIMITED)
    assert isinstance(error, RateLimited)
    assert error.until == wish.daemon.far_side.clock.now() + timedelta(seconds=120)


_PASSING = [
    *(Fault.REFUSED, Fault.TIMEOUT, Fault.LOST),
    *(Fault.GARBAGE, Fault.UNAVAILABLE, Fault.BROKEN),
]


@pytest.mark.parametrize("fault", _PASSING, ids=lambda fault: fault.name.lower())
def test_whatever_else_goes_wrong_it_can_be_tried_again(wish: Wish, fault: Fault) -> None:
    # A repeat is harmless, so no lost answer is ever a doubt.
    assert type(wish.fail(fault)) is Unavailable
    wish.do()
    assert ["Good evening" in post.text for post in wish.daemon.far_side.public()] == [True] * wish.stays


def test_a_server_that_never_answers_is_left_at_the_deadline(wish: Wish) -> None:
    for at in range(wish.requests()):
        wish.make()
        wish.daemon.deadline = 0.05
        with pytest.raises(Unavailable):
            wish.do(Between(wish.daemon.far_side, at, say_nothing))


@any_fault
def test_no_secret_is_in_an_error_or_a_log(
    wish: Wish, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as events:
        error = wish.fail(*[fault] * 3)
    assert_hidden(wish.daemon, [*told_of(error), caplog.text, str(events)])


def test_no_secret_is_in_an_error_even_if_the_server_echoes_the_request(
    wish: Wish, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for at in range(wish.requests()):
        wish.make()
        with capture_logs() as events, pytest.raises(PublishError) as caught:
            wish.do(Between(wish.daemon.far_side, at, echo))
        assert_hidden(wish.daemon, [*told_of(caught.value), caplog.text, str(events)])
