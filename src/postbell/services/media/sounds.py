"""What the bytes of a sound tell: whether it is one at all, and whole.

MP3: ISO/IEC 11172-3, 2.4.1.3 and 13818-3; ID3: id3.org/id3v2.4.0-structure, 3.1. FLAC: RFC 9639, 8.
Ogg: RFC 3533, 6. WAV: the chunks of RIFF. M4A has the boxes of MP4. Imports nothing but the standard library
before it is asked.
"""

from __future__ import annotations

from typing import BinaryIO


#: Bits per second in thousands of a frame of layer III, of version 1 and of the others.
_BITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_HERTZ = (44_100, 48_000, 32_000)
#: So many zeroes may stand between a tag and the first frame.
_MOST_PADDING = 1 << 20
#: How the first packet of an Ogg stream begins that is heard.
_HEARD = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC")


def are_frames(data: bytes, at: int) -> bool:
    """Whether an MP3 goes on there: with two frames, one behind the other."""
    first = _frame(data, at)
    return bool(first and _frame(data, at + first))


def is_whole(file: BinaryIO, mime: str) -> bool:
    """Whether an open file is a sound of a type, as far as its own marks tell."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    head = file.read(4096)
    if mime == "audio/flac":  # its first block says what is heard
        return head[4] & 0x7F == 0 and head[5:8] == b"\0\0\x22" and size > 42
    if mime == "audio/ogg":
        return any(head[27 + head[26] :].startswith(kind) for kind in _HEARD)
    if mime == "audio/wav":
        return b"fmt " in head and int.from_bytes(head[4:8], "little") + 8 <= size
    if mime == "audio/mp4":
        from postbell.services.media._film_boxes import told_by

        told_by(file)
        return True
    return _is_mp3(file, head)


def _is_mp3(file: BinaryIO, head: bytes) -> bool:
    at = 0
    while head.startswith(b"ID3"):
        at += 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        file.seek(at)
        head = file.read(4096)
    for _ in range(_MOST_PADDING // 4096):
        if bare := head.lstrip(b"\0"):
            return are_frames(bare + file.read(4096), 0)
        head = file.read(4096)
    return False


def _frame(data: bytes, at: int) -> int:
    """Return the length of the frame of layer III that begins there; 0 if none does."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version, bits, hertz = data[at + 1] >> 3 & 3, data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or bits in (0, 15) or hertz == 3:
        return 0
    is_first = version == 3
    rate = _HERTZ[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    padding = data[at + 2] >> 1 & 1
    return (144 if is_first else 72) * _BITS[not is_first][bits] * 1000 // rate + padding
