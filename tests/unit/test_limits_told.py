"""What a network says of its limits is heeded whatever it was asked: not publishing alone uses them up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from sqlalchemy import update

from postbell.domain.comment import CommentState, FirstComment
from postbell.domain.content import Comment
from postbell.domain.states import DeliveryState
from postbell.publishing.protocol import Outgoing, Progress, Receipt, Target
from postbell.publishing.web.http import Http
from postbell.services.sending.commenting import Comments, comments_of
from postbell.services.sending.edits import Edits
from postbell.services.sending.metrics import Metrics
from postbell.services.sending.removal import Removals
from postbell.store.tables.core import delivery
from postbell.testing import Mode
from support.stage import Stage, Wary, live, ring
from support.world import START, World, account_of, add_post, build_world, delivery_of, post_of


USED_UP = {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "300"}


class Asked(Wary):
    """Asks over HTTP for everything but to publish a post."""

    key: ClassVar[str] = "asked"

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if outgoing.reply:
            await _ask(http)
        return await super().publish(outgoing, progress, http)

    async def find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Any:
        await _ask(http)
        return await super().find(outgoing, progress, http)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        await _ask(http)
        await super().delete(outgoing, receipt_id, http)

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        await _ask(http)
        return await super().edit(outgoing, receipt_id, http)

    async def metrics(self, target: Target, receipt_id: str, http: Http) -> Any:
        del target, receipt_id
        await _ask(http)
        return {"likes": 1}


async def _ask(http: Http) -> None:
    await http.request("GET", "https://api.example.com/")


@pytest.fixture
def came() -> list[httpx.Request]:
    """Return what came over HTTP."""
    return []


@pytest.fixture
def world(tmp_path: Path, came: list[httpx.Request]) -> Iterator[World]:
    def answer(request: httpx.Request) -> httpx.Response:
        came.append(request)
        return httpx.Response(200, headers=USED_UP)

    with build_world(tmp_path, networks=[Asked()], transport=httpx.MockTransport(answer)) as made:
        yield made


def add(world: World, *modes: Mode, count: int = 2, **values: Any) -> None:
    """Publish posts of one account, as the modes say; then give their deliveries these values."""
    world.fake.modes = list(modes)
    for text in ("one", "two")[:count]:
        add_post(world.store, network="asked", text=text, comment=Comment(text="P.S."))
    ring(world, 2, after=60)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(values or {"progress": None}))


def comment_on_one(world: World) -> FirstComment:
    (found,) = comments_of(world.ctx, post_of(world.store, world.fake.posts[0].post_id))
    return found


#: What else a daemon asks a network for.
CHORES: dict[str, Callable[[Stage], Awaitable[object]]] = {
    "removals": lambda stage: Removals(stage.world.ctx, stage.dispatcher.thread).do_due(),
    "edits": lambda stage: Edits(stage.world.ctx, stage.dispatcher.thread).do_due(),
    "comments": lambda stage: Comments(stage.world.ctx, stage.dispatcher.thread).publish_due(),
    "metrics": lambda stage: Metrics(stage.world.ctx, stage.dispatcher.thread).read_due(),
    "look-ups": lambda stage: stage.recovery.settle(),
}


@pytest.mark.parametrize("chore", CHORES)
def test_after_an_answer_that_a_limit_is_used_up_nothing_more_is_asked_for_the_account(
    world: World, came: list[httpx.Request], chore: str
) -> None:
    lost = [Mode.LOSE_ANSWER] * 2 if chore == "look-ups" else []
    due: dict[str, dict[str, Any]] = {
        "removals": {"delete_at": START},
        "edits": {"edit_at": START},
        "metrics": {"metrics_at": START},
    }
    add(world, *lost, **due.get(chore, {}))

    async def script(stage: Stage) -> list[int]:
        counts = []
        for wait in (0, 299, 1):
            world.clock.advance(wait)
            await CHORES[chore](stage)
            counts.append(len(came))
        return counts

    now = world.clock.now()
    assert live(world, script) == [1, 1, 2]
    ann = account_of(world.store, "ann")
    assert ann.rests_until == now + timedelta(seconds=600)
    assert ann.rest_reason == "the network's rate limit is used up"


def test_posts_wait_after_it_too(world: World) -> None:
    add(world, delete_at=START)
    live(world, CHORES["removals"])
    third = add_post(world.store, network="asked", text="three", at=world.clock.now())
    ring(world)
    assert delivery_of(world.store, third.deliveries[0].id).state is DeliveryState.SCHEDULED
    world.clock.advance(300)
    ring(world)
    assert delivery_of(world.store, third.deliveries[0].id).state is DeliveryState.PROCESSED


def test_a_comment_that_is_not_public_is_sent_when_the_network_takes_something_again(
    world: World, came: list[httpx.Request]
) -> None:
    add(world, count=1)
    world.fake.modes = [Mode.LOSE_REQUEST]
    states = []
    for _ in range(3):
        live(world, CHORES["comments"])
        states.append(comment_on_one(world).state)
        world.clock.advance(300)
    assert states == [CommentState.UNSURE, CommentState.WAITING, CommentState.PUBLISHED]
    assert len(came) == 3
