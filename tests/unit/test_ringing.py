"""Whoever changes something that the daemon acts on wakes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.post import Post
from postbell.domain.series import Series
from postbell.domain.when import When
from postbell.errors import Conflict
from postbell.services.accounts import accounts, pausing
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.context import Context
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.wanted import Changes, Wanted
from postbell.services.series.series import SeriesChanges, WantedSeries, add_series, edit_series, end_series
from postbell.testing import FakeNetwork, Mode
from support.repeating import daily
from support.stage import ring
from support.world import START, World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork()]) as made:
        for name in ("ann", "paused"):
            add_account(made.store, name)
        pausing.pause(made.ctx, [Target(scope=Scope.ACCOUNT, name="paused")])
        yield made


def _when(ahead: float = 3600) -> When:
    at = START + timedelta(seconds=ahead)
    return When(at=at, local=at.replace(tzinfo=None), zone="UTC")


def _draft(world: World) -> Post:
    return add_post(world.ctx, Wanted(text="Hello", to=("ann",))).post


def _scheduled(world: World) -> Post:
    return add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=_when())).post


def _ended(world: World, mode: Mode) -> Post:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=_when(0))).post
    world.fake.modes = [mode]
    ring(world)
    return load_post(world.ctx, post.id)


def _failed(world: World) -> Post:
    return _ended(world, Mode.REJECT)


def _unsure(world: World) -> Post:
    return _ended(world, Mode.LOSE_REQUEST)


def _waiting(world: World) -> Post:
    return _ended(world, Mode.FAIL)


#: For each verb what it finds, and how it is called.
ON_POSTS: dict[str, tuple[Callable[[World], Post], Callable[[Context, Post], object]]] = {
    "edit": (_scheduled, lambda ctx, post: edit_post(ctx, post, Changes(text="Bye"))),
    "reschedule": (_draft, lambda ctx, post: actions.reschedule(ctx, post, _when())),
    "unschedule": (_scheduled, actions.unschedule),
    "publish now": (_draft, actions.publish_now),
    "publish now after a setback": (_waiting, actions.publish_now),
    "cancel": (_scheduled, actions.cancel),
    "cancel after a setback": (_waiting, actions.cancel),
    "delete": (_scheduled, actions.delete),
    "retry": (_failed, actions.retry),
    "settle": (_unsure, lambda ctx, post: actions.settle(ctx, post, Verdict.RESEND)),
}

_SERIES = WantedSeries(rule=daily(), text="Hello", to=("ann",))
ON_SERIES: dict[str, Callable[[Context, Series], object]] = {
    "edit": lambda ctx, series: edit_series(ctx, series, SeriesChanges(text="Bye")),
    "end": end_series,
}

#: Verbs that need nothing but an account.
ELSEWHERE: dict[str, Callable[[Context], object]] = {
    "add": lambda ctx: add_post(ctx, Wanted(text="Hello", to=("ann",), when=_when())),
    "verify": lambda ctx: accounts.verify_account(ctx, "ann"),
    "reconnect": lambda ctx: accounts.reconnect_account(ctx, "ann", server=None, values={}),
    "pause": lambda ctx: pausing.pause(ctx, [Target(scope=Scope.ACCOUNT, name="ann")]),
    "resume": lambda ctx: pausing.resume(ctx, [Target(scope=Scope.ACCOUNT, name="paused")]),
    "remove": lambda ctx: accounts.remove_account(ctx, "ann"),
    "add a series": lambda ctx: add_series(ctx, _SERIES),
}


def _rings(world: World, verb: Callable[[Context], object]) -> list[bool]:
    """Return for each ring whether the change could be read by then: who is woken looks at once."""
    with closing(sqlite3.connect(world.app.places.database)) as reader:

        def version() -> int:
            return int(reader.execute("PRAGMA data_version").fetchone()[0])

        before = version()
        rings: list[bool] = []
        verb(replace(world.ctx, ring=lambda: rings.append(version() != before)))
        return rings


@pytest.mark.parametrize("verb", ON_POSTS)
def test_a_change_of_a_post_wakes_the_daemon_when_it_is_stored(world: World, verb: str) -> None:
    find, call = ON_POSTS[verb]
    post = find(world)
    assert _rings(world, lambda ctx: call(ctx, post)) == [True]


@pytest.mark.parametrize("verb", ELSEWHERE)
def test_a_new_post_and_a_change_of_an_account_wake_the_daemon_when_stored(world: World, verb: str) -> None:
    assert _rings(world, ELSEWHERE[verb]) == [True]


@pytest.mark.parametrize("verb", ON_SERIES)
def test_a_change_of_a_series_wakes_the_daemon_when_it_is_stored(world: World, verb: str) -> None:
    series = add_series(world.ctx, _SERIES).series
    assert _rings(world, lambda ctx: ON_SERIES[verb](ctx, series)) == [True]


def test_what_is_refused_wakes_nobody(world: World) -> None:
    post = _failed(world)

    def refused(ctx: Context) -> None:
        with pytest.raises(Conflict):
            actions.cancel(ctx, post)

    assert _rings(world, refused) == []
