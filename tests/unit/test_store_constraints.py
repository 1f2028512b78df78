from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

import postbell
from postbell.domain.states import (
    DeliveryState,
    PostState,
)
from postbell.store import deliveries, posts
from postbell.store.engine import Store
from postbell.store.tables.core import account, attempt, delivery, media, post
from support.world import (
    START,
    add_post,
    claim,
    delivery_in,
    delivery_of,
    open_store,
    picture,
    post_of,
)


LATER = START + timedelta(hours=1)

D, P = DeliveryState, PostState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "done"}, "ck_delivery_state"),
        ({"state": "processed"}, "ck_delivery_ended_has_result"),
        ({"result": "published"}, "ck_delivery_ended_has_result"),
        ({"state": "processed", "result": "partial"}, "ck_delivery_result"),
        ({"state": "scheduled", "due_at": None}, "ck_delivery_has_time"),
        ({"state": "processing"}, "ck_delivery_claimed_has_begun"),
        ({"account_id": 999}, "FOREIGN KEY"),
        ({"post_id": "none"}, "FOREIGN KEY"),
    ],
)
def test_the_database_refuses_a_delivery_that_cannot_be(
    store: Store, values: dict[str, Any], constraint: str
) -> None:
    made = delivery_in(store, D.SCHEDULED)
    with pytest.raises(IntegrityError, match=constraint), store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == made.id).values(values))
    assert delivery_of(store, made.id) == made


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "sent"}, "ck_post_state"),
        ({"at": None}, "ck_post_has_time"),
        ({"zone": "Europe/Berlin"}, "ck_post_local_has_zone"),
        ({"local": "2026-11-23T10:00:00"}, "ck_post_local_has_zone"),
    ],
)
def test_the_database_refuses_a_post_that_cannot_be(
    store: Store, values: dict[str, Any], constraint: str
) -> None:
    made = add_post(store)
    with pytest.raises(IntegrityError, match=constraint), store.write() as tx:
        tx.execute(update(post).where(post.c.id == made.id).values(values))
    assert post_of(store, made.id) == made


@pytest.mark.parametrize(
    ("table", "values", "constraint"),
    [
        (account, {"health": "fine"}, "ck_account_health"),
        (account, {"name": "bob"}, "account.name"),
        (media, {"kind": "song"}, "ck_media_kind"),
        (media, {"sha256": "short"}, "ck_media_sha256"),
        (attempt, {"kind": "guess"}, "ck_attempt_kind"),
        (attempt, {"result": "published"}, "ck_attempt_ended_has_result"),
        (delivery, {"key": "same"}, "delivery.key"),
        (delivery, {"account_id": 1, "post_id": "same"}, "UNIQUE|FOREIGN"),
    ],
)
def test_the_database_refuses_other_rows_that_cannot_be(
    store: Store, table: Any, values: dict[str, Any], constraint: str
) -> None:
    add_post(store, to=("ann", "bob"), files=[picture()])
    claim(store)
    with pytest.raises(IntegrityError, match=constraint), store.write() as tx:
        tx.execute(update(table).values(values))


def test_a_post_is_for_an_account_only_once(store: Store) -> None:
    made = add_post(store)
    with pytest.raises(IntegrityError, match=r"delivery\.post_id"), store.write() as tx:
        deliveries.add_deliveries(tx, made.id, [(made.deliveries[0].account_id, "another")])


def test_the_number_of_a_deleted_delivery_is_never_used_again(store: Store) -> None:
    made = add_post(store)
    with store.write() as tx:
        posts.delete_post(tx, made.id)
    assert add_post(store).deliveries[0].id > made.deliveries[0].id


# Nobody else sets a state.

SOURCE = Path(postbell.__file__).parent
OUTSIDE = sorted(path for path in SOURCE.rglob("*.py") if SOURCE / "store" not in path.parents)


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_code_outside_the_store_writes_a_state(path: Path) -> None:
    assert states_written(path.read_text("utf-8")) == []


def states_written(code: str) -> list[int]:
    """Return the lines that write to the database: SQL that writes, its builders, or `.values(…)`."""
    sql = re.compile(r"^\s*(UPDATE \w+ SET|INSERT INTO|DELETE FROM)\b", re.IGNORECASE)
    found = []
    for node in ast.walk(ast.parse(code)):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value)
        values = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "values"
            and (node.args or node.keywords)
        )
        builder = isinstance(node, ast.ImportFrom) and (
            (node.module or "").startswith(("sqlalchemy", "sqlmodel"))
            and {alias.name for alias in node.names} & {"update", "insert", "delete"}
        )
        if text or values or builder:
            found.append(getattr(node, "lineno", 0))
    return found


@pytest.mark.parametrize(
    "code",
    [
        "tx.execute(table.update().values(state='processed'))",
        "from sqlalchemy import select, update",
        "connection.execute('UPDATE delivery SET state = 1')",
    ],
)
def test_the_search_for_written_states_finds_one(code: str) -> None:
    assert states_written(code) == [1]
