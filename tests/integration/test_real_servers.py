from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from support import servers
from support.lossy import lossy_proxy
from support.pds import Pds, pds_server
from support.wordpress import WordPress, wordpress_server


pytestmark = pytest.mark.real

_RKEY = "3m6aaaaaaaa2c"


def _listening_addresses(url: str) -> set[str]:
    """Return the addresses on which this machine listens at the port of `url`, as the kernel prints them."""
    port = f"{urlsplit(url).port:04X}"
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    local = (fields[1].split(":") for fields in lines if fields[3] == "0A")
    return {address for address, its_port in local if its_port == port}


def _note(text: str) -> dict[str, object]:
    return {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-23T09:00:00Z"}


def test_the_pds_gives_back_a_record_that_was_put_there(pds: Pds) -> None:
    account = pds.create_account("roundtrip")
    body = {"repo": account.did, "collection": "app.bsky.feed.post", "rkey": _RKEY, "record": _note("Hello")}
    pds.call("com.atproto.repo.putRecord", body, pds.login(account))
    record = pds.get_record(account.did, _RKEY)
    assert record
    assert record["value"] == _note("Hello")
    assert [each["uri"] for each in pds.list_records(account.did)] == [record["uri"]]


def test_the_pds_has_no_record_that_nobody_put_there(pds: Pds) -> None:
    assert pds.get_record(pds.create_account("silent").did, _RKEY) is None


def test_the_pds_gives_back_the_bytes_of_a_blob(pds: Pds) -> None:
    account = pds.create_account("blob")
    token = pds.login(account)
    picture = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(picture, "PNG")
    headers = {"authorization": f"Bearer {token}", "content-type": "image/png"}
    with httpx.Client(base_url=pds.url, headers=headers, trust_env=False, timeout=60) as client:
        answer = client.post("/xrpc/com.atproto.repo.uploadBlob", content=picture.getvalue())
    images = {"$type": "app.bsky.embed.images", "images": [{"image": answer.json()["blob"], "alt": "red"}]}
    record = _note("Look") | {"embed": images}
    body = {"repo": account.did, "collection": "app.bsky.feed.post", "rkey": _RKEY, "record": record}
    pds.call("com.atproto.repo.putRecord", body, token)
    assert pds.get_blob(account.did, answer.json()["blob"]["ref"]["$link"]) == picture.getvalue()


def test_the_pds_keeps_what_it_accepted_when_its_answer_is_lost(pds: Pds) -> None:
    account = pds.create_account("lossy")
    token = pds.login(account)
    body = {"repo": account.did, "collection": "app.bsky.feed.post", "rkey": _RKEY, "record": _note("Once")}
    with lossy_proxy(pds.url) as proxy:
        proxy.lose("POST", "putRecord")
        with pytest.raises(httpx.RemoteProtocolError):
            Pds(url=proxy.url, plc_url=pds.plc_url).call("com.atproto.repo.putRecord", body, token)
    assert len(pds.list_records(account.did)) == 1


def test_wordpress_gives_back_a_post_that_was_made_there(wordpress: WordPress) -> None:
    tag = wordpress.create("tags", name="round trip")
    made = wordpress.create("posts", title="Hello", content="<p>Day</p>", slug="rt", tags=[tag["id"]])
    post = wordpress.post(made["id"])
    assert (post["title"]["raw"], post["content"]["raw"], post["status"]) == ("Hello", "<p>Day</p>", "draft")
    assert wordpress.term_names("tags", post["tags"]) == ["round trip"]
    assert [each["id"] for each in wordpress.posts(slug="rt")] == [made["id"]]


def test_wordpress_shows_a_published_post_to_visitors(wordpress: WordPress) -> None:
    made = wordpress.create("posts", title="Shown", content="<p>To all</p>", status="publish")
    assert "<p>To all</p>" in wordpress.page(made["link"])


def test_every_server_listens_on_loopback_only(pds: Pds, wordpress: WordPress) -> None:
    heard = [_listening_addresses(url) for url in (pds.url, pds.plc_url, wordpress.url)]
    assert heard == [{"0100007F"}] * 3


def test_a_server_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTBELL_SERVERS", str(tmp_path))
    with pytest.raises(servers.NotInstalled, match=servers.INSTALL), pds_server(tmp_path):
        pass


def test_no_process_outlives_its_server(tmp_path: Path, wordpress: WordPress) -> None:
    with wordpress_server(tmp_path) as second:
        assert second.url != wordpress.url
        assert _processes_that_name(tmp_path)
    assert _processes_that_name(tmp_path) == []


def _processes_that_name(folder: Path) -> list[bytes]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended meanwhile
            found.append(process.read_bytes())
    return [command for command in found if bytes(folder) in command]
