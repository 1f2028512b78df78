"""Series keep to what they say also when they change: every text in its turn, every slot once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from postbell.domain.quota import Per, Quota
from postbell.domain.series import Series
from postbell.services.posts import actions
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes
from postbell.services.series.series import (
    SavedSeries,
    SeriesChanges,
    WantedSeries,
    add_series,
    edit_series,
    load_series,
)
from postbell.services.series.series_view import look_ahead
from postbell.store import accounts
from support.command import german, with_accounts
from support.repeating import add, daily, let_grow, made
from support.world import World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        for name in ("ann", "bob"):
            add_account(built.store, name)
        yield built


def _edit(world: World, series: Series, changes: SeriesChanges) -> SavedSeries:
    return edit_series(world.ctx, load_series(world.ctx, series.id), changes)


def _texts(world: World) -> list[str]:
    return [post.content.text for post in made(world)]


def test_no_text_comes_again_before_all_were_used_when_a_rule_becomes_rarer(world: World) -> None:
    series = add(world, daily(), text="{one|two}")
    _edit(world, series, SeriesChanges(rule=daily(interval=2)))
    texts = _texts(world)
    assert set(texts) == {"one", "two"}
    assert all(text != following for text, following in pairwise(texts))
    let_grow(world)
    assert _texts(world) == texts


def test_a_denser_rule_takes_the_texts_in_turn_too(world: World) -> None:
    series = add(world, daily(interval=2, count=4), text="{one|two|three}")
    _edit(world, series, SeriesChanges(rule=daily(count=8)))
    texts = _texts(world)
    assert all(len(set(texts[start : start + 3])) == 3 for start in range(6))
    assert [post.turn for post in made(world)] == list(range(8))


def test_a_day_that_was_changed_by_hand_is_not_announced_twice(world: World) -> None:
    series = add(world, daily(count=3))
    edit_post(world.ctx, made(world)[0], Changes(text="By hand"))
    actions.cancel(world.ctx, made(world)[1])
    _edit(world, series, SeriesChanges(rule=daily("11:30", count=3)))
    ahead = look_ahead(world.ctx, load_series(world.ctx, series.id), 10)
    assert [(each.content.text, each.local.hour) for each in ahead] == [("By hand", 10), ("Hello", 11)]
    let_grow(world)
    assert [post.slot for post in made(world)] == [
        "2026-11-23T10:00",
        "2026-11-24T10:00",
        "2026-11-25T11:30",
    ]


def test_what_a_series_makes_later_is_announced_after_what_it_has_made(world: World) -> None:
    series = add(world, replace(daily(count=3), first=date(2099, 1, 1)))
    ahead = look_ahead(world.ctx, load_series(world.ctx, series.id), 10)
    assert [each.local.date().isoformat() for each in ahead] == ["2099-01-01", "2099-01-02", "2099-01-03"]
    assert [each.post is None for each in ahead] == [False, True, True]


def _give_quota(world: World, most: int) -> None:
    with world.store.write() as tx:
        quotas = [Quota(most=most, per=Per.DAY)]
        accounts.set_limits(tx, "ann", late_limit=None, min_gap=None, cooldown=None, quotas=quotas)


def test_a_series_that_exceeds_a_quota_is_stored_with_a_warning(world: World) -> None:
    _give_quota(world, 2)
    wanted = WantedSeries(rule=daily("09:00", "10:00", "11:00"), text="Hello", to=("ann", "bob"))
    saved = add_series(world.ctx, wanted)
    (warning,) = saved.warnings
    assert (warning.where, warning.account) == (f"post {saved.posts[0].id}", "ann")
    assert "3 within 24 h; the network takes 2 a day" in warning.message


def test_a_series_is_told_to_be_too_dense_when_it_becomes_so(world: World) -> None:
    _give_quota(world, 2)
    saved = add_series(world.ctx, WantedSeries(rule=daily(), text="Hello", to=("ann",)))
    assert saved.warnings == ()
    changed = _edit(world, saved.series, SeriesChanges(rule=daily("09:00", "10:00", "11:00")))
    assert [warning.account for warning in changed.warnings] == ["ann"]


def test_who_resumes_while_no_daemon_runs_is_told_that_nothing_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    german(monkeypatch)
    cli = with_accounts(tmp_path)
    cli.done("pause", "--all")
    cli.add("Hello", "--to", "site", "--now")
    assert "no daemon is running" in cli.done("resume", "--all").err
    cli.done("pause", "--label", "news")
    assert "no daemon is running" not in cli.done("resume", "--label", "news").err


def test_several_labels_are_paused_with_commas_between_them_as_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    german(monkeypatch)
    cli = with_accounts(tmp_path)
    ran = cli.done("pause", "--label", "news, tips", "--label", "tips", "--json")
    assert [line["name"] for line in ran.lines] == ["news", "tips"]
    assert cli("pause", "--label", " ,").code == 2
