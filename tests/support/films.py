"""Videos of every kind, made in the test by PyAV, and what is in one by its own eyes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream
from PIL import Image

from support.gallery import motif


#: Where it was taken, as cameras note it (ISO 6709), and what else is noted.
PLACE = "+48.2082+016.3738/"
NOTES = {"title": "The garden behind the house", "creation_time": "2026-01-02T03:04:05Z"}


def film(
    form: str = "mp4",
    *,
    size: tuple[int, int] = (64, 48),
    rate: int | Fraction = 25,
    seconds: float = 1,
    codec: str = "libx264",
    sound: str = "",
    heard: tuple[int, str] = (48_000, "stereo"),
    turned: int = 0,
    notes: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video file: a motif that moves, perhaps with a sound, with these notes and no others.

    `heard` is how often a sound is measured in a second, and where from.
    """
    out = io.BytesIO()
    how = {"fflags": "+bitexact", **(options or {})}
    with av.open(out, "w", format=form, options=how) as box:
        box.metadata.update(notes or {})
        stream: VideoStream = box.add_stream(codec, rate=rate)  # type: ignore[assignment]
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        track: Any = box.add_stream(sound, rate=heard[0], layout=heard[1]) if sound else None
        for number in range(max(1, round(seconds * rate))):
            shown = motif(size).rotate(number % 4)
            frame: Any = av.VideoFrame
            box.mux(stream.encode(frame.from_image(shown)))
        box.mux(stream.encode())
        if track:
            _silence(box, track, seconds, *heard)
    return out.getvalue()


def _silence(box: Any, stream: Any, seconds: float, hertz: int, channels: str) -> None:
    for start in range(0, round(seconds * hertz), 1024):
        frame = av.AudioFrame("fltp", channels, 1024)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = hertz, start, Fraction(1, hertz)
        box.mux(stream.encode(frame))
    box.mux(stream.encode())


def only_sound() -> bytes:
    """An MP4 with nothing to see."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as box:
        track: Any = box.add_stream("aac", rate=48_000, layout="mono")
        _silence(box, track, 1, 48_000, "mono")
    return out.getvalue()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A video file as PyAV has it."""
    with av.open(str(path)) as box:
        yield box


def pictures_of(path: Path) -> list[Image.Image]:
    """Every picture of a video, upright."""
    with av.open(str(path)) as box:
        frames: list[Any] = list(box.decode(box.streams.video[0]))
    return [frame.to_image().rotate(frame.rotation, expand=True) for frame in frames]
