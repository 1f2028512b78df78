"""The server of an account is found by its handle or DID, and only if both name each other."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from postbell.errors import Unauthorized, Unavailable
from support.fake_bluesky import APP_PASSWORD, DID, HANDLE, SUBJECT, FakeBluesky, daemon
from support.farside import Daemon


PDS = "https://pds.example"
WELL_KNOWN = "https://alice.example/.well-known/atproto-did"
PLC = f"https://plc.directory/{DID}"
WEB = "did:web:alice.example"


def _here(identifier: str = "alice.example", server: str = PDS) -> tuple[Daemon, FakeBluesky]:
    """Return a daemon whose account lives on a server that nobody has named, with everything in order."""
    here, far_side = daemon()
    far_side.move_to(server)
    far_side.web.add(WELL_KNOWN, f"{DID}\n", "text/plain")
    _document(far_side)
    _name(here, identifier)
    return here, far_side


def _name(here: Daemon, identifier: str) -> None:
    credentials = {"identifier": identifier, "app_password": APP_PASSWORD}
    target = replace(here.outgoing.target, credentials=SUBJECT.network.Credentials(**credentials))
    here.outgoing = replace(here.outgoing, target=target)


def _document(far_side: FakeBluesky, url: str = PLC, **said: Any) -> None:
    document = {
        "id": DID,
        "alsoKnownAs": ["at://Alice.example", f"at://{HANDLE}"],
        **far_side.did_doc,
        **said,
    }
    far_side.web.add(url, json.dumps(document), "application/did+ld+json")


def _asked(far_side: FakeBluesky) -> list[str]:
    return [str(request.url.copy_with(query=None)) for request in far_side.requests]


def _publish(here: Daemon) -> None:
    asyncio.run(here.publish())


@pytest.mark.parametrize("identifier", ["alice.example", "@Alice.Example", " alice.example "])
def test_a_handle_leads_to_the_server_that_its_document_names(identifier: str) -> None:
    here, far_side = _here(identifier)
    _publish(here)
    xrpc = f"{PDS}/xrpc/com.atproto"
    assert [url.lower() for url in _asked(far_side)] == [
        WELL_KNOWN,
        PLC,
        f"{xrpc}.server.createsession",
        f"{xrpc}.repo.putrecord",
    ]


def test_a_did_needs_no_handle() -> None:
    here, far_side = _here(DID)
    _publish(here)
    assert WELL_KNOWN not in _asked(far_side)
    assert len(far_side.records) == 1


def test_the_server_is_looked_for_again_only_to_log_in() -> None:
    here, far_side = _here()
    _publish(here)
    far_side.requests.clear()
    far_side.end_access_tokens()
    _publish(here)
    assert [url.rpartition(".")[2] for url in _asked(far_side)] == [
        "putRecord",
        "refreshSession",
        "putRecord",
    ]
    assert all(url.startswith(PDS) for url in _asked(far_side))


def test_a_handle_that_stands_in_the_dns_is_looked_up_by_a_server() -> None:
    here, far_side = _here()
    far_side.web.add(WELL_KNOWN, "<h1>Welcome</h1>")
    far_side.entryway = "https://bsky.social"
    with pytest.raises(AssertionError, match="createSession belongs to"):
        _publish(here)  # who is looked up by that server lives on another one
    assert _asked(far_side)[1] == "https://bsky.social/xrpc/com.atproto.identity.resolveHandle"


def test_accounts_at_bluesky_itself_log_in_at_its_one_door() -> None:
    here, far_side = daemon()
    far_side.web.add(WELL_KNOWN, DID, "text/plain")
    _document(far_side)
    _name(here, "alice.example")
    _publish(here)
    assert "https://bsky.social/xrpc/com.atproto.server.createSession" in _asked(far_side)


def test_the_server_that_the_user_names_is_taken() -> None:
    here, far_side = _here()
    here.outgoing = replace(here.outgoing, target=replace(here.outgoing.target, server=PDS))
    _publish(here)
    assert _asked(far_side)[0] == f"{PDS}/xrpc/com.atproto.server.createSession"


def _refused(here: Daemon, far_side: FakeBluesky, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        _publish(here)
    assert not any("createSession" in url for url in _asked(far_side)), "a password was sent"


@pytest.mark.parametrize(
    "said",
    [
        {"alsoKnownAs": ["at://mallory.example"]},
        {"alsoKnownAs": []},
        {"alsoKnownAs": "at://alice.example"},
        {"id": "did:plc:ragtjsm2j2vknwkz3zp4oxrd"},
    ],
)
def test_a_did_that_does_not_name_the_handle_gets_no_password(said: dict[str, Any]) -> None:
    here, far_side = _here()
    _document(far_side, **said)
    _refused(
        here, far_side, Unauthorized, f"{DID} does not say that it is alice.example; check the identifier"
    )


@pytest.mark.parametrize("address", ["http://pds.example", "ftp://pds.example", ""])
def test_a_document_without_a_safe_server_gets_no_password(address: str) -> None:
    here, far_side = _here()
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": address}
    _document(far_side, service=[service])
    _refused(here, far_side, Unauthorized, "names no server with https")


def test_a_handle_of_nobody_is_told() -> None:
    here, far_side = _here("nobody.example")
    far_side.entryway = "https://bsky.social"
    _refused(here, far_side, Unauthorized, "nobody is called @nobody.example; check the identifier")


@pytest.mark.parametrize("did", ["did:key:z6Mk", "did:plc:short", "did:web:a/b", "did:web:"])
def test_another_kind_of_did_is_told(did: str) -> None:
    here, far_side = _here(did)
    _refused(here, far_side, Unauthorized, "is no DID that accounts have")


@pytest.mark.parametrize("body", ["{", "[]", "[" * 100_000], ids=lambda body: body[:2])
def test_a_document_that_cannot_be_read_gets_no_password(body: str) -> None:
    here, far_side = _here()
    far_side.web.add(PLC, body, "application/json")
    with pytest.raises((Unauthorized, Unavailable)):
        _publish(here)
    assert far_side.tokens == {}


def test_a_directory_that_does_not_answer_is_asked_again_later() -> None:
    here, far_side = _here()
    far_side.web.found.clear()
    far_side.web.add(WELL_KNOWN, DID, "text/plain")
    _refused(here, far_side, Unavailable, "could not be found out: plc.directory answered 404")


def test_the_document_of_a_did_of_the_web_is_on_its_host() -> None:
    here, far_side = _here(WEB)
    _document(far_side, "https://alice.example/.well-known/did.json", id=WEB)
    with pytest.raises(Unauthorized):  # the server knows nobody by this name, and was asked
        _publish(here)
    assert f"{PDS}/xrpc/com.atproto.server.createSession" in _asked(far_side)


def test_a_server_that_takes_the_handle_for_another_account_is_not_used() -> None:
    other = "did:plc:ragtjsm2j2vknwkz3zp4oxrd"
    here, far_side = _here()
    far_side.web.add(WELL_KNOWN, other, "text/plain")
    _document(far_side, f"https://plc.directory/{other}", id=other)
    with pytest.raises(Unauthorized, match=r"takes alice\.example for another account than did:plc:ragt"):
        _publish(here)
    assert here.session == {}


# Accounts that move


NEW = "https://new.example"


@dataclass
class Left(httpx.AsyncBaseTransport):
    """The server that an account has left, in front of the one where it lives."""

    far_side: FakeBluesky
    #: Whether it still renews sessions; it knows by then where the account has gone.
    renews: bool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if f"https://{request.url.host}" != PDS:
            return await self.far_side.handle_async_request(request)
        if self.renews and "refreshSession" in request.url.path:
            tokens = {"accessJwt": _token(), "refreshJwt": _token()}
            said = {**tokens, "did": DID, "handle": HANDLE, "didDoc": self.far_side.did_doc}
            return httpx.Response(200, json=said)
        return httpx.Response(401, json={"error": "AccountDeactivated", "message": "Account is deactivated"})


def _token() -> str:
    """Return a token of another server, which lasts for years by its own word."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 4_000_000_000}).encode()).decode().rstrip("=")
    return f"x.{claims}.x"


@pytest.mark.parametrize("renews", [True, False])
@pytest.mark.parametrize("identifier", ["alice.example", DID])
def test_an_account_that_has_moved_is_followed(identifier: str, renews: bool) -> None:  # noqa: FBT001
    here, far_side = _here(identifier)
    _publish(here)
    far_side.move_to(NEW)
    _document(far_side)
    here.outgoing = replace(here.outgoing, key="another0key0another0", number=42)
    asyncio.run(here.publish(Left(far_side, renews)))
    assert len(far_side.records) == 2
    assert (here.session["pds"], here.session["login"]) == (NEW, NEW)


def test_an_account_that_is_closed_where_it_lives_is_not_followed_anywhere() -> None:
    here, far_side = _here()
    _publish(here)
    far_side.status = "deactivated"
    with pytest.raises(Unauthorized, match="AccountDeactivated"):
        _publish(here)
    assert here.session["login"] == PDS


def test_an_account_whose_server_the_user_names_stays_there() -> None:
    here, far_side = _here()
    here.outgoing = replace(here.outgoing, target=replace(here.outgoing.target, server=PDS))
    _publish(here)
    far_side.move_to(NEW)
    _document(far_side)
    with pytest.raises(Unauthorized):
        asyncio.run(here.publish(Left(far_side, renews=True)))
    assert here.session["login"] == PDS
