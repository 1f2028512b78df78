"""The words of the tus protocol for uploads in parts, 1.0.0 (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

from fastapi import Request

from postbell.api.problems import Refusal
from postbell.api.texts import require_plain
from postbell.domain.upload import Upload


VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
#: What a part is sent as.
PART = "application/offset+octet-stream"
#: What checksums of parts are counted by.
SUMS = ("sha1", "sha256", "md5")
#: No alt text is longer, in bytes, and no notes of a sender.
_LONGEST = 40_000

_TUS = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "description": "The version of the protocol.",
    "schema": {"type": "string", "enum": [VERSION]},
}


def header(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    """Return how the document describes a header of a request."""
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
    }


def described(*headers: Mapping[str, Any], body: bool = False) -> dict[str, Any]:
    """Return how the document describes what a request must bring."""
    part = {"type": "string", "contentMediaType": "application/octet-stream", "maxLength": 4096}
    kind = {"schema": part | {"examples": ["the next bytes of the file"]}}
    return {"parameters": [_TUS, *headers]} | (
        {"requestBody": {"required": True, "content": {PART: kind}}} if body else {}
    )


def require_version(request: Request) -> None:
    """Raise Refusal for a request that does not speak this version."""
    if request.headers.get("tus-resumable") != VERSION:
        detail = f"Uploads in parts are sent by tus {VERSION}; say so: `Tus-Resumable: {VERSION}`."
        headers = (("Tus-Version", VERSION),)
        raise Refusal(status=412, code="tus_version", detail=detail, headers=headers)


def number(request: Request, name: str) -> int:
    """Return a header that is a number; raises Refusal."""
    given = request.headers.get(name, "")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise malformed(f"{name} must be said: a number of bytes.")
    return int(given)


def alt_of(notes: str) -> str:
    """Return the alt text that is in Upload-Metadata, under `alt`; raises Refusal."""
    found: dict[str, bytes] = {}
    if len(notes) > 2 * _LONGEST:
        raise malformed(f"Upload-Metadata has more than {2 * _LONGEST:,} bytes.")
    for pair in filter(None, notes.split(",")):
        name, _, value = pair.strip(" ").partition(" ")
        try:
            said = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            said = None
        if not name or name in found or said is None:
            raise malformed("Upload-Metadata must be pairs of a name and a value in Base64, behind commas.")
        found[name] = said
    if len(found.get("alt", b"")) > _LONGEST:
        raise malformed(f"The alt text has more than {_LONGEST:,} bytes.")
    try:
        alt = found.get("alt", b"").decode()
    except UnicodeDecodeError:
        raise malformed("The alt text in Upload-Metadata is not UTF-8.") from None
    require_plain("the alt text in Upload-Metadata", alt)
    return alt


def sum_of(request: Request) -> tuple[Any, bytes | None]:
    """Return what counts the checksum of a part, and what it must be; raises Refusal."""
    given = request.headers.get("upload-checksum")
    if given is None:
        return None, None
    name, _, value = given.partition(" ")
    try:
        wanted = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        wanted = b""
    if name not in SUMS:
        raise malformed(f"Upload-Checksum must be counted by one of {', '.join(SUMS)}.")
    hasher = hashlib.new(name, usedforsecurity=False)
    if len(wanted) != hasher.digest_size:
        raise malformed(f"Upload-Checksum is no {name} in Base64.")
    return hasher, wanted


def headers_of(upload: Upload, *, created: bool = False) -> dict[str, str]:
    """Return how an upload is told."""
    told = {"Upload-Offset": str(upload.offset)}
    if not created:
        told["Upload-Length"] = str(upload.length)
        if upload.notes:
            told["Upload-Metadata"] = upload.notes
    if upload.sha256 is None:
        told["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return told


def malformed(detail: str) -> Refusal:
    """Return that a request is none that the protocol has."""
    return Refusal(status=400, code="malformed", detail=detail)
