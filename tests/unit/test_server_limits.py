"""Where servers differ, the account's own server says what a post may be, before it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.content import Content
from postbell.networks.mastodon import network
from postbell.publishing.protocol import at_server
from postbell.services.posts.checking import check_content
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Wanted
from postbell.store import accounts
from postbell.testing import FakeNetwork
from support.world import World, add_account, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[network]) as built:
        credentials = {"access_token": "a"}
        server = "https://a.example"
        add_account(built.store, "toots", network="mastodon", server=server, credentials=credentials)
        yield built


def _says(world: World, most: int) -> None:
    """Let the account's server have said what it takes."""
    with world.store.write() as tx:
        account = accounts.get_account(tx, "toots")
        accounts.save_session(tx, account.id, {"server": {"kind": "gotosocial", "text": most}})


def _problems(world: World, text: str) -> list[str]:
    with world.store.read() as tx:
        account = accounts.get_account(tx, "toots")
    return [str(each) for each in check_content(world.ctx, Content(text=text), {}, account)]


def test_a_text_is_held_against_the_limit_of_the_account_s_server(world: World) -> None:
    assert _problems(world, "x" * 501) == [
        "text (for toots): 501 characters, the limit is 500; shorten it by 1."
    ]
    _says(world, 5000)
    assert _problems(world, "x" * 5000) == []
    assert _problems(world, "x" * 5001) == [
        "text (for toots): 5001 characters, the limit is 5000; shorten it by 1."
    ]


def test_a_dry_run_tells_the_limit_of_the_account_s_server(world: World) -> None:
    _says(world, 5000)
    (found,) = preview_post(world.ctx, Wanted(text="Good morning", to=("toots",)))
    assert found.lengths == ({"characters": (12, 5000)},)
    assert found.problems == ()


def test_a_network_with_the_same_limits_everywhere_stays_as_it_is() -> None:
    fake = FakeNetwork()
    assert at_server(fake, {"server": {"text": 5000}}) is fake
