"""First comments on Telegram: below the post of a channel in its discussion group, else as an answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Rejected, Unauthorized, Unavailable
from postbell.networks.telegram import network
from postbell.publishing.chain import ids_of
from postbell.publishing.protocol import Progress, Receipt, Reply
from support.fake_telegram import CHANNEL, DISCUSSION, GROUP, FakeTelegram, Refusal, daemon, file
from support.farside import Daemon


def _commented(
    text: str = "By the way", chat: int | str = "@bell_tower", **more: Any
) -> tuple[Daemon, FakeTelegram, Receipt]:
    """Return a daemon with a first comment on a post that is public, the network, and the post."""
    post, far_side = daemon(chat=chat, **more)
    receipt = asyncio.run(post.publish())
    return _below(post, receipt, text), far_side, receipt


def _below(post: Daemon, receipt: Receipt, text: str = "By the way") -> Daemon:
    ids = ids_of(receipt.id)
    said = replace(
        post.outgoing,
        content=replace(post.outgoing.content, text=text, media=(), segments=()),
        options=post.outgoing.options.further(),
        key=f"{post.outgoing.key}-c",
        reply=Reply(root=ids[0], parent=ids[-1]),
    )
    return Daemon(post.subject, said, post.far_side, session=dict(post.session))


def test_below_a_channel_s_post_it_answers_the_copy_in_the_discussion_group() -> None:
    made, far_side, _ = _commented("*By* the way", options={"markup": "markdown", "silent": True})
    receipt = asyncio.run(made.publish())
    assert receipt == Receipt(id=f"{DISCUSSION}/18", url="https://t.me/c/2223334445/18")
    said = far_side.last()
    assert (said["chat_id"], said["plain"], said["reply_parameters"]) == (
        DISCUSSION,
        "By the way",
        {"message_id": 17},
    )
    assert said["disable_notification"] is True


def test_in_a_group_it_answers_the_message_itself() -> None:
    made, far_side, _ = _commented(chat=GROUP, topic=4)
    assert asyncio.run(made.publish()).id == f"{GROUP}/18"
    said = far_side.last()
    assert (said["reply_parameters"], said["message_thread_id"]) == ({"message_id": 17}, 4)
    assert "getUpdates" not in far_side.calls()


def test_a_channel_without_a_group_has_none() -> None:
    made, far_side, _ = _commented()
    del far_side.chats[CHANNEL]["linked_chat_id"]
    with pytest.raises(Rejected, match="the channel has no discussion group; link one to it"):
        asyncio.run(made.publish())


def test_it_waits_until_the_post_is_in_the_group() -> None:
    made, far_side, _ = _commented()
    waiting, far_side.copies.updates = far_side.copies.updates, []
    http = made._http(None)
    known = asyncio.run(network.publish(made.outgoing, None, http))
    assert isinstance(known, Progress)
    waits = asyncio.run(network.publish(made.outgoing, known, http))
    assert isinstance(waits, Progress)
    assert waits.again_at
    assert (waits.again_at - far_side.clock.now()).total_seconds() == 2
    far_side.copies.updates = waiting
    made.stored.append(waits)
    assert asyncio.run(made.publish()).id == f"{DISCUSSION}/18"


def test_a_bot_that_does_not_see_the_post_there_is_told_what_to_do() -> None:
    made, far_side, _ = _commented()
    far_side.copies.updates.clear()
    begun = far_side.clock.now()
    with pytest.raises(Rejected, match="make it an administrator there"):
        asyncio.run(made.publish())
    assert (far_side.clock.now() - begun).total_seconds() == 510
    assert made.far_side.public()[-1].answers is None


def test_nothing_is_confirmed_that_need_not_be() -> None:
    made, far_side, _ = _commented()
    asyncio.run(made.publish())
    assert len(far_side.copies.updates) == 1
    assert made.session == {}


def test_behind_a_hundred_updates_it_reads_on_and_remembers_the_copies_among_them() -> None:
    post, far_side = daemon("First")
    first = asyncio.run(post.publish())
    group = far_side.chats[DISCUSSION]
    for number in range(150):
        told = {"message_id": 900 + number, "date": 1, "chat": group, "text": "chatter"}
        far_side.copies.updates.append({"update_id": 6000 + number, "message": told})
    far_side.copies.updates.append({"update_id": 6150, "edited_message": {}})
    second = asyncio.run(post.publish())
    far_side.copies.updates[-1]["update_id"] = 6151
    made = _below(post, second)
    assert asyncio.run(made.publish()).id == f"{DISCUSSION}/19"
    assert made.session == {"copies": {f"{CHANNEL}/17": 17}}
    assert len(far_side.copies.updates) == 53
    other = _below(post, first)
    other.session = made.session
    asyncio.run(other.publish())
    assert far_side.last()["reply_parameters"] == {"message_id": 17}


def test_updates_without_an_end_are_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    made, far_side, _ = _commented()
    told = {"update_id": 1, "message": {"is_automatic_forward": True, "forward_origin": {"type": "user"}}}
    monkeypatch.setattr(far_side.copies, "told", lambda _values: [told] * 100)
    with pytest.raises(Rejected, match="has not seen the post"):
        asyncio.run(made.publish())
    assert far_side.calls().count("getUpdates") == 9 * 20


def test_another_reader_for_a_moment_is_waited_for_and_a_webhook_is_told() -> None:
    made, far_side, _ = _commented()
    why = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    far_side.refusals["getUpdates"] = [Refusal(409, why)]
    with pytest.raises(Unavailable, match="terminated by other"):
        asyncio.run(made.publish())
    why = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
    far_side.refusals["getUpdates"] = [Refusal(409, why)]
    with pytest.raises(Rejected, match="webhook is active"):
        asyncio.run(made.publish())
    assert asyncio.run(made.publish()).id == f"{DISCUSSION}/18"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (400, "Bad Request: have no rights to send a message"),
        (400, "Bad Request: TOPIC_CLOSED"),
    ],
)
def test_what_the_discussion_group_refuses_is_no_trouble_of_the_account(status: int, why: str) -> None:
    made, far_side, _ = _commented()
    far_side.refusals["sendMessage"] = [Refusal(status, why)]
    with pytest.raises(Rejected) as caught:
        asyncio.run(made.publish())
    assert str(caught.value) == f"Telegram answered {status}: {why}"


def test_a_token_that_is_not_valid_any_more_is_the_account_s_trouble_there_too() -> None:
    made, far_side, _ = _commented()
    far_side.refusals["sendMessage"] = [Refusal(401, "Unauthorized")]
    with pytest.raises(Unauthorized):
        asyncio.run(made.publish())


def test_a_group_that_refuses_the_answer_to_its_own_message_is_the_account_s_trouble() -> None:
    made, far_side, _ = _commented(chat=GROUP)
    far_side.refusals["sendMessage"] = [Refusal(403, "Forbidden: bot was kicked from the supergroup chat")]
    with pytest.raises(Unauthorized):
        asyncio.run(made.publish())


def test_a_topic_of_the_post_s_own_fails_its_comment_alone() -> None:
    made, far_side, _ = _commented(chat=GROUP, options={"topic": 9})
    far_side.refusals["sendMessage"] = [Refusal(400, "Bad Request: TOPIC_CLOSED")]
    with pytest.raises(Rejected, match="Give the post another topic"):
        asyncio.run(made.publish())


def test_below_an_album_it_answers_the_first_picture(tmp_path: Path) -> None:
    made, far_side, receipt = _commented(media=(file(tmp_path), file(tmp_path, "b.jpg")))
    assert receipt.id == f"{CHANNEL}/17,18"
    asyncio.run(made.publish())
    assert far_side.last()["reply_parameters"] == {"message_id": 17}


def test_below_a_thread_it_answers_the_last_part() -> None:
    post, far_side = daemon("One")
    post.outgoing = replace(post.outgoing, content=replace(post.outgoing.content, segments=("Two",)))
    made = _below(post, asyncio.run(post.publish()))
    asyncio.run(made.publish())
    assert far_side.last()["reply_parameters"] == {"message_id": 18}


def test_it_is_taken_away_from_the_group() -> None:
    made, far_side, _ = _commented()
    receipt = asyncio.run(made.publish())
    for _ in range(2):
        asyncio.run(made.delete(receipt.id))
    assert [place[0] for place in far_side.messages] == [CHANNEL]


def test_a_preview_says_where_it_will_stand() -> None:
    made, _, _ = _commented()
    (call,) = network.preview(made.outgoing)
    assert call.url.endswith("/sendMessage")
    assert call.body == {
        "chat_id": "<the group that discusses @bell_tower>",
        "text": "By the way",
        "reply_parameters": {"message_id": "<number of the post there>"},
    }


def _notes(far_side: FakeTelegram, made: Daemon) -> tuple[str, ...]:
    return asyncio.run(network.verify(made.outgoing.target, made._http(None))).notes


def test_a_bot_that_is_no_administrator_of_the_discussion_group_is_told() -> None:
    made, far_side = daemon()
    assert _notes(far_side, made) == ()
    note = "For first comments make the bot an administrator of the channel's discussion group, too."
    del far_side.chats[DISCUSSION]
    assert _notes(far_side, made) == (note,)
    far_side.member = None
    assert note in _notes(far_side, made)
    del far_side.chats[CHANNEL]["linked_chat_id"]
    assert note not in _notes(far_side, made)
