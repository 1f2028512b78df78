from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from postbell.domain.account import Health
from postbell.domain.quota import Per, Quota
from postbell.domain.states import DeliveryState
from postbell.domain.weekly import DaysOff, WeeklySlots, WeeklyTime
from postbell.errors import Conflict, NotFound
from postbell.store import accounts, deliveries
from postbell.store.engine import Store
from postbell.store.tables.core import post
from support.world import (
    START,
    account_of,
    add_account,
    add_post,
    claim,
    delivery_in,
    delivery_of,
    open_store,
    post_of,
)


HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def test_an_account_comes_back_as_it_was_stored(store: Store) -> None:
    made = add_account(store, "ann", server="https://a.example", credentials={"password": "x"})
    assert account_of(store, "ann") == made
    assert (made.health, made.credentials, made.created_at) == (Health.OK, {"password": "x"}, START)
    assert "password" not in repr(made)


def test_accounts_are_listed_by_name(store: Store) -> None:
    for name in ("cat", "ann", "bob"):
        add_account(store, name)
    with store.read() as tx:
        assert [found.name for found in accounts.list_accounts(tx)] == ["ann", "bob", "cat"]
        assert set(accounts.accounts_named(tx, ["ann", "zoe"])) == {"ann"}


def test_an_unknown_account_is_told_with_those_that_there_are(store: Store) -> None:
    with pytest.raises(NotFound, match="Accounts: none yet"):
        account_of(store, "bob")
    add_account(store, "ann")
    with pytest.raises(NotFound, match="Accounts: ann"):
        account_of(store, "bob")


def test_a_name_is_given_only_once(store: Store) -> None:
    add_account(store, "ann")
    add_account(store, "bob")
    with pytest.raises(Conflict, match="ann already"):
        add_account(store, "ann")
    with pytest.raises(Conflict, match="ann already"), store.write() as tx:
        accounts.rename_account(tx, "bob", "ann")


def test_a_renamed_account_keeps_its_posts(store: Store) -> None:
    made = add_post(store)
    with store.write() as tx:
        accounts.rename_account(tx, "ann", "anna")
    assert post_of(store, made.id).deliveries[0].account == "anna"


def test_a_resume_of_what_is_not_paused_changes_nothing(store: Store) -> None:
    made = add_account(store)
    with store.write() as tx:
        accounts.resume_account(tx, "ann", START)
    assert account_of(store, "ann") == made


def test_an_account_that_is_well_is_told_its_handle_and_keeps_what_it_was_not_given(store: Store) -> None:
    made = add_account(store)
    with store.write() as tx:
        accounts.save_session(tx, made.id, {"jwt": "a"})
        accounts.mark_well(tx, made.id, handle="@ann", session=None, now=START)
    found = account_of(store, "ann")
    assert (found.handle, found.session, found.rests_until) == ("@ann", {"jwt": "a"}, None)


def test_a_refused_account_says_why_until_it_is_well(store: Store) -> None:
    made = add_account(store)
    with store.write() as tx:
        accounts.mark_unauthorized(tx, made.id, "wrong password")
    assert (account_of(store, "ann").health, account_of(store, "ann").health_note) == (
        Health.UNAUTHORIZED,
        "wrong password",
    )
    with store.write() as tx:
        accounts.mark_well(tx, made.id, handle=None, session={}, now=START)
    assert (account_of(store, "ann").health, account_of(store, "ann").health_note) == (Health.OK, None)


def test_setbacks_are_kept_until_the_network_answers(store: Store) -> None:
    made = add_account(store)
    with store.write() as tx:
        set_back(tx, made.id, 3, until=START)
        accounts.rest_account(tx, made.id, until=START, reason="told to")
    assert account_of(store, "ann").setbacks == 3
    with store.write() as tx:
        accounts.clear_setbacks(tx, made.id)
    assert account_of(store, "ann").setbacks == 0


def set_back(tx: Connection, account_id: int, setbacks: int, *, until: datetime) -> None:
    accounts.set_back(tx, account_id, setbacks=setbacks, until=until, reason="down", now=START)


def rest_of(store: Store) -> tuple[datetime | None, str | None, int]:
    ann = account_of(store, "ann")
    return ann.rests_until, ann.rest_reason, ann.setbacks


def test_of_two_rests_that_a_network_asks_for_the_longer_one_is_kept(store: Store) -> None:
    made, long = add_account(store), START + timedelta(hours=1)
    with store.write() as tx:
        accounts.ask_rest(tx, made.id, until=long, reason="long")
        accounts.ask_rest(tx, made.id, until=START + timedelta(seconds=5), reason="short")
        accounts.prolong_rest(tx, made.id, until=START + timedelta(seconds=9), reason="shorter")
    assert rest_of(store) == (long, "long", 0)


def test_a_setback_does_not_end_the_rest_that_the_network_has_asked_for(store: Store) -> None:
    made, long = add_account(store), START + timedelta(hours=1)
    with store.write() as tx:
        accounts.ask_rest(tx, made.id, until=long, reason="asked to")
        set_back(tx, made.id, 1, until=START + timedelta(seconds=5))
    assert rest_of(store) == (long, "asked to", 0)


def test_a_rest_that_is_over_does_not_keep_a_setback_from_being_counted(store: Store) -> None:
    made, soon = add_account(store), START + timedelta(seconds=5)
    with store.write() as tx:
        accounts.ask_rest(tx, made.id, until=START, reason="asked to")
        set_back(tx, made.id, 1, until=soon)
        set_back(tx, made.id, 2, until=soon)
    assert rest_of(store) == (soon, "down", 2)


@pytest.mark.parametrize("rest", [accounts.ask_rest, accounts.prolong_rest])
def test_a_network_that_asks_to_wait_has_answered_after_setbacks(
    store: Store, rest: Callable[..., None]
) -> None:
    made, until = add_account(store), START + timedelta(hours=1)
    with store.write() as tx:
        set_back(tx, made.id, 4, until=START + timedelta(minutes=10))
        rest(tx, made.id, until=until, reason="asked to")
    assert rest_of(store) == (until, "asked to", 0)


def test_a_network_whose_limits_are_nearly_used_up_may_fail_all_the_same(store: Store) -> None:
    made, until = add_account(store), START + timedelta(hours=1)
    with store.write() as tx:
        set_back(tx, made.id, 4, until=START + timedelta(minutes=10))
        accounts.prolong_rest(tx, made.id, until=until, reason="nearly used up", failed=True)
    assert rest_of(store) == (until, "nearly used up", 4)


def test_what_a_network_asks_for_takes_the_place_of_a_longer_wait_after_setbacks(store: Store) -> None:
    made, soon, later = add_account(store), START + timedelta(seconds=9), START + timedelta(minutes=10)
    with store.write() as tx:
        set_back(tx, made.id, 4, until=later)
        accounts.prolong_rest(tx, made.id, until=soon, reason="nearly used up")
    assert rest_of(store) == (later, "down", 4)
    with store.write() as tx:
        accounts.ask_rest(tx, made.id, until=soon, reason="asked to")
    assert rest_of(store) == (soon, "asked to", 0)


def test_new_credentials_make_an_old_session_worthless(store: Store) -> None:
    made = add_account(store, credentials={"password": "old"})
    with store.write() as tx:
        accounts.save_session(tx, made.id, {"jwt": "a"})
        accounts.replace_credentials(tx, made.id, server="https://b.example", credentials={"password": "new"})
    found = account_of(store, "ann")
    assert (found.server, found.credentials, found.session) == ("https://b.example", {"password": "new"}, {})


# Removing.


@pytest.mark.parametrize("state", [DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE])
def test_an_account_stays_while_something_is_to_be_published_or_settled(
    store: Store, state: DeliveryState
) -> None:
    name = delivery_in(store, state).account
    with pytest.raises(Conflict, match=f"postbell list --account {name}"), store.write() as tx:
        accounts.remove_account(tx, name, START)
    assert account_of(store, name).name == name


def test_a_removed_account_leaves_its_history_and_no_secret(store: Store) -> None:
    add_account(store, "ann", credentials={"password": "hunter-2"})
    draft, sent = add_post(store, to=("ann", "bob"), at=None), add_post(store, at=START)
    (claimed,) = claim(store)
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET state = 'missed' WHERE id = ?", (claimed.delivery.id,))
        accounts.remove_account(tx, "ann", START + timedelta(hours=1))
    assert [found.account for found in post_of(store, draft.id).deliveries] == ["bob"]
    assert [found.account for found in post_of(store, sent.id).deliveries] == ["ann"]
    with pytest.raises(NotFound):
        account_of(store, "ann")
    assert b"hunter-2" not in b"".join(
        bytes(str(row), "utf-8") for row in _rows(store, "SELECT * FROM account")
    )


def test_the_name_of_a_removed_account_is_free_again(store: Store) -> None:
    first = add_account(store, "ann")
    with store.write() as tx:
        accounts.remove_account(tx, "ann", START)
    assert add_account(store, "ann").id != first.id


def _rows(store: Store, sql: str) -> list[object]:
    with store.read() as tx:
        return list(tx.exec_driver_sql(sql))


# Bounds and posting times.


@pytest.mark.parametrize(
    "slots",
    [
        WeeklySlots(zone="Europe/Berlin", times=(WeeklyTime(day=0, time=time(9, 30)),)),
        WeeklySlots(
            zone="UTC",
            times=(WeeklyTime(day=6, time=time(23, 59)),),
            days_off=(DaysOff(first=date(2026, 12, 24), last=date(2026, 12, 26)),),
        ),
        None,
    ],
)
def test_posting_times_are_kept_as_they_are(store: Store, slots: WeeklySlots | None) -> None:
    add_account(store)
    with store.write() as tx:
        accounts.set_slots(tx, "ann", slots)
    assert account_of(store, "ann").slots == slots


def limit(store: Store, late_limit: timedelta | None = None, **more: Any) -> None:
    values: dict[str, Any] = {"min_gap": None, "cooldown": None, "quotas": ()} | more
    with store.write() as tx:
        accounts.set_limits(tx, "ann", late_limit=late_limit, **values)


def test_limits_are_kept_as_they_are(store: Store) -> None:
    add_account(store)
    quotas = (Quota(most=25, per=Per.DAY), Quota(most=None, per=Per.MONTH))
    limit(store, HOUR, min_gap=HOUR / 2, cooldown=HOUR * 24, quotas=quotas)
    found = account_of(store, "ann")
    assert (found.late_limit, found.min_gap, found.cooldown) == (HOUR, HOUR / 2, HOUR * 24)
    assert found.quotas == quotas
    limit(store)
    assert account_of(store, "ann") == replace(found, late_limit=None, min_gap=None, cooldown=None, quotas=())


@pytest.mark.parametrize(
    ("not_after", "of_post", "expires_at"),
    [
        (None, None, START + HOUR),
        (START + HOUR / 2, None, START + HOUR / 2),
        (START + HOUR * 2, None, START + HOUR),
        (START - HOUR, None, START + HOUR),
        (None, 60, None),
    ],
)
def test_what_waits_follows_a_new_limit_of_its_account_unless_it_has_its_own(
    store: Store, not_after: datetime | None, of_post: int | None, expires_at: datetime | None
) -> None:
    made = add_post(store)
    with store.write() as tx:
        tx.execute(update(post).values(not_after=not_after, late_limit=of_post))
    limit(store, HOUR)
    found = delivery_of(store, made.deliveries[0].id)
    assert (found.late_limit, found.expires_at) == (None if of_post else HOUR, expires_at)
    limit(store)
    found = delivery_of(store, made.deliveries[0].id)
    at_all = not_after if not_after and not_after >= START else None
    assert (found.late_limit, found.expires_at) == (None, at_all)


def test_what_has_ended_keeps_the_limit_that_it_had(store: Store) -> None:
    add_post(store)
    (taken,) = claim(store)
    with store.write() as tx:
        deliveries.record_failed(tx, taken.delivery.id, "refused", START)
    limit(store, HOUR)
    assert delivery_of(store, taken.delivery.id).late_limit is None


def test_a_pause_until_a_time_is_over_at_that_time(store: Store) -> None:
    add_account(store)
    with store.write() as tx:
        accounts.pause_account(tx, "ann", START, START + HOUR)
        accounts.end_account_pauses(tx, START + HOUR / 2)
    assert account_of(store, "ann").is_paused(START + HOUR / 2)
    with store.write() as tx:
        accounts.end_account_pauses(tx, START + HOUR * 2)
    found = account_of(store, "ann")
    assert (found.paused_at, found.paused_until) == (None, None)
    assert (found.rests_until, found.rest_reason) == (START + HOUR, "the account was paused")
