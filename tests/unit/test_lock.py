from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from postbell.errors import DaemonRunning
from postbell.store.lock import DaemonLock


_HOLDER = """
import sys, time
from pathlib import Path
from postbell.store.lock import DaemonLock

lock = DaemonLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    first = DaemonLock(tmp_path)
    first.acquire()
    with pytest.raises(DaemonRunning, match=f"process {os.getpid()}.*kill {os.getpid()}") as said:
        DaemonLock(tmp_path).acquire()
    assert said.value.exit_code == 75
    first.release()


def test_it_can_be_taken_again_after_its_release(tmp_path: Path) -> None:
    first, second = DaemonLock(tmp_path), DaemonLock(tmp_path)
    first.acquire()
    first.release()
    first.release()
    second.acquire()
    assert second.holder() == os.getpid()
    second.release()
    assert second.holder() is None


def test_nobody_holds_what_was_never_taken(tmp_path: Path) -> None:
    assert DaemonLock(tmp_path).holder() is None
    assert not (tmp_path / "daemon.lock").exists()


def test_the_kernel_releases_what_a_dead_process_held(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        mine = DaemonLock(tmp_path)
        assert mine.holder() == child.pid
        with pytest.raises(DaemonRunning, match=str(child.pid)):
            mine.acquire()
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert mine.holder() is None
        mine.acquire()
        mine.release()


def test_a_holder_that_has_not_written_its_number_yet_is_unknown(tmp_path: Path) -> None:
    first = DaemonLock(tmp_path)
    first.acquire()
    first.path.write_bytes(b"")
    with pytest.raises(DaemonRunning, match="process unknown"):
        DaemonLock(tmp_path).acquire()
    first.release()


def test_somebody_who_asks_who_holds_it_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    lock, stop = DaemonLock(tmp_path), threading.Event()
    lock.acquire()
    lock.release()

    def ask() -> None:
        while not stop.is_set():
            DaemonLock(tmp_path).holder()

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(200):
            lock.acquire()
            lock.release()
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def test_the_lock_is_private(tmp_path: Path) -> None:
    lock = DaemonLock(tmp_path)
    lock.acquire()
    lock.release()
    assert lock.path.stat().st_mode & 0o777 == 0o600
