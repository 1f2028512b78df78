"""The judge of requests to Threads: what the collection shows passes, and what it does not is named."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from support.threads_collection import collection


_SPOILER = json.dumps([{"entity_type": "SPOILER", "offset": 0, "length": 4}])


def _faults(method: str, path: str, **values: str) -> str:
    how: dict[str, Any] = {"data": values} if method == "POST" and values else {"params": values}
    request = httpx.Request(method, f"https://graph.threads.com/v1.0/{path}", **how)
    return "; ".join(collection().request_faults(request, request.read()))


@pytest.mark.parametrize(
    ("method", "path", "values"),
    [
        ("POST", "me/threads", {"media_type": "TEXT", "text": "a", "reply_control": "mentioned_only"}),
        ("POST", "me/threads", {"media_type": "TEXT", "text": "a", "text_entities": _SPOILER}),
        ("POST", "me/threads", {"media_type": "TEXT", "text_attachment": '{"plaintext": "a"}'}),
        ("POST", "me/threads", {"media_type": "TEXT", "poll_attachment": '{"option_a": "a"}'}),
        (
            "POST",
            "me/threads",
            {"media_type": "IMAGE", "image_url": "https://a", "quote_post_id": "1"},
        ),
        ("POST", "me/threads", {"media_type": "VIDEO", "video_url": "https://a", "is_carousel_item": "true"}),
        ("POST", "me/threads", {"media_type": "CAROUSEL", "children": "1,2", "is_spoiler_media": "true"}),
        ("POST", "me/threads_publish", {"creation_id": "1", "access_token": "a"}),
        ("GET", "17", {"fields": "id,status,error_message"}),
        ("GET", "17", {"fields": "id,permalink"}),
        ("GET", "me/threads", {"fields": "id,text", "since": "1", "limit": "50", "after": "a"}),
        ("GET", "17/insights", {"metric": "likes,views"}),
        ("DELETE", "17", {}),
    ],
)
def test_what_the_collection_shows_is_no_fault(method: str, path: str, values: dict[str, str]) -> None:
    assert _faults(method, path, **values) == ""


@pytest.mark.parametrize(
    ("method", "path", "values", "fault"),
    [
        ("POST", "me/threads", {"text": "a"}, "media_type is missing"),
        ("POST", "me/threads", {"media_type": "AUDIO"}, "media_type is AUDIO, not "),
        ("POST", "me/threads", {"media_type": "IMAGE"}, "image_url is missing"),
        ("POST", "me/threads", {"media_type": "CAROUSEL"}, "children is missing"),
        ("POST", "me/threads", {"media_type": "TEXT", "txt": "a"}, "there is no txt"),
        ("POST", "me/threads", {"media_type": "TEXT", "text": ""}, "text is empty"),
        (
            *("POST", "me/threads"),
            {"media_type": "IMAGE", "image_url": "https://a.example", "link_attachment": "https://a.example"},
            "there is no link_attachment",
        ),
        ("POST", "me/threads", {"media_type": "TEXT", "reply_control": "nobody"}, "reply_control is none of"),
        ("POST", "me/threads", {"media_type": "TEXT", "is_ghost_post": "1"}, "neither true nor false: 1"),
        ("POST", "me/threads", {"media_type": "TEXT", "poll_attachment": "a"}, "poll_attachment is no JSON"),
        ("POST", "me/threads", {"media_type": "TEXT", "poll_attachment": "[]"}, "of another kind, or empty"),
        (
            "POST",
            "me/threads",
            {"media_type": "TEXT", "poll_attachment": '{"e": "a"}'},
            "has no e",
        ),
        (
            *("POST", "me/threads"),
            {"media_type": "TEXT", "text_entities": '[{"entity_type": "SPOILER"}]'},
            "text_entities lacks something",
        ),
        ("POST", "me/threads_publish", {}, "creation_id is missing"),
        ("GET", "me/threads_publish", {"creation_id": "1"}, "nothing takes GET me/threads_publish"),
        ("GET", "17", {"fields": "id,state"}, "fields has no state"),
        ("GET", "17/insights", {"metric": "hearts"}, "metric has no hearts"),
        ("GET", "17/comments", {}, "nothing takes GET 17/comments"),
        ("GET", "access_token", {"grant_type": "th_exchange_token"}, "client_secret is missing"),
        ("GET", "refresh_access_token", {"grant_type": "refresh_token"}, "grant_type is refresh_token, not"),
    ],
)
def test_what_it_does_not_show_is_named(method: str, path: str, values: dict[str, str], fault: str) -> None:
    assert fault in _faults(method, path, **values)


def test_what_is_said_twice_is_seen() -> None:
    request = httpx.Request("GET", "https://graph.threads.com/17?fields=id&fields=text")
    with pytest.raises(AssertionError, match="said twice"):
        collection().request_faults(request, b"")


def test_an_answer_that_nobody_shows_is_named() -> None:
    request = httpx.Request("GET", "https://graph.threads.com/v1.0/me?fields=id,username")
    assert collection().answer_faults(request, b"", {"id": "1", "username": "a"}) == []
    assert collection().answer_faults(request, b"", {"handle": "a"}) == ["no answer has handle"]
