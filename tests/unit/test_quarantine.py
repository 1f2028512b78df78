"""What ends the process again and again is left alone, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from postbell.domain.post import Attempt, AttemptKind, Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Unknown
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.sending.quarantine import MOST_DEATHS, is_poison, is_poison_to_find
from postbell.services.sending.recover import lose_interrupted
from postbell.store import attempts, deliveries, queue
from postbell.testing import FakeNetwork
from support.stage import Crash, Stage, fate, live, until
from support.world import (
    START,
    World,
    add_post,
    build_world,
    claim,
    delivery_in,
    delivery_of,
    locate,
    post_of,
)


class Deadly(FakeNetwork):
    """Ends the process when it is to publish `deadly`, or to look up `unfindable`."""

    def __init__(self) -> None:
        super().__init__()
        #: What it was asked to publish and to look up.
        self.tried: list[str] = []
        self.sought: list[str] = []
        #: What a look-up finds, if not what was published.
        self.found: Receipt | None = None
        #: Ends the process.
        self.die: Callable[[], None] = lambda: None

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        self.tried.append(outgoing.content.text)
        if outgoing.content.text == "deadly":
            self.die()
            raise Crash
        return await super().publish(outgoing, progress, http)

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Progress | Absent | Unknown:
        self.sought.append(outgoing.content.text)
        if outgoing.content.text == "unfindable":
            self.die()
            raise Crash
        return self.found or await super().find(outgoing, progress, http)


@pytest.fixture
def network() -> Deadly:
    return Deadly()


@pytest.fixture
def world(tmp_path: Path, network: Deadly) -> Iterator[World]:
    with build_world(tmp_path, networks=[network]) as made:
        yield made


def lives(world: World, times: int, *, rings: int = 20) -> None:
    """Let so many processes live, one after the other, until each dies or has rung so often."""

    async def script(stage: Stage) -> None:
        network = world.fake
        assert isinstance(network, Deadly)
        network.die = lambda: setattr(stage.store, "dead", True)
        await stage.recovery.begin()
        await stage.recovery.settle()
        for _ in range(rings):
            await stage.ring()

    for _ in range(times):
        with suppress(Crash):
            live(world, script)
        world.clock.advance(timedelta(minutes=2))


def now(world: World, post: Post) -> tuple[DeliveryState, str]:
    found = delivery_of(world.store, post.deliveries[0].id)
    return found.state, str(found.message)


def test_a_post_that_ends_three_processes_has_failed_and_says_how_to_send_it(
    world: World, network: Deadly
) -> None:
    post = add_post(world.store, text="deadly")
    lives(world, MOST_DEATHS + 3)
    assert network.tried == ["deadly"] * MOST_DEATHS
    state, told = now(world, post)
    assert state is DeliveryState.PROCESSED
    assert told == (
        "Postbell ended 3 times in a row while it sent this, so it is not sent again by itself; "
        f"it is not public: `postbell retry {post.id}` sends it again"
    )


def test_the_others_go_on_and_none_of_them_is_taken_for_the_cause(world: World, network: Deadly) -> None:
    names = [f"to-{number}" for number in range(6)]
    innocent = [add_post(world.store, to=(name,), text=name) for name in names]
    add_post(world.store, to=("ann",), text="deadly")
    innocent += [add_post(world.store, to=(name,), text=f"{name} too") for name in names]
    lives(world, MOST_DEATHS + 1, rings=2)
    lives(world, 1)
    assert {fate(world, post)[1] for post in innocent} == {Outcome.PUBLISHED}
    assert len(network.posts) == len({post.key for post in network.posts}) == len(innocent)
    for post in innocent:
        assert fate(world, post)[2].count("interrupted") <= 1


def test_after_a_retry_by_hand_the_count_begins_anew(world: World, network: Deadly) -> None:
    post = add_post(world.store, text="deadly")
    lives(world, MOST_DEATHS + 1)
    actions.retry(world.ctx, post_of(world.store, post.id))
    lives(world, MOST_DEATHS + 3)
    assert network.tried == ["deadly"] * MOST_DEATHS * 2
    assert fate(world, post)[1] is Outcome.FAILED


def test_where_nobody_can_tell_it_stays_unsure_and_is_not_sent_again(world: World, network: Deadly) -> None:
    network.can_tell = False
    post = add_post(world.store, text="deadly")
    lives(world, MOST_DEATHS + 3)
    assert network.tried == ["deadly"] * MOST_DEATHS
    state, told = now(world, post)
    assert state is DeliveryState.UNSURE
    assert told == (
        "Postbell ended 3 times in a row while it sent this, so it is not sent again by itself; "
        f"it may be public already: look, then `postbell settle {post.id}`"
    )
    actions.settle(world.ctx, post_of(world.store, post.id), Verdict.RESEND)
    lives(world, 1)
    assert len(network.tried) == MOST_DEATHS + 1


def test_what_is_found_is_published_although_it_ended_the_process(world: World, network: Deadly) -> None:
    post = add_post(world.store, text="deadly")
    lives(world, MOST_DEATHS)
    network.found = Receipt(id="r")
    lives(world, 1)
    assert network.tried == ["deadly"] * MOST_DEATHS
    assert fate(world, post)[1] is Outcome.PUBLISHED


def test_what_ends_three_processes_when_it_is_looked_up_is_not_looked_up_any_more(
    world: World, network: Deadly
) -> None:
    post, other = add_post(world.store, text="unfindable"), add_post(world.store, to=("bob",), text="other")
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="claimed")
    lives(world, MOST_DEATHS + 3)
    assert network.sought.count("unfindable") == MOST_DEATHS
    state, told = now(world, post)
    assert state is DeliveryState.UNSURE
    assert told.startswith("Postbell ended 3 times in a row while it looked this up")
    assert f"`postbell settle {post.id}`" in told
    assert fate(world, other)[1] is Outcome.PUBLISHED


def test_one_suspect_is_under_way_at_a_time(world: World) -> None:
    for name in ("ann", "bob", "cat"):
        add_post(world.store, to=(name,), text=name)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="claimed")
    most: list[int] = []

    async def script(stage: Stage) -> None:
        await stage.recovery.begin()
        await stage.recovery.settle()
        add_post(world.store, to=("dan",), at=world.clock.now(), text="dan")
        for _ in range(5):
            begun = await stage.dispatcher.ring()
            begun += await stage.dispatcher.ring()
            most.append(begun)
            await stage.idle()

    live(world, script)
    assert most == [2, 1, 1, 0, 0]  # the one that is no suspect went with the first
    assert len(world.fake.posts) == 4


def test_of_the_suspects_the_one_comes_first_that_was_tried_least(world: World) -> None:
    def lose(*found: queue.Claim) -> None:
        with world.store.write() as tx:
            for each in found:
                attempts.close_interrupted(tx, each.delivery.id, START)
                deliveries.lose_track(tx, each.delivery.id, "lost")
                deliveries.resend(tx, each.delivery.id, try_at=START)

    def suspect() -> queue.Claim:
        with world.store.write() as tx:
            (found,) = queue.claim_due(tx, START, 1, locate, suspects=True)
        return found

    add_post(world.store, to=("ann",))
    add_post(world.store, to=("bob",), at=START - timedelta(seconds=1))
    lose(*claim(world.store))
    lose(first := suspect())
    assert (first.account.name, suspect().account.name) == ("bob", "ann")


def test_the_next_suspect_is_tried_also_where_one_ends_while_something_is_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob"):
        add_post(world.store, to=(name,), text=name)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="claimed")

    async def script(stage: Stage) -> None:
        await stage.recovery.begin()
        await stage.recovery.settle()
        dispatcher, write = stage.dispatcher, stage.dispatcher.thread.write

        async def write_long(*what: Any, **how: Any) -> Any:
            taken = await write(*what, **how)
            await until(lambda: dispatcher._suspect is None)
            return taken

        await dispatcher.ring()
        with monkeypatch.context() as slow:
            slow.setattr(dispatcher.thread, "write", write_long)
            await dispatcher.ring()
        await stage.ring()

    live(world, script)
    assert {post.content.text for post in world.fake.posts} == {"ann", "bob"}


def test_where_no_process_ended_nothing_is_asked_about_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(queue, "has_suspects", asked.append)
    for number in range(3):
        add_post(world.store, text=f"post {number}")

    async def script(stage: Stage) -> None:
        for _ in range(4):
            await stage.ring()

    live(world, script)
    assert len(asked) == 1


def test_a_start_asks_no_more_where_more_is_unsure(world: World) -> None:
    asked: list[str] = []
    event.listen(world.store._writer, "before_cursor_execute", lambda _c, _cur, sql, *_: asked.append(sql))
    counts = []
    for more in (2, 20):
        for _ in range(more):
            delivery_in(world.store, DeliveryState.UNSURE)
        for _ in range(2):  # the first ends what is open
            asked.clear()
            with world.store.write() as tx:
                assert lose_interrupted(tx, START) == []
        counts.append(len(asked))
    assert counts[0] == counts[1]


def _tried(kind: AttemptKind, result: str) -> Attempt:
    return Attempt(id=1, delivery_id=1, kind=kind, started_at=START, result=result)


PUBLISH, FIND, SETTLE = AttemptKind.PUBLISH, AttemptKind.FIND, AttemptKind.SETTLE


@pytest.mark.parametrize(
    ("results", "tries", "poison"),
    [
        (["interrupted"] * 3, 3, True),
        (["interrupted"] * 3, 2, False),  # the user has had it tried again since the first
        (["interrupted"] * 2, 2, False),
        (["interrupted", "interrupted", "progress", "interrupted"], 3, False),
        (["unavailable", *["interrupted"] * 3], 4, True),
        ([], 0, False),
    ],
)
def test_only_an_unbroken_row_counts(world: World, results: list[str], tries: int, *, poison: bool) -> None:
    (made,) = add_post(world.store).deliveries
    log = [each for result in results for each in (_tried(PUBLISH, result), _tried(FIND, "absent"))]
    delivery = type(made)(**vars(made) | {"tries": tries})
    assert is_poison(delivery, log) is poison


@pytest.mark.parametrize(
    ("log", "poison"),
    [
        ([_tried(PUBLISH, "unsure"), *[_tried(FIND, "interrupted")] * 3], True),
        ([_tried(PUBLISH, "unsure"), *[_tried(FIND, "interrupted")] * 2], False),
        ([*[_tried(FIND, "interrupted")] * 2, _tried(PUBLISH, "unsure"), _tried(FIND, "interrupted")], False),
        ([*[_tried(FIND, "interrupted")] * 3, _tried(FIND, "unknown")], False),
    ],
)
def test_only_an_unbroken_row_of_look_ups_counts(log: list[Attempt], *, poison: bool) -> None:
    assert is_poison_to_find(log) is poison
