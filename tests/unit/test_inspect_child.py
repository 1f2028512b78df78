"""The guarded process: what it refuses, and that its limits hold."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from postbell.errors import Invalid, PostbellError
from postbell.services.media import _inspect_child, inspection
from postbell.services.media.file_types import TYPES
from postbell.services.media.inspection import inspect, inspect_all
from support import pictures
from support.pictures import written


BROKEN = "it cannot be opened: it is broken or cut off. Download or export it again."
TOO_SLOW = "it takes more than 1 s to open; make it smaller, or export it again."


@pytest.fixture(autouse=True)
def pillow_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child sets it for itself; put it back where the child's functions run in the test's process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


def refusal(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        inspect(path)
    return str(caught.value).removeprefix(f"media {path.name}: ")


def child_is(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another script stand in for the child."""
    path = folder / "child.py"
    path.write_text(f"import json, os, signal, sys\n{script}\n")
    monkeypatch.setattr(_inspect_child, "__file__", str(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", pictures.jpeg(400, 300)),
        ("a.png", pictures.png(400, 300)),
        ("a.webp", pictures.webp(400, 300)),
        ("a.gif", pictures.gif(400, 300)),
        ("moving.gif", pictures.gif(400, 300, frames=4)),
    ],
)
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    assert refusal(written(tmp_path, name, content[: len(content) * 2 // 3])) == BROKEN


def test_a_picture_that_is_all_header_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "a.jpg", b"\xff\xd8\xff\xe0" + bytes(200))) == BROKEN


@pytest.mark.parametrize("size", [(50_000, 50_000), (12_001, 10_000)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header_alone(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = written(tmp_path, "bomb.png", pictures.png_claiming(*size))
    assert refusal(path) == "it has more than 120,000,000 pixels; make it smaller."


def test_a_comment_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "bomb.png", pictures.png_text_bomb(100_000_000))) == BROKEN


def test_a_large_picture_costs_the_parent_no_memory(tmp_path: Path) -> None:
    path = written(tmp_path, "large.png", pictures.png_bomb(10_000, 11_900))
    inspect(path)  # what is loaded once and stays
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark to the present size
    before = _status("VmHWM")
    found = inspect(path)
    assert (found.width, found.height) == (10_000, 11_900)
    assert _status("VmHWM") - before < 4_000_000


def test_a_picture_that_needs_more_memory_than_there_is_for_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_MEMORY", 100_000_000)
    path = written(tmp_path, "large.png", pictures.png_bomb(10_000, 11_900))
    assert refusal(path) == "it needs too much memory to open; make it smaller."


@pytest.mark.parametrize("grace", [5, -0.9], ids=["by its own alarm", "from outside"])
def test_a_picture_that_takes_too_long_ends_the_child(monkeypatch: pytest.MonkeyPatch, grace: float) -> None:
    monkeypatch.setattr(inspection, "_SECONDS", 1)
    monkeypatch.setattr(inspection, "_GRACE", grace)
    reading, writing = os.pipe()  # nothing ever comes
    endless = inspection._Opened(descriptor=reading, name="a.png", type=TYPES["image/png"], size=1)
    try:
        assert inspection._measure([endless]) == [TOO_SLOW]
    finally:
        os.close(reading)
        os.close(writing)


def test_the_limits_are_set_and_stricter_ones_that_were_there_already_stay() -> None:
    script = (
        "import resource\n"
        "from postbell.services.media._inspect_child import guard\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (3, 3))\n"
        "guard(seconds=7, memory=900_000_000)\n"
        "for name in ('AS', 'CPU', 'FSIZE', 'CORE'):\n"
        "    print(resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))"
    )
    limits = ["(900000000, 900000000)", "(3, 3)", "(0, 0)", "(0, 0)"]
    assert _said_by_python(script).splitlines() == limits


def test_a_picture_that_crashes_the_child_is_refused_and_the_next_ones_are_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "for fd in sys.argv[3:]:\n"
        "    content = os.pread(int(fd.split(':')[0]), 99999, 0)\n"
        "    if content.endswith(b'crash'): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    print(json.dumps([5, 4]), flush=True)"
    )
    child_is(script, tmp_path, monkeypatch)
    paths = [
        written(tmp_path, f"{n}.png", pictures.png() + (b"crash" if n in (1, 2) else b"")) for n in range(4)
    ]
    with pytest.raises(Invalid) as caught:
        inspect_all(paths)
    assert [str(problem) for problem in caught.value.problems] == [
        f"media {name}: it crashed the program that opens pictures (SIGSEGV); export it again."
        for name in ("1.png", "2.png")
    ]


def test_a_child_that_cannot_start_is_not_blamed_on_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_is("raise ImportError('libjpeg is missing')", tmp_path, monkeypatch)
    with pytest.raises(
        PostbellError, match="cannot be opened on this machine: ImportError: libjpeg is missing"
    ):
        inspect(written(tmp_path, "a.png", pictures.png()))


def test_the_child_sees_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBELL_SECRET", "hunter2")
    child_is("print(json.dumps(' '.join(os.environ.values())))", tmp_path, monkeypatch)
    assert "hunter2" not in refusal(written(tmp_path, "a.png", pictures.png()))


def test_the_child_imports_nothing_of_postbell_and_no_plugin_that_it_does_not_need() -> None:
    script = (
        "import runpy, sys\n"
        f"runpy.run_path({_inspect_child.__file__!r})['measure'](open('/dev/null', 'rb'), 'PNG')\n"
        "print([name for name in sys.modules if name.startswith(('postbell', 'PIL.TiffImage'))])"
    )
    assert _said_by_python(script) == "[]\n"


@pytest.mark.parametrize(
    ("content", "form", "answer"),
    [
        (pictures.jpeg(40, 30, orientation=6), "JPEG", (30, 40)),
        (pictures.gif(40, 30, frames=3), "GIF", (40, 30)),
        (pictures.png(40, 30), "JPEG", BROKEN),
        (
            pictures.png_claiming(20_000, 20_000),
            "PNG",
            "it has more than 120,000,000 pixels; make it smaller.",
        ),
    ],
)
def test_a_picture_is_measured_as_the_named_format_and_no_other(
    content: bytes, form: str, answer: object
) -> None:
    assert _inspect_child.measure(io.BytesIO(content), form) == answer


def test_damaged_notes_in_a_picture_do_not_spoil_it() -> None:
    number, letter = b"\x01\x12\0\x03", b"\x01\x12\0\x01"  # the orientation, and of which kind it is
    content = pictures.jpeg(40, 30, orientation=6).replace(number, letter)
    assert _inspect_child.measure(io.BytesIO(content), "JPEG") == (40, 30)


def _status(key: str) -> int:
    """Bytes that /proc says under `key` for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{key}:"))
    return int(value) * 1024


def _said_by_python(script: str) -> str:
    command = [sys.executable, "-I", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
