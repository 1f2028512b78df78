"""Threads in a whole Postbell: from the post as it is written to its responses, through restarts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.content import Comment
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.domain.when import When
from postbell.sections import ApiSettings
from postbell.services.accounts.accounts import add_account
from postbell.services.posts.actions import unpublish
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.services.sending.commenting import Comments
from postbell.services.sending.metrics import Metrics, readings_of
from postbell.services.sending.removal import Removals
from postbell.services.sending.renewal import Renewals
from postbell.testing import FakeClock
from support.fake_threads import TOKEN, FakeThreads
from support.farside import Fault, Violation
from support.pictures import png, written
from support.stage import Crash, Stage, fate, live, ring, settle
from support.world import HURRIED, START, World, account_of, build_world, delivery_of, post_of


PUBLIC = "https://bell.example.org"
NOW = When(at=START, local=START.replace(tzinfo=None), zone="UTC")
PUBLISHED = DeliveryState.PROCESSED, Outcome.PUBLISHED


@pytest.fixture
def threads() -> FakeThreads:
    return FakeThreads(FakeClock(START))


@pytest.fixture
def world(tmp_path: Path, threads: FakeThreads) -> Iterator[World]:
    settings = HURRIED.model_copy(update={"api": ApiSettings(public_url=PUBLIC)})
    with build_world(tmp_path, networks=[], transport=threads, settings=settings) as made:
        threads.clock = made.clock
        threads.fetch = lambda url: fetch(made, url)
        values = {"access_token": TOKEN}
        add_account(made.ctx, network="threads", name="bells", server=None, values=values)
        yield made


def fetch(world: World, url: str) -> bytes | None:
    """Come for a file by its link, as strangers do."""
    public = world.ctx.public
    if public is None or not url.startswith(f"{PUBLIC}/public/"):
        raise Violation(f"no link of Postbell's: {url}")
    opened = public.open(url.removeprefix(PUBLIC))
    return opened[1].path.read_bytes() if opened else None


def write(world: World, folder: Path) -> Post:
    """Write a thread of two parts with two pictures and a first comment."""
    pictures = [(written(folder, f"{at}.png", png(400 + at, 400)), f"Picture {at}") for at in range(2)]
    wanted = Wanted(
        text="Hello",
        segments=("And then",),
        comment=Comment(text="By the way"),
        media=tuple(pictures),
        to=("bells",),
        when=NOW,
    )
    return add_post(world.ctx, wanted).post


def told(threads: FakeThreads) -> list[tuple[str, list[str], str | None]]:
    """Return what is public: texts, alt texts, and what is answered."""
    return [(post.text, [alt for _, alt in post.media], post.answers) for post in threads.public()]


def assert_thread(threads: FakeThreads) -> None:
    first, *_ = threads.posts
    assert told(threads)[:2] == [
        ("Hello", ["Picture 0", "Picture 1"], None),
        ("And then", [], first["id"]),
    ]


def do(world: World, kind: type[Comments | Metrics | Removals | Renewals], method: str) -> int:
    async def script(stage: Stage) -> int:
        done: int = await getattr(kind(world.ctx, stage.dispatcher.thread), method)()
        return done

    return live(world, script)


def test_a_thread_with_pictures_is_published_commented_on_counted_and_taken_away(
    world: World, threads: FakeThreads, tmp_path: Path
) -> None:
    post = write(world, tmp_path)
    ring(world, 5, after=10)
    assert_thread(threads)
    assert fate(world, post)[:2] == PUBLISHED
    (delivery,) = post.deliveries
    found = delivery_of(world.store, delivery.id)
    assert found.url == threads.posts[0]["permalink"]
    assert found.receipt_id == ",".join(each["id"] for each in threads.posts)
    for _ in range(2):
        do(world, Comments, "publish_due")
        world.clock.advance(10)
    assert told(threads)[2] == ("By the way", [], threads.posts[1]["id"])
    threads.counts = {"likes": 3}
    world.clock.advance(3600)
    do(world, Metrics, "read_due")
    assert [reading.counts["likes"] for reading in readings_of(world.ctx, post)] == [3]
    unpublish(world.ctx, post_of(world.store, post.id))
    do(world, Removals, "do_due")
    assert told(threads) == []


@pytest.mark.parametrize("point", ["claimed", "answered", "recorded"])
@pytest.mark.parametrize("at", range(4))
def test_a_death_at_any_ring_leads_to_exactly_one_thread(
    world: World, threads: FakeThreads, tmp_path: Path, at: int, point: str
) -> None:
    post = write(world, tmp_path)
    ring(world, at, after=10)
    with suppress(Crash):
        live(world, Stage.ring, crash_at=point)
    world.clock.advance(600)
    settle(world, 4, after=600, begin=True)
    ring(world, 5, after=600)
    assert_thread(threads)
    assert len(threads.posts) == 2
    assert fate(world, post)[:2] == PUBLISHED


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.TIMEOUT, Fault.RATE_LIMITED, Fault.UNAVAILABLE])
def test_whatever_happens_to_the_publication_there_is_one_thread(
    world: World, threads: FakeThreads, tmp_path: Path, fault: Fault
) -> None:
    post = write(world, tmp_path)
    threads.faults = [fault]
    ring(world, 3, after=10)
    world.clock.advance(600)
    settle(world, 4, after=600, begin=True)
    ring(world, 5, after=600)
    assert_thread(threads)
    assert len(threads.posts) == 2
    assert fate(world, post)[:2] == PUBLISHED


def test_links_that_have_ended_while_nobody_came_are_made_anew(
    world: World, threads: FakeThreads, tmp_path: Path
) -> None:
    write(world, tmp_path)
    threads.errors = ["UNKNOWN", "UNKNOWN"]
    ring(world, 8, after=60)
    assert_thread(threads)


def test_a_given_token_is_renewed_at_four_fifths_of_its_life(world: World, threads: FakeThreads) -> None:
    due = account_of(world.store, "bells").renew_at
    assert due
    world.clock.set(due - timedelta(seconds=1))
    assert do(world, Renewals, "renew_due") == 0
    world.clock.advance(1)
    assert do(world, Renewals, "renew_due") == 1
    tokens = world.ctx.vault.tokens(account_of(world.store, "bells"))
    assert tokens
    assert tokens.access_token in threads.tokens
    assert tokens.access_token != TOKEN
    assert tokens.ends_at == due + timedelta(days=60)
