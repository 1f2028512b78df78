from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.telegram.api import link_to
from postbell.publishing.web.transport import Connections
from postbell.testing import FakeClock
from support import pictures
from support.fake_telegram import CHANNEL, GROUP, TOKEN, FakeTelegram, Refusal, daemon, file
from support.farside import START, Between, Daemon, FarSide, Strike
from support.served import served


def _fail(here: Daemon, answer: Strike | None = None) -> PublishError:
    """Publish, and return the error; `answer` is given instead of the far side's first one."""
    transport = Between(here.far_side, 0, answer) if answer else None
    with pytest.raises(PublishError) as caught:
        asyncio.run(here.publish(transport))
    return caught.value


def _refused(status: int, why: str, method: str = "sendMessage", **more: Any) -> PublishError:
    here, far_side = daemon()
    far_side.refusals[method] = [Refusal(status, why, **more)]
    return _fail(here)


def _album_refused(folder: Path, status: int, why: str, **more: Any) -> PublishError:
    here, far_side = daemon(media=(file(folder, "a.png"), file(folder, "b.png")))
    far_side.refusals["sendMediaGroup"] = [Refusal(status, why, **more)]
    return _fail(here)


def _says(status: int, **how: Any) -> Strike:
    async def answer(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, request=request, **how)

    return answer


# Refusals


@pytest.mark.parametrize(
    "why",
    [
        "Bad Request: message is too long",
        "Bad Request: can't parse entities: Unsupported start tag",
        "Bad Request: not enough rights to send photos to the chat",
        "Bad Request: BUTTON_URL_INVALID",
    ],
)
def test_what_telegram_refuses_of_one_post_is_rejected(why: str) -> None:
    error = _refused(400, why)
    assert isinstance(error, Rejected)
    assert str(error) == f"Telegram answered 400: {why}"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: need administrator rights in the channel chat"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
        (400, "Bad Request: have no rights to send a message"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
        (400, "Bad Request: message thread not found"),
        (400, "Bad Request: TOPIC_CLOSED"),
        (403, "Forbidden: bot was kicked from the channel chat"),
        (403, "Forbidden: bot is not a member of the supergroup chat"),
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: the group chat was deleted"),
    ],
)
def test_what_would_be_refused_of_every_post_is_the_account_s_trouble(status: int, why: str) -> None:
    error = _refused(status, why)
    assert type(error) is Unauthorized
    assert "Let the bot post there" in str(error)


@pytest.mark.parametrize("why", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
def test_a_topic_of_the_post_s_own_is_no_trouble_of_the_account(why: str) -> None:
    def refused(own: int | None) -> PublishError:
        here, far_side = daemon(chat=GROUP, topic=4, options={"topic": own})
        far_side.refusals["sendMessage"] = [Refusal(400, f"Bad Request: {why}")]
        return _fail(here)

    error = refused(9)
    assert isinstance(error, Rejected)
    assert str(error) == f"Telegram answered 400: Bad Request: {why}. Give the post another topic."
    assert [type(refused(topic)) for topic in (None, 4)] == [Unauthorized, Unauthorized]


def test_a_chat_that_refuses_a_topic_of_the_post_s_own_is_the_account_s_trouble_all_the_same() -> None:
    here, far_side = daemon(chat=GROUP, options={"topic": 9})
    far_side.refusals["sendMessage"] = [Refusal(403, "Forbidden: bot was kicked from the supergroup chat")]
    assert type(_fail(here)) is Unauthorized


@pytest.mark.parametrize(("status", "why"), [(401, "Unauthorized"), (404, "Not Found")])
def test_a_token_that_is_not_valid_is_the_account_s_trouble(status: int, why: str) -> None:
    error = _refused(status, why)
    assert type(error) is Unauthorized
    assert "ask @BotFather" in str(error)


def test_a_method_that_an_old_server_does_not_have_is_no_trouble_of_the_account() -> None:
    assert isinstance(_refused(404, "Not Found: method not found"), Rejected)


def test_the_wait_is_the_one_that_telegram_asks_for() -> None:
    error = _refused(429, "Too Many Requests: retry after 7", retry_after=7)
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("body", "until"),
    [
        ({"description": "Too Many Requests", "parameters": {"retry_after": "7"}}, timedelta(seconds=9)),
        ({"description": "Too Many Requests", "parameters": "soon"}, timedelta(seconds=9)),
    ],
)
def test_where_the_wait_is_not_said_its_header_counts(body: dict[str, Any], until: timedelta) -> None:
    answer = _says(429, json={"ok": False, "error_code": 429, **body}, headers={"retry-after": "9"})
    error = _fail(daemon()[0], answer)
    assert isinstance(error, RateLimited)
    assert error.until == START + until


@pytest.mark.parametrize(
    ("parameters", "seconds"), [({"retry_after": 600}, 600), ({}, 9), ({"retry_after": -7}, 9)]
)
def test_a_server_that_is_busy_is_left_alone_until_the_time_that_it_names(
    parameters: dict[str, Any], seconds: int
) -> None:
    body = {"ok": False, "error_code": 503, "description": "Service Unavailable", "parameters": parameters}
    error = _fail(daemon()[0], _says(503, json=body, headers={"retry-after": "9"}))
    assert isinstance(error, RateLimited)
    assert error.until == START + timedelta(seconds=seconds)


def test_a_wait_beyond_all_time_is_none() -> None:
    error = _refused(429, "Too Many Requests", retry_after=10**30)
    assert isinstance(error, RateLimited)
    assert error.until is None


# Doubt


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_any_trouble_of_the_server_a_post_may_be_public(status: int) -> None:
    assert type(_refused(status, "Internal Server Error: restart")) is Unsure


@pytest.mark.parametrize(
    ("status", "why", "more"),
    [
        (400, 'Bad Request: failed to send message #2 with the error message "FILE_PARTS_INVALID"', {}),
        (400, "Bad Request: group send failed", {}),
        (429, "Too Many Requests: retry after 8", {"retry_after": 8}),
    ],
)
def test_an_album_of_which_one_file_was_refused_may_be_public_in_part(
    tmp_path: Path, status: int, why: str, more: dict[str, Any]
) -> None:
    error = _album_refused(tmp_path, status, why, **more)
    assert type(error) is Unsure
    assert "A part of the album may be public" in str(error)


def test_an_album_that_is_refused_as_a_whole_is_rejected(tmp_path: Path) -> None:
    why = "Bad Request: Can't use the media of the specified type in the album"
    assert isinstance(_album_refused(tmp_path, 400, why), Rejected)


@pytest.mark.parametrize(
    "result",
    [
        None,
        True,
        {},
        {"message_id": 5},
        {"message_id": 5, "chat": 7},
        {"message_id": "5", "chat": {"id": CHANNEL}},
        {"message_id": 5, "chat": {"id": "@bell_tower"}},
    ],
)
def test_an_answer_that_names_no_message_is_a_lost_one(result: Any) -> None:
    assert type(_fail(daemon()[0], _says(200, json={"ok": True, "result": result}))) is Unsure


@pytest.mark.parametrize("result", [[], [7], {"message_id": 5, "chat": {"id": 7}}])
def test_an_album_without_messages_is_a_lost_answer(tmp_path: Path, result: Any) -> None:
    here, _ = daemon(media=(file(tmp_path, "a.png"), file(tmp_path, "b.png")))
    assert type(_fail(here, _says(200, json={"ok": True, "result": result}))) is Unsure


def test_a_refusal_with_a_status_of_success_is_a_lost_answer() -> None:
    assert type(_fail(daemon()[0], _says(200, json={"ok": False, "description": "no"}))) is Unsure


# What does not come from Telegram


@pytest.mark.parametrize(
    "how",
    [
        {"text": "<html>blocked here</html>"},
        {"json": {"error": "no"}},
        {"json": {"ok": False}},
        {"json": [7]},
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_page_of_something_in_front_of_telegram_is_not_its_refusal(
    status: int, how: dict[str, Any]
) -> None:
    error = _fail(daemon()[0], _says(status, **how))
    assert type(error) is Unavailable
    assert str(error).startswith(f"api.telegram.org answered {status}, but not as Telegram does")


def test_a_file_that_is_too_large_for_what_stands_in_front_is_rejected() -> None:
    assert type(_fail(daemon()[0], _says(413, text="Request Entity Too Large"))) is Rejected


def test_a_redirect_is_not_followed_and_does_not_show_the_token() -> None:
    there = f"https://elsewhere.example.com/bot{TOKEN}/sendMessage"
    error = _fail(daemon()[0], _says(302, headers={"location": there}))
    assert type(error) is Rejected
    assert TOKEN not in str(error)


# Where it is asked


def test_a_server_of_one_s_own_is_asked_instead(tmp_path: Path) -> None:
    far_side = FakeTelegram(FakeClock(START))
    media = (file(tmp_path, "a.png"), file(tmp_path, 'Glöckchen "b".png', pictures.png(700, 500)))

    async def send(here: Daemon) -> None:
        connections = Connections()
        await here.publish(connections)
        await connections.aclose()

    with served(far_side) as address:
        far_side.address = address
        asyncio.run(send(daemon(server=address, media=media)[0]))
    (post,) = far_side.public()
    assert [data for data, _ in post.media] == [item.path.read_bytes() for item in media]


def test_the_token_is_not_sent_in_clear() -> None:
    here, far_side = daemon(server="http://telegram.example.com")
    error = _fail(here)
    assert type(error) is Unauthorized
    assert far_side.requests == []


@pytest.mark.parametrize(
    ("chat", "link"),
    [
        ({"id": CHANNEL, "username": "bell_tower"}, "https://t.me/bell_tower/5"),
        ({"id": CHANNEL}, "https://t.me/c/1234567890/5"),
        ({"id": -4455}, None),
        ({"id": 4455, "username": "maria"}, None),
    ],
)
def test_a_message_has_a_link_where_telegram_has_one(chat: dict[str, Any], link: str | None) -> None:
    assert link_to({"message_id": 5, "chat": chat}) == link


def test_a_large_file_has_more_time(tmp_path: Path) -> None:
    seen: list[float] = []
    for size in (100, 1_000_001):
        here, _ = daemon(media=(file(tmp_path, "a.mp4", b"\0\0\0\x18ftypisom" + bytes(size)),))
        http = here._http(None)
        ask: Callable[..., Any] = http.request

        async def noting(*args: Any, ask: Callable[..., Any] = ask, **how: Any) -> Any:
            seen.append(how["deadline"] or 0)
            return await ask(*args, **how)

        http.request = noting  # type: ignore[method-assign]
        asyncio.run(here.subject.network.publish(here.outgoing, None, http))
    assert seen == [0, 300]
