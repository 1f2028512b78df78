"""What happens is written down with the change itself, whoever makes it, and says the truth."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.content import Content
from postbell.domain.event import Event, EventKind
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome, PostEvent, PostState
from postbell.domain.when import When
from postbell.services.accounts import accounts as account_service
from postbell.services.accounts import pausing
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.posts.compose import add_post as write_post
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes, Terms, Wanted
from postbell.store import accounts, deliveries, events, posts, removals, schema
from postbell.store.engine import Store
from postbell.store.events import events_after, first_id, last_id, prune_events
from postbell.store.tables.core import post
from support.command import with_accounts
from support.old import make_old
from support.world import (
    START,
    World,
    add_account,
    add_post,
    claim,
    delivery_in,
    open_store,
    post_of,
)


D = DeliveryState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def seen(store: Store, after: int = 0) -> list[Event]:
    with store.read() as tx:
        return events_after(tx, after, 1000)


def kinds(store: Store, after: int = 0) -> list[str]:
    return [str(each.kind) for each in seen(store, after)]


def now_at(store: Store) -> int:
    with store.read() as tx:
        return last_id(tx)


def at(moment: datetime) -> When:
    return When(at=moment, local=moment.replace(tzinfo=None), zone="UTC")


# How a post ended.


def test_a_post_for_two_accounts_ends_once_with_both(store: Store) -> None:
    made, before = add_post(store, to=("ann", "bob")), now_at(store)
    first, second = claim(store)
    with store.write() as tx:
        deliveries.record_failed(tx, first.delivery.id, "too long", START)
    assert kinds(store, before) == ["delivery.failed"]
    with store.write() as tx:
        url = "https://far.test/1"
        deliveries.record_published(tx, second.delivery.id, receipt_id="r", url=url, warnings=(), now=START)
    (*_, published, end) = seen(store, before)
    assert (published.kind, published.account, published.data["url"]) == ("delivery.published", "bob", url)
    assert (end.kind, end.post_id) == ("post.partial", made.id)
    assert end.data["accounts"] == [
        {"account": "ann", "network": "fake", "outcome": "failed", "url": None, "message": "too long"},
        {"account": "bob", "network": "fake", "outcome": "published", "url": url, "message": None},
    ]
    assert end.data["excerpt"] == "hello"
    assert end.data["at"] == "2026-11-23T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("state", "result", "expected"),
    [
        (D.PROCESSED, Outcome.PUBLISHED, ["delivery.published", "post.published"]),
        (D.PROCESSED, Outcome.FAILED, ["delivery.failed", "post.failed"]),
        (D.UNSURE, Outcome.PUBLISHED, ["delivery.unsure", "post.unsure"]),
        (D.MISSED, Outcome.PUBLISHED, ["delivery.missed", "post.missed"]),
        (D.CANCELLED, Outcome.PUBLISHED, ["post.cancelled", "delivery.cancelled"]),
        (D.SCHEDULED, Outcome.PUBLISHED, []),
        (D.PROCESSING, Outcome.PUBLISHED, []),
    ],
)
def test_every_way_of_a_post_from_its_writing_to_its_end(
    store: Store, state: DeliveryState, result: Outcome, expected: list[str]
) -> None:
    delivery_in(store, state, result)
    assert kinds(store) == ["account.added", "post.added", "post.scheduled", *expected]


# What else happens to posts.


def test_writing_changing_and_deleting_is_told(world: World) -> None:
    account_service.add_account(world.ctx, network="fake", name="ann", server=None, values={"token": "t"})
    before = now_at(world.store)
    terms = Terms(labels=("x",), external_id="cms-4711")
    saved = write_post(world.ctx, Wanted(text="One", to=("ann",), terms=terms))
    idea = saved.post
    assert kinds(world.store, before) == ["post.added"]
    (told,) = seen(world.store, before)
    assert (told.data["labels"], told.data["external_id"]) == (["x"], "cms-4711")
    before = now_at(world.store)
    idea = actions.reschedule(world.ctx, idea, at(START + timedelta(hours=1))).post
    idea = edit_post(world.ctx, idea, Changes(text="Two")).post
    idea = actions.reschedule(world.ctx, idea, at(START + timedelta(hours=2))).post
    idea = actions.unschedule(world.ctx, idea)
    actions.delete(world.ctx, idea)
    assert kinds(world.store, before) == [
        *("post.scheduled", "post.changed", "post.scheduled", "post.changed", "post.deleted")
    ]
    assert {each.data["external_id"] for each in seen(world.store, before)} == {"cms-4711"}


def test_what_is_cancelled_is_told_so_once(world: World) -> None:
    for when in (None, START + timedelta(hours=1)):
        made, before = add_post(world.store, to=("ann", "bob"), at=when), now_at(world.store)
        actions.cancel(world.ctx, made)
        (ended,) = [each for each in seen(world.store, before) if each.kind.startswith("post.")]
        assert ended.kind is EventKind.POST_CANCELLED
        assert {each["outcome"] for each in ended.data["accounts"]} == {"cancelled"}


def test_what_the_user_wants_sent_again_is_not_told_to_have_failed(world: World) -> None:
    unsure = delivery_in(world.store, D.UNSURE)
    before = now_at(world.store)
    actions.settle(world.ctx, post_of(world.store, unsure.post_id), Verdict.RESEND)
    assert kinds(world.store, before) == ["delivery.scheduled", "post.changed"]
    again = post_of(world.store, unsure.post_id).deliveries[0]
    assert (again.state, again.due_at, again.tries) == (D.SCHEDULED, world.ctx.now(), 0)


def test_what_is_tried_again_is_told(world: World) -> None:
    failed = delivery_in(world.store, D.PROCESSED, Outcome.FAILED)
    before = now_at(world.store)
    actions.retry(world.ctx, post_of(world.store, failed.post_id))
    assert kinds(world.store, before) == ["delivery.scheduled", "post.changed"]


def test_a_wait_for_another_try_is_told_with_why_and_until_when(store: Store) -> None:
    add_post(store)
    before, (taken,) = now_at(store), claim(store)
    with store.write() as tx:
        deliveries.record_retry(tx, taken.delivery.id, "no answer", START + timedelta(minutes=1))
    (told,) = seen(store, before)
    assert (told.kind, told.data["message"]) == ("delivery.scheduled", "no answer")
    assert told.data["try_at"] == "2026-11-23T09:01:00.000000Z"


def test_what_was_taken_away_again_is_told(store: Store) -> None:
    (made,) = add_post(store).deliveries
    claim(store)
    with store.write() as tx:
        deliveries.record_published(
            tx, made.id, receipt_id="r", url=None, warnings=(), now=START, delete_at=START
        )
    before = now_at(store)
    with store.write() as tx:
        removals.record_removed(tx, made.id, START)
    assert kinds(store, before) == ["delivery.removed"]


def test_history_that_is_pruned_was_not_deleted(store: Store) -> None:
    made, before = delivery_in(store, D.PROCESSED), now_at(store)
    with store.write() as tx:
        tx.execute(post.delete().where(post.c.id == made.post_id))
    assert kinds(store, before) == []


# Accounts, series, pauses.


def test_an_account_that_is_refused_and_well_again_is_told_once_each(store: Store) -> None:
    ann, before = add_account(store), now_at(store)
    for _ in range(2):
        with store.write() as tx:
            accounts.mark_unauthorized(tx, ann.id, "the token is wrong")
    for _ in range(2):
        with store.write() as tx:
            accounts.mark_well(tx, ann.id, handle=None, session=None, now=START)
    refused, well = seen(store, before)
    assert (refused.kind, refused.account) == ("account.unauthorized", "ann")
    assert refused.data["message"] == "the token is wrong"
    assert (well.kind, well.data["health"]) == ("account.recovered", "ok")


def test_what_becomes_of_an_account_is_told_and_nothing_that_is_secret(world: World) -> None:
    account_service.add_account(
        world.ctx, network="fake", name="ann", server=None, values={"token": "canary-token"}
    )
    ann = pausing.Target(scope=pausing.Scope.ACCOUNT, name="ann")
    pausing.pause(world.ctx, [ann])
    pausing.resume(world.ctx, [ann])
    with world.store.write() as tx:
        accounts.rename_account(tx, "ann", "eve")
        accounts.remove_account(tx, "eve", START)
    assert kinds(world.store) == [
        "account.added",
        *("account.changed", "account.changed", "account.changed", "account.removed"),
    ]
    assert "canary" not in repr(seen(world.store))


def test_pauses_are_told(world: World) -> None:
    everything, before = pausing.Target(scope=pausing.Scope.EVERYTHING), now_at(world.store)
    pausing.pause(world.ctx, [everything])
    pausing.resume(world.ctx, [everything])
    begun, ended = seen(world.store, before)
    assert (begun.kind, ended.kind) == ("pause.begun", "pause.ended")
    assert begun.data == {"scope": "everything", "name": "", "until": None}


def test_how_a_network_is_doing_is_no_change_of_an_account(store: Store) -> None:
    ann, before = add_account(store), now_at(store)
    with store.write() as tx:
        accounts.set_back(tx, ann.id, setbacks=1, until=START, reason="slow", now=START)
        accounts.keep_apart(tx, ann.id, START)
        accounts.save_session(tx, ann.id, {"jwt": "x"})
    assert kinds(store, before) == []


# The log itself.


def test_a_change_that_is_taken_back_was_never_told(store: Store) -> None:
    made, before = add_post(store), now_at(store)

    def change() -> None:
        with store.write() as tx:
            posts.update_post(tx, made, PostEvent.CANCEL)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert kinds(store, before) == []


def test_whoever_changes_the_database_is_heard(tmp_path: Path) -> None:
    cli = with_accounts(tmp_path)
    post_id = cli.add("First", "--to", "site", "--at", "in 3 d")
    cli.done("cancel", post_id)
    with cli.store() as store:
        told = [(str(each.kind), each.post_id) for each in seen(store) if each.post_id]
    ours = ["post.added", "post.scheduled", "post.cancelled", "delivery.cancelled"]
    assert told == [(kind, post_id) for kind in ours]


def test_the_time_of_an_event_is_that_of_the_change(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    add_account(store)
    (told,) = seen(store)
    assert before <= told.at <= datetime.now(UTC)


def test_numbers_are_never_used_twice_even_if_everything_was_forgotten(store: Store) -> None:
    add_post(store)
    last = now_at(store)
    with store.write() as tx:
        while events.prune_events(tx, datetime.now(UTC) + timedelta(days=1)).after is not None:
            pass
    with store.read() as tx:
        assert (last_id(tx), first_id(tx)) == (0, None)
    add_post(store)
    assert seen(store)[0].id == last + 1


def test_what_is_old_is_forgotten_and_the_rest_is_kept(store: Store) -> None:
    add_post(store)
    everything = seen(store)
    with store.write() as tx:
        assert prune_events(tx, everything[0].at - timedelta(days=1)).removed == 0
        assert prune_events(tx, datetime.now(UTC) + timedelta(days=1)).removed == len(everything)
    with store.read() as tx:
        assert first_id(tx) is None


def test_an_upgraded_database_tells_what_happens_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    make_old(path)
    schema.migrate(path)
    with closing(Store(path)) as store:
        assert seen(store) == []
        with store.write() as tx:
            accounts.mark_unauthorized(tx, 1, "refused")
        assert kinds(store) == ["account.unauthorized"]


def test_no_table_is_searched_to_tell_an_end(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as database:
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'event_post_ended'").fetchone()
        inner = sql[sql.index("(SELECT CASE") + 1 : sql.rindex(") AS o")].replace("NEW.id", "'x'")
        plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {inner}"))
    assert "SCAN" not in plan
    assert "sqlite_autoindex_delivery" in plan


def test_a_post_that_a_series_plans_is_told_with_its_time(world: World) -> None:
    add_account(world.store)
    before = now_at(world.store)
    made = replace(example(), state=PostState.SCHEDULED, at=START + timedelta(days=1))
    with world.store.write() as tx:
        posts.insert_posts(tx, [made])
    assert kinds(world.store, before) == ["post.added", "post.scheduled"]


def example() -> Post:
    content = Content(text="again")
    return Post(id="p1", state=PostState.DRAFT, content=content, created_at=START, updated_at=START)
