from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.media import Media, MediaKind
from postbell.services.media import media_store
from postbell.services.media.media_store import MediaStore
from support import pictures
from support.disk import needs_root
from support.pictures import stored, written


SOON = datetime.now(UTC) + timedelta(hours=1)
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_a_file_is_stored_under_the_hash_of_its_bytes_with_the_ending_of_its_type(
    tmp_path: Path, store: MediaStore
) -> None:
    content = pictures.jpeg(40, 30)
    digest = hashlib.sha256(content).hexdigest()
    media = store.put(written(tmp_path, "Holiday.JPEG", content), alt="The sea")
    assert media == Media(
        sha256=digest,
        kind=MediaKind.IMAGE,
        mime="image/jpeg",
        size=len(content),
        width=40,
        height=30,
        name="Holiday.JPEG",
        path=tmp_path / "media" / digest[:2] / f"{digest}.jpg",
        alt="The sea",
    )
    assert store.path_of(digest, "image/jpeg") == media.path
    assert stored(tmp_path / "media") == [media.path]
    assert media.path.read_bytes() == content


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path, store: MediaStore) -> None:
    media = store.put(written(tmp_path, "a.png", pictures.png()))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (media.path, *media.path.parents[:2])]
    assert modes == [0o600, 0o700, 0o700]


def test_the_same_bytes_are_kept_once_whatever_they_are_called(tmp_path: Path, store: MediaStore) -> None:
    paths = [written(tmp_path, name, pictures.png()) for name in ("a.png", "b.png")]
    first, second = store.take([(paths[0], "one"), (paths[1], "two")])
    assert (first.path, first.name, first.alt) == (second.path, "a.png", "one")
    assert (second.name, second.alt) == ("b.png", "two")
    assert stored(tmp_path / "media") == [first.path]


def test_a_stored_file_that_was_damaged_is_mended_when_it_is_given_again(
    tmp_path: Path, store: MediaStore
) -> None:
    path = written(tmp_path, "a.png", pictures.png())
    store.put(path).path.write_bytes(b"half")
    assert store.put(path).path.read_bytes() == pictures.png()


def test_several_processes_may_store_the_same_file_at_once(tmp_path: Path, store: MediaStore) -> None:
    path = written(tmp_path, "a.mp4", pictures.mp4() + bytes(100_000))
    with ThreadPoolExecutor(8) as pool:
        media = set(pool.map(store.put, [path] * 40))
    assert stored(tmp_path / "media") == [media.pop().path]
    assert not media


def test_what_root_stores_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    needs_root("only root can store files for somebody else")
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    media = MediaStore(data / "media").put(written(tmp_path, "a.png", pictures.png()))
    owners = [(path.stat().st_uid, path.stat().st_gid) for path in (media.path, *media.path.parents[:2])]
    assert owners == [(NOBODY, NOBODY)] * 3


def test_unused_files_are_removed_by_their_hash(tmp_path: Path, store: MediaStore) -> None:
    unused, used = store.take(
        [(written(tmp_path, "a.png", pictures.png()), ""), (written(tmp_path, "b.gif", pictures.gif()), "")]
    )
    assert store.remove([unused.sha256, "00" * 32], before=SOON) == 1
    assert stored(tmp_path / "media") == [used.path]


def test_an_unused_file_that_was_given_once_more_stays(tmp_path: Path, store: MediaStore) -> None:
    path = written(tmp_path, "a.png", pictures.png())
    media = store.put(path)
    os.utime(media.path, (0, 0))
    store.put(path)
    assert store.remove([media.sha256], before=SOON - timedelta(hours=2)) == 0
    assert media.path.exists()


def test_what_a_killed_process_left_half_done_is_swept_and_nothing_else(
    tmp_path: Path, store: MediaStore
) -> None:
    media = store.put(written(tmp_path, "a.png", pictures.png()))
    abandoned = written(tmp_path / "media", ".incoming-abc", b"half")
    os.utime(abandoned, (0, 0))
    fresh = written(tmp_path / "media", ".incoming-def", b"under way")
    assert store.sweep(before=SOON - timedelta(hours=2)) == 1
    assert stored(tmp_path / "media") == sorted([fresh, media.path])


def test_a_file_that_somebody_else_removes_first_is_no_failure(tmp_path: Path) -> None:
    assert media_store._removed(tmp_path / "gone", SOON) is False
