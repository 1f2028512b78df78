from __future__ import annotations

import fcntl
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.networks import folder as module
from postbell.networks.folder import FEED, FEED_LENGTH
from support import pictures
from support.folders import ATOM, DUE, KEY, feed, outgoing, picture, publish, titles


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "posts"


def test_the_feed_has_what_rfc_4287_demands(place: Path, tmp_path: Path) -> None:
    account = {"base_url": "https://example.org/posts", "feed_title": "News & <more>"}
    publish(outgoing(place, "<b>&\x01", media=(picture(tmp_path),), account=account))
    root = feed(place)
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == "https://example.org/posts/"
    assert root.findtext(f"{ATOM}title") == "News & <more>"
    assert root.findtext(f"{ATOM}updated") == "2026-11-23T09:00:00Z"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "News & <more>"
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": "https://example.org/posts/feed.xml"}
    (entry,) = root.iter(f"{ATOM}entry")
    assert (entry.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
    assert entry.findtext(f"{ATOM}published") == entry.findtext(f"{ATOM}updated") == "2026-11-23T09:00:00Z"
    assert (entry.findtext(f"{ATOM}content") or "").startswith("<b>&\n")
    size = str(len(pictures.png()))
    base = "https://example.org/posts/b-k7m2p9q4/"
    assert [link.attrib for link in entry.findall(f"{ATOM}link")] == [
        {"rel": "alternate", "href": base},
        {"rel": "enclosure", "type": "image/png", "length": size, "href": f"{base}1-harbour-at-dawn.png"},
    ]


def test_without_a_website_the_feed_points_to_the_files(place: Path, tmp_path: Path) -> None:
    receipt = publish(outgoing(place, media=(picture(tmp_path),)))
    links = [link.get("href") for link in feed(place).iter(f"{ATOM}link")]
    bundle = (place / receipt.id).parent.as_uri()
    assert links == [
        f"{place.as_uri()}/feed.xml",
        f"{bundle}/index.md",
        f"{bundle}/1-harbour-at-dawn.png",
    ]


def test_the_feed_holds_the_newest_posts_newest_first(place: Path) -> None:
    ages = [*range(FEED_LENGTH + 3)]
    for age in ages[::2] + ages[1::2]:
        out = outgoing(place, f"Post {age}", key=f"{age:020}", due_at=DUE - timedelta(hours=age))
        publish(out)
    assert titles(place) == [f"Post {age}" for age in range(FEED_LENGTH)]


def test_an_entry_keeps_its_id_when_its_address_changes(place: Path) -> None:
    def entry_id() -> str | None:
        return feed(place).findtext(f"{ATOM}entry/{ATOM}id")

    publish(outgoing(place))
    before = entry_id()
    publish(outgoing(place, account={"base_url": "https://example.org"}))
    assert entry_id() == before


def test_the_feed_follows_the_files_as_people_leave_them(place: Path) -> None:
    names = ["kept", "removed", "drafted", "ruined", "renamed", "dateless", "timeless", "binary", "cut"]
    paths = {}
    for number, name in enumerate(names):
        paths[name] = place / publish(outgoing(place, name, key=f"{number:020}")).id
    paths["removed"].unlink()
    paths["drafted"].write_text(paths["drafted"].read_text().replace("draft = false", "draft = true"))
    paths["ruined"].write_text("+++\ntitle = oops\n+++\n")
    paths["renamed"].rename(place / "renamed.md")
    paths["dateless"].write_text(paths["dateless"].read_text().replace("date =", "day ="))
    paths["timeless"].write_text(paths["timeless"].read_text().replace("T09:00:00Z", ""))
    paths["binary"].write_bytes(b"\xff\xfe")
    paths["cut"].write_text("no front matter")
    (place / "_index.md").write_text("+++\ntitle = 'Posts'\n+++\n")
    publish(outgoing(place, "new"))
    assert sorted(map(str, titles(place))) == ["kept", "new"]


def test_a_feed_without_any_entry_is_still_a_feed(place: Path) -> None:
    written = place / publish(outgoing(place)).id
    written.write_text(written.read_text().replace("draft = false", "draft = true"))
    publish(outgoing(place))
    assert titles(place) == []
    assert feed(place).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_two_accounts_on_one_folder_lose_no_entry(place: Path) -> None:
    keys = [f"{number:020}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: module._publish(outgoing(place, f"Post {key[-2:]}", key=key)), keys))
    assert sorted(map(str, titles(place))) == [f"Post {number:02}" for number in range(16)]


def _publish_in_process(place: Path, key: str) -> None:
    module._publish(outgoing(place, "From another process", key=key))


def test_the_feed_waits_for_another_process_that_writes_it(place: Path) -> None:
    place.mkdir()
    process = multiprocessing.get_context("spawn").Process(target=_publish_in_process, args=(place, KEY))
    with (place / ".postbell.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process.start()
        while not list(place.glob("*.md")):
            process.join(0.02)
            assert process.is_alive()
        assert not (place / FEED).exists()
    process.join(30)
    assert process.exitcode == 0
    assert titles(place) == ["From another process"]
