"""What every network promises, shown with a strict stand-in for its server."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from postbell.domain.media import SUFFIXES, Media, MediaKind
from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable, Unsure
from postbell.publishing import parts, registry
from postbell.publishing.protocol import Absent, Receipt, Resend, Unknown, fit_limit
from postbell.services.media.file_types import TYPES
from postbell.testing import FakeClock
from support import pictures
from support.announced import shows
from support.contracts import (
    any_fault,
    assert_hidden,
    deaths,
    either_side,
    given,
    repeatable,
    taken_again,
    told_of,
)
from support.farside import (
    START,
    Between,
    Daemon,
    Fault,
    Public,
    Strike,
    Subject,
    echo,
    say_nothing,
)
from support.subjects import of_every_kind, subjects


_SUBJECTS = subjects()
#: Networks that are no servers; test_contract_folder.py holds the folder to what needs none.
_WITHOUT_SERVER = {"folder"}
_ALT = ("A harbour at dawn", 'Two boats, one "red" & one <blue>')


subject = given(_SUBJECTS)
repeated = given(repeatable(of_every_kind()))


@pytest.fixture
def daemon(subject: Subject) -> Daemon:
    return _daemon(subject)


def _daemon(subject: Subject, media: tuple[Media, ...] = (), **more: Any) -> Daemon:
    far_side = subject.far_side(FakeClock(START))
    return Daemon(subject, subject.outgoing(media=media, **more), far_side)


def _images(folder: Path) -> tuple[Media, ...]:
    images = []
    for number, alt in enumerate(_ALT):
        data = pictures.png(40, 30 + number)
        digest = hashlib.sha256(data).hexdigest()
        path = folder / digest
        path.write_bytes(data)
        image = Media(
            sha256=digest,
            kind=MediaKind.IMAGE,
            mime="image/png",
            size=len(data),
            width=40,
            height=30 + number,
            name=f"picture {number}.png",
            path=path,
            alt=alt,
        )
        images.append(image)
    return tuple(images)


def _only(daemon: Daemon) -> Public:
    """Return the one post that is public; fails if there is none, or a second one."""
    (post,) = daemon.far_side.public()
    return post


def _fail(daemon: Daemon, *faults: Fault) -> PublishError:
    daemon.far_side.faults = list(faults)
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.publish())
    daemon.far_side.faults.clear()
    return caught.value


# What is published


def test_a_text_reads_back_equal(daemon: Daemon) -> None:
    asyncio.run(daemon.publish())
    assert _only(daemon).text == "Good morning"


def test_a_text_of_many_scripts_and_signs_reads_back_equal(subject: Subject) -> None:
    text = 'Ünïcode 日本語 👩‍👩‍👧‍👦 "quoted" & <b>bold</b> \\ 5 % off'
    daemon = _daemon(subject, text=text)
    asyncio.run(daemon.publish())
    assert _only(daemon).text == text


def test_two_images_read_back_with_their_bytes_and_alt_texts(subject: Subject, tmp_path: Path) -> None:
    images = _images(tmp_path)
    daemon = _daemon(subject, images)
    asyncio.run(daemon.publish())
    kept = [(image.path.read_bytes(), image.alt if subject.keeps_alt else "") for image in images]
    assert list(_only(daemon).media) == kept


def test_a_receipt_has_an_id_and_an_address(daemon: Daemon) -> None:
    receipt = asyncio.run(daemon.publish())
    assert receipt.id
    assert receipt.url
    assert re.fullmatch(r"https?://\S+", receipt.url)


def test_a_text_that_is_too_long_is_refused_before_any_request(subject: Subject) -> None:
    network = subject.network
    if subject.too_long is None:
        assert network.limits.text == (), "it has a limit: give the subject a text that is too long"
        return
    outgoing = subject.outgoing(subject.too_long)
    problems = parts.problems(outgoing.content, outgoing.options, network, account="mine")
    assert [problem.where for problem in problems] == ["text"]


def test_a_post_within_the_limits_is_not_refused(subject: Subject, tmp_path: Path) -> None:
    outgoing = subject.outgoing(media=_images(tmp_path))
    assert parts.problems(outgoing.content, outgoing.options, subject.network, account="mine") == []


def test_an_accepted_account_is_verified_without_publishing(daemon: Daemon) -> None:
    network = daemon.subject.network
    profile = asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))
    assert profile.handle
    assert daemon.far_side.public() == []


# How it fails


def test_refused_credentials_are_the_account_s_trouble(daemon: Daemon) -> None:
    # More than once: a network may renew its session and try again.
    assert type(_fail(daemon, *[Fault.UNAUTHORIZED] * 3)) is Unauthorized


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.BUSY], ids=lambda fault: fault.name.lower())
def test_who_asks_to_wait_says_until_when(daemon: Daemon, fault: Fault) -> None:
    error = _fail(daemon, fault)
    assert isinstance(error, RateLimited)
    assert error.until == daemon.far_side.clock.now() + timedelta(seconds=120)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.REFUSED], ids=lambda fault: fault.name.lower())
def test_a_server_that_took_nothing_is_unavailable(daemon: Daemon, fault: Fault) -> None:
    assert type(_fail(daemon, fault)) is Unavailable


@pytest.mark.parametrize(
    "fault", [Fault.BROKEN, Fault.TIMEOUT, Fault.LOST], ids=lambda fault: fault.name.lower()
)
def test_a_lost_answer_is_never_taken_for_a_failure(daemon: Daemon, fault: Fault) -> None:
    assert type(_fail(daemon, fault)) is Unsure


@any_fault
def test_there_is_exactly_one_post_after_any_failure_and_recovery(repeated: Subject, fault: Fault) -> None:
    daemon = _daemon(repeated)
    daemon.far_side.faults = [fault]
    try:
        first = asyncio.run(daemon.publish())
    except PublishError:
        first = None
    daemon.far_side.faults.clear()
    daemon.far_side.clock.advance(180)
    receipt = asyncio.run(daemon.recover())
    assert _only(daemon).text == "Good morning"
    if first and fault is not Fault.GARBAGE:  # a receipt made from garbage knows less
        assert receipt.id == first.id


def test_a_post_whose_answer_was_lost_is_found(daemon: Daemon) -> None:
    _fail(daemon, Fault.LOST)
    found = asyncio.run(daemon.find())
    if isinstance(found, Unknown):
        assert daemon.subject.network.resend is not Resend.LOOK_FIRST
        assert found.reason
        return
    assert isinstance(found, Receipt)
    assert found.id == asyncio.run(daemon.recover()).id


def test_a_post_that_was_never_sent_is_not_found(daemon: Daemon) -> None:
    assert isinstance(asyncio.run(daemon.find()), Absent | Unknown)


def test_a_server_that_never_answers_is_left_at_the_deadline(subject: Subject, tmp_path: Path) -> None:
    for at, publishes in enumerate(_requests(subject, tmp_path)):
        daemon = _daemon(subject, _images(tmp_path))
        daemon.deadline = 0.05
        silent = Between(daemon.far_side, at, say_nothing, on=True)
        with pytest.raises(PublishError) as caught:
            asyncio.run(asyncio.wait_for(daemon.publish(silent), 10))
        assert type(caught.value) is (Unsure if publishes else Unavailable)


# What survives a death


@either_side
def test_a_death_at_any_request_leads_to_exactly_one_post(
    repeated: Subject, tmp_path: Path, strike: Strike
) -> None:
    images = _images(tmp_path)
    for at, daemon in deaths(lambda: _daemon(repeated, images), strike):
        asyncio.run(daemon.recover())
        post = _only(daemon)
        assert (post.text, len(post.media)) == ("Good morning", 2), f"request {at}"


def test_every_stored_step_can_be_taken_again_after_the_post_is_public(
    repeated: Subject, tmp_path: Path
) -> None:
    daemon = _daemon(repeated, _images(tmp_path))
    for _ in taken_again(daemon):
        _only(daemon)


# What is said


def test_no_secret_is_in_an_error_even_if_the_server_echoes_the_request(
    subject: Subject, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as events:
        for at in range(len(_requests(subject, tmp_path))):
            daemon = _daemon(subject, _images(tmp_path))
            with pytest.raises(PublishError) as caught:
                asyncio.run(daemon.publish(Between(daemon.far_side, at, echo, on=True)))
            assert_hidden(daemon, [*told_of(caught.value), caplog.text, str(events)])


@any_fault
def test_no_secret_is_in_an_error_or_a_log(
    daemon: Daemon, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    daemon.far_side.faults = [fault]
    with capture_logs() as events:
        try:
            asyncio.run(daemon.publish())
        except PublishError as error:
            said = told_of(error)
    assert_hidden(daemon, [*said, caplog.text, str(events)])


def test_no_secret_is_in_what_a_value_prints(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, _images(tmp_path))
    receipt = asyncio.run(daemon.publish())
    outgoing = daemon._outgoing()
    values = [outgoing, outgoing.target, receipt, *daemon.stored, *subject.network.preview(outgoing)]
    assert_hidden(daemon, [text for value in values for text in (repr(value), str(value))])


# What is announced


def test_a_preview_shows_what_is_sent_and_sends_nothing(subject: Subject, tmp_path: Path) -> None:
    daemon = _daemon(subject, _images(tmp_path), link="https://example.com/a?b=c")
    calls = subject.network.preview(daemon.outgoing)
    assert daemon.far_side.requests == []
    asyncio.run(daemon.publish())
    left = list(daemon.far_side.requests)
    for call in calls:  # in any order: files go side by side
        found = [request for request in left if shows(call, request)]
        assert found, f"not sent: {call}"
        left.remove(found[0])
    parts = [call for call in calls if call.url == calls[-1].url]
    sent = iter(daemon.far_side.requests)
    for call in parts:
        assert any(shows(call, request) for request in sent), f"not sent in this order: {call}"
    *_, last = daemon.far_side.requests
    assert shows(calls[-1], last)


def test_what_a_network_does_not_know_is_refused(subject: Subject) -> None:
    for model in (subject.network.Options, subject.network.Credentials):
        with pytest.raises(ValidationError) as caught:
            model.model_validate({"nonsense": "1"})
        assert "extra_forbidden" in {error["type"] for error in caught.value.errors()}


# What holds for every file in `networks`


@pytest.mark.parametrize("key", registry.keys())
def test_a_file_holds_one_network_named_like_it(key: str) -> None:
    module = importlib.import_module(f"postbell.networks.{key}")
    found = [value for value in vars(module).values() if hasattr(value, "resend")]
    instances = [value for value in found if not isinstance(value, type)]
    assert instances == [module.network]
    assert module.network.key == key


@pytest.mark.parametrize("key", registry.keys())
def test_a_network_explains_itself(key: str) -> None:
    network = registry.get(key)
    assert network.label.strip()
    assert network.summary.endswith(".")
    assert network.guide.strip()
    assert network.server in {"required", "optional", "none"}
    assert isinstance(network.deletes, bool)
    for model in (network.Options, network.Credentials):
        unexplained = [name for name, field in model.model_fields.items() if not field.description]
        assert unexplained == []


@pytest.mark.parametrize("key", registry.keys())
def test_a_network_promises_no_type_of_file_that_is_not_taken_here(key: str) -> None:
    network = registry.get(key)
    for limit in (network.limits.media, fit_limit(network, {})):
        assert set(limit.types) <= set(TYPES) & set(SUFFIXES)


def test_every_network_with_a_server_has_a_subject_here() -> None:
    assert set(registry.keys()) - _WITHOUT_SERVER == set(_SUBJECTS)


def _requests(subject: Subject, folder: Path) -> list[bool]:
    """Return for each request of a post with two images whether it makes the post public."""
    daemon = _daemon(subject, _images(folder))
    asyncio.run(daemon.publish())
    return [daemon.far_side.is_publishing(each, each.content) for each in daemon.far_side.requests]
