from __future__ import annotations

import errno
import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from postbell.errors import DiskFull, Invalid, PostbellError, Problem
from postbell.services.media import inspection, media_store
from postbell.services.media.inspection import Inspected
from postbell.services.media.media_store import MediaStore
from support import pictures
from support.disk import small_disk
from support.pictures import stored, written


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_one_refused_file_keeps_all_others_out_and_every_problem_is_told(
    tmp_path: Path, store: MediaStore
) -> None:
    files = [
        (written(tmp_path, "broken.png", pictures.png(400, 300)[:-300]), ""),
        (written(tmp_path, "good.png", pictures.png()), ""),
        (written(tmp_path, "page.jpg", pictures.HTML), ""),
        (written(tmp_path, "bomb.png", pictures.png_claiming(50_000, 50_000)), ""),
        (written(tmp_path, "wrong.gif", pictures.png()), ""),
        (tmp_path / "gone.png", ""),
    ]
    with pytest.raises(Invalid) as caught:
        store.take(files)
    assert [problem.where for problem in caught.value.problems] == [
        f"media {name}" for name in ("broken.png", "page.jpg", "bomb.png", "wrong.gif", "gone.png")
    ]
    assert stored(tmp_path / "media") == []


def test_what_is_stored_is_what_was_inspected_even_if_the_file_is_exchanged_meanwhile(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "a.png", pictures.png())
    examine = inspection.examine

    def exchange(files: Sequence[tuple[Path, str]]) -> list[Inspected | Problem]:
        path.write_bytes(pictures.HTML)
        return examine(files)

    monkeypatch.setattr(media_store, "examine", exchange)
    assert store.put(path).path.read_bytes() == pictures.png()


@pytest.mark.parametrize("size", [0, 3_000_000], ids=["shorter", "longer"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, size: int) -> None:
    path = written(tmp_path, "a.mp4", bytes(2_000_000))
    with path.open("rb", buffering=0) as file:
        chunks = media_store._chunks(file, "a.mp4")
        next(chunks)
        os.truncate(path, size)
        with pytest.raises(Invalid, match="it changed while it was read; try again when it is finished"):
            list(chunks)


def test_a_file_on_a_failing_disk_is_refused(tmp_path: Path) -> None:
    class Failing(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with Failing(written(tmp_path, "a.mp4", pictures.mp4())) as file, pytest.raises(Invalid) as caught:
        list(media_store._chunks(file, "a.mp4"))
    message = "media a.mp4: it cannot be read (Input/output error); check its permissions and its disk."
    assert str(caught.value) == message


def test_a_full_disk_is_told_with_file_and_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    small = written(tmp_path, "small.png", pictures.png())
    large = written(tmp_path, "large.mp4", pictures.mp4() + bytes(2_000_000))
    with small_disk(tmp_path / "disk", kilobytes=1024) as disk:
        store = MediaStore(disk / "media")
        with pytest.raises(DiskFull) as caught:
            store.take([(small, ""), (large, "")])
        assert str(caught.value) == (
            f"large.mp4 cannot be stored in {disk}/media: the disk is full. "
            "Nothing was stored; free some space and try again."
        )
        assert stored(disk) == []
        assert store.put(small).path.exists()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a.png", pictures.png())
    with pytest.raises(PostbellError) as caught:
        MediaStore(path / "media").put(path)
    assert str(caught.value) == (
        f"a.png cannot be stored in {path}/media: Not a directory. "
        "Check the folder's owner and permissions (postbell doctor)."
    )
