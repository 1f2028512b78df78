"""Videos made to fit by FFmpeg: without notes, within limits, upright, as long as before, and bounded."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from PIL import Image

from postbell.domain.film import FilmLimit
from postbell.domain.film_plan import plan_film
from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media
from postbell.errors import DiskFull, Invalid, PostbellError
from postbell.publishing import registry
from postbell.services.media import film_fitting
from postbell.services.media.films import look_into
from postbell.services.media.media_store import MediaStore
from support.films import NOTES, PLACE, film, opened, pictures_of
from support.gallery import likeness
from support.pictures import stored, written


pytestmark = pytest.mark.real

MP4 = MediaLimit(most=1, types={"video/mp4": 10**7})
SMALL = MediaLimit(
    most=1,
    types={"video/mp4": 60_000},
    film=FilmLimit(pixels=100 * 100, fastest=20, channels=1, hertz=22_050, codecs=("h264",), sounds=("aac",)),
)
LIMITS = {
    key: limit
    for key in sorted(registry.keys())
    if "video/mp4" in (limit := registry.get(key).limits.media).types
} | {"small": SMALL}


@pytest.fixture
def store(tmp_path: Path, ffmpeg: Path, monkeypatch: pytest.MonkeyPatch) -> MediaStore:
    monkeypatch.setenv("PATH", str(ffmpeg))
    return MediaStore(tmp_path / "media", fit_videos=True)


def program(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program stand in for FFmpeg."""
    written(folder, "ffmpeg", f"#!/bin/bash\n{script}\n".encode()).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}:/bin")


def put(store: MediaStore, folder: Path, data: bytes, name: str = "bell.mp4") -> Media:
    return store.put(written(folder, name, data), alt="A bell")


KINDS = {
    "plain": film(sound="aac"),
    "noted": film(sound="aac", notes=NOTES | {"location": PLACE}),
    "lying": film(turned=90, notes={"location": PLACE}, size=(160, 120)),
    "upside down": film(turned=180, notes=NOTES),
    "odd": film(size=(162, 90), rate=30, seconds=2),
    "old": film(codec="mpeg4", notes={"location": PLACE}, size=(320, 240)),
    "H.265": film(codec="libx265", notes={"location": PLACE}),
    "in pieces": film(options={"movflags": "frag_keyframe+empty_moov"}, notes={"location": PLACE}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_video_is_made_to_fit_every_network_that_takes_any(
    tmp_path: Path, store: MediaStore, kind: str
) -> None:
    wrong = list[str]()
    item = put(store, tmp_path, KINDS[kind])
    before = pictures_of(item.path)[0]
    assert item.film
    for name, limit in LIMITS.items():
        made = store.fit(item, limit)
        found = look_into(made.path)
        assert isinstance(found, dict)
        after = pictures_of(made.path)[0]
        faults = {
            "bytes": made.path.stat().st_size > limit.types[made.mime],
            "notes": found["notes"] or found["placed"],
            "pixels": found["width"] * found["height"] > (limit.film.pixels or 10**9),
            "rate": found["rate"] > (limit.film.fastest or 999) + 0.01,
            "codec": limit.film.codecs and found["codec"] not in limit.film.codecs,
            "length": abs(found["seconds"] - (item.film.seconds or 0)) > 0.2,
            "told": (made.width, made.height) != (found["width"], found["height"]),
            "seen": likeness(before.resize(after.size, Image.Resampling.LANCZOS), after) < 0.8,
            "alt": made.alt != "A bell",
            "original": item.path.read_bytes() != KINDS[kind],
        }
        wrong += [f"{name}: {fault}" for fault, there in faults.items() if there]
    assert wrong == []


def test_without_coding_anew_not_one_picture_changes(tmp_path: Path, store: MediaStore) -> None:
    item = put(store, tmp_path, film(notes={"location": PLACE}, sound="aac"))
    made = store.fit(item, MP4)
    assert made.path != item.path
    assert [each.tobytes() for each in pictures_of(made.path)] == [
        each.tobytes() for each in pictures_of(item.path)
    ]
    with opened(made.path) as box:
        assert set(box.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
        assert [stream.type for stream in box.streams] == ["video", "audio"]


def test_the_index_comes_first(tmp_path: Path, store: MediaStore) -> None:
    data = store.fit(put(store, tmp_path, film(notes=NOTES)), MP4).path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_quicktime_file_becomes_an_mp4_that_players_know(tmp_path: Path, store: MediaStore) -> None:
    made = store.fit(put(store, tmp_path, film("mov", codec="libx265"), "bell.mov"), MP4)
    data = made.path.read_bytes()
    assert (made.mime, data[4:8], b"hvc1" in data) == ("video/mp4", b"ftyp", True)


def test_what_was_made_once_is_not_made_again_and_what_it_is_is_known(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(size=(320, 240), sound="aac"))
    made = store.fit(item, SMALL)
    program("exit 1", tmp_path, monkeypatch)
    assert store.fit(item, SMALL) == made
    assert store.fit(made, SMALL) == made
    assert store.put(made.path).sha256 == made.sha256
    with pytest.raises(Invalid):
        store.fit(item, MediaLimit(most=1, types={"video/mp4": 50_000}, film=FilmLimit(fastest=10)))


def test_it_is_told_how_far_the_work_is(tmp_path: Path, store: MediaStore) -> None:
    told: list[tuple[str, float]] = []
    store.on_film = lambda name, part: told.append((name, part))
    store.fit(put(store, tmp_path, film(size=(320, 240))), SMALL)
    assert told[-1] == ("bell.mp4", 1)
    assert [part for _, part in told] == sorted(part for _, part in told)


def test_it_is_foretold_what_a_video_will_become_and_nothing_is_made(
    tmp_path: Path, store: MediaStore
) -> None:
    item = put(store, tmp_path, film(size=(320, 240)))
    before = stored(store.folder)
    said = store.fit(item, SMALL, foretold=True)
    assert stored(store.folder) == before
    made = store.fit(item, SMALL)
    assert (said.mime, said.width, said.height, said.film) == (made.mime, made.width, made.height, made.film)
    assert made.size <= said.size


def test_what_was_made_goes_with_its_original(tmp_path: Path, store: MediaStore) -> None:
    from datetime import UTC, datetime, timedelta

    item = put(store, tmp_path, film(notes=NOTES))
    store.fit(item, MP4)
    os.utime(item.path, (0, 0))
    assert store.remove([item.sha256], before=datetime.now(UTC) - timedelta(hours=2)) == 1
    assert stored(store.folder) == []


def test_what_was_made_of_a_staged_video_is_kept_with_it(tmp_path: Path, store: MediaStore) -> None:
    with store.stage([(written(tmp_path, "bell.mp4", film(notes=NOTES)), "")]) as staged:
        (item,) = staged.media
        made = store.fit(item, MP4)
        staged.keep()
    names = [path.name for path in stored(store.folder)]
    assert len(names) == 2
    assert all(name.startswith(item.sha256) for name in names)
    assert any(made.sha256 in name for name in names)


def test_a_video_that_is_gone_is_told_when_it_is_to_be_sent(tmp_path: Path, store: MediaStore) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    item.path.unlink()
    assert store.fit(item, MP4) is item


# When it goes wrong.


def refusal(store: MediaStore, item: Media) -> str:
    before = stored(store.folder)
    with pytest.raises(Invalid) as caught:
        store.fit(item, MP4)
    assert stored(store.folder) == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -SEGV $$", "it crashed the program that makes videos fit (SIGSEGV); export it again."),
        (
            "echo out_time_us=1; echo 'moov not found'; exit 1",
            "FFmpeg cannot read it to its end (moov not found)",
        ),
        ("exit 3", "FFmpeg cannot read it to its end (it gave no reason); export it again."),
    ],
)
def test_a_video_that_ffmpeg_cannot_read_is_refused_and_nothing_is_kept(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program(script, tmp_path, monkeypatch)
    assert said in refusal(store, item)


def test_a_video_that_does_not_become_small_enough_is_refused(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program('head -c 11000000 /dev/zero > "${@: -1:1}"', tmp_path, monkeypatch)  # it lacks `file:` for bash
    monkeypatch.setattr(film_fitting, "_arguments", lambda _item, _plan, target: [str(target)])
    assert "FFmpeg cannot make it smaller than 10,000,000 bytes; cut it." in refusal(store, item)


def test_it_is_tried_with_fewer_bits(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(size=(320, 240)))
    plan = plan_film(item, SMALL)
    assert plan
    tried = list[int]()

    def arguments(_item: Media, tried_plan: object, target: Path) -> list[str]:
        tried.append(getattr(tried_plan, "bits", 0))
        return [str(100_000 if len(tried) < 3 else 100), str(target)]

    monkeypatch.setattr(film_fitting, "_arguments", arguments)
    program('head -c $1 /dev/zero > "$2"', tmp_path, monkeypatch)
    assert store.fit(item, SMALL).size == 100
    assert tried == [plan.bits, round(plan.bits * 0.8), round(plan.bits * 0.64)]


def test_a_video_that_takes_too_long_is_ended(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program("exec sleep 600", tmp_path, monkeypatch)
    monkeypatch.setattr(film_fitting, "_MOST_SECONDS", 1)
    assert "to make it fit; make it smaller" in refusal(store, item)


def test_what_would_fill_the_disk_is_ended(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program('head -c 99000000 /dev/zero > "$1" || { echo File too large; exit 1; }', tmp_path, monkeypatch)
    monkeypatch.setattr(film_fitting, "_arguments", lambda _item, _plan, target: [str(target)])
    assert "cannot make it smaller than" in refusal(store, item)


def test_a_full_disk_is_told(tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program("echo 'bell.mp4: No space left on device'; exit 1", tmp_path, monkeypatch)
    with pytest.raises(DiskFull, match=r"bell.mp4 cannot be made to fit: the disk is full"):
        store.fit(item, MP4)


def test_an_ffmpeg_that_does_not_run_is_not_blamed_on_the_video(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    program("echo 'error while loading shared libraries: libx264'; exit 127", tmp_path, monkeypatch)
    with pytest.raises(PostbellError, match=r"FFmpeg does not run on this machine: .*libx264"):
        store.fit(item, MP4)


def test_ffmpeg_has_limits_goes_last_and_has_no_environment(
    tmp_path: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    monkeypatch.setenv("POSTBELL_SECRET", "hunter2")
    program(
        'echo $(ulimit -t) $(ulimit -v) $(ulimit -c) $(nice) "$POSTBELL_SECRET"; exit 1',
        tmp_path,
        monkeypatch,
    )
    said = refusal(store, item)
    found = re.search(r"\((\d+) 2097152 0 (\d+)\)", said)
    assert found, said
    assert int(found[1]) == 2 * 80
    assert int(found[2]) >= 10


def test_nothing_but_the_video_is_read(tmp_path: Path, store: MediaStore) -> None:
    item = put(store, tmp_path, film(notes=NOTES))
    item.path.write_bytes(b"#EXTM3U\n#EXTINF:9.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    assert "FFmpeg cannot read it to its end" in refusal(store, item)
