"""What happens, heard from a real daemon by many at once: a kill and a reconnect leave no gap."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key, revoke_key
from support.children import free_port
from support.home import Home, make_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path)
    made.env["POSTBELL_API__LISTEN"] = f"127.0.0.1:{free_port()}"
    made.connect("folder", "out", {"path": str(tmp_path / "out")})
    return made


@pytest.fixture
def key(home: Home) -> str:
    with home.app() as app:
        return add_key(app.ctx, name="ear", scopes=[Scope.READ])[1]


@dataclass
class Ear:
    """Listens on a thread of its own, and comes back as EventSource does."""

    home: Home
    key: str
    heard: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    after: str | None = None

    def once(self) -> None:
        """Listen until the stream ends."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "text/event-stream"}
        if self.after is not None:
            headers["Last-Event-ID"] = self.after
        url = f"http://{self.home.env['POSTBELL_API__LISTEN']}/api/v1/events"
        self.begun.clear()
        self.ended.clear()
        try:
            with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
                for line in answer.iter_lines():
                    self._take(line)
        except httpx.TransportError:
            pass
        finally:
            self.ended.set()

    def listen(self) -> threading.Thread:
        thread = threading.Thread(target=self.once, daemon=True)
        thread.start()
        assert self.begun.wait(20), self.home.tail()
        return thread

    def _take(self, line: str) -> None:
        if line.startswith("retry:"):
            self.begun.set()
        elif line.startswith("id: "):
            self.after = line.removeprefix("id: ")
            self.heard.append(int(self.after))
        elif line.startswith("data: "):
            self.kinds.append(json.loads(line.removeprefix("data: "))["type"])


def opened(home: Home) -> bool:
    address, _, port = home.env["POSTBELL_API__LISTEN"].partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((address, int(port))) == 0


@pytest.fixture
def ears(home: Home, key: str) -> list[Ear]:
    return [Ear(home=home, key=key) for _ in range(5)]


def test_a_post_is_heard_from_its_writing_to_its_end(home: Home, key: str) -> None:
    ear = Ear(home=home, key=key)
    with home.daemon():
        home.wait_for(lambda: opened(home))
        ear.listen()
        home.add("Hello", "out")
        home.wait_for(lambda: "post.published" in ear.kinds)
    assert ear.kinds == ["post.added", "post.scheduled", "delivery.published", "post.published"]
    assert ear.ended.wait(10), "the stream ends with the daemon"


def test_a_kill_leaves_no_gap_for_who_comes_back(home: Home, ears: list[Ear]) -> None:
    for number in range(3):
        with home.daemon() as process:
            home.wait_for(lambda: opened(home))
            for ear in ears:
                ear.listen()
            home.add(f"Hello {number}", "out")
            home.wait_for(lambda: any("post.published" in ear.kinds[-4:] for ear in ears))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert all(ear.ended.wait(10) for ear in ears)
        home.add(f"Meanwhile {number}", "out", "in 3 d")
    with home.daemon():
        home.wait_for(lambda: opened(home))
        for ear in ears:
            ear.listen()
        last = home.add("The end", "out")
        home.wait_for(lambda: all(ear.kinds.count("post.published") == 4 for ear in ears))
        assert home.post(last).outcome == "published"
    for ear in ears:
        assert ear.heard == list(range(ear.heard[0], ear.heard[-1] + 1))
        assert ear.kinds.count("post.scheduled") == 4 + 3


def test_a_key_that_is_revoked_hears_nothing_more(home: Home, key: str) -> None:
    ear = Ear(home=home, key=key)
    with home.daemon():
        home.wait_for(lambda: opened(home))
        ear.listen()
        with home.app() as app:
            revoke_key(app.ctx, "ear")
        assert ear.ended.wait(10)
        home.add("Hello", "out")
    assert ear.kinds == []
