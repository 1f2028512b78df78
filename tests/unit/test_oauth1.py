"""OAuth 1.0a as Postbell speaks it: what is signed and how, and the way to a token."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Target
from postbell.publishing.web.consent import Client
from postbell.publishing.web.oauth1 import (
    OUT_OF_BAND,
    OAuth1,
    SignedCredentials,
    Signer,
    Temporary,
    call_signed,
)
from postbell.publishing.web.tokens import Tokens, tokens_of
from support.oauth import SERVER, START, Keeper, http_over, said_in


OAUTH = OAuth1(request="/initiate", authorize="/authorize", token="/token")
REDIRECT = "http://127.0.0.1:4711/postbell"
HELD = Tokens(access_token="canary-token", secret="canary-signing", issued_at=START)
ASKED = Temporary(
    client=Client(id="postbell", secret="canary-client"),
    redirect=REDIRECT,
    state="temporary-1",
    secret="canary-temporary",
)


def target(**more: str) -> Target:
    values = {"client_id": "postbell", "client_secret": "canary-client", **more}
    return Target(name="ann", server=SERVER, credentials=SignedCredentials.model_validate(values))


def answering(status: int, text: str = "", seen: list[httpx.Request] | None = None) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, text=text)

    return answer


# The way to a token


def begin(answer: Callable[[httpx.Request], httpx.Response], oauth: OAuth1 = OAUTH) -> Temporary:
    return asyncio.run(oauth.begin(target(), REDIRECT, http_over(answer, tokens=None)))


def exchange(answer: Callable[[httpx.Request], httpx.Response]) -> Tokens:
    return asyncio.run(OAUTH.exchange(ASKED, "canary-code", SERVER, http_over(answer, tokens=None)))


GIVEN = "oauth_token=hh5s+93&oauth_token_secret=canary-temporary&oauth_callback_confirmed=true"


def test_temporary_credentials_are_asked_for_with_where_the_browser_comes_back_to() -> None:
    seen: list[httpx.Request] = []
    question = begin(answering(200, GIVEN, seen))
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("POST", f"{SERVER}/initiate", b"")
    said = said_in(request)
    assert (said["oauth_consumer_key"], said["oauth_callback"]) == ("postbell", REDIRECT)
    assert "oauth_token" not in said
    assert (question.state, question.secret, question.redirect) == ("hh5s 93", "canary-temporary", REDIRECT)


def test_a_person_is_sent_to_the_network_with_the_temporary_token() -> None:
    address = OAUTH.consent(replace(ASKED, state="a b&c"), SERVER)
    assert address == f"{SERVER}/authorize?oauth_token=a+b%26c"
    with_query = replace(OAUTH, authorize="https://other.example/allow?app=7")
    assert with_query.consent(ASKED, SERVER) == "https://other.example/allow?app=7&oauth_token=temporary-1"


def test_the_code_is_read_from_where_the_browser_was_sent_back_to() -> None:
    assert ASKED.read(f"{REDIRECT}?oauth_token=temporary-1&oauth_verifier=abc\n") == "abc"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"{REDIRECT}?oauth_token=temporary-2&oauth_verifier=abc", "that is not the address"),
        (f"{REDIRECT}?oauth_verifier=abc", "that is not the address"),
        ("12345", "that is not the address"),
        (f"{REDIRECT}?oauth_token=temporary-1", "did not consent: no code came back"),
    ],
)
def test_what_is_no_answer_to_this_is_not_taken(said: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        ASKED.read(said)


def test_a_code_that_the_network_shows_is_typed() -> None:
    shown = replace(ASKED, redirect=OUT_OF_BAND)
    assert (shown.typed, ASKED.typed) == (True, False)
    assert shown.read(" 7654321 \n") == "7654321"
    assert replace(OAUTH, redirect=OUT_OF_BAND).back(target(), REDIRECT) == OUT_OF_BAND


def test_a_code_is_exchanged_for_a_token_that_does_not_end() -> None:
    seen: list[httpx.Request] = []
    tokens = exchange(
        answering(200, "oauth_token=canary-token&oauth_token_secret=canary-signing&name=ann", seen)
    )
    said = said_in(seen[0])
    assert (said["oauth_token"], said["oauth_verifier"]) == ("temporary-1", "canary-code")
    assert tokens == HELD
    assert (tokens.ends_at, tokens.renews, tokens.renew_at) == (None, False, None)
    assert tokens_of(tokens.values()) == HELD


def test_what_speaks_the_unsafe_version_before_it_is_not_used() -> None:
    with pytest.raises(Unavailable, match="not safe"):
        begin(answering(200, "oauth_token=a&oauth_token_secret=b"))


@pytest.mark.parametrize("text", ["", "oauth_token=a", "oauth_token=&oauth_token_secret=b", "<html>sorry"])
def test_an_answer_without_a_token_that_can_be_used_is_none(text: str) -> None:
    with pytest.raises(Unavailable, match=r"bell\.example gave no token that can be used"):
        exchange(answering(200, text))


@pytest.mark.parametrize(
    ("status", "first", "second"),
    [
        (401, Unauthorized, Rejected),
        (403, Unauthorized, Rejected),
        (400, Unauthorized, Rejected),
        (429, RateLimited, RateLimited),
        (503, Unavailable, Unavailable),
        (500, Unavailable, Unavailable),
    ],
)
def test_what_the_network_refuses_is_told_without_a_secret(
    status: int, first: type[PublishError], second: type[PublishError]
) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=f"you said {request.headers['authorization']}, canary-client")

    for work, kind in ((begin, first), (exchange, second)):
        with pytest.raises(PublishError) as caught:
            work(echo)
        assert type(caught.value) is kind
        assert "canary" not in str(caught.value)


def test_no_secret_goes_out_in_clear() -> None:
    with pytest.raises(Unauthorized, match="https"):
        begin(answering(200), replace(OAUTH, request="http://bell.example/initiate"))


def test_no_secret_shows_where_a_value_is_printed() -> None:
    signer = Signer(client=ASKED.client, token="canary-token", secret="canary-signing", now=START)
    assert "canary" not in f"{signer} {ASKED} {HELD} {target().credentials}"
    assert ASKED.hidden == ("canary-temporary", "canary-client")


# Calls as the account


def call(answer: Any, where: Target, tokens: Tokens | None = HELD, keeper: Keeper | None = None) -> None:
    http = http_over(answer, tokens=tokens, keeper=keeper)
    how: dict[str, Any] = {"json": {"text": "Hello"}, "params": {"a": "b c"}}
    asyncio.run(call_signed(OAUTH, where, http, "POST", "/posts", **how))


def test_requests_are_signed_with_what_a_person_has_consented_to() -> None:
    seen: list[httpx.Request] = []
    call(answering(200, "{}", seen), target())
    assert said_in(seen[0])["oauth_token"] == "canary-token"
    assert parse_qs(urlsplit(str(seen[0].url)).query) == {"a": ["b c"]}


def test_a_token_that_was_given_is_used_as_it_is() -> None:
    seen: list[httpx.Request] = []
    call(answering(200, "{}", seen), target(access_token="mine", token_secret="canary-mine"), None)
    assert said_in(seen[0])["oauth_token"] == "mine"


@pytest.mark.parametrize("half", ["access_token", "token_secret"])
def test_a_token_without_its_secret_is_none(half: str) -> None:
    with pytest.raises(ValidationError, match="give both, or neither"):
        target(**{half: "canary-half"})


def test_a_refused_token_is_the_account_s_trouble() -> None:
    with pytest.raises(Unauthorized):
        call(answering(401, "no"), target(), keeper=Keeper(stored=HELD))
    with pytest.raises(Unauthorized, match="nobody has consented yet"):
        call(answering(200), target(), None)


def test_a_token_that_a_person_has_replaced_meanwhile_is_used_instead() -> None:
    seen: list[httpx.Request] = []
    new = replace(HELD, access_token="new-token", secret="new-signing")

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200 if said_in(request)["oauth_token"] == "new-token" else 401)

    call(answer, target(), keeper=Keeper(stored=new))
    assert [said_in(request)["oauth_token"] for request in seen] == ["canary-token", "new-token"]


def test_nothing_renews_a_token() -> None:
    with pytest.raises(Unauthorized, match="connect it again"):
        asyncio.run(OAUTH.renew(HELD, target(), http_over(answering(200))))


def test_nothing_of_it_is_loaded_where_no_network_is_connected_so() -> None:
    tell = (
        "import sys; from postbell.publishing import registry; import postbell.daemon, postbell.cli.accounts;"
        "import postbell.services.accounts.connecting; [registry.get(key) for key in registry.keys()];"
        "print('postbell.publishing.web.oauth1' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", tell], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"
