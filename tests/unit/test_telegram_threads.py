"""Threads on Telegram: a message for each part, sent once at most."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.errors import Rejected, Unavailable, Unsure
from postbell.networks.telegram import network
from postbell.publishing.telegram.message import first_message, messages_of
from support.fake_telegram import FakeTelegram, daemon, file
from support.farside import Daemon, Fault


def _thread(*texts: str, **more: object) -> tuple[Daemon, FakeTelegram]:
    made, far_side = daemon("One", **more)  # type: ignore[arg-type]
    made.outgoing = replace(made.outgoing, content=replace(made.outgoing.content, segments=texts))
    return made, far_side


def _sent(far_side: FakeTelegram) -> list[tuple[str, object]]:
    return [
        (said["plain"], said.get("reply_parameters", {}).get("message_id"))
        for said in far_side.messages.values()
    ]


def test_each_part_answers_the_message_before_it() -> None:
    made, far_side = _thread("Two", "Three")
    receipt = asyncio.run(made.publish())
    (one, two, three) = [number for _, number in far_side.messages]
    assert _sent(far_side) == [("One", None), ("Two", one), ("Three", two)]
    assert [number for _, number in messages_of(receipt.id)] == [one, two, three]


def test_a_part_behind_an_album_answers_its_first_picture_and_all_is_taken_away(tmp_path: Path) -> None:
    made, far_side = _thread("Two", media=(file(tmp_path), file(tmp_path, "cat.png")))
    receipt = asyncio.run(made.publish())
    first, second, third = [number for _, number in far_side.messages]
    assert _sent(far_side)[-1] == ("Two", first)
    assert [number for _, number in messages_of(receipt.id)] == [first, second, third]
    asyncio.run(made.delete(receipt.id))
    assert far_side.messages == {}


def test_pins_buttons_and_polls_go_with_the_first_part() -> None:
    made, far_side = _thread("Two", options={"pin": True, "buttons": ["Us https://example.org"]})
    asyncio.run(made.publish())
    assert len(far_side.pinned) == 1
    assert ["reply_markup" in said for said in far_side.messages.values()] == [True, False]
    poll, _ = _thread("Two", options={"poll": ["Yes", "No"]})
    assert [call.url.rpartition("/")[2] for call in network.preview(poll.outgoing)] == [
        "sendPoll",
        "sendMessage",
    ]


def test_a_part_whose_answer_was_lost_is_not_sent_again_and_the_rest_waits_for_the_user() -> None:
    made, far_side = _thread("Two", "Three")
    far_side.faults = [None, Fault.LOST]  # type: ignore[list-item]
    with pytest.raises(Unsure):
        asyncio.run(made.publish())
    assert [text for text, _ in _sent(far_side)] == ["One", "Two"]
    assert made.stored[-1].public
    assert made.stored[-1].public.startswith("part 1 of 3 is public")


def test_a_part_whose_forerunner_was_taken_away_is_refused() -> None:
    made, far_side = _thread("Two")
    far_side.faults = [None, Fault.UNAVAILABLE]  # type: ignore[list-item]
    with pytest.raises(Unavailable):
        asyncio.run(made.publish())
    far_side.messages.clear()
    with pytest.raises(Rejected, match="message to be replied not found"):
        asyncio.run(made.publish())


def test_a_preview_names_what_it_cannot_know_yet() -> None:
    assert first_message("<id of part 1>") == "<id of part 1>"
    assert first_message("-1001/17,18") == 17
