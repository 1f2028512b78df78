"""An account at Mastodon that a person connects in the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postbell.domain.account import Health
from postbell.errors import Invalid, Rejected, Unauthorized, Unavailable
from postbell.services.accounts import accounts, connecting
from postbell.services.accounts.connecting import Asking, Consent
from support.consenting_mastodon import CLIENT, SECRET, ConsentingMastodon
from support.fake_mastodon import SERVER, TOKEN
from support.world import World, account_of, build_world


REDIRECT = "http://127.0.0.1:4711/postbell"
LEAST = "read:accounts read:search read:statuses write:media write:statuses"


@pytest.fixture
def mastodon() -> ConsentingMastodon:
    return ConsentingMastodon()


@pytest.fixture
def world(tmp_path: Path, mastodon: ConsentingMastodon) -> Iterator[World]:
    with build_world(tmp_path, networks=[], transport=mastodon) as built:
        yield built


def ask(world: World, name: str = "toots", server: str | None = SERVER) -> Asking:
    return connecting.ask(
        world.ctx, network="mastodon", name=name, server=server, values={}, redirect=REDIRECT
    )


def consent(world: World, mastodon: ConsentingMastodon) -> Consent:
    asking = ask(world)
    return connecting.take(world.ctx, asking, mastodon.consent(asking.url))


def connect(world: World, mastodon: ConsentingMastodon) -> None:
    found = consent(world, mastodon)
    accounts.add_account(
        world.ctx, network="mastodon", name="toots", server=SERVER, values=found.values, tokens=found.tokens
    )


def test_postbell_is_made_known_with_the_least_that_it_needs(
    world: World, mastodon: ConsentingMastodon
) -> None:
    asking = ask(world)
    assert mastodon.apps == [{"redirect_uris": [REDIRECT], "scopes": LEAST}]
    assert asking.url.startswith(f"{SERVER}/oauth/authorize?")
    assert SECRET not in asking.url


def test_pixelfed_knows_only_coarse_scopes(world: World, mastodon: ConsentingMastodon) -> None:
    mastodon.fake.kind = "pixelfed"
    ask(world)
    assert mastodon.apps[0]["scopes"] == "read write"


def test_who_has_consented_publishes_by_that_and_the_token_does_not_end(
    world: World, mastodon: ConsentingMastodon
) -> None:
    connect(world, mastodon)
    toots = account_of(world.store, "toots")
    assert (toots.handle, toots.tokens_end_at, toots.renew_at) == ("@alice@mastodon.example", None, None)
    assert toots.credentials == {"client_id": CLIENT, "client_secret": SECRET}
    assert accounts.verify_account(world.ctx, "toots").handle == "@alice@mastodon.example"
    assert accounts.visible_values(world.ctx, toots) == {"client_id": CLIENT, "client_secret": "***"}


def test_a_token_that_ends_as_at_pleroma_is_traded_in(world: World, mastodon: ConsentingMastodon) -> None:
    mastodon.lives, mastodon.refresh = 600, "canary-refresh"
    connect(world, mastodon)
    world.clock.advance(account_of(world.store, "toots").tokens_end_at - world.clock.now())  # type: ignore[operator]
    mastodon.asked.clear()
    accounts.verify_account(world.ctx, "toots")
    assert mastodon.asked[:2] == ["POST /oauth/token", "GET /api/v1/accounts/verify_credentials"]


def test_a_code_that_the_server_does_not_take_connects_nothing(
    world: World, mastodon: ConsentingMastodon
) -> None:
    asking = ask(world)
    address = mastodon.consent(asking.url)
    mastodon.codes.clear()
    with pytest.raises(Unauthorized, match=r"Account toots: mastodon\.example does not accept"):
        connecting.take(world.ctx, asking, address)


def test_the_answer_to_an_older_question_is_not_taken(world: World, mastodon: ConsentingMastodon) -> None:
    address = mastodon.consent(ask(world).url)
    with pytest.raises(Rejected, match="begin again"):
        connecting.take(world.ctx, ask(world), address)


def test_a_wrong_name_or_server_is_told_before_anybody_is_asked(
    world: World, mastodon: ConsentingMastodon
) -> None:
    with pytest.raises(Invalid) as caught:
        ask(world, name="a b", server=None)
    assert [problem.where for problem in caught.value.problems] == ["--name", "--server"]
    with pytest.raises(Unauthorized, match="needs an address with https"):
        ask(world, server="http://mastodon.example")
    assert mastodon.asked == []


def test_a_server_that_is_down_is_told(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(503))
    with build_world(tmp_path, networks=[], transport=transport) as world, pytest.raises(Unavailable):
        ask(world)


def test_without_a_token_or_a_consent_it_says_how_to_give_either(world: World) -> None:
    with pytest.raises(Invalid, match="--secret access_token: give it; or leave it out at a terminal"):
        accounts.add_account(world.ctx, network="mastodon", name="toots", server=SERVER, values={})


def test_a_pasted_token_still_does(world: World, mastodon: ConsentingMastodon) -> None:
    accounts.add_account(
        world.ctx, network="mastodon", name="toots", server=SERVER, values={"access_token": TOKEN}
    )
    assert "POST /oauth/token" not in mastodon.asked
    assert account_of(world.store, "toots").tokens == {}


def test_a_consent_takes_the_place_of_a_pasted_token(world: World, mastodon: ConsentingMastodon) -> None:
    values = {"access_token": TOKEN}
    accounts.add_account(world.ctx, network="mastodon", name="toots", server=SERVER, values=values)
    found = consent(world, mastodon)
    accounts.reconnect_account(world.ctx, "toots", server=None, values=found.values, tokens=found.tokens)
    toots = account_of(world.store, "toots")
    assert toots.credentials == {"client_id": CLIENT, "client_secret": SECRET}
    assert toots.tokens != {}


def test_a_pasted_token_takes_the_place_of_a_consent(world: World, mastodon: ConsentingMastodon) -> None:
    connect(world, mastodon)
    accounts.reconnect_account(world.ctx, "toots", server=None, values={"access_token": TOKEN})
    assert account_of(world.store, "toots").tokens == {}


def test_a_consent_stays_where_something_else_is_changed(world: World, mastodon: ConsentingMastodon) -> None:
    connect(world, mastodon)
    before = account_of(world.store, "toots")
    accounts.reconnect_account(world.ctx, "toots", server=f"{SERVER}/", values={})
    after = account_of(world.store, "toots")
    assert (after.tokens, after.session, after.health) == (before.tokens, before.session, Health.OK)


def test_a_removed_account_keeps_no_token(world: World, mastodon: ConsentingMastodon) -> None:
    connect(world, mastodon)
    accounts.remove_account(world.ctx, "toots")
    world.app.close()
    stored = (world.app.places.database).read_bytes()
    assert json.dumps(TOKEN).encode() not in stored or b'"tokens"' not in stored
