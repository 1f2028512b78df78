"""Whatever is done to a queue, what must hold of it holds."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postbell.domain.post import Post
from postbell.domain.zones import wall_at
from postbell.services.plan import queueing
from postbell.services.plan.placing import Placing, Queue, QueueMode
from postbell.store import calendar, posts
from support.placing import draft, gap, place, queue, slots
from support.world import World, account_of, add_account, add_post, build_world, locate


GAP = timedelta(minutes=45)
TIMES = ("02:30", "09:00", "09:30", "18:00")


def waiting(world: World) -> list[Post]:
    """Return every scheduled post that the queue has placed."""
    with world.store.read() as tx:
        coming = [
            each
            for name in ("ann", "bob")
            for each in calendar.list_queued(tx, account_of(world.store, name).id, world.clock.now())
        ]
        return posts.load_posts(tx, list({each.post_id: None for each in coming}), locate)


def act(world: World, chance: random.Random) -> None:
    """Do one thing with a queue."""
    queued = waiting(world)
    name = chance.choice(["ann", "bob"])
    mode: Placing = Queue(mode=chance.choice(list(QueueMode)))
    match chance.randrange(8):
        case 0 if queued:
            with world.store.write() as tx:
                posts.delete_post(tx, chance.choice(queued).id)
        case 1 if queued:
            place(world, chance.choice(queued), mode)
        case 2:
            queueing.shuffle(world.ctx, name, chance.randrange(100))
        case 3:
            seated = [post.id for post in queued if name in {each.account for each in post.deliveries}]
            queueing.reorder(world.ctx, name, chance.sample(seated, len(seated) // 2))
        case 4:
            ahead = timedelta(hours=chance.randrange(1, 72), minutes=chance.randrange(1, 30))
            add_post(world.store, to=(name,), at=world.clock.now() + ahead)
        case 5:
            place(world, draft(world, "ann", "bob"), mode)
        case _:
            queue(world, name, placing=mode)


def require_order(world: World) -> None:
    for name, zone in (("ann", "Europe/Berlin"), ("bob", "Australia/Lord_Howe")):
        account = account_of(world.store, name)
        with world.store.read() as tx:
            now = world.clock.now()
            queued = [each.due_at for each in calendar.list_queued(tx, account.id, now)]
            taken = calendar.taken_times(tx, account.id, now, now + timedelta(days=400))
        times: list[datetime] = [at for at in queued if at]
        shown = {f"{wall_at(at, ZoneInfo(zone)):%H:%M}" for at in times}
        assert shown <= {*TIMES, "03:30", "03:00"}, "not a posting time"
        assert len(set(times)) == len(times), "two posts at one time"
        assert all(taken.count(at) == 1 for at in times), "a time of another post"
        if account.min_gap:
            assert all(later - sooner >= account.min_gap for sooner, later in pairwise(times))


@pytest.mark.parametrize("seed", range(4))
def test_queued_posts_never_share_a_time_nor_come_too_near(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with build_world(tmp_path) as world:
        for name, zone in (("ann", "Europe/Berlin"), ("bob", "Australia/Lord_Howe")):
            add_account(world.store, name)
            slots(world, name, *TIMES, zone=zone)
        gap(world, "bob", GAP)
        # Two days later the clocks change in Berlin, and in Lord Howe a week after that.
        world.clock.advance((datetime.fromisoformat("2027-03-26T12:00Z") - world.clock.now()).total_seconds())
        for _ in range(30):
            act(world, chance)
            require_order(world)
        for post in waiting(world):
            assert post.at == min(each.due_at for each in post.deliveries if each.due_at)
            assert post.zone is not None
            assert post.local == wall_at(post.at, ZoneInfo(post.zone))
