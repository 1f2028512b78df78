"""Files, uploaded and used by programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.api.multipart import Begin, Form, Malformed
from postbell.domain.access import Scope
from postbell.sections import ApiSettings, MediaSettings
from postbell.services.media.inspection import inspect
from support import pictures
from support.api import Asked, problem
from support.gallery import SECRET, notes_in, shown
from support.pictures import stored, written
from support.sounds import PDF, archive, sound
from support.world import HURRIED, add_account, build_world


MEDIA = "/api/v1/media"
LIMITS = {"picture_megabytes": 1, "video_megabytes": 2, "document_megabytes": 1, "free_megabytes": 0}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    yield from asked(tmp_path)


def asked(folder: Path, **limits: Any) -> Iterator[Asked]:
    update = {"api": ApiSettings(requests_per_minute=0), "media": MediaSettings(**LIMITS | limits)}
    with build_world(folder, settings=HURRIED.model_copy(update=update)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def send(api: Asked, *files: bytes, alts: Sequence[str] = (), **more: Any) -> httpx.Response:
    parts: list[tuple[str, Any]] = [
        ("file", (f"cat{n}.png", data, "image/png")) for n, data in enumerate(files)
    ]
    return api.ask("POST", MEDIA, files=[*parts, *(("alt", (None, alt)) for alt in alts)], **more)


def upload(api: Asked, data: bytes, alt: str = "") -> dict[str, Any]:
    answer = send(api, data, alts=[alt] if alt else [])
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()["media"]
    assert isinstance(made, dict)
    return made


def lying(api: Asked) -> list[str]:
    return [path.name for path in stored(api.world.app.places.media)]


def test_files_are_stored_with_their_alt_texts_and_used_by_posts(api: Asked) -> None:
    answer = send(api, pictures.png(), pictures.mp4(), alts=["A cat", "It runs"])
    assert answer.status_code == 201
    cat, film = answer.json()["media"]
    assert (cat["kind"], cat["mime"], cat["width"], cat["alt"]) == ("image", "image/png", 40, "A cat")
    assert (film["kind"], film["mime"], film["width"], film["alt"]) == ("video", "video/mp4", 40, "It runs")
    assert (cat["used"], film["used"]) == (False, False)
    media = [{"sha256": cat["sha256"]}, {"sha256": film["sha256"], "alt": "It sleeps"}]
    post = api.ask("POST", "/api/v1/posts", json={"text": "x", "media": media}).json()
    assert [each["alt"] for each in post["media"]] == ["A cat", "It sleeps"]
    assert api.ask("GET", f"{MEDIA}/{cat['sha256']}").json() == cat | {"used": True}


def test_the_same_bytes_are_stored_once_and_have_the_same_name(api: Asked) -> None:
    first = upload(api, pictures.png(), "A cat")
    again = upload(api, pictures.png())
    assert again == first
    assert send(api, pictures.png(), pictures.png()).status_code == 201
    assert lying(api) == [f"{first['sha256']}.png"]


def test_nothing_is_kept_of_a_picture_but_the_picture(api: Asked) -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        given = shown(form, "RGB", (320, 240), 6)
        assert notes_in(given.data)
        made = upload(api, given.data)
        assert (made["width"], made["height"]) == given.seen.size
        kept = api.ask("GET", f"{MEDIA}/{made['sha256']}/file").content
        assert notes_in(kept) == []
        assert hashlib.sha256(kept).hexdigest() == made["sha256"]


@pytest.mark.parametrize("make", [pictures.png, pictures.jpeg, pictures.gif, pictures.webp])
def test_what_is_hidden_behind_a_picture_is_gone(api: Asked, make: Any) -> None:
    made = upload(api, make() + b"PK\x03\x04" + SECRET.encode() + pictures.HTML)
    kept = api.ask("GET", f"{MEDIA}/{made['sha256']}/file").content
    assert SECRET.encode() not in kept
    assert b"<html" not in kept


def test_the_store_says_of_a_file_what_a_name_only_promises(api: Asked) -> None:
    part = {"file": ("../../etc/cat.exe", pictures.jpeg(), "text/html")}
    made = api.ask("POST", MEDIA, files=part).json()["media"][0]
    answer = api.ask("GET", f"{MEDIA}/{made['sha256']}/file")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'attachment; filename="{made["sha256"][:8]}.jpg"'
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_part_of_a_file_is_sent_to_who_asks_for_it(api: Asked) -> None:
    made = upload(api, pictures.png())
    path = f"{MEDIA}/{made['sha256']}/file"
    whole = api.ask("GET", path).content
    for wanted, part in (("0-3", whole[:4]), ("5-", whole[5:]), ("-2", whole[-2:]), ("0-99999", whole)):
        answer = api.ask("GET", path, headers={"Range": f"bytes={wanted}"})
        assert (answer.status_code, answer.content) == (206, part)
    for nonsense in ("bytes=5-2", "lines=1-2", "bytes=", "bytes=0-1,3-4", "bytes=-0"):
        answer = api.ask("GET", path, headers={"Range": nonsense})
        assert (answer.status_code, answer.content) == (200, whole)
    beyond = api.ask("GET", path, headers={"Range": f"bytes={len(whole)}-"})
    assert problem(beyond) == (416, "no_such_range")
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"


def test_a_file_that_has_gone_from_the_disk_is_told(api: Asked) -> None:
    made = upload(api, pictures.png())
    stored(api.world.app.places.media)[0].unlink()
    assert problem(api.ask("GET", f"{MEDIA}/{made['sha256']}/file")) == (404, "not_found")


def test_files_are_listed_the_newest_first_in_parts(api: Asked) -> None:
    names = []
    for number in range(5):
        names.append(upload(api, pictures.png(10 + number))["sha256"])
        api.world.clock.advance(1)
    api.ask("POST", "/api/v1/posts", json={"text": "x", "media": [{"sha256": names[0]}]})
    seen: list[str] = []
    url = f"{MEDIA}?limit=2"
    while url:
        answer = api.ask("GET", url)
        seen += [each["sha256"] for each in answer.json()["media"]]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == names[::-1]
    assert [each["sha256"] for each in api.ask("GET", f"{MEDIA}?used=true").json()["media"]] == names[:1]
    assert len(api.ask("GET", f"{MEDIA}?used=false&kind=image").json()["media"]) == 4
    assert api.ask("GET", f"{MEDIA}?kind=video").json() == {"media": [], "next": None}
    assert problem(api.ask("GET", f"{MEDIA}?cursor=abc")) == (422, "invalid")
    assert problem(api.ask("GET", f"{MEDIA}?cursor=MjAyNi0wMS0wMSB4")) == (422, "invalid")


def test_an_alt_text_is_changed_for_posts_to_come(api: Asked) -> None:
    made = upload(api, pictures.png(), "A cat")
    media = [{"sha256": made["sha256"]}]
    before = api.ask("POST", "/api/v1/posts", json={"text": "x", "media": media}).json()
    changed = api.ask("PATCH", f"{MEDIA}/{made['sha256']}", json={"alt": "A dog"})
    assert changed.json()["alt"] == "A dog"
    after = api.ask("POST", "/api/v1/posts", json={"text": "y", "media": media}).json()
    assert [post["media"][0]["alt"] for post in (before, after)] == ["A cat", "A dog"]
    assert upload(api, pictures.png())["alt"] == "A dog"
    assert api.ask("GET", f"/api/v1/posts/{before['id']}").json()["media"][0]["alt"] == "A cat"


def test_sounds_and_documents_are_kept_as_they_are(api: Asked) -> None:
    for data, kind in ((sound("audio/mpeg"), "audio"), (PDF, "document"), (archive(), "document")):
        made = upload(api, data)
        assert (made["kind"], made["size"], made["width"]) == (kind, len(data), None)
        answer = api.ask("GET", f"{MEDIA}/{made['sha256']}/file")
        assert answer.content == data
        assert answer.headers["content-disposition"].startswith("attachment")
    found = api.ask("GET", f"{MEDIA}?kind=document").json()["media"]
    assert {each["mime"] for each in found} == {"application/pdf", "application/zip"}


def test_a_file_is_deleted_when_nothing_uses_it(api: Asked) -> None:
    made = upload(api, pictures.png())
    path = f"{MEDIA}/{made['sha256']}"
    post = api.ask("POST", "/api/v1/posts", json={"text": "x", "media": [{"sha256": made["sha256"]}]}).json()
    assert problem(api.ask("DELETE", path)) == (409, "conflict")
    api.ask("DELETE", f"/api/v1/posts/{post['id']}")
    assert api.ask("DELETE", path).status_code == 204
    assert lying(api) == []
    for answer in (api.ask("GET", path), api.ask("DELETE", path), api.ask("PATCH", path, json={"alt": "x"})):
        assert problem(answer) == (404, "not_found")


REFUSED = [
    ("nothing", b"", "it is empty"),
    ("an HTML page", pictures.HTML, "it is an HTML page"),
    ("a drawing with scripts", pictures.SVG, "it is an SVG drawing"),
    ("a text", b"hello", "it is a text file"),
    ("an archive", b"PK\x03\x04" + b"\0\xff" * 200, "broken or cut off"),
    ("a program", b"\x7fELF" + b"\0\xff" * 200, "Postbell takes"),
    ("a PDF document", b"%PDF-1.7\n" + b"\xff" * 100, "broken or cut off"),
    ("a page that begins like a picture", b"GIF89a" + pictures.HTML, "broken or cut off"),
    ("a picture cut off", pictures.png(400, 300)[:200], "broken or cut off"),
    ("a photo cut off", pictures.jpeg(400, 300)[:300], "broken or cut off"),
    ("a picture of too many pixels", pictures.png_claiming(30_000, 30_000), "more than 120,000,000 pixels"),
    ("a picture that is only said to be large", pictures.png_claiming(9_000, 9_000), "broken or cut off"),
    ("a note that unpacks to much", pictures.png_text_bomb(200_000_000), "broken or cut off"),
]


@pytest.mark.parametrize(("data", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_no_picture_and_no_video_is_refused(api: Asked, data: bytes, reason: str) -> None:
    answer = send(api, pictures.png(), data)
    assert problem(answer) == (422, "invalid")
    (told,) = answer.json()["problems"]
    assert told["where"] == "file 2"
    assert reason in told["message"]
    assert lying(api) == []


def test_a_file_is_as_long_as_its_kind_may_be(api: Asked) -> None:
    film = pictures.mp4() + bytes(1_500_000)
    assert upload(api, film)["size"] == len(film)
    for data, kind in (
        (pictures.png() + bytes(1_000_000), "a picture"),
        (film + bytes(1_000_000), "a video"),
        (PDF + bytes(1_000_000), "a file may have 1,000,000 bytes"),
        (sound("audio/mpeg") + bytes(1_000_000), "a sound"),
    ):
        answer = send(api, data)
        assert problem(answer) == (413, "too_long")
        assert kind in answer.json()["detail"]
    assert len(lying(api)) == 1


def test_the_disk_is_not_filled(tmp_path: Path) -> None:
    for api in asked(tmp_path, free_megabytes=10**9):
        answer = send(api, pictures.png())
        assert problem(answer) == (507, "disk_full")
        assert "media.free_megabytes" in answer.json()["detail"]
        assert lying(api) == []


def test_a_form_that_is_none_is_refused(api: Asked) -> None:
    assert problem(api.ask("POST", MEDIA, content=pictures.png())) == (415, "media_type")
    assert problem(api.ask("POST", MEDIA, json={})) == (415, "media_type")
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for body, told in (
        (b"", "cut off"),
        (head + pictures.png(), "cut off"),
        (b"--x--", "no file"),
        (head + pictures.png() + b"\r\n--x??", "something else"),
        (b"--x\r\n\r\nhello\r\n--x--", "no name"),
        (b"--x\r\n" + b"A: b\r\n" * 2000 + b"\r\n", "too long"),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--', "another one"),
    ):
        answer = api.ask("POST", MEDIA, content=body, headers=kind)
        assert problem(answer) == (400, "malformed")
        assert told in answer.json()["detail"]
    assert problem(send(api, pictures.png(), alts=["a", "b"])) == (400, "malformed")
    assert problem(send(api, *[pictures.png()] * 21)) == (400, "malformed")
    assert problem(send(api, pictures.png(), alts=["x" * 50_000])) == (400, "malformed")
    for bad in (b"\xed\xa0\x80", b"\xff"):
        alt = b'\r\n--x\r\nContent-Disposition: form-data; name="alt"\r\n\r\n' + bad + b"\r\n--x--"
        answer = api.ask("POST", MEDIA, content=head + pictures.png() + alt, headers=kind)
        assert problem(answer) == (400, "malformed")
        assert "not UTF-8" in answer.json()["detail"]
    nul = send(api, pictures.png(), alts=["a\0b"])
    assert problem(nul) == (422, "invalid")
    assert "the alt text of file 1: character 2 is a NUL" in nul.json()["detail"]
    assert lying(api) == []


def test_the_same_wish_is_carried_out_once(api: Asked) -> None:
    headers = {"Idempotency-Key": "one"}
    first = send(api, pictures.png(), alts=["A cat"], headers=headers)
    again = send(api, pictures.png(), alts=["A cat"], headers=headers)
    # Every client draws what stands between the parts.
    assert again.request.headers["content-type"] != first.request.headers["content-type"]
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    for files, alts in (
        ([pictures.jpeg()], ["A cat"]),
        ([pictures.png()], ["A dog"]),
        ([pictures.png()], []),
        ([pictures.png()] * 2, ["A cat"]),
    ):
        assert problem(send(api, *files, alts=alts, headers=headers)) == (422, "key_used")


def test_who_may_only_read_uploads_nothing(api: Asked) -> None:
    assert problem(send(api, pictures.png(), key=api.key(Scope.READ))) == (403, "scope")


def test_what_was_uploaded_is_stored_as_a_command_would_see_it(api: Asked, tmp_path: Path) -> None:
    made = upload(api, pictures.png())
    (path,) = stored(api.world.app.places.media)
    assert inspect(path).width == made["width"]
    again = api.world.ctx.media.put(written(tmp_path, "cat.png", pictures.png()))
    assert again.sha256 == made["sha256"]


def test_a_form_is_read_alike_however_it_comes() -> None:
    form = (
        b'before\r\n--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--x\r\n'
        b'content-disposition: form-data; name="file"; filename="caf\xc3\xa9"\r\nContent-Type: a/b\r\n\r\n'
        b"1\r\n--y\r\n\r\n-2\r\n--x--\r\nbehind"
    )
    for size in (1, 2, 3, 7, 1000):
        reader, seen = Form(b"x"), list[Begin | bytes]()
        for at in range(0, len(form), size):
            for each in reader.feed(form[at : at + size]):
                if isinstance(each, bytes) and isinstance(seen[-1], bytes):
                    seen[-1] += each
                else:
                    seen.append(each)
        reader.close()
        body = b"1\r\n--y\r\n\r\n-2"
        assert seen == [Begin(name="a", filename=None), Begin(name="file", filename="café"), body]
    with pytest.raises(Malformed):
        Form(b"x").close()


def test_the_path_at_which_files_are_fetched_is_none_of_a_file(api: Asked) -> None:
    answer = api.ask("PATCH", f"{MEDIA}/ingest", json={"alt": "A cat"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
