"""What a network says of videos, and whether one keeps to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postbell.domain.content import Content
from postbell.domain.film import Film, FilmLimit, film_problems
from postbell.domain.limits import Limits, MediaLimit, check
from postbell.domain.media import Media, MediaKind
from support.pictures import picture


FILM = Film(
    seconds=75.25, rate=30, codec="h264", sound="aac", channels=2, hertz=48_000, bits=4_000_000, notes=True
)


def told(film: Film, limit: FilmLimit, width: int = 1920, height: int = 1080) -> list[str]:
    return list(film_problems(film, width, height, limit))


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        (FilmLimit(seconds=60), "it lasts 75.2 s, the limit is 60 s; cut it."),
        (
            FilmLimit(codecs=("vp9", "hevc")),
            "its pictures are coded as H.264, and VP9 or H.265 is taken there.",
        ),
        (FilmLimit(sounds=("opus",)), "its sound is coded as AAC, and opus is taken there."),
        (FilmLimit(pixels=1_000_000), "1920 x 1080 pixels, the limit is 1,000,000 pixels."),
        (FilmLimit(width=1280), "1920 x 1080 pixels, the limit is 1,280 pixels from left to right."),
        (FilmLimit(ratio=1.5), "1920 x 1080 pixels, the limit is 1.5 times as long as wide; cut it."),
        (FilmLimit(fastest=24), "30 pictures a second, the limit is 24."),
        (FilmLimit(slowest=50), "30 pictures a second, the least is 50."),
        (FilmLimit(bits=1_000_000), "4,000,000 bits a second, the limit is 1,000,000."),
        (FilmLimit(channels=1), "2 channels of sound, the limit is 1."),
        (FilmLimit(hertz=44_100), "48,000 Hz of the sound, the limit is 44,100."),
    ],
)
def test_what_is_beyond_a_limit_is_told(limit: FilmLimit, problem: str) -> None:
    assert told(FILM, limit) == [problem]


def test_everything_is_told_at_once() -> None:
    assert len(told(FILM, FilmLimit(seconds=60, codecs=("vp9",), width=1280, fastest=24, channels=1))) == 5


def test_what_keeps_to_all_limits_is_taken() -> None:
    limit = FilmLimit(
        seconds=75.25,
        codecs=("h264",),
        sounds=("aac",),
        pixels=1920 * 1080,
        width=1920,
        ratio=16 / 9,
        slowest=30,
        fastest=30,
        bits=4_000_000,
        channels=2,
        hertz=48_000,
    )
    assert told(FILM, limit) == []
    assert set(limit.summary()) == {*vars(limit)}
    assert FilmLimit(width=3).summary() == {"width": 3}


def test_a_silent_video_has_no_wrong_sound_and_an_unknown_rate_is_not_wrong() -> None:
    silent = Film(seconds=1, codec="h264")
    assert told(silent, FilmLimit(sounds=("opus",), channels=1, slowest=50, fastest=60)) == []


def test_of_a_video_into_which_nobody_has_looked_nothing_is_wrong() -> None:
    assert told(Film(notes=True), FilmLimit(seconds=1, ratio=1)) == []


def test_a_post_is_checked_with_its_videos(tmp_path: Path) -> None:
    item: Media = picture(tmp_path, "a.mp4", mime="video/mp4", film=FILM)
    item = replace(item, kind=MediaKind.VIDEO)
    limits = Limits(media=MediaLimit(most=1, types={"video/mp4": 1}, film=FilmLimit(seconds=60)))
    problems = check(Content(text="Hello", media=(item,)), limits, account="ann")
    assert [str(problem) for problem in problems] == [
        f"media a.mp4 (for ann): {item.size:,} bytes, the limit is 1.",
        "media a.mp4 (for ann): it lasts 75.2 s, the limit is 60 s; cut it.",
    ]
    assert limits.summary()["media"]["film"] == {"seconds": 60}
