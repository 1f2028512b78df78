"""A daemon that is killed while programs write posts or send files: nothing is half done, lost or twice."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import func, select

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key
from postbell.store.posts import known_ids
from postbell.store.tables.core import post
from support.children import end
from support.home import Home, make_home, said
from support.pictures import long_mp4


_BATCH = 20


class Writer:
    """A program that writes batches, one after the other, each under a key of its own."""

    def __init__(self, base: str, key: str, first: int = 0) -> None:
        self._client = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        self.next = first
        #: The ids of each batch that was answered.
        self.answered: dict[int, list[str]] = {}

    def close(self) -> None:
        self._client.close()

    def write(self, number: int) -> None:
        wish = {"posts": [{"text": f"{number}-{each}"} for each in range(_BATCH)]}
        headers = {"Idempotency-Key": f"batch-{number}"}
        answer = self._client.post("/api/v1/posts/batch", json=wish, headers=headers)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        self.answered[number] = [each["id"] for each in told["posts"]]

    def go_on(self) -> None:
        """Write until nobody answers."""
        try:
            while True:
                self.write(self.next)
                self.next += 1
        except httpx.TransportError:
            return


def stored(home: Home, ids: list[str]) -> tuple[int, int]:
    """Return how many posts there are, and how many of these."""
    with home.app() as app, app.ctx.store.read() as tx:
        return tx.execute(select(func.count()).select_from(post)).scalar_one(), len(known_ids(tx, ids))


@pytest.mark.parametrize("after", [2, 7])
def test_what_was_answered_is_there_once_and_the_rest_wholly_or_not(tmp_path: Path, after: int) -> None:
    home = make_home(tmp_path)
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0", "POSTBELL_API__REQUESTS_PER_MINUTE": "0"}
    with home.app() as app:
        key = add_key(app.ctx, name="writer", scopes=[Scope.WRITE])[1]
    process = home.start()
    home.wait_for(lambda: said(home, "api_opened") is not None)
    writer = Writer((said(home, "api_opened") or {})["at"], key)
    thread = threading.Thread(target=writer.go_on)
    thread.start()
    home.wait_for(lambda: writer.next >= after)
    process.kill()
    thread.join(30)
    writer.close()
    process.wait(30)
    ids = [each for batch in writer.answered.values() for each in batch]
    count, found = stored(home, ids)
    assert found == len(ids)
    assert count in (len(ids), len(ids) + _BATCH)
    assert home.sound()

    home.log.unlink()
    process = home.start()
    try:
        home.wait_for(lambda: said(home, "api_opened") is not None)
        again = Writer((said(home, "api_opened") or {})["at"], key)
        for number in range(writer.next + 1):  # nobody knows what became of the last one
            again.write(number)
        again.close()
    finally:
        end(process)
    assert {number: again.answered[number] for number in writer.answered} == writer.answered
    assert stored(home, []) == ((writer.next + 1) * _BATCH, 0)


@dataclass
class Sender:
    """A program that sends a file in parts, to one daemon after the other."""

    home: Home
    key: str
    _cleaning: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._cleaning.close()

    def start(self) -> subprocess.Popen[bytes]:
        """Start a daemon, and ask it from now on."""
        self.home.log.unlink(missing_ok=True)
        process = self.home.start()
        self._cleaning.callback(end, process)
        self.home.wait_for(lambda: said(self.home, "api_opened") is not None)
        self.client = self.connection()
        return process

    def connection(self) -> httpx.Client:
        """Return one more connection."""
        headers = {"Authorization": f"Bearer {self.key}", "Tus-Resumable": "1.0.0"}
        base = (said(self.home, "api_opened") or {})["at"]
        return self._cleaning.enter_context(httpx.Client(base_url=base, headers=headers, timeout=20))

    def begin(self, length: int) -> str:
        """Begin an upload; return where."""
        answer = self.client.post("/api/v1/uploads", headers={"Upload-Length": str(length)})
        return answer.headers["location"]

    def send(self, at: str, content: Any, offset: int, client: httpx.Client | None = None) -> int:
        """Send a part; return the status."""
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return (client or self.client).patch(at, content=content, headers=headers).status_code

    def offset(self, at: str) -> int:
        """Ask where an upload goes on."""
        return int(self.client.head(at).headers["upload-offset"])

    @contextlib.contextmanager
    def stuck(self, at: str, content: bytes, offset: int) -> Iterator[list[int]]:
        """Have sent a part whose rest does not come before the block ends; yield how it was answered."""
        gone, over, answers = threading.Event(), threading.Event(), list[int]()

        def slowly() -> Iterator[bytes]:
            yield content
            gone.set()
            over.wait(30)

        def send() -> None:
            with contextlib.suppress(httpx.TransportError):
                answers.append(self.send(at, slowly(), offset, self.connection()))

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        assert gone.wait(30)
        yield answers
        over.set()


def test_an_upload_goes_on_where_it_was_told_to_be_and_is_no_file_before_its_end(tmp_path: Path) -> None:
    data = long_mp4(40_000_000)
    home = make_home(tmp_path)
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0", "POSTBELL_API__REQUESTS_PER_MINUTE": "0"}
    with home.app() as app:
        key = add_key(app.ctx, name="writer", scopes=[Scope.ADMIN])[1]
    with Sender(home, key) as sender:
        process = sender.start()
        at = sender.begin(len(data))
        assert sender.send(at, data[:1_000_000], 0) == 204

        process.kill()  # between two parts
        process = sender.start()
        assert sender.offset(at) == 1_000_000

        with sender.stuck(at, data[1_000_000:30_000_000], 1_000_000):
            home.wait_for(lambda: sender.offset(at) > 10_000_000)
            least = sender.offset(at)
            process.kill()  # in the middle of one
        sender.start()

        goes_on = sender.offset(at)
        assert least <= goes_on < 30_000_000
        assert sender.client.get("/api/v1/media").json()["media"] == []
        assert home.sound()
        assert sender.send(at, data[goes_on:], goes_on) == 204
        sha256 = sender.client.get(at).json()["sha256"]
        assert sha256 == hashlib.sha256(data).hexdigest()
        assert sender.client.get(f"/api/v1/media/{sha256}/file").content == data
        assert list(home.places.media.glob(".*")) == []


def test_who_lost_the_connection_goes_on_at_once_behind_what_has_come(tmp_path: Path) -> None:
    data = long_mp4(3_000_000)
    home = make_home(tmp_path)
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0"}
    with home.app() as app:
        key = add_key(app.ctx, name="writer", scopes=[Scope.ADMIN])[1]
    with Sender(home, key) as sender:
        sender.start()
        at = sender.begin(len(data))
        with sender.stuck(at, data[:2_000_000], 0) as lost:
            sender.send(at, b"", sender.offset(at))  # it takes the other one's place
            goes_on = sender.offset(at)
            assert sender.send(at, data[goes_on:], goes_on) == 204
        assert lost in ([], [409])
        sha256 = sender.client.get(at).json()["sha256"]
        assert sha256 == hashlib.sha256(data).hexdigest()
