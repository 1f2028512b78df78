"""An account of any network that is connected again elsewhere: what it was given before is not sent there."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from postbell.errors import Invalid, PublishError
from postbell.publishing import registry
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts import accounts
from postbell.services.accounts.carrying import is_secret, readable_values
from support.subjects import subjects
from support.world import World, account_of, build_world


#: A host of somebody who wants the secrets, and says whatever it takes to be asked.
ELSEWHERE = "elsewhere.example"
_DOCUMENT = {
    "id": f"did:web:{ELSEWHERE}",
    "alsoKnownAs": [f"at://{ELSEWHERE}"],
    "service": [
        {
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": f"https://{ELSEWHERE}",
        }
    ],
}
#: How its address may be told.
_SAID = (ELSEWHERE, f"https://{ELSEWHERE}", f"https://{ELSEWHERE}/in", f"HTTPS://{ELSEWHERE}:443/in")
_KEYS = [
    key
    for key in registry.keys()  # noqa: SIM118 - a module
    if any(is_secret(each.annotation) for each in registry.get(key).Credentials.model_fields.values())
]


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    """Keeps all that is sent, with the host that it is sent to."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = (await request.aread()).decode("utf-8", "replace")
        told = f"{request.url} {request.headers.raw} {body}"
        self.sent.append((request.url.host, f"{told} {unquote_plus(told)} {_basic(request)}"))
        if request.url.host != ELSEWHERE:
            return httpx.Response(404, json={"error": "nothing"})
        if request.url.path.endswith("/atproto-did"):
            return httpx.Response(200, text=f"did:web:{ELSEWHERE}")
        return httpx.Response(200, json=_DOCUMENT)

    def shown(self, secrets: set[str], host: str | None = None) -> list[str]:
        """Return what was sent with one of these in it, to this host or to any."""
        found = (told for there, told in self.sent if host in (None, there))
        return [told for told in found if any(secret in told for secret in secrets)]


def _basic(request: httpx.Request) -> str:
    kind, _, said = request.headers.get("authorization", "").partition(" ")
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(said).decode() if kind.lower() == "basic" else ""
    return ""


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def world(tmp_path: Path, recorder: Recorder) -> Iterator[World]:
    with build_world(tmp_path, networks=[], transport=recorder) as made:
        yield made


def values_of(key: str) -> dict[str, str]:
    """Return credentials that its stand-in takes, with something for each secret that there may be."""
    fields = registry.get(key).Credentials.model_fields
    secret = {name for name, each in fields.items() if is_secret(each.annotation)}
    given = {name: f"canary-{key}-{name}" for name in secret}
    return {**given, **{name: str(value) for name, value in subjects()[key].credentials.items()}}


def connect(world: World, key: str, *, server: str | None, consented: bool) -> set[str]:
    """Connect the account `ann` without asking; return its secrets."""
    values = values_of(key)
    if consented:
        del values["access_token"]
    tokens = Tokens(access_token="canary-access", refresh_token="canary-refresh", issued_at=world.clock.now())
    accounts.add_account(
        world.ctx,
        network=key,
        name="ann",
        server=server,
        values=values,
        tokens=tokens if consented else None,
        verify=False,
    )
    stored = readable_values(world.ctx, account_of(world.store, "ann"))
    fields = registry.get(key).Credentials.model_fields
    secrets = {
        line for name in stored if is_secret(fields[name].annotation) for line in stored[name].split(": ")
    }
    return secrets | ({tokens.access_token, tokens.refresh_token} if consented else set())


def use(world: World, key: str) -> None:
    """Ask whether the account is accepted, and publish with it."""
    with contextlib.suppress(PublishError):
        accounts.verify_account(world.ctx, "ann")

    async def publish() -> None:
        target = world.ctx.target(account_of(world.store, "ann"))
        outgoing = replace(subjects()[key].outgoing(), target=target)
        with contextlib.suppress(PublishError):
            await registry.get(key).publish(outgoing, None, world.ctx.http(target))
        await world.ctx.clients().close()

    asyncio.run(publish())


def moves(key: str) -> Iterator[dict[str, Any]]:
    """Yield every way to say that it is elsewhere now: by its server, and by each value that is no secret."""
    network = registry.get(key)
    for said in _SAID:
        if network.server != "none":
            yield {"server": said, "values": {}}
        for name, each in network.Credentials.model_fields.items():
            if not is_secret(each.annotation):
                yield {"server": None, "values": {name: said}}


def _cases() -> Iterator[Any]:
    for key in _KEYS:
        subject, network = subjects()[key], registry.get(key)
        servers = [subject.server, *([None] if network.server == "optional" and subject.server else [])]
        for server in servers:
            for consented in (False, True) if oauth_of(network) else (False,):
                yield pytest.param(key, server, consented, id=f"{key}-{server}-{consented}")


@pytest.mark.parametrize(("key", "server", "consented"), list(_cases()))
def test_what_was_given_for_one_place_is_sent_to_no_other(
    world: World, recorder: Recorder, key: str, server: str | None, *, consented: bool
) -> None:
    secrets = connect(world, key, server=server, consented=consented)
    for move in moves(key):
        for verify in (True, False):
            with contextlib.suppress(Invalid, PublishError):
                accounts.reconnect_account(world.ctx, "ann", **move, verify=verify)
            use(world, key)
            assert recorder.shown(secrets, ELSEWHERE) == [], move


@pytest.mark.parametrize(("key", "server", "consented"), list(_cases()))
def test_at_its_own_place_it_is_sent(
    world: World, recorder: Recorder, key: str, server: str | None, *, consented: bool
) -> None:
    """Without this the other would prove nothing."""
    secrets = connect(world, key, server=server, consented=consented)
    use(world, key)
    assert recorder.shown(secrets), recorder.sent


def test_a_name_by_which_a_server_is_found_is_a_place_too(world: World, recorder: Recorder) -> None:
    connect(world, "bluesky", server=None, consented=False)
    with pytest.raises(Invalid, match="--secret app_password: it was given for another address or name"):
        accounts.reconnect_account(world.ctx, "ann", server=None, values={"identifier": ELSEWHERE})
    assert recorder.sent == []
    given = {"identifier": ELSEWHERE, "app_password": "canary-new-password"}
    with contextlib.suppress(PublishError):
        accounts.reconnect_account(world.ctx, "ann", server=None, values=given)
    assert recorder.shown({"canary-new-password"}, ELSEWHERE), "they are found, and asked"
    assert "identifier" in readable_values(world.ctx, account_of(world.store, "ann"))
