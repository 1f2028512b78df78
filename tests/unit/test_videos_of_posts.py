"""Videos on their way from the user to a network: looked into, checked, and told of."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.film import FilmLimit
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.media import Media
from postbell.domain.when import When
from postbell.errors import Invalid
from postbell.sections import MediaSettings
from postbell.services.media import film_fitting, films
from postbell.services.posts.compose import add_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Wanted
from postbell.services.series.series import WantedSeries, add_series
from postbell.services.upkeep.doctor import doctor
from postbell.settings import RetrySettings, Settings
from postbell.store.media import find_media, record_given, record_media
from postbell.testing import FakeNetwork
from support.command import Command, german, with_accounts
from support.films import NOTES, PLACE, film
from support.pictures import stored, written
from support.repeating import daily
from support.stage import ring
from support.world import START, World, add_account, build_world


LATER = When(
    at=START + timedelta(hours=1), local=(START + timedelta(hours=1)).replace(tzinfo=None), zone="UTC"
)


class Short(FakeNetwork):
    """Takes short videos only, and nothing else."""

    key = "short"
    limits = Limits(
        media=MediaLimit(
            most=2,
            types={"video/mp4": 1_000_000},
            film=FilmLimit(seconds=2, codecs=("h264",), ratio=3, slowest=20, fastest=60, width=100),
        )
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[Short(), FakeNetwork()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "sam", network="short")
        yield made


def nobody_looks(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(films, "_CHILD", ("-c", f"import sys\nsys.modules['av'] = None\n{films._CHILD[1]}"))


def wanted(video: Path, *to: str) -> Wanted:
    return Wanted(text="Hello", to=to, when=LATER, media=((video, "A bell"),))


def test_a_network_is_told_what_is_known_of_a_video(tmp_path: Path, world: World) -> None:
    saved = add_post(world.ctx, wanted(written(tmp_path, "bell.mp4", film(sound="aac")), "sam"))
    assert saved.warnings == ()
    world.clock.set(LATER.at)
    ring(world)
    (sent,) = world.fake.posts[0].content.media
    assert (sent.width, sent.height) == (64, 48)
    assert sent.film
    assert (sent.film.codec, sent.film.sound, round(sent.film.seconds or 0)) == ("h264", "aac", 1)
    assert saved.post.content.media[0].film == sent.film


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_stored(tmp_path: Path, world: World) -> None:
    video = written(tmp_path, "bell.mp4", film(codec="mpeg4", seconds=3, rate=10, size=(160, 32)))
    with pytest.raises(Invalid) as caught:
        add_post(world.ctx, wanted(video, "sam"))
    assert [problem.message for problem in caught.value.problems] == [
        "160 x 32 pixels, the limit is 100 pixels from left to right.",
        "160 x 32 pixels, the limit is 3 times as long as wide; cut it.",
        "it lasts 3.0 s, the limit is 2 s; cut it.",
        "its pictures are coded as MPEG-4 part 2, and H.264 is taken there.",
        "10 pictures a second, the least is 20.",
    ]
    assert stored(world.app.places.media) == []


def test_where_ffmpeg_is_not_there_a_video_that_says_where_it_was_taken_is_told(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    video = written(tmp_path, "bell.mp4", film(notes={"location": PLACE}))
    said = "it says where it was taken, and that is sent with it. Install FFmpeg (`apt install ffmpeg`)."
    told = [f"media bell.mp4: {said}"]
    (preview,) = preview_post(world.ctx, wanted(video, "sam"))
    assert (list(map(str, preview.warnings)), preview.problems) == (told, ())
    assert list(map(str, add_post(world.ctx, wanted(video, "sam")).warnings)) == told
    series = WantedSeries(rule=daily("10:00"), text="{Hi|Hello}", media=((video, "A bell"),), to=("sam",))
    assert list(map(str, add_series(world.ctx, series).warnings)) == told


def test_where_nobody_can_look_into_a_video_it_is_taken_and_told(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_looks(monkeypatch, tmp_path)
    saved = add_post(world.ctx, wanted(written(tmp_path, "bell.mp4", film(seconds=3)), "sam"))
    assert list(map(str, saved.warnings)) == [
        (
            "media bell.mp4: nobody has looked into it, so whether it is taken shows when it is published. "
            "Install FFmpeg (`apt install ffmpeg`)."
        )
    ]


def test_what_is_found_out_later_of_a_video_is_kept(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, store = written(tmp_path, "bell.mp4", film()), world.ctx.media
    with monkeypatch.context() as patched:
        nobody_looks(patched, tmp_path)
        blind = store.put(video)
    seen = store.put(video)

    def known(item: Media) -> tuple[int | None, float | None]:
        with world.store.read() as tx:
            (found,) = find_media(tx, [item.sha256], store.path_of).values()
        return found.width, found.film.seconds if found.film else None

    for record in (record_media, record_given):
        with world.store.write() as tx:
            record(tx, [replace(blind, width=None)], START)
        assert known(blind) == (None, None)
        with world.store.write() as tx:
            record(tx, [seen], START)
        assert known(seen) == (64, 1)
        with world.store.write() as tx:
            record(tx, [replace(seen, film=None)], START)
        assert known(seen) == (64, 1)


# Made to fit by FFmpeg.


def folder(above: Path) -> Path:
    path = above / "world"
    path.mkdir()
    return path


@pytest.fixture
def fitting(tmp_path: Path, ffmpeg: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which videos may be coded anew."""
    monkeypatch.setenv("PATH", str(ffmpeg))
    settings = Settings(
        timezone="UTC", media=MediaSettings(fit_videos=True), retry=RetrySettings(catch_up_seconds=0)
    )
    with build_world(folder(tmp_path), networks=[Short(), FakeNetwork()], settings=settings) as made:
        add_account(made.store, "sam", network="short")
        yield made


@pytest.mark.real
def test_a_network_is_given_a_video_without_its_notes(
    tmp_path: Path, world: World, ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(ffmpeg))
    video = written(tmp_path, "bell.mp4", film(notes={"location": PLACE}))
    saved = add_post(world.ctx, wanted(video, "sam"))
    assert saved.warnings == ()
    world.clock.set(LATER.at)
    ring(world)
    (sent,) = world.fake.posts[0].content.media
    assert (b"loci" in video.read_bytes(), b"loci" in sent.path.read_bytes()) == (True, False)
    assert saved.post.content.media[0].path.read_bytes() == video.read_bytes()


@pytest.mark.real
def test_where_the_user_allows_it_a_video_is_coded_anew_when_the_post_is_saved(
    tmp_path: Path, fitting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = written(tmp_path, "bell.mov", film("mov", codec="mpeg4", size=(160, 64), rate=10))
    (preview,) = preview_post(fitting.ctx, wanted(video, "sam"))
    ((given, sent),) = preview.pictures
    assert preview.problems == ()
    assert ((given.mime, given.width), (sent.mime, sent.width, sent.height)) == (
        ("video/quicktime", 160),
        ("video/mp4", 100, 40),
    )
    assert stored(fitting.app.places.media) == []
    add_post(fitting.ctx, wanted(video, "sam"))
    monkeypatch.setenv("PATH", str(tmp_path))  # it was done when the post was saved
    monkeypatch.setattr(film_fitting, "is_there", lambda: True)
    fitting.clock.set(LATER.at)
    ring(fitting)
    (sent,) = fitting.fake.posts[0].content.media
    assert (sent.name, sent.mime, sent.width, sent.alt) == ("bell.mp4", "video/mp4", 100, "A bell")


@pytest.mark.real
def test_what_was_made_of_a_video_and_lost_is_made_again(tmp_path: Path, fitting: World) -> None:
    saved = add_post(fitting.ctx, wanted(written(tmp_path, "bell.mp4", film(codec="mpeg4")), "sam"))
    (given,) = saved.post.content.media
    before = fitting.ctx.media.fit(given, Short.limits.media)
    before.path.unlink()
    fitting.clock.set(LATER.at)
    ring(fitting)
    (sent,) = fitting.fake.posts[0].content.media
    assert (sent.mime, sent.path.exists()) == ("video/mp4", True)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_video_that_ffmpeg_could_make_fit_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, allowed: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = Settings(timezone="UTC", media=MediaSettings(fit_videos=allowed))
    with build_world(folder(tmp_path), networks=[Short(), FakeNetwork()], settings=settings) as world:
        add_account(world.store, "sam", network="short")
        with pytest.raises(Invalid) as caught:
            add_post(world.ctx, wanted(written(tmp_path, "bell.mp4", film(size=(160, 64))), "sam"))
    assert [problem.message for problem in caught.value.problems] == [
        "FFmpeg could make it fit. Install FFmpeg (`apt install ffmpeg`)."
        if allowed
        else "FFmpeg can make it fit: set `fit_videos = true` under [media].",
        "160 x 64 pixels, the limit is 100 pixels from left to right.",
    ]


@pytest.mark.real
def test_a_dry_run_tells_what_becomes_of_a_video(
    tmp_path: Path, ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(ffmpeg))
    monkeypatch.setenv("POSTBELL_MEDIA__FIT_VIDEOS", "true")
    german(monkeypatch)
    cli = with_accounts(tmp_path)
    for name, made, told in (
        ("a.mp4", film(), "is sent as it is"),
        ("b.mp4", film(notes=NOTES), "is sent without notes, as video/mp4, 64 x 48, at most"),
        ("c.mov", film("mov", codec="mpeg4"), "is sent coded anew, as video/mp4, 64 x 48, at most"),
    ):
        video = written(tmp_path, name, made)
        said = cli.done("add", "Hello", "--to", "sky", "--media", f"{video}=A bell", "--dry-run").out
        assert re.search(rf"file: {name} \(video/\w+, 64 x 48, [\d,]+ bytes\) {told}", said)


@pytest.mark.parametrize("there", [True, False])
def test_the_doctor_tells_who_looks_into_videos(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    if not there:
        nobody_looks(monkeypatch, tmp_path)
    (told,) = (check for check in doctor(world.app.places, now=START) if check.name == "videos")
    assert told.level == "ok"
    assert told.message.startswith(("ffprobe looks", "PyAV looks") if there else "Nobody looks into videos")


def test_what_is_said_of_videos_is_told_of_a_network(tmp_path: Path) -> None:
    said = Command(tmp_path).done("networks", "bluesky").out
    assert "videos of at most 180 s" in said
    assert "videos at most 3 times as long as wide" in said
