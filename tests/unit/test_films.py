"""Videos are looked into by ffprobe or PyAV: both see the same, and what is no video does no harm."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Invalid, PostbellError
from postbell.services.media import films
from postbell.services.media.inspection import inspect
from support import pictures
from support.films import NOTES, PLACE, film, only_sound
from support.pictures import written


BROKEN = "it cannot be opened: it is broken or cut off. Download or export it again."


@pytest.fixture(params=[pytest.param("ffprobe", marks=pytest.mark.real), "PyAV"])
def prober(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """What looks into videos, as if nothing else could."""
    there = request.getfixturevalue("ffmpeg") if request.param == "ffprobe" else tmp_path
    monkeypatch.setenv("PATH", str(there))
    assert films.prober() == request.param
    return str(request.param)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither ffprobe nor PyAV is there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(films, "_CHILD", ("-c", f"import sys\nsys.modules['av'] = None\n{films._CHILD[1]}"))


def child_is(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another script stand in for the child."""
    monkeypatch.setattr(films, "_CHILD", ("-c", f"import os, signal\n{script}"))


def look(folder: Path, data: bytes) -> Any:
    return films.look_into(written(folder, "film", data))


KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "silent": ({}, {"width": 64, "height": 48, "seconds": 1, "rate": 25, "codec": "h264", "sound": ""}),
    "heard": ({"sound": "aac"}, {"sound": "aac", "channels": 2, "hertz": 48_000}),
    "mono": ({"sound": "aac", "heard": (22_050, "mono")}, {"channels": 1, "hertz": 22_050}),
    "upright": ({"turned": 90}, {"width": 48, "height": 64}),
    "upside down": ({"turned": 180}, {"width": 64, "height": 48}),
    "QuickTime": ({"form": "mov"}, {"codec": "h264", "notes": False}),
    "H.265": ({"codec": "libx265"}, {"codec": "hevc"}),
    "in pieces": ({"options": {"movflags": "frag_keyframe+empty_moov"}}, {"seconds": 1, "width": 64}),
    "NTSC": ({"rate": Fraction(30_000, 1001)}, {"rate": 30_000 / 1001}),
    "slow": ({"rate": 5, "seconds": 2}, {"rate": 5, "seconds": 2}),
    "plain": ({}, {"notes": False, "placed": False}),
    "titled": ({"notes": NOTES}, {"notes": True, "placed": False}),
    "dated": ({"notes": {"creation_time": NOTES["creation_time"]}}, {"notes": True, "placed": False}),
    "placed": ({"notes": {"location": PLACE}}, {"notes": True, "placed": True}),
    "placed by QuickTime": ({"form": "mov", "notes": {"location": PLACE}}, {"notes": True, "placed": True}),
    "placed by a telephone": (
        {
            "notes": {"com.apple.quicktime.location.ISO6709": PLACE},
            "options": {"movflags": "use_metadata_tags"},
        },
        {"notes": True, "placed": True},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_known_of_a_video(tmp_path: Path, prober: str, kind: str) -> None:
    made, wanted = KINDS[kind]
    found = look(tmp_path, film(**made))
    for name, value in wanted.items():
        assert found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=0.01)), name
    assert found["bits"] > 1000


def test_a_video_that_is_given_is_known_like_a_picture(tmp_path: Path, prober: str) -> None:
    found = inspect(written(tmp_path, "bell.mov", film("mov", turned=90, sound="aac")))
    assert (found.mime, found.width, found.height) == ("video/quicktime", 48, 64)
    assert found.film
    assert (found.film.codec, found.film.sound, found.film.rate) == ("h264", "aac", 25)


# What is refused.


def without_index() -> bytes:
    return film().replace(b"moov", b"free")


def claiming_much() -> bytes:
    """A film whose header claims 65535 x 65535 pixels, and says nothing else of how it is coded."""
    data = film().replace(b"avcC", b"free")
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    return data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]


def lasting_long() -> bytes:
    """A film that claims to go on for centuries."""
    data = bytearray(film())
    for box, at in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        start = data.index(box) + at
        data[start : start + 4] = b"\xff\xff\xff\x00"
    return bytes(data)


HOSTILE = {
    "only its beginning": film()[:2000],
    "without the last byte": film()[:-1],
    "without its index": without_index(),
    "only the first box": pictures.mp4()[:32] + bytes(8),
    "nothing": b"\0" * 100,
    "noise": bytes(range(256)) * 20,
    "a box of no size at all": pictures.mp4()[:32] + b"\0\0\0\4moov" + bytes(100),
    "a box as large as can be": pictures.mp4()[:32] + b"\0\0\0\1moov" + b"\xff" * 8 + bytes(100),
    "a playlist": b"#EXTM3U\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a format of its own": b"\x1aE\xdf\xa3" + bytes(200),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_broken_or_no_video_is_refused(tmp_path: Path, prober: str, kind: str) -> None:
    assert look(tmp_path, HOSTILE[kind]) == BROKEN


@pytest.mark.parametrize("kind", ["only its beginning", "without its index", "a playlist"])
def test_what_is_cut_off_is_refused_where_nobody_can_look(tmp_path: Path, nobody: None, kind: str) -> None:
    assert look(tmp_path, HOSTILE[kind]) == BROKEN


def test_a_video_without_pictures_is_refused(tmp_path: Path, prober: str) -> None:
    assert (
        look(tmp_path, only_sound())
        == "there are no pictures in it, only sound or nothing; take another one."
    )


def test_a_video_that_claims_very_many_pixels_is_refused(tmp_path: Path, prober: str) -> None:
    assert look(tmp_path, claiming_much()) in (
        "it has 65,535 x 65,535 pixels, the limit is 36,000,000; make it smaller.",
        BROKEN,  # whoever believes nothing of it
    )


def test_a_video_that_claims_to_have_no_end_is_not_believed(tmp_path: Path, prober: str) -> None:
    found = look(tmp_path, lasting_long())
    assert found == BROKEN or found["seconds"] < 2  # where it is reckoned from the pictures


def test_random_damage_is_refused_or_does_not_matter(tmp_path: Path, prober: str) -> None:
    whole = film()
    for at in range(40, len(whole), len(whole) // 12):
        damaged = whole[:at] + b"\xff\x00\xff\x7f" + whole[at + 4 :]
        found = look(tmp_path, damaged)
        assert isinstance(found, str | dict)


def addressed(port: int) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\nhttp://127.0.0.1:{port}/a.ts\n".encode()


def test_nothing_is_fetched_for_a_video(tmp_path: Path, prober: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        assert look(tmp_path, addressed(server.getsockname()[1])) == BROKEN
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.real
def test_another_file_would_be_read_if_that_were_not_forbidden(ffmpeg: Path, tmp_path: Path) -> None:
    written(tmp_path, "secret.mp4", film())
    lists = written(tmp_path, "list.mp4", b"ffconcat version 1.0\nfile secret.mp4\n")
    command = [str(ffmpeg / "ffprobe"), "-v", "error", "-show_entries", "stream=codec_name", str(lists)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "h264" in done.stdout
    assert films.look_into(lists) == BROKEN


# What the process may do.


def test_where_nobody_can_look_only_the_notes_are_known(tmp_path: Path, nobody: None) -> None:
    assert films.prober() is None
    assert look(tmp_path, film(notes={"location": PLACE})) == {"notes": True, "placed": True}
    found = inspect(written(tmp_path, "bell.mp4", film()))
    assert found.film
    assert (found.width, found.film.seconds, found.film.notes) == (None, None, False)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("SIGSEGV", "it crashed the program that looks into videos (SIGSEGV); export it again."),
        ("SIGXCPU", "it takes more than 30 s to look into; make it smaller, or export it again."),
    ],
)
def test_a_video_that_ends_the_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, said: str
) -> None:
    child_is(f"os.kill(os.getpid(), signal.{number})", monkeypatch)
    assert look(tmp_path, film()) == said


def test_an_ffprobe_that_crashes_blames_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = written(tmp_path, "ffprobe", b"#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "it crashed the program that looks into videos" in look(tmp_path, film())


def test_a_process_that_does_not_end_is_ended_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_is("import subprocess\nsubprocess.run(['/bin/sleep', '600'])", monkeypatch)
    monkeypatch.setattr(films, "_SECONDS", 0)
    monkeypatch.setattr(films, "_GRACE", 0.5)
    assert "takes more than" in look(tmp_path, film())


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (b"echo 'cannot open shared object file' >&2; exit 127", "cannot open shared object file"),
        (b"exit 2", "ffprobe"),
    ],
)
def test_an_ffprobe_that_does_not_run_is_not_blamed_on_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: bytes, said: str
) -> None:
    written(tmp_path, "ffprobe", b"#!/bin/sh\n" + program + b"\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostbellError, match=f"Videos cannot be looked into on this machine: .*{said}"):
        look(tmp_path, film())


def test_the_process_has_limits_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ffprobe may do is seen by a program in its place, which tells in an answer what it may."""
    answer = (
        '{"streams": [{"codec_type": "video", "codec_name": "%s %s %s %s", "width": 9, "height": 9}],'
        ' "format": {"duration": "1"}}'
    )
    script = f"#!/bin/sh\nprintf '{answer}' $(ulimit -t) $(ulimit -v) $(ulimit -f) \"$POSTBELL_SECRET\"\n"
    written(tmp_path, "ffprobe", script.encode()).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("POSTBELL_SECRET", "hunter2")
    assert re.fullmatch(r"30 1048576 0 ", look(tmp_path, film())["codec"])


def test_a_refused_video_is_told_under_its_name(tmp_path: Path, prober: str) -> None:
    with pytest.raises(Invalid) as caught:
        inspect(written(tmp_path, "bell.mp4", film()[:-1]))
    assert [str(problem) for problem in caught.value.problems] == [f"media bell.mp4: {BROKEN}"]


def test_no_video_is_opened_in_this_process() -> None:
    script = "import sys, postbell.services.media.inspection\nprint([n for n in sys.modules if n == 'av'])"
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
