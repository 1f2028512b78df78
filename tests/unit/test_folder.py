from __future__ import annotations

import asyncio
import errno
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postbell.domain import limits
from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.networks import folder as module
from postbell.networks.folder import FEED, network
from postbell.publishing.protocol import Absent, Receipt
from support import pictures
from support.folders import DUE, KEY, fail, http, outgoing, page, picture, publish, target, titles, visible


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "posts"


# The page


def test_a_text_becomes_a_page_named_by_day_words_and_key(place: Path) -> None:
    receipt = publish(outgoing(place))
    assert receipt.id == f"2026-11-23-good-morning-{KEY}.md"
    assert receipt.url == (place / receipt.id).as_uri()
    head, body = page(place / receipt.id)
    assert head == {
        "title": "Good morning",
        "date": DUE,
        "slug": "good-morning-k7m2p9q4",
        "draft": False,
        "tags": [],
    }
    assert body == "\nGood morning\n"


def test_title_link_tags_and_slug_are_in_the_front_matter(place: Path) -> None:
    link = "https://example.com/?a=b&c"
    options = {"slug": "dawn", "tags": "boats, old things"}
    receipt = publish(outgoing(place, title="At dawn", link=link, options=options))
    head, body = page(place / receipt.id)
    assert receipt.id == f"2026-11-23-dawn-{KEY}.md"
    assert (head["title"], head["link"], head["slug"]) == ("At dawn", link, "dawn")
    assert head["tags"] == ["boats", "old things"]
    assert body == f"\nGood morning\n\n<{link}>\n"


def test_a_page_is_named_by_what_somebody_wrote_not_by_what_the_account_adds(place: Path) -> None:
    said = Content(text="See https://a.example/b")
    out = outgoing(place, "See https://a.example/b?utm_source=folder\n\nAnn")
    receipt = publish(replace(out, written=said))
    head, body = page(place / receipt.id)
    assert receipt.id == f"2026-11-23-see-https-a-example-b-{KEY}.md"
    assert (head["title"], head["slug"]) == (said.text, "see-https-a-example-b-k7m2p9q4")
    assert body == f"\n{out.content.text}\n"


def test_a_link_alone_names_its_page_as_somebody_wrote_it(place: Path) -> None:
    out = outgoing(place, "", link="https://a.example/b?utm_source=folder")
    receipt = publish(replace(out, written=Content(link="https://a.example/b")))
    head, _ = page(place / receipt.id)
    assert (head["title"], head["link"]) == ("https://a.example/b", out.content.link)


def test_a_link_that_the_text_holds_is_not_said_twice(place: Path) -> None:
    out = outgoing(place, "See https://example.com/ now", link="https://example.com/")
    assert page(place / publish(out).id)[1] == "\nSee https://example.com/ now\n"


def test_a_link_that_only_begins_another_one_is_said(place: Path) -> None:
    out = outgoing(place, "See https://example.com/a", link="https://example.com/")
    assert page(place / publish(out).id)[1] == "\nSee https://example.com/a\n\n<https://example.com/>\n"


@pytest.mark.parametrize(
    "text",
    [
        '"quoted" \\ back',
        "tab\tand \x7f and \x01",
        "emoji 👩‍👩‍👧 日本語",
        "+++\n+++\n",
        "a = [1]\n\n\n<b>&amp;</b>",
        "!fail",
    ],
)
def test_any_text_and_title_reads_back_equal(place: Path, text: str) -> None:
    title = text.replace("\n", " ").strip()
    head, body = page(place / publish(outgoing(place, text, title=title)).id)
    assert body == f"\n{text}\n"
    assert head["title"] == " ".join(title.split())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "\n\nFirst line\nsecond"}, "First line"),
        ({"text": "word " * 40}, "word " * 15 + "word…"),
        ({"text": "", "link": "https://example.com/"}, "https://example.com/"),
        ({"text": ""}, ""),
    ],
)
def test_a_post_without_title_takes_its_first_line(
    place: Path, content: dict[str, Any], expected: str
) -> None:
    assert page(place / publish(outgoing(place, **content)).id)[0]["title"] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ünïcode Café!", "unicode-cafe-"),
        ("日本語", ""),
        ("../../etc/passwd", "etc-passwd-"),
        ("a" * 300, "a" * 50 + "-"),
        ("a" * 49 + " b", "a" * 49 + "-"),
    ],
)
def test_a_name_is_safe_whatever_the_text_says(place: Path, text: str, words: str) -> None:
    assert publish(outgoing(place, text)).id == f"2026-11-23-{words}{KEY}.md"


def test_with_a_website_the_address_is_below_it(place: Path) -> None:
    receipt = publish(outgoing(place, account={"base_url": "https://example.org/posts/"}))
    assert receipt.url == "https://example.org/posts/good-morning-k7m2p9q4/"


def test_everybody_may_read_what_is_published_whatever_the_umask(place: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        receipt = publish(outgoing(place, media=(picture(tmp_path),)))
    finally:
        os.umask(before)
    written = place / receipt.id
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (written, written.parent, place / FEED)]
    assert modes == [0o644, 0o755, 0o644]


# Media


def test_pictures_lie_beside_the_page_with_their_alt_texts(place: Path, tmp_path: Path) -> None:
    first = picture(tmp_path)
    second = picture(tmp_path, "日本.png", alt='Two [boats] & a "<b>"\nafter rain')
    receipt = publish(outgoing(place, media=(first, second)))
    stem = f"2026-11-23-good-morning-{KEY}"
    assert receipt.id == f"{stem}/index.md"
    head, body = page(place / receipt.id)
    assert [item["file"] for item in head["media"]] == ["1-harbour-at-dawn.png", "2.png"]
    assert [item["alt"] for item in head["media"]] == [first.alt, second.alt]
    for item in head["media"]:
        assert (place / stem / item["file"]).read_bytes() == first.path.read_bytes()
    assert "![A harbour](1-harbour-at-dawn.png)" in body
    assert r'![Two \[boats\] \& a "\<b\>" after rain](2.png)' in body


def test_a_film_is_linked_by_its_name(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(pictures.mp4())
    film = Media(sha256="f" * 64, kind=MediaKind.VIDEO, mime="video/mp4", size=40, name="Rain.mp4", path=path)
    out = outgoing(place, "", media=(film,))
    assert limits.check(out.content, network.limits, account="site") == []
    assert "[Rain.mp4](1-rain.mp4)" in page(place / publish(out).id)[1]


def test_media_whose_stored_file_is_gone_is_rejected_and_nothing_is_public(
    place: Path, tmp_path: Path
) -> None:
    gone = picture(tmp_path)
    gone.path.unlink()
    error = fail(outgoing(place, media=(gone,)))
    assert type(error) is Rejected
    assert "Harbour at dawn.png is gone" in str(error)
    assert visible(place) == set()


# Exactly once


def test_a_repeat_gives_the_same_receipt_and_no_second_page(place: Path) -> None:
    out = outgoing(place)
    assert publish(out) == publish(out)
    assert visible(place) == {f"2026-11-23-good-morning-{KEY}.md", FEED}
    assert titles(place) == ["Good morning"]


def test_a_repeat_is_recognised_by_its_key_alone(place: Path) -> None:
    first = publish(outgoing(place))
    again = publish(outgoing(place, "Good evening", due_at=DUE + timedelta(days=2)))
    assert again.id == first.id
    assert titles(place) == ["Good morning"]


def test_a_page_that_somebody_improved_is_left_as_it_is(place: Path) -> None:
    written = place / publish(outgoing(place)).id
    improved = written.read_text().replace("Good", "Better")
    written.write_text(improved)
    publish(outgoing(place))
    assert written.read_text() == improved


@pytest.mark.parametrize("files", [0, 1])
@pytest.mark.parametrize("at", range(8))
def test_a_crash_at_any_write_leaves_nothing_half_and_is_made_good(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, files: int
) -> None:
    out = outgoing(place, media=(picture(tmp_path),) * files)
    whole = {written.id for written in [publish(outgoing(tmp_path / "whole", media=out.content.media))]}
    real, count = os.fsync, iter(range(100))

    def dying(fd: int) -> None:
        if next(count) == at:
            raise KeyboardInterrupt
        real(fd)

    monkeypatch.setattr(os, "fsync", dying)
    try:
        module._publish(out)
    except KeyboardInterrupt:
        for path in place.rglob("*.md"):
            assert str(path.relative_to(place)) in whole
            page(path)
    monkeypatch.setattr(os, "fsync", real)
    publish(out)
    assert titles(place) == ["Good morning"]
    assert {name for name in visible(place) if name.endswith(".md")} == whole
    assert not list(place.rglob("*.part"))


def test_a_page_is_found_after_it_was_written_and_not_before(place: Path, tmp_path: Path) -> None:
    place.mkdir()
    for out in (outgoing(place), outgoing(place, key="a" * 20, media=(picture(tmp_path),))):
        assert asyncio.run(network.find(out, None, http())) == Absent()
        receipt = publish(out)
        assert asyncio.run(network.find(out, None, http())) == receipt


def test_a_page_whose_media_came_and_whose_text_did_not_is_not_found(place: Path, tmp_path: Path) -> None:
    out = outgoing(place, media=(picture(tmp_path),))
    (place / publish(out).id).unlink()
    assert asyncio.run(network.find(out, None, http())) == Absent()


# What the system refuses


@pytest.mark.parametrize(
    ("number", "expected", "mend"),
    [
        (errno.ENOSPC, Unavailable, "make room"),
        (errno.EDQUOT, Unavailable, "make room"),
        (errno.EACCES, Unauthorized, "give it the right"),
        (errno.EPERM, Unauthorized, "give it the right"),
        (errno.EROFS, Unauthorized, "give it the right"),
        (errno.EIO, Unavailable, "could not be written to"),
    ],
)
def test_a_refusal_of_the_system_says_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[PublishError], mend: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    error = fail(outgoing(place))
    assert type(error) is expected
    assert str(place) in str(error)
    assert mend in str(error)
    assert visible(place) == set()
    assert not list(place.rglob("*.part"))


def test_a_path_that_is_a_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    for place in (path, path / "below"):
        error = fail(outgoing(place))
        assert type(error) is Rejected
        assert "not a folder" in str(error)


def test_a_folder_on_a_disk_that_is_not_mounted_waits(tmp_path: Path) -> None:
    out = outgoing(tmp_path / "disk" / "posts")
    error = fail(out)
    assert type(error) is Unavailable
    assert "mount its disk" in str(error)
    with pytest.raises(Unavailable):
        asyncio.run(network.find(out, None, http()))


def test_a_feed_that_cannot_be_written_is_a_warning_for_the_page_is_public(place: Path) -> None:
    (place / "feed.xml").mkdir(parents=True)
    out = outgoing(place)
    receipt = asyncio.run(network.publish(out, None, http()))
    assert isinstance(receipt, Receipt)
    assert "feed.xml could not be written" in receipt.warnings[0]
    assert (place / receipt.id).exists()


# The account


def test_an_account_is_verified_by_writing_into_its_folder(place: Path) -> None:
    profile = asyncio.run(network.verify(target(place), http()))
    assert (profile.handle, profile.url) == (str(place), place.as_uri())
    assert list(place.iterdir()) == []
    web = asyncio.run(network.verify(target(place, base_url="https://example.org/"), http()))
    assert web.url == "https://example.org/"


def test_an_account_without_its_folder_is_not_verified(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="or the folder above it, is not there"):
        asyncio.run(network.verify(target(tmp_path / "a" / "b"), http()))


def test_home_may_be_written_short() -> None:
    account = network.Credentials.model_validate({"path": "~/posts"})
    assert account.model_dump()["path"] == str(Path.home() / "posts")


@pytest.mark.parametrize(
    "given",
    [
        {"path": "posts"},
        {"path": ""},
        {},
        {"path": "/x", "base_url": "example.org"},
        {"path": "/x", "base_url": "https://example.org/?a"},
        {"path": "/x", "feed_title": ""},
        {"path": "/x", "colour": "red"},
    ],
)
def test_an_account_that_cannot_work_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        network.Credentials.model_validate(given)


@pytest.mark.parametrize("slug", ["", "Two Words", "../up", "-a", "a-", "a--b", "ä", "a" * 81])
def test_a_slug_that_is_no_part_of_an_address_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        network.Options.model_validate({"slug": slug})


# What is announced


def test_a_preview_names_what_is_written_and_writes_nothing(place: Path, tmp_path: Path) -> None:
    out = outgoing(place, media=(picture(tmp_path),))
    calls = network.preview(out)
    assert not place.exists()
    receipt = publish(out)
    assert {call.url for call in calls} == {(place / name).as_uri() for name in visible(place)}
    (text,) = [call.body for call in calls if call.url.endswith("index.md")]
    assert text == (place / receipt.id).read_text()


def test_a_folder_takes_everything_within_its_limits(place: Path) -> None:
    out = outgoing(place)
    assert network.check(out.content, out.options, account="site") == []
