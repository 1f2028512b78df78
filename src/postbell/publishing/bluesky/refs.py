"""Posts and lists of Bluesky as people name them: by the address of their page, or by their own at://."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postbell.errors import Rejected
from postbell.publishing.bluesky.api import POST, Line
from postbell.publishing.bluesky.syntax import is_owner, is_record_key


LIST = "app.bsky.graph.list"
#: The last part but one of the address of a page, and what is shown there.
_PAGES = {"post": POST, "lists": LIST}
_URL = re.compile(r"https?://[^/\s]+/profile/([^/\s]+)/(post|lists)/([^/?#\s]+)/?(?:[?#]\S*)?")
_URI = re.compile(r"at://([^/\s]+)/([a-zA-Z0-9.-]+)/([^/\s]+)")


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A record of somebody's repository."""

    #: A DID, or a handle in small letters.
    who: str
    collection: str
    rkey: str

    @property
    def handle(self) -> str | None:
        """The handle that must be looked up; None where the DID is known."""
        return None if self.who.startswith("did:") else self.who

    def uri(self, did: str) -> str:
        """Return its own address, by the DID of whom it belongs to."""
        return f"at://{did}/{self.collection}/{self.rkey}"


def read_ref(text: str, collection: str) -> Ref:
    """Return what an address names; raises ValueError if that is nothing of the collection."""
    if found := _URL.fullmatch(text.strip()):
        who, named, rkey = found[1], _PAGES[found[2]], found[3]
    elif found := _URI.fullmatch(text.strip()):
        who, named, rkey = found[1], found[2], found[3]
    else:
        who = named = rkey = ""
    if named != collection or not (is_owner(who) and is_record_key(rkey)):
        what, page = ("post", "post") if collection == POST else ("list", "lists")
        raise ValueError(f"not the address of a {what}, such as https://bsky.app/profile/…/{page}/…: {text}")
    return Ref(who=who if who.startswith("did:") else who.lower(), collection=collection, rkey=rkey)


async def uri_of(line: Line, ref: Ref) -> str:
    """Return the address of a record, of which the owner is looked up; raises Rejected for nobody."""
    if ref.handle is None:
        return ref.uri(ref.who)
    dids = await line.resolve([ref.handle])
    if ref.handle not in dids:
        raise Rejected(f"@{ref.handle} was not found")
    return ref.uri(dids[ref.handle])
