"""What a network promises of which nothing is sent again after a lost answer, because nobody can be asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postbell.domain.media import Media
from postbell.errors import PublishError, Unsure
from postbell.publishing.protocol import Resend, Unknown
from postbell.testing import FakeClock
from support.contracts import any_fault, deaths, either_side, given
from support.farside import START, Daemon, Fault, Strike, Subject
from support.folders import picture
from support.subjects import subjects


_ONCE = {key: each for key, each in subjects().items() if each.network.resend is Resend.NEVER}


once = given(_ONCE)


def _daemon(subject: Subject, media: tuple[Media, ...] = ()) -> Daemon:
    return Daemon(subject, subject.outgoing(media=media), subject.far_side(FakeClock(START)))


@any_fault
def test_it_is_in_doubt_whenever_it_may_be_public(once: Subject, fault: Fault) -> None:
    daemon = _daemon(once)
    daemon.far_side.faults = [fault]
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.publish())
    in_doubt = type(caught.value) is Unsure
    assert in_doubt or daemon.far_side.public() == []
    if not in_doubt:  # then it is sent again
        asyncio.run(daemon.publish())
        assert [post.text for post in daemon.far_side.public()] == ["Good morning"]


@either_side
def test_after_a_death_at_any_request_nobody_takes_it_for_absent(
    once: Subject, tmp_path: Path, strike: Strike
) -> None:
    for _, daemon in deaths(lambda: _daemon(once, (picture(tmp_path),)), strike):
        assert isinstance(asyncio.run(daemon.find()), Unknown)
        assert len(daemon.far_side.public()) <= 1
