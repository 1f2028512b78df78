"""The stand-in for Telegram, and the description of the API by which it judges, catch what is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from postbell.testing import FakeClock
from support.bot_methods import Upload, methods
from support.fake_telegram import TOKEN, FakeTelegram
from support.farside import START, TooMuch, Violation
from support.forms import is_form, read_form


_TEXT = {"chat_id": "@bell_tower", "text": "Good morning"}
_PHOTO = {"type": "photo", "media": "attach://file1"}
_PNG = b"\x89PNG"


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("getMe", {}),
        ("sendMessage", _TEXT),
        ("sendMessage", {**_TEXT, "chat_id": -1001234567890, "message_thread_id": 5}),
        ("sendMessage", {**_TEXT, "link_preview_options": {"is_disabled": True}}),
        ("sendMessage", {**_TEXT, "reply_markup": {"inline_keyboard": [[{"text": "A", "url": "x"}]]}}),
        ("sendPhoto", {"chat_id": 5, "photo": Upload()}),
        ("sendMediaGroup", {"chat_id": 5, "media": [_PHOTO, {**_PHOTO, "type": "video", "width": 4}]}),
        ("sendPoll", {"chat_id": 5, "question": "Why?", "options": [{"text": "A"}]}),
    ],
)
def test_what_the_description_allows_is_right(method: str, values: dict[str, Any]) -> None:
    assert methods().faults(method, values) == []


@pytest.mark.parametrize(
    ("method", "values", "fault"),
    [
        ("sendMesage", _TEXT, "there is no method sendMesage"),
        ("sendMessage", {"text": "x"}, "sendMessage needs chat_id"),
        (
            "sendMessage",
            {**_TEXT, "disable_web_page_preview": True},
            "does not know disable_web_page_preview",
        ),
        ("sendMessage", {**_TEXT, "chat_id": 1.5}, "sendMessage.chat_id is no"),
        ("sendMessage", {**_TEXT, "chat_id": True}, "sendMessage.chat_id is no"),
        ("sendMessage", {**_TEXT, "message_thread_id": "5"}, "message_thread_id is no Integer"),
        ("sendMessage", {**_TEXT, "disable_notification": 1}, "disable_notification is no Boolean"),
        ("sendMessage", {**_TEXT, "text": "x" * 4097}, "sendMessage.text has the length 4097"),
        ("sendMessage", {**_TEXT, "text": ""}, "sendMessage.text has the length 0"),
        ("sendMessage", {**_TEXT, "link_preview_options": {"disabled": True}}, "does not know disabled"),
        ("sendMessage", {**_TEXT, "link_preview_options": "no"}, "is no LinkPreviewOptions"),
        ("sendMessage", {**_TEXT, "reply_markup": {"inline_keyboard": [{"text": "A"}]}}, "reply_markup"),
        ("sendMessage", {**_TEXT, "reply_markup": {"inline_keyboard": [[{"url": "x"}]]}}, "needs text"),
        ("sendPhoto", {"chat_id": 5, "photo": 7}, "sendPhoto.photo is no"),
        ("sendPhoto", {"chat_id": 5, "photo": Upload(), "supports_streaming": True}, "does not know"),
        ("sendPhoto", {"chat_id": 5, "photo": Upload(), "caption": "x" * 1025}, "has the length 1025"),
        ("sendMediaGroup", {"chat_id": 5, "media": [_PHOTO]}, "has the length 1"),
        ("sendMediaGroup", {"chat_id": 5, "media": [_PHOTO, {**_PHOTO, "type": "gif"}]}, "media[1].type"),
        ("sendMediaGroup", {"chat_id": 5, "media": [_PHOTO, {"type": "photo"}]}, "media[1] needs media"),
        ("sendMediaGroup", {"chat_id": 5, "media": [_PHOTO] * 2, "reply_markup": {}}, "know reply_markup"),
        (
            "sendPoll",
            {"chat_id": 5, "question": "Why?", "options": ["A"]},
            "options[0] is no InputPollOption",
        ),
        ("sendPoll", {"chat_id": 5, "question": "Why?", "options": []}, "options has the length 0"),
        ("sendPoll", {"chat_id": 5, "question": "Why?", "options": [{"text": "x" * 101}]}, "length 101"),
        ("sendPoll", {"chat_id": 5, "question": "x" * 301, "options": [{"text": "A"}]}, "length 301"),
    ],
)
def test_what_the_description_does_not_allow_is_caught(
    method: str, values: dict[str, Any], fault: str
) -> None:
    assert any(fault in found for found in methods().faults(method, values))


def test_a_text_with_markup_may_be_longer_before_it_is_read() -> None:
    assert methods().faults("sendMessage", {**_TEXT, "text": "x" * 5000, "parse_mode": "HTML"}) == []


def _ask(method: str, *, token: str = TOKEN, how: str = "POST", **sent: Any) -> httpx.Response:
    far_side = FakeTelegram(FakeClock(START))
    request = httpx.Request(how, f"https://api.telegram.org/bot{token}/{method}", **sent)
    return asyncio.run(far_side.handle_async_request(request))


def test_a_right_request_is_answered() -> None:
    said = _ask("sendMessage", json=_TEXT).json()
    assert (said["ok"], said["result"]["message_id"]) == (True, 17)


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("sendMessage", {"json": {**_TEXT, "silent": True}}),
        ("sendMessage", {"json": {"chat_id": "@bell_tower"}}),
        ("sendMessage", {"json": {**_TEXT, "text": ""}}),
        ("sendMessage", {"json": _TEXT, "how": "GET"}),
        ("sendMessage", {"data": _TEXT}),
        ("sendPhoto", {"data": {"chat_id": "5"}, "files": {"video": ("a.mp4", b"x", "video/mp4")}}),
        ("sendPhoto", {"data": {"chat_id": "5"}, "files": {"photo": ("a.gif", b"GIF8", "image/gif")}}),
        ("sendPhoto", {"data": {"chat_id": "5"}, "files": {"photo": ("a", _PNG, "image/png")}}),
        (
            "sendMediaGroup",
            {
                "data": {"chat_id": "5", "media": json.dumps([_PHOTO, _PHOTO])},
                "files": {"file1": ("a.png", _PNG, "image/png")},
            },
        ),
    ],
)
def test_a_wrong_request_is_a_violation(method: str, sent: dict[str, Any]) -> None:
    sent = {name: value if name != "data" else dict(value) for name, value in sent.items()}
    if "data" in sent and "files" in sent:
        sent["data"]["chat_id"] = "99887766"
    with pytest.raises(Violation) as caught:
        _ask(method, **sent)
    assert not isinstance(caught.value, TooMuch)


def test_what_is_only_too_long_is_told_from_what_is_wrong_besides() -> None:
    longer = {**_TEXT, "text": "x" * 4097}
    with pytest.raises(TooMuch, match="length 4097"):
        _ask("sendMessage", json=longer)
    with pytest.raises(Violation) as caught:
        _ask("sendMessage", json={**longer, "silent": True})
    assert not isinstance(caught.value, TooMuch)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({**_TEXT, "chat_id": "@nobody_here"}, "chat not found"),
        ({**_TEXT, "text": "<b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ({**_TEXT, "text": "x" * 4097, "parse_mode": "HTML"}, "message is too long"),
        ({**_TEXT, "text": "1.5", "parse_mode": "MarkdownV2"}, "Character '.' is reserved"),
    ],
)
def test_what_telegram_refuses_is_refused(values: dict[str, Any], why: str) -> None:
    answer = _ask("sendMessage", json=values)
    assert answer.status_code == 400
    assert why in answer.json()["description"]


def test_another_token_is_refused() -> None:
    assert _ask("getMe", token="1:2", json={}).json() == {
        "ok": False,
        "error_code": 401,
        "description": "Unauthorized",
    }


def test_a_form_is_read_with_its_bytes() -> None:
    data = b"\r\n--x\r\n\0"
    files = {"file": ("ä b.png", data, "image/png")}
    request = httpx.Request("POST", "https://example.com", data={"a": "1", "b": "ü"}, files=files)
    request.read()
    assert is_form(request)
    form = read_form(request)
    assert form.fields == {"a": "1", "b": "ü"}
    (only,) = form.files.values()
    assert (only.data, only.mime) == (data, "image/png")


def test_what_is_no_form_is_told() -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    with pytest.raises(ValueError, match="does not begin or end"):
        read_form(httpx.Request("POST", "https://example.com", content=b"abc", headers=headers))
