"""What is public is changed when the user asks for it, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postbell.domain.event import EventKind
from postbell.domain.notice import NoticeKind
from postbell.domain.post import Post
from postbell.errors import Stale
from postbell.publishing.protocol import Outgoing, Receipt
from postbell.publishing.web.http import Http
from postbell.services.posts.actions import unpublish
from postbell.services.posts.wanted import Changes
from postbell.services.sending import afterwards
from postbell.services.sending.editing import edit_published
from postbell.services.sending.edits import Edits
from postbell.services.sending.removal import Removals
from postbell.store import edits, events, notices
from postbell.testing import FakeNetwork, Mode
from support.editing import NEW, Fixed, Lasting, edit, edits_of, first, published, texts
from support.stage import Crash, Stage, live, until
from support.world import START, World, account_of, build_world, post_of, tries_of


class Deadly(FakeNetwork):
    """The process dies as soon as something is changed."""

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        receipt = await super().edit(outgoing, receipt_id, http)
        if outgoing.content.text == "good evening":
            self.__class__ = FakeNetwork  # type: ignore[assignment]
            raise Crash
        return receipt


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Fixed(), Lasting()]) as made:
        yield made


# What the networks answer


@pytest.mark.parametrize(
    ("mode", "result"),
    [(Mode.FAIL, "unavailable"), (Mode.LOSE_ANSWER, "unsure"), (Mode.BREAK, "unsure")],
)
def test_it_is_tried_again_after_what_may_pass(world: World, mode: Mode, result: str) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    world.fake.edit_modes = [mode]
    assert edit(world) == 0
    again = first(world, post).edit_at
    assert again is not None
    world.clock.set(again)
    assert edit(world) == 1
    assert edits_of(world, post) == [result, "edited"]
    assert texts(world.fake) == ["good evening"]


def test_a_network_that_asks_to_wait_is_left_alone(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    world.fake.edit_modes = [Mode.LIMIT]
    assert [edit(world), edit(world)] == [0, 0]
    world.clock.set(START + world.fake.wait)
    assert edit(world) == 1


def test_an_account_that_is_refused_waits_until_it_is_well(world: World) -> None:
    edit_published(world.ctx, published(world), NEW)
    world.fake.edit_modes = [Mode.REFUSE_ACCOUNT]
    assert [edit(world), edit(world)] == [0, 0]
    assert account_of(world.store, "ann").health == "unauthorized"


def test_what_is_gone_there_is_told_with_a_way_to_note_that(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    world.fake.posts.clear()
    assert edit(world) == 0
    (warning,) = first(world, post).warnings
    gone = "it could not be edited: it is not there any more; "
    assert warning == f"{gone}`postbell unpublish {post.id}` notes that it is gone"
    assert first(world, post).edit_at is None
    with world.store.read() as tx:
        (told,) = [each for each in notices.list_notices(tx, 10) if each.kind is NoticeKind.UNEDITED]
    assert told.message == f"Not edited: post {post.id} to ann: {warning}."
    assert edit(world) == 0


def test_it_is_given_up_after_many_tries_and_may_be_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "MOST_TRIES", 2)
    post = published(world)
    edit_published(world.ctx, post, NEW)
    for _ in range(2):
        world.fake.edit_modes = [Mode.FAIL]
        assert edit(world) == 0
        world.clock.set(first(world, post).edit_at or world.clock.now())
    (warning,) = first(world, post).warnings
    assert "gave up after 2 tries" in warning
    world.clock.advance(timedelta(seconds=1))
    edit_published(world.ctx, post_of(world.store, post.id), Changes())
    world.fake.edit_modes = [Mode.FAIL]
    assert edit(world) == 0
    assert first(world, post).edit_at is not None


def test_what_was_asked_for_meanwhile_is_done_too(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    world.fake.edit_modes = [Mode.WAIT]

    async def script(stage: Stage) -> int:
        task = asyncio.create_task(Edits(world.ctx, stage.dispatcher.thread).do_due())
        await until(lambda: not world.fake.edit_modes)
        edit_published(world.ctx, post_of(world.store, post.id), Changes(text="good night"))
        world.fake.gate.set()
        return await task

    assert live(world, script) == 1
    assert texts(world.fake) == ["good evening"]
    assert first(world, post).edit_at is not None
    assert edit(world) == 1
    assert texts(world.fake) == ["good night"]
    assert first(world, post).edit_at is None


# With a removal of the same


def both_due(world: World) -> Post:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    return unpublish(world.ctx, post_of(world.store, post.id))


def removals_of(world: World, post: Post) -> list[tuple[str, str | None]]:
    tries = tries_of(world.store, post.deliveries[0].id)
    return [(each.kind, each.result) for each in tries if each.kind != "publish"]


def test_what_is_to_be_removed_is_not_changed_any_more(world: World) -> None:
    post = both_due(world)

    async def script(stage: Stage) -> list[int]:
        removals = Removals(world.ctx, stage.dispatcher.thread)
        edits_ = Edits(world.ctx, stage.dispatcher.thread, removals.locks)
        return list(await asyncio.gather(edits_.do_due(), removals.do_due()))

    assert live(world, script) == [0, 1]
    assert removals_of(world, post) == [("remove", "removed")]
    assert len(world.fake.deletions) == 1
    assert first(world, post).edit_at is None
    assert first(world, post).warnings == ("it was not edited at its network: it was to be removed by then",)


def test_a_removal_that_comes_first_says_so_too(world: World) -> None:
    post = both_due(world)

    async def script(stage: Stage) -> int:
        return await Removals(world.ctx, stage.dispatcher.thread).do_due()

    assert live(world, script) == 1
    assert first(world, post).edit_at is None
    assert "it was to be removed by then" in first(world, post).warnings[0]
    assert edit(world) == 0
    assert removals_of(world, post) == [("remove", "removed")]


def test_a_removal_waits_for_the_change_that_is_under_way(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    world.fake.edit_modes = [Mode.WAIT]

    async def script(stage: Stage) -> list[int]:
        removals = Removals(world.ctx, stage.dispatcher.thread)
        changing = asyncio.create_task(Edits(world.ctx, stage.dispatcher.thread, removals.locks).do_due())
        await until(lambda: not world.fake.edit_modes)
        unpublish(world.ctx, post_of(world.store, post.id))
        removing = asyncio.create_task(removals.do_due())
        done, _ = await asyncio.wait({removing}, timeout=0.2)
        assert (done, world.fake.deletions) == (set(), [])
        world.fake.gate.set()
        return [await changing, await removing]

    assert live(world, script) == [1, 1]
    assert removals_of(world, post) == [("edit", "edited"), ("remove", "removed")]
    assert len(world.fake.deletions) == 1


def test_a_process_that_dies_leaves_it_to_the_next_one(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Deadly()]) as world:
        post = published(world)
        edit_published(world.ctx, post, NEW)
        with pytest.raises(Crash):
            edit(world)
        assert edit(world) == 1
        assert texts(world.fake) == ["good evening"]
        assert edits_of(world, post) == ["interrupted", "edited"]


def test_an_account_that_was_removed_meanwhile_changes_nothing(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE account SET removed_at = created_at")
    assert edit(world) == 0
    assert "its account was removed" in first(world, post).warnings[0]


def test_a_network_that_has_forgotten_how_says_so(world: World) -> None:
    post = published(world, "kim", network="fixed")
    with world.store.write() as tx:
        edits.ask_edit(tx, post.deliveries[0].id, START, fingerprint=None)
    assert edit(world) == 0
    assert "Fixed changes nothing that is public" in first(world, post).warnings[0]


def test_what_is_new_about_it_is_told_to_programs(world: World) -> None:
    post = published(world)
    edit_published(world.ctx, post, NEW)
    edit(world)
    with world.store.read() as tx:
        kinds = [each.kind for each in events.events_after(tx, 0, 100)]
    assert kinds[-2:] == [EventKind.POST_CHANGED, EventKind.DELIVERY_EDITED]


# The store


def test_a_step_that_nobody_waits_for_any_more_is_stale(world: World) -> None:
    one = published(world).deliveries[0].id
    steps: list[Callable[[Connection], None]] = [
        lambda tx: edits.record_edited(tx, one, version=1, url=None, warnings=(), now=START),
        lambda tx: edits.postpone_edit(tx, one, START),
        lambda tx: edits.give_up_edit(tx, one, "no"),
        lambda tx: edits.give_up_edit(tx, 999, "no"),
        lambda tx: edits.ask_edit(tx, 999, START, fingerprint=None),
    ]
    for step in steps:
        with pytest.raises(Stale), world.store.write() as tx:
            step(tx)
