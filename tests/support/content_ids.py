"""Names of contents at the AT Protocol, and what its tokens say."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any


def cid(data: bytes, codec: int) -> str:
    """A CIDv1 of SHA-256 in base32 (github.com/multiformats/cid): 0x55 raw, 0x71 dag-cbor."""
    multihash = b"\x12\x20" + hashlib.sha256(data).digest()
    return "b" + base64.b32encode(bytes((1, codec)) + multihash).decode().lower().rstrip("=")


def record_cid(record: Any) -> str:
    """The CID of a record."""
    return cid(json.dumps(record, sort_keys=True).encode(), 0x71)


def base64_text(data: bytes) -> str:
    """Bytes as the parts of a token are written."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def blobs_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every file that a record names."""
    if isinstance(value, dict) and value.get("$type") == "blob":
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from blobs_in(part)
