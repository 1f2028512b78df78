"""From due to done: what is due is handed over once, and every ending is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.account import Health
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.errors import PostbellError, PublishError, RateLimited, Rejected, Unauthorized
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.accounts import accounts as account_service
from postbell.services.sending import outcomes
from postbell.settings import RetrySettings, Settings
from postbell.testing import FakeNetwork, Mode
from support.stage import Blind, Stage, Wary, fate, live, ring
from support.world import START, World, account_of, add_post, after, build_world, delivery_of, post_of


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3, catch_up_seconds=0))
ENDED = DeliveryState.PROCESSED
WAITS = DeliveryState.SCHEDULED


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Wary(), Blind()], settings=FAST) as made:
        yield made


class Says(FakeNetwork):
    """Answers each call with the next of these; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        self.seen.append(progress)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]


def says(folder: Path, *answers: Any) -> World:
    return build_world(folder, networks=[Says(*answers)], settings=FAST)


# Claims.


def test_a_ring_takes_no_more_than_there_are_free_slots(world: World) -> None:
    add_post(world.store, to=("ann", "bob", "cat"))
    world.fake.modes = [Mode.WAIT] * 3

    async def script(stage: Stage) -> None:
        begun = [await stage.dispatcher.ring() for _ in range(2)]
        assert (begun, stage.dispatcher.under_way) == ([2, 0], 2)
        world.fake.gate.set()
        assert await stage.ring() == 0
        assert await stage.ring() == 1
        assert len(stage.freed) == 2  # those that ended together free their slots together

    live(world, script, slots=2)
    assert len(world.fake.posts) == 3


def test_a_ring_does_not_wait_for_a_network(world: World) -> None:
    add_post(world.store)
    world.fake.modes = [Mode.WAIT]

    async def script(stage: Stage) -> None:
        assert await stage.dispatcher.ring() == 1
        await stage.begun(world.fake)
        assert stage.dispatcher.under_way == 1
        world.fake.gate.set()
        await stage.ring()

    live(world, script)


def test_a_claim_is_begun_even_if_whoever_rang_is_stopped(world: World) -> None:
    post = add_post(world.store)

    async def script(stage: Stage) -> None:
        ringing = asyncio.create_task(stage.dispatcher.ring())
        await asyncio.sleep(0)
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)
        await stage.dispatcher.drain(60)

    live(world, script)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_where_the_database_cannot_take_a_claim_nothing_is_sent(world: World) -> None:
    add_post(world.store)

    async def script(stage: Stage) -> None:
        with pytest.raises(PostbellError, match="locked"):
            await stage.ring()

    live(world, script, refusals=[PostbellError("locked")])
    assert world.fake.seen == []


# Endings.


def test_what_is_public_is_published(world: World) -> None:
    post = add_post(world.store)
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])
    found = post_of(world.store, post.id)
    assert (found.state, found.outcome) == (PostState.PROCESSED, Outcome.PUBLISHED)
    key = post.deliveries[0].key
    assert (found.deliveries[0].receipt_id, found.deliveries[0].url) == (key, f"memory://fake/posts/{key}")


def test_warnings_of_the_network_are_kept(tmp_path: Path) -> None:
    with says(tmp_path, Receipt(id="1", warnings=("no picture",))) as world:
        post = add_post(world.store)
        ring(world)
        assert post_of(world.store, post.id).deliveries[0].warnings == ("no picture",)


def test_steps_follow_one_another_within_one_try(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.STEP, Mode.STEP]
    ring(world)
    assert [progress and progress.data["done"] for progress in world.fake.seen] == [None, 1, 2]
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_a_step_that_goes_on_later_waits_and_does_not_count_as_a_try(tmp_path: Path) -> None:
    later = Progress(step="upload", data={"id": 7}, again_at=after(60))
    with says(tmp_path, later, Receipt(id="1")) as world:
        post = add_post(world.store)
        ring(world)
        waiting = delivery_of(world.store, post.deliveries[0].id)
        assert (waiting.state, waiting.tries, waiting.try_at) == (WAITS, 0, after(60))
        assert waiting.message == "waits: upload"
        ring(world, 2, after=60)
        assert world.fake.seen == [None, Progress(step="upload", data={"id": 7})]
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["progress", "published"])


def test_what_is_refused_has_failed_and_holds_nothing_back(world: World) -> None:
    first, second = add_post(world.store), add_post(world.store, at=after(1))
    world.fake.modes = [Mode.REJECT]
    ring(world, 2, after=1)
    assert fate(world, first) == (ENDED, Outcome.FAILED, ["rejected"])
    assert delivery_of(world.store, first.deliveries[0].id).message == "asked to reject"
    assert fate(world, second) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_one_refusal_of_two_makes_a_post_partial(world: World) -> None:
    post = add_post(world.store, to=("ann", "bob"))
    world.fake.modes = [Mode.REJECT]
    ring(world)
    assert post_of(world.store, post.id).outcome is Outcome.PARTIAL


def test_refused_credentials_hold_the_account_and_nothing_else(world: World) -> None:
    post = add_post(world.store, to=("ann", "bob"))
    world.fake.modes = [Mode.REFUSE_ACCOUNT]
    ring(world, 2)
    anns, bobs = (delivery_of(world.store, made.id) for made in post.deliveries)
    assert (anns.state, anns.tries, anns.message) == (WAITS, 0, "asked to refuse_account")
    assert bobs.outcome is Outcome.PUBLISHED
    held = account_of(world.store, "ann")
    assert (held.health, held.health_note) == (Health.UNAUTHORIZED, "asked to refuse_account")
    assert account_of(world.store, "bob").health is Health.OK
    account_service.verify_account(world.ctx, "ann")
    ring(world)
    assert post_of(world.store, post.id).outcome is Outcome.PUBLISHED


class Refuses(FakeNetwork):
    """Refuses the first credentials, once the gate is open, and accepts all others."""

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if outgoing.target.credentials.token.get_secret_value() == "right":
            self.seen.append(progress)
            await self.gate.wait()
            raise Unauthorized("The token is old.")
        return await super().publish(outgoing, progress, http)


def test_an_account_connected_anew_during_the_try_is_not_held_for_its_old_credentials(
    tmp_path: Path,
) -> None:
    with build_world(tmp_path, networks=[Refuses()]) as world:
        post = add_post(world.store)

        async def script(stage: Stage) -> None:
            await stage.dispatcher.ring()
            await stage.begun(world.fake)
            new = {"token": "new"}
            account_service.reconnect_account(world.ctx, "ann", server=None, values=new, verify=False)
            world.fake.gate.set()
            await stage.ring()
            await stage.ring()

        live(world, script)
        assert account_of(world.store, "ann").health is Health.OK
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unauthorized", "published"])


@pytest.mark.parametrize("until", [None, after(-60), after(0)])
def test_a_limit_without_a_usable_end_lets_the_account_rest_and_gives_the_try_back(
    tmp_path: Path, until: datetime | None
) -> None:
    with says(tmp_path, *[RateLimited("slow down", until=until)] * 5, Receipt(id="1")) as world:
        post = add_post(world.store)
        ring(world)
        waiting = delivery_of(world.store, post.deliveries[0].id)
        rests_until = account_of(world.store, "ann").rests_until
        assert (waiting.state, waiting.tries, waiting.try_at) == (WAITS, 0, rests_until)
        assert rests_until is not None
        assert after(7 * 60) < rests_until <= after(15 * 60)
        ring(world, 6, after=15 * 60)
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["rate_limited"] * 5 + ["published"])


def test_a_limit_is_kept_to_the_second_by_this_account_alone(world: World) -> None:
    add_post(world.store, to=("ann", "bob"))
    second = add_post(world.store, to=("ann", "bob"), at=after(1))
    world.fake.modes = [Mode.LIMIT]
    ring(world, 2, after=1)
    ann = account_of(world.store, "ann")
    assert (ann.rests_until, ann.rest_reason) == (after(120), "rate limited: asked to wait")
    assert [d.outcome for d in post_of(world.store, second.id).deliveries] == [None, Outcome.PUBLISHED]
    world.clock.set(after(119))
    ring(world)
    assert len(world.fake.posts) == 2
    world.clock.set(after(120))
    ring(world, 2)
    assert len(world.fake.posts) == 4


def test_a_nonsense_end_of_a_limit_does_not_silence_an_account_for_years(tmp_path: Path) -> None:
    with says(tmp_path, RateLimited("slow down", until=START.replace(year=2056))) as world:
        add_post(world.store)
        ring(world)
        assert account_of(world.store, "ann").rests_until == START + timedelta(days=1)


def test_an_unavailable_network_is_tried_again_later_and_success_ends_the_setbacks(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.FAIL]
    ring(world)
    waiting, ann = delivery_of(world.store, post.deliveries[0].id), account_of(world.store, "ann")
    assert (waiting.state, waiting.tries, waiting.message) == (WAITS, 1, "asked to fail")
    assert waiting.try_at is not None
    assert START < waiting.try_at <= after(15)
    assert (ann.setbacks, ann.rests_until, ann.rest_reason) == (1, waiting.try_at, "asked to fail")
    assert post_of(world.store, post.id).state is PostState.PROCESSING
    world.clock.set(waiting.try_at)
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unavailable", "published"])
    assert account_of(world.store, "ann").setbacks == 0


def test_an_unavailable_network_is_given_up_after_the_last_try(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.FAIL] * 3
    ring(world, 3, after=60)
    assert fate(world, post) == (ENDED, Outcome.FAILED, ["unavailable"] * 3)
    told = delivery_of(world.store, post.deliveries[0].id).message
    assert told == "gave up after 3 tries; the last: asked to fail"


@pytest.mark.parametrize("network", ["fake", "wary", "blind"])
@pytest.mark.parametrize("mode", [Mode.LOSE_ANSWER, Mode.LOSE_REQUEST, Mode.BREAK])
def test_a_lost_answer_is_unsure_whatever_a_repeat_would_do(tmp_path: Path, network: str, mode: Mode) -> None:
    made = {"fake": FakeNetwork, "wary": Wary, "blind": Blind}[network]([mode])
    with build_world(tmp_path, networks=[made]) as world:
        post = add_post(world.store, network=network)

        async def script(stage: Stage) -> None:
            await stage.ring()
            assert len(stage.lost) == 1

        live(world, script)
        ring(world, 3, after=3600)
        assert fate(world, post) == (DeliveryState.UNSURE, Outcome.UNSURE, ["unsure"])
        assert post_of(world.store, post.id).outcome is Outcome.UNSURE
        assert account_of(world.store, "ann").health is Health.OK
        assert len(made.seen) == 1


def test_a_fault_in_a_network_says_which_and_stops_no_other_post(world: World) -> None:
    post = add_post(world.store, to=("ann", "bob"))
    world.fake.modes = [Mode.BREAK]
    ring(world)
    anns, bobs = (delivery_of(world.store, made.id) for made in post.deliveries)
    assert anns.message == "a fault in Postbell's code for fake (RuntimeError); please report it"
    assert bobs.outcome is Outcome.PUBLISHED


class OddError(Rejected):
    """An error of a network's own kind."""


@pytest.mark.parametrize(
    ("error", "word", "state"),
    [(OddError("no"), "rejected", ENDED), (PublishError("eh"), "unsure", DeliveryState.UNSURE)],
)
def test_an_error_of_a_networks_own_is_taken_for_what_it_is_at_least(
    tmp_path: Path, error: PublishError, word: str, state: DeliveryState
) -> None:
    with says(tmp_path, error) as world:
        post = add_post(world.store)
        ring(world)
        assert (fate(world, post)[0], fate(world, post)[2]) == (state, [word])


@pytest.mark.parametrize(
    "answer",
    [
        Receipt(id="1", url=object()),  # type: ignore[arg-type]
        Progress(step="a", again_at=datetime(2026, 11, 23, 10)),  # noqa: DTZ001 - the mistake itself
        Progress(step="a", data={"value": object()}),
        RateLimited("slow", until=datetime(2026, 11, 23, 10)),  # noqa: DTZ001
        None,
    ],
)
def test_an_answer_that_no_database_takes_leaves_nothing_under_way(tmp_path: Path, answer: Any) -> None:
    with says(tmp_path, answer) as world:
        post = add_post(world.store)
        ring(world)
        assert fate(world, post) == (DeliveryState.UNSURE, Outcome.UNSURE, ["unsure"])
