"""What hangs, what changed meanwhile, and a clock that goes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Unknown
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.posts.compose import load_post
from postbell.services.sending import dispatch, recover
from postbell.store import accounts
from postbell.testing import FakeNetwork, Mode
from support.stage import Stage, fate, live, ring, settle
from support.world import START, account_of, add_post, build_world, delivery_of, picture, tries_of


class _Hanging(FakeNetwork):
    """Never answers a look-up."""

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        await asyncio.Event().wait()
        raise AssertionError


def test_a_network_that_hangs_is_broken_off_and_the_post_is_unsure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_STEP", 0.01)
    with build_world(tmp_path, networks=[FakeNetwork([Mode.WAIT])]) as world:
        post = add_post(world.store)
        ring(world)
        assert fate(world, post)[0] is DeliveryState.UNSURE
        assert "broken off" in str(delivery_of(world.store, post.deliveries[0].id).message)


def test_a_look_up_that_hangs_is_broken_off_and_asked_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover, "LONGEST_STEP", 0.01)
    with build_world(tmp_path, networks=[_Hanging([Mode.LOSE_REQUEST])]) as world:
        post = add_post(world.store)
        ring(world)
        settle(world)
        assert fate(world, post) == (DeliveryState.UNSURE, Outcome.UNSURE, ["unsure", "unavailable"])


def test_a_refusal_after_a_lost_answer_says_that_it_may_be_public(tmp_path: Path) -> None:
    network = FakeNetwork([Mode.LOSE_ANSWER, Mode.REJECT])
    network.can_tell = False
    with build_world(tmp_path, networks=[network]) as world:
        post = add_post(world.store)
        ring(world)
        settle(world)
        world.clock.advance(3600)
        ring(world)
        failed = delivery_of(world.store, post.deliveries[0].id)
        assert failed.outcome is Outcome.FAILED
        assert "an earlier try may have been accepted: look first" in str(failed.message)


def test_a_wait_does_not_last_for_as_long_as_the_clock_went_back(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[FakeNetwork([Mode.FAIL])]) as world:
        post = add_post(world.store)

        async def script(stage: Stage) -> None:
            world.clock.advance(timedelta(days=1) - timedelta(seconds=1))
            await stage.ring()  # fails, and waits for some seconds of tomorrow
            world.clock.adjust(-timedelta(minutes=50))
            await stage.ring()
            assert len(world.fake.seen) == 1, "nor is it shorter"
            world.clock.advance(15)
            await stage.ring()

        live(world, script)
        assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.PUBLISHED)


def test_two_looks_at_once_act_upon_a_step_of_the_clock_once(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        post = add_post(world.store)
        with world.store.write() as tx:
            asked = START + timedelta(minutes=30)
            accounts.ask_rest(tx, post.deliveries[0].account_id, until=asked, reason="asked to wait")

        async def script(stage: Stage) -> None:
            await stage.dispatcher.look()
            world.clock.adjust(-timedelta(minutes=50))
            await asyncio.gather(stage.dispatcher.look(), stage.ring())

        live(world, script)
        assert account_of(world.store, "ann").rests_until == world.clock.now() + timedelta(minutes=30)
        assert world.fake.seen == []


def test_a_delivery_that_the_user_sent_again_meanwhile_is_not_looked_up(tmp_path: Path) -> None:
    class Settling(FakeNetwork):
        """The user settles the second delivery while the first is looked up."""

        async def find(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Absent | Unknown:
            if outgoing.post_id == first.id:
                actions.settle(world.ctx, load_post(world.ctx, second.id), Verdict.FAILED)
            return Unknown(reason="hm")

    network = Settling([Mode.LOSE_REQUEST, Mode.LOSE_REQUEST])
    with build_world(tmp_path, networks=[network]) as world:
        first, second = add_post(world.store), add_post(world.store)
        ring(world, 2, after=15)
        settle(world)
        tried = [(each.kind, each.result) for each in tries_of(world.store, second.deliveries[0].id)]
        assert tried == [("publish", "unsure"), ("settle", "failed")]


def test_a_stored_file_that_is_gone_fails_the_post_before_anything_is_sent(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[FakeNetwork()]) as world:
        post = add_post(world.store, files=[picture()])
        ring(world)
        assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.FAILED)
        assert "its stored files are gone: cat.jpg" in str(
            delivery_of(world.store, post.deliveries[0].id).message
        )
        assert world.fake.creates.total() == 0


def test_a_cancelled_post_that_may_be_public_says_so(tmp_path: Path) -> None:
    network = FakeNetwork([Mode.LOSE_ANSWER])
    network.can_tell = False
    with build_world(tmp_path, networks=[network]) as world:
        post = add_post(world.store)
        ring(world)
        settle(world)  # it waits to be sent again
        actions.cancel(world.ctx, load_post(world.ctx, post.id))
        cancelled = delivery_of(world.store, post.deliveries[0].id)
        assert cancelled.outcome is Outcome.CANCELLED
        assert "an earlier try may have been accepted" in str(cancelled.message)
