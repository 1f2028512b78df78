"""Which server an account lives on, by its handle or DID alone (atproto.com/specs/handle, /specs/did).

A handle names a DID, and the document of the DID names the handle and the server. Only if both name each
other is the server given a password: whoever owns a domain can point it at anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postbell.errors import NotFetched, Unauthorized, Unavailable
from postbell.publishing.bluesky.atproto import pds_of
from postbell.publishing.web.answer import Judge, Refused
from postbell.publishing.web.json_text import read_json


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


_DIRECTORY = "https://plc.directory"
_DID = re.compile(r"did:(plc:[a-z2-7]{24}|web:(?P<host>[a-zA-Z0-9.-]+))")
#: As what servers send the two, the right way first.
_TEXT = ("text/plain", "text/html", "application/octet-stream")
_DOCUMENT = ("application/did+ld+json", "application/did+json", "application/json", *_TEXT)
_MOST = 100_000
_MEND = "check the identifier, or give the address of the account's server"


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where an account lives."""

    #: The address of its server, without a slash at the end.
    server: str
    did: str


async def find_home(who: str, http: Http, *, resolver: str, judge: Judge) -> Home:
    """Return where the account with a handle or DID lives.

    A handle that its own website does not know is looked up by `resolver`, a server that asks the DNS for it.
    Raises Unauthorized for an identity that does not hold, Unavailable if it cannot be found out now.
    """
    handle = None if who.startswith("did:") else who.lower()
    did = await _did_of(handle, http, resolver, judge) if handle else who
    document = await _document_of(did, http)
    if document.get("id") != did or (handle and f"at://{handle}" not in _names(document)):
        raise Unauthorized(f"{did} does not say that it is {who}; {_MEND}")
    if not (server := pds_of(document)):
        raise Unauthorized(f"{did} names no server with https; {_MEND}")
    return Home(server=server, did=did)


async def _did_of(handle: str, http: Http, resolver: str, judge: Judge) -> str:
    try:
        said = await http.outside.fetch(f"https://{handle}/.well-known/atproto-did", types=_TEXT, most=_MOST)
    except NotFetched:
        pass
    else:
        did = said.body.decode("ascii", "replace").strip()
        if _DID.fullmatch(did):
            return did
    url = f"{resolver}/xrpc/com.atproto.identity.resolveHandle"
    try:
        answer = await http.request("GET", url, params={"handle": handle}, judge=judge)
    except Refused:
        raise Unauthorized(f"nobody is called @{handle}; {_MEND}") from None
    return str(answer.field("did", str))


async def _document_of(did: str, http: Http) -> dict[str, Any]:
    if not (found := _DID.fullmatch(did)):
        raise Unauthorized(f"{did} is no DID that accounts have; {_MEND}")
    host = found["host"]
    url = f"https://{host}/.well-known/did.json" if host else f"{_DIRECTORY}/{did}"
    try:
        said = await http.outside.fetch(url, types=_DOCUMENT, most=_MOST)
        document = read_json(said.body)
    except (NotFetched, ValueError) as error:
        raise Unavailable(f"the server of {did} could not be found out: {error}") from None
    return document if isinstance(document, dict) else {}


def _names(document: dict[str, Any]) -> list[str]:
    names = document.get("alsoKnownAs")
    return [str(name).lower() for name in names] if isinstance(names, list) else []
