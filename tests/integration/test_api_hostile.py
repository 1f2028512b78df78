"""A real daemon is sent what somebody may send who means no good: it says no, why, and stays as it was."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key
from support import pictures
from support.home import Home, make_home, said
from support.hostile import ADDRESSES, ANSWERS, FILES, INSIDE, NOT_PUBLIC, hostile_server
from support.pictures import stored


MEDIA = "/api/v1/media"
#: The most that the daemon may grow meanwhile.
MOST_GROWN = 20_000_000


@dataclass(kw_only=True)
class Daemon:
    """A daemon, and what asks it."""

    home: Home
    client: httpx.Client
    pid: int
    #: Where pages are served that it may fetch.
    pages: str

    def send(self, data: bytes) -> httpx.Response:
        return self.client.post(MEDIA, files={"file": ("cat.png", data, "image/png")})

    def fetch(self, *urls: str) -> list[dict[str, Any]]:
        """Let it fetch files; return what became of each."""
        asked = self.client.post(f"{MEDIA}/ingest", json={"files": [{"url": url} for url in urls]})
        assert asked.status_code == 202, asked.text
        path = asked.headers["location"]
        self.home.wait_for(lambda: self.client.get(path).json()["state"] == "ended", 120)
        items: list[dict[str, Any]] = self.client.get(path).json()["items"]
        return items

    def memory(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    home = make_home(tmp_path)
    with hostile_server() as pages, home.app() as app:
        key = add_key(app.ctx, name="key", scopes=[Scope.ADMIN])[1]
        home.env |= {
            "POSTBELL_API__LISTEN": "127.0.0.1:0",
            "POSTBELL_API__REQUESTS_PER_MINUTE": "0",
            "POSTBELL_HTTP__LOCAL_TARGETS": f'["{pages}"]',
            "POSTBELL_MEDIA__PICTURE_MEGABYTES": "2",
            "POSTBELL_MEDIA__VIDEO_MEGABYTES": "100",
            "POSTBELL_MEDIA__FREE_MEGABYTES": "0",
        }
        bearer = {"Authorization": f"Bearer {key}"}
        with home.daemon() as process:
            home.wait_for(lambda: said(home, "api_opened") is not None)
            told = said(home, "api_opened")
            assert told
            with httpx.Client(base_url=told["at"], headers=bearer, timeout=60) as client:
                yield Daemon(home=home, client=client, pid=process.pid, pages=pages)


def test_hostile_files_and_addresses_are_refused_and_leave_nothing_behind(daemon: Daemon) -> None:
    assert len(FILES) + len(ADDRESSES) + len(INSIDE) + len(ANSWERS) >= 60
    assert daemon.send(pictures.png()).status_code == 201
    assert daemon.fetch(f"http://{daemon.pages}/cat.png")[0]["state"] == "done"
    before, files = daemon.memory(), stored(daemon.home.places.media)
    faults = []
    for name, (data, words) in FILES.items():
        answer = daemon.send(data)
        if answer.status_code != 422 or words not in answer.json()["detail"]:
            faults.append((name, answer.status_code, answer.text))
    for url in ADDRESSES:
        answer = daemon.client.post(f"{MEDIA}/ingest", json={"files": [{"url": url}]})
        if answer.status_code != 422 or answer.json()["problems"][0]["pointer"] != "/files/0/url":
            faults.append((url, answer.status_code, answer.text))
    served = [f"http://{daemon.pages}{path}" for path in ANSWERS]
    for url, item in zip([*INSIDE, *served], daemon.fetch(*INSIDE, *served), strict=True):
        words = ANSWERS[url.removeprefix(f"http://{daemon.pages}")][1] if url in served else NOT_PUBLIC
        if item["state"] != "failed" or words not in item["message"]:
            faults.append((url, item["state"], item["message"]))
    assert faults == []
    assert stored(daemon.home.places.media) == files
    assert daemon.memory() - before < MOST_GROWN
    assert daemon.send(pictures.png(41)).status_code == 201
    assert "api_fault" not in daemon.home.log.read_text()


@contextmanager
def another(daemon: Daemon) -> Iterator[httpx.Client]:
    """Kill the daemon and run another one, until the block ends."""
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.home.log.unlink()
    with daemon.home.daemon():
        daemon.home.wait_for(lambda: said(daemon.home, "api_opened") is not None)
        told = said(daemon.home, "api_opened")
        assert told
        with httpx.Client(base_url=told["at"], headers=daemon.client.headers, timeout=60) as client:
            yield client


def test_a_job_is_gone_on_with_after_the_daemon_was_killed(daemon: Daemon) -> None:
    url = f"http://{daemon.pages}/cat.png"
    asked = daemon.client.post(f"{MEDIA}/ingest", json={"files": [{"url": url}] * 20}).json()
    path = f"/api/v1/jobs/{asked['id']}"
    with another(daemon) as client:
        daemon.home.wait_for(lambda: client.get(path).json()["state"] == "ended")
        job = client.get(path).json()
    # What the killed one had half fetched is swept after a day.
    whole = [path.stem for path in stored(daemon.home.places.media) if path.suffix]
    assert job["failed"] == 0
    assert [{each["sha256"] for each in job["items"]}] == [set(whole)]


def test_of_an_upload_that_a_killed_daemon_had_not_answered_nothing_is_stored(daemon: Daemon) -> None:
    answered = daemon.send(pictures.png()).json()["media"][0]
    at = daemon.client.base_url
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + pictures.mp4()
    asked = (
        f"POST {MEDIA} HTTP/1.1\r\nHost: {at.host}\r\nAuthorization: {daemon.client.headers['authorization']}"
        "\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 4000000\r\n\r\n"
    )
    with socket.create_connection((at.host, at.port or 0)) as connection:
        connection.sendall(asked.encode() + head + bytes(3_000_000))
        daemon.home.wait_for(lambda: len(stored(daemon.home.places.media)) == 2)
        with another(daemon) as client:
            assert client.get(MEDIA).json()["media"] == [answered]
            assert len(client.get(f"{MEDIA}/{answered['sha256']}/file").content) == answered["size"]
    with daemon.home.app() as app:
        assert app.ctx.media.sweep(before=app.ctx.now() + timedelta(days=1)) == 1
    assert [path.stem for path in stored(daemon.home.places.media)] == [answered["sha256"]]


def test_a_long_film_is_never_in_memory_as_a_whole(daemon: Daemon) -> None:
    assert daemon.send(pictures.png()).status_code == 201
    before = daemon.memory()
    assert daemon.send(pictures.mp4() + bytes(60_000_000)).status_code == 201
    assert daemon.memory() - before < MOST_GROWN
