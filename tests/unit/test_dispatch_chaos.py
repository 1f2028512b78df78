"""Whatever fails, wherever the process dies: nothing is lost, nothing is twice, nothing waits for ever."""

from __future__ import annotations

import random
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.errors import DatabaseLocked, DiskFull, TryLater
from postbell.services.accounts import accounts as account_service
from postbell.services.sending import outcomes
from postbell.settings import RetrySettings, Settings
from postbell.store import deliveries
from postbell.testing import FakeNetwork, Mode
from support.stage import Blind, Crash, Stage, Wary, live
from support.world import World, add_post, build_world, post_of


ACCOUNTS = {"fake": ("ann", "bob"), "wary": ("cat", "dan"), "blind": ("eve",)}
POINTS = [None, None, "before_claim", "claimed", "answered", "recorded"]
FAULTS = [mode for mode in Mode if mode is not Mode.WAIT]
FEW_TRIES = Settings(timezone="UTC", retry=RetrySettings(most_tries=6, longest_wait_seconds=60))


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


def one_life(world: World, chance: random.Random) -> None:
    """Let a process work for a while; it may be refused by the database, and may die."""

    async def script(stage: Stage) -> None:
        await stage.recovery.begin()
        for _ in range(chance.randrange(1, 4)):
            stage.store.refusals = [chance.choice([None, None, None, DatabaseLocked("l"), DiskFull("f")])]
            with suppress(TryLater):
                await stage.ring()
            with suppress(TryLater):
                await stage.recovery.settle()
            world.clock.advance(chance.choice([0, 1, 20, 90]))

    with suppress(Crash, TryLater):
        live(world, script, crash_at=chance.choice(POINTS), slots=chance.randrange(1, 5))


def reconnect_all(world: World) -> None:
    for found in account_service.list_accounts(world.ctx):
        account_service.verify_account(world.ctx, found.name)


def is_open(world: World) -> bool:
    """Whether anything waits that need not wait for a human."""
    with world.store.read() as tx:
        counts = deliveries.count_by_state(tx)
        unsure = deliveries.list_in_state(tx, DeliveryState.UNSURE)
    waits = counts.get(DeliveryState.SCHEDULED, 0) + counts.get(DeliveryState.PROCESSING, 0)
    return bool(waits or [lost for lost in unsure if lost.network != Blind.key])


def until_quiet(world: World) -> None:
    """Let one process work undisturbed until nothing is open."""

    async def script(stage: Stage) -> None:
        await stage.recovery.begin()
        for _ in range(100):
            await stage.recovery.settle()
            await stage.ring()
            if not is_open(world):
                return
            world.clock.advance(60)
        pytest.fail("something waits for ever")

    live(world, script)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_whatever_fails_and_wherever_the_process_dies(seed: int) -> None:
    chance = random.Random(seed)
    networks = [kind([chance.choice(FAULTS) for _ in range(10)]) for kind in (FakeNetwork, Wary, Blind)]
    with (
        tempfile.TemporaryDirectory() as folder,
        build_world(Path(folder), networks=networks, settings=FEW_TRIES) as world,
    ):
        posts = [
            add_post(world.store, to=chance.sample(names, chance.randrange(1, len(names) + 1)), network=key)
            for key, names in ACCOUNTS.items()
            for _ in range(2)
        ]
        for _ in range(chance.randrange(2, 6)):
            one_life(world, chance)
        for network in networks:
            network.modes.clear()
        reconnect_all(world)
        until_quiet(world)
        public = {outgoing.key: network for network in networks for outgoing in network.posts}
        for network in networks:
            keys = [outgoing.key for outgoing in network.posts]
            assert len(keys) == len(set(keys)), "something is public twice"
        for post in (post_of(world.store, post.id) for post in posts):
            assert post.state is PostState.PROCESSED
            for made in post.deliveries:
                assert made.outcome in (Outcome.PUBLISHED, Outcome.FAILED, Outcome.UNSURE)
                if made.outcome is Outcome.UNSURE:
                    assert made.network == "blind", "only what nobody can be asked of stays unsure"
                else:
                    assert (made.key in public) == (made.outcome is Outcome.PUBLISHED)
