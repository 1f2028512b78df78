"""Which files can be posted, and what a file is by its first bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import PurePath

from postbell.domain.media import Media, MediaKind
from postbell.errors import Invalid, Problem
from postbell.services.media.sounds import are_frames


#: How many of a file's first bytes `recognise` wants.
HEAD = 4096


@dataclass(frozen=True, kw_only=True)
class FileType:
    """A type that can be posted."""

    mime: str
    kind: MediaKind
    #: As a person calls it, with its article.
    label: str
    #: What a name of this type may end in; the first is used for stored files.
    suffixes: tuple[str, ...]


TYPES = {
    known.mime: known
    for known in (
        FileType(
            mime="image/jpeg",
            kind=MediaKind.IMAGE,
            label="a JPEG picture",
            suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
        ),
        FileType(mime="image/png", kind=MediaKind.IMAGE, label="a PNG picture", suffixes=(".png", ".apng")),
        FileType(mime="image/webp", kind=MediaKind.IMAGE, label="a WebP picture", suffixes=(".webp",)),
        FileType(mime="image/gif", kind=MediaKind.IMAGE, label="a GIF picture", suffixes=(".gif",)),
        FileType(mime="image/avif", kind=MediaKind.IMAGE, label="an AVIF picture", suffixes=(".avif",)),
        FileType(mime="image/tiff", kind=MediaKind.IMAGE, label="a TIFF picture", suffixes=(".tif", ".tiff")),
        FileType(mime="image/bmp", kind=MediaKind.IMAGE, label="a BMP picture", suffixes=(".bmp", ".dib")),
        FileType(
            mime="image/heic",
            kind=MediaKind.IMAGE,
            label="an HEIC picture",
            suffixes=(".heic", ".heif", ".hif"),
        ),
        FileType(mime="video/mp4", kind=MediaKind.VIDEO, label="an MP4 video", suffixes=(".mp4", ".m4v")),
        FileType(
            mime="video/quicktime", kind=MediaKind.VIDEO, label="a QuickTime video", suffixes=(".mov", ".qt")
        ),
        FileType(mime="audio/mpeg", kind=MediaKind.AUDIO, label="an MP3", suffixes=(".mp3",)),
        FileType(mime="audio/mp4", kind=MediaKind.AUDIO, label="an M4A", suffixes=(".m4a", ".m4b")),
        FileType(
            mime="audio/ogg", kind=MediaKind.AUDIO, label="an Ogg sound", suffixes=(".ogg", ".oga", ".opus")
        ),
        FileType(mime="audio/flac", kind=MediaKind.AUDIO, label="a FLAC sound", suffixes=(".flac",)),
        FileType(mime="audio/wav", kind=MediaKind.AUDIO, label="a WAV sound", suffixes=(".wav",)),
        FileType(mime="application/pdf", kind=MediaKind.DOCUMENT, label="a PDF", suffixes=(".pdf",)),
        FileType(
            mime="application/zip",
            kind=MediaKind.DOCUMENT,
            label="a ZIP archive or an office document",
            suffixes=(".zip", ".epub", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"),
        ),
        FileType(mime="text/vtt", kind=MediaKind.DOCUMENT, label="a WebVTT file", suffixes=(".vtt",)),
    )
}

_TAKEN = (
    "Postbell takes JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF, BMP, MP4, MOV, MP3, M4A, Ogg, FLAC, WAV, PDF, "
    "ZIP and WebVTT."
)

_NO_HEIC = (
    "it is an HEIC picture, as telephones take them, and nothing on this machine can open those. Save it as "
    "JPEG, or install `postbell[heic]`."
)

_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"ID3": "audio/mpeg",
    b"OggS\0": "audio/ogg",
    b"fLaC": "audio/flac",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
}
#: How subtitles begin (www.w3.org/TR/webvtt1/#file-structure).
_SUBTITLES = re.compile(rb"(?:\xef\xbb\xbf)?WEBVTT(?:[ \t\r\n]|\Z)")

# Brands of ISO base media files that hold a video, or a picture (https://mp4ra.org/registered-types/brands).
# The major brand alone decides: pictures (heic, avif) and sound (M4A) name video brands among their others.
_MP4_BRANDS = "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 mp71 avc1 M4VH M4VP MSNV dash XAVC"
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4V ": "video/mp4",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), "image/heic"),
    **{brand.encode(): "video/mp4" for brand in _MP4_BRANDS.split()},
}
_RIFFS = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def refuse(name: str, message: str) -> Invalid:
    """Return the error for one file that is not taken."""
    return Invalid([Problem(where=f"media {name}", message=message)])


def recognise(head: bytes, name: str) -> FileType:
    """Return the type of the file `name` that begins with `head` (its first HEAD bytes).

    Raises Invalid, saying what it really is, for every type that is not in TYPES, and for a name whose
    ending promises another type. A name without an ending promises nothing.
    """
    mime = _by_signature(head)
    if mime is None:
        raise refuse(name, _other(head))
    found = TYPES[mime]
    if mime == "image/heic" and find_spec("pillow_heif") is None:
        raise refuse(name, _NO_HEIC)
    suffix = PurePath(name).suffix
    if suffix and suffix.lower() not in found.suffixes:
        better = PurePath(name).with_suffix(found.suffixes[0])
        raise refuse(name, f"it is {found.label}, but its name ends in {suffix}; rename it to {better}.")
    return found


def renamed(item: Media) -> Media:
    """Return a file whose name does not promise another type than it has; users know it by their own name."""
    suffix = PurePath(item.name).suffix
    known_ones = TYPES[item.mime].suffixes
    if not suffix or suffix.lower() in known_ones:
        return item
    return replace(item, name=item.name.removesuffix(suffix) + known_ones[0])


def _by_signature(head: bytes) -> str | None:
    for start, mime in _STARTS.items():
        if head.startswith(start):
            return mime
    if head[:4] == b"RIFF" and head[8:12] in _RIFFS:
        return _RIFFS[head[8:12]]
    if _SUBTITLES.match(head):
        return "text/vtt"
    # Two letters begin much else: what follows are the length, four zeroes, and how long the head is.
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[15:18] == bytes(3):
        return "image/bmp"
    if head[4:8] == b"ftyp":
        # "mif1" says no more than that it is a picture; what else it is it says behind that.
        general = head[8:12] == b"mif1" and b"heic" in head[16 : head[3]]
        return "image/heic" if general else _BRANDS.get(head[8:12])
    return "audio/mpeg" if are_frames(head, 0) else None


def _other(head: bytes) -> str:
    """Say what the file is, and what to do with it."""
    if (text := _as_text(head)) is not None:
        return _text_kind(text)
    mime = _by_puremagic(head)
    if mime is None:
        return f"its type is unknown. {_TAKEN}"
    if mime in TYPES:
        return f"it resembles {TYPES[mime].label}, but does not begin as one does; export it again."
    advice = {"image": " Save it as JPEG or PNG.", "video": " Save it as MP4."}.get(
        mime.partition("/")[0], ""
    )
    return f"it looks like {mime}, which is not taken. {_TAKEN}{advice}"


def _as_text(head: bytes) -> str | None:
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        # An incremental decoder does not mind a character that is cut off at the end of the head.
        text = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _text_kind(text: str) -> str:
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return "it is an HTML page, not a picture; open the page in a browser and save the picture itself."
    if "<svg" in start:
        return "it is an SVG drawing, which can carry scripts and is not taken. Save it as PNG."
    return f"it is a text file, not a picture or a video. {_TAKEN}"


def _by_puremagic(head: bytes) -> str | None:
    import puremagic

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    # Below 0.2 two bytes agree by chance.
    named = (found.mime_type for found in matches if found.confidence >= 0.2)
    return next((mime for mime in named if mime and mime != "application/octet-stream"), None)
