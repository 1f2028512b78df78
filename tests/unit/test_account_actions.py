"""Connecting profiles, and what follows for the posts that are meant for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from postbell.domain import manuscript
from postbell.domain.account import Health
from postbell.domain.content import Override
from postbell.domain.states import Outcome
from postbell.errors import Conflict, Invalid, NotFound, Unauthorized
from postbell.services.accounts import accounts, pausing
from postbell.services.accounts.carrying import is_secret
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.wanted import Wanted
from postbell.store import accounts as account_store
from postbell.testing import FakeNetwork, Mode
from support.stage import ring
from support.world import START, World, account_of, build_world
from support.world import add_post as put_post


class Hosted(FakeNetwork):
    """Has servers."""

    key = "hosted"
    server = "required"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Hosted()]) as made:
        yield made


def add(
    world: World,
    name: str = "ann",
    *,
    token: str = "right",
    network: str = "fake",
    server: str | None = None,
    verify: bool = True,
) -> None:
    values = {"token": token}
    accounts.add_account(world.ctx, network=network, name=name, server=server, values=values, verify=verify)


def names(world: World) -> list[str]:
    return [account.name for account in accounts.list_accounts(world.ctx)]


def test_an_account_that_the_network_accepts_is_stored_with_its_name_there(world: World) -> None:
    add(world)
    ann = accounts.get_account(world.ctx, "ann")
    assert (ann.handle, ann.health, ann.credentials) == ("@ann", Health.OK, {"token": "right"})


def test_an_account_that_the_network_refuses_is_not_stored(world: World) -> None:
    with pytest.raises(Unauthorized, match="Account ann: The token is wrong"):
        add(world, token="wrong")
    assert names(world) == []


def test_an_account_is_stored_unasked_where_the_user_wants_it_so(world: World) -> None:
    add(world, token="wrong", verify=False)
    assert account_of(world.store, "ann").handle is None


def test_a_taken_name_is_refused_before_the_network_is_asked(world: World) -> None:
    add(world)
    with pytest.raises(Conflict, match="account named ann already"):
        add(world, token="wrong")


@pytest.mark.parametrize("name", ["to", "at", "tz", "title", "link", "media"])
def test_a_word_of_the_front_matter_is_no_name(world: World, name: str) -> None:
    with pytest.raises(Invalid, match="a word of a post's front matter"):
        add(world, name)
    add(world)
    with pytest.raises(Invalid, match="a word of a post's front matter"):
        accounts.rename_account(world.ctx, "ann", name)
    assert names(world) == ["ann"]


def test_no_word_of_the_front_matter_is_forgotten() -> None:
    assert frozenset(manuscript._FIELDS) == accounts._FRONT_MATTER


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 41, "é", "a/b"])
def test_a_name_that_could_not_be_typed_or_addressed_is_refused(world: World, name: str) -> None:
    with pytest.raises(Invalid, match="no name for an account"):
        add(world, name)


def test_the_name_of_another_network_is_refused_and_its_own_is_not(world: World) -> None:
    with pytest.raises(Invalid, match="the name of another network"):
        add(world, "webhook")
    add(world, "fake")
    assert names(world) == ["fake"]


def test_every_problem_of_an_account_is_told_at_once(world: World) -> None:
    with pytest.raises(Invalid) as found:
        accounts.add_account(world.ctx, network="hosted", name="a b", server="htps://x", values={"tokn": "x"})
    said = [str(problem) for problem in found.value.problems]
    assert len(said) == 3
    assert "did you mean https://?" in said[1]
    assert "token" in said[2]


@pytest.mark.parametrize(
    ("network", "server", "said"),
    [
        ("hosted", None, "needs the address of its server"),
        ("hosted", "example.org", "it begins with https://"),
        ("hosted", "https://", "not a web address"),
        ("fake", "https://example.org", "has no server"),
    ],
)
def test_a_server_is_given_exactly_where_there_is_one(
    world: World, network: str, server: str | None, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        add(world, network=network, server=server)


def test_a_server_is_kept_without_a_slash_at_its_end(world: World) -> None:
    add(world, network="hosted", server="https://example.org/")
    assert account_of(world.store, "ann").server == "https://example.org"


def test_a_check_marks_an_account_that_is_refused_and_one_that_is_well_again(world: World) -> None:
    add(world, token="wrong", verify=False)
    with pytest.raises(Unauthorized):
        accounts.verify_account(world.ctx, "ann")
    ann = account_of(world.store, "ann")
    assert (ann.health, ann.health_note) == (Health.UNAUTHORIZED, "Account ann: The token is wrong.")
    accounts.reconnect_account(world.ctx, "ann", server=None, values={"token": "new"})
    ann = account_of(world.store, "ann")
    assert (ann.health, ann.health_note, ann.handle) == (Health.OK, None, "@ann")


def test_what_waited_for_an_account_goes_on_when_it_is_connected_anew(world: World) -> None:
    add(world)
    post = put_post(world.store)
    world.fake.modes = [Mode.REFUSE_ACCOUNT]
    ring(world)
    world.clock.advance(3600)
    accounts.reconnect_account(world.ctx, "ann", server=None, values={"token": "new"})
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_refused_new_credentials_leave_the_old_ones(world: World) -> None:
    add(world)
    with pytest.raises(Unauthorized):
        accounts.reconnect_account(world.ctx, "ann", server=None, values={"token": "wrong"})
    assert account_of(world.store, "ann").credentials == {"token": "right"}


def test_new_credentials_may_be_stored_unasked_and_the_name_there_stays(world: World) -> None:
    add(world)
    accounts.reconnect_account(world.ctx, "ann", server=None, values={"token": "wrong"}, verify=False)
    ann = account_of(world.store, "ann")
    assert (ann.credentials, ann.handle) == ({"token": "wrong"}, "@ann")


def test_a_new_name_takes_along_what_posts_say_for_the_account(world: World) -> None:
    add(world)
    overrides = {"ann": Override(text="For ann"), "webhook": Override(text="For all")}
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",), overrides=overrides)).post
    accounts.rename_account(world.ctx, "ann", "bob")
    found = load_post(world.ctx, post.id)
    assert [d.account for d in found.deliveries] == ["bob"]
    assert {key: said.text for key, said in found.overrides.items()} == {
        "bob": "For ann",
        "webhook": "For all",
    }


def test_what_posts_say_for_a_network_stays_with_it_when_its_namesake_is_renamed(world: World) -> None:
    add(world, "fake")
    overrides = {"fake": Override(text="For all")}
    post = add_post(world.ctx, Wanted(text="Hello", to=("fake",), overrides=overrides)).post
    accounts.rename_account(world.ctx, "fake", "bob")
    assert set(load_post(world.ctx, post.id).overrides) == {"fake"}


def test_a_new_name_must_be_free_and_the_old_one_known(world: World) -> None:
    add(world)
    add(world, "bob")
    with pytest.raises(Conflict):
        accounts.rename_account(world.ctx, "ann", "bob")
    with pytest.raises(NotFound, match="Accounts: ann, bob"):
        accounts.rename_account(world.ctx, "cat", "dan")
    assert names(world) == ["ann", "bob"]


@pytest.mark.parametrize("mode", [None, Mode.FAIL, Mode.LOSE_REQUEST])
def test_an_account_with_which_something_is_open_is_not_removed(world: World, mode: Mode | None) -> None:
    add(world)
    put_post(world.store)
    if mode:
        world.fake.modes = [mode]
        ring(world)
    with pytest.raises(Conflict, match="cancel or settle them first"):
        accounts.remove_account(world.ctx, "ann")
    assert names(world) == ["ann"]


def test_a_removed_account_leaves_its_history_and_none_of_its_secrets(world: World) -> None:
    add(world)
    post = put_post(world.store)
    ring(world)
    accounts.remove_account(world.ctx, "ann")
    assert names(world) == []
    assert load_post(world.ctx, post.id).deliveries[0].account == "ann"
    assert b"right" not in world.app.places.database.read_bytes()
    with pytest.raises(NotFound):
        accounts.remove_account(world.ctx, "ann")


def test_a_pause_holds_everything_back_until_it_ends(world: World) -> None:
    add(world)
    post = put_post(world.store)
    pausing.pause(world.ctx, [Target(scope=Scope.ACCOUNT, name="ann")])
    ring(world, 2, after=60)
    assert load_post(world.ctx, post.id).outcome is None
    assert account_of(world.store, "ann").paused_at == START
    pausing.resume(world.ctx, [Target(scope=Scope.ACCOUNT, name="ann")])
    pausing.resume(world.ctx, [Target(scope=Scope.ACCOUNT, name="ann")])
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED
    assert load_post(world.ctx, post.id).deliveries[0].late_reason == "the account was paused"
    assert world.clock.now() == START + timedelta(seconds=120)


def test_secrets_are_stored_for_the_network_and_hidden_from_people(world: World) -> None:
    add(world)
    ann = account_of(world.store, "ann")
    assert accounts.visible_values(world.ctx, ann) == {"token": "***"}
    assert "right" not in repr(ann)
    assert is_secret(SecretStr)


def test_a_field_of_another_version_is_not_shown(world: World) -> None:
    add(world)
    with world.store.write() as tx:
        ann = account_store.get_account(tx, "ann")
        account_store.replace_credentials(tx, ann.id, server=None, credentials={"old": "secret"})
    assert accounts.visible_values(world.ctx, account_of(world.store, "ann")) == {}


@pytest.mark.parametrize("bad", ["/srv/a\0b", "/srv/\udce9"])
def test_a_value_that_cannot_be_kept_is_refused_by_its_name(tmp_path: Path, bad: str) -> None:
    with build_world(tmp_path) as world, pytest.raises(Invalid) as refused:
        accounts.add_account(world.ctx, network="folder", name="site", server=None, values={"path": bad})
    (told,) = refused.value.problems
    assert told.where == "--set path"
    assert "take it out" in told.message
