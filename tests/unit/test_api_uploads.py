"""Large files, sent in parts by tus 1.0.0."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from postbell.api import parting
from postbell.domain.access import Scope
from postbell.sections import ApiSettings, MediaSettings
from postbell.services.media import uploading
from support import pictures
from support.api import Asked, problem
from support.disk import fill, small_disk
from support.gallery import SECRET
from support.pictures import long_mp4, stored
from support.world import HURRIED, add_account, build_world


UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
PART = "application/offset+octet-stream"
LIMITS = {
    "picture_megabytes": 1,
    "video_megabytes": 30,
    "free_megabytes": 0,
    "document_megabytes": 30,
    "open_uploads": 3,
    "open_megabytes": 40,
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    yield from asked(tmp_path)


def asked(folder: Path, **limits: Any) -> Iterator[Asked]:
    update = {"api": ApiSettings(requests_per_minute=0), "media": MediaSettings(**LIMITS | limits)}
    with build_world(folder, settings=HURRIED.model_copy(update=update)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def ask(api: Asked, method: str, path: str, *, headers: Any = None, **more: Any) -> httpx.Response:
    answer = api.ask(method, path, headers=TUS | (headers or {}), **more)
    assert answer.headers["tus-resumable"] == "1.0.0"
    return answer


def begin(api: Asked, length: int, alt: str = "", **more: Any) -> str:
    notes = {"Upload-Metadata": f"alt {base64.b64encode(alt.encode()).decode()}"} if alt else {}
    answer = ask(api, "POST", UPLOADS, headers={"Upload-Length": str(length), **notes}, **more)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def send(api: Asked, at: str, data: bytes, offset: int, **headers: str) -> httpx.Response:
    given = {"Content-Type": PART, "Upload-Offset": str(offset)} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return ask(api, "PATCH", at, headers=given, content=data)


def offset(api: Asked, at: str) -> int:
    return int(ask(api, "HEAD", at).headers["upload-offset"])


def lying(api: Asked) -> list[str]:
    """Return what lies in the folder of files besides stored ones."""
    return [path.name for path in api.world.app.places.media.glob(".*")]


def test_a_file_comes_in_parts_and_is_stored_as_a_plain_upload_is(api: Asked) -> None:
    data = long_mp4(100_000)
    at = begin(api, len(data), "A cat runs")
    assert (offset(api, at), ask(api, "HEAD", at).headers["upload-length"]) == (0, "100000")
    first = send(api, at, data[:60_000], 0)
    assert (first.status_code, first.headers["upload-offset"]) == (204, "60000")
    assert "upload-expires" in first.headers
    assert offset(api, at) == 60_000
    last = send(api, at, data[60_000:], 60_000)
    assert (last.status_code, last.headers["upload-offset"]) == (204, "100000")
    assert "upload-expires" not in last.headers
    told = api.ask("GET", at).json()
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    file = api.ask("GET", f"/api/v1/media/{told['sha256']}").json()
    assert (file["kind"], file["size"], file["alt"]) == ("video", 100_000, "A cat runs")
    assert lying(api) == []
    wish = {"text": "x", "to": ["ann"], "media": [{"sha256": told["sha256"]}]}
    assert api.ask("POST", "/api/v1/posts", json=wish).status_code == 201


def test_nothing_is_kept_of_a_picture_but_the_picture(api: Asked) -> None:
    data = pictures.jpeg() + SECRET.encode()
    at = begin(api, len(data))
    assert send(api, at, data, 0).status_code == 204
    (file,) = stored(api.world.app.places.media)
    assert SECRET.encode() not in file.read_bytes()


def test_who_asks_learns_what_is_spoken_here(api: Asked) -> None:
    answer = api.ask("OPTIONS", UPLOADS)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,expiration,checksum,termination"
    assert answer.headers["tus-max-size"] == "30000000"
    assert "sha1" in answer.headers["tus-checksum-algorithm"].split(",")


def test_what_its_sender_says_of_a_file_is_said_back(api: Asked) -> None:
    notes = "filename Y2F0Lm1wNA==,private"
    answer = ask(api, "POST", UPLOADS, headers={"Upload-Length": "5", "Upload-Metadata": notes})
    head = ask(api, "HEAD", answer.headers["location"])
    assert (head.status_code, head.headers["upload-metadata"]) == (200, notes)
    assert head.headers["cache-control"] == "no-store"
    assert "upload-metadata" not in ask(api, "HEAD", begin(api, 5)).headers


def test_another_version_is_not_spoken(api: Asked) -> None:
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        more = headers | {"Upload-Length": "5"}
        answer = api.ask("POST", UPLOADS, headers=more)
        assert problem(answer) == (412, "tus_version")
        assert answer.headers["tus-version"] == "1.0.0"
    assert api.ask("GET", UPLOADS).json() == {"uploads": []}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Upload-Defer-Length": "1"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Length": "30000001"}, 413),
        ({"Upload-Length": "5", "Upload-Metadata": "alt %"}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "alt Zg==,alt Zg=="}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "x" * 80_001}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "alt YQBi"}, 422),  # a NUL
        ({"Upload-Length": "5", "Upload-Metadata": "alt 7aCA"}, 400),  # half of a surrogate pair
        ({"Upload-Length": "5", "Upload-Metadata": f"alt {'QUFB' * 14_000}"}, 400),
    ],
    ids=str,
)
def test_an_upload_that_cannot_be_is_refused(api: Asked, headers: dict[str, str], status: int) -> None:
    assert problem(ask(api, "POST", UPLOADS, headers=headers))[0] == status
    assert api.ask("GET", UPLOADS).json() == {"uploads": []}


def test_a_part_goes_where_the_last_one_ended_and_nowhere_else(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    send(api, at, data[:20_000], 0)
    for wrong in (0, 19_999, 20_001, 50_000):
        answer = send(api, at, data[:10], wrong)
        assert problem(answer) == (409, "offset")
        assert answer.headers["upload-offset"] == "20000"
    assert problem(send(api, at, data, 20_000)) == (413, "too_long")
    assert offset(api, at) == 20_000
    given = {"Upload-Offset": "20000"}
    assert problem(ask(api, "PATCH", at, headers=given, content=b"x")) == (415, "media_type")
    assert problem(send(api, at, b"x", 0, Upload_Offset="much")) == (400, "malformed")
    assert problem(send(api, f"{UPLOADS}/zzzzzzzz", b"x", 0)) == (404, "not_found")
    assert send(api, at, data[20_000:], 20_000).status_code == 204


def test_a_part_is_what_its_checksum_says_or_nothing_of_it_is_kept(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    wrong = base64.b64encode(hashlib.sha1(data).digest()).decode()
    assert problem(send(api, at, data[:20_000], 0, Upload_Checksum=f"sha1 {wrong}")) == (460, "wrong_sum")
    for none in ("crc32 AAAA", "sha1 AAAA", "sha1 %", "sha1"):
        assert problem(send(api, at, data[:20_000], 0, Upload_Checksum=none)) == (400, "malformed")
    assert offset(api, at) == 0
    for name, begins, ends in (("sha1", 0, 20_000), ("md5", 20_000, 30_000), ("sha256", 30_000, 50_000)):
        part = data[begins:ends]
        right = base64.b64encode(hashlib.new(name, part).digest()).decode()
        answer = send(api, at, part, begins, Upload_Checksum=f"{name} {right}")
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(ends))
    assert api.ask("GET", at).json()["sha256"] == hashlib.sha256(data).hexdigest()


def test_what_is_no_picture_and_no_video_is_forgotten(api: Asked) -> None:
    for data in (b"<html>" * 1000, b"\x89PNG\r\n\x1a\n" + b"x" * 100):
        at = begin(api, len(data))
        assert problem(send(api, at, data, 0)) == (422, "invalid")
        assert problem(ask(api, "HEAD", at)) == (404, "not_found")
    long = pictures.png().ljust(2_000_000, b"x")
    at = begin(api, len(long))
    send(api, at, long[:900_000], 0)
    assert problem(send(api, at, long[900_000:], 900_000)) == (413, "too_long")
    assert api.ask("GET", UPLOADS).json() == {"uploads": []}
    assert (lying(api), stored(api.world.app.places.media)) == ([], [])


def test_an_upload_that_is_given_up_is_gone(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    send(api, at, data[:20_000], 0)
    assert lying(api) != []
    assert ask(api, "DELETE", at).status_code == 204
    assert lying(api) == []
    for method in ("HEAD", "DELETE"):
        assert problem(ask(api, method, at))[0] == 404
    whole = begin(api, len(data))
    send(api, whole, data, 0)
    assert ask(api, "DELETE", whole).status_code == 204
    assert len(stored(api.world.app.places.media)) == 1


def test_what_is_stored_takes_no_part_any_more(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    send(api, at, data, 0)
    assert send(api, at, b"", 50_000).status_code == 204
    assert problem(send(api, at, b"x", 50_000)) == (413, "too_long")
    assert len(stored(api.world.app.places.media)) == 1


def test_only_so_many_uploads_are_under_way_and_so_many_bytes(api: Asked) -> None:
    begin(api, 30_000_000)
    refused = ask(api, "POST", UPLOADS, headers={"Upload-Length": "10000001"})
    assert problem(refused) == (409, "conflict")
    places = [begin(api, 100_000) for _ in range(2)]
    assert problem(ask(api, "POST", UPLOADS, headers={"Upload-Length": "5"})) == (409, "conflict")
    send(api, places[0], long_mp4(100_000), 0)
    begin(api, 5)  # what is stored is not under way


def test_what_nobody_goes_on_with_expires(api: Asked) -> None:
    data = long_mp4(50_000)
    old = begin(api, len(data))
    send(api, old, data[:20_000], 0)
    api.world.clock.advance(timedelta(hours=20))
    new = begin(api, len(data))
    send(api, new, data[:20_000], 0)
    api.world.clock.advance(timedelta(hours=5))
    assert problem(ask(api, "HEAD", old)) == (404, "not_found")
    assert problem(send(api, old, data[20_000:], 20_000)) == (404, "not_found")
    assert uploading.sweep(api.world.ctx, before=api.world.ctx.now() - timedelta(days=1)) == 1
    assert lying(api) == [f".partial-{new.rpartition('/')[2]}"]
    assert send(api, new, data[20_000:], 20_000).status_code == 204


def test_the_same_wish_is_carried_out_once(api: Asked) -> None:
    data = long_mp4(50_000)
    places = {begin(api, 50_000) for _ in range(1)} | {
        ask(api, "POST", UPLOADS, headers={"Upload-Length": "50000", "Idempotency-Key": "a"}).headers[
            "location"
        ]
        for _ in range(2)
    }
    assert len(places) == 2
    at = places.pop()
    for _ in range(2):
        answer = send(api, at, data[:20_000], 0, Idempotency_Key="b")
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, "20000")
    assert problem(send(api, at, data[:10_000], 0, Idempotency_Key="b")) == (422, "key_used")
    assert offset(api, at) == 20_000


@pytest.mark.parametrize("other", [{"Upload-Length": "2"}, {"Upload-Metadata": "alt QSBkb2c="}])
def test_another_upload_is_another_wish(api: Asked, other: dict[str, str]) -> None:
    said = {"Upload-Length": "1", "Upload-Metadata": "alt QSBjYXQ=", "Idempotency-Key": "a"}
    assert ask(api, "POST", UPLOADS, headers=said).status_code == 201
    assert problem(ask(api, "POST", UPLOADS, headers=said | other)) == (422, "key_used")


def test_the_same_bytes_for_another_place_are_another_wish(api: Asked) -> None:
    at = begin(api, 50_000)
    assert send(api, at, bytes(100), 0, Idempotency_Key="a").status_code == 204
    assert problem(send(api, at, bytes(100), 100, Idempotency_Key="a")) == (422, "key_used")


def test_who_cannot_send_every_method_says_which_is_meant(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    headers = {"Content-Type": PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert ask(api, "POST", at, headers=headers, content=data).status_code == 204
    assert ask(api, "POST", at, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert problem(ask(api, "POST", at))[0] == 405


def test_who_may_only_read_sends_nothing(api: Asked) -> None:
    key = api.key(Scope.READ)
    assert problem(ask(api, "POST", UPLOADS, key=key, headers={"Upload-Length": "5"})) == (403, "scope")
    assert api.ask("GET", UPLOADS, key=key).status_code == 200


def test_a_database_that_is_older_than_its_files_is_noticed(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    send(api, at, data[:20_000], 0)
    api.world.ctx.media.partial(at.rpartition("/")[2]).write_bytes(b"short")
    assert problem(send(api, at, data[20_000:], 20_000)) == (404, "not_found")
    assert api.ask("GET", UPLOADS).json() == {"uploads": []}


def test_the_disk_is_not_filled(tmp_path: Path) -> None:
    for api in asked(tmp_path, free_megabytes=1_000_000_000):
        refused = ask(api, "POST", UPLOADS, headers={"Upload-Length": "5"})
        assert problem(refused) == (507, "disk_full")


def test_on_a_full_disk_what_had_come_stays_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    data = long_mp4(3_000_000)
    for api in asked(tmp_path):
        with small_disk(tmp_path / "small", kilobytes=8000) as small:
            api.world.ctx.media.folder = small
            at = begin(api, len(data))
            send(api, at, data[:1_000_000], 0)
            filler = fill(small)
            assert problem(send(api, at, data[1_000_000:], 1_000_000)) == (507, "disk_full")
            assert offset(api, at) == 1_000_000
            filler.unlink()
            assert send(api, at, data[1_000_000:], 1_000_000).status_code == 204
            assert api.ask("GET", at).json()["sha256"] == hashlib.sha256(data).hexdigest()


@contextmanager
def stuck(api: Asked, at: str, data: bytes, **headers: str) -> Iterator[tuple[Any, Any]]:
    """Send a part that does not come to its end; yield what sends others, and what returns its answer."""
    given = TUS | {"Content-Type": PART, "Authorization": f"Bearer {api.key(Scope.ADMIN)}"}
    taken, over = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield data
        taken.set()
        await over.wait()

    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", api.served())),
            base_url="http://localhost",
            headers=given,
        )

        async def send(content: Any, offset: int, **more: str) -> httpx.Response:
            return await client.patch(at, content=content, headers={"Upload-Offset": str(offset)} | more)

        async def begun() -> asyncio.Task[httpx.Response]:
            task = asyncio.create_task(send(slowly(), 0, **headers))
            await taken.wait()
            return task

        task = runner.run(begun())

        async def ended() -> httpx.Response:
            answer = await task
            await client.aclose()
            return answer

        yield lambda *part, **more: runner.run(send(*part, **more)), lambda: runner.run(ended())
        over.set()


def test_who_comes_again_takes_the_place_of_a_request_that_hangs(api: Asked) -> None:
    data = long_mp4(50_000)
    at = begin(api, len(data))
    with stuck(api, at, data[:20_000]) as (send_too, answered):
        assert problem(send_too(b"", 50_000)) == (409, "offset")
        assert problem(answered()) == (409, "under_way")
    assert offset(api, at) == 20_000
    assert send(api, at, data[20_000:], 20_000).status_code == 204


def test_the_same_wish_does_not_take_its_own_place(api: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "_PATIENCE", 0.2)
    data = long_mp4(50_000)
    at, wish = begin(api, len(data)), {"Idempotency-Key": "a"}
    with stuck(api, at, data[:20_000], **wish) as (send_too, answered):
        assert problem(send_too(data[:20_000], 0, **wish)) == (409, "under_way")
        assert problem(answered()) == (408, "too_slow")
    assert offset(api, at) == 20_000
