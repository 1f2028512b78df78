"""What accounts add to their posts, from what somebody writes to what a network is given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.additions import Additions
from postbell.domain.content import Comment, Override
from postbell.domain.post import Post
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, NotFound
from postbell.publishing.protocol import Unknown
from postbell.services.posts.adding import set_additions
from postbell.services.posts.compose import add_post, edit_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Terms, Wanted
from postbell.services.sending.editing import edit_published
from postbell.testing import FakeNetwork, Mode
from support.commenting import speak
from support.editing import edit, texts
from support.repeating import add, daily, let_grow, made
from support.stage import WaryAnswers, ring, settle
from support.world import START, World, add_account, build_world, post_of


LINK = "https://a.example/b"
TAGGED = f"{LINK}?utm_source=fake"
ADDS = Additions(signature="Ann", utm={"utm_source": "{network}"})
OTHER = Additions(signature="Somebody else")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "bob")
        set_additions(made.ctx, "ann", ADDS)
        yield made


def write(world: World, text: str = f"Read {LINK}", **more: object) -> Post:
    when = When(at=START, local=wall_at(START, ZoneInfo("UTC")), zone="UTC")
    given = {"to": ("ann",), "when": when} | more
    return add_post(world.ctx, Wanted(text=text, **given)).post  # type: ignore[arg-type]


def test_an_account_signs_its_posts_and_tags_their_links_and_others_do_not(world: World) -> None:
    write(world, to=("ann", "bob"))
    ring(world)
    assert texts(world.fake) == [f"Read {TAGGED}\n\nAnn", f"Read {LINK}"]


def test_a_network_is_told_what_was_written_before_the_account_added_to_it(world: World) -> None:
    write(world, to=("ann", "bob"))
    ring(world)
    written = [sent.written and sent.written.text for sent in world.fake.posts]
    assert written == [f"Read {LINK}", None]


def test_what_is_added_names_the_account_the_post_and_its_first_label(world: World) -> None:
    pattern = {"utm_source": "{account}", "utm_campaign": "{label}", "utm_content": "{post}"}
    set_additions(world.ctx, "ann", Additions(utm=pattern))
    post = write(world, LINK, terms=Terms(labels=("news & more", "x")))
    ring(world)
    named = f"utm_source=ann&utm_campaign=news%20%26%20more&utm_content={post.id}"
    assert texts(world.fake) == [f"{LINK}?{named}"]


def test_a_bare_post_gets_nothing_until_it_is_no_longer_bare(world: World) -> None:
    post = write(world, terms=Terms(bare=True))
    assert (post.bare, dict(post.overrides)) == (True, {})
    post = edit_post(world.ctx, post, Changes(text="Hello")).post
    assert not post.overrides
    edit_post(world.ctx, post, Changes(terms=Terms()))
    ring(world)
    assert texts(world.fake) == ["Hello\n\nAnn"]


def test_what_is_written_stays_as_it_is_when_the_account_adds_something_else(tmp_path: Path) -> None:
    wary = WaryAnswers(Unknown(reason="hm"), modes=(Mode.LOSE_REQUEST,))
    with build_world(tmp_path, networks=[wary]) as world:
        add_account(world.store, "ann", network="wary")
        set_additions(world.ctx, "ann", ADDS)
        write(world, "Hello")
        ring(world)
        set_additions(world.ctx, "ann", OTHER)
        settle(world)
        assert wary.asked == ["Hello\n\nAnn"]


def test_a_try_that_is_repeated_says_what_the_first_one_did(world: World) -> None:
    world.fake.modes = [Mode.FAIL]
    write(world, "Hello")
    ring(world)
    set_additions(world.ctx, "ann", OTHER)
    world.clock.advance(7200)
    ring(world)
    assert texts(world.fake) == ["Hello\n\nAnn"]


def test_a_change_of_a_post_takes_what_its_accounts_add_by_then(world: World) -> None:
    post = write(world, "Hello")
    set_additions(world.ctx, "ann", OTHER)
    edit_post(world.ctx, post, Changes(to=("ann", "bob")))
    ring(world)
    assert texts(world.fake) == ["Hello\n\nSomebody else", "Hello"]


def test_a_change_of_what_is_public_keeps_what_was_added(world: World) -> None:
    post = write(world, "Hello")
    ring(world)
    set_additions(world.ctx, "ann", OTHER)
    edit_published(world.ctx, post_of(world.store, post.id), Changes(text=f"Bye {LINK}"), ["ann"])
    edit(world)
    assert texts(world.fake) == [f"Bye {TAGGED}\n\nAnn"]
    assert post_of(world.store, post.id).overrides["ann"].text == f"Bye {LINK}"
    whole = Changes(text="Again", overrides={"ann": Override()})  # as a whole file says it
    edit_published(world.ctx, post_of(world.store, post.id), whole)
    edit(world)
    assert texts(world.fake) == ["Again\n\nAnn"]


def test_what_is_added_counts_before_anything_is_stored(world: World) -> None:
    room = world.fake.limits.text[0].most
    assert not write(world, "a" * (room - len("\n\nAnn"))).outcome
    with pytest.raises(Invalid) as caught:
        write(world, "b" * (room - len("\n\nAnn") + 1))
    assert "shorten it by 1" in str(caught.value)
    (shown,) = preview_post(world.ctx, Wanted(text="Hello", to=("ann",)))
    assert next(length[0] for length in shown.lengths[0].values()) == len("Hello\n\nAnn")


def test_two_posts_that_differ_in_what_is_added_alone_are_alike(world: World) -> None:
    set_additions(world.ctx, "ann", Additions(utm={"utm_content": "{post}"}))
    write(world, LINK)
    with pytest.raises(Invalid, match="--allow-duplicate"):
        write(world, LINK)


def test_the_links_of_a_first_comment_are_tagged_and_it_is_not_signed(world: World) -> None:
    write(world, "Hello", comment=Comment(text=f"More: {LINK}"))
    ring(world)
    speak(world)
    assert texts(world.fake) == ["Hello\n\nAnn", f"More: {TAGGED}"]


def test_the_posts_of_a_series_are_signed_as_they_are_made(world: World) -> None:
    room = world.fake.limits.text[0].most
    series = add(world, daily("10:00"), f"{{Good morning|Hello}} {LINK}")
    let_grow(world)
    set_additions(world.ctx, "ann", OTHER)
    world.clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    ring(world)
    assert texts(world.fake) == [made(world, series)[0].content.text.replace(LINK, TAGGED) + "\n\nAnn"]
    with pytest.raises(Invalid, match="shorten it by"):
        add(world, daily("11:00"), "c" * (room - 5))


def test_only_an_account_that_there_is_can_add_something(world: World) -> None:
    with pytest.raises(NotFound):
        set_additions(world.ctx, "nobody", ADDS)
    assert not set_additions(world.ctx, "ann", Additions()).adds
