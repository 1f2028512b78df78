"""What is to be done with a video before a network is given it. Pure: FFmpeg does it elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from postbell.domain.film import Film, film_problems
from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media


#: What is made: MP4, H.264 and AAC, which every network takes.
MADE = "video/mp4"
#: What can lie in an MP4 as it is.
_PICTURES, _SOUNDS = ("h264", "hevc"), ("aac", "")
#: The most pixels along a side of what is coded anew, pictures and bits per second, and what the sound takes.
_SIDE, _RATE, _BITS, _SOUND_BITS = 1920, 60, 8_000_000, 128_000
#: Below so many bits a second nobody wants to look; below so many for a pixel there are rather fewer pixels.
_FEWEST_BITS, _BITS_A_PIXEL = 150_000, 0.04
#: How much of the bytes is used: the coder aims, and the file has an index.
_FILLED = 0.9


@dataclass(frozen=True, kw_only=True)
class FilmPlan:
    """What becomes of a video."""

    #: Its type, and its pixels as they are shown.
    mime: str
    width: int
    height: int
    #: Whether pictures and sound are coded anew. If not, they are only taken over, without the notes.
    anew: bool = False
    #: Pictures per second, and bits per second of the pictures; 0 where nothing is coded anew.
    rate: float = 0
    bits: int = 0
    #: Values per second in each channel of the sound, and how many channels.
    hertz: int = 0
    channels: int = 0
    #: The most bytes.
    size: int

    def facts(self, film: Film) -> Film:
        """Return what is known of the video that it becomes."""
        clean = replace(film, notes=False, placed=False)
        if not self.anew:
            return clean
        silent = replace(clean, codec="h264", rate=self.rate, bits=self.bits)
        if not film.sound:
            return silent
        bits = self.bits + _SOUND_BITS
        return replace(silent, sound="aac", hertz=self.hertz, channels=self.channels, bits=bits)


def plan_film(item: Media, limit: MediaLimit) -> FilmPlan | None:
    """Return what makes a video fit a limit; None where it is sent as it is, or nothing helps.

    Notes are always left out, and a QuickTime file becomes an MP4 where only that is taken. It is coded anew
    only where that helps: nothing is cut away, neither time nor width.
    """
    film = item.film
    if film is None:
        return None
    mime = item.mime
    if mime not in limit.types and MADE in limit.types and _can_be_mp4(film):
        mime = MADE
    most = limit.types.get(mime, 0)
    if most >= item.size and not any(film_problems(film, item.width or 0, item.height or 0, limit.film)):
        if mime == item.mime and not film.notes:
            return None
        return FilmPlan(mime=mime, width=item.width or 0, height=item.height or 0, size=most)
    return _coded_anew(item, film, limit)


def _can_be_mp4(film: Film) -> bool:
    return film.codec in _PICTURES and film.sound in _SOUNDS


def _coded_anew(item: Media, film: Film, limit: MediaLimit) -> FilmPlan | None:
    width, height, most = item.width or 0, item.height or 0, limit.types.get(MADE, 0)
    if film.seconds is None or not most:
        return None
    rules, sound = limit.film, _SOUND_BITS if film.sound else 0
    bits = min(_BITS, int(most * 8 * _FILLED / film.seconds) - sound)
    if rules.bits:
        bits = min(bits, int(rules.bits * _FILLED) - sound)
    rate = min(max(film.rate or 30, rules.slowest or 0), rules.fastest or _RATE, _RATE)
    scale = min(
        1.0,
        _SIDE / max(width, height),
        (rules.width or math.inf) / width,
        math.sqrt((rules.pixels or math.inf) / (width * height)),
        math.sqrt(bits / (_BITS_A_PIXEL * width * height * rate)) if bits > 0 else 0,
    )
    plan = FilmPlan(
        mime=MADE,
        anew=True,
        width=_even(width * scale),
        height=_even(height * scale),
        rate=rate,
        bits=bits,
        hertz=min(48_000, rules.hertz or 48_000),
        channels=min(2, film.channels, rules.channels or 2),
        size=most,
    )
    still = film_problems(plan.facts(film), plan.width, plan.height, rules)
    return None if bits < _FEWEST_BITS or any(still) else plan


def _even(pixels: float) -> int:
    """Return the next smaller even number: the colours of H.264 are shared by two and two pixels."""
    return max(2, int(pixels) // 2 * 2)
