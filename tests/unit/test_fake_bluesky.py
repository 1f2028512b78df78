from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from postbell.testing import FakeClock
from support.fake_bluesky import DID, PDS, FakeBluesky, logged_in
from support.farside import START, Violation


def _put(far_side: FakeBluesky, session: dict[str, Any], **changes: Any) -> httpx.Response:
    record = {"$type": "app.bsky.feed.post", "text": "Grüße", "createdAt": "2026-11-23T09:00:00.000Z"}
    body = {
        "repo": DID,
        "collection": "app.bsky.feed.post",
        "rkey": "3jzfcijpj2z2a",
        "record": record | changes,
        "swapRecord": None,
        "validate": True,
    }
    headers = {"authorization": f"Bearer {session['access_jwt']}"}
    request = httpx.Request(
        "POST", f"https://{PDS}/xrpc/com.atproto.repo.putRecord", json=body, headers=headers
    )
    return asyncio.run(far_side.handle_async_request(request))


def _tag(start: int, end: int, tag: str) -> dict[str, Any]:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": tag}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


@pytest.mark.parametrize(
    ("text", "facets", "message"),
    [
        ("Grüße", [_tag(0, 3, "x")], "cuts a character"),
        ("#one", [_tag(0, 5, "one")], "outside the text"),
        ("#one", [_tag(2, 2, "one")], "is empty"),
        ("#one", [_tag(0, 4, "one"), _tag(0, 4, "one")], "overlaps"),
        ("#one", [_tag(0, 4, "two")], "'#one' is marked as"),
    ],
)
def test_the_stand_in_refuses_facets_that_readers_would_suffer_from(
    text: str, facets: list[dict[str, Any]], message: str
) -> None:
    here, far_side = logged_in()
    with pytest.raises(Violation, match=message):
        _put(far_side, here.session, text=text, facets=facets)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "x" * 301}, "Graphemes 301"),
        ({"createdAt": "today"}, "not a datetime"),
        ({"langs": ["en", "de", "fr", "es"]}, "Length 4"),
    ],
)
def test_the_stand_in_refuses_what_the_lexicon_forbids(changes: dict[str, Any], message: str) -> None:
    here, far_side = logged_in()
    answer = _put(far_side, here.session, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert message in answer.json()["message"]


def test_the_stand_in_does_not_take_a_name_that_no_lexicon_knows_for_a_refusal() -> None:
    here, far_side = logged_in()
    with pytest.raises(Violation, match="title is not known"):
        _put(far_side, here.session, title="Hello")


def test_the_stand_in_refuses_a_call_to_the_wrong_server() -> None:
    request = httpx.Request("POST", "https://bsky.social/xrpc/com.atproto.repo.putRecord", json={})
    with pytest.raises(Violation, match=PDS):
        asyncio.run(FakeBluesky(FakeClock(START)).handle_async_request(request))
