"""A daemon that is killed while programs write posts: nothing is half stored, lost or stored twice."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from postbell.domain.access import Scope
from postbell.services.keys import add_key
from postbell.store.posts import known_ids
from postbell.store.tables import post
from support.children import end
from support.home import Home, make_home, said


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
