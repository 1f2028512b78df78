"""Secrets stay with the place that they were given for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.access import Scope
from postbell.errors import Invalid
from postbell.services.accounts import accounts
from postbell.services.accounts.carrying import readable_values
from postbell.testing import FakeNetwork
from support.api import Asked, problem
from support.world import World, account_of, build_world


OLD, NEW = "https://example.org", "https://elsewhere.example"
HOOK = {"url": "https://hooks.example.org/in", "secret": "an old secret of mine"}


class Hosted(FakeNetwork):
    """Has servers."""

    key = "hosted"
    server = "required"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Hosted()]) as made:
        yield made


def add(world: World) -> None:
    accounts.add_account(world.ctx, network="hosted", name="ann", server=OLD, values={"token": "right"})


def test_a_secret_is_not_sent_to_another_server(world: World) -> None:
    add(world)
    for verify in (True, False):
        with pytest.raises(Invalid, match="--secret token: it was given for another address") as refused:
            accounts.reconnect_account(world.ctx, "ann", server=NEW, values={}, verify=verify)
        assert "right" not in str(refused.value)
    assert account_of(world.store, "ann").server == OLD


@pytest.mark.parametrize("server", [None, f"{OLD}/", "https://EXAMPLE.org:443"])
def test_at_the_same_place_it_stays(world: World, server: str | None) -> None:
    add(world)
    accounts.reconnect_account(world.ctx, "ann", server=server, values={})
    assert account_of(world.store, "ann").credentials == {"token": "right"}


@pytest.mark.parametrize("server", ["http://example.org", "https://example.org:8443", NEW])
def test_elsewhere_it_is_given_again(world: World, server: str) -> None:
    add(world)
    with pytest.raises(Invalid):
        accounts.reconnect_account(world.ctx, "ann", server=server, values={}, verify=False)
    accounts.reconnect_account(world.ctx, "ann", server=server, values={"token": "new"}, verify=False)
    ann = account_of(world.store, "ann")
    assert (ann.server, ann.credentials) == (server, {"token": "new"})


def test_another_address_of_a_webhook_is_told_no_old_secret(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        accounts.add_account(
            world.ctx, network="webhook", name="hook", server=None, values=HOOK, verify=False
        )
        moved = {"url": "https://elsewhere.example/in"}
        with pytest.raises(Invalid, match="--secret secret: it was given for another address"):
            accounts.reconnect_account(world.ctx, "hook", server=None, values=moved, verify=False)
        near = {"url": "https://hooks.example.org/other"}
        accounts.reconnect_account(world.ctx, "hook", server=None, values=near, verify=False)
        assert readable_values(world.ctx, account_of(world.store, "hook")) == {**HOOK, **near}


def test_a_key_for_accounts_reads_no_secret_by_a_server_of_its_own(world: World) -> None:
    add(world)
    api = Asked(world)
    answer = api.ask(
        "POST", "/api/v1/accounts/ann/reconnect", json={"server": NEW}, key=api.key(Scope.ACCOUNTS)
    )
    assert problem(answer) == (422, "invalid")
    assert [each["pointer"] for each in answer.json()["problems"]] == ["/values/token"]
