"""What tests of the contract have in common: who it is asked of, what strikes, and what is never shown.

subject = given(subjects())                 # a fixture: each of them in turn
repeated = given(repeatable(subjects()))    # those that may send again after a lost answer

@either_side
def test_a_death_…(repeated: Subject, strike: Strike) -> None:
    for at, daemon in deaths(lambda: make(repeated), strike):
        …
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from postbell.publishing.protocol import Resend
from postbell.publishing.web.http import secrets_of
from support.farside import Between, Daemon, Fault, Killed, Strike, Subject, die_after, die_before


#: A death before the far side has what was asked for, and one after that.
either_side = pytest.mark.parametrize(
    "strike", [die_before, die_after], ids=lambda strike: str(strike.__name__)
)
#: Whatever may go wrong.
any_fault = pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: str(fault.name.lower()))


def given(chosen: Mapping[str, Subject]) -> Any:
    """Return a fixture that is each of these in turn."""

    @pytest.fixture(params=list(chosen.values()), ids=list(chosen))
    def subject(request: pytest.FixtureRequest) -> Subject:
        found: Subject = request.param
        return found

    return subject


def repeatable(chosen: Mapping[str, Subject]) -> dict[str, Subject]:
    """Return those of these that may send again after a lost answer."""
    return {key: each for key, each in chosen.items() if each.network.resend is not Resend.NEVER}


def requests_of(make: Callable[[], Daemon]) -> int:
    """Return how many requests it takes to publish what daemons are made for."""
    whole = make()
    before = len(whole.far_side.requests)
    asyncio.run(whole.publish())
    return len(whole.far_side.requests) - before


def deaths(make: Callable[[], Daemon], strike: Strike) -> Iterator[tuple[int, Daemon]]:
    """Yield for each request of publishing its number, and a daemon that was killed there."""
    for at in range(requests_of(make)):
        daemon = make()
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        yield at, daemon


def taken_again(daemon: Daemon) -> Iterator[None]:
    """Publish, and do it again from each step that was stored; yield after each time."""
    receipt = asyncio.run(daemon.publish())
    steps = list(daemon.stored)
    for taken in range(len(steps) + 1):
        daemon.stored = steps[:taken]
        assert asyncio.run(daemon.recover()).id == receipt.id
        yield


def told_of(error: BaseException) -> list[str]:
    """Return all that is shown of an error."""
    return [str(error), *traceback.format_exception(error)]


def assert_hidden(daemon: Daemon, said: Iterable[str]) -> None:
    """Fail if any secret of the account is in what was said."""
    tokens = [str(value) for key, value in daemon.session.items() if "jwt" in key or "token" in key]
    secrets = [*secrets_of(daemon.outgoing.target.credentials), *tokens]
    assert secrets
    assert [secret for secret in secrets for text in said if secret in text] == []
