"""What every network promises that publishes first comments: once, below the post, whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.media import Media
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing import registry
from postbell.publishing.protocol import Absent, Receipt, Reply, Resend, Unknown, shows_in_comments
from postbell.testing import FakeClock
from support.contracts import deaths, either_side, given
from support.farside import START, Daemon, Fault, Strike, Subject
from support.folders import picture
from support.subjects import of_every_kind


_SPEAKING = {key: each for key, each in of_every_kind().items() if each.network.comments}
#: Telegram's stand in another chat than the post; what becomes of that when the post goes is not known.
_BESIDE = {key: each for key, each in _SPEAKING.items() if key != "telegram"}
#: Telegram cannot be asked, and Pixelfed does not list answers.
_SILENT = [_SPEAKING["telegram"], _SPEAKING["pixelfed"]]
_SHOWING = {key: each for key, each in _SPEAKING.items() if shows_in_comments(each.network)}
TEXT = "And by the way: 日本語 👩‍👩‍👧‍👦 & <b>bold</b> https://example.com/a"


subject = given(_SPEAKING)
showing = given(_SHOWING)


def _daemon(subject: Subject, media: tuple[Media, ...] = ()) -> Daemon:
    """Return a daemon with a first comment on a post that is public."""
    far_side = subject.far_side(FakeClock(START))
    post = Daemon(subject, subject.outgoing(), far_side)
    name = asyncio.run(post.publish()).id
    far_side.clock.advance(1)
    said = replace(
        subject.outgoing(TEXT, media=media),
        key=f"{post.outgoing.key}-c",
        begun_at=START + timedelta(seconds=1),
        options=post.outgoing.options.further(),
        reply=Reply(root=name, parent=name),
    )
    return Daemon(subject, said, far_side, session=dict(post.session))


def _assert_once(daemon: Daemon) -> None:
    (said,) = [each for each in daemon.far_side.public() if each.answers]
    assert daemon.outgoing.reply
    assert (said.text, said.answers) == (TEXT, daemon.outgoing.reply.parent)
    assert len(said.media) == len(daemon.outgoing.content.media)
    assert len(daemon.far_side.public()) == 2


def _recover(daemon: Daemon) -> Receipt | None:
    """Do what is done about a first comment that may be public: look, and send again what is not.

    None where nobody can tell and a repeat could be a second one: then it is left at that, with a warning.
    """
    found = asyncio.run(daemon.find())
    if isinstance(found, Receipt):
        return found
    assert isinstance(found, Absent | Unknown)
    if isinstance(found, Unknown) and daemon.subject.network.resend is not Resend.SAFE:
        return None
    return asyncio.run(daemon.publish())


def _assert_right(daemon: Daemon, receipt: Receipt | None) -> None:
    """Fail unless it is there once; at most once where nobody can tell."""
    if receipt:
        _assert_once(daemon)
    else:
        assert daemon.subject in _SILENT
        assert [each.text for each in daemon.far_side.public() if each.answers] in ([], [TEXT])


def test_it_stands_below_its_post_and_reads_back_equal(subject: Subject) -> None:
    daemon = _daemon(subject)
    receipt = asyncio.run(daemon.publish())
    _assert_once(daemon)
    assert receipt.id
    assert receipt.url


def test_its_length_is_checked_like_that_of_a_post(subject: Subject) -> None:
    daemon = _daemon(subject)
    assert subject.network.check(daemon.outgoing.content, daemon.outgoing.options, account="mine") == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        *((Fault.REFUSED, Unavailable), (Fault.UNAVAILABLE, Unavailable), (Fault.RATE_LIMITED, RateLimited)),
        *((Fault.TIMEOUT, Unsure), (Fault.LOST, Unsure), (Fault.BROKEN, Unsure)),
    ],
    ids=lambda value: getattr(value, "name", value.__class__.__name__).lower(),
)
def test_a_failure_is_told_for_what_it_is(subject: Subject, fault: Fault, error: type[PublishError]) -> None:
    daemon = _daemon(subject)
    daemon.far_side.faults = [fault]
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.publish())
    assert type(caught.value) is error


def test_refused_credentials_are_the_account_s_trouble(subject: Subject) -> None:
    daemon = _daemon(subject)
    daemon.far_side.faults = [Fault.UNAUTHORIZED] * 3
    with pytest.raises(Unauthorized):
        asyncio.run(daemon.publish())


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.UNAUTHORIZED], ids=str)
def test_there_is_exactly_one_after_any_failure_and_recovery(subject: Subject, fault: Fault) -> None:
    daemon = _daemon(subject)
    daemon.far_side.faults = [fault]
    in_doubt = False
    try:
        asyncio.run(daemon.publish())
    except PublishError as error:
        in_doubt = isinstance(error, Unsure)
    daemon.far_side.faults.clear()
    daemon.far_side.clock.advance(180)
    _assert_right(daemon, _recover(daemon) if in_doubt else asyncio.run(daemon.publish()))


@either_side
def test_a_death_at_any_request_leads_to_exactly_one(subject: Subject, strike: Strike) -> None:
    for _, daemon in deaths(lambda: _daemon(subject), strike):
        _assert_right(daemon, _recover(daemon))


def _shown(folder: Path) -> tuple[Media, ...]:
    return (picture(folder), picture(folder, "Bell.png", "A bell"))


def test_its_files_stand_there_with_what_they_show(showing: Subject, tmp_path: Path) -> None:
    daemon = _daemon(showing, _shown(tmp_path))
    asyncio.run(daemon.publish())
    _assert_once(daemon)
    (said,) = [each for each in daemon.far_side.public() if each.answers]
    assert [alt for _, alt in said.media] == ["A harbour", "A bell"]


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.UNAUTHORIZED], ids=str)
def test_with_files_there_is_exactly_one_after_any_failure(
    showing: Subject, tmp_path: Path, fault: Fault
) -> None:
    daemon = _daemon(showing, _shown(tmp_path))
    daemon.far_side.faults = [fault]
    in_doubt = False
    try:
        asyncio.run(daemon.publish())
    except PublishError as error:
        in_doubt = isinstance(error, Unsure)
    daemon.far_side.faults.clear()
    daemon.far_side.clock.advance(180)
    _assert_right(daemon, _recover(daemon) if in_doubt else asyncio.run(daemon.publish()))


@either_side
def test_with_files_a_death_at_any_request_leads_to_exactly_one(
    showing: Subject, tmp_path: Path, strike: Strike
) -> None:
    for _, daemon in deaths(lambda: _daemon(showing, _shown(tmp_path)), strike):
        _assert_right(daemon, _recover(daemon))


@pytest.mark.parametrize("subject", _BESIDE.values(), ids=_BESIDE.keys())
def test_what_stands_below_a_post_that_was_taken_away_is_refused(subject: Subject) -> None:
    daemon = _daemon(subject)
    assert daemon.outgoing.reply
    post = Daemon(subject, subject.outgoing(), daemon.far_side, session=dict(daemon.session))
    asyncio.run(post.delete(daemon.outgoing.reply.root))
    with pytest.raises(Rejected):
        asyncio.run(daemon.publish())
    assert daemon.far_side.public() == []


def test_it_is_taken_away_and_to_do_that_again_is_harmless(subject: Subject) -> None:
    daemon = _daemon(subject)
    receipt = asyncio.run(daemon.publish())
    for _ in range(2):
        asyncio.run(daemon.delete(receipt.id))
        assert [each.answers for each in daemon.far_side.public()] == [None]


@pytest.mark.parametrize("key", registry.keys())
def test_a_network_says_whether_it_publishes_any(key: str) -> None:
    assert isinstance(registry.get(key).comments, bool)
