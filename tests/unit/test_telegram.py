from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postbell.domain.film import Film
from postbell.errors import Rejected
from postbell.networks.telegram import network
from postbell.publishing.protocol import Receipt
from postbell.publishing.telegram.options import Credentials
from support.fake_telegram import (
    CHANNEL,
    GROUP,
    PERSON,
    SMALL,
    TOKEN,
    UPGRADED,
    daemon,
    file,
)
from support.farside import Daemon


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


def _sent(text: str = "Good morning", chat: int | str = "@bell_tower", **more: Any) -> dict[str, Any]:
    """Publish, and return the parameters of the last message as the far side had them."""
    here, far_side = daemon(text, chat, **more)
    _publish(here)
    return far_side.last()


# Where it goes


def test_a_channel_is_named_by_its_name() -> None:
    receipt = _publish(daemon()[0])
    assert receipt == Receipt(id=f"{CHANNEL}/17", url="https://t.me/bell_tower/17")


def test_a_chat_without_a_name_is_given_as_a_number() -> None:
    here, far_side = daemon(chat=GROUP)
    assert _publish(here) == Receipt(id=f"{GROUP}/17", url="https://t.me/c/9876543210/17")
    assert far_side.last()["chat_id"] == GROUP


@pytest.mark.parametrize("chat", [SMALL, PERSON])
def test_messages_of_small_groups_and_of_people_have_no_address(chat: int) -> None:
    assert _publish(daemon(chat=chat)[0]) == Receipt(id=f"{chat}/17", url=None)


def test_a_message_to_a_person_with_a_name_has_no_address() -> None:
    here, far_side = daemon(chat=PERSON)
    far_side.chats[PERSON]["username"] = "maria"
    assert _publish(here).url is None


def test_a_topic_is_named() -> None:
    assert _sent(chat=GROUP, topic=5)["message_thread_id"] == 5


def test_a_group_that_has_become_a_supergroup_is_followed_for_good() -> None:
    here, far_side = daemon(chat=SMALL)
    far_side.upgraded = True
    receipt = _publish(here)
    assert receipt.id == f"{UPGRADED}/17"
    assert receipt.warnings == (
        f"The group is a supergroup now: reconnect the account with chat={UPGRADED}.",
    )
    _publish(here)
    assert far_side.calls() == ["sendMessage"] * 3
    assert [chat for chat, _ in far_side.messages] == [UPGRADED, UPGRADED]


def test_an_account_with_another_chat_does_not_follow_the_group_of_before() -> None:
    here, _ = daemon(chat=GROUP)
    here.session = {"moved": {"from": SMALL, "to": UPGRADED}}
    assert _publish(here) == Receipt(id=f"{GROUP}/17", url="https://t.me/c/9876543210/17")


@pytest.mark.parametrize(
    ("given", "chat"),
    [
        (" @bell_tower", "@bell_tower"),
        ("-1001234567890", "-1001234567890"),
        ("https://t.me/bell_tower", "@bell_tower"),
        ("https://t.me/c/1234567890/5", "-1001234567890"),
    ],
)
def test_a_chat_may_be_given_as_a_link(given: str, chat: str) -> None:
    read = Credentials.model_validate({"bot_token": TOKEN, "chat": given})
    assert read.chat == chat


@pytest.mark.parametrize("chat", ["bell_tower", "@x", "https://t.me/+abcdef", "12a", ""])
def test_what_is_no_chat_is_refused(chat: str) -> None:
    with pytest.raises(ValidationError, match="give the @name of the chat"):
        Credentials.model_validate({"bot_token": TOKEN, "chat": chat})


@pytest.mark.parametrize("token", ["", "123456", "ABC:123456789012", "12:3", f"{TOKEN}/x"])
def test_what_is_no_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValidationError, match="that is no token") as caught:
        Credentials.model_validate({"bot_token": token, "chat": "@bell_tower"})
    assert not token or token not in str(caught.value)


def test_blanks_around_a_token_do_not_matter() -> None:
    read = Credentials.model_validate({"bot_token": f" {TOKEN}\n", "chat": "@bell_tower"})
    assert read.bot_token.get_secret_value() == TOKEN


# What a text becomes


def test_a_plain_text_goes_out_as_it_is() -> None:
    sent = _sent("1 < 2 *really*. #bells")
    assert {name: value for name, value in sent.items() if name != "date"} == {
        "method": "sendMessage",
        "chat_id": "@bell_tower",
        "text": "1 < 2 *really*. #bells",
        "plain": "1 < 2 *really*. #bells",
        "post": 17,
    }


@pytest.mark.parametrize(
    ("markup", "mode", "text"),
    [("html", "HTML", "<b>Good</b> &amp; old"), ("markdown", "MarkdownV2", "*Good* & old")],
)
def test_markup_is_announced(markup: str, mode: str, text: str) -> None:
    sent = _sent(text, options={"markup": markup})
    assert (sent["parse_mode"], sent["plain"]) == (mode, "Good & old")


@pytest.mark.parametrize(
    ("markup", "line"),
    [
        ("text", "https://example.com/a_b?c=1&d=2"),
        ("html", "https://example.com/a_b?c=1&amp;d=2"),
        ("markdown", r"https://example\.com/a\_b?c\=1&d\=2"),
    ],
)
def test_a_link_that_the_text_lacks_is_its_last_line(markup: str, line: str) -> None:
    link = "https://example.com/a_b?c=1&d=2"
    assert _sent("Look ", link=link, options={"markup": markup})["text"] == f"Look\n{line}"
    assert _sent(f"Look: {line}", link=link, options={"markup": markup})["text"] == f"Look: {line}"
    assert _sent("", link=link, options={"markup": markup})["text"] == line


@pytest.mark.parametrize(
    ("markup", "text", "line"),
    [
        ("text", "https://example.com/a/b", "https://example.com/a"),
        ("html", '<a href="https://example.com/a/b">Look</a>', "https://example.com/a"),
        ("markdown", r"https://example\.com/a/b", r"https://example\.com/a"),
        ("commonmark", "[Look](https://example.com/a/b)", "https://example.com/a"),
    ],
)
def test_a_link_that_only_begins_another_one_is_lacking(markup: str, text: str, line: str) -> None:
    said = _sent(text, link="https://example.com/a", options={"markup": markup})["text"]
    assert said.splitlines()[-1] == line


def test_the_link_of_a_post_is_the_one_that_is_previewed() -> None:
    sent = _sent("See https://example.com/other", link="https://example.com/this")
    assert sent["link_preview_options"] == {"url": "https://example.com/this"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"preview": "off"}, {"is_disabled": True}),
        ({"preview": "small"}, {"url": "https://example.com/", "prefer_small_media": True}),
        ({"preview": "large"}, {"url": "https://example.com/", "prefer_large_media": True}),
        ({"preview_above": True}, {"show_above_text": True}),
    ],
)
def test_the_preview_is_as_asked(options: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert _sent("Look: https://example.com/", options=options).get("link_preview_options") == expected


def test_the_size_of_a_preview_needs_a_link_that_is_certain() -> None:
    sent = _sent(r"https://example\.com", options={"preview": "small", "markup": "markdown"})
    assert "link_preview_options" not in sent


def test_a_post_can_be_silent_and_protected() -> None:
    sent = _sent(options={"silent": True, "protect": True})
    assert (sent["disable_notification"], sent["protect_content"]) == (True, True)


def test_buttons_stand_below_each_other() -> None:
    buttons = ["Our page https://example.org/a?b=c", "Join  tg://resolve?domain=bell_tower"]
    assert _sent(options={"buttons": buttons})["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "Our page", "url": "https://example.org/a?b=c"}],
            [{"text": "Join", "url": "tg://resolve?domain=bell_tower"}],
        ]
    }


def test_buttons_of_a_row_stand_beside_each_other() -> None:
    buttons = ["A https://a.example | B|b https://b.example", "C https://c.example"]
    rows = _sent(options={"buttons": buttons})["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in row] for row in rows] == [["A", "B|b"], ["C"]]


def test_a_button_without_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="a button is its words and then an address"):
        network.Options.model_validate({"buttons": ["Our page"]})
    with pytest.raises(ValidationError, match="a button is its words and then an address"):
        network.Options.model_validate({"buttons": ["A https://a.example | Our page"]})


# Files


@pytest.mark.parametrize(
    ("name", "method", "more"),
    [
        ("bell.png", "sendPhoto", {}),
        ("bell.jpg", "sendPhoto", {}),
        ("bell.webp", "sendPhoto", {}),
        ("bell.gif", "sendAnimation", {}),
        ("bell.mp4", "sendVideo", {"width": 40, "height": 30, "supports_streaming": True}),
        ("bell.mov", "sendDocument", {"disable_content_type_detection": True}),
    ],
)
def test_a_file_goes_out_as_what_it_is(tmp_path: Path, name: str, method: str, more: dict[str, Any]) -> None:
    item = file(tmp_path, name)
    sent = _sent("Look", media=(item,))
    assert {key: sent[key] for key in ("method", "caption", *more)} == {
        "method": method,
        "caption": "Look",
        **more,
    }
    assert (sent["file"].name, sent["file"].data) == (name, item.path.read_bytes())


def test_a_file_can_go_out_just_as_it_is(tmp_path: Path) -> None:
    sent = _sent("", media=(file(tmp_path, "bell.gif"),), options={"as_files": True, "spoiler": True})
    assert sent["method"] == "sendDocument"
    assert sent.keys().isdisjoint({"caption", "parse_mode", "has_spoiler"})


def test_a_name_without_an_ending_gets_one(tmp_path: Path) -> None:
    item = replace(file(tmp_path), name="my bell")
    assert _sent(media=(item,))["file"].name == "my bell.png"


def test_a_video_that_could_not_be_measured_goes_out_too(tmp_path: Path) -> None:
    sent = _sent(media=(file(tmp_path, "bell.mp4", width=None, height=None),))
    assert sent.keys().isdisjoint({"width", "height"})


def test_it_is_told_how_long_a_video_is(tmp_path: Path) -> None:
    assert _sent(media=(file(tmp_path, "bell.mp4", film=Film(seconds=12.6)),))["duration"] == 13


def test_files_can_be_covered_and_have_the_text_above(tmp_path: Path) -> None:
    options = {"spoiler": True, "caption_above": True, "silent": True, "buttons": ["A https://example.org"]}
    sent = _sent("<i>Look</i>", chat=GROUP, media=(file(tmp_path),), options={"markup": "html", **options})
    assert (sent["has_spoiler"], sent["show_caption_above_media"], sent["parse_mode"]) == (True, True, "HTML")
    assert (sent["chat_id"], sent["disable_notification"]) == (GROUP, True)
    assert sent["reply_markup"]["inline_keyboard"][0][0]["text"] == "A"


def test_an_album_has_its_text_at_the_first_file(tmp_path: Path) -> None:
    media = (file(tmp_path, "a.png"), file(tmp_path, "b.mp4"), file(tmp_path, "c.jpg"))
    here, far_side = daemon("*Look*", media=media, options={"markup": "markdown", "spoiler": True})
    assert _publish(here) == Receipt(id=f"{CHANNEL}/17,18,19", url="https://t.me/bell_tower/17")
    sent = list(far_side.messages.values())
    assert [item["type"] for item in sent] == ["photo", "video", "photo"]
    assert [item.get("caption") for item in sent] == ["*Look*", None, None]
    assert [item["has_spoiler"] for item in sent] == [True, True, True]
    assert [item["file"].name for item in sent] == ["a.png", "b.mp4", "c.jpg"]


def test_an_album_can_be_of_files(tmp_path: Path) -> None:
    media = (file(tmp_path, "a.gif"), file(tmp_path, "b.mov"))
    here, far_side = daemon(media=media, options={"as_files": True})
    _publish(here)
    assert [item["type"] for item in far_side.messages.values()] == ["document", "document"]


def test_a_file_that_is_gone_is_told_before_any_request(tmp_path: Path) -> None:
    item = file(tmp_path)
    item.path.unlink()
    here, far_side = daemon(media=(item,))
    with pytest.raises(Rejected, match=r"The stored file of bell\.png is gone"):
        _publish(here)
    assert far_side.requests == []


# Polls


def test_a_poll_asks_the_text() -> None:
    sent = _sent("Shall it ring?", options={"poll": "Yes, No"})
    assert (sent["method"], sent["question"], sent["is_anonymous"]) == ("sendPoll", "Shall it ring?", True)
    assert sent["options"] == [{"text": "Yes"}, {"text": "No"}]
    assert sent["allows_multiple_answers"] is False


def test_a_poll_can_be_public_and_take_several_answers() -> None:
    options = {"poll": ["One, two", "Three"], "poll_public": True, "poll_multiple": True, "protect": True}
    sent = _sent("How many?", chat=GROUP, options=options)
    assert (sent["is_anonymous"], sent["allows_multiple_answers"], sent["protect_content"]) == (
        False,
        True,
        True,
    )
    assert sent["options"][0] == {"text": "One, two"}


def test_a_quiz_has_a_right_answer() -> None:
    options = {"poll": "1870, 1872", "quiz_answer": 2}
    sent = _sent("When was it cast?", options=options)
    assert (sent["type"], sent["correct_option_ids"]) == ("quiz", [1])
    assert "explanation" not in sent
    assert _sent("When?", options={**options, "quiz_explanation": "See its rim."})["explanation"]


@pytest.mark.parametrize("answers", [["Yes", " "], ["Yes", "x" * 101], ["x"] * 13])
def test_answers_that_telegram_refuses_are_refused(answers: list[str]) -> None:
    with pytest.raises(ValidationError):
        network.Options.model_validate({"poll": answers})


def test_a_poll_closes_and_keeps_its_results_to_itself_until_then() -> None:
    options = {"poll": "Yes, No", "poll_expires_in": 600, "poll_hide_results": True}
    sent = _sent("Shall we?", options=options)
    assert (sent["open_period"], sent["hide_results_until_closes"]) == (600, True)
    plain = _sent("Shall we?", options={"poll": "Yes, No"})
    assert not {"open_period", "hide_results_until_closes"} & plain.keys()


def test_the_topic_of_a_post_goes_before_that_of_its_account() -> None:
    made, far_side = daemon(chat=GROUP, topic=4, options={"topic": 9})
    asyncio.run(made.publish())
    assert far_side.last()["message_thread_id"] == 9
