"""What of a picture's file shows the picture. The rest is notes: EXIF, XMP, comments, smaller copies, a film.

Nothing is decoded: these parts go out as they are, so the picture loses nothing with its notes. Colour
profiles stay, and so does what makes a picture move.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator


Parts = Iterator[bytes | memoryview]

#: Segments of applications that say how colours are meant (JFIF 1.02; ICC.1, B.4; Adobe 5116, 18).
_JPEG_COLOURS = {0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
#: The end of a scan: a marker that is neither a stuffed byte nor a restart (ITU-T T.81, B.1.1).
_JPEG_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
#: Chunks of the PNG specification (third edition) that say what is shown, and how.
_PNG_SHOWN = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs hIST acTL fcTL fdAT".split()
)
#: Extensions of GIF89a that say how often a picture moves.
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_WEBP_SHOWN = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
#: In VP8X: whether there are EXIF and XMP (developers.google.com/speed/webp/docs/riff_container).
_WEBP_NOTES = 0x08 | 0x04


def shown_parts(data: memoryview, mime: str) -> list[bytes | memoryview]:
    """Return the parts that show the picture, in order; together as long as the file if there are no notes.

    Raises ValueError for a file that is not as it should be, and for a type that is never sent as it is.
    """
    if mime not in _READERS:
        raise ValueError("it is always drawn anew")
    try:
        return list(_READERS[mime](data))
    except (IndexError, struct.error):
        raise ValueError("the file ends too early") from None


def _jpeg(data: memoryview) -> Parts:
    yield data[:2]
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one should be")
        marker = data[at + 1]
        if marker == 0xFF:  # a byte to fill up
            at += 1
            continue
        if marker == 0xD9:
            yield data[at : at + 2]
            return
        end = at + 2 + _number(data, at + 2, ">H")
        if marker == 0xE0 and end >= at + 18 and bytes(data[at + 4 : at + 9]) == b"JFIF\0":
            # Without the small copy of the picture that may lie in it.
            yield b"".join((b"\xff\xe0\0\x10", data[at + 4 : at + 16], b"\0\0"))
        elif _is_shown(data, at, marker):
            yield data[at:end]
        at = end
        if marker == 0xDA:
            scan_end = _JPEG_SCAN_END.search(data, end)
            at = scan_end.start() if scan_end else len(data)
            yield data[end:at]


def _is_shown(data: memoryview, at: int, marker: int) -> bool:
    if marker in _JPEG_COLOURS:
        start = _JPEG_COLOURS[marker]
        return bytes(data[at + 4 : at + 4 + len(start)]) == start
    return marker != 0xFE and not 0xE0 <= marker <= 0xEF


def _png(data: memoryview) -> Parts:
    yield data[:8]
    at, name = 8, b""
    while name != b"IEND":
        end = at + 12 + _number(data, at, ">I")
        name = bytes(data[at + 4 : at + 8])
        if end > len(data):
            raise ValueError("a chunk is cut off")
        if name in _PNG_SHOWN:
            yield data[at:end]
        at = end


def _gif(data: memoryview) -> Parts:
    at = 13 + _table(data[10])
    yield data[:at]
    while at < len(data) and data[at] != 0x3B:  # some lack their end, and everybody shows them
        start = at
        if data[at] == 0x2C:
            at = _blocks_end(data, at + 11 + _table(data[at + 9]))
            yield data[start:at]
            continue
        if data[at] != 0x21:
            raise ValueError("no block where one should be")
        kind, at = data[at + 1], _blocks_end(data, at + 2)
        if kind == 0xF9 or (kind == 0xFF and bytes(data[start + 3 : start + 14]) in _GIF_LOOPS):
            yield data[start:at]
    yield b"\x3b"


def _table(packed: int) -> int:
    """Return how long the table of colours is that a packed byte announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _blocks_end(data: memoryview, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _webp(data: memoryview) -> Parts:
    parts: list[bytes | memoryview] = []
    at, stop = 12, 8 + _number(data, 4, "<I")
    while at + 8 <= min(stop, len(data)):
        name, size = bytes(data[at : at + 4]), _number(data, at + 4, "<I")
        end = at + 8 + size + size % 2
        if at + 8 + size > len(data):
            raise ValueError("a chunk is cut off")
        if name == b"VP8X":
            flags = data[at + 8] & ~_WEBP_NOTES
            parts += [data[at : at + 8], bytes([flags]), data[at + 9 : end]]
        elif name in _WEBP_SHOWN:
            parts.append(data[at:end])
        at = end
    yield data[:4]
    yield struct.pack("<I", 4 + sum(map(len, parts)))
    yield data[8:12]
    yield from parts


def _number(data: memoryview, at: int, form: str) -> int:
    (number,) = struct.unpack_from(form, data, at)
    return int(number)


_READERS: dict[str, Callable[[memoryview], Parts]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}
