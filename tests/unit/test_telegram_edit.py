"""A message is changed by the method for what it is; what is left out would be taken away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.errors import Rejected
from postbell.publishing.protocol import Receipt
from support.fake_telegram import CHANNEL, FakeTelegram, Refusal, daemon, file
from support.farside import Daemon


def published(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeTelegram, str]:
    made, far_side = daemon(text, **more)
    return made, far_side, asyncio.run(made.publish()).id


def change(made: Daemon, name: str, text: str = "Good evening") -> Receipt:
    content = replace(made.outgoing.content, text=text)
    return asyncio.run(made.edit(replace(made.outgoing, content=content), name))


def test_a_text_is_changed_with_its_markup_its_preview_and_its_buttons() -> None:
    options = {"markup": "html", "preview": "off", "buttons": ["Page https://example.org"]}
    made, far_side, name = published("<b>Good</b> morning", options=options)
    assert change(made, name, "<i>Good</i> evening") == Receipt(id=name)
    said = far_side.last()
    assert (said["text"], said["parse_mode"]) == ("<i>Good</i> evening", "HTML")
    assert said["reply_markup"]["inline_keyboard"][0][0]["text"] == "Page"
    assert far_side.calls()[-1] == "editMessageText"


def test_below_a_file_stands_a_caption(tmp_path: Path) -> None:
    made, far_side, name = published(media=(file(tmp_path),), options={"caption_above": True})
    change(made, name)
    assert (far_side.calls()[-1], far_side.last()["plain"]) == ("editMessageCaption", "Good evening")
    change(made, name, "")
    assert far_side.last()["plain"] == ""


def test_of_an_album_the_first_caption_is_changed(tmp_path: Path) -> None:
    media = (file(tmp_path, "a.png"), file(tmp_path, "b.png"))
    made, far_side, name = published(media=media)
    assert change(made, name).id == name
    assert [said["plain"] for said in far_side.messages.values()] == ["Good evening", ""]


def test_of_a_thread_each_part_is(tmp_path: Path) -> None:
    made, far_side = daemon()
    content = Content(text="One", segments=("Two",), media=(file(tmp_path, "a.png"), file(tmp_path, "b.png")))
    made = replace(made, outgoing=replace(made.outgoing, content=content))
    name = asyncio.run(made.publish()).id
    assert name == f"{CHANNEL}/17,18,{CHANNEL}/19"
    again = replace(made.outgoing, content=replace(content, text="First", segments=("Second",)))
    assert asyncio.run(made.edit(again, name)).id == name
    assert [said["plain"] for said in far_side.messages.values()] == ["First", "", "Second"]


def test_what_is_said_already_is_changed(tmp_path: Path) -> None:
    made, far_side, name = published()
    assert change(made, name, "Good morning").id == name
    assert far_side.last()["plain"] == "Good morning"


def test_polls_are_not_changed() -> None:
    made, far_side, name = published(options={"poll": ["rain", "sun"]})
    with pytest.raises(Rejected, match="Telegram changes no polls"):
        change(made, name)
    assert far_side.last()["plain"] == "Good morning"


def test_what_else_it_refuses_is_told() -> None:
    made, far_side, name = published()
    far_side.refusals["editMessageText"] = [Refusal(400, "Bad Request: message can't be edited")]
    with pytest.raises(Rejected, match="message can't be edited"):
        change(made, name)
