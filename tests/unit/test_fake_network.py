from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from postbell.domain.content import Content
from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Network, Outgoing, Progress, Receipt, Resend, Target, Unknown
from postbell.publishing.web.http import Clients, Http
from postbell.testing import FakeClock, FakeNetwork, Mode


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class CarelessNetwork(FakeNetwork):
    resend = Resend.NEVER


class KeepingNetwork(FakeNetwork):
    deletes = False


def outgoing(key: str = "a" * 20, text: str = "Hello", token: str = "right") -> Outgoing:
    credentials = FakeNetwork.Credentials.model_validate({"token": token})
    return Outgoing(
        target=Target(name="mine", server=None, credentials=credentials),
        content=Content(text=text),
        options=FakeNetwork.Options(),
        key=key,
        number=1,
        begun_at=NOW,
        due_at=NOW,
        post_id="b7kq2m9x",
    )


def http() -> Http:
    return Http(Clients(), FakeClock(NOW))


def publish(network: Network, progress: Progress | None = None) -> Receipt | Progress:
    return asyncio.run(network.publish(outgoing(), progress, http()))


def test_without_a_mode_it_publishes() -> None:
    network = FakeNetwork()
    assert isinstance(publish(network), Receipt)
    assert [post.key for post in network.posts] == ["a" * 20]


@pytest.mark.parametrize(
    ("mode", "error", "posts"),
    [
        (Mode.LOSE_ANSWER, Unsure, 1),
        (Mode.LOSE_REQUEST, Unsure, 0),
        (Mode.REJECT, Rejected, 0),
        (Mode.REFUSE_ACCOUNT, Unauthorized, 0),
        (Mode.FAIL, Unavailable, 0),
        (Mode.LIMIT, RateLimited, 0),
        (Mode.BREAK, RuntimeError, 0),
    ],
)
def test_it_fails_as_it_is_told_and_once(mode: Mode, error: type[Exception], posts: int) -> None:
    network = FakeNetwork([mode])
    with pytest.raises(error):
        publish(network)
    assert len(network.posts) == posts
    assert isinstance(publish(network), Receipt)
    assert len(network.posts) == 1


def test_a_limit_says_until_when() -> None:
    with pytest.raises(RateLimited) as caught:
        publish(FakeNetwork([Mode.LIMIT], wait=timedelta(seconds=7)))
    assert caught.value.until == NOW + timedelta(seconds=7)


def test_steps_count_up_and_are_seen() -> None:
    network = FakeNetwork([Mode.STEP, Mode.STEP])
    first = publish(network)
    assert isinstance(first, Progress)
    second = publish(network, first)
    assert isinstance(second, Progress)
    assert (first.data["done"], second.data["done"]) == (1, 2)
    assert isinstance(publish(network, second), Receipt)
    assert network.seen == [None, first, second]


def test_it_waits_for_its_gate() -> None:
    async def go() -> tuple[bool, int]:
        network = FakeNetwork([Mode.WAIT])
        waiting = asyncio.create_task(network.publish(outgoing(), None, http()))
        await asyncio.sleep(0)
        before = bool(network.posts)
        network.gate.set()
        await waiting
        return before, len(network.posts)

    assert asyncio.run(go()) == (False, 1)


@pytest.mark.parametrize(("network", "posts"), [(FakeNetwork(), 1), (CarelessNetwork(), 2)])
def test_a_repeat_is_harmless_only_if_it_says_so(network: FakeNetwork, posts: int) -> None:
    publish(network)
    publish(network)
    assert network.creates["a" * 20] == 2
    assert len(network.posts) == posts


def test_it_finds_what_is_public_unless_told_not_to_tell() -> None:
    network = FakeNetwork()
    assert asyncio.run(network.find(outgoing(), None, http())) == Absent()
    receipt = publish(network)
    assert asyncio.run(network.find(outgoing(), None, http())) == receipt
    network.can_tell = False
    assert isinstance(asyncio.run(network.find(outgoing(), None, http())), Unknown)


def _delete(network: FakeNetwork, receipt: Receipt | Progress) -> None:
    assert isinstance(receipt, Receipt)
    asyncio.run(network.delete(outgoing(), receipt.id, http()))


def test_it_takes_away_what_it_published_however_often() -> None:
    network = FakeNetwork()
    receipt = publish(network)
    _delete(network, receipt)
    _delete(network, receipt)
    assert network.posts == []
    assert network.deletions == ["a" * 20] * 2


@pytest.mark.parametrize(
    ("mode", "error", "posts"),
    [
        (Mode.LOSE_ANSWER, Unsure, 0),
        (Mode.LOSE_REQUEST, Unsure, 1),
        (Mode.REJECT, Rejected, 1),
        (Mode.REFUSE_ACCOUNT, Unauthorized, 1),
        (Mode.FAIL, Unavailable, 1),
        (Mode.LIMIT, RateLimited, 1),
        (Mode.BREAK, RuntimeError, 1),
    ],
)
def test_it_fails_to_take_away_as_it_is_told_and_once(mode: Mode, error: type[Exception], posts: int) -> None:
    network = FakeNetwork()
    network.delete_modes = [mode]
    receipt = publish(network)
    with pytest.raises(error):
        _delete(network, receipt)
    assert len(network.posts) == posts
    _delete(network, receipt)
    assert network.posts == []


def test_one_that_cannot_take_away_refuses() -> None:
    network = KeepingNetwork()
    receipt = publish(network)
    with pytest.raises(Rejected):
        _delete(network, receipt)
    assert (len(network.posts), network.deletions) == (1, [])


def test_it_verifies_every_token_but_one() -> None:
    network = FakeNetwork()
    assert asyncio.run(network.verify(outgoing().target, http())).handle == "@mine"
    with pytest.raises(PublishError):
        asyncio.run(network.verify(outgoing(token="wrong").target, http()))


def test_it_minds_one_text_and_previews_every_one() -> None:
    network = FakeNetwork()
    fine, unfit = outgoing(), outgoing(text="unfit")
    assert network.check(fine.content, fine.options, account="mine") == []
    assert len(network.check(unfit.content, unfit.options, account="mine")) == 1
    assert network.preview(fine)[0].body == {"text": "Hello"}


def test_the_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(NOW)
    clock.advance(2.5)
    clock.advance(timedelta(minutes=1))
    assert clock.now() == NOW + timedelta(seconds=62.5)
    clock.set(NOW)
    assert clock.now() == NOW
