"""What a record of Bluesky may name: files and posts that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.content_ids import record_cid
from support.farside import Violation
from support.lexicon import LexiconError, UnknownName, lexicons
from support.xrpc import Refusal


def check_record(collection: str, record: Mapping[str, Any], rkey: str) -> None:
    """Raise Refusal for a record that is none, and Violation for a name in it that servers let pass."""
    try:
        lexicons().check_record(collection, record, rkey)
    except UnknownName as error:
        raise Violation(str(error)) from None
    except LexiconError as error:
        raise Refusal("InvalidRequest", f"Invalid {collection} record: {error}") from None


def check_quote(embed: Mapping[str, Any], elsewhere: Mapping[str, str]) -> None:
    """Raise Violation for a quote of a post that there is not."""
    quote = embed.get("record", {})
    quote = quote.get("record", quote)
    if quote and elsewhere.get(quote["uri"]) != quote["cid"]:
        raise Violation(f"there is no {quote}")


def check_reply(reply: Mapping[str, Any], records: Mapping[str, dict[str, Any]]) -> None:
    """Raise Violation for an answer to a post that there is not, or in another thread than that."""
    answered = {name: records.get(ref["uri"].rpartition("/")[2]) for name, ref in reply.items()}
    for name, record in answered.items():
        if record is None or reply[name]["cid"] != record_cid(record):
            raise Violation(f"the {name} of an answer is not there, or is another one")
    parent = answered["parent"] or {}
    if parent.get("reply", {"root": reply["parent"]})["root"] != reply["root"]:
        raise Violation("an answer belongs to another thread than what it answers")


def check_blob(blob: Mapping[str, Any], blobs: Mapping[str, tuple[dict[str, Any], bytes]]) -> None:
    """Raise Refusal for a file that was not uploaded as it is named."""
    cid = blob["ref"]["$link"]
    if cid not in blobs:
        raise Refusal("BlobNotFound", f"Could not find blob: {cid}")
    stored, _ = blobs[cid]
    if blob["mimeType"] != stored["mimeType"]:
        raise Refusal("InvalidMimeType", "Referenced Mimetype does not match stored blob.")
    if blob["size"] != stored["size"]:
        raise Refusal("InvalidSize", "Referenced Size does not match stored blob.")


def did_document(did: str, server: str) -> dict[str, Any]:
    """The document of an account, as far as servers give it away with a session."""
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": server}
    return {"id": did, "service": [service]}
