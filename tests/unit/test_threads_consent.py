"""An account at Threads: connected by a token or by consent, and what is asked of it then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.account import Account
from postbell.errors import Invalid, PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Profile
from postbell.publishing.threads.oauth import OAUTH
from postbell.publishing.web.consent import Client
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.oauth import Request
from postbell.services.accounts import accounts, connecting
from postbell.services.accounts.connecting import Asking
from postbell.testing import FakeClock
from support.consenting_threads import REDIRECT, SECRET, SHORT, VALUES, ConsentingThreads
from support.fake_threads import TOKEN, Refusal
from support.farside import START
from support.threads_collection import path_of
from support.world import World, account_of, build_world


LOOPBACK = "http://127.0.0.1:4711/postbell"
DAY = timedelta(days=1)


@pytest.fixture
def threads() -> ConsentingThreads:
    return ConsentingThreads(FakeClock(START))


@pytest.fixture
def world(tmp_path: Path, threads: ConsentingThreads) -> Iterator[World]:
    with build_world(tmp_path, networks=[], transport=threads) as built:
        built.clock.set(START)
        threads.clock = built.clock
        yield built


def ask(world: World, values: dict[str, str] = VALUES) -> Asking:
    return connecting.ask(
        world.ctx, network="threads", name="bells", server=None, values=values, redirect=LOOPBACK
    )


def connect(world: World, threads: ConsentingThreads) -> Account:
    asking = ask(world)
    consent = connecting.take(world.ctx, asking, threads.consent(asking.url))
    return add(world, VALUES, tokens=consent.tokens)[0]


def add(world: World, values: dict[str, str], **more: Any) -> tuple[Account, Profile | None]:
    return accounts.add_account(
        world.ctx, network="threads", name="bells", server=None, values=values, **more
    )


# By consent


def test_a_person_is_sent_to_threads_and_back_to_an_address_of_the_app(world: World) -> None:
    asking = ask(world)
    assert asking.url.startswith("https://threads.com/oauth/authorize?client_id=990602627938098&")
    assert asking.question.redirect == REDIRECT
    assert SECRET not in asking.url


def test_a_code_becomes_a_token_of_60_days(world: World, threads: ConsentingThreads) -> None:
    bells = connect(world, threads)
    assert bells.handle == "@alice"
    assert (bells.tokens_end_at, bells.renew_at) == (START + 60 * DAY, START + 48 * DAY)
    assert bells.credentials == VALUES
    assert world.ctx.target(bells).tokens


def test_a_token_is_renewed_by_itself_alone(world: World, threads: ConsentingThreads) -> None:
    connect(world, threads)
    world.clock.advance(60 * DAY - timedelta(seconds=30))
    threads.requests.clear()
    accounts.verify_account(world.ctx, "bells")
    renewal, *others = threads.requests
    assert path_of(renewal) == "refresh_access_token"
    assert SECRET not in str(renewal.url)
    assert {each.url.params["access_token"] for each in others} == {f"{TOKEN}-1"}
    bells = account_of(world.store, "bells")
    assert bells.tokens_end_at == world.clock.now() + 60 * DAY


def test_nobody_can_consent_without_an_app(world: World, threads: ConsentingThreads) -> None:
    with pytest.raises(Invalid) as caught:
        ask(world, {"client_id": "99"})
    assert [problem.where for problem in caught.value.problems] == [
        "--secret client_secret",
        "--set redirect_uri",
    ]
    assert threads.requests == []


@pytest.mark.parametrize("address", ["http://example.org/a", "example.org", "https://example.org/#a"])
def test_browsers_come_back_by_https_alone(world: World, address: str) -> None:
    with pytest.raises(Invalid, match="--set redirect_uri: it must begin with https://"):
        ask(world, {**VALUES, "redirect_uri": address})


def test_a_code_that_is_not_taken_is_told_without_it(world: World, threads: ConsentingThreads) -> None:
    asking = ask(world)
    address = threads.consent(asking.url)
    threads.codes.clear()
    with pytest.raises(Rejected, match=r"gave no token for the code\. Begin again") as caught:
        connecting.take(world.ctx, asking, address)
    assert not {"canary-code-1", SECRET} & set(str(caught.value).split())


@pytest.mark.parametrize("said", [{"access_token": TOKEN}, {"access_token": "", "expires_in": 5}])
def test_a_token_that_cannot_be_used_connects_nothing(
    world: World, threads: ConsentingThreads, said: dict[str, Any]
) -> None:
    threads.instead = said
    asking = ask(world)
    with pytest.raises(Unavailable, match="gave no token that can be used"):
        connecting.take(world.ctx, asking, threads.consent(asking.url))


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"error": {"code": 190, "message": SHORT}}, Unauthorized),
        (400, {"error": {"code": 2, "message": SHORT}}, Unavailable),
        (404, {"error": SHORT}, Unavailable),
        (503, {"error": SHORT}, Unavailable),
    ],
)
def test_an_error_is_told_by_its_number_alone(
    status: int, said: dict[str, Any], kind: type[PublishError]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"access_token": SHORT})
        return httpx.Response(status, json=said)

    request = Request(client=Client(id="9", secret=SECRET), redirect=REDIRECT)
    http = Http(Clients(transport=httpx.MockTransport(answer)), FakeClock(START), secrets=[SECRET])
    with pytest.raises(kind) as caught:
        asyncio.run(OAUTH.exchange(request, "code", None, http))
    assert status == 503 or SHORT not in str(caught.value)


def test_a_code_is_asked_for_again_where_threads_is_out_of_order() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(503))
    http = Http(Clients(transport=transport), FakeClock(START), secrets=[SECRET])
    request = Request(client=Client(id="9", secret=SECRET), redirect=REDIRECT)
    with pytest.raises(Unavailable):
        asyncio.run(OAUTH.exchange(request, "code", None, http))


# By a token


def test_of_a_given_token_it_is_asked_how_long_it_lives(world: World) -> None:
    bells, profile = add(world, {"access_token": TOKEN})
    assert profile == Profile(handle="@alice", url="https://www.threads.com/@alice")
    assert (bells.tokens_end_at, bells.renew_at) == (START + 60 * DAY, START + 47 * DAY + DAY * 0.6)
    tokens = world.ctx.target(bells).tokens
    assert tokens
    assert (tokens.access_token, tokens.renews) == (TOKEN, True)


def test_a_given_token_is_renewed_too_and_the_new_one_is_used(
    world: World, threads: ConsentingThreads
) -> None:
    add(world, {"access_token": TOKEN})
    world.clock.advance(60 * DAY - timedelta(seconds=30))
    for _ in range(2):
        accounts.verify_account(world.ctx, "bells")
        assert threads.requests[-1].url.params["access_token"] == f"{TOKEN}-1"


def test_a_token_that_is_not_asked_about_is_used_as_it_is(world: World, threads: ConsentingThreads) -> None:
    bells, _ = add(world, {"access_token": TOKEN}, verify=False)
    assert bells.tokens_end_at is None
    accounts.verify_account(world.ctx, "bells")
    assert account_of(world.store, "bells").tokens_end_at == START + 60 * DAY
    assert threads.requests[0].url.params["access_token"] == TOKEN


def test_another_token_takes_the_place_of_the_first(world: World, threads: ConsentingThreads) -> None:
    add(world, {"access_token": TOKEN})
    threads.tokens["other"] = (START, START + 30 * DAY)
    accounts.reconnect_account(world.ctx, "bells", server=None, values={"access_token": "other"})
    bells = account_of(world.store, "bells")
    assert bells.tokens_end_at == START + 30 * DAY
    assert world.ctx.target(bells).tokens.access_token == "other"  # type: ignore[union-attr]


def test_a_token_of_an_hour_is_told(world: World, threads: ConsentingThreads) -> None:
    threads.tokens["short"] = (START, START + timedelta(hours=1))
    bells, profile = add(world, {"access_token": "short"})
    assert profile
    assert profile.notes == ("The token ends at 2026-11-23 10:00:00Z: give one that lives 60 days.",)
    assert (bells.tokens_end_at, bells.renew_at) == (START + timedelta(hours=1), None)


def test_who_may_not_ask_about_the_token_is_told(world: World, threads: ConsentingThreads) -> None:
    threads.is_tester = False
    _, profile = add(world, {"access_token": TOKEN})
    assert profile
    assert profile.notes == ("When the token ends is not known: check the account again later.",)


@pytest.mark.parametrize("said", [{}, {"expires_at": 0}, {"expires_at": "soon"}])
def test_a_token_of_which_nothing_is_said_is_used_as_it_is(
    world: World, threads: ConsentingThreads, said: dict[str, Any]
) -> None:
    threads._debug = lambda asked: {"data": said}  # type: ignore[method-assign]
    bells, _ = add(world, {"access_token": TOKEN})
    assert bells.tokens_end_at is None


def test_a_token_that_does_not_say_when_it_was_made_was_made_now(
    world: World, threads: ConsentingThreads
) -> None:
    ends = int((START + 10 * DAY).timestamp())
    threads._debug = lambda asked: {"data": {"expires_at": ends}}  # type: ignore[method-assign]
    bells, _ = add(world, {"access_token": TOKEN})
    assert bells.renew_at == START + 8 * DAY


def test_who_may_not_ask_about_a_consent_is_told_nothing(world: World, threads: ConsentingThreads) -> None:
    threads.is_tester = False
    connect(world, threads)
    assert accounts.verify_account(world.ctx, "bells").notes == ()


def test_a_token_that_is_not_accepted_connects_nothing(world: World) -> None:
    with pytest.raises(Unauthorized, match="Account bells: Threads answered 401"):
        add(world, {"access_token": "wrong"})
    assert accounts.list_accounts(world.ctx) == []


# What is said of it


def test_rights_that_are_missing_are_told_with_what_they_are_for(
    world: World, threads: ConsentingThreads
) -> None:
    for right in ("threads_delete", "threads_manage_replies"):
        threads.rights.remove(right)
    _, profile = add(world, {"access_token": TOKEN})
    assert profile
    assert profile.notes == (
        "The login lacks threads_manage_replies: threads and first comments will fail.",
        "The login lacks threads_delete: posts cannot be taken away.",
    )


def test_what_an_account_may_post_is_kept_and_told_where_it_is_scarce(
    world: World, threads: ConsentingThreads
) -> None:
    threads.most = 10
    bells, profile = add(world, {"access_token": TOKEN})
    assert profile
    assert profile.notes == ()
    assert world.ctx.network_of(bells).limits.quotas[0].most == 10
    for number in range(8):
        threads.write(f"Post {number}")
    assert accounts.verify_account(world.ctx, "bells").notes == (
        "8 of the 10 posts that it may publish within 24 hours are used.",
    )


@pytest.mark.parametrize("said", [{"data": []}, {"data": [{"quota_usage": 1}]}, {"data": [{"config": 3}]}])
def test_a_quota_that_is_none_is_passed_over(
    world: World, threads: ConsentingThreads, said: dict[str, Any]
) -> None:
    threads._quota = lambda asked: said  # type: ignore[method-assign]
    bells, _ = add(world, {"access_token": TOKEN})
    assert world.ctx.network_of(bells).limits.quotas[0].most == 250


def test_a_limit_of_calls_keeps_nobody_from_connecting(world: World, threads: ConsentingThreads) -> None:
    def limited(_asked: Mapping[str, str]) -> dict[str, Any]:
        raise Refusal(4, "Application request limit reached")

    threads._quota = threads._debug = limited  # type: ignore[method-assign, assignment]
    bells, _ = add(world, {"access_token": TOKEN})
    assert bells.handle == "@alice"
