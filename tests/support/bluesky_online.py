"""Bluesky's code at the real server, on behalf of accounts that are made there."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from postbell.domain.reach import Allowed
from postbell.publishing.bluesky.post import record_key
from postbell.publishing.protocol import Outgoing
from postbell.publishing.web.http import Clients
from postbell.publishing.web.outside import Outside
from postbell.services.media.fit_fetched import fit_fetched
from support.fake_bluesky import SUBJECT
from support.lexicon import lexicons
from support.online import Online
from support.pds import Account, Pds


_names = (f"bluesky-real-{number}" for number in itertools.count())


@dataclass(kw_only=True)
class Postbell(Online):
    """On behalf of one account on the real server."""

    account: Account

    def credentials(self) -> dict[str, str]:
        return {"identifier": self.account.handle, "app_password": self.account.app_password}


def new_account(pds: Pds) -> Account:
    """Make an account that there was not yet."""
    return pds.create_account(next(_names))


@contextmanager
def online(pds: Pds, account: Account) -> Iterator[Postbell]:
    """Give what publishes for an account; links lead to this machine, or nowhere."""
    clients = Clients()
    clients.outside = Outside(look_up=_nowhere, allowed=Allowed.parse(["127.0.0.1"]), fit=fit_fetched)
    with asyncio.Runner() as runner:
        try:
            yield Postbell(account=account, subject=SUBJECT, server=pds.url, runner=runner, clients=clients)
        finally:
            runner.run(clients.close())


def value_of(pds: Pds, account: Account, outgoing: Outgoing) -> dict[str, Any]:
    """Return the record as the server has it, proven to keep to its lexicon."""
    rkey = record_key(outgoing)
    found = pds.get_record(account.did, rkey)
    assert found
    value: dict[str, Any] = found["value"]
    lexicons().check_record("app.bsky.feed.post", value, rkey)
    return value


async def _nowhere(host: str, port: int) -> list[str]:
    raise OSError(f"nobody knows {host}")
