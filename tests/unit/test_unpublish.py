"""Taking a published post away when the user asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from postbell.domain.post import Post
from postbell.errors import Conflict, NotFound, Stale
from postbell.services.posts.actions import unpublish
from postbell.services.sending.removal import Removals
from postbell.store import deliveries, removals
from postbell.testing import FakeNetwork
from support.command import Command, german, with_accounts
from support.stage import Stage, live, ring
from support.world import World, add_post, build_world, post_of


NOW = datetime(2100, 1, 1, 12, tzinfo=UTC)


class Keeping(FakeNetwork):
    """Cannot take anything away."""

    key: ClassVar[str] = "keeping"
    deletes: ClassVar[bool] = False


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Keeping()]) as made:
        yield made


def published(world: World, *to: str, network: str = "fake") -> Post:
    post = add_post(world.store, to=to or ("ann",), network=network)
    ring(world)
    return post_of(world.store, post.id)


def remove(world: World) -> int:
    async def script(stage: Stage) -> int:
        return await Removals(world.ctx, stage.dispatcher.thread).do_due()

    return live(world, script)


def test_it_is_taken_away_from_everywhere(world: World) -> None:
    post = published(world, "ann", "bob")
    assert all(each.delete_at == world.clock.now() for each in unpublish(world.ctx, post).deliveries)
    assert remove(world) == 2
    assert world.fake.posts == []
    with pytest.raises(Conflict, match="is public, as far as is known"):
        unpublish(world.ctx, post_of(world.store, post.id))


def test_or_from_one_account_alone(world: World) -> None:
    post = published(world, "ann", "bob")
    unpublish(world.ctx, post, "bob")
    assert remove(world) == 1
    assert [each.target.name for each in world.fake.posts] == ["ann"]
    with pytest.raises(NotFound, match="its accounts: ann, bob"):
        unpublish(world.ctx, post, "eve")


def test_what_is_not_published_yet_cannot_be(world: World) -> None:
    with pytest.raises(Conflict, match="Nothing of post"):
        unpublish(world.ctx, add_post(world.store))


def test_nothing_is_asked_for_where_one_of_the_networks_takes_nothing_back(world: World) -> None:
    post = published(world, "ann")
    add_post(world.store, to=("kim",), network="keeping")
    both = add_post(world.store, to=("ann", "kim"))
    ring(world, 3)
    with pytest.raises(
        Conflict, match=r"kim: keeping takes nothing back; take it away by hand at .*--account"
    ):
        unpublish(world.ctx, post_of(world.store, both.id))
    assert remove(world) == 0
    assert post_of(world.store, post.id).deliveries[0].delete_at is None


def test_what_nobody_knows_the_name_of_is_left_to_the_user(world: World) -> None:
    post = published(world)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET receipt_id = '', url = NULL")
    with pytest.raises(Conflict, match="nobody knows how it is called there; take it away by hand"):
        unpublish(world.ctx, post_of(world.store, post.id))


def test_what_was_taken_away_meanwhile_is_not_asked_for_again(world: World) -> None:
    delivery_id = published(world).deliveries[0].id
    with world.store.write() as tx:
        removals.ask_removal(tx, delivery_id, world.clock.now())
        removals.record_removed(tx, delivery_id, world.clock.now())
        with pytest.raises(Stale, match="not public any more"):
            removals.ask_removal(tx, delivery_id, world.clock.now())


# The command.


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def test_the_command_asks_first_and_says_what_happens(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    (claimed,) = cli.claim().values()
    with cli.store() as store, store.write() as tx:
        deliveries.record_published(tx, claimed.id, receipt_id="1", url=None, warnings=(), now=NOW)
    assert "nobody can be asked; give --yes" in cli("--no-input", "unpublish", post_id).err
    done = cli.done("unpublish", post_id, "-y")
    assert done.out == f"Post {post_id} is being taken away from site: see `postbell show {post_id}`.\n"
    assert "no daemon is running" in done.err
    shown = json.loads(cli.done("unpublish", post_id, "-y", "--json").out)
    assert shown["deliveries"][0]["delete_at"]
