"""An account that is connected again stays the profile that it has published as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.account import Account
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import Conflict
from postbell.publishing import registry
from postbell.publishing.protocol import whose_of
from postbell.services.accounts import accounts
from postbell.store.accounts import save_session
from postbell.testing import FakeClock, FakeNetwork
from support import fake_bluesky, fake_threads, mastodon_entities
from support.api import Asked, problem
from support.farside import START, FarSide, Fault
from support.stage import ring, settle
from support.subjects import subjects
from support.world import World, account_of, add_post, build_world, post_of


#: What tells the profile of a stand-in, and what another profile there is told by.
_OTHER: Mapping[str, Mapping[str, str]] = {
    "mastodon": {mastodon_entities.ACCOUNT: "999", '"alice"': '"bob"'},
    "bluesky": {fake_bluesky.DID: "did:plc:ragtjsm2j2vknwkz3zp4oxrd", fake_bluesky.HANDLE: "bob.bsky.social"},
    "threads": {fake_threads.USER: "17841400000000002", '"alice"': '"bob"'},
}
_NAMED = {
    "mastodon": ("@alice@mastodon.example", "@bob@mastodon.example"),
    "bluesky": (fake_bluesky.HANDLE, "bob.bsky.social"),
    "threads": ("@alice", "@bob"),
}


@dataclass
class Door(httpx.AsyncBaseTransport):
    """A far side that can answer as another profile."""

    far_side: FarSide
    says: Mapping[str, str] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.far_side.handle_async_request(request)
        text = answer.text
        for ours, others in self.says.items():
            text = text.replace(ours, others)
        return httpx.Response(answer.status_code, text=text, request=request)


@dataclass
class Scene:
    """An account named ann of one network."""

    key: str
    world: World
    door: Door

    def add(self, *, verify: bool = True) -> None:
        """Connect it."""
        subject = subjects()[self.key]
        how: dict[str, Any] = {"server": subject.server, "values": subject.credentials, "verify": verify}
        accounts.add_account(self.world.ctx, network=self.key, name="ann", **how)

    def reconnect(self, **how: Any) -> Account:
        """Connect it again with what it has; return what it is then."""
        accounts.reconnect_account(self.world.ctx, "ann", **{"server": None, "values": {}} | how)
        return self.account

    @property
    def account(self) -> Account:
        return account_of(self.world.store, "ann")


def _scene(tmp_path: Path, key: str) -> Iterator[Scene]:
    door = Door(subjects()[key].far_side(FakeClock(START)))
    with build_world(tmp_path, networks=[], transport=door) as world:
        door.far_side.clock = world.clock
        yield Scene(key, world, door)


@pytest.fixture(params=sorted(_OTHER))
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    yield from _scene(tmp_path, request.param)


def test_another_profile_is_refused_and_nothing_is_changed(scene: Scene) -> None:
    scene.add()
    before, scene.door.says = scene.account, _OTHER[scene.key]
    with pytest.raises(Conflict) as refused:
        scene.reconnect()
    was, other = _NAMED[scene.key]
    assert f"Account ann is {was}, and {other} has answered: nothing was changed." in str(refused.value)
    assert f"connect {other} as an account of its own" in str(refused.value)
    assert scene.account == before


def test_the_same_profile_is_taken(scene: Scene) -> None:
    scene.add()
    assert scene.reconnect().handle == _NAMED[scene.key][0]


def test_where_nobody_has_answered_before_there_is_nothing_to_compare(scene: Scene) -> None:
    scene.add(verify=False)
    scene.door.says = _OTHER[scene.key]
    assert scene.reconnect().handle == _NAMED[scene.key][1]


def test_who_asks_nobody_is_asked_nothing(scene: Scene) -> None:
    scene.add()
    scene.door.says = _OTHER[scene.key]
    assert scene.reconnect(verify=False).handle == _NAMED[scene.key][0]


@pytest.mark.parametrize("change", _OTHER["threads"].items())
def test_a_profile_of_threads_may_have_another_name_or_another_number(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    for scene in _scene(tmp_path, "threads"):
        scene.add()
        scene.door.says = dict([change])
        scene.reconnect()


def test_a_number_alone_does_not_make_two_servers_one(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "mastodon"):
        scene.add()
        scene.door.says = {'"domain":"mastodon.example"': '"domain":"other.example"'}
        with pytest.raises(Conflict, match=r"is @alice@mastodon.example, and @alice@other.example has"):
            scene.reconnect()


def test_profiles_of_one_name_are_told_by_what_they_are_known_by(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "bluesky"):
        scene.add()
        scene.door.says = {fake_bluesky.DID: "did:plc:other"}
        with pytest.raises(Conflict, match=f"is {fake_bluesky.DID}, and did:plc:other has answered"):
            scene.reconnect()


def test_who_was_asked_for_nothing_but_its_posts_is_told_by_its_number(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "mastodon"):
        scene.add(verify=False)
        add_post(scene.world.store, to=("ann",), network="mastodon")
        ring(scene.world)
        scene.door.says = _OTHER["mastodon"]
        was = f"{mastodon_entities.ACCOUNT} at mastodon.example"
        with pytest.raises(Conflict, match=f"is {was}, and @bob@mastodon.example has answered"):
            scene.reconnect()


def test_a_lost_answer_is_not_looked_up_as_another_profile(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "mastodon"):
        world, far_side = scene.world, scene.door.far_side
        scene.add()
        far_side.faults = [Fault.LOST]
        post = add_post(world.store, to=("ann",), network="mastodon", text="Hello once")
        ring(world)
        assert post_of(world.store, post.id).deliveries[0].state is DeliveryState.UNSURE
        scene.door.says = _OTHER["mastodon"]
        with pytest.raises(Conflict):
            scene.reconnect()
        scene.door.says = {}
        settle(world, 3, after=90)
        assert post_of(world.store, post.id).outcome is Outcome.PUBLISHED
        assert len(far_side.public()) == 1


def test_what_cannot_be_decrypted_is_compared_with_nothing(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "mastodon"):
        scene.add()
        with scene.world.store.write() as tx:
            save_session(tx, scene.account.id, "aesgcm1:00000000:AAAA")
        scene.door.says = _OTHER["mastodon"]
        assert scene.reconnect().handle == "@bob@mastodon.example"


def test_programs_are_told_in_their_own_words(tmp_path: Path) -> None:
    for scene in _scene(tmp_path, "mastodon"):
        scene.add()
        scene.door.says = _OTHER["mastodon"]
        answer = Asked(scene.world).ask("POST", "/api/v1/accounts/ann/reconnect", json={"values": {}})
        assert problem(answer) == (409, "conflict")
        assert answer.json()["detail"].endswith("as an account of its own: `POST /api/v1/accounts`.")


def test_networks_that_do_not_tell_are_asked_nothing() -> None:
    told = {key for key in registry.keys() if hasattr(registry.get(key), "whose")}  # noqa: SIM118 - a module
    assert told == set(_OTHER)
    assert whose_of(FakeNetwork(), {"id": "7"}) == frozenset()
