"""Looking through a repository for a post of which nobody knows when it was first tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, Unavailable, Unsure
from postbell.publishing.bluesky import atproto
from postbell.publishing.bluesky.atproto import moment_of, tid
from postbell.publishing.protocol import Absent, Progress, Receipt, Unknown
from support.fake_bluesky import DID, SUBJECT, FakeBluesky, logged_in
from support.farside import START, Daemon


LATER = START + timedelta(minutes=20)


def post(far_side: FakeBluesky, text: str, *, key: str) -> None:
    """Put a record there, as any program may."""
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-23T09:20:00.000Z"}
    far_side.records[key] = record


def find(here: Daemon) -> Receipt | Progress | Absent | Unknown:
    here.outgoing = replace(here.outgoing, forgotten=True)
    return asyncio.run(here.find())


def test_a_key_tells_when_it_was_made() -> None:
    assert moment_of(tid(LATER, 41)) == LATER
    assert moment_of(tid(LATER, 1_023_999)) == LATER


@pytest.mark.parametrize("key", ["self", "3l" * 7, "3lbhz2k8a1s2x"])
def test_any_other_key_tells_nothing(key: str) -> None:
    assert moment_of(key) is None


def test_it_is_found_behind_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    here, far_side = logged_in()
    far_side.page = 2
    post(far_side, "Good morning", key=tid(LATER, 41))
    for number in range(5):
        post(far_side, f"later {number}", key=tid(LATER + timedelta(minutes=1), 50 + number))
    post(far_side, "of another program", key="self")
    found = find(here)
    assert isinstance(found, Receipt)
    assert found.id.endswith(tid(LATER, 41))
    assert far_side.calls() == ["listRecords"] * 4


def test_what_is_older_than_what_the_database_knows_is_not_looked_through() -> None:
    here, far_side = logged_in()
    far_side.page = 1
    for number in range(9):
        post(far_side, "Good morning", key=tid(START - timedelta(hours=1 + number), 7))
    assert find(here) == Absent()
    assert far_side.calls() == ["listRecords"]


@pytest.mark.parametrize(
    ("text", "number"), [("Good morning", 42), ("Good morning, everybody", 41)], ids=["text", "number"]
)
def test_what_is_like_it_may_be_it(text: str, number: int) -> None:
    here, far_side = logged_in()
    post(far_side, text, key=tid(LATER, number))
    found = find(here)
    assert isinstance(found, Unknown)
    assert f"at://{DID}/app.bsky.feed.post/{tid(LATER, number)}" in found.reason


def test_more_than_anybody_would_look_through_is_not_called_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atproto, "_MOST_PAGES", 3)
    here, far_side = logged_in()
    far_side.page = 1
    for number in range(4):
        post(far_side, f"later {number}", key=tid(LATER, 50 + number))
    with pytest.raises(Unavailable, match="300 records"):
        find(here)


@pytest.mark.parametrize(
    "said",
    [{"records": ["none"]}, {"records": [{"uri": 3, "value": {}}]}, {"records": [{}]}, {}, {"records": 1}],
)
def test_a_list_that_is_none_says_nothing(said: Any) -> None:
    here, far_side = logged_in()

    class Odd(FakeBluesky):
        def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
            return httpx.Response(200, json=said, request=request)

    here.far_side = Odd(far_side.clock)
    with pytest.raises(PublishError) as caught:
        find(here)
    assert not isinstance(caught.value, Unsure)


def test_the_subject_is_one_that_can_be_asked() -> None:
    assert SUBJECT.network.finds
