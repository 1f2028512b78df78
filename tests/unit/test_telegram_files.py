"""Sounds and documents on Telegram: as what each is sent, and what can be sent together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.domain.film import Film
from postbell.domain.media import Media
from postbell.networks.telegram import network
from postbell.publishing import parts
from support.fake_telegram import daemon, file


HEARD = Film(seconds=12.4, sound="mp3", channels=2, hertz=44_100)
OPTIONS = {"audio_performer": "The ringers", "audio_title": "Eight bells"}


def _sent(*media: Media, **options: Any) -> list[dict[str, Any]]:
    made, far_side = daemon(media=media, options=options)
    asyncio.run(made.publish())
    return list(far_side.messages.values())


def _faults(*media: Media, **options: Any) -> list[str]:
    content, read = Content(text="x", media=media), network.Options.model_validate(options)
    return [str(each.where) for each in parts.problems(content, read, network, account="mine")]


@pytest.mark.parametrize("ending", ["mp3", "m4a"])
def test_music_is_played_under_its_name_and_as_long_as_it_lasts(tmp_path: Path, ending: str) -> None:
    (said,) = _sent(file(tmp_path, f"bells.{ending}", film=HEARD), spoiler=True, **OPTIONS)
    assert said["method"] == "sendAudio"
    assert (said["performer"], said["title"], said["duration"]) == ("The ringers", "Eight bells", 12)
    assert said["plain"] == "Good morning"
    assert "has_spoiler" not in said


def test_what_nobody_has_looked_into_is_sent_without_saying_how_long_it_lasts(tmp_path: Path) -> None:
    (said,) = _sent(file(tmp_path, "bells.mp3"))
    assert not {"performer", "title", "duration"} & set(said)


@pytest.mark.parametrize("name", ["talk.pdf", "pictures.zip", "bells.ogg", "words.vtt"])
def test_every_other_file_goes_as_it_is(tmp_path: Path, name: str) -> None:
    item = file(tmp_path, name)
    (said,) = _sent(item)
    assert (said["method"], said["disable_content_type_detection"]) == ("sendDocument", True)
    assert (said["file"].name, said["file"].mime) == (name, item.mime)
    assert said["file"].data == item.path.read_bytes()


def test_music_goes_with_music_and_files_with_files(tmp_path: Path) -> None:
    songs = (file(tmp_path, "a.mp3", film=HEARD), file(tmp_path, "b.m4a"))
    first, second = _sent(*songs, audio_performer="The ringers")
    assert [(each["type"], each["performer"]) for each in (first, second)] == [("audio", "The ringers")] * 2
    assert (first["duration"], "duration" in second) == (12, False)
    files = (file(tmp_path, "a.pdf"), file(tmp_path, "b.zip"), file(tmp_path, "c.ogg"))
    assert [each["type"] for each in _sent(*files)] == ["document"] * 3


def test_what_does_not_go_together_is_a_problem_unless_all_go_as_files(tmp_path: Path) -> None:
    song, paper, photo = file(tmp_path, "a.mp3"), file(tmp_path, "b.pdf"), file(tmp_path)
    for pair in ((song, paper), (song, photo), (paper, photo)):
        assert _faults(*pair) == ["media"]
        assert _faults(*pair, as_files=True) == []
        assert {each["type"] for each in _sent(*pair, as_files=True)} == {"document"}


def test_who_is_heard_is_told_of_music_only(tmp_path: Path) -> None:
    assert _faults(file(tmp_path, "a.mp3"), **OPTIONS) == []
    wrong = ["[telegram] audio_performer", "[telegram] audio_title"]
    assert _faults(file(tmp_path, "a.ogg"), **OPTIONS) == wrong
    assert _faults(**OPTIONS) == wrong


def test_a_file_that_is_too_long_is_a_problem(tmp_path: Path) -> None:
    assert _faults(file(tmp_path, "a.pdf", size=50_000_001)) == ["media a.pdf"]
    assert _faults(file(tmp_path, "a.pdf", size=50_000_000)) == []
