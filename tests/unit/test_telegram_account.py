"""Telegram after publishing, and its accounts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Rejected
from postbell.networks.telegram import network
from postbell.publishing.protocol import Profile, Receipt
from support import pictures
from support.fake_telegram import CHANNEL, GROUP, PERSON, SMALL, UPGRADED, Refusal, daemon, file
from support.farside import Daemon


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


# After publishing


def test_a_post_is_pinned() -> None:
    here, far_side = daemon(options={"pin": True, "silent": True})
    assert _publish(here).warnings == ()
    assert far_side.pinned == [(CHANNEL, 17)]


def test_a_post_that_cannot_be_pinned_is_public_all_the_same() -> None:
    here, far_side = daemon(options={"pin": True})
    why = "Bad Request: not enough rights to manage pinned messages in the chat"
    far_side.refusals["pinChatMessage"] = [Refusal(400, why)]
    assert _publish(here).warnings == (f"It is not pinned: Telegram answered 400: {why}",)
    assert len(far_side.public()) == 1


def test_what_is_known_to_be_public_is_not_looked_for_when_its_pin_was_interrupted() -> None:
    here, far_side = daemon(options={"pin": True})
    receipt = _publish(here)
    asked = len(far_side.requests)
    assert asyncio.run(here.find()).id == receipt.id  # type: ignore[union-attr]
    assert len(far_side.requests) == asked


def test_the_preview_tells_of_the_pin_and_of_the_files_but_not_of_the_token(tmp_path: Path) -> None:
    here, _ = daemon(media=(file(tmp_path), file(tmp_path, "b.jpg")), options={"pin": True})
    first, second = network.preview(here.outgoing)
    assert first.url == "https://api.telegram.org/bot<bot token>/sendMediaGroup"
    assert first.body["file2"] == f"<b.jpg, {len(pictures.jpeg())} bytes>"
    assert second.url == "https://api.telegram.org/bot<bot token>/pinChatMessage"


def test_every_message_of_an_album_is_taken_away(tmp_path: Path) -> None:
    here, far_side = daemon(media=(file(tmp_path, "a.png"), file(tmp_path, "b.png")))
    name = _publish(here).id
    del far_side.messages[CHANNEL, 17]  # somebody was faster
    asyncio.run(here.delete(name))
    assert far_side.messages == {}
    assert far_side.calls()[1:] == ["deleteMessage"] * 2


def test_a_message_that_may_not_be_deleted_is_told() -> None:
    here, far_side = daemon()
    name = _publish(here).id
    far_side.refusals["deleteMessage"] = [Refusal(400, "Bad Request: message can't be deleted")]
    with pytest.raises(Rejected, match="message can't be deleted"):
        asyncio.run(here.delete(name))


def test_nothing_is_deleted_in_a_group_that_has_moved() -> None:
    here, far_side = daemon(chat=SMALL)
    name = _publish(here).id
    far_side.messages[UPGRADED, 17] = {"post": 17, "plain": "somebody else's"}
    far_side.upgraded = True
    with pytest.raises(Rejected, match="upgraded to a supergroup"):
        asyncio.run(here.delete(name))
    assert (UPGRADED, 17) in far_side.messages


# The account


def _verify(here: Daemon) -> Profile:
    return asyncio.run(network.verify(here._outgoing().target, here._http(None)))


def test_an_account_is_its_chat() -> None:
    here, far_side = daemon()
    assert _verify(here) == Profile(handle="@bell_tower", url="https://t.me/bell_tower")
    assert far_side.calls() == ["getMe", "getChat", "getChatMember", "getChatMember"]
    assert _verify(daemon(chat=GROUP)[0]) == Profile(handle="Ringers")


def test_a_person_is_told_by_the_first_name() -> None:
    here, far_side = daemon(chat=PERSON)
    far_side.member = {"status": "member"}
    assert _verify(here) == Profile(handle="Maria")


def test_a_group_that_has_moved_is_verified_where_it_is_now() -> None:
    here, _ = daemon(chat=SMALL)
    here.session = {"moved": {"from": SMALL, "to": UPGRADED}}
    assert _verify(here).notes == (
        f"The group is a supergroup now: reconnect the account with chat={UPGRADED}.",
    )


@pytest.mark.parametrize(
    ("chat", "member", "note"),
    [
        (CHANNEL, None, "may not post here: make it an administrator"),
        (CHANNEL, {"status": "administrator"}, "may not post here: make it an administrator"),
        (CHANNEL, {"status": "administrator", "can_post_messages": True}, "may not edit messages"),
        (GROUP, None, "may not post here: add it"),
        (GROUP, {"status": "left"}, "may not post here: add it"),
        (GROUP, {"status": "restricted", "can_send_messages": False}, "may not post here: add it"),
        (GROUP, {"status": "member"}, "may not pin"),
    ],
)
def test_a_missing_right_is_told(chat: int, member: dict[str, Any] | None, note: str) -> None:
    here, far_side = daemon(chat=chat)
    far_side.member = member
    del far_side.chats[CHANNEL]["linked_chat_id"]
    (told,) = _verify(here).notes
    assert note in told


def test_an_owner_may_everything() -> None:
    here, far_side = daemon(chat=GROUP)
    far_side.member = {"status": "creator"}
    assert _verify(here).notes == ()
