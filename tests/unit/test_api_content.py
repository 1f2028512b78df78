"""What programs let posts say: files of every kind, and other words for networks and for accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import pictures
from support.api import Asked, configured, problem
from support.sounds import PDF
from support.world import add_account, build_world


LATER = "2026-11-24T18:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        for name in ("hook", "catch"):
            add_account(world.store, name, network="webhook", credentials={"url": f"https://{name}.invalid/"})
        add_account(world.store, "tusk", network="mastodon", server="https://tusk.invalid")
        yield Asked(world)


def previews(api: Asked, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the body of the first request that each account would be sent."""
    answer = api.ask("POST", "/api/v1/posts/preview", json=asked)
    assert answer.status_code == 200, answer.text
    return {each["account"]: each["calls"][0]["body"] for each in answer.json()["previews"]}


def upload(api: Asked, *files: bytes) -> list[dict[str, str]]:
    sent = [
        ("file", (f"file{number}", data, "application/octet-stream")) for number, data in enumerate(files)
    ]
    answer = api.ask("POST", "/api/v1/media", files=sent)
    assert answer.status_code == 201, answer.text
    return [{"sha256": each["sha256"], "alt": "A bell"} for each in answer.json()["media"]]


def test_what_an_account_says_wins_over_its_network_and_that_over_the_post(api: Asked) -> None:
    asked: dict[str, Any] = {
        "text": "for all",
        "title": "All",
        "link": "https://example.org/all",
        "to": ["hook", "catch", "tusk"],
        "overrides": {
            "webhook": {
                "text": "for webhooks",
                "title": "Webhooks",
                "options": {"event": "said", "tags": ["a"]},
            },
            "hook": {"text": "for hook", "options": {"tags": ["b"]}},
            "tusk": {"options": {"visibility": "private"}},
            "mastodon": {"options": {"visibility": "unlisted", "language": "de"}},
        },
    }
    shown = previews(api, asked)
    names = ("text", "title", "link", "tags")
    assert [shown["hook"]["data"][name] for name in names] == [
        *("for hook", "Webhooks", "https://example.org/all", ["b"])
    ]
    assert [shown["catch"]["data"][name] for name in names] == [
        *("for webhooks", "Webhooks", "https://example.org/all", ["a"])
    ]
    assert (shown["hook"]["type"], shown["catch"]["type"]) == ("said", "said")
    assert (shown["tusk"]["visibility"], shown["tusk"]["language"]) == ("private", "de")
    assert shown["tusk"]["status"].startswith("for all")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"image/png": pictures.png()}, id="a picture"),
        pytest.param({"video/mp4": pictures.mp4()}, id="a video"),
        pytest.param({"application/pdf": PDF}, id="a document"),
        pytest.param({"image/gif": pictures.gif(frames=2)}, id="a moving picture"),
        pytest.param(
            {"image/png": pictures.png(), "image/jpeg": pictures.jpeg(), "video/mp4": pictures.mp4()},
            id="an album",
        ),
    ],
)
def test_drafts_and_posts_show_files_of_every_kind(api: Asked, files: dict[str, bytes]) -> None:
    media = upload(api, *files.values())
    wish = {"text": "Look", "to": ["hook"], "media": media, "allow_duplicate": True}
    for when in ({}, {"at": LATER, "draft": True}, {"at": LATER}):
        answer = api.ask("POST", "/api/v1/posts", json=wish | when)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["state"] == ("scheduled" if when == {"at": LATER} else "draft")
        assert [(each["sha256"], each["mime"], each["alt"]) for each in made["media"]] == [
            (each["sha256"], mime, "A bell") for each, mime in zip(media, files, strict=True)
        ]
    shown = previews(api, wish)["hook"]["data"]["media"]
    assert [(each["sha256"], each["mime"]) for each in shown] == [
        (each["sha256"], mime) for each, mime in zip(media, files, strict=True)
    ]


def test_a_link_is_content_of_its_own(api: Asked) -> None:
    link = "https://example.org/"
    answer = api.ask("POST", "/api/v1/posts", json={"link": link, "to": ["hook"], "at": LATER})
    assert (answer.status_code, answer.json()["link"]) == (201, link)
    assert previews(api, {"link": link, "to": ["catch"]})["catch"]["data"]["link"] == link


@pytest.mark.parametrize(("length", "bound"), [(501, "500"), (200_001, "200000")])
def test_a_text_that_is_too_long_is_refused_with_its_bound(api: Asked, length: int, bound: str) -> None:
    asked = {"text": "x" * length, "to": ["ann"], "at": LATER}
    answer = api.ask("POST", "/api/v1/posts", json=asked)
    assert problem(answer) == (422, "invalid")
    (told,) = answer.json()["problems"]
    assert (told["pointer"], bound in told["message"]) == ("/text", True), told
    assert api.ask("GET", "/api/v1/posts").json()["posts"] == []
    assert api.ask("POST", "/api/v1/posts", json=asked | {"text": "x" * 500}).status_code == 201
