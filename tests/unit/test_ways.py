"""The ways by which the user is told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from postbell.domain.notice import Notice, NoticeKind
from postbell.errors import NotTold
from postbell.services.telling.message import Message, compose
from postbell.services.telling.ways import Broken, Command, Url, find_ways
from postbell.settings import NotifySettings
from support.children import free_port


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MESSAGE = compose(
    [
        Notice(
            kind=NoticeKind.FAILED,
            subject="7",
            at=NOW,
            post_id="k7f2",
            account="sky",
            excerpt="Zürich läutet",
            message="Failed: post k7f2 to sky: it is too long.",
            mend="Try it again: `postbell retry k7f2`.",
        )
    ]
)


def command(script: str, *, as_json: bool = False, timeout: float = 20) -> Command:
    return Command(words=(sys.executable, "-c", script), json=as_json, timeout=timeout)


def tell(way: Command | Url | Broken, message: Message = MESSAGE) -> None:
    asyncio.run(way.tell(message))


def keeping(path: Path) -> str:
    return f"import sys; open({str(path)!r}, 'wb').write(sys.stdin.buffer.read())"


# A program of the user's.


def test_a_program_is_given_the_message_as_text(tmp_path: Path) -> None:
    tell(command(keeping(tmp_path / "kept")))
    assert (tmp_path / "kept").read_text("utf-8") == (
        "Postbell: 1 failed\n"
        "\n"
        "Failed: post k7f2 to sky: it is too long.\n"
        "  “Zürich läutet”\n"
        "  Try it again: `postbell retry k7f2`.\n"
    )


@pytest.mark.parametrize("name", ["POSTBELL_NOTIFY__URLS", "postbell_notify__urls", "POSTBELL_NOTIFY"])
def test_a_program_is_given_no_address_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, '["tgram://canary"]')
    monkeypatch.setenv("POSTBELL_DATA_DIR", "/where")
    tell(command(f"import json, os; json.dump(dict(os.environ), open({str(tmp_path / 'env')!r}, 'w'))"))
    given = (tmp_path / "env").read_text("utf-8")
    assert "canary" not in given
    assert json.loads(given)["POSTBELL_DATA_DIR"] == "/where"


def test_a_program_is_given_the_message_as_json(tmp_path: Path) -> None:
    tell(command(keeping(tmp_path / "kept"), as_json=True))
    given = json.loads((tmp_path / "kept").read_text("utf-8"))
    assert given["title"] == "Postbell: 1 failed"
    assert given["counts"] == {"failed": 1}
    assert given["notices"] == [
        {
            "kind": "failed",
            "at": "2026-11-23T09:00:00Z",
            "post": "k7f2",
            "account": "sky",
            "text": "Zürich läutet",
            "message": "Failed: post k7f2 to sky: it is too long.",
            "mend": "Try it again: `postbell retry k7f2`.",
            "told_at": None,
            "over_at": None,
        }
    ]


def test_a_program_may_leave_the_message_unread() -> None:
    body = "x" * 5_000_000
    tell(command("pass"), Message(title="Postbell: a test", body=body))


def test_a_program_that_fails_says_why_at_the_end_of_its_standard_error() -> None:
    script = "import sys; sys.stderr.write('x' * 100_000 + '\\nno \\x1b[31mserver\\n'); sys.exit(3)"
    with pytest.raises(NotTold, match=r" ended with 3: x+ no \?\[31mserver\.$") as said:
        tell(command(script))
    assert len(str(said.value)) < 500


def test_a_program_that_is_killed_is_told_so() -> None:
    with pytest.raises(NotTold, match="was killed by signal 9"):
        tell(command("import os; os.kill(os.getpid(), 9)"))


@pytest.mark.parametrize("words", [("/nowhere/tell",), ("/etc/passwd",), ("/tmp",)])
def test_what_is_no_program_is_told_so(words: tuple[str, ...]) -> None:
    way = Command(words=words, json=False, timeout=5)
    with pytest.raises(NotTold, match=rf"{words[0]} cannot be run: "):
        tell(way)
    with pytest.raises(NotTold, match=f"There is no program {words[0]}"):
        way.check(thoroughly=False)


def test_a_program_that_is_there_passes_the_check() -> None:
    command("pass").check(thoroughly=True)


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(NotTold, match="took longer than 2 s and was killed"):
        tell(command(script, timeout=2))
    assert gone(int((tmp_path / "child").read_text()))


def test_what_a_program_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "    stderr=subprocess.DEVNULL)\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
    )
    tell(command(script))
    assert gone(int((tmp_path / "child").read_text()))


def gone(pid: int, seconds: float = 10) -> bool:
    """Wait until a process that was killed is no more than a zombie."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(FileNotFoundError, ProcessLookupError):
            if "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.01)
                continue
        return True
    os.kill(pid, signal.SIGKILL)
    return False


# What is configured.


def test_every_way_has_a_name_without_a_secret(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    urls.write_text("# mine\n\nmailtos://alice:canary@example.org\n  ntfy://canary  \ncanary\n")
    ways = find_ways(
        NotifySettings(command=("tell",), urls=(SecretStr("tgram://canary/chat"),), urls_file=urls)
    )
    assert [way.name for way in ways] == [
        "command",
        "url 1 (tgram)",
        "url 2 (mailtos)",
        "url 3 (ntfy)",
        "url 4",
    ]
    assert "canary" not in repr(ways)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_of_addresses_that_cannot_be_read_is_a_way_that_fails(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "urls"
    if content is not None:
        path.write_bytes(content)
    (way,) = find_ways(NotifySettings(urls_file=path))
    with pytest.raises(NotTold, match="urls cannot be read: "):
        asyncio.run(way.tell(MESSAGE))


def test_without_apprise_its_ways_say_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    way = Url(name="url 1 (ntfy)", url=SecretStr("ntfy://x"), timeout=5)
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NotTold, match=r"pip install 'postbell\[notify\]'"):
        way.check(thoroughly=False)
    with pytest.raises(NotTold, match="not installed"):
        tell(way)


# Apprise.


def test_an_address_that_apprise_does_not_know_is_found_by_a_thorough_check() -> None:
    way = Url(name="url 1", url=SecretStr("canary://canary"), timeout=5)
    way.check(thoroughly=False)
    with pytest.raises(NotTold, match="does not understand this address") as checked:
        way.check(thoroughly=True)
    with pytest.raises(NotTold, match="does not understand this address") as said:
        tell(way)
    assert "canary" not in f"{checked.value} {said.value}"


def test_an_address_that_apprise_knows_passes_the_check() -> None:
    Url(name="url 1", url=SecretStr("json://127.0.0.1/x"), timeout=5).check(thoroughly=True)


def test_a_service_that_does_not_answer_is_told_without_its_address(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    url = f"json://canaryuser:canarypass@127.0.0.1:{free_port()}/canarypath?+canaryheader=canaryvalue"
    with pytest.raises(NotTold, match=r"It did not take the message: .*") as said:
        tell(Url(name="url 1", url=SecretStr(url), timeout=20))
    everything = [str(said.value), caplog.text, *capfd.readouterr()]
    assert [text for text in everything if "canary" in text] == []


def test_a_service_that_hangs_is_given_up() -> None:
    async def script() -> None:
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        way = Url(name="url 1", url=SecretStr(f"json://127.0.0.1:{port}/?rto=2"), timeout=0.1)
        with pytest.raises(NotTold, match=r"within 0.1 s"):
            await way.tell(MESSAGE)
        server.close()

    asyncio.run(script())
