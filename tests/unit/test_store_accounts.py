from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.account import Health
from postbell.domain.states import DeliveryState
from postbell.errors import Conflict, NotFound
from postbell.store import accounts
from postbell.store.engine import Store
from support.world import START, account_of, add_account, add_post, claim, delivery_in, open_store, post_of


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
        accounts.rest_account(tx, made.id, until=START, reason="down", setbacks=3)
        accounts.rest_account(tx, made.id, until=START, reason="rate limited")
    assert account_of(store, "ann").setbacks == 3
    with store.write() as tx:
        accounts.clear_setbacks(tx, made.id)
    assert account_of(store, "ann").setbacks == 0


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
