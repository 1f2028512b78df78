"""Every event reaches every address that wants it: in order, signed, again until it is taken, for a day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.hook import CallState
from postbell.domain.notice import NoticeKind
from postbell.services.telling import hooks
from postbell.services.telling.hook_sender import HookSender
from postbell.services.telling.hooks import add_hook, get_hook, log_of, remove_hook, rotate_hook, try_hook
from postbell.store import accounts
from postbell.store.events import first_id, prune_events
from support.hooks import Sending, during, tell
from support.receiver import Receiver
from support.world import World, add_account, add_post, build_world


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with build_world(tmp_path, transport=receiver) as made:
        # Events have the time of the real clock.
        made.clock.advance(datetime.now(UTC) - made.clock.now() + timedelta(seconds=1))
        yield made


def hook(world: World, receiver: Receiver, path: str = "/a", **how: Any) -> str:
    name = path.strip("/")
    _, secret = add_hook(world.ctx, name=name, url=f"https://hooks.example{path}", **how)
    receiver.secrets[path] = secret
    return secret


def change_health(world: World, times: int = 1, name: str = "ann") -> None:
    """Let an account be refused, and be well again, so many times: each is an event that is usually told."""
    with world.store.read() as tx:
        known = accounts.accounts_named(tx, [name])
    ann = known.get(name) or add_account(world.store, name)
    for _ in range(times):
        with world.store.write() as tx:
            accounts.mark_unauthorized(tx, ann.id, "refused")
        with world.store.write() as tx:
            accounts.mark_well(tx, ann.id, handle=None, session=None, now=world.ctx.now())


BOTH = ["account.unauthorized", "account.recovered"]


# Taken at once.


def test_what_happens_is_told_in_its_order_and_signed(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    change_health(world, 2)
    tell(world)
    assert receiver.kinds() == BOTH * 2
    ((_, name, event), *_) = receiver.taken
    assert event["data"]["account"] == "ann"
    assert event["data"]["message"] == "refused"
    assert name.startswith("evt_")
    head = receiver.heads[0]
    assert head["content-type"] == "application/json"
    assert abs(int(head["webhook-timestamp"]) - world.ctx.now().timestamp()) < 2


def test_each_is_told_once_and_the_log_says_how(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    change_health(world)
    tell(world, turns=3)
    tell(world)
    assert len(receiver.came) == 2
    second, first = log_of(world.ctx, "a", 10)
    assert (str(first.kind), first.state, first.tries, first.status) == (BOTH[0], CallState.TAKEN, 1, 204)
    assert first.took_ms is not None
    assert second.event_id > first.event_id


def test_only_what_was_asked_for_is_told_and_nothing_from_before(world: World, receiver: Receiver) -> None:
    change_health(world)
    hook(world, receiver, "/a", events=["account.recovered"])
    hook(world, receiver, "/b", events=["post.*"])
    hook(world, receiver, "/c", events=["*"])
    change_health(world)
    add_post(world.store)
    tell(world)
    assert receiver.kinds("/a") == ["account.recovered"]
    assert receiver.kinds("/b") == ["post.added", "post.scheduled"]
    assert receiver.kinds("/c") == [*BOTH, "post.added", "post.scheduled"]


def test_much_is_told_and_written_down_a_part_at_a_time(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    change_health(world, 60)
    tell(world)
    assert receiver.kinds() == BOTH * 60
    assert len(log_of(world.ctx, "a", 1000)) == 120


def test_what_nobody_wants_to_hear_is_passed_over(world: World, receiver: Receiver) -> None:
    hook(world, receiver, events=["series.added"])
    change_health(world, 300)
    tell(world)
    assert receiver.came == []
    assert get_hook(world.ctx, "a").after >= 600


# Not taken.


@pytest.mark.parametrize("status", [301, 302, 400, 404, 410, 500, 503])
def test_what_is_not_taken_is_told_again_under_the_same_id(
    world: World, receiver: Receiver, status: int
) -> None:
    hook(world, receiver)
    receiver.also["location"] = "https://elsewhere.example/"
    receiver.answers["/a"] = [status]
    change_health(world)
    tell(world)
    assert receiver.taken == []
    (waiting,) = log_of(world.ctx, "a", 10)
    assert (waiting.state, waiting.status) == (CallState.WAITING, status)
    assert f"it answered {status}" in (waiting.error or "")
    tell(world)
    assert len(receiver.came) == 1, "it waits"
    world.clock.advance(timedelta(seconds=11))
    tell(world)
    assert receiver.kinds() == BOTH
    (_, first, _), (_, again, _), _ = receiver.came
    assert first == again
    assert get_hook(world.ctx, "a").failures == 0
    assert [(call.state, call.tries) for call in log_of(world.ctx, "a", 10)] == [
        (CallState.TAKEN, 1),
        (CallState.TAKEN, 2),
    ]


def test_an_address_that_takes_nothing_is_left_alone_for_longer_and_longer(
    world: World, receiver: Receiver
) -> None:
    hook(world, receiver)
    receiver.answers["/a"] = [500] * 1000
    change_health(world, 20)
    begun = world.clock.now()
    while world.clock.now() - begun < timedelta(hours=23):
        tell(world)
        until = get_hook(world.ctx, "a").rests_until
        assert until is not None
        world.clock.advance(until - world.clock.now())
    assert 20 < len(receiver.came) < 60
    assert get_hook(world.ctx, "a").failures == len(receiver.came)


def test_what_alone_is_not_taken_is_tried_on(world: World, receiver: Receiver) -> None:
    hook(world, receiver, events=["account.unauthorized"])
    receiver.answers["/a"] = [500] * 6
    change_health(world)
    for _ in range(20):
        tell(world)
        world.clock.advance(timedelta(minutes=5))
    assert len(receiver.came) == 7
    assert receiver.kinds() == ["account.unauthorized"]


@pytest.mark.parametrize("status", [429, 503])
def test_an_address_may_ask_for_a_rest(world: World, receiver: Receiver, status: int) -> None:
    hook(world, receiver)
    receiver.answers["/a"], receiver.also["retry-after"] = [status], "1200"
    change_health(world)
    tell(world)
    rests = get_hook(world.ctx, "a").rests_until
    assert rests is not None
    assert timedelta(seconds=1199) < rests - world.ctx.now() < timedelta(seconds=1201)


def test_one_event_that_is_never_taken_holds_up_the_others_for_a_while_only(
    world: World, receiver: Receiver
) -> None:
    hook(world, receiver)
    change_health(world)

    class Picky(Receiver):
        async def handle_async_request(self, request: Any) -> Any:
            body = await request.aread()
            self.answers["/a"] = [500] if b"unauthorized" in body else []
            return await super().handle_async_request(request)

    picky = Picky(secrets=receiver.secrets)
    world.ctx.clients().outside._given = picky
    for _ in range(8):
        tell(world)
        world.clock.advance(timedelta(seconds=30))
    assert picky.kinds() == ["account.recovered"]
    waiting = log_of(world.ctx, "a", 10)[-1]
    assert (waiting.state, str(waiting.kind)) == (CallState.WAITING, "account.unauthorized")
    assert get_hook(world.ctx, "a").after >= waiting.event_id


def test_after_a_day_it_is_given_up_and_told(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    receiver.answers["/a"] = [500] * 1000
    change_health(world, 150)
    tell(world)
    world.clock.advance(timedelta(hours=25))
    sending = tell(world)
    calls = log_of(world.ctx, "a", 1000)
    assert len(calls) == 300
    assert {call.state for call in calls} == {CallState.GIVEN_UP}
    (notice,) = sending.troubles.untold()
    assert notice.kind is NoticeKind.TROUBLE
    assert "Hook a has not taken what happened for a day: it answered 500" in notice.message
    assert "postbell hook log a" in (notice.mend or "")
    assert receiver.taken == []


def test_an_address_that_is_back_is_told_what_has_happened_since(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    receiver.answers["/a"] = [500, 500]
    change_health(world)

    async def script(sending: Sending) -> None:
        await sending.turn()
        world.clock.advance(timedelta(hours=25))
        await sending.turn()
        change_health(world)
        world.clock.advance(timedelta(hours=2))
        await sending.turn()

    sending = during(world, script)
    assert receiver.kinds() == BOTH
    assert sending.troubles.names() == []


def test_a_stop_of_days_loses_nothing(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    change_health(world)
    world.clock.advance(timedelta(days=40))
    with world.store.write() as tx:
        prune_events(tx, world.clock.now() - timedelta(days=30))
    tell(world)
    assert receiver.kinds() == BOTH
    with world.store.write() as tx:
        prune_events(tx, world.clock.now() - timedelta(days=30))
    with world.store.read() as tx:
        assert first_id(tx) is None


def test_an_address_that_hangs_keeps_no_other_waiting(world: World, receiver: Receiver) -> None:
    hook(world, receiver, "/a")
    hook(world, receiver, "/b")
    receiver.answers["/a"] = [None]
    change_health(world)

    async def script(sending: Sending) -> None:
        await sending.sender.turn()
        stuck, other = sorted(sending.sender._telling.items())
        await other[1]
        assert receiver.kinds("/b") == BOTH
        assert not stuck[1].done()

    during(world, script)
    assert receiver.kinds("/a") == []
    tell(world)
    assert receiver.kinds("/a") == BOTH, "what was broken off is told in the next life"


def test_what_happens_while_a_hook_is_told_is_told_as_soon_as_that_has_ended(
    world: World, receiver: Receiver
) -> None:
    hook(world, receiver)
    change_health(world)

    async def script(sending: Sending) -> None:
        written = asyncio.Event()
        sending.thread.on_written = written.set
        await sending.sender.turn()
        await written.wait()
        change_health(world)
        await sending.turn()  # rung while the first is under way

    during(world, script)
    assert receiver.kinds() == BOTH * 2


def test_hooks_that_are_looked_at_together_leave_each_other_alone(world: World, receiver: Receiver) -> None:
    for name in "abc":
        hook(world, receiver, f"/{name}")

    async def script(sending: Sending) -> None:
        await sending.sender.turn()
        await sending.turn()  # while all of them are looked at
        assert not sending.sender._telling
        assert not sending.sender.bell.is_set(), "they would ring for each other without end"

    during(world, script)


# Changes meanwhile.


def test_a_hook_that_was_removed_is_told_no_more(world: World, receiver: Receiver) -> None:
    hook(world, receiver)
    change_health(world)
    remove_hook(world.ctx, "a")
    tell(world)
    assert receiver.came == []


def test_for_a_day_the_old_secret_signs_too(world: World, receiver: Receiver) -> None:
    old = hook(world, receiver)
    _, new = rotate_hook(world.ctx, "a")
    assert old != new
    for secret, after in ((old, timedelta()), (new, timedelta()), (new, timedelta(hours=25))):
        world.clock.advance(after)
        receiver.secrets["/a"] = secret
        assert try_hook(world.ctx, "a").error is None
    assert receiver.heads[0]["webhook-signature"].count("v1,") == 2
    assert receiver.heads[-1]["webhook-signature"].count("v1,") == 1


def test_no_secret_is_in_a_log_an_answer_or_a_repr(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = hook(world, receiver).removeprefix("whsec_")
    receiver.answers["/a"] = [500]
    change_health(world)
    tell(world)
    seen = repr(hooks.list_hooks(world.ctx)) + repr(log_of(world.ctx, "a", 9)) + caplog.text
    assert secret not in seen + "".join(capsys.readouterr())


def test_something_is_ahead_only_while_there_is(world: World, receiver: Receiver) -> None:
    def ahead(sending: Sending) -> bool:
        with world.store.read() as tx:
            return sending.sender.wanted(tx)

    async def script(sending: Sending) -> None:
        assert not ahead(sending)
        hook(world, receiver)
        assert not ahead(sending)
        change_health(world)
        assert ahead(sending)
        receiver.answers["/a"] = [500]
        await sending.turn()
        assert not ahead(sending), "it rests"
        world.clock.advance(timedelta(minutes=1))
        assert ahead(sending)
        await sending.turn()
        assert not ahead(sending)

    during(world, script)


def test_news_costs_nothing_where_nobody_is_told(world: World, receiver: Receiver) -> None:
    async def script(sending: Sending) -> None:
        await sending.turn()
        sending.sender.news()
        assert not sending.sender._alarm.is_set
        hook(world, receiver)
        await sending.turn()
        sending.sender.news()
        async with asyncio.timeout(5):
            await sending.sender.bell.wait()

    during(world, script)


def test_a_fault_with_one_hook_is_logged_and_the_others_are_told(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(world, receiver, "/a")
    hook(world, receiver, "/b")
    change_health(world)
    write = HookSender._write

    async def broken(self: HookSender, calls: Any, found: Any, upto: int) -> None:
        if found.name == "a":
            raise ZeroDivisionError
        await write(self, calls, found, upto)

    monkeypatch.setattr(HookSender, "_write", broken)
    tell(world)
    assert receiver.kinds("/b") == BOTH
