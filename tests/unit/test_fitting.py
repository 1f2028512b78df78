"""Pictures made to fit: kept beside the stored file, made once, and never in this process."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media
from postbell.errors import Invalid, PostbellError
from postbell.services.media import file_types, fitting
from postbell.services.media.media_store import MediaStore
from support import pictures
from support.gallery import SECRET, shown
from support.pictures import stored, written


SOON = datetime.now(UTC) + timedelta(hours=1)
JPEG = MediaLimit(most=4, types={"image/jpeg": 100_000}, side=200)
ALL = MediaLimit(most=4, types=dict.fromkeys(("image/jpeg", "image/png", "image/gif"), 10**6))


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.fixture
def picture(tmp_path: Path, store: MediaStore) -> Media:
    """A stored PNG that lies on its side, and has notes."""
    return store.put(written(tmp_path, "cat.png", shown("PNG", "RGB", (320, 240), 6).data), alt="A cat")


def child_is(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another script stand in for the child."""
    path = written(folder, "child.py", f"import json, os, signal, sys, time\n{script}\n".encode())
    monkeypatch.setattr(fitting, "_CHILD", (str(path),))


def refusal(store: MediaStore, item: Media) -> str:
    before = stored(item.path.parents[1])
    with pytest.raises(Invalid) as caught:
        store.fit(item, JPEG)
    assert stored(item.path.parents[1]) == before
    return str(caught.value)


def test_a_picture_that_does_not_fit_is_made_so_and_the_original_stays(
    store: MediaStore, picture: Media
) -> None:
    before = picture.path.read_bytes()
    made = store.fit(picture, JPEG)
    assert (made.mime, made.width, made.height, made.alt) == ("image/jpeg", 150, 200, "A cat")
    assert (made.name, file_types.renamed(made).name) == ("cat.png", "cat.jpg")
    assert made.size == made.path.stat().st_size
    with Image.open(made.path) as image:
        assert (image.format, image.size) == ("JPEG", (150, 200))
    assert picture.path.read_bytes() == before


def test_where_files_are_only_looked_at_nothing_is_made_and_what_is_foretold_comes_true(
    store: MediaStore, picture: Media
) -> None:
    before = stored(store.folder)
    store.only_looks = True
    foretold = store.fit(picture, JPEG)
    assert (stored(store.folder), foretold.path) == (before, picture.path)
    assert (foretold.mime, foretold.size) == ("image/jpeg", min(picture.size, 100_000))
    store.only_looks = False
    made = store.fit(picture, JPEG)
    assert (made.width, made.height) == (foretold.width, foretold.height)
    store.only_looks = True
    assert store.fit(picture, JPEG) == made


def test_of_a_picture_that_could_not_be_measured_only_type_and_length_are_foretold(picture: Media) -> None:
    unmeasured = replace(picture, width=None, height=None)
    assert fitting.expected(unmeasured, JPEG) == replace(
        unmeasured, mime="image/jpeg", size=min(picture.size, 100_000)
    )
    assert fitting.expected(unmeasured, MediaLimit(most=1, types={"video/mp4": 5})) == unmeasured


def test_the_hash_of_what_was_made_is_that_of_its_bytes(store: MediaStore, picture: Media) -> None:
    made = store.fit(picture, JPEG)
    again = store.put(made.path)
    assert made.sha256 == again.sha256 != picture.sha256


def test_what_was_made_once_is_not_made_again(
    store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.fit(picture, JPEG)
    monkeypatch.setattr(fitting, "_CHILD", ("-c", "raise SystemExit(1)"))
    assert store.fit(picture, JPEG) == made
    with pytest.raises(PostbellError, match="on this machine"):
        store.fit(picture, ALL)  # another limit is another picture


def test_a_picture_that_fits_is_taken_as_it_is_and_looked_at_once(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = store.put(written(tmp_path, "a.jpg", pictures.jpeg()))
    assert store.fit(item, JPEG) == item
    monkeypatch.setattr(fitting, "_CHILD", ("-c", "raise SystemExit(1)"))
    assert store.fit(item, JPEG) == item


def test_a_picture_whose_type_stays_keeps_its_name_and_loses_its_notes(
    store: MediaStore, tmp_path: Path
) -> None:
    item = store.put(written(tmp_path, "a.jpeg", shown("JPEG", "RGB", (90, 60)).data))
    made = store.fit(item, JPEG)
    assert (file_types.renamed(made).name, made.width, made.height) == ("a.jpeg", 90, 60)
    assert SECRET.encode() in item.path.read_bytes()
    assert SECRET.encode() not in made.path.read_bytes()


def test_what_is_no_picture_or_not_taken_or_not_there_stays_as_it_is(
    tmp_path: Path, store: MediaStore, picture: Media
) -> None:
    film = store.put(written(tmp_path, "a.mp4", pictures.mp4()))
    assert store.fit(film, JPEG) is film
    assert store.fit(picture, MediaLimit()) is picture
    picture.path.unlink()
    assert store.fit(picture, JPEG) is picture


@pytest.mark.parametrize("files", [0, 2], ids=["not kept", "kept"])
def test_what_was_made_of_a_staged_picture_is_kept_with_it_or_not_at_all(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    path = written(tmp_path, "cat.png", shown("PNG", "RGB", (320, 240), 6).data)
    with store.stage([(path, "")]) as staged:
        (item,) = staged.media
        made = store.fit(item, JPEG)
        if files:
            staged.keep()
    assert len(stored(tmp_path / "media")) == files
    if files:
        monkeypatch.setattr(fitting, "_CHILD", ("-c", "raise SystemExit(1)"))
        assert store.fit(store.put(path), JPEG).sha256 == made.sha256


def test_what_was_made_goes_with_its_original(tmp_path: Path, store: MediaStore, picture: Media) -> None:
    store.fit(picture, JPEG)
    store.fit(picture, ALL)
    os.utime(picture.path, (0, 0))
    assert store.remove([picture.sha256], before=datetime.now(UTC) - timedelta(hours=2)) == 1
    assert stored(tmp_path / "media") == []


def test_a_picture_that_cannot_be_made_to_fit_is_refused(tmp_path: Path, store: MediaStore) -> None:
    item = store.put(written(tmp_path, "moving.gif", pictures.gif(400, 300, frames=3)))
    assert refusal(store, item).startswith("media moving.gif: it moves, and what moves is not made to fit")


@pytest.mark.parametrize(
    "case",
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it crashed the program that makes pictures fit (SIGSEGV)"),
        ("print('{}', flush=True); os.kill(os.getpid(), signal.SIGXCPU)", "it takes more than 60 s"),
        (
            "sys.stdout.write('{\"mime\": '); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGALRM)",
            "it takes",
        ),
    ],
)
def test_a_picture_that_ends_the_child_is_refused_and_nothing_is_kept_of_it(
    tmp_path: Path, store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str]
) -> None:
    script, told = case
    child_is(script, tmp_path, monkeypatch)
    assert refusal(store, picture).startswith(f"media cat.png: {told}")


def test_a_child_that_does_not_end_by_itself_is_ended(
    tmp_path: Path, store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_is("print('{}', flush=True); signal.pause()", tmp_path, monkeypatch)
    monkeypatch.setattr(fitting, "_SECONDS", 0)
    monkeypatch.setattr(fitting, "_GRACE", 0.2)
    assert "it takes more than" in refusal(store, picture)


def test_a_child_that_cannot_start_is_not_blamed_on_the_picture(
    tmp_path: Path, store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_is("raise ImportError('libjpeg is missing')", tmp_path, monkeypatch)
    with pytest.raises(PostbellError, match="on this machine: ImportError: libjpeg is missing"):
        store.fit(picture, JPEG)


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(tmp_path / "media")
    child_is(
        "print(json.dumps({'mime': 'image/jpeg', 'width': 1, 'height': 1})); print('x' * 9)",
        tmp_path,
        monkeypatch,
    )

    def disk_full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(PostbellError, match="cannot be stored"):
        store.fit(picture, JPEG)
    assert stored(tmp_path / "media") == before


def test_the_child_is_given_no_environment(
    tmp_path: Path, store: MediaStore, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTBELL_SECRET", "hunter2")
    child_is("print(json.dumps({'problem': ' '.join(os.environ.values())}))", tmp_path, monkeypatch)
    assert "hunter2" not in refusal(store, picture)


def test_pictures_are_never_opened_in_this_process(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from postbell.domain.limits import MediaLimit\n"
        "from postbell.services.media.media_store import MediaStore\n"
        f"store = MediaStore(Path({str(tmp_path / 'media')!r}))\n"
        f"item = store.put(Path({str(written(tmp_path, 'a.png', pictures.png()))!r}))\n"
        "made = store.fit(item, MediaLimit(most=1, types={'image/jpeg': 9999}))\n"
        "print(made.mime, [name for name in sys.modules if name.startswith('PIL')])"
    )
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "image/jpeg []\n"


def test_the_gallery_is_what_it_says() -> None:
    assert Image.open(io.BytesIO(shown("PNG", "RGB", (32, 24), 6).data)).getexif()[0x0112] == 6
