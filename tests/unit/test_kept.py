"""What networks want kept for accounts, by a command beside a daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postbell.domain.account import Account
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.oauth import renewed
from postbell.services.accounts.vault import Vault, add_key
from postbell.services.sending.kept import CommandKeeper, keep_tokens
from postbell.store import accounts
from postbell.store.engine import Store
from postbell.store.turn import alone
from postbell.testing import FakeClock
from support.children import end
from support.oauth import OAUTH, OLD, START, form_of, target
from support.world import account_of, add_account, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def ann(store: Store) -> Account:
    made = add_account(store, "ann", credentials={"token": "right"})
    with store.write() as tx:
        accounts.save_session(tx, made.id, {"id": "7"})
        keep_tokens(tx, made, Vault(), OLD)
    return account_of(store, "ann")


def keeper(store: Store, account: Account, vault: Vault | None = None) -> CommandKeeper:
    return CommandKeeper(store=store, account=account, vault=vault or Vault())


def connect_anew(store: Store, account: Account) -> None:
    with store.write() as tx:
        accounts.replace_credentials(tx, account.id, server=None, credentials={"token": "another"})


def test_a_command_reads_and_stores_what_the_daemon_does(store: Store, ann: Account) -> None:
    kept = keeper(store, ann)
    assert asyncio.run(kept.load()) == {"id": "7"}
    assert asyncio.run(kept.load_tokens()) == OLD
    asyncio.run(kept.save({"id": "8"}))
    asyncio.run(kept.save_tokens(replace(OLD, access_token="new"), OLD))
    found = account_of(store, "ann")
    assert found.session == {"id": "8"}
    assert found.tokens == replace(OLD, access_token="new").values()
    assert (found.tokens_end_at, found.renew_at) == (OLD.ends_at, OLD.renew_at)


def test_an_account_that_was_connected_anew_is_another_one(store: Store, ann: Account) -> None:
    kept = keeper(store, ann)
    connect_anew(store, ann)
    assert asyncio.run(kept.load()) == {}
    assert asyncio.run(kept.load_tokens()) is None
    asyncio.run(kept.save({"id": "8"}))
    asyncio.run(kept.save_tokens(OLD, OLD))
    found = account_of(store, "ann")
    assert (found.session, found.tokens, found.renew_at) == ({}, {}, None)


def test_what_a_person_has_consented_to_meanwhile_stays(store: Store, ann: Account) -> None:
    consented = replace(OLD, access_token="consented")
    with store.write() as tx:
        keep_tokens(tx, ann, Vault(), consented)
    asyncio.run(keeper(store, ann).save_tokens(replace(OLD, access_token="renewed"), OLD))
    assert asyncio.run(keeper(store, ann).load_tokens()) == consented


def test_what_is_kept_is_encrypted_where_a_key_is_given(store: Store, ann: Account, tmp_path: Path) -> None:
    add_key(tmp_path / "secrets.key", START)
    vault = Vault(path=tmp_path / "secrets.key")
    kept = keeper(store, ann, vault)
    asyncio.run(kept.save({"id": "8"}))
    asyncio.run(kept.save_tokens(replace(OLD, access_token="new"), OLD))
    found = account_of(store, "ann")
    assert isinstance(found.session, str)
    assert isinstance(found.tokens, str)
    assert asyncio.run(kept.load()) == {"id": "8"}
    assert asyncio.run(kept.load_tokens()) == replace(OLD, access_token="new")


def test_two_processes_trade_a_token_in_once(store: Store, ann: Account) -> None:
    asked: list[str] = []

    async def give(request: httpx.Request) -> httpx.Response:
        asked.append(form_of(request)["refresh_token"])
        await asyncio.sleep(0)  # whoever else is there may go first
        return httpx.Response(200, json={"access_token": "new", "refresh_token": "next", "expires_in": 3600})

    async def both() -> None:
        clock = FakeClock(START + timedelta(hours=2))
        # Each has connections, and so a turn, of its own: as in processes of their own.
        https = [
            Http(
                Clients(transport=httpx.MockTransport(give)),
                clock,
                account="ann",
                tokens=OLD,
                keeper=keeper(store, ann),
            )
            for _ in range(5)
        ]
        found = await asyncio.gather(*(renewed(OAUTH, target(), http, OLD) for http in https))
        assert {tokens.access_token for tokens in found} == {"new"}

    asyncio.run(both())
    assert asked == [OLD.refresh_token]


_HOLD = """
import asyncio, sys
from pathlib import Path
from postbell.store.turn import alone

async def hold():
    async with alone(Path(sys.argv[1]), 7):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def test_a_process_that_dies_keeps_nobody_and_another_account_is_none_of_its_business(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert holder.stdout
    try:
        assert holder.stdout.readline() == b"held\n"

        async def take() -> None:
            async with alone(tmp_path, 8):
                pass
            waiting = asyncio.create_task(_enter(tmp_path))
            await asyncio.wait([waiting], timeout=0.2)
            assert not waiting.done()
            os.kill(holder.pid, signal.SIGKILL)
            await asyncio.wait_for(waiting, 10)

        asyncio.run(take())
    finally:
        end(holder)
        holder.stdout.close()


async def _enter(folder: Path) -> None:
    async with alone(folder, 7):
        pass


def test_where_the_file_cannot_be_made_nobody_is_kept(tmp_path: Path) -> None:
    asyncio.run(_enter(tmp_path / "nowhere"))
