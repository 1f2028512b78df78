"""What a network promises of which nothing is sent again after a lost answer, because nobody can be asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postbell.domain.media import Media
from postbell.errors import PublishError, Unsure
from postbell.publishing.protocol import Resend, Unknown
from postbell.testing import FakeClock
from support.farside import START, Between, Daemon, Fault, Killed, Strike, Subject, die_after, die_before
from support.folders import picture
from support.subjects import subjects


_ONCE = {key: each for key, each in subjects().items() if each.network.resend is Resend.NEVER}


@pytest.fixture(params=list(_ONCE.values()), ids=list(_ONCE))
def once(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


def _daemon(subject: Subject, media: tuple[Media, ...] = ()) -> Daemon:
    return Daemon(subject, subject.outgoing(media=media), subject.far_side(FakeClock(START)))


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
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


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_after_a_death_at_any_request_nobody_takes_it_for_absent(
    once: Subject, tmp_path: Path, strike: Strike
) -> None:
    for at in range(_requests(once, tmp_path)):
        daemon = _daemon(once, (picture(tmp_path),))
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        assert isinstance(asyncio.run(daemon.find()), Unknown)
        assert len(daemon.far_side.public()) <= 1


def _requests(subject: Subject, folder: Path) -> int:
    daemon = _daemon(subject, (picture(folder),))
    asyncio.run(daemon.publish())
    return len(daemon.far_side.requests)
