from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from postbell.domain.content import Override
from postbell.domain.post import AttemptKind, Post
from postbell.domain.states import DeliveryState, PostEvent, PostState
from postbell.errors import Stale
from postbell.store import attempts, media, posts, stored, summary
from postbell.store.engine import Store
from postbell.store.posts import Filter
from support.world import (
    START,
    add_post,
    after,
    claim,
    delivery_in,
    locate,
    open_store,
    picture,
    post_of,
    tries_of,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def listed(store: Store, wanted: Filter) -> list[Post]:
    with store.read() as tx:
        return posts.list_posts(tx, wanted, locate)


# Posts.


def test_a_post_comes_back_as_it_was_stored(store: Store) -> None:
    files = [picture(2, name="b.jpg"), picture(1, name="a.jpg", alt="")]
    overrides = {"fake": Override(text="short", options={"mood": "good"}), "ann": Override(title="T")}
    found = add_post(store, to=("ann", "bob"), files=files, overrides=overrides, text="grüße 🐈")
    assert found.content.media == tuple(files)
    assert found.overrides == overrides
    assert found.content.text == "grüße 🐈"
    assert [delivery.account for delivery in found.deliveries] == ["ann", "bob"]
    assert found.state is PostState.SCHEDULED


def test_the_time_as_it_was_typed_is_kept_beside_the_instant(store: Store) -> None:
    found = add_post(store)
    typed = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 - a wall clock has no zone
    with store.write() as tx:
        posts.update_post(tx, replace(found, local=typed, zone="Europe/Berlin"), PostEvent.EDIT)
    again = post_of(store, found.id)
    assert (again.local, again.zone, again.at) == (typed, "Europe/Berlin", START)


def test_a_change_replaces_the_files(store: Store) -> None:
    found = add_post(store, files=[picture(1), picture(2)])
    changed = replace(found, content=replace(found.content, media=(picture(2, alt="Another."),)))
    with store.write() as tx:
        posts.update_post(tx, changed, PostEvent.EDIT)
    assert post_of(store, found.id).content.media == (picture(2, alt="Another."),)


def test_what_a_post_says_for_an_account_follows_it_to_its_new_name(store: Store) -> None:
    said = {"ann": Override(text="short"), "fake": Override(title="T")}
    made, other = add_post(store, overrides=said), add_post(store, to=("bob",))
    with store.write() as tx:
        posts.rename_overrides(tx, "ann", "anna")
    assert post_of(store, made.id).overrides == {"anna": said["ann"], "fake": said["fake"]}
    assert post_of(store, other.id) == other


def test_posts_are_listed_by_their_times_and_ideas_last(store: Store) -> None:
    idea = add_post(store, at=None)
    late, early = add_post(store, at=after(9)), add_post(store, at=after(1))
    assert [found.id for found in listed(store, Filter())] == [early.id, late.id, idea.id]
    assert [found.id for found in listed(store, Filter(limit=2))] == [late.id, idea.id]
    assert [found.id for found in listed(store, Filter(limit=1, until=after(9)))] == [early.id]


def test_everything_that_is_asked_for_must_be_true_of_a_post(store: Store) -> None:
    one = add_post(store, to=("ann",), at=after(1))
    two = add_post(store, to=("ann", "bob"), at=after(2))
    draft = add_post(store, to=("bob",), at=None)
    wanted = {
        Filter(account="ann"): [one, two],
        Filter(account="bob"): [two, draft],
        Filter(account="zoe"): [],
        Filter(state=PostState.DRAFT): [draft],
        Filter(since=after(2)): [two],
        Filter(until=after(2)): [one],
        Filter(account="bob", state=PostState.SCHEDULED): [two],
        Filter(account="bob", since=after(0), until=after(2)): [],
    }
    for filter_, expected in wanted.items():
        assert listed(store, filter_) == expected, filter_


def test_ids_are_found_by_their_beginning(store: Store) -> None:
    ids = sorted(add_post(store, at=None).id for _ in range(30))
    with store.read() as tx:
        for prefix in (ids[0], ids[0][:1], "%", "_", ""):
            expected = [found for found in ids if found.startswith(prefix)][:5]
            assert posts.find_ids(tx, prefix) == expected
        assert posts.find_ids(tx, "", limit=40) == ids


def test_posts_come_in_the_order_of_their_ids_and_unknown_ones_are_left_out(store: Store) -> None:
    one, two = add_post(store), add_post(store)
    with store.read() as tx:
        found = posts.load_posts(tx, [two.id, "none", one.id], locate)
    assert found == [two, one]


# The log of tries.


def test_a_try_is_closed_once(store: Store) -> None:
    add_post(store)
    (claimed,) = claim(store)
    with store.write() as tx:
        attempts.close_attempt(tx, claimed.attempt_id, result="published", message=None, now=after(1))
    with pytest.raises(Stale, match="closed already"), store.write() as tx:
        attempts.close_attempt(tx, claimed.attempt_id, result="rejected", message="no", now=after(2))
    (tried,) = tries_of(store, claimed.delivery.id)
    assert (tried.result, tried.message, tried.ended_at) == ("published", None, after(1))


def test_tries_that_a_dead_process_left_open_are_closed_and_no_others(store: Store) -> None:
    add_post(store, to=("ann", "bob"))
    left, other = claim(store)
    with store.write() as tx:
        done = attempts.open_attempt(tx, left.delivery.id, AttemptKind.FIND, START)
        attempts.close_attempt(tx, done, result="absent", message=None, now=after(1))
        attempts.close_interrupted(tx, left.delivery.id, after(9))
    first, second = tries_of(store, left.delivery.id)
    assert (first.result, first.ended_at) == ("interrupted", after(9))
    assert (second.kind, second.result, second.ended_at) == (AttemptKind.FIND, "absent", after(1))
    assert tries_of(store, other.delivery.id)[0].result is None


# Files.


def test_a_file_is_known_once_and_stays_as_it_was_first_seen(store: Store) -> None:
    first = picture(1)
    with store.write() as tx:
        media.record_media(tx, [first, replace(first, size=7)], START)
    found = add_post(store, files=[first])
    assert found.content.media[0].size == first.size


def test_files_that_no_post_uses_are_forgotten_when_they_are_old(store: Store) -> None:
    add_post(store, files=[picture(1)])
    with store.write() as tx:
        media.record_media(tx, [picture(2)], START)
        media.record_media(tx, [picture(3)], after(60))
    with store.write() as tx:
        assert stored.forget_unused(tx, after(60)) == [picture(2).sha256]
    with store.write() as tx:
        assert stored.forget_unused(tx, after(61)) == [picture(3).sha256]


# How things stand.


def test_nothing_is_overdue_in_an_empty_database(store: Store) -> None:
    with store.read() as tx:
        assert summary.overdue(tx, START, now=START) == summary.Overdue(count=0, oldest=None)
        assert summary.newest_time(tx) is None


def test_what_should_have_been_published_is_counted(store: Store) -> None:
    for seconds in (1, 2, 3):
        add_post(store, at=after(seconds))
    with store.read() as tx:
        assert summary.overdue(tx, after(3), now=after(3)) == summary.Overdue(count=2, oldest=after(1))


def test_the_newest_time_is_that_of_the_last_post_or_try(store: Store) -> None:
    add_post(store, at=after(50))
    with store.read() as tx:
        assert summary.newest_time(tx) == START
    claim(store, after(60))
    with store.read() as tx:
        assert summary.newest_time(tx) == after(60)


def test_files_that_are_gone_are_told_while_a_post_needs_them(store: Store, tmp_path: Path) -> None:
    here, gone = picture(1, name="here.jpg"), picture(2, name="gone.jpg")
    (tmp_path / here.sha256).touch()
    made = add_post(store, files=[here, gone])
    delivery_in(store, DeliveryState.PROCESSED)
    with store.read() as tx:
        lost = summary.lost_files(tx, lambda sha256, _mime: tmp_path / sha256)
    assert lost == [summary.LostFile(post_id=made.id, name="gone.jpg")]
