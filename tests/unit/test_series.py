"""Series as the user adds, changes, ends and looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Override
from postbell.domain.recurrence import Recurrence
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import DeliveryState, PostState, SeriesState
from postbell.errors import Conflict, Invalid, NotFound, Problem, Stale
from postbell.publishing.protocol import Network
from postbell.services.accounts import accounts
from postbell.services.posts import actions
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes
from postbell.services.series.series import (
    SeriesChanges,
    WantedSeries,
    add_series,
    edit_series,
    end_series,
    list_series,
    load_series,
)
from postbell.store.stored import forget_unused
from postbell.testing import FakeNetwork
from support.pictures import jpeg
from support.repeating import add, daily, give_slots, let_grow, made, piece
from support.world import START, World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        for name in ("ann", "bob"):
            add_account(built.store, name)
        yield built


def _refused(world: World, **wanted: Any) -> list[tuple[str, str | None]]:
    """Return where the problems are with which a series is refused, and of whom; nothing is stored."""
    values: dict[str, Any] = {"rule": daily(), "text": "Hello", "to": ("ann",)}
    with pytest.raises(Invalid) as refusal:
        add_series(world.ctx, WantedSeries(**values | wanted))
    assert list_series(world.ctx) == []
    assert made(world) == []
    return [(problem.where, problem.account) for problem in refusal.value.problems]


def test_everything_that_is_wrong_is_told_at_once(world: World, tmp_path: Path) -> None:
    known = Problem(where="days", message="there is no day 32.")
    problems = _refused(
        world,
        rule=None,
        text="{a|b",
        variants=("fine", "b}", " "),
        overrides={"ann": Override(text="{"), "eve": Override(text="x")},
        link="gopher://x",
        to=("ann", "nobody"),
        media=((tmp_path / "missing.jpg", ""),),
        problems=(known,),
    )
    assert [where for where, _ in problems] == [
        "--to",
        "days",
        "media missing.jpg",
        "[eve]",
        "--link",
        "text",
        "variant 2",
        "variant 3",
        "[ann] text",
    ]


def test_a_series_needs_a_rule_an_account_and_something_to_say(world: World) -> None:
    assert _refused(world, rule=None) == [("repeat", None)]
    assert _refused(world, to=()) == [("--to", None)]
    assert _refused(world, text=" ") == [("text", "ann")]


@pytest.mark.parametrize(
    "rule", [daily(last=date(2026, 11, 22), first=date(2026, 11, 1)), piece(last=date(2026, 11, 22))]
)
def test_a_rule_that_has_ended_already_is_refused(world: World, rule: Recurrence | Recycling) -> None:
    assert _refused(world, rule=rule) == [("--end", None)]


def test_a_reading_that_is_too_long_for_one_account_is_shown(world: World) -> None:
    long = "word " * 200
    with pytest.raises(Invalid) as refusal:
        add(world, daily(), f"{{fine|{long}}} {{a|b}}")
    (problem,) = refusal.value.problems
    assert (problem.where, problem.account) == ("text", "ann")
    assert problem.message.endswith('So it is in "word word word word word word word word …".')


def test_a_text_without_choices_is_refused_in_the_usual_words(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        add(world, daily(), "word " * 200)
    assert "So it is in" not in str(refusal.value)


def test_of_very_many_readings_the_first_are_checked(world: World) -> None:
    series = add(world, daily(count=1), "{a|b}" * 40)
    assert len(made(world, series)) == 1


def test_options_are_checked_for_each_account(world: World) -> None:
    assert _refused(world, overrides={"ann": Override(options={"nonsense": 1})}) == [("ann.nonsense", "ann")]


def test_what_cannot_be_taken_away_again_is_refused(tmp_path: Path) -> None:
    class Keeps(FakeNetwork):
        deletes = False

    with build_world(tmp_path, networks=[Keeps()]) as world:
        add_account(world.store, "ann")
        assert _refused(world, delete_after=timedelta(days=1)) == [("--delete-after", "ann")]


def test_a_file_is_kept_for_as_long_as_the_series_uses_it(world: World, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(jpeg())
    add(world, piece(), media=((path, "A cat."),))
    with world.store.write() as tx:
        assert forget_unused(tx, START + timedelta(days=1)) == []
    (series,) = list_series(world.ctx)
    assert series.content.media[0].path.is_file()
    assert series.content.media[0].alt == "A cat."


def test_a_series_is_found_by_the_beginning_of_its_id(world: World) -> None:
    first, second = add(world, daily()), add(world, piece())
    assert load_series(world.ctx, first.id[:5].upper()) == first
    assert list_series(world.ctx) == [first, second]
    with pytest.raises(NotFound, match="no series 'zzz'"):
        load_series(world.ctx, "zzz")
    with pytest.raises(NotFound):
        load_series(world.ctx, "")


def test_a_beginning_that_several_have_is_refused(world: World) -> None:
    many = [add(world, piece()) for _ in range(28)]  # more than there are letters
    first = sorted(series.id[0] for series in many)
    twice = next(letter for letter in first if first.count(letter) > 1)
    with pytest.raises(Invalid, match="type more of it"):
        load_series(world.ctx, twice)


def test_a_library_tells_of_accounts_without_posting_times(world: World) -> None:
    give_slots(world, "ann", "12:00")
    saved = add_series(world.ctx, WantedSeries(rule=piece(), text="Hello", to=("ann", "bob")))
    assert [(each.where, each.account) for each in saved.warnings] == [("--library", "bob")]
    assert [post.deliveries[0].account for post in saved.posts] == ["ann"]


def test_a_change_replaces_only_what_it_names(world: World) -> None:
    series = add(
        world,
        daily(),
        "Hello",
        title="T",
        link="https://example.org",
        labels=("x",),
        variants=("v",),
        late_limit=timedelta(hours=1),
        delete_after=timedelta(days=1),
        overrides={"ann": Override(text="Ann")},
    )
    same = edit_series(world.ctx, series, SeriesChanges()).series
    assert replace(same, version=1) == series
    emptied = SeriesChanges(
        text="Bye",
        title="",
        link="",
        labels=(),
        variants=(),
        late_limit=timedelta(0),
        delete_after=timedelta(0),
        overrides={"ann": Override()},
    )
    changed = edit_series(world.ctx, same, emptied).series
    assert (changed.content.text, changed.content.title, changed.content.link) == ("Bye", None, None)
    assert (changed.labels, changed.variants, changed.overrides) == ((), (), {})
    assert (changed.late_limit, changed.delete_after, changed.rule) == (None, None, series.rule)


def test_a_bad_change_is_refused_and_changes_nothing(world: World) -> None:
    series = add(world, daily())
    before = made(world)
    with pytest.raises(Invalid) as refusal:
        edit_series(world.ctx, series, SeriesChanges(text="{", to=("nobody",)))
    assert [problem.where for problem in refusal.value.problems] == ["--to", "text"]
    assert made(world) == before
    assert load_series(world.ctx, series.id) == series


def test_of_two_changes_at_once_the_second_is_refused(world: World) -> None:
    series = add(world, daily())
    edit_series(world.ctx, series, SeriesChanges(text="First"))
    with pytest.raises(Stale):
        edit_series(world.ctx, series, SeriesChanges(text="Second"))
    assert {post.content.text for post in made(world)} == {"First"}


def test_an_account_that_was_renamed_meanwhile_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_args: object) -> list[Problem]:
        accounts.rename_account(world.ctx, "ann", "anna")
        return []

    monkeypatch.setattr("postbell.services.series.series.judge_series", meanwhile)
    with pytest.raises(Stale, match="ann was removed or renamed"):
        add(world, daily())
    assert list_series(world.ctx) == []


def test_to_end_a_series_cancels_what_it_has_made(world: World) -> None:
    series = add(world, daily(count=3))
    edit_post(world.ctx, made(world)[1], Changes(text="By hand"))
    assert end_series(world.ctx, series) == 2
    posts = made(world)
    assert [post.state for post in posts] == [PostState.CANCELLED, PostState.SCHEDULED, PostState.CANCELLED]
    assert [post.deliveries[0].state for post in posts] == [
        DeliveryState.CANCELLED,
        DeliveryState.SCHEDULED,
        DeliveryState.CANCELLED,
    ]
    let_grow(world)
    assert made(world) == posts
    ended = load_series(world.ctx, series.id)
    assert ended.state is SeriesState.ENDED
    assert list_series(world.ctx, SeriesState.ACTIVE) == []
    with pytest.raises(Conflict, match="has ended"):
        end_series(world.ctx, ended)
    with pytest.raises(Conflict, match="has ended"):
        edit_series(world.ctx, ended, SeriesChanges(text="Bye"))


def test_what_was_changed_by_hand_is_cancelled_too_where_the_user_says_so(world: World) -> None:
    series = add(world, daily(count=2))
    edit_post(world.ctx, made(world)[1], Changes(text="By hand"))
    assert end_series(world.ctx, series, touched=True) == 2


def test_two_who_end_a_series_at_once_end_it_once(world: World) -> None:
    series = add(world, daily(count=2))
    end_series(world.ctx, series)
    with pytest.raises(Stale):
        end_series(world.ctx, series)


def test_a_skipped_post_is_not_made_again(world: World) -> None:
    series = add(world, daily(count=2))
    actions.cancel(world.ctx, made(world)[0])
    let_grow(world)
    assert [post.state for post in made(world, series)] == [PostState.CANCELLED, PostState.SCHEDULED]


def test_what_a_series_says_for_an_account_follows_it_to_its_new_name(world: World) -> None:
    series: Series = add(
        world,
        daily(count=1),
        overrides={"ann": Override(text="Ann"), "bob": Override(text="Bob")},
        to=("ann", "bob"),
    )
    accounts.rename_account(world.ctx, "ann", "anna")
    renamed = load_series(world.ctx, series.id)
    assert (renamed.to, set(renamed.overrides)) == (("anna", "bob"), {"anna", "bob"})


def test_an_account_is_not_removed_while_a_series_uses_it(world: World) -> None:
    series = add(world, piece())
    with pytest.raises(Conflict, match=series.id):
        accounts.remove_account(world.ctx, "ann")
    end_series(world.ctx, series)
    accounts.remove_account(world.ctx, "ann")
    assert load_series(world.ctx, series.id).to == ()


def test_networks_of_the_tests_can_take_posts_away(world: World) -> None:
    network: Network = world.ctx.network("fake")
    assert network.deletes
    assert add(world, daily(count=1), delete_after=timedelta(hours=1)).delete_after == timedelta(hours=1)
