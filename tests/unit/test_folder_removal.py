"""A page is taken away with what belongs to it, and with nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.networks import folder as module
from postbell.networks.folder import FEED, network
from postbell.publishing.protocol import Absent, Outgoing
from support.folders import KEY, http, outgoing, picture, publish, titles, visible


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "posts"


def delete(out: Outgoing, name: str = "whatever") -> None:
    asyncio.run(network.delete(out, name, http()))


def fail(out: Outgoing) -> PublishError:
    with pytest.raises(PublishError) as caught:
        delete(out)
    return caught.value


def test_page_media_and_entry_are_gone_and_the_rest_stays(place: Path, tmp_path: Path) -> None:
    other = outgoing(place, "Good evening", key="a" * 20, media=(picture(tmp_path),))
    publish(other)
    before = visible(place)
    for out in (outgoing(place), outgoing(place, media=(picture(tmp_path), picture(tmp_path)))):
        delete(out, publish(out).id)
        assert visible(place) == before
        assert titles(place) == ["Good evening"]
        assert asyncio.run(network.find(out, None, http())) == Absent()
        assert [path.name for path in place.iterdir() if KEY in path.name] == []


def test_a_page_is_known_by_its_key_wherever_somebody_has_moved_it(place: Path) -> None:
    out = outgoing(place)
    receipt = publish(out)
    (place / receipt.id).rename(place / f"renamed-{KEY}.md")
    delete(out, receipt.id)
    assert visible(place) == {FEED}


def test_to_delete_it_again_is_harmless(place: Path, tmp_path: Path) -> None:
    out = outgoing(place, media=(picture(tmp_path),))
    publish(out)
    for _ in range(3):
        delete(out)
    assert visible(place) == {FEED}
    assert titles(place) == []


def test_files_that_somebody_has_put_beside_the_page_stay(place: Path, tmp_path: Path) -> None:
    out = outgoing(place, media=(picture(tmp_path),))
    written = place / publish(out).id
    (written.parent / "notes.txt").write_text("mine")
    delete(out)
    assert visible(place) == {f"{written.parent.name}/notes.txt", FEED}
    assert titles(place) == []


def test_a_file_that_only_looks_like_a_bundle_stays(place: Path) -> None:
    out = outgoing(place)
    publish(out)
    (place / f"2026-11-23-{KEY}").write_text("mine")
    delete(out)
    assert visible(place) == {f"2026-11-23-{KEY}", FEED}


@pytest.mark.parametrize("at", range(6))
def test_a_crash_at_any_point_shows_no_page_without_its_pictures_and_is_made_good(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    out = outgoing(place, media=(picture(tmp_path), picture(tmp_path)))
    written = place / publish(out).id
    count = iter(range(100))
    real = {name: getattr(os, name) for name in ("unlink", "rmdir", "fsync")}

    def dying(name: str) -> object:
        def call(*arguments: object, **more: object) -> object:
            if next(count) == at:
                raise KeyboardInterrupt
            return real[name](*arguments, **more)

        return call

    for name in real:
        monkeypatch.setattr(os, name, dying(name))
    try:
        module._delete(out)
    except KeyboardInterrupt:
        pictures = list(written.parent.glob("*.png"))
        assert not written.exists() or len(pictures) == 2
    for name, function in real.items():
        monkeypatch.setattr(os, name, function)
    delete(out)
    assert visible(place) == {FEED}
    assert titles(place) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.EACCES, Unauthorized), (errno.EROFS, Unauthorized), (errno.EIO, Unavailable)],
)
def test_a_refusal_of_the_system_says_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[PublishError]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    out = outgoing(place)
    publish(out)
    monkeypatch.setattr(os, "unlink", refuse)
    error = fail(out)
    assert type(error) is expected
    assert str(place) in str(error)


def test_a_folder_that_is_not_there_may_come_back_with_its_disk(place: Path) -> None:
    assert type(fail(outgoing(place))) is Unavailable


def test_a_path_that_is_a_file_is_rejected(place: Path) -> None:
    place.write_text("")
    assert type(fail(outgoing(place))) is Rejected


def test_while_the_feed_still_has_the_entry_it_is_not_done(place: Path) -> None:
    out = outgoing(place)
    publish(out)
    (place / FEED).unlink()
    (place / FEED).mkdir()
    assert type(fail(out)) is Unavailable
    (place / FEED).rmdir()
    delete(out)
    assert titles(place) == []
