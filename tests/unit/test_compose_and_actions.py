"""Writing posts: every problem at once and nothing stored, or stored whole."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Override
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When
from postbell.errors import IllegalTransition, Invalid, NotFound, Stale
from postbell.services.posts import actions
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Saved, Wanted
from postbell.store import accounts
from postbell.testing import FakeNetwork
from support import pictures
from support.pictures import written
from support.stage import Wary, ring
from support.world import START, World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Wary()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "bob")
        add_account(made.store, "wan", network="wary")
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return written(tmp_path, "cat.png", pictures.png())


LATER = When(
    at=START + timedelta(hours=1), local=(START + timedelta(hours=1)).replace(tzinfo=None), zone="UTC"
)


def stored(world: World) -> tuple[list[Any], list[str]]:
    """Return every row of the tables that posts are kept in, and every file of the media folder."""
    with closing(sqlite3.connect(world.app.places.database)) as database:
        tables = ("post", "delivery", "media", "post_media", "attempt", "account")
        rows = [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    return rows, sorted(str(path) for path in world.app.places.media.rglob("*") if path.is_file())


def refused(world: World, wanted: Wanted) -> list[str]:
    """Try to add a post; return the problems, after a look that nothing was stored."""
    before = stored(world)
    with pytest.raises(Invalid) as problems:
        add_post(world.ctx, wanted)
    assert stored(world) == before
    return [str(problem) for problem in problems.value.problems]


def refused_change(world: World, saved: Saved, changes: Changes) -> list[str]:
    before = stored(world)
    with pytest.raises(Invalid) as problems:
        edit_post(world.ctx, saved.post, changes)
    assert stored(world) == before
    return [str(problem) for problem in problems.value.problems]


# New posts.


def test_without_a_time_it_is_a_draft(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",))).post
    assert (post.state, post.at) == (PostState.DRAFT, None)
    assert [d.state for d in post.deliveries] == [DeliveryState.DRAFT]


def test_with_a_time_it_is_scheduled_for_every_account_once(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann", "wan", "ann"), when=LATER)).post
    assert (post.state, post.at, post.local, post.zone) == (
        PostState.SCHEDULED,
        LATER.at,
        LATER.local,
        "UTC",
    )
    assert [(d.account, d.state, d.due_at) for d in post.deliveries] == [
        ("ann", DeliveryState.SCHEDULED, LATER.at),
        ("wan", DeliveryState.SCHEDULED, LATER.at),
    ]
    assert len({d.key for d in post.deliveries}) == 2


def test_a_dated_draft_keeps_its_date_and_never_fires(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=LATER, draft=True)).post
    assert (post.state, post.at) == (PostState.DRAFT, LATER.at)
    ring(world, 3, after=3600)
    assert world.fake.seen == []


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_stored(world: World, tmp_path: Path) -> None:
    wanted = Wanted(
        text="Hello",
        to=("ann", "bop", "zed"),
        when=LATER,
        media=((tmp_path / "none.png", ""), (written(tmp_path, "page.png", pictures.HTML), "")),
        overrides={"faek": Override(text="x"), "ann": Override(options={"mod": "glad"})},
    )
    problems = refused(world, wanted)
    assert any("no account named bop. Did you mean bob?" in problem for problem in problems)
    assert any("no account named zed. Accounts: ann, bob, wan." in problem for problem in problems)
    assert any("none.png" in problem for problem in problems)
    assert any("page.png" in problem for problem in problems)
    assert any(problem.startswith("[faek]") for problem in problems)
    assert any(problem.startswith("ann.mod (for ann)") and "mood" in problem for problem in problems)
    assert len(problems) == 6


def test_an_account_that_is_missing_where_there_is_none_is_told_how_to_add(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        assert refused(world, Wanted(text="Hello", to=("ann",))) == [
            "--to: there is no account named ann. Add one with `postbell account add`."
        ]


@pytest.mark.parametrize("when", [None, LATER])
@pytest.mark.parametrize("to", [(), ("ann",)])
def test_an_empty_post_is_refused_even_as_a_draft(
    world: World, when: When | None, to: tuple[str, ...]
) -> None:
    assert any("the post is empty" in problem for problem in refused(world, Wanted(to=to, when=when)))


def test_a_text_too_long_for_one_of_two_names_it_with_the_count_and_the_limit(world: World) -> None:
    short = Override(text="short")
    wanted = Wanted(text="x" * 501, to=("ann", "bob"), when=LATER, overrides={"bob": short})
    assert refused(world, wanted) == ["text (for ann): 501 characters, the limit is 500; shorten it by 1."]


def test_a_draft_may_be_unfit_and_says_what_it_lacks(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="unfit", to=("ann",)))
    assert [str(problem) for problem in saved.warnings] == ["text (for ann): it is unfit; write another one."]
    assert add_post(world.ctx, Wanted(text="An idea")).warnings[0].where == "--to"


def test_a_post_for_no_account_is_not_scheduled(world: World) -> None:
    assert refused(world, Wanted(text="Hello", when=LATER)) == [
        "--to: it is meant for no account; name one with --to."
    ]


def test_an_account_that_goes_while_a_post_is_written_is_not_given_it(world: World) -> None:
    class Removing(random.Random):
        """Removes an account while the post's id is made up."""

        def choice(self, seq: Any) -> Any:
            with suppress(NotFound), world.store.write() as tx:
                accounts.remove_account(tx, "ann", START)
            return super().choice(seq)

    ctx = replace(world.ctx, random=Removing(1))
    with pytest.raises(Stale, match="Account ann was removed"):
        add_post(ctx, Wanted(text="Hello", to=("ann",), when=LATER))
    assert stored(world)[0][0] == []


def test_a_draft_with_a_wrong_option_is_refused(world: World) -> None:
    wanted = Wanted(text="Hello", to=("ann",), overrides={"ann": Override(options={"mood": 7})})
    (problem,) = refused(world, wanted)
    assert problem.startswith("ann.mood (for ann)")


def test_files_are_stored_with_the_post_and_only_with_it(world: World, picture: Path) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=LATER, media=((picture, "A cat."),)))
    (item,) = saved.post.content.media
    assert (item.alt, item.name, item.mime) == ("A cat.", "cat.png", "image/png")
    assert item.path.read_bytes() == picture.read_bytes()
    picture.unlink()
    world.clock.set(LATER.at)
    ring(world)
    assert world.fake.posts[0].content.media == (item,)


def test_a_good_file_of_a_refused_post_is_not_kept(world: World, picture: Path) -> None:
    wanted = Wanted(text="unfit", to=("ann",), when=LATER, media=((picture, ""),))
    assert refused(world, wanted) == ["text (for ann): it is unfit; write another one."]


# Changes.


def test_what_is_not_named_stays_and_what_is_empty_goes(world: World, picture: Path) -> None:
    wanted = Wanted(
        text="Hello", title="T", link="https://example.org", to=("ann",), media=((picture, "A cat."),)
    )
    saved = add_post(world.ctx, wanted)
    post = edit_post(world.ctx, saved.post, Changes(title="New")).post
    assert (post.content.text, post.content.title, post.content.link) == (
        "Hello",
        "New",
        "https://example.org",
    )
    assert post.content.media == saved.post.content.media
    post = edit_post(world.ctx, post, Changes(title="", link="", media=())).post
    assert (post.content.title, post.content.link, post.content.media) == (None, None, ())


def test_files_that_stay_keep_their_place_among_new_ones(world: World, picture: Path, tmp_path: Path) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", media=((picture, "A cat."),)))
    dog = written(tmp_path, "dog.jpg", pictures.jpeg())
    (cat,) = saved.post.content.media
    post = edit_post(world.ctx, saved.post, Changes(media=((dog, "A dog."), cat))).post
    assert [item.alt for item in post.content.media] == ["A dog.", "A cat."]


def test_a_draft_that_is_given_a_time_is_scheduled(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",)))
    post = edit_post(world.ctx, saved.post, Changes(when=LATER)).post
    assert (post.state, post.deliveries[0].due_at) == (PostState.SCHEDULED, LATER.at)


def test_other_accounts_get_deliveries_of_their_own_and_the_rest_keep_theirs(world: World) -> None:
    overrides = {"ann": Override(text="For ann"), "webhook": Override(text="For all hooks")}
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), when=LATER, overrides=overrides))
    post = edit_post(world.ctx, saved.post, Changes(to=("bob", "wan"))).post
    assert [d.account for d in post.deliveries] == ["bob", "wan"]
    assert post.deliveries[0] == saved.post.deliveries[1]
    assert post.deliveries[1].due_at == LATER.at
    assert set(post.overrides) == {"webhook"}


def test_an_empty_override_is_taken_away(world: World) -> None:
    said = {"ann": Override(text="For ann")}
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), overrides=said))
    assert edit_post(world.ctx, saved.post, Changes(overrides={"ann": Override()})).post.overrides == {}


def test_a_refused_change_changes_nothing(world: World, picture: Path) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=LATER))
    changes = Changes(text="unfit", to=("ann", "bop"), media=((picture, ""),))
    assert refused_change(world, saved, changes) == [
        "--to: there is no account named bop. Did you mean bob?",
        "text (for ann): it is unfit; write another one.",
    ]
    assert refused_change(world, saved, Changes(text="unfit")) == [
        "text (for ann): it is unfit; write another one."
    ]
    assert refused_change(world, saved, Changes(to=())) == [
        "--to: it is meant for no account; name one with --to."
    ]


def test_of_two_changes_to_the_same_version_the_second_is_refused(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=LATER))
    edit_post(world.ctx, saved.post, Changes(text="First"))
    before = stored(world)
    with pytest.raises(Stale, match="nothing was done"):
        edit_post(world.ctx, saved.post, Changes(text="Second"))
    assert stored(world) == before


def test_what_was_published_cannot_be_changed(world: World) -> None:
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=LATER))
    world.clock.set(LATER.at)
    ring(world)
    before = stored(world)
    with pytest.raises(IllegalTransition, match="processed: it cannot be changed"):
        edit_post(world.ctx, load_post(world.ctx, saved.post.id), Changes(text="Bye"))
    assert stored(world) == before


def test_a_cancelled_post_cannot_be_changed(world: World) -> None:
    post = actions.cancel(world.ctx, add_post(world.ctx, Wanted(text="Hello")).post)
    with pytest.raises(IllegalTransition, match="cancelled: it cannot be changed"):
        edit_post(world.ctx, post, Changes(text="Bye"))


# Previews.


def test_a_preview_shows_every_request_and_stores_and_sends_nothing(world: World, picture: Path) -> None:
    before = stored(world)
    shown = preview_post(world.ctx, Wanted(text="Hello", to=("ann", "wan"), media=((picture, ""),)))
    assert [(p.account, p.network, dict(*p.lengths)) for p in shown] == [
        ("ann", "fake", {"characters": (5, 500)}),
        ("wan", "wary", {"characters": (5, 500)}),
    ]
    assert [call.body for call in shown[0].calls] == [{"text": "Hello"}]
    assert (stored(world), world.fake.seen) == (before, [])


def test_a_preview_tells_what_would_be_refused(world: World) -> None:
    (shown,) = preview_post(world.ctx, Wanted(text="unfit", to=("ann",)))
    assert [problem.where for problem in shown.problems] == ["text"]


def test_a_preview_of_what_cannot_be_shown_tells_everything(world: World) -> None:
    wanted = Wanted(
        text="x", to=("bop", "ann"), overrides={"faek": Override(), "ann": Override(options={"a": 1})}
    )
    with pytest.raises(Invalid) as found:
        preview_post(world.ctx, wanted)
    assert len(found.value.problems) == 3
    with pytest.raises(Invalid, match="no account"):
        preview_post(world.ctx, Wanted(text="x"))


# Ids.


def test_an_id_may_be_shortened_as_long_as_it_means_one_post(world: World) -> None:
    ids = [add_post(world.ctx, Wanted(text="Hello")).post.id for _ in range(30)]
    for post_id in ids:
        assert load_post(world.ctx, post_id.upper()).id == post_id
    first, second = next((a, b) for a in ids for b in ids if a < b and a[0] == b[0])
    with pytest.raises(Invalid, match="could be any of") as found:
        load_post(world.ctx, first[0])
    assert first in str(found.value) or second in str(found.value)


@pytest.mark.parametrize("prefix", ["", "zzz", "%", "_"])
def test_an_id_that_is_none_is_not_found(world: World, prefix: str) -> None:
    add_post(world.ctx, Wanted(text="Hello"))
    with pytest.raises(NotFound, match="postbell list"):
        load_post(world.ctx, prefix)
