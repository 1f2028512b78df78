"""Pictures on their way from the user to a network: made to fit, shown before, refused in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from postbell.domain.account import Account
from postbell.domain.content import Content, Override
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.states import DeliveryState, Outcome
from postbell.domain.when import When
from postbell.errors import Invalid
from postbell.services.media import fitting
from postbell.services.media.media_store import MediaStore
from postbell.services.posts.compose import add_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Wanted
from postbell.services.series.series import WantedSeries, add_series
from postbell.settings import RetrySettings, Settings
from postbell.store.accounts import accounts_named
from postbell.testing import FakeNetwork
from support import pictures
from support.command import Command, german, with_accounts
from support.gallery import shown
from support.pictures import stored, written
from support.repeating import daily
from support.stage import fate, ring
from support.world import START, World, add_account, build_world


LATER = When(
    at=START + timedelta(hours=1), local=(START + timedelta(hours=1)).replace(tzinfo=None), zone="UTC"
)
BROKEN = ("-c", "raise SystemExit('no libjpeg')")


class Small(FakeNetwork):
    """Takes small JPEG only."""

    key = "small"
    limits = Limits(media=MediaLimit(most=2, types={"image/jpeg": 50_000}, side=100, ratio=3))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[Small(), FakeNetwork()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "sam", network="small")
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return written(tmp_path, "cat.png", shown("PNG", "RGB", (320, 240), 6).data)


def wanted(picture: Path, *to: str, alt: str = "A cat") -> Wanted:
    return Wanted(text="Hello", to=to, when=LATER, media=((picture, alt),))


def refused(world: World, asked: Wanted) -> list[str]:
    with pytest.raises(Invalid) as caught:
        add_post(world.ctx, asked)
    assert stored(world.app.places.media) == []
    return [str(problem) for problem in caught.value.problems]


def no_more_fitting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_CHILD", BROKEN)


def test_a_network_is_given_what_it_takes_and_it_was_made_when_the_post_was_saved(
    world: World, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = add_post(world.ctx, wanted(picture, "sam"))
    assert saved.warnings == ()
    no_more_fitting(monkeypatch)
    world.clock.set(LATER.at)
    ring(world)
    (sent,) = world.fake.posts[0].content.media
    assert (sent.mime, sent.width, sent.height, sent.alt, sent.name) == (
        "image/jpeg",
        75,
        100,
        "A cat",
        "cat.jpg",
    )
    with Image.open(sent.path) as image:
        assert image.size == (75, 100)
    (given,) = saved.post.content.media
    assert given.path.read_bytes() == picture.read_bytes()


class Choosing(Small):
    """Takes larger pictures where it is told to."""

    key = "choosing"

    def fits(self, options: Mapping[str, Any]) -> MediaLimit:
        return MediaLimit(most=2, types={"image/jpeg": 50_000}, side=200 if options.get("title") else 50)


def test_what_is_made_of_a_picture_depends_on_the_options(tmp_path: Path, picture: Path) -> None:
    with build_world(tmp_path, networks=[Choosing(), FakeNetwork()]) as world:
        add_account(world.store, "sam", network="choosing")
        for options, height in (({}, 50), ({"title": True}, 200)):
            asked = replace(wanted(picture, "sam"), overrides={"choosing": Override(options=options)})
            content, _ = world.ctx.fit(
                Content(media=tuple(world.ctx.media.take([(picture, "")]))),
                asked.overrides,
                _account(world),
            )
            assert content.media[0].height == height


def _account(world: World) -> Account:
    with world.store.read() as tx:
        return accounts_named(tx, ["sam"])["sam"]


def test_what_was_made_and_lost_is_made_again_with_the_same_bytes(world: World, picture: Path) -> None:
    saved = add_post(world.ctx, wanted(picture, "sam"))
    (given,) = saved.post.content.media
    before = world.ctx.media.fit(given, Small.limits.media)
    before.path.unlink()
    world.clock.set(LATER.at)
    ring(world)
    assert world.fake.posts[0].content.media == (replace(before, name="cat.jpg"),)


def test_a_picture_that_can_no_longer_be_made_to_fit_is_not_sent_and_the_post_fails(
    tmp_path: Path, world: World
) -> None:
    moving = written(tmp_path, "moving.gif", pictures.gif(frames=3))
    media = MediaStore(world.app.places.media).take([(moving, "")])
    asked = replace(wanted(moving), media=())
    saved = add_post(world.ctx, replace(asked, to=("sam",)))
    with world.store.write() as tx:
        from postbell.store import posts
        from postbell.store.media import record_media

        record_media(tx, media, START)
        posts._replace_media(tx, saved.post.id, media)
    world.clock.set(LATER.at)
    ring(world)
    assert fate(world, saved.post) == (DeliveryState.PROCESSED, Outcome.FAILED, ["rejected"])
    assert world.fake.posts == []


def test_where_pictures_cannot_be_made_to_fit_just_now_a_post_waits(
    world: World, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = add_post(world.ctx, wanted(picture, "sam"))
    (given,) = saved.post.content.media
    world.ctx.media.fit(given, Small.limits.media).path.unlink()
    no_more_fitting(monkeypatch)
    world.clock.set(LATER.at)
    ring(world)
    assert fate(world, saved.post) == (DeliveryState.SCHEDULED, None, ["unavailable"])


def test_what_cannot_be_made_to_fit_is_refused_before_anything_is_stored(
    tmp_path: Path, world: World
) -> None:
    moving = written(tmp_path, "moving.gif", pictures.gif(frames=3))
    told = "media moving.gif (for sam): "
    assert refused(world, wanted(moving, "sam")) == [
        f"{told}it moves, and what moves is not made to fit; change it, or take a still one.",
        f"{told}image/gif is not taken there; it takes image/jpeg.",
    ]


def test_a_picture_is_never_cut_by_itself(tmp_path: Path, world: World) -> None:
    long = written(tmp_path, "long.jpg", pictures.jpeg(90, 20))
    said = "90 x 20 pixels, the limit is 3 times as long as wide; cut it."
    assert refused(world, wanted(long, "sam")) == [f"media long.jpg (for sam): {said}"]


def test_a_preview_shows_what_becomes_of_pictures_and_keeps_nothing(world: World, picture: Path) -> None:
    small, fake = preview_post(world.ctx, wanted(picture, "sam", "ann"))
    ((given, sent),) = small.pictures
    assert ((given.mime, given.width), (sent.mime, sent.width)) == (("image/png", 240), ("image/jpeg", 75))
    ((given, sent),) = fake.pictures
    assert (sent.mime, sent.width) == ("image/png", 240)
    assert small.problems == fake.problems == ()
    assert stored(world.app.places.media) == []


def test_a_preview_tells_what_cannot_be_made_to_fit(tmp_path: Path, world: World) -> None:
    moving = written(tmp_path, "moving.gif", pictures.gif(frames=3))
    (preview,) = preview_post(world.ctx, wanted(moving, "sam"))
    assert preview.calls == ()
    assert [problem.message[:8] for problem in preview.problems] == ["it moves", "image/gi"]


def series(picture: Path, alt: str = "A cat") -> WantedSeries:
    return WantedSeries(rule=daily("10:00"), text="{Hello|Hi}", media=((picture, alt),), to=("sam",))


def test_the_posts_of_a_series_send_what_fits(world: World, picture: Path) -> None:
    saved = add_series(world.ctx, series(picture))
    assert saved.warnings == ()
    world.clock.set(LATER.at)
    ring(world)
    assert world.fake.posts[0].content.media[0].mime == "image/jpeg"


def test_a_series_whose_picture_cannot_be_made_to_fit_is_refused(tmp_path: Path, world: World) -> None:
    moving = written(tmp_path, "moving.gif", pictures.gif(frames=3))
    with pytest.raises(Invalid, match="it moves"):
        add_series(world.ctx, series(moving))


# Alt texts.


def test_a_picture_without_alt_text_is_told(world: World, picture: Path) -> None:
    told = ["media cat.png: it has no alt text; say what it shows: --media FILE='What it shows'."]
    saved = add_post(world.ctx, wanted(picture, "ann", alt=" "))
    assert list(map(str, saved.warnings)) == told
    (preview,) = preview_post(world.ctx, wanted(picture, "sam", alt=""))
    assert (list(map(str, preview.warnings)), preview.problems) == (told, ())
    assert list(map(str, add_series(world.ctx, series(picture, "")).warnings)) == told


def test_an_alt_text_can_be_required(tmp_path: Path, picture: Path) -> None:
    settings = Settings(timezone="UTC", alt_text="require", retry=RetrySettings(catch_up_seconds=0))
    with build_world(tmp_path, networks=[Small(), FakeNetwork()], settings=settings) as world:
        add_account(world.store, "sam", network="small")
        (told,) = refused(world, wanted(picture, "sam", alt=""))
        assert "it has no alt text" in told
        with pytest.raises(Invalid, match="no alt text"):
            add_series(world.ctx, series(picture, ""))
        (preview,) = preview_post(world.ctx, wanted(picture, "sam", alt=""))
        assert (list(map(str, preview.problems)), preview.warnings) == ([told], ())
        draft = add_post(world.ctx, replace(wanted(picture, "sam", alt=""), when=None))
        assert list(map(str, draft.warnings)) == [told]


# On the command line.


def test_a_dry_run_shows_how_each_file_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    german(monkeypatch)
    cli = with_accounts(tmp_path)
    rotated = written(tmp_path, "cat.jpg", shown("JPEG", "RGB", (320, 240), 6).data)
    clean = written(tmp_path, "clean.png", pictures.png())
    words = (
        "add",
        "Hello",
        "--to",
        "sky",
        "--media",
        f"{rotated}=A cat",
        "--media",
        f"{clean}=A field",
        "--dry-run",
    )
    said = cli.done(*words).out
    assert (
        f"file: cat.jpg (image/jpeg, 240 x 320, {rotated.stat().st_size:,} bytes) is sent without notes"
        in said
    )
    assert f"file: clean.png (image/png, 40 x 30, {clean.stat().st_size:,} bytes) is sent as it is\n" in said
    media = cli.done(*words, "--json").json["media"]
    assert [(item["name"], item["width"], item["alt"]) for item in media] == [
        ("cat.jpg", 240, "A cat"),
        ("clean.png", 40, "A field"),
    ]
    assert isinstance(cli, Command)
