from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.app import App, build_app
from postbell.domain.states import DeliveryState
from postbell.domain.when import When
from postbell.errors import BadConfig, PostbellError, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Network, Profile
from postbell.services.accounts import accounts as account_service
from postbell.services.accounts.holds import Hold
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.services.upkeep import upkeep
from postbell.services.upkeep.check import Check, Level
from postbell.services.upkeep.doctor import doctor
from postbell.services.upkeep.health import Status, status
from postbell.settings import Places, Settings
from postbell.store import accounts, deliveries, overdue, queue
from postbell.store.lock import DaemonLock
from postbell.testing import FakeClock, FakeNetwork
from support import pictures
from support.disk import needs_root
from support.pictures import written


HOUR = timedelta(hours=1)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data_dir=tmp_path / "data", config=tmp_path / "config.toml")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def app(places: Places, clock: FakeClock) -> Iterator[App]:
    upkeep.make_places(places, "")
    fake: Network = FakeNetwork()
    made = build_app(places, Settings(), clock=clock, rng=random.Random(1), network=lambda _key: fake)
    yield made
    made.close()


def connect(app: App, name: str) -> None:
    """Add an account whose network exists for the doctor too."""
    with app.ctx.store.write() as tx:
        plain: dict[str, Any] = {"server": None, "credentials": {}, "session": {}, "handle": None}
        accounts.add_account(tx, name=name, network="folder", now=app.ctx.now(), **plain)


def schedule(app: App, name: str, *, ahead: timedelta, media: Path | None = None) -> str:
    at = app.ctx.now() + ahead
    when = When(at=at, local=at.replace(tzinfo=None), zone="UTC")
    files = ((media, "A picture"),) if media else ()
    return add_post(app.ctx, Wanted(text=f"Hello {at}", to=(name,), when=when, media=files)).post.id


def look(app: App) -> Status:
    return status(app.ctx, app.places)


def found(checks: list[Check], name: str) -> Check:
    (check,) = [check for check in checks if check.name == name]
    return check


def examine(app: App) -> list[Check]:
    return doctor(app.places, now=app.ctx.now())


def test_a_new_postbell_has_no_trouble_but_the_missing_daemon(app: App) -> None:
    seen = look(app)
    assert (seen.daemon, seen.next_due, seen.overdue.count, seen.unsure) == (None, (), 0, ())
    assert seen.storage.database_bytes > 0
    assert seen.schema == "0004"
    assert len(seen.troubles) == 1
    assert "No daemon runs" in seen.troubles[0]


def test_a_running_daemon_is_named_by_its_process(app: App) -> None:
    lock = DaemonLock(app.places.data_dir)
    lock.acquire()
    try:
        assert look(app).daemon == os.getpid()
        assert look(app).troubles == []
        assert found(examine(app), "daemon").level is Level.OK
    finally:
        lock.release()


def test_the_next_posts_are_listed_by_account_the_soonest_first(app: App) -> None:
    for name in ("blog", "sky"):
        connect(app, name)
    schedule(app, "blog", ahead=2 * HOUR)
    soon = schedule(app, "sky", ahead=HOUR)
    seen = look(app)
    assert (seen.next_due[0].account, seen.next_due[0].post_id) == ("sky", soon)
    assert len(seen.next_due) == 2
    assert seen.counts == {DeliveryState.SCHEDULED: 2}


def test_what_waits_beyond_its_time_is_counted_with_the_oldest(app: App, clock: FakeClock) -> None:
    connect(app, "blog")
    first = schedule(app, "blog", ahead=HOUR)
    schedule(app, "blog", ahead=2 * HOUR)
    due = clock.now() + HOUR
    clock.advance(3 * HOUR)
    seen = look(app)
    assert (seen.overdue.count, seen.overdue.oldest) == (2, due)
    told = f"2 deliveries, the oldest, post {first} to blog, since {due:%Y-%m-%d %H:%M:%S}Z."
    assert f"Overdue: {told}" in seen.troubles
    check = found(examine(app), "overdue")
    assert (check.level, check.message) == (Level.WARN, told)


def test_an_unsure_delivery_is_shown_with_the_command_that_settles_it(app: App, clock: FakeClock) -> None:
    connect(app, "blog")
    post_id = schedule(app, "blog", ahead=HOUR)
    clock.advance(2 * HOUR)
    with app.ctx.store.write() as tx:
        (claim,) = queue.claim_due(tx, clock.now(), 1, app.ctx.media.path_of)
        deliveries.lose_track(tx, claim.delivery.id, "the answer was lost")
    assert [delivery.post_id for delivery in look(app).unsure] == [post_id]
    told = f"post {post_id} to blog may be public already: the answer was lost."
    assert f"Unsure: {told} Look there, then `postbell settle {post_id}`." in look(app).troubles
    check = found(examine(app), "unsure")
    assert check.level is Level.WARN
    assert f"postbell settle {post_id}" in (check.mend or "")


def test_what_failed_or_was_missed_is_named_for_a_day(app: App, clock: FakeClock) -> None:
    for name in ("blog", "sky"):
        connect(app, name)
    failed, missed = schedule(app, "blog", ahead=HOUR), schedule(app, "sky", ahead=2 * HOUR)
    clock.advance(3 * HOUR)
    with app.ctx.store.write() as tx:
        (claim,) = queue.claim_due(tx, clock.now(), 1, app.ctx.media.path_of)
        deliveries.record_failed(tx, claim.delivery.id, "it is\ntoo long.", clock.now())
        (late,) = overdue.list_overdue(tx, before=clock.now(), now=clock.now())
        overdue.miss(tx, [late.id], "it was due for too long", clock.now() + HOUR)
    told = [
        f"Missed: post {missed} to sky: it was due for too long. Try it again: `postbell retry {missed}`.",
        f"Failed: post {failed} to blog: it is too long. Try it again: `postbell retry {failed}`.",
    ]
    assert look(app).troubles[1:] == told
    checks = [check for check in examine(app) if check.name == "failed or missed"]
    assert [(check.level, f"{check.message} {check.mend}") for check in checks] == [
        (Level.WARN, text) for text in told
    ]
    clock.advance(24 * HOUR)
    assert look(app).troubles[1:] == told
    clock.advance(HOUR + timedelta(seconds=1))
    assert look(app).troubles[1:] == []
    assert found(examine(app), "failed or missed").level is Level.OK


def test_of_very_many_that_were_missed_only_the_last_are_named(app: App, clock: FakeClock) -> None:
    connect(app, "blog")
    ids = [schedule(app, "blog", ahead=n * timedelta(minutes=1)) for n in range(1, 24)]
    with app.ctx.store.write() as tx:
        late = overdue.list_overdue(tx, before=clock.now() + HOUR, now=clock.now())
        overdue.miss(tx, [each.id for each in late], "it was due for too long", clock.now())
    seen = look(app)
    assert (seen.lost.count, [each.post_id for each in seen.lost.newest]) == (23, ids[:2:-1])
    assert seen.troubles[-1] == (
        "Failed or missed within the last day besides: 3 deliveries. "
        "See `postbell list --outcome failed` and `postbell list --outcome missed`."
    )


def test_accounts_that_are_held_back_are_listed_with_the_reason(app: App, clock: FakeClock) -> None:
    for name in ("paused", "refused", "tired", "well"):
        connect(app, name)
    with app.ctx.store.write() as tx:
        ids = {account.name: account.id for account in accounts.list_accounts(tx)}
        accounts.pause_account(tx, "paused", clock.now())
        accounts.mark_unauthorized(tx, ids["refused"], "the password is wrong")
        accounts.rest_account(tx, ids["tired"], until=clock.now() + HOUR, reason="rate limited")
    seen = {held.account: held for held in look(app).held}
    assert {name: held.hold for name, held in seen.items()} == {
        "paused": Hold.PAUSED,
        "refused": Hold.UNAUTHORIZED,
        "tired": Hold.RESTING,
    }
    assert seen["refused"].reason == "the password is wrong"
    assert seen["tired"].until == clock.now() + HOUR
    levels = {check.name: check.level for check in examine(app) if check.name.startswith("account ")}
    assert levels == {
        "account paused": Level.WARN,
        "account refused": Level.FAIL,
        "account tired": Level.WARN,
        "account well": Level.OK,
    }


def test_the_doctor_finds_nothing_wrong_with_a_new_installation(app: App) -> None:
    assert [check for check in examine(app) if check.level is Level.FAIL] == []


def test_the_doctor_says_so_where_there_is_nothing_at_all(places: Places) -> None:
    checks = doctor(places, now=datetime.now(UTC))
    assert found(checks, "config").level is Level.WARN
    assert found(checks, "data folder").level is Level.FAIL
    assert found(checks, "database").level is Level.FAIL
    assert "postbell init" in found(checks, "database").message
    assert found(checks, "daemon").level is Level.WARN


def test_the_doctor_reports_a_wrong_configuration_and_looks_at_the_rest(app: App) -> None:
    app.places.config.write_text("timezome = 'UTC'\n")
    checks = examine(app)
    assert found(checks, "config").level is Level.FAIL
    assert "timezone" in found(checks, "config").message
    assert found(checks, "database").level is Level.OK


def test_the_doctor_reports_a_configuration_that_others_can_read(app: App) -> None:
    app.places.config.chmod(0o644)
    assert found(examine(app), "config").level is Level.WARN


def test_the_doctor_reports_a_data_folder_and_a_database_that_others_can_read(app: App) -> None:
    app.places.data_dir.chmod(0o755)
    app.places.database.chmod(0o644)
    bad = [check for check in examine(app) if check.name == "data folder"]
    assert [check.level for check in bad[:2]] == [Level.FAIL, Level.FAIL]
    assert bad[0].mend == f"Run `chmod 700 {app.places.data_dir}`."
    assert bad[1].mend == f"Run `chmod 600 {app.places.database}`."


def test_the_doctor_reports_a_database_of_another_owner_than_the_folder(app: App) -> None:
    needs_root("only root can give files away")
    os.chown(app.places.database, 65534, 65534)
    assert "does not belong to the owner" in found(examine(app), "data folder").message


def test_the_doctor_reports_a_damaged_database_and_does_not_touch_it(app: App) -> None:
    app.close()
    garbage = b"This is not a database. " * 400
    app.places.database.write_bytes(garbage)
    check = found(examine(app), "database")
    assert check.level is Level.FAIL
    assert "damaged" in check.message
    assert app.places.database.read_bytes() == garbage


def test_the_doctor_finds_damage_inside_a_database_that_opens(app: App) -> None:
    connect(app, "blog")
    app.close()
    with closing(sqlite3.connect(app.places.database)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        rootpage = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'media'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with app.places.database.open("r+b") as file:
        file.seek((rootpage - 1) * size)
        file.write(b"\xff" * size)
    check = found(examine(app), "database")
    assert check.level is Level.FAIL
    assert "postbell db restore latest" in (check.mend or check.message)


def test_the_doctor_says_who_cannot_write_where_another_program_keeps_the_lock(app: App) -> None:
    with closing(sqlite3.connect(app.places.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        check = found(examine(app), "database")
    assert check.level is Level.FAIL
    assert "Another program has locked the database" in check.message


def test_the_doctor_reports_a_schema_of_another_version(app: App) -> None:
    with closing(sqlite3.connect(app.places.database)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    check = found(examine(app), "database")
    assert check.level is Level.FAIL
    assert "newer Postbell" in check.message


def test_the_doctor_notices_a_clock_that_went_back(app: App, clock: FakeClock) -> None:
    add_post(app.ctx, Wanted(text="An idea"))
    clock.advance(-HOUR)
    check = found(examine(app), "clock")
    assert check.level is Level.FAIL
    assert "went back" in check.message


def test_the_doctor_fails_without_a_daemon_where_something_waits_for_it(app: App) -> None:
    connect(app, "blog")
    schedule(app, "blog", ahead=HOUR)
    check = found(examine(app), "daemon")
    assert check.level is Level.FAIL
    assert "1 delivery waiting" in check.message


def test_the_doctor_names_the_post_whose_stored_file_is_gone(app: App, tmp_path: Path) -> None:
    connect(app, "blog")
    picture = written(tmp_path, "sea.png", pictures.png())
    post_id = schedule(app, "blog", ahead=HOUR, media=picture)
    assert found(examine(app), "media").level is Level.OK
    (stored,) = app.places.media.rglob("*.png")
    stored.unlink()
    check = found(examine(app), "media")
    assert check.level is Level.FAIL
    assert "sea.png" in check.message
    assert post_id in check.message


def test_the_doctor_warns_where_the_disk_is_nearly_full(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbell.services.upkeep.doctor._LEAST_FREE", 1 << 62)
    assert found(examine(app), "disk").level is Level.WARN


@pytest.mark.parametrize(("token", "level"), [("right", Level.OK), ("wrong", Level.FAIL)])
def test_asked_to_the_doctor_asks_every_network(app: App, token: str, level: Level) -> None:
    connect(app, "blog")
    with app.ctx.store.write() as tx:
        account = accounts.get_account(tx, "blog")
        accounts.replace_credentials(tx, account.id, server=None, credentials={"token": token})
    checks = doctor(
        app.places,
        now=app.ctx.now(),
        verify=lambda name: account_service.verify_account(app.ctx, name),
    )
    assert found(checks, "account blog").level is level


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (Unauthorized("wrong"), "Give it again: `postbell account reconnect blog`."),
        (BadConfig("no token"), "Give it again: `postbell account reconnect blog`."),
        (Unavailable("down"), "Check the network, and the address with `postbell account show blog`."),
        (Rejected("404"), "Check the network, and the address with `postbell account show blog`."),
    ],
)
def test_what_the_doctor_advises_fits_what_the_network_said(
    app: App, error: PostbellError, mend: str
) -> None:
    connect(app, "blog")

    def verify(_name: str) -> Profile:
        raise error

    check = found(doctor(app.places, now=app.ctx.now(), verify=verify), "account blog")
    assert (check.level, check.message, check.mend) == (Level.FAIL, str(error), mend)


def test_an_account_of_a_network_that_is_gone_is_reported(app: App) -> None:
    account_service.add_account(app.ctx, network="fake", name="old", server=None, values={})
    check = found(examine(app), "account old")
    assert check.level is Level.FAIL
    assert "no network fake" in check.message


@pytest.mark.parametrize(
    ("script", "level"),
    [
        ("echo yes", Level.OK),
        ("echo no", Level.WARN),
        ("exit 1", Level.OK),
        (None, Level.OK),
    ],
)
def test_the_doctor_says_whether_the_clock_is_kept_right(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, level: Level
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    if script:
        (tools / "timedatectl").write_text(f"#!/bin/sh\n{script}\n")
        (tools / "timedatectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    assert found(examine(app), "clock").level is level
