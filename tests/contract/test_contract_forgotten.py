"""What every network promises about a delivery of which nobody knows any more if it was ever tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postbell.publishing.protocol import Absent, Progress, Receipt, Unknown
from postbell.testing import FakeClock
from support.farside import START, Daemon, FarSide, Subject
from support.subjects import subjects


_FINDING = {key: subject for key, subject in subjects().items() if subject.network.finds}
_KEEPING_QUIET = {key: subject for key, subject in subjects().items() if not subject.network.finds}


@pytest.fixture(params=list(_FINDING.values()), ids=list(_FINDING))
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


def _publish(subject: Subject, far_side: FarSide, **more: Any) -> Receipt:
    """Publish a delivery twenty minutes after the last instant of which the database will know."""
    outgoing = subject.outgoing(begun_at=START + timedelta(minutes=20), **more)
    return asyncio.run(Daemon(subject, outgoing, far_side).publish())


def _find(subject: Subject, far_side: FarSide, **more: Any) -> Receipt | Progress | Absent | Unknown:
    """Ask for the delivery as a database does that went back to START."""
    forgotten = replace(subject.outgoing(**more), forgotten=True)
    return asyncio.run(Daemon(subject, forgotten, far_side).find())


def test_what_was_published_is_found_with_its_id_and_address(subject: Subject) -> None:
    far_side = subject.far_side(FakeClock(START))
    receipt = _publish(subject, far_side)
    found = _find(subject, far_side)
    assert isinstance(found, Receipt)
    assert (found.id, found.url) == (receipt.id, receipt.url)


def test_what_was_not_published_is_absent_whatever_else_was(subject: Subject) -> None:
    far_side = subject.far_side(FakeClock(START))
    _publish(subject, far_side, text="Good evening", key="z" * 20, number=42)
    assert _find(subject, far_side) == Absent()


def test_where_nothing_was_published_it_is_absent(subject: Subject) -> None:
    assert _find(subject, subject.far_side(FakeClock(START))) == Absent()


def test_looking_publishes_nothing(subject: Subject) -> None:
    far_side = subject.far_side(FakeClock(START))
    _find(subject, far_side)
    assert far_side.public() == []


@pytest.mark.parametrize("quiet", _KEEPING_QUIET.values(), ids=_KEEPING_QUIET.keys())
def test_a_network_that_cannot_be_asked_never_says_that_it_is_absent(quiet: Subject) -> None:
    far_side = quiet.far_side(FakeClock(START))
    assert isinstance(_find(quiet, far_side), Unknown)
    assert far_side.requests == []
