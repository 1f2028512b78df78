"""Sounds and documents: taken whole, refused where they are cut off or are more than they say."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from postbell.domain.media import MediaKind
from postbell.errors import Invalid
from postbell.services.media import films
from postbell.services.media.inspection import Inspected, inspect
from postbell.services.media.sounds import are_frames
from support import films as made_films
from support.pictures import written
from support.sounds import PDF, SUBTITLES, archive, of_type, sound


SOUNDS = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
DOCUMENTS = {"pdf": "application/pdf", "zip": "application/zip", "vtt": "text/vtt"}
BROKEN = "broken or cut off"


def look(folder: Path, data: bytes, name: str) -> Inspected:
    return inspect(written(folder, name, data))


def refusal(folder: Path, data: bytes, name: str) -> str:
    with pytest.raises(Invalid) as caught:
        look(folder, data, name)
    (problem,) = caught.value.problems
    return problem.message


@pytest.fixture(params=["ffprobe", "PyAV", "nobody"])
def who(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Who looks into sounds."""
    if request.param == "ffprobe":
        monkeypatch.setenv("PATH", str(request.getfixturevalue("ffmpeg")))
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    if request.param == "nobody":
        monkeypatch.setitem(sys.modules, "av", None)
        monkeypatch.setattr(
            films, "_CHILD", ("-c", f"import sys\nsys.modules['av'] = None\n{films._CHILD[1]}")
        )
    return str(request.param)


@pytest.mark.parametrize("ending", SOUNDS)
def test_a_sound_is_known_by_its_bytes_and_how_long_it_lasts(tmp_path: Path, who: str, ending: str) -> None:
    mime = SOUNDS[ending]
    found = look(tmp_path, sound(mime), f"bell.{ending}")
    assert (found.kind, found.mime, found.width) == (MediaKind.AUDIO, mime, None)
    if who == "nobody":
        assert found.film is None
    else:
        assert found.film
        assert found.film.seconds == pytest.approx(2, abs=0.1)
        assert (found.film.channels, found.film.codec) == (1, "")


def test_an_mp3_without_a_tag_and_one_with_a_long_one_are_known(tmp_path: Path) -> None:
    whole = sound("audio/mpeg", notes=True)
    bare = whole[whole.index(b"\xff\xfb", 10) :]
    assert look(tmp_path, bare, "bare.mp3").mime == "audio/mpeg"
    tag = b"ID3\x04\0\0" + bytes((0, 1, 0, 0)) + bytes(1 << 14)
    assert look(tmp_path, tag + bytes(300) + bare, "tagged.mp3").mime == "audio/mpeg"


@pytest.mark.parametrize(
    "head", [b"\xff\xfb", b"\xff\xfb\x00\x00", b"\xff\xfb\xf0\x00", b"\xff\xfb\x9c\x00", b"\xff\xea\x90\x00"]
)
def test_what_is_no_frame_is_no_mp3(head: bytes) -> None:
    assert not are_frames(head + bytes(3000), 0)


@pytest.mark.parametrize("version", [3, 2, 0])
def test_frames_of_each_version_have_their_own_length(version: int) -> None:
    head = bytes((0xFF, 0xE2 | version << 3, 0x90, 0))
    length = {3: 144 * 128_000 // 44_100, 2: 72 * 80_000 // 22_050, 0: 72 * 80_000 // 11_025}[version]
    assert are_frames(head.ljust(length, b"\0") + head, 0)
    assert not are_frames(head.ljust(length + 1, b"\0") + head, 0)


@pytest.mark.parametrize("ending", DOCUMENTS)
def test_a_document_is_known_by_its_bytes(tmp_path: Path, ending: str) -> None:
    found = look(tmp_path, of_type(DOCUMENTS[ending]), f"bells.{ending}")
    assert (found.kind, found.mime, found.film) == (MediaKind.DOCUMENT, DOCUMENTS[ending], None)


def _said_to_be(data: bytes, out: int) -> bytes:
    """The same archive, of whose first file so much is said to come out."""
    at = data.index(b"PK\x01\x02")
    return data[: at + 24] + struct.pack("<I", out) + data[at + 28 :]


ZIP = archive()
REFUSED = {
    "an MP3 of nothing": ("a.mp3", b"ID3\x04\0\0\0\0\0\0" + bytes(300), BROKEN),
    "an MP3 that is only a tag": ("a.mp3", b"ID3\x04\0\0\0\0\x10\0", BROKEN),
    "an M4A that is cut off": ("a.m4a", sound("audio/mp4")[:-200], BROKEN),
    "an M4A of its head": ("a.m4a", sound("audio/mp4")[:40], BROKEN),
    "an Ogg of nothing": ("a.ogg", b"OggS\0\2" + bytes(300), BROKEN),
    "a FLAC of nothing": ("a.flac", b"fLaC" + bytes(300), BROKEN),
    "a WAV that is cut off": ("a.wav", sound("audio/wav")[:-200], BROKEN),
    "a film that is called a sound": (
        "a.m4a",
        made_films.film(sound="aac").replace(b"ftypisom", b"ftypM4A ", 1),
        "there are pictures in it",
    ),
    "a PDF that is cut off": ("a.pdf", PDF[:60], BROKEN),
    "a PDF that is an archive, too": ("a.pdf", PDF + ZIP, "something else behind its end"),
    "an archive that is cut off": ("a.zip", ZIP[:-30], BROKEN),
    "an archive without its end": ("a.zip", ZIP[:-5], BROKEN),
    "an archive that is a page, too": ("a.zip", ZIP + b"<script>", "something else behind its end"),
    "an archive whose list lies elsewhere": ("a.zip", b"PK\x03\x04" + ZIP, BROKEN),
    "an archive that lists no files": ("a.zip", ZIP.replace(b"PK\x01\x02", b"PK\x07\x02"), BROKEN),
    "an archive with a longer list": (
        "a.zip",
        ZIP[:-14] + struct.pack("<HH", 0, 0) + ZIP[-10:],
        BROKEN,
    ),
    "an archive that unpacks to too much": ("a.zip", archive(zeros=bytes(3_000_000)), "would come out of"),
    "an archive that says so": ("a.zip", _said_to_be(ZIP, 0xFFFFFFF0), "would come out of"),
    "an archive with no end of files": ("a.zip", ZIP[:-12] + b"\xff\xff" + ZIP[-10:], BROKEN),
    "an archive with no end of lists": (
        "a.zip",
        ZIP[:-10] + struct.pack("<I", 20_000_000) + ZIP[-6:],
        "there is too much in it",
    ),
    "subtitles of nothing": ("a.vtt", b"WEBVTT", "there are no subtitles"),
    "subtitles of another time": ("a.vtt", SUBTITLES + b"\xe9", "not UTF-8"),
    "subtitles without an end": ("a.vtt", SUBTITLES + bytes(1_000_000), "the limit of subtitles"),
}


@pytest.mark.parametrize(("name", "data", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_whole_or_more_than_it_says_is_refused(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    assert reason in refusal(tmp_path, data, name)
