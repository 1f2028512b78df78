"""What is over for long is removed, what anything still goes by is not, and the totals stay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from postbell.domain.states import DeliveryState, Outcome
from postbell.sections import RetentionSettings
from postbell.services.upkeep import health
from postbell.services.upkeep.retention import Pruned, foretell, prune
from postbell.store import attempts, deliveries, retention
from postbell.store.engine import Store
from postbell.store.retention import Step, count_pruned
from postbell.store.tables.core import attempt, delivery, post
from postbell.store.tables.series import series
from support.command import with_accounts
from support.world import START, World, add_post, claim, delivery_in, post_of, tries_of


OLD = START + timedelta(days=1000)


@pytest.fixture
def store(world: World) -> Store:
    return world.store


def done(store: Store, now: Any = OLD, **settings: float) -> Pruned:
    """Prune, after it was seen that what is foretold is what is done."""
    rule = RetentionSettings(**{"events_days": 36500} | settings)

    async def write(work: Callable[[Connection], Step]) -> Step:
        with store.write() as tx:
            return work(tx)

    foretold = foretell(store, rule, now)
    pruned = asyncio.run(prune(write, rule, now))
    if foretold.attempts == pruned.attempts:  # else their posts took them along
        assert foretold == pruned
    assert foretell(store, rule, now) == Pruned(attempts=0, posts=0)
    return pruned


def posts_in(store: Store) -> set[str]:
    with store.read() as tx:
        return set(tx.execute(post.select().with_only_columns(post.c.id)).scalars())


def pruned_of(store: Store) -> dict[Outcome, int]:
    with store.read() as tx:
        return dict(count_pruned(tx))


def publish(store: Store, post_id: str, **values: Any) -> None:
    """Let every delivery of a post be published by START, with one try each."""
    for taken in claim(store):
        assert taken.post.id == post_id
        with store.write() as tx:
            attempts.close_attempt(tx, taken.attempt_id, result="published", message=None, now=START)
            deliveries.record_published(
                tx, taken.delivery.id, receipt_id="r", url=None, warnings=(), now=START, **values
            )


def test_a_post_that_is_over_for_long_goes_and_is_counted(store: Store) -> None:
    ended = [
        delivery_in(store, DeliveryState.PROCESSED),
        delivery_in(store, DeliveryState.PROCESSED, Outcome.FAILED),
        delivery_in(store, DeliveryState.MISSED),
        delivery_in(store, DeliveryState.CANCELLED),
    ]
    assert done(store, START + timedelta(days=730)).posts == 0
    assert done(store, OLD).posts == len(ended)
    assert posts_in(store) == set()
    assert pruned_of(store) == dict.fromkeys(
        (Outcome.PUBLISHED, Outcome.FAILED, Outcome.MISSED, Outcome.CANCELLED), 1
    )
    delivery_in(store, DeliveryState.MISSED)
    assert done(store, OLD).posts == 1
    assert pruned_of(store)[Outcome.MISSED] == 2


@pytest.mark.parametrize(
    "state",
    [DeliveryState.DRAFT, DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE],
)
def test_what_is_not_over_stays_however_old_it_is(store: Store, state: DeliveryState) -> None:
    kept = delivery_in(store, state)
    assert done(store).posts == 0
    assert posts_in(store) == {kept.post_id}


def test_a_post_of_which_one_account_is_in_doubt_stays_whole(store: Store) -> None:
    made = add_post(store, to=("ann", "bob"))
    first, second = claim(store)
    with store.write() as tx:
        deliveries.record_published(tx, first.delivery.id, receipt_id="r", url=None, warnings=(), now=START)
        deliveries.lose_track(tx, second.delivery.id, "the answer was lost")
    assert done(store).posts == 0
    assert len(post_of(store, made.id).deliveries) == 2


def test_what_is_to_be_taken_away_stays_with_its_tries(store: Store) -> None:
    made = add_post(store)
    publish(store, made.id, delete_at=START + timedelta(days=1))
    assert done(store) == Pruned(attempts=0, posts=0)
    with store.write() as tx:
        tx.execute(update(delivery).values(deleted_at=START))
    assert done(store) == Pruned(attempts=1, posts=1)


def test_a_post_that_was_ended_late_is_as_old_as_its_end(store: Store) -> None:
    made = add_post(store)
    publish(store, made.id)
    with store.write() as tx:
        tx.execute(update(delivery).values(ended_at=OLD - timedelta(days=1)))
    assert done(store, attempts_days=0) == Pruned(attempts=0, posts=0)


def test_the_last_post_of_a_series_stays_on_each_account(store: Store) -> None:
    with store.write() as tx:
        row = {"id": "s1", "state": "active", "rule": {}, "text": "x", "variants": [], "overrides": {}}
        tx.execute(series.insert().values(row | {"labels": [], "created_at": START, "updated_at": START}))
    made = []
    for number, to in enumerate([("ann", "bob"), ("ann", "bob"), ("ann",)]):
        new = add_post(store, to=to, at=START - timedelta(days=10 - number))
        with store.write() as tx:
            values = {"series_id": "s1", "slot": f"2026-11-{number:02}"}
            tx.execute(update(post).where(post.c.id == new.id).values(values))
        publish(store, new.id)
        made.append(new.id)
    assert done(store).posts == 1
    assert posts_in(store) == set(made[1:])


def test_tries_of_what_was_published_go_first_and_those_of_what_was_not_stay(store: Store) -> None:
    made = add_post(store)
    publish(store, made.id)
    failed = delivery_in(store, DeliveryState.PROCESSED, Outcome.FAILED)
    (only,) = made.deliveries
    assert done(store, START + timedelta(days=89)) == Pruned(attempts=0, posts=0)
    assert done(store, START + timedelta(days=91)) == Pruned(attempts=1, posts=0)
    assert tries_of(store, only.id) == []
    assert len(tries_of(store, failed.id)) == 1


def test_zero_means_for_ever(store: Store) -> None:
    made = add_post(store)
    publish(store, made.id)
    assert done(store, attempts_days=0, posts_days=0) == Pruned(attempts=0, posts=0)


def test_much_is_removed_a_little_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    failed = delivery_in(store, DeliveryState.PROCESSED, Outcome.FAILED)
    for _ in range(5):
        publish(store, add_post(store).id)
    assert done(store, posts_days=0) == Pruned(attempts=5, posts=0)
    assert done(store) == Pruned(attempts=0, posts=6)
    assert tries_of(store, failed.id) == []
    with store.read() as tx:
        assert tx.execute(attempt.select()).all() == []


def test_the_totals_of_status_stay_what_they_were(world: World) -> None:
    for outcome in (Outcome.PUBLISHED, Outcome.PUBLISHED, Outcome.FAILED):
        delivery_in(world.store, DeliveryState.PROCESSED, outcome)
    delivery_in(world.store, DeliveryState.MISSED)
    before = health.status(world.ctx, world.app.places)
    done(world.store)
    after = health.status(world.ctx, world.app.places)
    assert posts_in(world.store) == set()
    assert (after.counts, after.results) == (before.counts, before.results)


def test_the_command_tells_what_it_would_remove_and_removes_it(tmp_path: Path) -> None:
    cli = with_accounts(tmp_path)
    with cli.store() as store:
        add_post(store, to=("site",), at=START - timedelta(days=2000))
        (taken,) = claim(store)
        with store.write() as tx:
            long_ago, number = START - timedelta(days=2000), taken.delivery.id
            deliveries.record_published(tx, number, receipt_id="r", url=None, warnings=(), now=long_ago)
            tx.execute(update(post).values(updated_at=long_ago))
            tx.execute(update(attempt).values(started_at=long_ago))
    told = {"schema_version": 1, "attempts": 1, "posts": 1, "events": 0}
    assert cli.done("db", "prune", "--dry-run", "--json").json == told | {"dry_run": True}
    assert cli.done("db", "prune").out == "Removed tries: 1, posts: 1, events: 0.\n"
    assert cli.done("list").out == ""
    assert json.loads(cli.done("status", "--json").out)["results"]["published"] == 1
