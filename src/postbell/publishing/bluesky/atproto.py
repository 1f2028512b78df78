"""What the AT Protocol says of keys, records and servers, whatever is written there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from postbell.errors import Rejected, Unavailable
from postbell.publishing.protocol import Absent, Counts, Reply
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer, Refused, lost


_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
#: Of a hundred records each.
_MOST_PAGES = 20
#: An instant is known to the microsecond, a key to the millisecond.
_SLACK = timedelta(seconds=1)
#: Asks the account's server what everybody may ask: a method and its parameters.
Ask = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
_COUNTS = {"likes": "likeCount", "reposts": "repostCount", "replies": "replyCount", "quotes": "quoteCount"}
_BEGIN = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A record of somebody's repository."""

    key: str
    #: When its key was made (aware UTC, whole milliseconds).
    made: datetime
    value: Mapping[str, Any]


def tid(moment: datetime, number: int) -> str:
    """Return the key of the delivery `number` that was first tried at a moment (aware, whole milliseconds).

    A TID (atproto.com/specs/tid) is microseconds since 1970 and ten bits that tell writers apart. The instant
    has whole milliseconds, so the number has those ten bits and a thousand microseconds: 1,024,000 keys in
    one millisecond.
    """
    millis = round(moment.timestamp() * 1000)
    value = (millis * 1000 + number // 1024 % 1000) << 10 | number % 1024
    return "".join(_LETTERS[value >> shift & 31] for shift in range(60, -1, -5))


def moment_of(key: str) -> datetime | None:
    """Return when a key was made (aware UTC, whole milliseconds); None where it is no TID."""
    if len(key) != 13 or not set(key) <= set(_LETTERS):
        return None
    value = 0
    for letter in key:
        value = value << 5 | _LETTERS.index(letter)
    return _BEGIN + timedelta(milliseconds=(value >> 10) // 1000)


async def newest_first(ask: Ask, repo: str, collection: str, *, since: datetime) -> AsyncIterator[Listed]:
    """Yield the records of a collection that were made since an instant (aware), and are kept under TIDs.

    com.atproto.repo.listRecords lists by key, the greatest first, so that of TIDs it is the newest. Raises
    Unavailable after so many that nobody would look through them all.
    """
    asked = {"repo": repo, "collection": collection, "limit": "100"}
    for _ in range(_MOST_PAGES):
        page = await ask("repo.listRecords", asked)
        for record in page.field("records", list):
            try:
                key, value = record["uri"].rpartition("/")[2], dict(record["value"])
            except (AttributeError, KeyError, TypeError, ValueError):
                raise lost("answered with a record that is none", page.publishes) from None
            if (made := moment_of(key)) is None:
                continue  # some other program's
            if made < since - _SLACK:
                return
            yield Listed(key=key, made=made, value=value)
        if "cursor" not in page.json():
            return
        asked["cursor"] = page.field("cursor", str)
    raise Unavailable(f"there are more than {_MOST_PAGES * 100} records to look through")


async def answered(ask: Ask, reply: Reply | None) -> dict[str, Any] | None:
    """Return what a record says of the ones that it answers, app.bsky.feed.post#replyRef; None for no answer.

    Raises Rejected if one of them is not there any more.
    """
    if reply is None:
        return None
    what = "what it answers"
    root = parent = await strong_ref(ask, reply.root, what)
    if reply.parent != reply.root:
        parent = await strong_ref(ask, reply.parent, what)
    return {"root": root, "parent": parent}


def shown(reply: Reply | None) -> dict[str, Any] | None:
    """Return the same for people to read, of which nobody was asked yet."""
    refs = {"root": reply.root, "parent": reply.parent} if reply else {}
    return {name: {"uri": uri, "cid": "<its cid>"} for name, uri in refs.items()} or None


def parent_of(record: Mapping[str, Any]) -> str | None:
    """Return the address of what a record answers; None if it answers nothing."""
    reply = record.get("reply")
    parent = reply.get("parent") if isinstance(reply, dict) else None
    return str(parent.get("uri")) if isinstance(parent, dict) else None


async def strong_ref(ask: Ask, uri: str, what: str) -> dict[str, str]:
    """Return com.atproto.repo.strongRef of a record; raises Rejected, in the words of `what`, if it is gone.

    The word of our own server is final about what lies there; of others it asks the AppView.
    """
    repo, collection, rkey = uri.removeprefix("at://").split("/")
    try:
        found = await ask("repo.getRecord", {"repo": repo, "collection": collection, "rkey": rkey})
    except Refused as refusal:
        if refusal.code != "RecordNotFound":
            raise
        raise Rejected(f"{what} is not there any more: {uri}") from None
    return {"uri": uri, "cid": found.field("cid", str)}


def counts_of(posts: Sequence[Any], uri: str) -> Counts:
    """Return what app.bsky.feed.getPosts says of one post; it leaves out what is not there."""
    for post in posts:
        if isinstance(post, dict) and post.get("uri") == uri:
            counts = {word: post.get(name) for word, name in _COUNTS.items()}
            return {word: count for word, count in counts.items() if isinstance(count, int)}
    return Absent()


def pds_of(document: Any) -> str | None:
    """Return the address of the personal data server in a DID document, if it may be given tokens."""
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and str(service.get("id")).endswith("#atproto_pds"):
            address = str(service.get("serviceEndpoint")).rstrip("/")
            return address if keeps_secrets(address) else None
    return None
