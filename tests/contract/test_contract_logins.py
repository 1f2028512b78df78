"""What every network promises whose logins end and are renewed; and that the others have none that do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.web.consent import oauth_of
from postbell.testing import FakeClock
from support.farside import START, Between, Daemon, FarSide, Fault, Killed, Strike, die_after, die_before
from support.pictures import picture
from support.renewing import RENEWING, Party, Where, parties
from support.subjects import subjects


_PARTIES = parties()
#: Networks whose logins last until they are taken back.
_LASTING = [key for key, each in subjects().items() if not each.renews]


@pytest.fixture(params=list(_PARTIES.values()), ids=list(_PARTIES))
def party(request: pytest.FixtureRequest) -> Party:
    found: Party = request.param
    return found


def _connect(daemon: Daemon, party: Party) -> None:
    """Let a person consent, and verify the account as `account add` does."""
    values, tokens = party.how.consent(daemon.far_side)
    daemon.subject = replace(party.subject, credentials=values)
    daemon.outgoing = replace(daemon.outgoing, target=daemon.subject.target())
    daemon.session, daemon.tokens = {}, tokens
    asyncio.run(party.subject.network.verify(daemon.outgoing.target, daemon._http(None)))
    daemon.far_side.requests.clear()


def _daemon(party: Party, folder: Path) -> Daemon:
    """Return a connected account with a post that takes several steps."""
    far_side = party.how.far_side(FakeClock(START))
    daemon = Daemon(party.subject, party.subject.outgoing(media=(picture(folder),)), far_side)
    _connect(daemon, party)
    return daemon


def _requests(party: Party, folder: Path) -> int:
    daemon = _daemon(party, folder)
    asyncio.run(daemon.publish())
    return len(daemon.far_side.requests)


def _assert_once(daemon: Daemon) -> None:
    (post,) = daemon.far_side.public()
    assert (post.text, len(post.media)) == ("Good morning", 1)


def _fail(daemon: Daemon, transport: httpx.AsyncBaseTransport | None = None) -> PublishError:
    with pytest.raises(PublishError) as caught:
        asyncio.run(daemon.publish(transport))
    return caught.value


# A login that ends on the way


def test_a_login_that_ends_before_any_step_is_renewed_once_and_the_post_goes_on_where_it_was(
    party: Party, tmp_path: Path
) -> None:
    steps = _requests(party, tmp_path)
    for at in range(steps):
        daemon = _daemon(party, tmp_path)

        async def end(far_side: FarSide, request: httpx.Request) -> httpx.Response:
            party.how.end(far_side)
            return await far_side.handle_async_request(request)

        asyncio.run(daemon.publish(Between(daemon.far_side, at, end)))
        _assert_once(daemon)
        assert party.how.renewals(daemon.far_side) == 1
        # What was refused, and what has renewed it: no step was taken twice.
        assert len(daemon.far_side.requests) == steps + 2, f"request {at}"


def test_a_login_that_ends_at_once_is_renewed_before_it_is_used(party: Party, tmp_path: Path) -> None:
    steps = _requests(party, tmp_path)
    daemon = _daemon(party, tmp_path)
    daemon.far_side.clock.set(START + party.how.left - party.how.ahead)
    asyncio.run(daemon.publish())
    _assert_once(daemon)
    assert party.how.is_renewal(daemon.far_side.requests[0])
    assert len(daemon.far_side.requests) == steps + 1


def test_a_new_login_is_durable_before_it_is_used(party: Party, tmp_path: Path) -> None:
    daemon = _daemon(party, tmp_path)
    party.how.end(daemon.far_side)
    used: list[str] = []

    async def note(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        said = f"{request.headers.get('authorization')} {request.url} {await request.aread()!r}"
        stored = daemon.tokens.access_token if daemon.tokens else daemon.session["access_jwt"]
        used.append("stored" if str(stored) in said else "another")
        return await far_side.handle_async_request(request)

    others = Where(daemon.far_side, lambda request: not party.how.is_renewal(request), note, times=100)
    asyncio.run(daemon.publish(others))
    assert set(used) == {"stored"}


# The network has a bad day


def _saying(status: int, text: str = "<html>somebody in between</html>") -> Strike:
    async def strike(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=text, request=request)

    return strike


async def _refuse(_: FarSide, request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


async def _time_out(_: FarSide, request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


_BLIPS = {
    "refused": _refuse,
    "timeout": _time_out,
    **{str(status): _saying(status) for status in (200, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504)},
    "empty": _saying(200, "{}"),
}


@pytest.mark.parametrize("blip", list(_BLIPS.values()), ids=list(_BLIPS))
def test_a_blip_at_a_renewal_disconnects_nobody_and_fails_no_post(
    party: Party, tmp_path: Path, blip: Strike
) -> None:
    daemon = _daemon(party, tmp_path)
    party.how.end(daemon.far_side)
    before = daemon.session, daemon.tokens
    error = _fail(daemon, Where(daemon.far_side, party.how.is_renewal, blip))
    assert type(error) in (Unavailable, RateLimited)
    assert (daemon.session, daemon.tokens) == before
    assert daemon.far_side.public() == []
    daemon.far_side.clock.advance(180)
    asyncio.run(daemon.publish())
    _assert_once(daemon)


# A death between the answer and its commit


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_after_a_death_at_a_renewal_the_post_goes_on_or_a_person_is_asked(
    party: Party, tmp_path: Path, strike: Strike
) -> None:
    daemon = _daemon(party, tmp_path)
    party.how.end(daemon.far_side)
    with pytest.raises(Killed):
        asyncio.run(daemon.publish(Where(daemon.far_side, party.how.is_renewal, strike)))
    if party.how.spent and strike is die_after:
        assert type(_fail(daemon)) is Unauthorized
        assert daemon.far_side.public() == []
        _connect(daemon, party)
    asyncio.run(daemon.recover())
    _assert_once(daemon)


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_a_death_at_any_request_around_a_renewal_leads_to_exactly_one_post(
    party: Party, tmp_path: Path, strike: Strike
) -> None:
    for at in range(_requests(party, tmp_path) + 2):
        daemon = _daemon(party, tmp_path)
        party.how.end(daemon.far_side)
        with pytest.raises(Killed):
            asyncio.run(daemon.publish(Between(daemon.far_side, at, strike)))
        try:
            asyncio.run(daemon.recover())
        except Unauthorized:
            assert party.how.spent
            _connect(daemon, party)
            asyncio.run(daemon.recover())
        _assert_once(daemon)


# Nobody but a person can help


def test_what_the_network_has_taken_back_is_the_account_s_trouble_until_it_is_connected_again(
    party: Party, tmp_path: Path
) -> None:
    daemon = _daemon(party, tmp_path)
    party.how.revoke(daemon.far_side)
    for _ in range(2):
        assert type(_fail(daemon)) is Unauthorized
    assert daemon.far_side.public() == []
    _connect(daemon, party)
    asyncio.run(daemon.publish())
    _assert_once(daemon)


# Those that have none


def test_who_renews_logins_says_how() -> None:
    assert set(RENEWING) == set(_PARTIES)


@pytest.mark.parametrize("key", _LASTING)
def test_a_network_without_logins_that_end_keeps_none_and_asks_for_none(key: str, tmp_path: Path) -> None:
    subject = subjects()[key]
    assert oauth_of(subject.network) is None
    far_side = subject.far_side(FakeClock(START))
    daemon = Daemon(subject, subject.outgoing(media=(picture(tmp_path),)), far_side)
    asyncio.run(subject.network.verify(daemon.outgoing.target, daemon._http(None)))
    before = dict(daemon.session)
    far_side.faults = [Fault.UNAUTHORIZED]
    assert type(_fail(daemon)) is Unauthorized
    assert far_side.is_publishing(far_side.requests[-1], far_side.requests[-1].content), "it asked for more"
    assert (daemon.session, daemon.tokens) == (before, None)
