"""What every network promises about changing what is public, where it can."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Outgoing, Threads, editor_of
from postbell.publishing.web.http import secrets_of
from postbell.testing import FakeClock
from support.farside import START, Between, Daemon, Fault, Subject, echo, say_nothing
from support.folders import picture
from support.subjects import subjects


_EDITING = {key: subject for key, subject in subjects().items() if editor_of(subject.network)}


@pytest.fixture(params=list(_EDITING.values()), ids=list(_EDITING))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


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


def _fail(daemon: Daemon, name: str, *faults: Fault) -> PublishError:
    daemon.far_side.edit_faults = list(faults)
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.edit(_changed(daemon), name))
    daemon.far_side.edit_faults.clear()
    return caught.value


def _requests(subject: Subject) -> int:
    """Return how many requests it takes to change a post."""
    daemon = _daemon(subject)
    name, before = _publish(daemon), len(daemon.far_side.requests)
    _edit(daemon, name)
    return len(daemon.far_side.requests) - before


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


def test_refused_credentials_are_the_account_s_trouble(daemon: Daemon) -> None:
    assert type(_fail(daemon, _publish(daemon), *[Fault.UNAUTHORIZED] * 3)) is Unauthorized


def test_a_rate_limit_says_until_when(daemon: Daemon) -> None:
    error = _fail(daemon, _publish(daemon), Fault.RATE_LIMITED)
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(seconds=120)


_PASSING = [
    *(Fault.REFUSED, Fault.TIMEOUT, Fault.LOST),
    *(Fault.GARBAGE, Fault.UNAVAILABLE, Fault.BROKEN),
]


@pytest.mark.parametrize("fault", _PASSING, ids=lambda fault: fault.name.lower())
def test_whatever_else_goes_wrong_it_can_be_tried_again(daemon: Daemon, fault: Fault) -> None:
    name = _publish(daemon)
    # A repeat is harmless, so no lost answer is ever a doubt.
    assert type(_fail(daemon, name, fault)) is Unavailable
    _edit(daemon, name)
    (text,) = _texts(daemon)
    assert "Good evening" in text


def test_a_server_that_never_answers_is_left_at_the_deadline(subject: Subject) -> None:
    for at in range(_requests(subject)):
        daemon = _daemon(subject)
        name = _publish(daemon)
        daemon.deadline = 0.05
        between = Between(daemon.far_side, at, say_nothing)
        with pytest.raises(Unavailable):
            asyncio.run(asyncio.wait_for(daemon.edit(_changed(daemon), name, between), 10))


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
        between = Between(daemon.far_side, at, echo)
        with capture_logs() as events, pytest.raises(PublishError) as caught:
            asyncio.run(daemon.edit(_changed(daemon), name, between))
        _assert_hidden(daemon, caught.value, f"{caplog.text} {events}")


def _assert_hidden(daemon: Daemon, error: PublishError, logged: str) -> None:
    tokens = [str(value) for key, value in daemon.session.items() if "jwt" in key or "token" in key]
    secrets = [*secrets_of(daemon.outgoing.target.credentials), *tokens]
    said = f"{error} {''.join(traceback.format_exception(error))} {logged}"
    assert secrets
    assert [secret for secret in secrets if secret in said] == []
