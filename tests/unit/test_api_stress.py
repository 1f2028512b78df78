"""What programs are told where database or disk do not take what they want, or who asks twice at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from postbell.domain.access import Scope
from postbell.store.engine import Store
from postbell.store.schema import HEAD
from support.api import Asked, application, configured, problem
from support.disk import fill, small_disk
from support.world import World, build_world


POSTS = "/api/v1/posts"
WISH = {"text": "hello"}


@contextmanager
def held(world: World) -> Iterator[None]:
    """Be another program that writes to the database, until the block ends."""
    with closing(sqlite3.connect(world.app.places.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        yield Asked(world)


def test_who_asks_again_while_the_wish_is_under_way_is_told_to_wait(api: Asked) -> None:
    headers, answers = {"Idempotency-Key": "wish"}, list[httpx.Response]()
    api.ask("GET", POSTS)  # so that there is a key
    first = threading.Thread(
        target=lambda: answers.append(api.ask("POST", POSTS, json=WISH, headers=headers))
    )
    with held(api.world):
        first.start()
        while not application().state.under_way:
            first.join(0.01)
        again = api.ask("POST", POSTS, json=WISH, headers=headers)
    first.join(30)
    assert problem(again) == (409, "under_way")
    assert again.headers["retry-after"] == "1"
    assert answers[0].status_code == 201
    after = api.ask("POST", POSTS, json=WISH, headers=headers)
    assert (after.status_code, after.content) == (201, answers[0].content)


def test_a_database_that_another_program_holds_is_told_and_nothing_is_stored(api: Asked) -> None:
    app, key, headers = api.world.app, api.key(Scope.ADMIN), {"Idempotency-Key": "wish"}
    with closing(Store(app.places.database, lock_wait=0.05)) as store, held(api.world):
        hasty = Asked(replace(api.world, app=replace(app, ctx=replace(app.ctx, store=store))))
        answer = hasty.ask("POST", POSTS, key=key, json=WISH, headers=headers)
    assert problem(answer) == (503, "database_locked")
    assert int(answer.headers["retry-after"]) > 0
    assert api.ask("GET", POSTS).json()["posts"] == []
    assert api.ask("POST", POSTS, key=key, json=WISH, headers=headers).status_code == 201


def test_readyz_says_that_another_program_holds_the_database(api: Asked) -> None:
    app, key = api.world.app, api.key(Scope.ADMIN)
    with closing(Store(app.places.database, lock_wait=0.05)) as store, held(api.world):
        hasty = Asked(replace(api.world, app=replace(app, ctx=replace(app.ctx, store=store))))
        answer = hasty.ask("GET", "/readyz", key=key)
    assert problem(answer) == (503, "not_ready")
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"].startswith(
        f"Another program has locked the database {app.places.database};"
    )
    assert api.ask("GET", "/readyz", key=key).json() == {"ready": True}


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        ("0003", f"has schema 0003, this Postbell needs {HEAD}. Run `postbell db upgrade`"),
        ("9999", f"was written by a newer Postbell (schema 9999, this one knows {HEAD})."),
    ],
)
def test_readyz_says_that_the_schema_is_not_that_of_this_version(
    api: Asked, revision: str, told: str
) -> None:
    assert api.ask("GET", "/readyz").json() == {"ready": True}
    with closing(sqlite3.connect(api.world.app.places.database, isolation_level=None)) as other:
        other.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    answer = api.ask("GET", "/readyz")
    assert problem(answer) == (503, "not_ready")
    assert told in answer.json()["detail"]


def test_a_full_disk_is_told_and_nothing_is_stored(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "small", kilobytes=4000) as small,
        build_world(small, settings=configured(requests_per_minute=0)) as world,
    ):
        api = Asked(world)
        api.ask("GET", POSTS)
        filler = fill(small)
        answer = api.ask("POST", POSTS, json={"text": "x" * 100_000})
        assert problem(answer) == (507, "disk_full")
        assert api.ask("GET", POSTS).json()["posts"] == []
        filler.unlink()
        assert api.ask("POST", POSTS, json={"text": "x" * 100_000}).status_code == 201
