"""What is done with a video before it is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.film import Film, FilmLimit, film_problems
from postbell.domain.film_plan import FilmPlan, plan_film
from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media, MediaKind


FILM = Film(
    seconds=60, rate=30, codec="h264", sound="aac", channels=2, hertz=48_000, bits=8_000_000, notes=False
)
NOTED = replace(FILM, notes=True, placed=True)
ANY = MediaLimit(most=1, types={"video/mp4": 100_000_000})


def video(film: Film | None = FILM, **facts: Any) -> Media:
    said: dict[str, Any] = {"mime": "video/mp4", "size": 60_000_000, "width": 1920, "height": 1080} | facts
    return Media(
        sha256="a" * 64, kind=MediaKind.VIDEO, name="bell.mp4", path=Path("/bell.mp4"), film=film, **said
    )


def limit(most: int = 100_000_000, **film: Any) -> MediaLimit:
    return MediaLimit(most=1, types={"video/mp4": most}, film=FilmLimit(**film))


def planned(item: Media, wanted: MediaLimit) -> FilmPlan:
    plan = plan_film(item, wanted)
    assert plan
    return plan


def test_a_video_that_fits_and_has_no_notes_is_sent_as_it_is() -> None:
    assert plan_film(video(), ANY) is None


def test_notes_are_left_out_and_nothing_else_changes() -> None:
    plan = planned(video(NOTED), ANY)
    assert (plan.anew, plan.mime, plan.width, plan.height) == (False, "video/mp4", 1920, 1080)
    assert plan.facts(NOTED) == FILM


def test_notes_are_left_out_also_where_nobody_has_looked_into_a_video() -> None:
    plan = planned(video(Film(notes=True), width=None, height=None), ANY)
    assert (plan.anew, plan.facts(Film(notes=True))) == (False, Film())


def test_nothing_is_done_with_what_is_quite_unknown() -> None:
    assert plan_film(video(None), limit(seconds=1)) is None
    assert plan_film(video(Film(), width=None, height=None), limit(most=1000)) is None


@pytest.mark.parametrize(("codec", "sound"), [("h264", "aac"), ("hevc", "aac"), ("h264", "")])
def test_a_quicktime_file_becomes_an_mp4_without_being_coded_anew(codec: str, sound: str) -> None:
    film = replace(FILM, codec=codec, sound=sound)
    plan = planned(video(film, mime="video/quicktime"), ANY)
    assert (plan.anew, plan.mime) == (False, "video/mp4")


def test_a_quicktime_file_stays_one_where_that_is_taken() -> None:
    both = MediaLimit(most=1, types=dict.fromkeys(("video/mp4", "video/quicktime"), 10**9))
    assert plan_film(video(mime="video/quicktime"), both) is None
    assert planned(video(NOTED, mime="video/quicktime"), both).mime == "video/quicktime"


def test_what_cannot_lie_in_an_mp4_is_coded_anew() -> None:
    film = replace(FILM, codec="prores", sound="pcm_s16le", bits=100_000_000)
    plan = planned(video(film, mime="video/quicktime"), ANY)
    assert (plan.anew, plan.mime) == (True, "video/mp4")
    assert (plan.facts(film).codec, plan.facts(film).sound) == ("h264", "aac")


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"pixels": 640 * 360}, {"width": 640, "height": 360}),
        ({"width": 1280}, {"width": 1280, "height": 720}),
        ({"codecs": ("hevc", "h264"), "fastest": 24}, {"rate": 24, "width": 1920}),
        ({"slowest": 50}, {"rate": 50}),
        ({"bits": 3_000_000}, {"bits": 2_572_000}),
        ({"channels": 1}, {"channels": 1}),
        ({"hertz": 44_100}, {"hertz": 44_100}),
        ({"most": 20_000_000}, {"size": 20_000_000}),
    ],
)
def test_what_is_beyond_a_limit_is_made_to_keep_to_it(rules: dict[str, Any], wanted: dict[str, Any]) -> None:
    wide = limit(**rules)
    plan = planned(video(), wide)
    assert plan.anew
    assert {name: getattr(plan, name) for name in wanted} == wanted
    assert not list(film_problems(plan.facts(FILM), plan.width, plan.height, wide.film))
    assert plan.bits + 128_000 <= plan.size * 8 / 60


def test_with_few_bytes_there_are_fewer_pixels() -> None:
    plan = planned(video(), limit(most=5_000_000))
    assert plan.width < 1920
    assert plan.width % 2 == plan.height % 2 == 0
    assert plan.width / plan.height == pytest.approx(16 / 9, rel=0.02)


def test_what_is_larger_than_high_definition_becomes_that_when_it_is_coded_anew() -> None:
    plan = planned(video(replace(FILM, rate=None, sound=""), width=2160, height=3840), limit(most=50_000_000))
    assert (plan.width, plan.height, plan.rate) == (1080, 1920, 30)
    assert plan.facts(replace(FILM, sound="")).sound == ""


@pytest.mark.parametrize(
    "wanted",
    [
        limit(seconds=59),
        limit(ratio=1.5),
        limit(codecs=("vp9",)),
        limit(most=100_000),
        limit(most=1_000_000),
        MediaLimit(most=1, types={"image/png": 1000}),
    ],
)
def test_nothing_is_cut_away_and_nothing_becomes_ugly(wanted: MediaLimit) -> None:
    assert plan_film(video(), wanted) is None
