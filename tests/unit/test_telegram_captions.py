"""What is too long to stand below files follows as a message, sent once at most like any other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.domain.content import Content
from postbell.errors import Unsure
from postbell.networks.telegram import network
from postbell.publishing.protocol import Receipt
from postbell.publishing.telegram.captions import spread
from support.fake_telegram import CHANNEL, FakeTelegram, daemon, file
from support.farside import Daemon, Fault


LONG = "".join(f"Sentence number {number} rings. " for number in range(120)).strip()
LINK = f"https://example.org/{'x' * 1100}"


def _long(folder: Path, text: str = LONG, count: int = 1, **more: object) -> tuple[Daemon, FakeTelegram]:
    media = tuple(file(folder, f"bell{number}.png") for number in range(count))
    return daemon(text, media=media, **more)  # type: ignore[arg-type]


def test_the_rest_of_a_long_text_answers_the_picture_that_it_belongs_to(tmp_path: Path) -> None:
    made, far_side = _long(
        tmp_path, options={"pin": True, "buttons": ["A https://a.example"], "silent": True}
    )
    receipt = asyncio.run(made.publish())
    assert receipt == Receipt(id=f"{CHANNEL}/17,{CHANNEL}/18", url="https://t.me/bell_tower/17")
    assert network.messages(made.outgoing.content, made.outgoing.options) == 2
    first, second = far_side.messages.values()
    assert len(first["plain"]) <= 1024
    assert f"{first['plain']} {second['plain']}" == LONG
    assert first["plain"].endswith("rings.")
    assert second["reply_parameters"] == {"message_id": 17}
    assert ["reply_markup" in said for said in (first, second)] == [True, False]
    assert far_side.pinned == [(CHANNEL, 17)]
    assert second["disable_notification"] is True


def test_behind_an_album_too_and_everything_is_taken_away_together(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path, count=2)
    receipt = asyncio.run(made.publish())
    assert receipt.id == f"{CHANNEL}/17,18,{CHANNEL}/19"
    asyncio.run(made.delete(receipt.id))
    assert far_side.messages == {}


def test_a_link_of_its_own_stands_at_the_end_of_the_rest_and_nowhere_else(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path, link="https://example.org")
    asyncio.run(made.publish())
    plain = [said["plain"] for said in far_side.messages.values()]
    assert plain[-1].endswith("\nhttps://example.org")
    assert "".join(plain).count("https://") == 1


def test_a_link_too_long_to_stand_below_a_picture_follows_whole(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path, LINK)
    asyncio.run(made.publish())
    assert [said["plain"] for said in far_side.messages.values()] == ["", LINK]


def test_of_a_thread_each_part_goes_on_before_the_next_one(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path, count=2)
    one, two = made.outgoing.content.media
    content = Content(text=LONG, segments=("Two", "Three"), media=(one, replace(two, part=2)))
    made.outgoing = replace(made.outgoing, content=content)
    asyncio.run(made.publish())
    said = list(far_side.messages.values())
    assert [each["method"] for each in said] == ["sendPhoto", "sendMessage", "sendPhoto", "sendMessage"]
    assert [each["plain"] for each in said[2:]] == ["Two", "Three"]


def test_what_fits_and_what_has_markup_stays_one_message(tmp_path: Path) -> None:
    for text, options in (("x" * 1024, {}), (LONG, {"markup": "html"}), (LONG, {"poll": ["a", "b"]})):
        made, _ = _long(tmp_path, text, options=options)
        assert spread(made.outgoing) is made.outgoing
        assert network.messages(made.outgoing.content, made.outgoing.options) == 1
    assert spread(daemon("x" * 4000)[0].outgoing).content.segments == ()


def test_a_rest_whose_answer_was_lost_is_not_sent_again(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path)
    far_side.faults = [None, Fault.LOST]  # type: ignore[list-item]
    with pytest.raises(Unsure):
        asyncio.run(made.publish())
    assert len(far_side.messages) == 2
    assert made.stored[-1].public
    assert made.stored[-1].public.startswith("part 1 of 2 is public")


def test_a_restart_goes_on_with_the_rest_alone(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path)
    far_side.faults = [None, Fault.UNAVAILABLE]  # type: ignore[list-item]
    with pytest.raises(Exception, match="answered 503"):
        asyncio.run(made.publish())
    asyncio.run(made.publish())
    assert far_side.calls() == ["sendPhoto", "sendMessage", "sendMessage"]
    assert len(far_side.messages) == 2


def test_both_are_changed_and_a_preview_shows_both(tmp_path: Path) -> None:
    made, far_side = _long(tmp_path)
    calls = [call.url.rpartition("/")[2] for call in network.preview(made.outgoing)]
    assert calls == ["sendPhoto", "sendMessage"]
    receipt = asyncio.run(made.publish())
    content = replace(made.outgoing.content, text=LONG.replace("rings", "tolls"))
    asyncio.run(made.edit(replace(made.outgoing, content=content), receipt.id))
    assert far_side.calls()[-2:] == ["editMessageCaption", "editMessageText"]
    assert all("rings" not in said["plain"] for said in far_side.messages.values())
