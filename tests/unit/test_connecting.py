"""Accounts whose network the user has made Postbell known to beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lab.networks.lab_consent import network
from postbell.errors import Invalid, Unavailable
from postbell.publishing.protocol import Network
from postbell.services.accounts import accounts, connecting
from postbell.services.sending.kept import keep_tokens
from postbell.services.upkeep.doctor import doctor
from postbell.testing import FakeNetwork
from support.oauth import OLD
from support.world import World, account_of, build_world


SERVER = "https://bell.example"
VALUES = {"client_id": "postbell", "client_secret": "canary-client"}
REDIRECT = "http://127.0.0.1:4711/postbell"


class Registered(type(network)):  # type: ignore[misc]
    """One that was told where the browser is sent back to."""

    oauth = replace(network.oauth, redirect="https://me.example/back")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/me":
            return httpx.Response(200, json={"name": "alice"})
        return httpx.Response(500, text=f"{request.content.decode()} {request.headers}")

    networks = [cast("Network", network)]
    with build_world(tmp_path, networks=networks, transport=httpx.MockTransport(answer)) as built:
        yield built


def ask(world: World, values: dict[str, str]) -> connecting.Asking:
    return connecting.ask(
        world.ctx, network="lab_consent", name="ann", server=SERVER, values=values, redirect=REDIRECT
    )


def query_of(asking: connecting.Asking) -> dict[str, Any]:
    return {name: value for name, (value,) in parse_qs(urlsplit(asking.url).query).items()}


def test_by_what_the_user_has_been_given(world: World) -> None:
    query = query_of(ask(world, VALUES))
    assert (query["client_id"], query["redirect_uri"]) == ("postbell", REDIRECT)


def test_where_the_network_wants_to_know_that_beforehand_the_browser_goes_there(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[cast("Network", Registered())]) as world:
        assert query_of(ask(world, VALUES))["redirect_uri"] == "https://me.example/back"


def test_what_is_missing_is_told_before_anybody_is_asked(world: World) -> None:
    with pytest.raises(Invalid, match="client_id"):
        ask(world, {})


def test_without_a_consent_it_says_how_it_is_given(world: World) -> None:
    with pytest.raises(Invalid, match="consent: it takes yours, in a browser: do this at a terminal"):
        accounts.add_account(world.ctx, network="lab_consent", name="ann", server=SERVER, values=VALUES)


def test_neither_code_nor_verifier_nor_secret_shows_in_an_error(world: World) -> None:
    asking = ask(world, VALUES)
    with pytest.raises(Unavailable) as caught:
        connecting.take(world.ctx, asking, f"{REDIRECT}?code=canary-code&state={asking.question.state}")
    assert str(caught.value).startswith("Account ann: bell.example answered 500")
    for secret in ("canary", *asking.question.hidden):
        assert secret not in str(caught.value)


def test_who_is_connected_in_the_browser() -> None:
    consenting = cast("Network", network)
    assert connecting.consents(consenting, {})
    assert not connecting.consents(consenting, {"access_token": "x"})
    assert not connecting.consents(FakeNetwork(), {})


def test_when_a_login_ends_is_told_of_the_account(world: World) -> None:
    accounts.add_account(
        world.ctx, network="lab_consent", name="ann", server=SERVER, values=VALUES, tokens=OLD
    )
    with world.store.write() as tx:
        keep_tokens(tx, account_of(world.store, "ann"), world.ctx.vault, OLD)
    ann = account_of(world.store, "ann")
    assert (ann.handle, ann.tokens_end_at, ann.renew_at) == ("alice", OLD.ends_at, OLD.renew_at)


@pytest.mark.parametrize(
    ("renews", "days", "level"), [(False, 5, "warn"), (False, 20, "ok"), (True, 5, "ok")]
)
def test_a_login_that_only_a_person_can_renew_is_warned_of_before_it_ends(
    tmp_path: Path, *, renews: bool, days: int, level: str
) -> None:
    with build_world(tmp_path) as world:
        accounts.add_account(world.ctx, network="fake", name="ann", server=None, values={})
        now = world.clock.now()
        held = replace(OLD, renews=renews, issued_at=now, ends_at=now + timedelta(days=days))
        with world.store.write() as tx:
            keep_tokens(tx, account_of(world.store, "ann"), world.ctx.vault, held)
            tx.exec_driver_sql("UPDATE account SET network = 'folder'")
        (check,) = (it for it in doctor(world.app.places, now=now) if it.name == "account ann")
    assert check.level == level
    assert ("postbell account reconnect ann" in str(check.mend)) is (level == "warn")
