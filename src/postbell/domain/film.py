"""What a video is, and what a network takes of videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


#: What people call the codecs that FFmpeg names so.
_NAMES = {
    "h264": "H.264",
    "hevc": "H.265",
    "aac": "AAC",
    "vp9": "VP9",
    "av1": "AV1",
    "mpeg4": "MPEG-4 part 2",
}


@dataclass(frozen=True, kw_only=True)
class Film:
    """What is in the file of a video, besides its width and height; of a sound what is heard."""

    #: How long it lasts; None where nothing on the machine could look into it: then only the notes are known.
    seconds: float | None = None
    #: Pictures per second; None where nobody can tell.
    rate: float | None = None
    #: How pictures and sound are coded, as FFmpeg calls it: `h264`, `aac`. Without a sound it is silent.
    codec: str = ""
    sound: str = ""
    #: How many channels the sound has, and how many values per second in each.
    channels: int = 0
    hertz: int = 0
    #: Bits per second of all together.
    bits: int = 0
    #: Whether there is more in the file than what shows it: when it was taken, by which camera, chapters.
    notes: bool = False
    #: Whether one of the notes says where it was taken.
    placed: bool = False


@dataclass(frozen=True, kw_only=True)
class FilmLimit:
    """The videos that a network takes. What is not said is of any size."""

    #: How long they may last.
    seconds: float | None = None
    #: How pictures and sound may be coded; none is named where all are taken.
    codecs: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    #: The most pixels (width x height), and the most from left to right.
    pixels: int | None = None
    width: int | None = None
    #: How many times as long as the other one a side may be.
    ratio: float | None = None
    #: The fewest and the most pictures per second.
    slowest: float | None = None
    fastest: float | None = None
    #: The most bits per second of all together.
    bits: int | None = None
    #: The most channels of the sound, and values per second in each.
    channels: int | None = None
    hertz: int | None = None

    def summary(self) -> dict[str, Any]:
        """Return the limits that there are as plain values, for people and programs to read."""
        return {name: value for name, value in vars(self).items() if value}


def codec_name(codec: str) -> str:
    """Return what people call a codec."""
    return _NAMES.get(codec, codec)


def film_problems(film: Film, width: int, height: int, limit: FilmLimit) -> Iterator[str]:
    """Yield everything about a video of so many pixels, as it is shown, that is beyond a limit."""
    if film.seconds is None:  # nobody knows; that is told apart
        return
    yield from _of_shape(width, height, limit)
    if limit.seconds and film.seconds > limit.seconds:
        yield f"it lasts {film.seconds:.1f} s, the limit is {limit.seconds:g} s; cut it."
    if limit.codecs and film.codec not in limit.codecs:
        yield f"its pictures are coded as {codec_name(film.codec)}, {_taken(limit.codecs)}"
    if limit.sounds and film.sound and film.sound not in limit.sounds:
        yield f"its sound is coded as {codec_name(film.sound)}, {_taken(limit.sounds)}"
    if limit.slowest and film.rate and film.rate < limit.slowest:
        yield f"{film.rate:.4g} pictures a second, the least is {limit.slowest:g}."
    for value, most, what in (
        (film.rate, limit.fastest, "pictures a second"),
        (film.bits, limit.bits, "bits a second"),
        (film.channels, limit.channels, "channels of sound"),
        (film.hertz, limit.hertz, "Hz of the sound"),
    ):
        if most and value and value > most:
            yield f"{round(value, 2):,.12g} {what}, the limit is {most:,.12g}."


def _of_shape(width: int, height: int, limit: FilmLimit) -> Iterator[str]:
    shape = f"{width} x {height} pixels, the limit is"
    if limit.pixels and width * height > limit.pixels:
        yield f"{shape} {limit.pixels:,} pixels."
    if limit.width and width > limit.width:
        yield f"{shape} {limit.width:,} pixels from left to right."
    if limit.ratio and max(width, height) > limit.ratio * min(width, height):
        yield f"{shape} {limit.ratio:g} times as long as wide; cut it."


def _taken(codecs: tuple[str, ...]) -> str:
    return f"and {' or '.join(map(codec_name, codecs))} is taken there."
