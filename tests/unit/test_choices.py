"""Choices are made in series; a single post keeps what is written, and its author is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.content import Comment, Content, Override, Split
from postbell.services.posts.choices import check_choices
from postbell.services.posts.compose import add_post, edit_post
from postbell.services.posts.wanted import Changes, Wanted
from support.world import World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        add_account(made.store, "ann")
        yield made


def test_a_post_with_a_choice_is_kept_as_it_is_and_its_author_told(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="Hi {a|b}", to=("ann",)))
    assert saved.post.content.text == "Hi {a|b}"
    (told,) = saved.warnings
    assert str(told) == (
        "text: {a|b} stays as it is written: only a series chooses (`postbell series add`). "
        "Write what this post shall say."
    )


def test_it_is_told_when_the_post_is_changed(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="Hi", to=("ann",)))
    assert saved.warnings == ()
    changed = edit_post(world.ctx, saved.post, Changes(text="Hi {a|b}"))
    assert [told.where for told in changed.warnings] == ["text"]


@pytest.mark.parametrize("text", ["Hi {there}", "a | b {c}", r"Hi \{a|b\}", "{a|b", "x|y} {", "Hi"])
def test_what_a_series_would_not_choose_from_is_not_told(world: World, text: str) -> None:
    assert add_post(world.ctx, Wanted(text=text, to=("ann",))).warnings == ()


def test_each_text_in_which_a_series_would_choose_is_named() -> None:
    base = Content(text="{a|b}", segments=("c", "{d|e}"), comment=Comment(text="{f|g}"), title="{h|i}")
    own = Override(text="{j|k}", segments=("l",))
    made = Override(text="{a|", segments=("b} {a|b}",), split=Split.PLAIN)
    told = check_choices(base, {"ann": own, "bob": made, "cid": Override(title="{m|n}")})
    assert [each.where for each in told] == ["text", "part 3", "comment", "[ann] text"]
