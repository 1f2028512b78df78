"""Whether a message whose answer was lost is found, or left to the user."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import RateLimited, Rejected, TryLater, Unauthorized, Unsure
from postbell.networks.telegram import network
from postbell.publishing.protocol import Progress, Receipt, Resend, Unknown
from postbell.testing import FakeClock
from support.fake_telegram import (
    CHANNEL,
    GROUP,
    PERSON,
    SERVER,
    SMALL,
    SUBJECT,
    TOKEN,
    FakeTelegram,
    Refusal,
    file,
)
from support.farside import START, Between, Daemon, FarSide, Fault


#: What is said of what is not found behind the first message.
NOT_FOUND = Unknown(
    reason="it is not among the messages behind message 17, the last one known from before it; look yourself"
)
SECRET = {"bot_token": TOKEN, "lookup_chat": str(PERSON)}


def _daemon(
    far_side: FakeTelegram, text: str = "Good morning", *, chat: str = "@bell_tower", **more: Any
) -> Daemon:
    subject = replace(SUBJECT, server=SERVER, credentials={**SECRET, "chat": chat})
    segments = more.pop("segments", ())
    outgoing = subject.outgoing(text, begun_at=far_side.clock.now(), **more)
    outgoing = replace(outgoing, content=replace(outgoing.content, segments=segments))
    return Daemon(subject, outgoing, far_side)


def _lost(
    text: str = "Good morning", *, fault: Fault = Fault.LOST, chat: str = "@bell_tower", **more: Any
) -> tuple[Daemon, FakeTelegram]:
    """Return a daemon whose answer was lost, behind another message of its own that is known."""
    far_side = FakeTelegram(FakeClock(START))
    first = _daemon(far_side, "The first", chat=chat)
    asyncio.run(first.publish())
    far_side.clock.advance(600)
    daemon = _daemon(far_side, text, chat=chat, **more)
    daemon.session = dict(first.session)
    far_side.faults = [fault]
    with pytest.raises(Unsure):
        asyncio.run(daemon.publish())
    far_side.clock.advance(120)
    return daemon, far_side


def _find(daemon: Daemon) -> Any:
    return asyncio.run(daemon.find())


def _others(far_side: FakeTelegram, count: int, text: str = "Theirs", chat: int = CHANNEL) -> None:
    """Let somebody else write there."""
    for _ in range(count):
        far_side._keep(far_side.chats[chat], {"method": "sendMessage", "chat_id": chat, "plain": text}, 0)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Good morning", {}),
        ("  Two\n\nlines ", {}),
        ("<b>1</b> &lt; 2", {"markup": "html"}),
        ("*1* \\< 2", {"markup": "markdown"}),
        ("Which?", {"poll": "this, that"}),
        ("Good **morning** [all](https://a.example)", {"markup": "commonmark"}),
    ],
)
def test_what_is_public_is_found_with_its_number_and_address(text: str, options: dict[str, Any]) -> None:
    daemon, far_side = _lost(text, options=options)
    assert _find(daemon) == Receipt(id=f"{CHANNEL}/18", url="https://t.me/bell_tower/18")
    assert [place for place in far_side.copies.known if place[0] == PERSON] == []  # the copies are deleted


def test_what_is_not_found_is_left_to_the_user() -> None:
    daemon, far_side = _lost(fault=Fault.TIMEOUT)
    assert _find(daemon) == NOT_FOUND
    assert len(far_side.public()) == 1


def test_what_others_wrote_is_passed_over() -> None:
    daemon, far_side = _lost(fault=Fault.TIMEOUT)
    _others(far_side, 2)
    far_side.messages[CHANNEL, 19]["protect_content"] = True  # nobody knows what it says
    assert _find(daemon) == NOT_FOUND
    _others(far_side, 1, "Good morning")
    assert _find(daemon).id == f"{CHANNEL}/20"
    daemon.outgoing = replace(daemon.outgoing, known=frozenset({f"{CHANNEL}/20"}))
    assert _find(daemon) == NOT_FOUND


def test_what_said_the_same_long_before_is_another_message() -> None:
    daemon, far_side = _lost()
    far_side.messages[CHANNEL, 18]["date"] -= 300
    assert _find(daemon) == NOT_FOUND


def test_a_poll_with_other_answers_is_another_one() -> None:
    daemon, far_side = _lost("Which?", options={"poll": "this, that"})
    far_side.messages[CHANNEL, 18]["options"] = [{"text": "this"}]
    assert _find(daemon) == NOT_FOUND


def test_numbers_without_a_message_are_not_the_end_at_once() -> None:
    daemon, far_side = _lost(fault=Fault.TIMEOUT)
    far_side._last[CHANNEL] = 36
    _others(far_side, 1, "Good morning")
    assert _find(daemon).id == f"{CHANNEL}/37"


def test_after_many_messages_of_others_it_is_left_to_the_user() -> None:
    daemon, far_side = _lost(fault=Fault.TIMEOUT)
    _others(far_side, 61)
    assert _find(daemon) == Unknown(reason="more than 60 messages were sent since; look yourself")


def test_where_the_message_before_is_gone_nothing_is_proved() -> None:
    daemon, far_side = _lost()
    del far_side.messages[CHANNEL, 17]
    found = _find(daemon)
    assert found == Unknown(reason="message 17 before it cannot be forwarded, so that the bot cannot look")


def test_what_is_protected_is_left_to_the_user() -> None:
    daemon, _ = _lost(options={"protect": True})
    assert _find(daemon) == Unknown(
        reason="what is protected cannot be forwarded, so that the bot cannot look"
    )


def test_in_a_group_it_is_found_as_in_a_channel() -> None:
    daemon, _ = _lost(chat=str(GROUP))
    assert _find(daemon).id == f"{GROUP}/18"
    daemon, _ = _lost(chat=str(GROUP), fault=Fault.TIMEOUT)
    assert _find(daemon) == NOT_FOUND


@pytest.mark.parametrize("chat", [str(SMALL), str(PERSON)])
def test_a_chat_that_numbers_otherwise_is_left_to_the_user(chat: str) -> None:
    daemon, _ = _lost(chat=chat)
    assert _find(daemon) == Unknown(reason="no message of the chat is known from before it")


def test_the_very_first_message_is_left_to_the_user() -> None:
    far_side = FakeTelegram(FakeClock(START))
    daemon = _daemon(far_side)
    assert isinstance(_find(daemon), Unknown)
    far_side.faults = [Fault.LOST]
    with pytest.raises(Unsure):
        asyncio.run(daemon.publish())
    assert isinstance(_find(daemon), Unknown)


# Files


def test_a_picture_is_known_by_what_stands_below_it(tmp_path: Path) -> None:
    daemon, _ = _lost(media=(file(tmp_path),))
    assert _find(daemon).id == f"{CHANNEL}/18"
    daemon, far_side = _lost(media=(file(tmp_path),), fault=Fault.TIMEOUT)
    _others(far_side, 1, "Good morning")  # without the picture
    assert _find(daemon) == NOT_FOUND


def test_an_album_is_found_whole(tmp_path: Path) -> None:
    daemon, far_side = _lost(media=(file(tmp_path), file(tmp_path, "b.mp4"), file(tmp_path, "c.jpg")))
    assert _find(daemon).id == f"{CHANNEL}/18,19,20"
    _others(far_side, 1)
    del far_side.messages[CHANNEL, 20]
    assert _find(daemon) == Unknown(reason="only 2 of its files are public, from message 18 on")
    del far_side.messages[CHANNEL, 21]
    assert _find(daemon) == Unknown(reason="only 2 of its files are public, from message 18 on")


def test_a_picture_without_a_text_is_shown_to_the_user(tmp_path: Path) -> None:
    daemon, _ = _lost("", media=(file(tmp_path),))
    assert _find(daemon) == Unknown(reason="message 18 may be it; it has no text")


# Threads


def test_of_a_thread_that_is_public_in_part_the_user_decides() -> None:
    daemon, far_side = _lost("One", segments=("Two", "Three"))
    found = _find(daemon)
    assert isinstance(found, Unknown)
    assert found.reason.startswith("part 2 of 3: it is not among the messages behind message 18")
    assert [each.text for each in far_side.public()] == ["The first", "One"]


def test_a_further_part_is_looked_for_behind_the_one_that_it_answers() -> None:
    far_side = FakeTelegram(FakeClock(START))
    daemon = _daemon(far_side, "One", segments=("Two",))

    async def lose(_: FarSide, request: httpx.Request) -> httpx.Response:
        await far_side.handle_async_request(request)
        raise httpx.ReadTimeout("no answer", request=request)

    with pytest.raises(Unsure):
        asyncio.run(daemon.publish(Between(far_side, 1, lose)))
    found = _find(daemon)
    assert found.id == f"{CHANNEL}/17,{CHANNEL}/18"
    daemon.session["last"]["chat"]["id"] = GROUP  # the account has another chat now
    assert isinstance(_find(daemon), Unknown)


# The account


def test_only_an_account_with_a_chat_for_it_looks_up() -> None:
    assert network.resend is Resend.NEVER
    assert network.at({}).resend is Resend.NEVER
    assert network.at({"looks": True}).resend is Resend.LOOK_FIRST


def test_that_is_noted_when_the_account_is_verified() -> None:
    far_side = FakeTelegram(FakeClock(START))
    daemon = _daemon(far_side)
    asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))
    assert daemon.session == {"looks": True}
    without = network.Credentials.model_validate({"bot_token": TOKEN, "chat": "@bell_tower"})
    asyncio.run(network.verify(replace(daemon.outgoing.target, credentials=without), daemon._http(None)))
    assert daemon.session == {"looks": False}


def test_a_chat_that_the_bot_does_not_know_is_told_when_the_account_is_verified() -> None:
    far_side = FakeTelegram(FakeClock(START))
    daemon = _daemon(far_side)
    del far_side.chats[PERSON]
    with pytest.raises(Unauthorized, match="chat not found"):
        asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))


def test_the_chat_is_given_like_the_one_that_is_posted_to() -> None:
    given = {"bot_token": TOKEN, "chat": "@bell_tower", "lookup_chat": "https://t.me/c/1234567890/5"}
    assert network.Credentials.model_validate(given).lookup_chat == "-1001234567890"  # type: ignore[attr-defined]
    network.Credentials.model_validate(given | {"lookup_chat": None})


def test_trouble_with_that_chat_is_not_the_account_s() -> None:
    daemon, far_side = _lost()
    del far_side.chats[PERSON]
    with pytest.raises(Rejected, match="chat not found"):
        _find(daemon)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(401, "Unauthorized"), Unauthorized),
        (Refusal(429, "Too Many Requests: retry after 9", retry_after=9), RateLimited),
    ],
)
def test_a_refusal_to_look_is_told_for_what_it_is(refusal: Refusal, error: type[Exception]) -> None:
    daemon, far_side = _lost()
    far_side.refusals["forwardMessage"] = [refusal]
    with pytest.raises(error):
        _find(daemon)


def test_a_copy_that_cannot_be_deleted_does_no_harm() -> None:
    daemon, far_side = _lost()
    far_side.refusals["deleteMessage"] = [Refusal(400, "Bad Request: message can't be deleted")]
    assert _find(daemon).id == f"{CHANNEL}/18"


def test_what_is_public_stays_so_if_its_number_cannot_be_stored() -> None:
    far_side = FakeTelegram(FakeClock(START))
    daemon = _daemon(far_side)
    http = daemon._http(None)
    http._keeper = _Full()  # type: ignore[assignment]
    ready = asyncio.run(network.publish(daemon.outgoing, None, http))
    assert isinstance(ready, Progress)
    assert isinstance(asyncio.run(network.publish(daemon.outgoing, ready, http)), Receipt)


class _Full:
    """Cannot store anything."""

    async def save(self, session: dict[str, Any]) -> None:
        raise TryLater("the disk is full")


def test_the_rest_of_a_long_text_below_a_picture_is_found_too(tmp_path: Path) -> None:
    far_side = FakeTelegram(FakeClock(START))
    first = _daemon(far_side, "The first")
    asyncio.run(first.publish())
    daemon = _daemon(far_side, " ".join(f"Bell {number}." for number in range(200)), media=(file(tmp_path),))
    daemon.session = dict(first.session)
    far_side.faults = [None, Fault.LOST]  # type: ignore[list-item]
    with pytest.raises(Unsure):
        asyncio.run(daemon.publish())
    assert _find(daemon).id == f"{CHANNEL}/18,{CHANNEL}/19"
