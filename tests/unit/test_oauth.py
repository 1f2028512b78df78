"""OAuth 2.0 as Postbell speaks it: the request for consent, tokens, and what their giver says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from postbell.errors import RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.web.consent import Client, client_of, oauth_of
from postbell.publishing.web.oauth import OAuth, Request
from postbell.publishing.web.tokens import Tokens, tokens_of
from postbell.testing import FakeNetwork
from support.oauth import ASKED, CLIENT, HOUR, OAUTH, OLD, SERVER, START, form_of, http_over, target


def giving(said: Any, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, json=said)


def exchange(answer: Callable[[httpx.Request], httpx.Response], oauth: OAuth = OAUTH) -> Tokens:
    return asyncio.run(oauth.exchange(ASKED, "canary-code", SERVER, http_over(answer, tokens=None)))


def test_a_person_is_asked_for_the_least_with_a_state_and_a_challenge() -> None:
    address = urlsplit(OAUTH.consent(ASKED, SERVER))
    query = {name: value for name, (value,) in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{SERVER}/authorize"
    digest = hashlib.sha256(ASKED.verifier.encode()).digest()
    assert query == {
        "response_type": "code",
        "client_id": "postbell",
        "redirect_uri": "http://127.0.0.1:4711/postbell",
        "scope": "read write",
        "state": ASKED.state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }


def test_the_challenge_is_that_of_rfc_7636() -> None:
    request = replace(ASKED, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert request.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_every_request_has_a_state_and_a_verifier_of_its_own() -> None:
    other = Request(client=CLIENT, redirect=ASKED.redirect)
    assert other.state != ASKED.state
    assert other.verifier != ASKED.verifier
    assert 43 <= len(other.verifier) <= 128
    assert "verifier" not in repr(other)
    assert (other.hidden, other.typed) == ((other.verifier, CLIENT.secret), False)


def test_what_the_client_may_ask_for_counts_and_an_address_may_be_whole() -> None:
    oauth = replace(OAUTH, authorize="https://login.example/a", separator=",")
    request = replace(ASKED, client=Client(id="x", scopes=("one", "two")))
    address = oauth.consent(request, None)
    assert address.startswith("https://login.example/a?")
    assert "scope=one%2Ctwo" in address


def test_no_secret_goes_out_in_clear() -> None:
    with pytest.raises(Unauthorized, match="needs an address with https"):
        OAUTH.consent(ASKED, "http://bell.example")


def test_the_code_is_read_from_where_the_browser_was_sent_back_to() -> None:
    assert ASKED.read(f" {ASKED.redirect}?state={ASKED.state}&code=a%2Fb \n") == "a/b"


@pytest.mark.parametrize("query", ["", "code=a", "state=other&code=a", "state=%C3%A9&code=a"])
def test_the_answer_to_another_request_is_not_taken(query: str) -> None:
    with pytest.raises(Rejected, match="not the address that the browser was sent back to"):
        ASKED.read(f"{ASKED.redirect}?{query}")


def test_what_is_no_address_is_not_taken() -> None:
    with pytest.raises(Rejected, match="begin again"):
        ASKED.read("http://[")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("error=access_denied", "access_denied"),
        ("error=x&error_description=He+said+no", "He said no"),
        ("nothing=1", "no code came back"),
    ],
)
def test_a_person_may_say_no(query: str, why: str) -> None:
    with pytest.raises(Rejected, match=f"the network did not consent: {why}"):
        ASKED.read(f"{ASKED.redirect}?state={ASKED.state}&{query}")


def test_a_code_is_exchanged_with_its_verifier() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        said = {"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"}
        return httpx.Response(200, json=said)

    tokens = exchange(answer)
    assert tokens == Tokens(
        access_token="a", refresh_token="r", issued_at=START, ends_at=START + HOUR, renews=True
    )
    assert form_of(seen[0]) == {
        "grant_type": "authorization_code",
        "code": "canary-code",
        "redirect_uri": ASKED.redirect,
        "code_verifier": ASKED.verifier,
        "client_id": "postbell",
        "client_secret": "canary-client",
    }


def test_a_client_without_a_secret_has_its_verifier_alone() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "a"})

    request = replace(ASKED, client=Client(id="public"))
    asyncio.run(OAUTH.exchange(request, "c", SERVER, http_over(answer, tokens=None)))
    assert "client_secret" not in form_of(seen[0])


def test_a_client_may_prove_itself_in_a_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "a"})

    request = replace(ASKED, client=Client(id="a b", secret="c:d"))
    asyncio.run(replace(OAUTH, basic=True).exchange(request, "c", SERVER, http_over(answer, tokens=None)))
    assert seen[0].headers["authorization"] == f"Basic {base64.b64encode(b'a+b:c%3Ad').decode()}"
    assert "client_id" not in form_of(seen[0])


@pytest.mark.parametrize(
    ("expires_in", "span"),
    [
        *((60, 60), ("60", 60), (None, None), (0, None), (-5, None), ("soon", None), ([], None)),
        *((1e30, None), (10**400, None)),
    ],
    ids=lambda value: str(value)[:9],
)
def test_how_long_a_token_lives_is_read_as_networks_write_it(expires_in: Any, span: float | None) -> None:
    tokens = exchange(giving({"access_token": "a", "refresh_token": "r", "expires_in": expires_in}))
    assert tokens.ends_at == (START + timedelta(seconds=span) if span else None)
    assert tokens.renew_at == (START + timedelta(seconds=span * 0.8) if span else None)


def test_a_token_that_nothing_renews_has_no_time_for_that() -> None:
    tokens = exchange(giving({"access_token": "a", "expires_in": 60, "refresh_token": None}))
    assert (tokens.renews, tokens.renew_at) == (False, None)
    assert tokens.ends_at is not None


@pytest.mark.parametrize("said", [{"access_token": ""}, {"access_token": "a", "token_type": "mac"}, {}, []])
def test_an_answer_without_a_token_that_can_be_used_is_none(said: Any) -> None:
    with pytest.raises(Unavailable):
        exchange(giving(said))


@pytest.mark.parametrize("name", ["invalid_grant", "invalid_client", "unauthorized_client"])
def test_that_the_login_has_ended_is_said_by_its_name(name: str) -> None:
    described = {"error": name, "error_description": "canary-code canary-refresh"}
    with pytest.raises(
        Unauthorized, match=f"bell.example does not accept the login any more \\({name}\\)"
    ) as e:
        exchange(giving(described, 400))
    assert "canary" not in str(e.value)


@pytest.mark.parametrize(
    "answer",
    [
        giving({"error": "temporarily_unavailable"}, 400),
        giving({"error": "inv<alid" + "x" * 60}, 401),
        giving({"error": "invalid_grant"}, 500),
        giving({"error": "invalid_grant"}, 404),
        giving({"error": {"message": "canary-code"}}, 400),
        lambda _request: httpx.Response(400, text="<html>invalid_grant canary-code</html>"),
        lambda _request: httpx.Response(302, headers={"location": "https://other.example/canary-code"}),
        lambda _request: httpx.Response(503, text=f"canary-code {ASKED.verifier} canary-client"),
    ],
)
def test_whatever_else_is_answered_disconnects_nobody_and_shows_no_secret(
    answer: Callable[[httpx.Request], httpx.Response],
) -> None:
    with pytest.raises(Unavailable) as caught:
        exchange(answer)
    assert "canary" not in str(caught.value)
    assert ASKED.verifier not in str(caught.value)
    assert "<" not in str(caught.value)


def test_who_gives_out_tokens_may_ask_to_wait() -> None:
    with pytest.raises(RateLimited):
        exchange(giving({"error": "slow_down"}, 429))


def test_a_network_says_of_itself_whether_it_is_connected_so() -> None:
    assert oauth_of(FakeNetwork()) is None


def test_where_the_user_has_registered_postbell_the_credentials_say_how() -> None:
    assert asyncio.run(OAUTH.client(target(), "x", http_over(giving({})))) == CLIENT
    public = replace(target(), credentials=SimpleNamespace(client_id="public"))
    assert client_of(public) == Client(id="public")


def test_what_is_stored_of_tokens_is_read_back() -> None:
    assert tokens_of(json.loads(json.dumps(OLD.values()))) == OLD
    endless = Tokens(access_token="a", issued_at=START)
    assert tokens_of(endless.values()) == endless
    assert tokens_of({}) is None
    assert "canary" not in repr(OLD)
