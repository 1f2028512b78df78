"""Networks that do not answer a look-up, or not now: they keep nobody else waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from postbell.domain.post import AttemptKind
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import Unavailable
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Unknown
from postbell.publishing.web.http import Http
from postbell.settings import RetrySettings, Settings
from postbell.testing import Mode
from support.stage import Answers, Stage, WaryAnswers, fate, live, ring, settle, until
from support.world import add_post, build_world, tries_of


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))
UNSURE, ENDED = DeliveryState.UNSURE, DeliveryState.PROCESSED


class Hangs(WaryAnswers):
    """Answers nobody until the test says so."""

    key: ClassVar[str] = "hangs"

    def __init__(self) -> None:
        super().__init__(modes=(Mode.LOSE_REQUEST,) * 3)
        self.answer = asyncio.Event()

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        self.asked.append(outgoing.content.text)
        await self.answer.wait()
        return Receipt(id="at last")


def test_a_network_that_hangs_keeps_no_other_waiting_and_is_not_asked_twice(tmp_path: Path) -> None:
    hangs, quick = Hangs(), WaryAnswers(*[Receipt(id=str(number)) for number in range(3)])
    with build_world(tmp_path, networks=[hangs, quick], settings=FAST) as world:
        slow = add_post(world.store, to=("ann",), network="hangs")
        fast = [add_post(world.store, to=("bob",), network="wary")]

        async def script(stage: Stage) -> None:
            quick.modes = [Mode.LOSE_REQUEST] * 3
            await stage.ring()
            for _ in range(3):
                await stage.recovery.settle(0.2)
                assert fate(world, fast[-1])[:2] == (ENDED, Outcome.PUBLISHED)
                assert fate(world, slow)[0] is UNSURE
                fast.append(add_post(world.store, to=("bob",), at=world.clock.now(), network="wary"))
                world.clock.advance(3600)
                await stage.ring()
            assert len(hangs.asked) == 1
            hangs.answer.set()
            await stage.recovery.settle()

        live(world, script)
        assert fate(world, slow)[:2] == (ENDED, Outcome.PUBLISHED)


def test_after_an_answer_that_holds_for_the_account_its_other_doubts_wait(tmp_path: Path) -> None:
    network = WaryAnswers(Unavailable("down"), Receipt(id="1"), modes=(Mode.LOSE_REQUEST,) * 2)
    with build_world(tmp_path, networks=[network], settings=FAST) as world:
        posts = [add_post(world.store, text=text, network="wary") for text in ("first", "second")]
        ring(world, 2, after=60)
        settle(world)
        assert network.asked == ["first"]
        assert [fate(world, post)[0] for post in posts] == [UNSURE, UNSURE]


def test_a_daemon_that_stops_writes_down_that_it_asked_in_vain(tmp_path: Path) -> None:
    hangs = Hangs()
    with build_world(tmp_path, networks=[hangs], settings=FAST) as world:
        post = add_post(world.store, network="hangs")

        async def script(stage: Stage) -> None:
            await stage.ring()
            await stage.recovery.settle(0.05)
            await until(lambda: bool(hangs.asked))
            await stage.recovery.close()

        live(world, script)
        assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["unsure", "unavailable"])
        (found,) = [
            tried for tried in tries_of(world.store, post.deliveries[0].id) if tried.kind is AttemptKind.FIND
        ]
        assert found.message == "Postbell was stopped while it asked"


def test_what_is_found_late_is_told_so_that_the_rest_goes_on(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Answers(Absent())], settings=FAST) as world:
        add_post(world.store)
        told: list[None] = []

        async def script(stage: Stage) -> None:
            await stage.ring()
            stage.recovery.on_settled = lambda: told.append(None)
            await stage.recovery.settle()

        live(world, script)
        assert told == [None]
