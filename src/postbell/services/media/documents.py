"""Whether a document is whole, and nothing else besides.

It is neither unpacked nor shown: who opens it does that. Of an archive only the list of what is in it is
read (APPNOTE.TXT 6.3.10, 4.3), of a PDF how it ends (ISO 32000-2, 7.5.5).
"""

from __future__ import annotations

import struct
from typing import BinaryIO


_BROKEN = "it is broken or cut off. Download or export it again."
_MORE = "there is something else behind its end. Export it again."
#: So far from the end it is looked for what ends a file, and the most bytes of subtitles.
_TAIL, _MOST_TEXT = 66_000, 1_000_000
#: Of an archive: the most bytes of its list, and how much may come out of it, at all and for each byte in it.
_MOST_LIST, _MOST_OUT, _MOST_RATIO = 16_000_000, 4 << 30, 200


def fault_of(file: BinaryIO, mime: str) -> str | None:
    """Return why an open document is refused; None if it is not."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    if mime == "application/pdf":
        _, mark, rest = tail.rpartition(b"%%EOF")
        return _BROKEN if not mark else _MORE if rest.strip(b"\0\t\n\f\r ") else None
    if mime == "text/vtt":
        return _text_fault(file, size)
    return _archive_fault(file, size, tail)


def _text_fault(file: BinaryIO, size: int) -> str | None:
    if size > _MOST_TEXT:
        return f"it has {size:,} bytes, the limit of subtitles is {_MOST_TEXT:,}."
    file.seek(0)
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "its text is not UTF-8; save it as that."
    return None if "-->" in text and "\0" not in text else "there are no subtitles in it. Export it again."


def _archive_fault(file: BinaryIO, size: int, tail: bytes) -> str | None:
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return _BROKEN
    count, length, start, note = struct.unpack("<H2IH", tail[at + 10 : at + 22])
    if len(tail) != at + 22 + note:
        return _MORE
    if length > _MOST_LIST:
        return "there is too much in it; make an archive of less."
    file.seek(start)
    listed = _listed(file.read(length), count)
    if start + length != size - len(tail) + at or listed is None or listed[0] > size:
        return _BROKEN
    packed, out = listed
    if out > _MOST_OUT or out > 1_000_000 + _MOST_RATIO * packed:
        return f"{out:,} bytes would come out of {packed:,}: that is no archive to publish."
    return None


def _listed(entries: bytes, count: int) -> tuple[int, int] | None:
    """Return how many bytes an archive has for its files, and how many come out; None for a broken list."""
    place = packed = out = 0
    for _ in range(count):
        entry = entries[place : place + 46]
        if len(entry) < 46 or not entry.startswith(b"PK\x01\x02"):
            return None
        inside, outside, name, extra, said = struct.unpack("<2I3H", entry[20:34])
        packed, out = packed + inside, out + outside
        place += 46 + name + extra + said
    return (packed, out) if place == len(entries) else None
