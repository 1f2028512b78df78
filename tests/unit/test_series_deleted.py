"""A series that is deleted: what becomes of what it has planned, published, and what was changed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.event import EventKind
from postbell.domain.states import PostState
from postbell.errors import NotFound, Stale
from postbell.services.accounts.pausing import Scope, Target, list_pauses, pause
from postbell.services.posts import actions
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes
from postbell.services.series.series import delete_series, end_series, list_series, load_series
from postbell.store.events import events_after
from support.api import Asked, problem
from support.command import with_accounts
from support.repeating import add, daily, give_slots, let_grow, made, piece
from support.world import World, add_account, build_world, claim


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        for name in ("ann", "bob"):
            add_account(built.store, name)
        yield built


def test_what_it_has_planned_goes_with_it_and_what_was_changed_by_hand_stays(world: World) -> None:
    series, other = add(world, daily(count=3)), add(world, daily(count=2), "Other")
    edit_post(world.ctx, made(world, series)[1], Changes(text="By hand"))
    gone = delete_series(world.ctx, series)
    assert (gone.removed, gone.kept) == (2, 1)
    (kept,) = (post for post in made(world) if post.content.text == "By hand")
    assert (kept.state, kept.series_id, kept.slot) == (PostState.SCHEDULED, None, None)
    let_grow(world)
    assert len(made(world)) == 3
    assert [each.id for each in list_series(world.ctx)] == [other.id]
    with pytest.raises(NotFound):
        load_series(world.ctx, series.id)
    actions.delete(world.ctx, kept)  # it is a post like others


def test_what_was_changed_by_hand_goes_too_where_the_user_says_so(world: World) -> None:
    series = add(world, daily(count=2))
    edit_post(world.ctx, made(world)[1], Changes(text="By hand"))
    gone = delete_series(world.ctx, series, touched=True)
    assert (gone.removed, gone.kept) == (2, 0)
    assert made(world) == []


def test_what_it_has_published_or_skipped_is_kept_as_history(world: World) -> None:
    series = add(world, daily(count=3))
    first, second, _third = made(world)
    actions.cancel(world.ctx, second)
    assert first.at is not None
    claim(world.store, first.at)
    gone = delete_series(world.ctx, series)
    assert (gone.removed, gone.kept) == (1, 2)
    assert [post.state for post in made(world)] == [PostState.PROCESSING, PostState.CANCELLED]


def test_one_that_has_ended_is_deleted_too_and_its_pause_ends_with_it(world: World) -> None:
    series = add(world, daily(count=2))
    pause(world.ctx, [Target(scope=Scope.SERIES, name=series.id)], None)
    end_series(world.ctx, series)
    gone = delete_series(world.ctx, series)
    assert (gone.removed, gone.kept) == (0, 2)
    assert list_pauses(world.ctx) == []
    with pytest.raises(Stale, match="was deleted meanwhile"):
        delete_series(world.ctx, series)


def test_other_pieces_take_the_posting_times_that_it_filled(world: World) -> None:
    give_slots(world, "ann", "09:00")
    one = add(world, piece(), "One")
    two = add(world, piece(), "Two")
    before = [post.at for post in made(world)]
    assert {post.series_id for post in made(world)} == {one.id}  # it was there first
    delete_series(world.ctx, one)
    assert {post.series_id for post in made(world)} == {two.id}
    assert [post.at for post in made(world)] == before


def test_it_is_told_as_an_event(world: World) -> None:
    series = add(world, daily(count=1))
    delete_series(world.ctx, series)
    with world.store.read() as tx:
        kinds = [event.kind for event in events_after(tx, 0, 100)]
    assert kinds[-2:] == [EventKind.POST_DELETED, EventKind.SERIES_DELETED]


def test_programs_delete_it_as_they_have_read_it(world: World) -> None:
    api, series = Asked(world), add(world, daily(count=2))
    path = f"/api/v1/series/{series.id}"
    seen = api.ask("GET", path).headers["etag"]
    edit_post(world.ctx, made(world)[0], Changes(text="By hand"))
    api.ask("PATCH", path, json={"title": "Changed"})
    assert problem(api.ask("DELETE", path, headers={"If-Match": seen})) == (412, "changed")
    now = api.ask("GET", path).headers["etag"]
    done = api.ask("DELETE", f"{path}?touched=true", headers={"If-Match": now})
    assert (done.status_code, done.json()) == (200, {"id": series.id, "removed": 2, "kept": 0})
    assert problem(api.ask("DELETE", path)) == (404, "not_found")


def test_the_command_asks_first_and_tells_what_became_of_its_posts(tmp_path: Path) -> None:
    cli = with_accounts(tmp_path)
    rule = ("--repeat", "daily", "--time", "09:00", "--start", "2099-01-01", "--count", "3")
    series_id = cli.done("series", "add", "Hello", "--to", "site", *rule, "--json").json["id"]
    refused = cli("series", "delete", series_id)
    assert (refused.code, "give --yes" in refused.err) == (2, True)
    assert cli.done("series", "delete", series_id, "--yes").out == (
        f"Deleted series {series_id}; 1 post to come went with it.\n"
    )
    assert cli("series", "show", series_id).code == 3
