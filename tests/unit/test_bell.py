from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from postbell import bell
from postbell.bell import Listener


_SECONDS = 20


async def rung(folder: Path, by: list[str] | None = None) -> None:
    """Listen until the bell is rung, by this process or by a command."""
    heard = asyncio.Event()
    listener = Listener(folder, heard.set)
    listener.open()
    try:
        if by is None:
            bell.ring(folder)
        else:
            child = await asyncio.create_subprocess_exec(*by)
            await child.wait()
        await asyncio.wait_for(heard.wait(), _SECONDS)
    finally:
        listener.close()


def test_a_ring_is_heard(tmp_path: Path) -> None:
    asyncio.run(rung(tmp_path))


def test_a_ring_of_another_process_is_heard(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from postbell import bell; bell.ring(Path(sys.argv[1]))"
    asyncio.run(rung(tmp_path, [sys.executable, "-c", code, str(tmp_path)]))


def test_a_ring_that_nobody_hears_is_harmless(tmp_path: Path) -> None:
    bell.ring(tmp_path)
    assert list(tmp_path.iterdir()) == []
    bell.ring(tmp_path / "no such folder")


def test_a_ring_after_the_daemon_died_is_harmless(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bell")
    bell.ring(tmp_path)


def test_a_pipe_that_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bell", 0o644)
    asyncio.run(rung(tmp_path))


def test_nothing_is_left_when_the_listening_ends(tmp_path: Path) -> None:
    asyncio.run(rung(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_many_rings_are_heard_at_least_once_and_never_wait(tmp_path: Path) -> None:
    async def many() -> int:
        count, heard = 0, asyncio.Event()

        def hear() -> None:
            nonlocal count
            count += 1
            heard.set()

        listener = Listener(tmp_path, hear)
        listener.open()
        for _ in range(100_000):  # more than the 64 KiB that a pipe holds
            bell.ring(tmp_path)
        await asyncio.wait_for(heard.wait(), _SECONDS)
        listener.close()
        return count

    assert asyncio.run(many()) >= 1


def test_it_is_heard_every_time(tmp_path: Path) -> None:
    async def thrice() -> None:
        heard: asyncio.Queue[None] = asyncio.Queue()
        listener = Listener(tmp_path, lambda: heard.put_nowait(None))
        listener.open()
        for _ in range(3):
            bell.ring(tmp_path)
            await asyncio.wait_for(heard.get(), _SECONDS)
        assert heard.empty()
        listener.close()

    asyncio.run(thrice())


def test_only_the_owner_can_ring(tmp_path: Path) -> None:
    async def mode() -> int:
        listener = Listener(tmp_path, lambda: None)
        listener.open()
        try:
            return (tmp_path / "bell").stat().st_mode & 0o777
        finally:
            listener.close()

    old = os.umask(0)
    try:
        assert asyncio.run(mode()) == 0o600
    finally:
        os.umask(old)


def test_a_link_that_somebody_put_there_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("content")
    (tmp_path / "bell").symlink_to(precious)
    bell.ring(tmp_path)
    assert precious.read_text() == "content"


@pytest.mark.parametrize("content", ["", "a file that was restored without its kind"])
def test_a_file_in_the_place_of_the_pipe_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "bell").write_text(content)
    bell.ring(tmp_path)
    assert (tmp_path / "bell").read_text() == content
