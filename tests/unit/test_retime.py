"""When the rules of a time zone change, what is scheduled keeps the time that clocks show."""

from __future__ import annotations

import struct
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from postbell.domain import zones
from postbell.domain.post import Post
from postbell.domain.states import PostState
from postbell.domain.when import When
from postbell.services.context import Context
from postbell.services.plan.placing import Queue
from postbell.services.posts import actions
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.wanted import Changes, Wanted
from postbell.services.series.retime import retime
from postbell.services.series.series import end_series, load_series
from postbell.store.thread import StoreThread
from support.repeating import add, daily, give_slots, let_grow, made, piece, with_thread
from support.stage import ring
from support.world import START, World, add_account, build_world


HOUR = timedelta(hours=1)
HERE = "Test/Here"


def _tzif(hours: int) -> bytes:
    """Return the file of a zone whose clocks are always so many hours ahead (RFC 8536, version 1)."""
    header = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    return header + struct.pack(">lbB", hours * 3600, 0, 0) + b"HER\0"


Rules = Callable[[int], None]


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[Rules]:
    """Let the clocks of Test/Here be so many hours ahead, as a newer tzdata would, in a new process."""
    folder = tmp_path / "zones"
    (folder / "Test").mkdir(parents=True)

    def forget() -> None:
        ZoneInfo.clear_cache()
        zones._names.cache_clear()

    def install(hours: int) -> None:
        (folder / HERE).write_bytes(_tzif(hours))
        forget()

    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([str(folder), *before])
    install(1)
    yield install
    zoneinfo.reset_tzpath(before)
    forget()


@pytest.fixture
def world(tmp_path: Path, rules: Rules) -> Iterator[World]:
    del rules  # the zone must be there
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        yield built


def _when(local: str) -> When:
    shown = datetime.fromisoformat(local)
    return When(at=zones.wall_to_instant(shown, ZoneInfo(HERE))[0], local=shown, zone=HERE)


def _by_hand(world: World, local: str = "2026-11-24T18:00", **more: Any) -> Post:
    return add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=_when(local), **more)).post


def _start_again(world: World) -> list[str]:
    """Do what the daemon does when it starts; return the posts that were moved, as the log has it."""
    with capture_logs() as logs:
        with_thread(world, retime)
    return [each["post"] for each in logs if each["event"] == "post_retimed"]


def test_a_post_moves_with_the_clocks_of_its_zone(world: World, rules: Rules) -> None:
    post = _by_hand(world)
    assert _start_again(world) == []
    rules(3)
    assert _start_again(world) == [post.id]
    moved = load_post(world.ctx, post.id)
    assert post.at is not None
    assert (moved.at, moved.local, moved.zone) == (post.at - 2 * HOUR, post.local, HERE)
    assert [each.due_at for each in moved.deliveries] == [moved.at]
    assert (moved.version, moved.touched) == (post.version + 1, False)
    assert _start_again(world) == []


def test_a_series_follows_the_clocks_and_makes_nothing_twice(world: World, rules: Rules) -> None:
    series = add(world, daily("18:00", zone=HERE), late_limit=HOUR)
    before = made(world)
    rules(3)
    assert set(_start_again(world)) == {post.id for post in before}
    let_grow(world)
    after = made(world)
    assert [(post.id, post.slot, post.turn, post.local) for post in after] == [
        (post.id, post.slot, post.turn, post.local) for post in before
    ]
    assert [post.at for post in after] == [post.at - 2 * HOUR for post in before if post.at]
    assert [post.deliveries[0].expires_at for post in after] == [post.at + HOUR for post in after if post.at]
    assert _start_again(world) == []
    assert load_series(world.ctx, series.id).made == 60


def test_what_was_changed_by_hand_in_a_series_moves_too(world: World, rules: Rules) -> None:
    add(world, daily("18:00", zone=HERE, count=2))
    first, second = made(world)
    edit_post(world.ctx, first, Changes(text="By hand"))
    rules(3)
    _start_again(world)
    after = made(world)
    assert [post.content.text for post in after] == ["By hand", "Hello"]
    assert [post.at for post in after] == [each.at - 2 * HOUR for each in (first, second) if each.at]
    assert after[0].deliveries[0].stream == after[1].deliveries[0].stream


def test_what_is_left_of_an_ended_series_moves_as_if_written_by_hand(world: World, rules: Rules) -> None:
    series = add(world, daily("18:00", zone=HERE, count=1))
    (post,) = made(world)
    edit_post(world.ctx, post, Changes(text="By hand"))
    end_series(world.ctx, series)
    rules(2)
    assert _start_again(world) == [post.id]
    assert post.at is not None
    assert made(world)[0].at == post.at - HOUR


def test_what_a_library_fills_in_follows_the_posting_time(world: World, rules: Rules) -> None:
    give_slots(world, "ann", "18:00", zone=HERE)
    add(world, piece())
    (post,) = made(world)
    rules(2)
    assert _start_again(world) == [post.id]
    (moved,) = made(world)
    assert post.at is not None
    assert moved.at == moved.deliveries[0].due_at == post.at - HOUR
    assert moved.deliveries[0].placed_why == post.deliveries[0].placed_why


def test_a_queued_post_goes_to_the_posting_time_beside_it_on_every_account(
    world: World, rules: Rules
) -> None:
    add_account(world.store, "bob")
    give_slots(world, "ann", "18:00", zone=HERE)
    give_slots(world, "bob", "20:00", zone=HERE)
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), place=Queue())).post
    rules(2)
    _start_again(world)
    moved = load_post(world.ctx, post.id)
    assert [each.due_at for each in moved.deliveries] == [
        each.due_at - HOUR for each in post.deliveries if each.due_at
    ]
    assert moved.at == moved.deliveries[0].due_at


def test_a_queued_post_stays_where_its_account_has_no_posting_times_any_more(
    world: World, rules: Rules
) -> None:
    add_account(world.store, "bob")
    give_slots(world, "ann", "18:00", zone=HERE)
    give_slots(world, "bob", "20:00", zone=HERE)
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), place=Queue())).post
    give_slots(world, "bob")
    rules(2)
    _start_again(world)
    moved = load_post(world.ctx, post.id)
    assert moved.deliveries[1].due_at == post.deliveries[1].due_at


def test_what_is_published_or_is_a_draft_stays_as_it_was(world: World, rules: Rules) -> None:
    draft = _by_hand(world, draft=True)
    gone = _by_hand(world, "2026-11-25T18:00")
    actions.publish_now(world.ctx, gone)
    ring(world)
    before = [load_post(world.ctx, each.id) for each in (draft, gone)]
    rules(3)
    assert _start_again(world) == []
    assert [load_post(world.ctx, each.id) for each in (draft, gone)] == before


def test_a_zone_that_is_not_known_any_more_moves_nothing(world: World, rules: Rules, tmp_path: Path) -> None:
    del rules
    _by_hand(world)
    (tmp_path / "zones" / HERE).unlink()
    ZoneInfo.clear_cache()
    zones._names.cache_clear()
    assert _start_again(world) == []


def test_a_time_that_has_come_by_the_new_rules_is_published_at_once(world: World, rules: Rules) -> None:
    post = _by_hand(world, "2026-11-23T11:00")  # in an hour
    rules(3)
    _start_again(world)
    ring(world)
    assert load_post(world.ctx, post.id).deliveries[0].begun_at == START


def _start_again_while(world: World, happens: Callable[[], object]) -> None:
    """Do the same, and let something happen between the look and the first move."""

    class Late(StoreThread):
        async def read(self, work: Any, *args: Any, **kw: Any) -> Any:
            found = await super().read(work, *args, **kw)
            happens()
            return found

    async def run(ctx: Context, _thread: StoreThread) -> None:
        late = Late(ctx.store)
        try:
            await retime(ctx, late)
        finally:
            late.close()

    with_thread(world, run)


def test_what_is_cancelled_meanwhile_is_left_alone(world: World, rules: Rules) -> None:
    post = _by_hand(world)
    rules(3)
    _start_again_while(world, lambda: actions.cancel(world.ctx, post))
    assert load_post(world.ctx, post.id).at == post.at


def test_a_series_that_is_ended_meanwhile_is_left_alone(world: World, rules: Rules) -> None:
    series = add(world, daily("18:00", zone=HERE, count=2))
    before = made(world)
    rules(3)
    _start_again_while(world, lambda: end_series(world.ctx, series))
    assert [post.at for post in made(world)] == [post.at for post in before]


def _apart(world: World, **times: str) -> Post:
    add_account(world.store, "bob")
    own = {name: _when(local) for name, local in times.items()}
    return add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), when=_when(TOMORROW), times=own)).post


def _due(post: Post) -> dict[str, datetime | None]:
    return {each.account: each.due_at for each in post.deliveries}


TOMORROW, THE_DAY_AFTER = "2026-11-24T18:00", "2026-11-25T09:00"


def test_a_time_of_a_single_account_moves_with_its_own_clocks(world: World, rules: Rules) -> None:
    post = _apart(world, bob=THE_DAY_AFTER)
    rules(3)
    assert _start_again(world) == [post.id]
    moved = load_post(world.ctx, post.id)
    assert _due(moved) == {"ann": _when(TOMORROW).at, "bob": _when(THE_DAY_AFTER).at}
    assert (moved.at, moved.local) == (_when(TOMORROW).at, post.local)
    assert [each.zone for each in moved.deliveries] == [None, HERE]
    assert _start_again(world) == []


def test_it_moves_also_where_the_first_time_is_right(world: World, rules: Rules) -> None:
    add_account(world.store, "bob")
    first = When(at=START + HOUR, local=(START + HOUR).replace(tzinfo=None), zone="UTC")
    wish = Wanted(text="Hello", to=("ann", "bob"), when=first, times={"bob": _when(TOMORROW)})
    post = add_post(world.ctx, wish).post
    rules(3)
    assert _start_again(world) == [post.id]
    moved = load_post(world.ctx, post.id)
    assert (moved.at, _due(moved)) == (first.at, {"ann": first.at, "bob": _when(TOMORROW).at})
    assert _start_again(world) == []


def test_what_is_still_to_come_moves_while_others_have_the_post(world: World, rules: Rules) -> None:
    post = _apart(world, ann="2026-11-23T10:30")
    world.clock.advance(HOUR)
    ring(world)
    assert load_post(world.ctx, post.id).state is PostState.PROCESSING
    rules(3)
    assert _start_again(world) == [post.id]
    moved = load_post(world.ctx, post.id)
    assert (_due(moved)["bob"], moved.at) == (_when(TOMORROW).at, post.at)
    assert moved.deliveries[0].outcome == "published"
    assert _start_again(world) == []


def test_another_account_may_be_the_first_then(world: World, rules: Rules) -> None:
    add_account(world.store, "bob")
    first = When(at=START + HOUR, local=(START + HOUR).replace(tzinfo=None), zone="UTC")
    wish = Wanted(text="Hello", to=("ann", "bob"), when=first, times={"bob": _when("2026-11-23T12:00")})
    post = add_post(world.ctx, wish).post
    assert post.at == START + HOUR
    rules(3)
    assert _start_again(world) == [post.id]
    moved = load_post(world.ctx, post.id)
    assert (moved.at, moved.zone) == (START, HERE)
    assert [each.zone for each in moved.deliveries] == ["UTC", None]


def test_what_was_hurried_is_not_moved_back(world: World, rules: Rules) -> None:
    post = _apart(world, ann="2026-11-23T10:30")
    world.clock.advance(HOUR)
    ring(world)
    actions.publish_now(world.ctx, load_post(world.ctx, post.id))
    rules(3)
    assert _start_again(world) == []
