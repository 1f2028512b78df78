"""Forms as they are sent with files in them (RFC 7578)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, kw_only=True)
class File:
    """A file in a form."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a form says."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)


def is_form(request: httpx.Request) -> bool:
    """Whether a request is a form with parts."""
    kind: str = request.headers.get("content-type", "")
    return kind.startswith("multipart/form-data")


def read_form(request: httpx.Request) -> Form:
    """Return what a form says; raises ValueError for what is none, or says something twice."""
    found = re.search(r'boundary="?([^";]+)"?', request.headers["content-type"])
    body = request.content
    if not found or int(request.headers["content-length"]) != len(body):
        raise ValueError("no boundary, or another length than was said")
    parts = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if parts[0] != b"" or parts[-1] not in (b"--", b"--\r\n"):
        raise ValueError("the form does not begin or end as one does")
    form = Form()
    for part in parts[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = head.decode()
        name = re.search(r'; name="([^"]*)"', said)
        if not name or name[1] in form.fields or name[1] in form.files:
            raise ValueError(f"a part without a name, or a second one of that name: {said}")
        if filename := re.search(r'; filename="([^"]*)"', said):
            mime = re.search(r"(?i)content-type: (\S+)", said)
            form.files[name[1]] = File(name=filename[1], mime=mime[1] if mime else "", data=data)
        else:
            form.fields[name[1]] = data.decode()
    return form
