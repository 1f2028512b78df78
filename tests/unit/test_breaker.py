"""Setbacks: who waits, who is tried meanwhile, and what happens when the network answers again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.post import Post
from postbell.domain.retry import OPEN_AFTER, STUCK_AFTER
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import RateLimited, Rejected, Unavailable, Unsure
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.store import accounts, queue
from postbell.testing import FakeNetwork
from support.stage import Stage, live
from support.world import World, account_of, add_post, after, build_world, delivery_of


class Moody(FakeNetwork):
    """Refuses as its faults say: by text, or everything under "*"."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, Exception] = {}
        #: What it was asked to publish, in order, whatever came of it.
        self.asked: list[str] = []
        #: What happens while it is asked.
        self.meanwhile: Callable[[], None] = lambda: None

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        text = outgoing.content.text
        self.asked.append(text)
        self.meanwhile()
        if fault := self.faults.get("*") or self.faults.get(text):
            raise fault
        return await super().publish(outgoing, progress, http)

    def published(self) -> list[str]:
        return [outgoing.content.text for outgoing in self.posts]


@pytest.fixture
def network() -> Moody:
    return Moody()


@pytest.fixture
def world(tmp_path: Path, network: Moody) -> Iterator[World]:
    with build_world(tmp_path, networks=[network]) as made:
        yield made


def add(world: World, *texts: str) -> list[Post]:
    """Add posts for ann, due a second after one another."""
    return [add_post(world.store, at=after(number), text=text) for number, text in enumerate(texts)]


def live_for(world: World, span: timedelta, stop: int | None = None) -> None:
    """Ring whenever the queue says, for a span of time, or until so many posts were asked for."""
    network = world.fake
    assert isinstance(network, Moody)
    end = world.clock.now() + span

    async def script(stage: Stage) -> None:
        while world.clock.now() < end:
            await stage.ring()
            with world.store.read() as tx:
                ready = [waiting.ready_at for waiting in queue.next_due(tx)]
            if not ready or (stop and len(network.asked) >= stop):
                return
            world.clock.set(max(min(ready), world.clock.now() + timedelta(milliseconds=20)))

    live(world, script)


MINUTES, HOURS = timedelta(minutes=10), timedelta(hours=3)


def test_the_earliest_post_is_tried_until_it_is_stuck_and_then_by_turns_with_the_next(
    world: World, network: Moody
) -> None:
    add(world, "one", "two", "three")
    network.faults["*"] = Unavailable("down")
    live_for(world, HOURS, stop=10)
    assert network.asked == ["one", "one", "one", "two", "one", "two", "one", "two", "three", "one"]


def test_a_post_that_its_network_never_takes_blocks_nobody(world: World, network: Moody) -> None:
    bad, *_ = add(world, "bad", "two", "three")
    network.faults["bad"] = Unavailable("a firewall's page")
    live_for(world, MINUTES)
    assert network.published() == ["two", "three"]
    (still,) = bad.deliveries
    assert delivery_of(world.store, still.id).state is DeliveryState.SCHEDULED


def test_two_posts_that_are_never_taken_block_nobody(world: World, network: Moody) -> None:
    add(world, "bad", "worse", "three", "four")
    network.faults |= {"bad": Unavailable("no"), "worse": Unavailable("no")}
    live_for(world, HOURS)
    assert network.published() == ["three", "four"]


def test_a_post_of_its_own_trouble_is_tried_ever_more_seldom(world: World, network: Moody) -> None:
    add(world, "bad")
    network.faults["bad"] = Unavailable("no")
    live_for(world, HOURS)
    assert 15 < len(network.asked) < 50


def test_after_an_outage_what_was_passed_over_is_sent_at_once_in_its_old_order(
    world: World, network: Moody
) -> None:
    add(world, "one", "two", "three", "four")
    network.faults["*"] = Unavailable("down")
    live_for(world, HOURS, stop=9)
    network.faults.clear()
    asked, ended = len(network.asked), world.clock.now()
    live_for(world, HOURS)
    probe, *others = network.asked[asked:]
    assert others == [text for text in ("one", "two", "three", "four") if text != probe]
    assert network.published() == network.asked[asked:]
    assert world.clock.now() - ended < timedelta(minutes=16)


@pytest.mark.parametrize("answer", [Rejected("too blue"), RateLimited("wait", until=after(1e5))])
def test_any_answer_of_the_network_closes_the_breaker(
    world: World, network: Moody, answer: Exception
) -> None:
    first, *_ = add(world, "one", "two")
    network.faults["*"] = Unavailable("down")
    live_for(world, HOURS, stop=STUCK_AFTER)
    assert account_of(world.store, "ann").setbacks == OPEN_AFTER
    network.faults["*"] = answer
    live_for(world, HOURS, stop=STUCK_AFTER + 1)
    assert network.asked[-1] == "two"
    assert account_of(world.store, "ann").setbacks == 0
    waiting = delivery_of(world.store, first.deliveries[0].id)
    assert waiting.try_at is not None
    assert waiting.try_at <= world.clock.now()


def test_one_or_two_setbacks_are_a_post_s_own_and_it_keeps_its_wait(world: World, network: Moody) -> None:
    (bad, *_) = add(world, "bad", "two")
    network.faults["bad"] = Unavailable("no")
    live_for(world, HOURS, stop=STUCK_AFTER + 2)  # the second one is sent, and the bad one is tried once more
    assert network.asked == ["bad"] * 3 + ["two", "bad"]
    assert account_of(world.store, "ann").setbacks == 1
    own = delivery_of(world.store, bad.deliveries[0].id).try_at
    add_post(world.store, at=world.clock.now(), text="three")
    live_for(world, timedelta(seconds=16), stop=len(network.asked) + 1)
    assert network.asked[-1] == "three"
    assert delivery_of(world.store, bad.deliveries[0].id).try_at == own


@pytest.mark.parametrize(
    "fault", [Unavailable("down"), Unsure("lost"), RateLimited("wait", until=after(10))], ids=repr
)
def test_a_rest_that_was_asked_for_during_a_try_outlasts_how_that_ends(
    world: World, network: Moody, fault: Exception
) -> None:
    add(world, "one")
    network.faults["one"], ann = fault, account_of(world.store, "ann").id

    def turn_away() -> None:  # a look-up, say, that goes on beside it
        with world.store.write() as tx:
            accounts.ask_rest(tx, ann, until=after(3600), reason="asked to wait")

    network.meanwhile = turn_away
    live(world, Stage.ring)
    rested = account_of(world.store, "ann")
    assert (rested.rests_until, rested.rest_reason) == (after(3600), "asked to wait")
    network.meanwhile = lambda: None
    live_for(world, timedelta(minutes=59))
    assert network.asked == ["one"]


def test_an_account_that_rests_delays_no_other(world: World, network: Moody) -> None:
    add(world, "one")
    network.faults["one"] = Unavailable("down")
    live_for(world, HOURS, stop=4)
    other = add_post(world.store, to=("bob",), at=world.clock.now(), text="bob's")
    live(world, Stage.ring)
    done = delivery_of(world.store, other.deliveries[0].id)
    assert (done.outcome, done.lateness) == (Outcome.PUBLISHED, None)


def test_what_is_stuck_rings_the_bell_when_its_turn_comes(world: World, network: Moody) -> None:
    (bad,) = add(world, "bad")
    network.faults["bad"] = Unavailable("no")
    live_for(world, HOURS, stop=STUCK_AFTER)
    with world.store.read() as tx:
        (waiting,) = queue.next_due(tx)
    assert waiting.ready_at == delivery_of(world.store, bad.deliveries[0].id).try_at


def test_a_wait_is_never_longer_than_the_cap(world: World, network: Moody) -> None:
    (bad,) = add(world, "bad")
    network.faults["bad"] = Unavailable("no")
    for _ in range(12):
        live_for(world, HOURS, stop=len(network.asked) + 1)
        waits = delivery_of(world.store, bad.deliveries[0].id).try_at
        assert waits is not None
        assert waits - world.clock.now() <= timedelta(minutes=15, seconds=1)
