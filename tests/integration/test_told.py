"""The user is told, by the real daemon: by a program of his own, and by Apprise."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from postbell.clock import SystemClock
from postbell.domain.caution import Cause
from postbell.store import mark
from support.children import free_port
from support.home import Home, make_home
from support.inbox import web_inbox
from support.mailbox import mailbox
from support.sink import Sink, sink
from support.world import add_post


_KEEP = """
import sys
with open({path!r}, "a", encoding="utf-8") as file:
    file.write(sys.stdin.read())
"""


def home_with(folder: Path, far_side: Sink, *lines: str) -> Home:
    """Make a Postbell that tells at once, with an account whose network refuses everything."""
    config = "\n".join(["[notify]", "gather_seconds = 0.2", *lines])
    home = make_home(folder, config)
    home.connect("webhook", "hook", {"url": far_side.url})
    return home


def keeping(folder: Path) -> str:
    """Return the setting of a command that keeps what it gets in a file."""
    program = folder / "keep.py"
    program.write_text(_KEEP.format(path=str(folder / "kept")), "utf-8")
    return f"command = {json.dumps([sys.executable, str(program)])}"


def kept(folder: Path) -> str:
    path = folder / "kept"
    return path.read_text("utf-8") if path.exists() else ""


def wait_for(home: Home, folder: Path, text: str, times: int = 1) -> None:
    """Wait until the program was told something, so many times."""
    home.wait_for(lambda: kept(folder).count(text) >= times)


def kept_json(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept(folder).splitlines()]


def test_a_failed_post_is_handed_to_the_users_program(tmp_path: Path) -> None:
    with sink() as far_side:
        home = home_with(tmp_path, far_side, keeping(tmp_path))
        far_side.statuses = [422]
        with home.daemon():
            post_id = home.add("A bell rings.", "hook")
            wait_for(home, tmp_path, "postbell retry")
    title, _, body = kept(tmp_path).partition("\n\n")
    assert title == "Postbell: 1 failed"
    assert body.startswith(f"Failed: post {post_id} to hook: ")
    assert "“A bell rings.”" in body


def test_what_an_outage_has_cost_is_told_in_one_message(tmp_path: Path) -> None:
    with sink() as far_side:
        lines = (keeping(tmp_path), 'command_input = "json"')
        home = home_with(tmp_path, far_side, *lines)
        with home.app() as app:
            long_ago = app.ctx.now() - timedelta(days=2)
            for number in range(30):
                add_post(app.ctx.store, to=("hook",), at=long_ago, text=f"post {number}")
        with home.daemon():
            home.wait_for(lambda: bool(kept_json(tmp_path)))
    (message,) = kept_json(tmp_path)
    assert message["counts"] == {"missed": 30}
    assert len(message["notices"]) == 20


def test_a_restart_tells_nothing_again(tmp_path: Path) -> None:
    with sink() as far_side:
        home = home_with(tmp_path, far_side, keeping(tmp_path), 'command_input = "json"')
        far_side.statuses = [422, 422]
        for text in ("The first bell", "The second bell"):
            with home.daemon():
                home.add(text, "hook")
                wait_for(home, tmp_path, text)
    assert [message["notices"][0]["text"] for message in kept_json(tmp_path)] == [
        "The first bell",
        "The second bell",
    ]
    assert {message["title"] for message in kept_json(tmp_path)} == {"Postbell: 1 failed"}


def test_apprise_sends_to_a_web_server(tmp_path: Path) -> None:
    with sink() as far_side, web_inbox() as received:
        home = home_with(tmp_path, far_side, f'urls = ["json://user:canary@127.0.0.1:{received.port}/bell"]')
        far_side.statuses = [422]
        with home.daemon():
            home.add("A bell rings.", "hook")
            home.wait_for(lambda: bool(received.bodies))
    (body,) = map(json.loads, received.bodies)
    assert body["title"] == "Postbell: 1 failed"
    assert "“A bell rings.”" in body["message"]
    assert "canary" not in home.log.read_text("utf-8")


def test_apprise_sends_a_mail_to_a_mail_server(tmp_path: Path) -> None:
    with sink() as far_side, mailbox("canary") as box:
        address = f"alice:canary@127.0.0.1:{box.port}/?from=bell@example.org&to=alice@example.org"
        home = home_with(tmp_path, far_side, f'urls = ["mailto://{address}"]')
        far_side.statuses = [422]
        with home.daemon():
            post_id = home.add("Zürich läutet.", "hook")
            home.wait_for(lambda: bool(box.mails))
    (mail,) = box.mails
    assert (mail["Subject"], mail["To"]) == ("Postbell: 1 failed", "alice@example.org")
    body = mail.get_body(("plain", "html"))
    assert body
    assert f"Failed: post {post_id} to hook: " in body.get_content()
    assert "“Zürich läutet.”" in body.get_content()
    assert "canary" not in home.log.read_text("utf-8")


def test_a_mail_server_that_refuses_the_password_is_told_without_it(tmp_path: Path) -> None:
    with mailbox("another") as box:
        address = f"alice:canary@127.0.0.1:{box.port}/?from=bell@example.org&to=alice@example.org"
        home = make_home(tmp_path, f'[notify]\nurls = ["mailto://{address}"]')
        ran = postbell(home, "notify", "test")
    assert (ran.returncode, box.mails) == (7, [])
    assert box.refused
    assert ran.stderr.startswith("postbell: url 1 (mailto): It did not take the message: ")
    assert "canary" not in ran.stderr


def test_a_way_that_fails_is_seen_in_the_status_and_the_others_tell_it(tmp_path: Path) -> None:
    with sink() as far_side:
        url = f"json://user:canary@127.0.0.1:{free_port()}/bell"
        home = home_with(tmp_path, far_side, f'urls = ["{url}"]')
        far_side.statuses = [422]
        with home.daemon():
            home.add("A bell rings.", "hook")
            home.wait_for(lambda: "user_not_told" in home.log.read_text("utf-8"))
            home.wait_for(lambda: status(home)["notices"]["untold"] == 1)
            seen = status(home)
    (way,) = seen["notices"]["ways"]
    assert (way["name"], way["told_at"]) == ("url 1 (json)", None)
    assert way["error"].startswith("It did not take the message: ")
    (trouble,) = [each for each in seen["troubles"] if each.startswith("Notices cannot be sent")]
    assert trouble.endswith("1 notice waits. Try it: `postbell notify test`.")
    assert "canary" not in home.log.read_text("utf-8") + json.dumps(seen)


def postbell(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    command = [sys.executable, "-m", "postbell", *home.options, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def status(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(postbell(home, "status", "--json").stdout)
    return found


def test_a_configuration_that_is_not_read_again_is_told_by_the_one_before(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", "gather_seconds = 0.2", keeping(tmp_path)]))
    with home.daemon() as process:
        home.places.config.write_text("[log]\nlevle = 'debug'\n")
        process.send_signal(signal.SIGHUP)
        wait_for(home, tmp_path, "did you mean level?")
    assert "The daemon goes on with the configuration it has" in kept(tmp_path)


def test_a_daemon_that_finds_its_database_damaged_says_so_once(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", keeping(tmp_path), 'command_input = "json"']))
    with home.places.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    for _ in range(2):
        assert home.start().wait(30) == 1
    (message,) = kept_json(tmp_path)
    assert "The daemon has ended" in message["body"]
    assert f"The database {home.places.database} is damaged" in message["body"]


def test_a_daemon_that_could_not_start_for_want_of_its_database_says_so_once(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", keeping(tmp_path), 'command_input = "json"']))
    home.places.database.unlink()
    for _ in range(2):
        assert home.start().wait(30) == 3
    (message,) = kept_json(tmp_path)
    assert "The daemon has ended" in message["body"]
    assert f"There is no database at {home.places.database}" in message["body"]
    assert "doctor" not in message["body"]


def test_a_data_folder_that_others_can_read_is_told(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", keeping(tmp_path)]))
    home.places.data_dir.chmod(0o755)
    assert home.start().wait(30) == 78
    assert f"Run `chmod 700 {home.places.data_dir}`." in kept(tmp_path)


def test_a_second_daemon_says_nothing_because_the_first_one_works(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", keeping(tmp_path)]))
    with home.daemon():
        assert home.start().wait(30) == 75
    assert kept(tmp_path) == ""


def test_a_database_that_goes_back_in_time_a_second_time_is_told_a_second_time(tmp_path: Path) -> None:
    home = make_home(tmp_path, "\n".join(["[notify]", "gather_seconds = 0.2", keeping(tmp_path)]))
    for times in (1, 2):
        ahead = mark.Mark(changes=times * 1000, machine=mark.machine_name())
        mark.MarkFile(home.places.mark).make(ahead, SystemClock().now())
        with home.daemon():
            wait_for(home, tmp_path, Cause.WENT_BACK.sentence, times)
    assert kept(tmp_path).count(Cause.WENT_BACK.sentence) == 2


def test_a_fault_that_loses_how_a_try_ended_is_told_and_so_is_its_end(tmp_path: Path) -> None:
    with sink() as far_side:
        home = home_with(tmp_path, far_side, keeping(tmp_path))
        run_sql(
            home,
            "CREATE TRIGGER canary BEFORE UPDATE OF state ON delivery WHEN NEW.state = 'processed' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END",
            "CREATE TRIGGER canary2 BEFORE UPDATE OF state ON delivery WHEN NEW.state = 'unsure' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        with home.daemon():
            post_id = home.add("A bell rings.", "hook")
            wait_for(home, tmp_path, "started again")
        assert f"Postbell has lost how a try ended: post {post_id} to hook may be public" in kept(tmp_path)
        run_sql(home, "DROP TRIGGER canary", "DROP TRIGGER canary2")
        with home.daemon():
            wait_for(home, tmp_path, "What a fault had left under way is being looked up.")


def run_sql(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.places.database)) as database:
        for statement in statements:
            database.execute(statement)
