"""A rehearsal tells what would happen; it stores and sends nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.quota import parse_quotas
from postbell.domain.states import DeliveryState, Outcome
from postbell.services.plan.rehearse import Rehearsed, rehearse
from postbell.store import accounts, pauses
from support.planting import plant_posts
from support.repeating import add, daily, give_slots, piece
from support.world import START, World, add_account, add_post, build_world, delivery_in


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        for name in ("ann", "bob"):
            add_account(built.store, name)
        yield built


@pytest.fixture(autouse=True)
def _unheard() -> Iterator[None]:
    with capture_logs():
        yield


def _ends(found: Rehearsed) -> list[tuple[str, Outcome | None]]:
    return [(each.post.content.text, each.delivery.outcome) for each in found.happenings]


def _warnings(found: Rehearsed) -> list[tuple[str, ...]]:
    return [each.warnings for each in found.happenings]


def _bytes(world: World) -> bytes:
    with world.store.read() as tx:
        return "\n".join(tx.connection.driver_connection.iterdump()).encode()  # type: ignore[union-attr]


def test_what_comes_is_published_and_nothing_is_stored_or_sent(world: World) -> None:
    add(world, daily(), text="{a|b}")
    before = _bytes(world)
    found = rehearse(world.ctx, START, START + 3 * DAY)
    assert sorted(_ends(found)) == [
        ("a", Outcome.PUBLISHED),
        ("a", Outcome.PUBLISHED),
        ("b", Outcome.PUBLISHED),
    ]
    assert (found.latest, found.empty) == (timedelta(), ())
    assert _bytes(world) == before
    assert world.fake.posts == []


def test_only_what_happens_within_the_span_is_told(world: World) -> None:
    add(world, daily())
    found = rehearse(world.ctx, START + DAY, START + 2 * DAY)
    assert [each.delivery.due_at for each in found.happenings] == [START + DAY + HOUR]


def test_an_outage_makes_the_newest_of_a_series_late_and_the_others_missed(world: World) -> None:
    add(world, daily("10:00", "14:00"), text="{a|b}")
    told: list[datetime] = []
    outages = [(START, START + 6 * HOUR)]
    found = rehearse(world.ctx, START, START + DAY, outages=outages, progress=told.append)
    assert [outcome for _, outcome in _ends(found)] == [Outcome.MISSED, Outcome.PUBLISHED]
    assert found.latest == HOUR
    assert told == sorted(told)


def test_what_falls_into_an_outage_at_the_end_still_waits(world: World) -> None:
    add_post(world.store, at=START + HOUR)
    found = rehearse(world.ctx, START, START + DAY, outages=[(START, START + 2 * DAY)])
    assert _ends(found) == [("hello", None)]
    assert _warnings(found) == [("it still waits: no daemon runs",)]


def test_what_is_overdue_is_told_too_however_old_it_is(world: World) -> None:
    add_post(world.store, at=START - 40 * DAY, text="too old")
    add_post(world.store, at=START - HOUR, text="late")
    found = rehearse(world.ctx, START, START + DAY)
    assert _ends(found) == [("too old", Outcome.MISSED), ("late", Outcome.PUBLISHED)]


def test_what_is_held_back_waits_and_says_why(world: World) -> None:
    add_post(world.store, at=START + HOUR)
    with world.store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.EVERYTHING, since=START))
    found = rehearse(world.ctx, START, START + DAY)
    assert _warnings(found) == [("it still waits: everything is paused",)]


def test_what_is_being_sent_now_ends_elsewhere(world: World) -> None:
    sent = delivery_in(world.store, DeliveryState.PROCESSING)
    found = rehearse(world.ctx, START, START + DAY)
    assert found.happenings == ()
    assert sent.state is DeliveryState.PROCESSING


def test_posting_times_that_stay_empty_are_told(world: World) -> None:
    give_slots(world, "ann", "12:00", "18:00")
    add(world, piece(1))
    found = rehearse(world.ctx, START, START + DAY)
    assert [(each.account, each.slot.at) for each in found.empty] == [("ann", START + 9 * HOUR)]


def test_a_post_that_says_what_another_says_is_warned_of(world: World) -> None:
    add(world, daily(count=1), text="Same")
    add(world, daily("11:00", count=1), text="same")
    found = rehearse(world.ctx, START, START + DAY)
    (earlier, later) = found.happenings
    assert earlier.warnings == ()
    assert later.warnings == (f"post {earlier.post.id} says the same on 2026-11-23",)
    assert (found.repeats, found.warnings) == ((), 1)


def test_a_series_that_repeats_itself_is_told_once(world: World) -> None:
    series = add(world, daily())
    found = rehearse(world.ctx, START, START + 4 * DAY)
    assert [(each.series_id, each.account, each.count) for each in found.repeats] == [(series.id, "ann", 3)]
    assert _warnings(found) == [()] * 4


def test_quotas_are_warned_of(world: World) -> None:
    with world.store.write() as tx:
        quotas = parse_quotas(["day=1"])
        accounts.set_limits(tx, "ann", late_limit=None, min_gap=None, cooldown=None, quotas=quotas)
    plant_posts(world.ctx, [("one", ["ann"], START + HOUR), ("two", ["ann"], START + 2 * HOUR)])
    told = "it would be post 2 within 24 h; the network takes 1 a day"
    assert _warnings(rehearse(world.ctx, START, START + DAY)) == [(told,), (told,)]


def test_what_is_beyond_the_limits_fails(world: World) -> None:
    plant_posts(world.ctx, [("unfit", ["ann"], START + HOUR)])
    (found,) = rehearse(world.ctx, START, START + DAY).happenings
    assert found.delivery.outcome is Outcome.FAILED
    assert "it is unfit" in (found.delivery.message or "")


def test_a_least_gap_makes_late(world: World) -> None:
    with world.store.write() as tx:
        accounts.set_limits(tx, "ann", late_limit=None, min_gap=HOUR, cooldown=None, quotas=())
    plant_posts(world.ctx, [("one", ["ann"], START + HOUR), ("two", ["ann"], START + HOUR)])
    found = rehearse(world.ctx, START, START + DAY)
    assert found.latest == HOUR
    assert found.happenings[1].delivery.late_reason == "the account keeps 1 h between two posts"


def test_changes_of_the_clocks_are_told(world: World) -> None:
    world.clock.set(datetime(2027, 3, 27, 12, tzinfo=UTC))
    add(world, daily("02:30", zone="Europe/Berlin", first=date(2027, 3, 28), count=1))
    give_slots(world, "bob", "02:30", zone="Europe/Berlin")
    add(world, piece(30), to=("bob",), text="tip")
    found = rehearse(world.ctx, world.clock.now(), world.clock.now() + DAY)
    told = "02:30 does not exist on that day in Europe/Berlin; moved to 03:30"
    assert _warnings(found) == [(told,), (told,)]


def test_a_time_that_comes_twice_is_told(world: World) -> None:
    world.clock.set(datetime(2027, 10, 30, 12, tzinfo=UTC))
    add(world, daily("02:30", zone="Europe/Berlin", first=date(2027, 10, 31), count=1))
    found = rehearse(world.ctx, world.clock.now(), world.clock.now() + DAY)
    assert _warnings(found) == [("02:30 comes twice on that day in Europe/Berlin; this is the first",)]


def test_a_rehearsal_that_is_broken_off_leaves_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))

    def stop(_now: datetime) -> None:
        assert list((tmp_path / "temp").iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(world.ctx, START, START + DAY, progress=stop)
    assert list((tmp_path / "temp").iterdir()) == []
