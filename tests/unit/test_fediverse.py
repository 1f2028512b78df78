from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from postbell.errors import Unavailable
from postbell.publishing.mastodon.fediverse import Server, read_server, software, stored_server
from postbell.publishing.web.answer import Answer
from support.mastodon_entities import configuration


_HOME = "https://a.example"
_SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/2.0"


# How long a text is


def test_in_a_content_warning_a_link_and_a_mention_count_in_full() -> None:
    warning = "https://a.example/bbbbbbbbbbbbbbb @alice@b.example e\u0301"
    assert Server().count("e\u0301", warning) == 1 + 33 + 1 + 16 + 1 + 1
    assert Server().count("https://a.com/bbbbbbbbbbbbbbb @alice@b.example", warning) == 23 + 1 + 6 + 52
    assert Server(kind="gotosocial").count("e\u0301", warning) == 2 + 33 + 1 + 16 + 1 + 2


@pytest.mark.parametrize("kind", ["gotosocial", "pixelfed"])
def test_some_servers_count_code_points_and_every_letter_of_a_link(kind: str) -> None:
    assert Server(kind=kind).count("e\u0301 @alice@b.example") == 19


@pytest.mark.parametrize("kind", ["pleroma", "akkoma"])
def test_some_servers_count_graphemes_and_every_letter_of_a_link(kind: str) -> None:
    assert Server(kind=kind).count("e\u0301 https://a.example/bbbbbbbbbbbbbbb") == 35


def test_a_link_counts_as_the_server_says_unless_it_counts_every_letter() -> None:
    taken = {"configuration": configuration(500, 4, link=30)}
    there = read_server("mastodon", taken)
    assert there.count("https://example.com @alice@b.example", "https://example.com") == 30 + 7 + 19
    assert stored_server({"link": there.link}).count("https://example.com") == 30
    for kind in ("gotosocial", "pleroma", "akkoma", "pixelfed"):
        assert read_server(kind, taken).count("https://example.com") == 19


@pytest.mark.parametrize("said", [0, None, "23", 23.5])
def test_a_link_counts_as_on_mastodon_where_nothing_usable_is_said(said: object) -> None:
    there = read_server("", {"configuration": {"statuses": {"characters_reserved_per_url": said}}})
    assert there.count("https://example.com/a/way/that/is/long") == 23


# What a server takes


def test_mastodon_says_what_it_takes() -> None:
    there = read_server("mastodon", {"version": "4.6.4", "configuration": configuration(1000, 6)})
    assert (there.text, there.files, there.answers, there.shortest) == (1000, 4, 6, 300)
    assert there.types["image/png"] == 16_777_216
    assert there.types["video/mp4"] == 103_809_024
    assert (there.film_pixels, there.film_rate) == (8_294_400, 120)
    assert there.limits().summary()["text"] == {"characters": 1000}


def test_files_that_a_server_does_not_name_are_not_taken_there() -> None:
    media = {"supported_mime_types": ["image/png", "audio/ogg"], "image_size_limit": 5}
    there = read_server("pixelfed", {"configuration": {"media_attachments": media}})
    assert dict(there.types) == {"image/png": 5, "audio/ogg": 103_809_024}


def test_types_that_another_version_has_kept_are_left_out() -> None:
    there = stored_server({"types": {"video/webm": 5, "image/png": 7}, "holograms": 1})
    assert (dict(there.types), there.text) == ({"image/png": 7}, 500)


def test_documents_are_not_taken_whatever_a_server_says() -> None:
    for media in ({}, {"supported_mime_types": ["application/pdf", "image/png"]}):
        there = read_server("pleroma", {"configuration": {"media_attachments": media}})
        assert "application/pdf" not in there.types
        assert "image/png" in there.types


def test_pleroma_says_it_in_keys_of_its_own() -> None:
    polls = {"max_options": 20, "max_option_chars": 200, "min_expiration": 0, "max_expiration": 31_536_000}
    version = "2.7.2 (compatible; Pleroma 2.9.1)"
    said = {"version": version, "max_toot_chars": 5000, "upload_limit": 16_000_000, "poll_limits": polls}
    there = read_server("", said)
    assert (there.kind, there.text, there.answers, there.answer) == ("pleroma", 5000, 20, 200)
    assert (there.shortest, there.longest) == (0, 31_536_000)
    assert set(there.types.values()) == {16_000_000}


@pytest.mark.parametrize(
    "said", [{}, {"configuration": []}, {"configuration": {"statuses": {"max_characters": "a"}}}]
)
def test_what_a_server_does_not_say_is_as_on_mastodon(said: dict[str, Any]) -> None:
    assert read_server("", said) == Server()


def test_a_server_is_read_back_from_a_session_and_is_mastodon_where_there_is_none() -> None:
    stored = {"kind": "akkoma", "text": 5000, "of another version": 1}
    assert stored_server(stored) == Server(kind="akkoma", text=5000)
    assert stored_server(None) == Server()


@pytest.mark.parametrize("kind", ["gotosocial", "pleroma", "akkoma", "pixelfed", "misskey"])
def test_a_key_is_not_given_to_a_server_that_may_make_something_else_of_it(kind: str) -> None:
    assert not Server(kind=kind).keeps_keys
    assert Server(kind="hometown").keeps_keys


# Which software it is


def _software(**documents: Any) -> tuple[str, list[str]]:
    """Return what is found, and the paths that were asked for."""
    asked = []

    async def ask(url: str) -> Answer:
        asked.append(url.removeprefix(_HOME))
        body = documents["links" if url.endswith("/.well-known/nodeinfo") else "document"]
        return Answer(status=200, headers={}, body=json.dumps(body).encode(), publishes=False)

    return asyncio.run(software(ask, _HOME)), asked


def _links(*hrefs: str, rel: str = _SCHEMA) -> dict[str, Any]:
    return {"links": [{"rel": rel, "href": href} for href in hrefs]}


def test_the_software_is_what_nodeinfo_says() -> None:
    document = {"software": {"name": "GoToSocial", "version": "0.19"}}
    found, asked = _software(links=_links(f"{_HOME}/nodeinfo/2.0"), document=document)
    assert found == "gotosocial"
    assert asked == ["/.well-known/nodeinfo", "/nodeinfo/2.0"]


@pytest.mark.parametrize(
    "links",
    [
        _links("https://elsewhere.example/nodeinfo/2.0"),
        _links("https://a.example.evil.example/nodeinfo/2.0"),
        _links(f"{_HOME}/other", rel="https://www.w3.org/ns/activitystreams#Application"),
        {"links": ["a", None]},
        {"links": {}},
        [],
    ],
)
def test_a_document_that_lies_elsewhere_or_is_another_is_not_asked_for(links: Any) -> None:
    assert _software(links=links) == ("", ["/.well-known/nodeinfo"])


@pytest.mark.parametrize("document", [{}, [], {"software": "a"}, {"software": {"name": 7}}])
def test_a_document_without_a_name_names_no_software(document: Any) -> None:
    assert _software(links=_links(f"{_HOME}/nodeinfo/2.0"), document=document)[0] == ""


def test_a_page_that_is_no_json_says_nothing_for_sure() -> None:
    async def ask(_url: str) -> Answer:
        return Answer(status=200, headers={}, body=b"<html>", publishes=False)

    with pytest.raises(Unavailable):
        asyncio.run(software(ask, _HOME))
