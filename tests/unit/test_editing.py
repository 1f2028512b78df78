"""What the user may change of what is public."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.additions import Additions
from postbell.domain.content import Comment, Content, Override, Split
from postbell.domain.fingerprint import fingerprint
from postbell.domain.media import Media, Source
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Conflict, Invalid, NotFound, PostbellError, Stale
from postbell.services.posts.actions import unpublish
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes, Terms
from postbell.services.sending.editing import edit_published, plan_edit, revisions_of
from postbell.testing import FakeNetwork, Mode
from support.editing import NEW, Fixed, Lasting, Short, edit, edits_of, first, published, texts
from support.pictures import picture
from support.stage import ring
from support.world import START, World, add_post, build_world, post_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Fixed(), Lasting(), Short()]) as made:
        yield made


def wrong(world: World, post: Post, changes: Changes, *accounts: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        edit_published(world.ctx, post, changes, accounts)
    return [problem.where for problem in caught.value.problems]


def test_the_post_says_it_at_once_and_its_networks_when_the_daemon_has_asked_them(world: World) -> None:
    post = published(world, "ann", "bob")
    saved = edit_published(world.ctx, post, NEW)
    assert saved.post.content.text == "good evening"
    assert all(each.edit_at == world.clock.now() for each in saved.post.deliveries)
    assert texts(world.fake) == ["hello", "hello"]
    assert edit(world) == 2
    assert texts(world.fake) == ["good evening", "good evening"]
    now = post_of(world.store, post.id)
    assert (now.state, now.outcome) == (PostState.PROCESSED, Outcome.PUBLISHED)
    assert all((each.edit_at, each.edited_at) == (None, START) for each in now.deliveries)
    assert edits_of(world, post) == ["edited"]
    assert edit(world) == 0


def test_what_it_said_before_is_kept(world: World) -> None:
    post = published(world, overrides={"ann": Override(title="Own")})
    edit_published(world.ctx, post, NEW)
    world.clock.advance(timedelta(hours=1))
    edit_published(world.ctx, post_of(world.store, post.id), Changes(title="A title"))
    before, then = revisions_of(world.ctx, post)
    assert (before.text, before.until, before.overrides) == ("hello", START, {"ann": Override(title="Own")})
    assert (then.text, then.until, then.title) == ("good evening", START + timedelta(hours=1), None)
    assert then.told == "good evening"
    assert replace(then, title="T", overrides={"ann": Override(text="own")}).told == (
        "title: T\n\ngood evening\n\n[ann] own"
    )


def test_what_is_changed_to_the_same_once_more_has_said_nothing_else(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, Changes())
    assert edit(world) == 1
    assert revisions_of(world.ctx, post) == []


def test_on_one_account_alone_the_others_say_what_they_said(world: World) -> None:
    post = published(world, "ann", "bob")
    changes = replace(NEW, title="T", link="https://example.org/", overrides={"fake": Override(options={})})
    now = edit_published(world.ctx, post, changes, ["bob"]).post
    assert now.content == post.content
    assert now.overrides == {"bob": Override(text="good evening", title="T", link="https://example.org/")}
    assert edit(world) == 1
    assert {each.target.name: each.content.text for each in world.fake.posts} == {
        "ann": "hello",
        "bob": "good evening",
    }
    again = Changes(title="", link="", overrides={"bob": Override(text="x", options={"mood": "calm"})})
    now = edit_published(world.ctx, post_of(world.store, post.id), again, ["bob"]).post
    assert now.overrides["bob"] == Override(text="x", title="", link="", options={"mood": "calm"})


def test_only_where_something_is_new_and_everywhere_where_nothing_is(world: World) -> None:
    post = published(world, "ann", "bob", overrides={"bob": Override(text="for bob")})
    edit_published(world.ctx, post, NEW)
    assert edit(world) == 1
    edit_published(world.ctx, post_of(world.store, post.id), Changes())
    assert edit(world) == 2


def test_a_thread_keeps_its_number_of_parts(world: World) -> None:
    post = published(world, segments=("two", "three"))
    ring(world, 5)
    post = post_of(world.store, post.id)
    edit_published(world.ctx, post, Changes(segments=("2", "three")))
    assert edit(world) == 1
    assert texts(world.fake) == ["hello", "2", "three"]
    assert wrong(world, post_of(world.store, post.id), Changes(segments=())) == ["text"]


def test_what_goes_on_in_another_message_keeps_their_number(world: World) -> None:
    added = Override(added=Additions(signature="B" * 60))
    post = published(world, "kim", network="short", segments=("x" * 101,), overrides={"kim": added})
    ring(world, 5)
    post = post_of(world.store, post.id)
    for text, rest in (("y", "x" * 20), ("y" * 101, "x" * 90), ("y", "x" * 140), ("y" * 101, "x")):
        assert wrong(world, post, Changes(text=text, segments=(rest,))) == ["text"]
    mood = Changes(text="y" * 101, overrides={"kim": Override(options={"mood": 3})})
    assert wrong(world, post, mood) == ["kim.mood"]
    edit_published(world.ctx, post, Changes(text="y" * 100, segments=("x" * 90,)))
    assert edit(world) == 1


def test_a_text_that_was_split_is_split_again(world: World) -> None:
    long = " ".join(["word"] * 150)
    post = published(world, "ann", overrides={"ann": Override(text="a", segments=("b",), split=Split.PLAIN)})
    ring(world, 3)
    post = post_of(world.store, post.id)
    now = edit_published(world.ctx, post, Changes(text=long)).post
    assert len(now.overrides["ann"].segments) == 1
    alone = edit_published(world.ctx, now, Changes(text=long + "s"), ["ann"]).post
    assert alone.overrides["ann"].split is Split.PLAIN
    assert alone.overrides["ann"].segments[0].endswith("words")


def test_alt_texts_can_be_changed_and_files_cannot(world: World, tmp_path: Path) -> None:
    source = picture(tmp_path, "a.png", "A bell")
    with world.ctx.media.stage([source_of(source)]) as files:
        media = files.media
        files.keep()
    post = published(world, files=media)
    now = edit_published(world.ctx, post, Changes(media=(replace(media[0], alt="A dog"),))).post
    assert now.content.media[0].alt == "A dog"
    assert edit(world) == 1
    assert world.fake.posts[0].content.media[0].alt == "A dog"
    assert revisions_of(world.ctx, post)[0].alts == ("A bell",)
    same = Changes(media=(source_of(replace(source, alt="A cat")),))
    (item,) = plan_edit(world.ctx, now, same).after.content.media
    assert item == replace(now.content.media[0], alt="A cat")
    assert wrong(world, now, Changes(media=())) == ["media"]
    assert "media" in wrong(world, now, same, "ann")
    missing = source_of(replace(source, path=tmp_path / "none.png"))
    assert "media" in " ".join(wrong(world, now, Changes(media=(missing,))))


def source_of(item: Media) -> Source:
    return item.path, item.alt


def test_everything_that_is_wrong_is_told_and_nothing_is_changed(world: World) -> None:
    post = published(world)
    when = When(at=START, local=wall_at(START, world.ctx.zone), zone="UTC")
    settled = Changes(
        text="x" * 501,
        when=when,
        to=("bob",),
        comment=Comment(text="hm"),
        split=Split.PLAIN,
        terms=Terms(labels=("x",)),
    )
    assert {"--at", "--to", "--comment", "--split", "terms", "text"} <= set(wrong(world, post, settled))
    assert wrong(world, post, Changes(overrides={"ann": Override(options={"colour": "red"})}))
    assert post_of(world.store, post.id) == post
    assert edit(world) == 0


def test_options_that_last_are_refused_and_others_are_not(world: World) -> None:
    post = published(world, "kim", network="lasting")
    mood = Changes(overrides={"kim": Override(options={"mood": "calm"})})
    assert wrong(world, post, mood) == ["[lasting] mood"]
    edit_published(
        world.ctx, published(world), Changes(overrides={"ann": Override(options={"mood": "calm"})})
    )
    assert edit(world) == 1


def test_nothing_is_asked_for_where_one_of_the_networks_changes_nothing(world: World) -> None:
    post = published(world, "kim", network="fixed")
    with pytest.raises(Conflict) as caught:
        edit_published(world.ctx, post, NEW)
    assert str(caught.value) == (
        "kim: Fixed changes nothing that is public; leave it, or take it away and publish it anew. "
        "Nothing was changed."
    )
    both = published(world, "ann", "kim")
    with pytest.raises(Conflict, match="Nothing was changed; `--account` names one of the others"):
        edit_published(world.ctx, both, NEW)
    edit_published(world.ctx, both, NEW, ["ann"])
    assert edit(world) == 1
    own = Changes(overrides={"ann": Override(text="only ann")})
    edit_published(world.ctx, post_of(world.store, both.id), own)
    assert edit(world) == 1


def test_what_cannot_be_named_there_is_left_to_the_user(world: World) -> None:
    post = published(world)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET receipt_id = ''")
    with pytest.raises(Conflict, match="nobody knows how it is called there; change it by hand"):
        edit_published(world.ctx, post_of(world.store, post.id), NEW)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE account SET removed_at = created_at")
    with pytest.raises(Conflict, match="the account was removed; change it by hand at"):
        edit_published(world.ctx, post_of(world.store, post.id), NEW)


@pytest.mark.parametrize("state", [DeliveryState.UNSURE, DeliveryState.SCHEDULED])
def test_nothing_is_changed_while_something_of_it_may_still_be_sent(
    world: World, state: DeliveryState
) -> None:
    world.fake.modes = [Mode.PUBLISH, Mode.LOSE_REQUEST if state is DeliveryState.UNSURE else Mode.FAIL]
    post = published(world, "ann", "bob")
    assert {each.state for each in post.deliveries} == {DeliveryState.PROCESSED, state}
    with pytest.raises(Conflict):
        edit_published(world.ctx, post, NEW)
    assert post_of(world.store, post.id) == post


def test_what_is_not_public_is_not_changed_there(world: World) -> None:
    with pytest.raises(Conflict, match="is public, as far as is known"):
        edit_published(world.ctx, add_post(world.store, at=None), NEW)
    with pytest.raises(NotFound, match="its accounts: ann"):
        edit_published(world.ctx, published(world), NEW, ["eve"])
    post = published(world)
    unpublish(world.ctx, post)
    edit_published(world.ctx, post, NEW)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET deleted_at = ended_at")
    assert edit(world) == 0
    with pytest.raises(Conflict):
        edit_published(world.ctx, post_of(world.store, post.id), NEW)


def test_somebody_who_was_faster_wins(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    with pytest.raises(Stale):
        edit_published(world.ctx, post, NEW)


def test_it_is_known_by_what_it_says_now(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    assert first(world, post).fingerprint == fingerprint(Content(text="good evening"))


def test_a_post_that_cannot_be_edited_names_what_can(world: World) -> None:
    with pytest.raises(PostbellError, match=r"`postbell edit \w+ --published`"):
        edit_post(world.ctx, published(world), NEW)
