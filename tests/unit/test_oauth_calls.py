"""Requests as an account that is connected by OAuth: which token they go with, and when it is traded in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.oauth import OAuth, call_as, renewed
from postbell.testing import FakeClock
from support.oauth import HOUR, OAUTH, OLD, SERVER, START, Keeper, form_of, http_over, target


class Far:
    """A server that gives out tokens and takes requests, and notes what it was asked, in its order."""

    def __init__(self, *said: Any, done: list[str] | None = None) -> None:
        self.said = list(said)
        self.done = [] if done is None else done
        self.good = {"old-access"}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.done.append(f"renew {form_of(request)['refresh_token']}")
            said = self.said.pop(0) if self.said else {"access_token": "new", "refresh_token": "next"}
            if isinstance(said, int):
                return httpx.Response(said)
            if "error" in said:
                return httpx.Response(400, json=said)
            self.good = {said["access_token"]}
            return httpx.Response(200, json={"expires_in": 3600, **said})
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.done.append(f"asked with {token}")
        return httpx.Response(200 if token in self.good else 401, json={})


def ask(http: Http, oauth: OAuth = OAUTH) -> Answer:
    async def send(token: str) -> Answer:
        return await http.request("GET", f"{SERVER}/me", headers={"authorization": f"Bearer {token}"})

    return asyncio.run(call_as(oauth, target(), http, send))


def late(minutes: float) -> FakeClock:
    return FakeClock(START + timedelta(minutes=minutes))


def test_a_token_that_lasts_is_used_as_it_is() -> None:
    far = Far()
    ask(http_over(far, clock=late(58)))
    endless = replace(OLD, ends_at=None)
    ask(http_over(far, tokens=endless, clock=late(10_000)))
    assert far.done == ["asked with old-access"] * 2


def test_a_token_that_ends_at_once_is_traded_in_and_stored_before_the_new_one_is_used() -> None:
    keeper = Keeper()
    far = Far(done=keeper.done)
    ask(http_over(far, keeper=keeper, clock=late(59.5)))
    assert keeper.done == ["renew canary-refresh", "stored new", "asked with new"]
    assert keeper.stored is not None
    assert keeper.stored.refresh_token == "next"


@pytest.mark.parametrize("refresh", [{}, {"refresh_token": ""}, {"refresh_token": None}])
def test_an_empty_refresh_token_never_takes_the_place_of_one(refresh: dict[str, Any]) -> None:
    keeper = Keeper()
    ask(http_over(Far({"access_token": "new", **refresh}), keeper=keeper, clock=late(61)))
    assert keeper.stored is not None
    assert (keeper.stored.access_token, keeper.stored.refresh_token) == ("new", "canary-refresh")
    assert keeper.stored.renews


def test_a_token_that_was_taken_back_is_traded_in_once() -> None:
    far = Far()
    far.good = set()
    ask(http_over(far, keeper=Keeper(), clock=late(30)))
    assert far.done == ["asked with old-access", "renew canary-refresh", "asked with new"]


def test_a_new_token_that_is_refused_too_is_a_refusal() -> None:
    keeper = Keeper()

    def answer(request: httpx.Request) -> httpx.Response:
        return Far()(request) if request.url.path == "/token" else httpx.Response(401)

    with pytest.raises(Unauthorized):
        ask(http_over(answer, keeper=keeper, clock=late(30)))
    assert keeper.done == ["stored new"]


@pytest.mark.parametrize("minutes", [59.5, 61])
def test_what_was_renewed_for_a_request_and_is_refused_is_not_renewed_once_more(minutes: float) -> None:
    far = Far()

    def answer(request: httpx.Request) -> httpx.Response:
        return far(request) if request.url.path == "/token" else httpx.Response(401)

    with pytest.raises(Unauthorized):
        ask(http_over(answer, keeper=Keeper(), clock=late(minutes)))
    assert far.done == ["renew canary-refresh"]


def test_a_new_token_that_is_refused_gives_way_to_one_that_is_stored_meanwhile() -> None:
    keeper, far = Keeper(), Far()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/token" and not far.done[1:]:
            keeper.stored, far.good = replace(OLD, access_token="theirs"), {"theirs"}
        return far(request)

    ask(http_over(answer, keeper=keeper, clock=late(61)))
    assert far.done == ["renew canary-refresh", "asked with new", "asked with theirs"]


def test_a_refusal_of_what_nothing_renews_stays_one() -> None:
    far = Far()
    far.good = set()
    with pytest.raises(Unauthorized):
        ask(http_over(far, tokens=replace(OLD, renews=False)))
    assert far.done == ["asked with old-access"]


def test_a_refusal_of_what_a_person_has_replaced_meanwhile_is_none() -> None:
    keeper, far = Keeper(replace(OLD, renews=False)), Far()

    def answer(request: httpx.Request) -> httpx.Response:
        keeper.stored = replace(OLD, renews=False, access_token="consented")
        far.good = {"consented"}
        return far(request)

    ask(http_over(answer, tokens=replace(OLD, renews=False), keeper=keeper))
    assert far.done == ["asked with old-access", "asked with consented"]


def test_without_a_consent_nobody_is_asked() -> None:
    far = Far()
    with pytest.raises(Unauthorized, match="nobody has consented yet"):
        ask(http_over(far, tokens=None))
    assert far.done == []


def test_what_nothing_renews_is_used_to_its_end_and_then_said_to_have_ended() -> None:
    far, old = Far(), replace(OLD, renews=False)
    ask(http_over(far, tokens=old, clock=late(59.5)))
    with pytest.raises(Unauthorized, match=r"its login has ended .* does not renew it"):
        ask(http_over(far, tokens=old, clock=late(60)))
    assert far.done == ["asked with old-access"]


@pytest.mark.parametrize("trouble", [500, 429])
def test_while_it_lives_a_token_is_used_though_it_cannot_be_renewed(trouble: int) -> None:
    far = Far(trouble)
    ask(http_over(far, keeper=Keeper(), clock=late(59.5)))
    assert far.done == ["renew canary-refresh", "asked with old-access"]


@pytest.mark.parametrize(("trouble", "kind"), [(500, Unavailable), (429, RateLimited)])
def test_when_it_has_ended_nothing_is_sent_before_there_is_another(
    trouble: int, kind: type[PublishError]
) -> None:
    far = Far(trouble)
    with pytest.raises(kind):
        ask(http_over(far, keeper=Keeper(), clock=late(61)))
    assert far.done == ["renew canary-refresh"]


def test_what_somebody_else_has_traded_in_is_taken_without_asking() -> None:
    keeper = Keeper(replace(OLD, access_token="theirs", ends_at=START + 3 * HOUR))
    far = Far()
    far.good = {"theirs"}
    ask(http_over(far, keeper=keeper, clock=late(61)))
    assert far.done == ["asked with theirs"]


def test_a_spent_refresh_token_that_nobody_has_traded_in_is_the_end() -> None:
    with pytest.raises(Unauthorized, match="invalid_grant"):
        ask(http_over(Far({"error": "invalid_grant"}), keeper=Keeper(), clock=late(61)))


def test_many_tasks_of_an_account_trade_in_once() -> None:
    keeper, far, clock = Keeper(), Far(), late(61)
    clients = Clients(transport=httpx.MockTransport(far))

    async def both() -> None:
        https = [Http(clients, clock, account="ann", tokens=OLD, keeper=keeper) for _ in range(10)]
        await asyncio.gather(*(renewed(OAUTH, target(), http, OLD) for http in https))
        assert {http.tokens and http.tokens.access_token for http in https} == {"new"}

    asyncio.run(both())
    assert far.done == ["renew canary-refresh"]


def test_tokens_can_be_kept_without_a_store() -> None:
    http = http_over(Far(), clock=late(61))
    ask(http)
    assert http.tokens is not None
    assert http.tokens.access_token == "new"


def test_errors_show_no_token() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(418, text="I was given old-access and canary-refresh")

    with pytest.raises(Rejected) as caught:
        ask(http_over(answer))
    assert "I was given *** and ***" in str(caught.value)
