from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from postbell.testing import FakeClock
from support.fake_threads import TOKEN, FakeThreads
from support.farside import START, Violation


@pytest.fixture
def threads() -> FakeThreads:
    return FakeThreads(FakeClock(START))


def _ask(threads: FakeThreads, method: str, path: str, **values: str) -> httpx.Response:
    said = {"access_token": TOKEN} | values
    how: dict[str, Any] = {"data": said} if method == "POST" else {"params": said}
    request = httpx.Request(method, f"https://graph.threads.com/v1.0/{path}", **how)
    return asyncio.run(threads.handle_async_request(request))


def _container(threads: FakeThreads, **values: str) -> str:
    made = _ask(threads, "POST", "me/threads", **{"media_type": "TEXT", "text": "Hello", **values})
    number: str = made.json()["id"]
    return number


def test_the_stand_in_refuses_what_the_collection_does_not_show(threads: FakeThreads) -> None:
    with pytest.raises(Violation, match=r"POST me/threads: there is no spoiler"):
        _ask(threads, "POST", "me/threads", media_type="TEXT", text="a", spoiler="a")


def test_the_stand_in_refuses_a_call_to_another_server(threads: FakeThreads) -> None:
    with pytest.raises(Violation, match="another server"):
        asyncio.run(threads.handle_async_request(httpx.Request("GET", "http://graph.threads.com/v1.0/me")))


def test_the_stand_in_lets_nothing_be_published_twice(threads: FakeThreads) -> None:
    container = _container(threads)
    _ask(threads, "POST", "me/threads_publish", creation_id=container)
    with pytest.raises(Violation, match="published twice"):
        _ask(threads, "POST", "me/threads_publish", creation_id=container)


def test_a_container_that_is_not_ready_is_not_found(threads: FakeThreads) -> None:
    threads.looks = 1
    container = _container(threads)
    answer = _ask(threads, "POST", "me/threads_publish", creation_id=container)
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 4_279_009)
    assert threads.public() == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": "x" * 501}, "at most 500"),
        ({"text": "🎉" * 126}, "at most 500"),
        ({"text": " "}, "text is required"),
        ({"reply_to_id": "7"}, "does not exist"),
        ({"poll_attachment": '{"option_a": "a"}', "link_attachment": "https://a.example"}, "no attachment"),
        ({"media_type": "CAROUSEL", "children": "7,8"}, "not ready"),
    ],
)
def test_the_stand_in_refuses_what_threads_refuses(
    threads: FakeThreads, values: dict[str, str], reason: str
) -> None:
    answer = _ask(threads, "POST", "me/threads", **{"media_type": "TEXT", "text": "a", **values})
    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]


def test_a_token_that_is_not_known_or_has_ended_is_refused(threads: FakeThreads) -> None:
    assert _ask(threads, "GET", "me", access_token="other").json()["error"]["code"] == 190
    threads.clock.set(threads.tokens[TOKEN][1])
    assert _ask(threads, "GET", "me").json()["error"]["code"] == 190


def test_a_container_ends_after_a_day(threads: FakeThreads) -> None:
    container = _container(threads)
    threads.clock.advance(86_400)
    assert _ask(threads, "GET", container, fields="id,status").json()["status"] == "EXPIRED"


def test_a_post_has_no_state(threads: FakeThreads) -> None:
    post = threads.write("Hello")
    answer = _ask(threads, "GET", post["id"], fields="id,status")
    assert "nonexisting field (status)" in answer.json()["error"]["message"]


def test_a_young_token_must_not_be_renewed(threads: FakeThreads) -> None:
    threads.tokens["new"] = (START, START.replace(year=2027))
    with pytest.raises(Violation, match="on the day on which it was made"):
        _ask(threads, "GET", "refresh_access_token", access_token="new", grant_type="th_refresh_token")
