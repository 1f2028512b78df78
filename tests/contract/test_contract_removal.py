"""What every network promises about taking away what was published."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing import registry
from postbell.publishing.web.http import secrets_of
from postbell.testing import FakeClock
from support.farside import START, Between, Daemon, Fault, Strike, Subject, echo, say_nothing
from support.folders import picture
from support.subjects import subjects


_DELETING = {key: subject for key, subject in subjects().items() if subject.network.deletes}
_KEEPING = [key for key in registry.keys() if not registry.get(key).deletes]  # noqa: SIM118 - a module


@pytest.fixture(params=list(_DELETING.values()), ids=list(_DELETING))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture
def daemon(subject: Subject) -> Daemon:
    return _daemon(subject)


def _daemon(subject: Subject) -> Daemon:
    return Daemon(subject, subject.outgoing(), subject.far_side(FakeClock(START)))


def _publish(daemon: Daemon) -> str:
    return asyncio.run(daemon.publish()).id


def _fail(daemon: Daemon, name: str, *faults: Fault) -> PublishError:
    daemon.far_side.delete_faults = list(faults)
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.delete(name))
    daemon.far_side.delete_faults.clear()
    return caught.value


def _requests(subject: Subject) -> int:
    """Return how many requests it takes to take a post away."""
    daemon = _daemon(subject)
    name, before = _publish(daemon), len(daemon.far_side.requests)
    asyncio.run(daemon.delete(name))
    return len(daemon.far_side.requests) - before


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


def test_refused_credentials_are_the_account_s_trouble(daemon: Daemon) -> None:
    assert type(_fail(daemon, _publish(daemon), *[Fault.UNAUTHORIZED] * 3)) is Unauthorized


def test_a_rate_limit_says_until_when(daemon: Daemon) -> None:
    error = _fail(daemon, _publish(daemon), Fault.RATE_LIMITED)
    assert isinstance(error, RateLimited)
    assert error.until == daemon.far_side.clock.now() + timedelta(seconds=120)


_PASSING = [
    *(Fault.REFUSED, Fault.TIMEOUT, Fault.LOST),
    *(Fault.GARBAGE, Fault.UNAVAILABLE, Fault.BROKEN),
]


@pytest.mark.parametrize("fault", _PASSING, ids=lambda fault: fault.name.lower())
def test_whatever_else_goes_wrong_it_can_be_tried_again(daemon: Daemon, fault: Fault) -> None:
    name = _publish(daemon)
    # A repeat is harmless, so no lost answer is ever a doubt.
    assert type(_fail(daemon, name, fault)) is Unavailable
    asyncio.run(daemon.delete(name))
    assert daemon.far_side.public() == []


def test_a_server_that_never_answers_is_left_at_the_deadline(subject: Subject) -> None:
    for at in range(_requests(subject)):
        daemon = _daemon(subject)
        name = _publish(daemon)
        daemon.deadline = 0.05
        with pytest.raises(Unavailable):
            asyncio.run(asyncio.wait_for(_delete(daemon, name, at, say_nothing), 10))


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_no_secret_is_in_an_error_or_a_log(
    daemon: Daemon, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as events:
        error = _fail(daemon, _publish(daemon), *[fault] * 3)
    _assert_hidden(daemon, error, f"{caplog.text} {events}")


def test_no_secret_is_in_an_error_even_if_the_server_echoes_the_request(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for at in range(_requests(subject)):
        daemon = _daemon(subject)
        name = _publish(daemon)
        with capture_logs() as events, pytest.raises(PublishError) as caught:
            asyncio.run(_delete(daemon, name, at, echo))
        _assert_hidden(daemon, caught.value, f"{caplog.text} {events}")


def _delete(daemon: Daemon, name: str, at: int, strike: Strike) -> Coroutine[Any, Any, None]:
    return daemon.delete(name, Between(daemon.far_side, at, strike))


def _assert_hidden(daemon: Daemon, error: PublishError, logged: str) -> None:
    tokens = [str(value) for key, value in daemon.session.items() if "jwt" in key or "token" in key]
    secrets = [*secrets_of(daemon.outgoing.target.credentials), *tokens]
    said = f"{error} {''.join(traceback.format_exception(error))} {logged}"
    assert secrets
    assert [secret for secret in secrets if secret in said] == []


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
