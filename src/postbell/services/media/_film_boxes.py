"""What the boxes of an MP4 or QuickTime file tell: whether it is whole, and whether there are notes in it.

Only their headers are read, and what may be a note. ISO/IEC 14496-12, 4.2 and 8; Apple's QuickTime
File Format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


#: The most boxes of a file, and the most bytes of what describes a film: those of a day have less.
_MOST_BOXES = 500_000
_MOST_INDEX = 100_000_000
#: Boxes that hold notes: lists of them, and what is named by its own number (XMP among them).
_NOTES = (b"udta", b"meta", b"uuid")
#: What is in them and says nothing.
_HOLLOW = (b"hdlr", b"free", b"skip")
#: Kinds of tracks that show something, or are heard.
_SHOWN = (b"vide", b"soun")
#: How notes name the place: QuickTime, 3GPP, Apple, XMP, and the track that cameras write beside the film.
_PLACE = re.compile(rb"\xa9xyz|loci|location\.|GPS|gpmd|GPMF", re.IGNORECASE)


class Broken(Exception):
    """The file is not as it should be."""


class Told(NamedTuple):
    """What the boxes tell."""

    #: Whether there is more than what shows the film, and whether that says where it was taken.
    notes: bool
    placed: bool


class _Box(NamedTuple):
    kind: bytes
    #: Where its content begins, and where it ends.
    start: int
    end: int


def told_by(file: BinaryIO) -> Told:
    """Return what the boxes of an open file tell; raises Broken for one that is cut off, or no film."""
    file.seek(0, 2)
    length = file.tell()
    kinds, notes = set[bytes](), list[bytes]()
    for box in _boxes(file, 0, length):
        if box.end > length:
            raise Broken
        kinds.add(box.kind)
        if box.kind == b"moov":
            notes += _in_film(_content(file, box))
        elif box.kind in _NOTES and _says(box.kind, content := _content(file, box)):
            notes.append(content)
    if not {b"moov", b"mdat"} <= kinds:
        raise Broken
    return Told(notes=bool(notes), placed=any(map(_PLACE.search, notes)))


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        if end - at < 8:
            return
        file.seek(at)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        start = at + 8
        if size == 1 and len(head) == 16:
            (size,), start = struct.unpack(">Q", head[8:]), at + 16
        stop = at + size if size else end  # without a size it is the last one
        if stop < start:
            raise Broken
        yield _Box(kind, start, stop)
        at = stop
    raise Broken


def _content(file: BinaryIO, box: _Box) -> bytes:
    if box.end - box.start > _MOST_INDEX:
        raise Broken
    file.seek(box.start)
    return file.read(box.end - box.start)


def _in_film(index: bytes) -> Iterator[bytes]:
    """Yield every note in what describes a film and its tracks."""
    for kind, content in _inside(index):
        if kind in _NOTES and _says(kind, content):
            yield content
        if kind == b"mvhd" and _has_time(content):
            yield kind
        if kind != b"trak":
            continue
        for inner, body in _inside(content):
            if inner in _NOTES and _says(inner, body):
                yield body
            if inner == b"mdia":
                yield from _of_track(body)


def _of_track(media: bytes) -> Iterator[bytes]:
    """Yield a track that is neither seen nor heard, and when another one was made."""
    for kind, content in _inside(media):
        if kind == b"hdlr" and content[8:12] not in _SHOWN:
            yield media
        if kind == b"mdhd" and _has_time(content):
            yield kind


def _says(kind: bytes, content: bytes) -> bool:
    """Whether something is in a box of notes: some are there and hold an empty list."""
    if kind == b"uuid":
        return True
    if kind == b"meta" and content[:4] == bytes(4):  # QuickTime's has no version there
        content = content[4:]
    return any(
        _says(inner, body) if inner == b"meta" else body and inner not in _HOLLOW
        for inner, body in _inside(content)
    )


def _has_time(header: bytes) -> bool:
    """Whether a header says when something was made; how long that is depends on its version."""
    return any(header[4 : 12 if header[:1] == b"\1" else 8])


def _inside(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while len(content) - at >= 8:
        size, kind = struct.unpack_from(">I4s", content, at)
        size = size or len(content) - at
        if size < 8 or at + size > len(content):
            return  # some end such lists with zeroes; whether it can be shown others find out
        yield kind, content[at + 8 : at + size]
        at += size
