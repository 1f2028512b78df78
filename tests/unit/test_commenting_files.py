"""The files of a first comment: with the comment and never with the post, and never at the post's cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from postbell.domain.comment import CommentState
from postbell.domain.content import Comment, Content, Override
from postbell.domain.fingerprint import fingerprint
from postbell.domain.media import COMMENT, Media
from postbell.domain.post import Post
from postbell.domain.states import Outcome
from postbell.errors import Invalid
from postbell.services.posts.actions import publish_now
from postbell.services.posts.compose import add_post as write
from postbell.services.posts.compose import edit_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Wanted
from postbell.services.sending.editing import plan_edit
from postbell.settings import RetrySettings, Settings
from postbell.store import stored
from postbell.testing import FakeNetwork, Mode
from support import pictures
from support.commenting import only, speak, warnings
from support.stage import fate, ring
from support.world import World, add_account, build_world, post_of


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))


class Plain(FakeNetwork):
    """Publishes first comments without files."""

    key: ClassVar[str] = "plain"
    comment_files: ClassVar[bool] = False


class Mute(FakeNetwork):
    """Publishes no first comments."""

    key: ClassVar[str] = "mute"
    comments: ClassVar[bool] = False


class Fetching(FakeNetwork):
    """Fetches files itself."""

    key: ClassVar[str] = "fetching"
    fetches: ClassVar[bool] = True


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Plain(), Mute(), Fetching()], settings=FAST) as made:
        add_account(made.store, "ann")
        for name in ("plain", "mute", "fetching"):
            add_account(made.store, name, network=name)
        yield made


def _wanted(tmp_path: Path, **more: Any) -> Wanted:
    """Return a post with a picture of its own and one for its first comment."""
    for width, name in ((40, "own.png"), (41, "below.png")):
        (tmp_path / name).write_bytes(pictures.png(width))
    files = ((tmp_path / "own.png", "A tower"), (tmp_path / "below.png", "A bell", COMMENT))
    values: dict[str, Any] = {"text": "hello", "to": ("ann",), "media": files}
    return Wanted(**values | {"comment": Comment(text="And by the way")} | more)


def _written(world: World, tmp_path: Path, **more: Any) -> Post:
    return write(world.ctx, _wanted(tmp_path, **more)).post


def _public(world: World, tmp_path: Path) -> Post:
    post = _written(world, tmp_path)
    publish_now(world.ctx, post)
    ring(world)
    return post


def _names(files: tuple[Media, ...]) -> list[str]:
    return [item.alt for item in files]


def test_the_post_shows_its_own_and_the_comment_the_others(world: World, tmp_path: Path) -> None:
    _public(world, tmp_path)
    speak(world)
    post, said = world.fake.posts
    assert (_names(post.content.media), _names(said.content.media)) == (["A tower"], ["A bell"])
    assert said.reply


def test_what_is_gone_of_them_is_a_warning_and_the_post_stays_published(world: World, tmp_path: Path) -> None:
    post = _public(world, tmp_path)
    _, below = post_of(world.store, post.id).content.media
    for path in world.app.places.media.rglob(f"{below.sha256}*"):
        path.unlink()
    speak(world)
    assert (fate(world, post)[1], only(world, post).state) == (Outcome.PUBLISHED, CommentState.FAILED)
    (warning,) = warnings(world, post)
    assert "The first comment was not published: its stored files are gone: below.png" in warning
    assert len(world.fake.posts) == 1


def test_a_post_does_not_need_them(world: World, tmp_path: Path) -> None:
    post = _written(world, tmp_path)
    _, below = post.content.media
    publish_now(world.ctx, post)
    for path in world.app.places.media.rglob(f"{below.sha256}*"):
        path.unlink()
    ring(world)
    assert fate(world, post)[1] is Outcome.PUBLISHED


@pytest.mark.parametrize("mode", [Mode.LOSE_ANSWER, Mode.LOSE_REQUEST])
def test_after_a_lost_answer_there_is_exactly_one(world: World, tmp_path: Path, mode: Mode) -> None:
    _public(world, tmp_path)
    world.fake.modes = [mode]
    speak(world)
    speak(world, 2, after=300)
    assert [_names(each.content.media) for each in world.fake.posts] == [["A tower"], ["A bell"]]


def test_they_are_in_use_for_as_long_as_the_post_is_kept(world: World, tmp_path: Path) -> None:
    _, below = _public(world, tmp_path).content.media
    with world.store.write() as tx:
        assert stored.forget_unused(tx, world.clock.now() + timedelta(days=30)) == []
        assert not stored.forget_media(tx, below.sha256)


@pytest.mark.parametrize("name", ["plain", "mute"])
def test_a_network_that_puts_none_into_comments_refuses_them(world: World, tmp_path: Path, name: str) -> None:
    at = _wanted(tmp_path, to=(name,))
    (preview,) = preview_post(world.ctx, at)
    told = f"--set {name}.comment="
    assert [(each.where, told in each.message) for each in preview.problems] == [("comment: media", True)]
    silent = replace(at, overrides={name: Override(comment="")})
    assert preview_post(world.ctx, silent)[0].problems == ()


def test_the_limits_of_a_post_hold_for_them_too(world: World, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(pictures.png(width=40 + number))
    wanted = _wanted(tmp_path, media=tuple((path, "A bell", COMMENT) for path in paths))
    (preview,) = preview_post(world.ctx, wanted)
    assert [each.where for each in preview.problems] == ["comment: media"]


def test_without_a_comment_they_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        _written(world, tmp_path, comment=None)
    (told,) = caught.value.problems
    assert str(told).startswith("media below.png: there is no first comment to show it; give that a text")
    alone = _written(world, tmp_path, comment=None, overrides={"ann": Override(comment="Mine")})
    assert _names(alone.content.media) == ["A tower", "A bell"]


def test_they_make_no_post_of_nothing(world: World, tmp_path: Path) -> None:
    below = ((tmp_path / "below.png", "A bell", COMMENT),)
    with pytest.raises(Invalid):
        _written(world, tmp_path, text="", media=below)


def test_they_go_with_the_comment_and_stay_with_another_text(world: World, tmp_path: Path) -> None:
    post = _written(world, tmp_path)
    post = edit_post(world.ctx, post, Changes(comment=Comment(text="Another"))).post
    assert _names(post.content.media) == ["A tower", "A bell"]
    post = edit_post(world.ctx, post, Changes(comment=Comment(text=""))).post
    assert _names(post.content.media) == ["A tower"]


def test_what_is_public_keeps_them_as_they_are(world: World, tmp_path: Path) -> None:
    post = post_of(world.store, _public(world, tmp_path).id)
    own, below = post.content.media
    changed = plan_edit(world.ctx, post, Changes(media=(replace(own, alt="A high tower"), below)))
    assert _names(changed.after.content.media) == ["A high tower", "A bell"]
    with pytest.raises(Invalid, match="a first comment stays as it is"):
        plan_edit(world.ctx, post, Changes(media=(own, replace(below, alt="A high bell"))))


def test_a_network_that_fetches_needs_a_public_address_for_them(world: World, tmp_path: Path) -> None:
    below = _wanted(tmp_path).media[1:]
    wanted = _wanted(tmp_path, to=("fetching",), media=below)
    assert "fetches files itself" in str(preview_post(world.ctx, wanted)[0].problems)
    silent = replace(wanted, overrides={"fetching": Override(comment="")})
    assert preview_post(world.ctx, silent)[0].problems == ()


def test_a_picture_of_which_nobody_says_what_it_shows_is_told(world: World, tmp_path: Path) -> None:
    wanted = _wanted(tmp_path)
    wanted = replace(wanted, media=((tmp_path / "below.png", "", COMMENT),))
    (preview,) = preview_post(world.ctx, wanted)
    assert [each.where for each in preview.warnings] == ["media below.png"]


def test_of_a_thread_no_part_shows_them(tmp_path: Path) -> None:
    own, below = pictures.picture(tmp_path), replace(pictures.picture(tmp_path), part=COMMENT)
    said = Content(segments=("two",), media=(own, below), comment=Comment(text="more"))
    assert [part.media for part in said.parts] == [(own,), ()]
    assert said.as_comment() == Content(text="more", media=(own,))
    assert Content(media=(below,)).as_comment() is None
    assert fingerprint(Content(media=(below,))) is None
