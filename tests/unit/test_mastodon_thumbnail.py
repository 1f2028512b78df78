"""A picture that stands for a video until it plays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.networks.mastodon import network
from postbell.publishing.protocol import Receipt
from support import pictures
from support.fake_mastodon import FakeMastodon, daemon
from support.farside import Daemon
from support.folders import picture


def video(folder: Path) -> Media:
    path = folder / "bell.mp4"
    path.write_bytes(pictures.mp4())
    item = picture(folder, "x.png", "A bell rings")
    return replace(item, kind=MediaKind.VIDEO, mime="video/mp4", name="bell.mp4", path=path)


def published(folder: Path) -> tuple[Daemon, FakeMastodon, str]:
    media = (video(folder), picture(folder, "look.png", "not used"))
    made, far_side = daemon(media=media, options={"thumbnail": 2, "focus": "0.5:0.5"})
    return made, far_side, asyncio.run(made.publish()).id


def test_it_goes_with_the_video_and_is_not_posted(tmp_path: Path) -> None:
    made, far_side, name = published(tmp_path)
    (status,) = far_side.statuses
    (file,) = status["media_attachments"]
    assert (file["type"], file["description"]) == ("video", "A bell rings")
    assert far_side.looks_like == {file["id"]: (tmp_path / "look.png").read_bytes()}
    found = asyncio.run(network.find(made._outgoing(), made.stored[-1], made._http(None)))
    assert found == Receipt(id=name, url=status["url"])


def test_the_alt_text_of_the_video_can_be_changed_beside_it(tmp_path: Path) -> None:
    made, far_side, name = published(tmp_path)
    first, second = made.outgoing.content.media
    content = replace(made.outgoing.content, media=(replace(first, alt="Another bell"), second))
    receipt = asyncio.run(made.edit(replace(made.outgoing, content=content), name))
    assert receipt.warnings == ()
    assert far_side.statuses[0]["media_attachments"][0]["description"] == "Another bell"


def test_a_preview_has_one_upload(tmp_path: Path) -> None:
    made, _, _ = published(tmp_path)
    assert [call.url.rpartition("/")[2] for call in network.preview(made.outgoing)] == ["media", "statuses"]


@pytest.mark.parametrize(
    ("files", "place", "told"),
    [
        ("vp", 2, None),
        ("vp", 3, "there is no file 3; the first one is 1."),
        ("vp", 1, "bell.mp4 is no picture."),
        ("pp", 2, "there is no video that it could stand for."),
    ],
)
def test_what_cannot_stand_for_a_video_is_told(
    tmp_path: Path, files: str, place: int, told: str | None
) -> None:
    made = {"v": lambda: video(tmp_path), "p": lambda: picture(tmp_path, "a.png")}
    content = Content(text="Look", media=tuple(made[each]() for each in files))
    options: Any = network.Options.model_validate({"thumbnail": place})
    wrong = network.check(content, options, account="mine")
    assert [each.message for each in wrong if "thumb" in each.where] == ([told] if told else [])


def test_what_a_server_takes_is_read_again_after_a_day_and_not_before() -> None:
    made, far_side = daemon()
    asyncio.run(made.publish())
    far_side.most = 5000
    for days, limit in ((0.9, 500), (0.2, 5000)):
        far_side.clock.advance(timedelta(days=days))
        made.stored.clear()
        made.outgoing = replace(made.outgoing, key=f"{limit:020d}")
        asyncio.run(made.publish())
        assert made.session["server"]["text"] == limit
    far_side.clock.advance(timedelta(days=2))
    far_side.app = ""
    far_side.has_v2 = False
    made.outgoing = replace(made.outgoing, key="z" * 20)
    asyncio.run(made.publish())
