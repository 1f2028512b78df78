"""Sounds and documents of every kind that is taken, made in the test."""

from __future__ import annotations

import functools
import io
import zipfile
from fractions import Fraction
from typing import Any

import av


#: By type: the form and the codec, and how a sample is kept.
_MADE = {
    "audio/mpeg": ("mp3", "libmp3lame", "fltp"),
    "audio/mp4": ("ipod", "aac", "fltp"),
    "audio/ogg": ("ogg", "libopus", "flt"),
    "audio/flac": ("flac", "flac", "s16"),
    "audio/wav": ("wav", "pcm_s16le", "s16"),
}
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
SUBTITLES = b"WEBVTT\n\n00:00.000 --> 00:01.000\nThe bell rings.\n"


@functools.cache
def sound(mime: str, *, seconds: float = 2, notes: bool = False) -> bytes:
    """A silent sound of a type; with `notes` it has a title."""
    form, codec, kept = _MADE[mime]
    out = io.BytesIO()
    with av.open(out, "w", format=form) as box:
        if notes:
            box.metadata.update({"title": "Eight bells", "artist": "The ringers"})
        stream: Any = box.add_stream(codec, rate=48_000, layout="mono")
        stream.format = kept
        size = stream.codec_context.frame_size or 1024
        for start in range(0, round(seconds * 48_000), size):
            frame = av.AudioFrame(kept, "mono", size)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return out.getvalue()


@functools.cache
def archive(**files: bytes) -> bytes:
    """A ZIP of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in (files or {"words": b"ding dong"}).items():
            made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def document(mime: str) -> bytes:
    """A file of a type that is neither seen nor heard."""
    return {"application/pdf": PDF, "text/vtt": SUBTITLES}.get(mime) or archive()


def of_type(mime: str) -> bytes:
    """A sound or a document of a type."""
    return sound(mime) if mime.startswith("audio/") else document(mime)
