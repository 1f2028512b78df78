from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postbell.domain.content import Content
from postbell.domain.film import Film, FilmLimit
from postbell.domain.limits import Limits, MediaLimit, TextLimit, check
from postbell.domain.media import Media, MediaKind
from postbell.domain.quota import Per, Quota
from postbell.domain.text import code_points, graphemes, utf8_bytes


LIMITS = Limits(
    text=(
        TextLimit(most=3, unit="graphemes", count=graphemes),
        TextLimit(most=10, unit="bytes", count=utf8_bytes),
    ),
    title=TextLimit(most=5, unit="characters", count=code_points),
    media=MediaLimit(most=2, types={"image/png": 1000, "video/mp4": 5000}, pixels=100),
    quotas=(Quota(most=25, per=Per.DAY),),
)


def picture(
    *, mime: str = "image/png", size: int = 1000, width: int | None = 10, height: int | None = 10
) -> Media:
    kind = MediaKind.VIDEO if mime.startswith("video") else MediaKind.IMAGE
    return Media(
        sha256="0" * 64, kind=kind, mime=mime, size=size, width=width, height=height, name="a", path=Path("a")
    )


def said(content: Content, limits: Limits = LIMITS) -> list[str]:
    found = check(content, limits, account="sky")
    assert all(problem.account == "sky" for problem in found)
    return [f"{problem.where}: {problem.message}" for problem in found]


def test_a_content_at_every_limit_fits() -> None:
    assert (
        said(Content(text="123", title="12345", media=(picture(), picture(mime="video/mp4", size=5000))))
        == []
    )


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_post_is_refused(text: str) -> None:
    assert said(Content(text=text)) == ["text: the post is empty; give it a text."]


@pytest.mark.parametrize(
    "content", [Content(link="https://example.com"), Content(title="T"), Content(media=(picture(),))]
)
def test_a_post_without_a_text_is_not_empty_if_it_has_something_else(content: Content) -> None:
    assert said(content) == []


def test_a_text_that_is_too_long_is_refused_in_every_unit_with_count_and_limit() -> None:
    assert said(Content(text="éééééé")) == [
        "text: 6 graphemes, the limit is 3; shorten it by 3.",
        "text: 12 bytes, the limit is 10; shorten it by 2.",
    ]


def test_a_missing_title_is_refused_where_one_is_needed() -> None:
    assert said(Content(text="a"), Limits(needs_title=True)) == ["title: it needs a title (--title)."]
    assert said(Content(text="a", title="T"), Limits(needs_title=True)) == []


def test_a_missing_file_is_refused_where_one_is_needed() -> None:
    limits = replace(LIMITS, needs_media=True)
    assert said(Content(text="a"), limits) == ["media: it needs a file, such as a picture (--media)."]
    assert said(Content(text="a", media=(picture(),)), limits) == []


def test_a_title_that_is_too_long_is_refused() -> None:
    assert said(Content(text="a", title="123456")) == [
        "title: 6 characters, the limit is 5; shorten it by 1."
    ]


def test_too_many_files_are_refused() -> None:
    assert said(Content(media=(picture(), picture(), picture()))) == ["media: 3 files, the limit is 2."]


def test_a_network_without_media_names_the_count_and_the_type() -> None:
    assert said(Content(media=(picture(),)), Limits()) == [
        "media: 1 files, the limit is 0.",
        "media a: image/png is not taken there; it takes none.",
    ]


@pytest.mark.parametrize(
    ("media", "problem"),
    [
        (picture(mime="image/gif"), "media a: image/gif is not taken there; it takes image/png, video/mp4."),
        (picture(size=1001), "media a: 1,001 bytes, the limit is 1,000."),
        (picture(width=101, height=1), "media a: 101 x 1 pixels, the limit is 100 pixels."),
    ],
)
def test_a_file_beyond_a_limit_is_refused(media: Media, problem: str) -> None:
    assert said(Content(media=(media,))) == [problem]


@pytest.mark.parametrize("media", [picture(width=None, height=None), picture(mime="video/mp4", width=999)])
def test_pixels_are_counted_only_of_pictures_that_could_be_measured(media: Media) -> None:
    assert said(Content(media=(media,))) == []


def test_pixels_are_not_counted_where_there_is_no_limit() -> None:
    limits = Limits(media=MediaLimit(most=1, types={"image/png": 1000}))
    assert said(Content(media=(picture(width=9999, height=9999),)), limits) == []


def test_limits_can_be_told_as_plain_values() -> None:
    assert LIMITS.summary() == {
        "text": {"graphemes": 3, "bytes": 10},
        "title": {"characters": 5},
        "needs_title": False,
        "needs_media": False,
        "media": {
            "most": 2,
            "types": {"image/png": 1000, "video/mp4": 5000},
            "pixels": 100,
            "side": None,
            "ratio": None,
            "film": {},
        },
        "quotas": {"day": 25},
    }
    assert Limits().summary() == {
        "text": {},
        "title": {},
        "needs_title": False,
        "needs_media": False,
        "media": {"most": 0, "types": {}, "pixels": None, "side": None, "ratio": None, "film": {}},
        "quotas": {},
    }


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((30, 10), None),
        ((10, 30), None),
        ((31, 10), "31 x 10 pixels, the limit is 3 times as long as wide; cut it."),
        ((10, 31), "10 x 31 pixels, the limit is 3 times as long as wide; cut it."),
        ((41, 20), "41 x 20 pixels, the limit is 40 pixels a side."),
        ((20, 41), "20 x 41 pixels, the limit is 40 pixels a side."),
        ((None, None), None),
    ],
)
def test_a_picture_has_at_most_so_many_pixels_a_side_and_is_not_too_long(
    size: tuple[int | None, int | None], told: str | None
) -> None:
    limits = Limits(media=MediaLimit(most=1, types={"image/png": 1000}, side=40, ratio=3))
    found = said(Content(media=(picture(width=size[0], height=size[1]),)), limits)
    assert found == ([f"media a: {told}"] if told else [])


def test_a_sound_is_not_held_against_what_is_said_of_videos() -> None:
    rules = FilmLimit(seconds=1, codecs=("h264",), pixels=1)
    limit = Limits(media=MediaLimit(most=1, types={"audio/mpeg": 9}, film=rules))
    song = Media(
        sha256="a" * 64,
        kind=MediaKind.AUDIO,
        mime="audio/mpeg",
        size=9,
        film=Film(seconds=60, sound="mp3"),
        name="bells.mp3",
        path=Path("bells.mp3"),
    )
    assert check(Content(media=(song,)), limit, account="mine") == []
