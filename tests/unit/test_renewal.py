"""Tokens are traded in before they end, whatever their network is like that day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest

from lab.networks.lab_consent import network
from postbell.domain.account import Account, Health
from postbell.errors import DatabaseLocked
from postbell.publishing.protocol import Network
from postbell.publishing.web.tokens import Tokens
from postbell.services.sending.kept import keep_tokens
from postbell.services.sending.renewal import Renewals
from postbell.store import accounts, glance
from postbell.store.thread import StoreThread
from support.world import START, World, account_of, add_account, build_world


SERVER = "https://bell.example"
VALUES = {"client_id": "postbell", "client_secret": "canary-client"}
OLD = Tokens(
    access_token="old",
    refresh_token="canary-refresh",
    issued_at=START,
    ends_at=START + timedelta(hours=10),
    renews=True,
)
DUE = START + timedelta(hours=8)


class Far:
    """Who gives out tokens."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(
            200, json={"access_token": "new", "refresh_token": "next", "expires_in": 36000}
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/token"
        self.asked += 1
        return self.answer()


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def world(tmp_path: Path, far: Far) -> Iterator[World]:
    networks = [cast("Network", network)]
    with build_world(tmp_path, networks=networks, transport=httpx.MockTransport(far)) as built:
        add(built, "ann")
        yield built


def add(world: World, name: str, tokens: Tokens | None = OLD) -> Account:
    made = add_account(world.store, name, network="lab_consent", server=SERVER, credentials=dict(VALUES))
    with world.store.write() as tx:
        keep_tokens(tx, made, world.ctx.vault, tokens)
    return account_of(world.store, name)


def renew(world: World, at: datetime = DUE) -> int:
    world.clock.advance(at - world.clock.now())
    thread = StoreThread(world.store)

    async def run() -> int:
        try:
            return await Renewals(world.ctx, thread).renew_due()
        finally:
            thread.close()

    return asyncio.run(run())


def tokens_of(world: World, name: str = "ann") -> str:
    found = world.ctx.vault.tokens(account_of(world.store, name))
    assert found
    return found.access_token


def wanted(world: World, at: datetime) -> bool:
    with world.store.read() as tx:
        return glance.any_to_renew(tx, at)


def test_at_four_fifths_of_their_life_tokens_are_traded_in_and_not_before(world: World, far: Far) -> None:
    assert not wanted(world, DUE - timedelta(seconds=1))
    assert renew(world, DUE - timedelta(seconds=1)) == 0
    assert wanted(world, DUE)
    assert renew(world) == 1
    assert (far.asked, tokens_of(world)) == (1, "new")
    ann = account_of(world.store, "ann")
    assert (ann.tokens_end_at, ann.renew_at) == (DUE + timedelta(hours=10), DUE + timedelta(hours=8))
    assert renew(world) == 0


def test_what_does_not_end_or_is_not_renewed_is_left_alone(world: World, far: Far) -> None:
    add(world, "endless", replace(OLD, ends_at=None))
    add(world, "fixed", replace(OLD, renews=False))
    add(world, "pasted", None)
    assert renew(world, START + timedelta(days=99)) == 1
    assert far.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(500),
        lambda: httpx.Response(400, text="<html>"),
        lambda: httpx.Response(200, json={"access_token": ""}),
    ],
)
def test_a_failure_is_tried_again_later_and_disconnects_nobody(
    world: World, far: Far, answer: Callable[[], httpx.Response]
) -> None:
    far.answer = answer
    assert renew(world) == 0
    ann = account_of(world.store, "ann")
    assert (ann.health, ann.renew_at) == (Health.OK, DUE + timedelta(minutes=12))
    assert tokens_of(world) == "old"


def test_it_is_tried_again_ever_sooner_towards_the_end_but_never_without_a_pause(
    world: World, far: Far
) -> None:
    far.answer = lambda: httpx.Response(503)
    assert renew(world, START + timedelta(hours=9, minutes=59)) == 0
    assert account_of(world.store, "ann").renew_at == START + timedelta(hours=9, minutes=59, seconds=30)
    assert renew(world, START + timedelta(hours=20)) == 0
    assert account_of(world.store, "ann").renew_at == START + timedelta(hours=20, seconds=30)


def test_who_asks_to_wait_is_waited_for(world: World, far: Far) -> None:
    far.answer = lambda: httpx.Response(429, headers={"retry-after": "600"})
    renew(world)
    assert account_of(world.store, "ann").renew_at == DUE + timedelta(minutes=10)
    far.answer = lambda: httpx.Response(429)
    renew(world, DUE + timedelta(minutes=10))
    assert account_of(world.store, "ann").renew_at == DUE + timedelta(minutes=21)


def test_only_the_network_s_word_holds_the_account(world: World, far: Far) -> None:
    far.answer = lambda: httpx.Response(400, json={"error": "invalid_grant"})
    assert renew(world) == 0
    ann = account_of(world.store, "ann")
    assert ann.health is Health.UNAUTHORIZED
    assert "invalid_grant" in str(ann.health_note)
    assert renew(world, DUE + timedelta(hours=1)) == 0
    assert far.asked == 1, "nobody but a person can help"


def test_an_account_that_was_connected_anew_meanwhile_is_not_held(world: World, far: Far) -> None:
    def answer() -> httpx.Response:
        with world.store.write() as tx:
            ann = accounts.get_account(tx, "ann")
            accounts.replace_credentials(tx, ann.id, server=SERVER, credentials={**VALUES, "client_id": "x"})
        return httpx.Response(400, json={"error": "invalid_grant"})

    far.answer = answer
    renew(world)
    assert account_of(world.store, "ann").health is Health.OK


def test_new_tokens_of_an_account_that_was_connected_anew_meanwhile_are_not_stored(
    world: World, far: Far
) -> None:
    def answer() -> httpx.Response:
        with world.store.write() as tx:
            ann = accounts.get_account(tx, "ann")
            accounts.replace_credentials(tx, ann.id, server=SERVER, credentials={**VALUES, "client_id": "x"})
        return httpx.Response(200, json={"access_token": "of the old one"})

    far.answer = answer
    renew(world)
    assert account_of(world.store, "ann").tokens == {}


def test_one_account_s_trouble_is_none_of_another_s(world: World, far: Far) -> None:
    broken = add(world, "broken")
    with world.store.write() as tx:
        accounts.save_tokens(
            tx, broken.id, OLD.values(), ends_at=OLD.ends_at, renew_at=START + timedelta(hours=1)
        )
        tx.exec_driver_sql("UPDATE account SET network = 'gone' WHERE name = 'broken'")
    assert renew(world) == 1
    assert account_of(world.store, "broken").renew_at == DUE + timedelta(minutes=12)


def test_a_network_that_is_not_connected_so_any_more_is_passed_over(world: World) -> None:
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE account SET network = 'folder', credentials = '{\"path\": \"/srv\"}'")
    assert renew(world) == 0
    assert account_of(world.store, "ann").health is Health.OK


def test_a_fault_of_ours_is_raised(world: World, far: Far) -> None:
    def answer() -> httpx.Response:
        raise DatabaseLocked

    far.answer = answer
    with pytest.raises(DatabaseLocked):
        renew(world)
