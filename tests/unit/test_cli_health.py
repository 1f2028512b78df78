from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.__main__ import main
from postbell.app import open_app
from postbell.domain.states import DeliveryState
from postbell.domain.when import When
from postbell.services.accounts import accounts as account_service
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import accounts, deliveries, queue
from postbell.store.lock import DaemonLock


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(data_dir=tmp_path / "data", config=tmp_path / "config.toml")
    upkeep.make_places(made, "timezone = 'UTC'\n")
    return made


def words(places: Places, *more: str) -> list[str]:
    return ["--data-dir", str(places.data_dir), "--config", str(places.config), *more]


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fill(places: Places) -> dict[str, str]:
    """One account of each condition, and a post of each; returns their ids."""
    app = open_app(places)
    ctx, now = app.ctx, app.ctx.now()
    ids = {}
    for name, ahead in (("soon", 1), ("late", -1), ("lost", -2)):
        path = str(places.data_dir.parent / name)
        account_service.add_account(ctx, network="folder", name=name, server=None, values={"path": path})
        at = now + timedelta(hours=ahead)
        when = When(at=at, local=at.replace(tzinfo=None), zone="UTC")
        ids[name] = add_post(ctx, Wanted(text="Hello", to=(name,), when=when)).post.id
    with ctx.store.write() as tx:
        (claim,) = queue.claim_due(tx, now, 1, ctx.media.path_of)
        deliveries.lose_track(tx, claim.delivery.id, "the answer was lost")
        known = {account.name: account.id for account in accounts.list_accounts(tx)}
        accounts.rest_account(tx, known["late"], until=now + timedelta(hours=1), reason="asked to wait")
        accounts.mark_unauthorized(tx, known["lost"], "the password is wrong")
    app.close()
    return ids


def test_status_shows_what_is_due_late_unsure_and_held_back(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = fill(places)
    assert main(words(places, "status")) == 0
    told = capsys.readouterr().out
    for said in (
        "does not run",
        f"post {ids['soon']} to soon",
        "1, the oldest since",
        "2 scheduled, 1 unsure",
        f"post {ids['lost']} to lost: the answer was lost",
        "account late rests until",
        "asked to wait",
        "account lost must be reconnected: the password is wrong; `postbell account reconnect lost`\n",
        "Account lost must be reconnected: the password is wrong; `postbell account reconnect lost`.",
        f"Overdue: 1 delivery, the oldest, post {ids['late']} to late, since ",
        f"`postbell settle {ids['lost']}`",
        "schema 0004",
        "No daemon runs",
    ):
        assert said in told


def test_status_tells_programs_the_same(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    ids = fill(places)
    assert main(words(places, "status", "--json")) == 0
    (found,) = json_lines(capsys)
    assert found["daemon"] is None
    assert {waiting["account"] for waiting in found["next_due"]} == {"soon", "late"}
    assert found["overdue"]["count"] == 1
    assert found["deliveries"] == {"scheduled": 2, "unsure": 1}
    assert found["results"] == {"published": 0, "failed": 0}
    assert found["lost"] == {"count": 0, "newest": [], "superseded": 0}
    assert found["unsure"][0]["post"] == ids["lost"]
    assert {held["account"]: held["hold"] for held in found["held"]} == {
        "late": "resting",
        "lost": "unauthorized",
    }
    assert found["database"]["path"] == str(places.database)
    assert len(found["troubles"]) == 4


def test_what_was_under_way_when_the_daemon_ended_may_be_public(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(places)
    app = open_app(places)
    with app.ctx.store.write() as tx:
        assert queue.claim_due(tx, app.ctx.now() + timedelta(days=1), 1, app.ctx.media.path_of)
    app.close()
    told = "Under way when the daemon ended, and may be public: 1 delivery."
    assert main(words(places, "status")) == 0
    assert told in capsys.readouterr().out
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    try:
        assert main(words(places, "status")) == 0
        assert told not in capsys.readouterr().out
    finally:
        lock.release()


def test_the_exit_code_of_status_says_whether_somebody_must_look(places: Places) -> None:
    assert main(words(places, "status", "--exit-code")) == 1
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    try:
        assert main(words(places, "status", "--exit-code")) == 0
    finally:
        lock.release()


def test_status_names_what_failed_and_how_to_try_it_again(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = fill(places)
    app = open_app(places)
    with app.ctx.store.write() as tx:
        (unsure,) = deliveries.list_in_state(tx, DeliveryState.UNSURE)
        deliveries.give_up(tx, unsure.id, "too rude", app.ctx.now())
    app.close()
    assert main(words(places, "status", "--exit-code")) == 1
    told = capsys.readouterr().out
    mend = f"Try it again: `postbell retry {ids['lost']}`."
    assert "1 failed, 2 scheduled" in told
    assert f"Failed: post {ids['lost']} to lost: too rude. {mend}" in told
    assert main(words(places, "status", "--json")) == 0
    (found,) = json_lines(capsys)
    assert found["results"] == {"published": 0, "failed": 1}
    assert found["lost"]["count"] == 1
    assert (found["lost"]["newest"][0]["post"], found["lost"]["newest"][0]["outcome"]) == (
        ids["lost"],
        "failed",
    )


def test_status_of_a_running_daemon_names_its_process(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    try:
        assert main(words(places, "status")) == 0
    finally:
        lock.release()
    told = capsys.readouterr().out
    assert f"runs as process {os.getpid()}" in told
    assert "nothing is scheduled" in told
    assert "attention" not in told


@pytest.mark.parametrize("command", [["status"], ["status", "--exit-code", "--json"]])
def test_status_without_a_database_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    nowhere = Places(data_dir=tmp_path / "none", config=tmp_path / "none.toml")
    assert main(words(nowhere, *command)) == 3
    assert "postbell init" in capsys.readouterr().err


def test_the_doctor_exits_with_0_where_nothing_is_broken(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(places, "doctor")) == 0
    told = capsys.readouterr().out
    assert "ok       database: " in told
    assert not any(line.startswith("failed") for line in told.splitlines())


def test_the_doctor_exits_with_1_and_says_how_to_mend_what_is_broken(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.data_dir.chmod(0o755)
    assert main(words(places, "doctor")) == 1
    told = capsys.readouterr().out
    assert "failed   data folder: Others can read" in told
    assert f"chmod 700 {places.data_dir}" in told


def test_a_quiet_doctor_leaves_out_what_is_well(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", *words(places, "doctor")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("ok")] == []
    assert any(line.startswith("warning") for line in lines)


def test_the_doctor_tells_programs_a_line_for_each_check(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    places.config.write_text("colour = 1\n")
    assert main(words(places, "doctor", "--json")) == 1
    checks = {check["name"]: check for check in json_lines(capsys)}
    assert checks["config"]["level"] == "fail"
    assert checks["database"] == {
        "schema_version": 1,
        "name": "database",
        "level": "ok",
        "message": checks["database"]["message"],
        "mend": None,
    }


def test_online_the_doctor_asks_the_network_of_every_account(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(places)
    (places.data_dir.parent / "soon").rmdir()
    (places.data_dir.parent / "soon").write_text("a file\n")
    assert main(words(places, "doctor", "--online", "--json")) == 1
    levels = {check["name"]: check["level"] for check in json_lines(capsys)}
    assert levels["account soon"] == "fail"
    assert levels["account late"] == "ok"
    assert main(words(places, "status", "--json")) == 0
    (found,) = json_lines(capsys)
    assert "lost" not in {held["account"] for held in found["held"]}


def test_online_the_doctor_still_works_where_nothing_can_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = Places(data_dir=tmp_path / "none", config=tmp_path / "none.toml")
    assert main(words(nowhere, "doctor", "--online")) == 1
    assert "There is no database" in capsys.readouterr().out


def test_times_of_status_are_in_the_configured_zone(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(places)
    places.config.write_text("timezone = 'Asia/Tokyo'\n")
    assert main(words(places, "status")) == 0
    assert f"{datetime.now(UTC):%Y} " in (told := capsys.readouterr().out)
    assert "Asia/Tokyo" in told
