"""Where in the body of a request something is wrong, as programs are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.media import COMMENT
from postbell.errors import Problem
from postbell.services.posts.places import numbered
from support import pictures
from support.api import Asked, configured, problem
from support.sounds import PDF
from support.world import add_account, build_world, picture


LATER = "2026-11-24T18:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        add_account(world.store, "toots", network="mastodon", server="https://toots.invalid")
        yield Asked(world)


def told(api: Asked, path: str = "/api/v1/posts", **asked: Any) -> list[tuple[str | None, str]]:
    """Return of everything that is wrong with a post for toots its pointer, and its place in words."""
    answer = api.ask("POST", path, json={"text": "hello", "to": ["toots"], "at": LATER} | asked)
    assert problem(answer) == (422, "invalid")
    return [(each["pointer"], each["where"]) for each in answer.json()["problems"]]


def uploaded(api: Asked, *files: bytes) -> list[dict[str, Any]]:
    sent = [("file", (f"{number}", data, "image/png")) for number, data in enumerate(files)]
    answer = api.ask("POST", "/api/v1/media", files=sent)
    assert answer.status_code == 201, answer.text
    return [{"sha256": each["sha256"], "alt": "A bell"} for each in answer.json()["media"]]


# Files.


@pytest.mark.parametrize("name", ["38cf9aa3.pdf", "2024-bell.pdf", "7", "bell.pdf", "ring\nit"])
def test_a_file_that_a_network_does_not_take_is_pointed_to_however_it_is_called(
    api: Asked, name: str
) -> None:
    bell, paper = uploaded(api, pictures.png(), PDF)
    assert ("/media/1", "media.1") in told(api, media=[bell, paper | {"name": name}])
    parted = [bell, paper | {"name": name, "part": 2}]
    assert ("/media/1", "media.1") in told(api, segments=["and more"], media=parted)
    commented = [bell | {"name": name}, paper | {"name": name, "part": 0}]
    assert ("/media/1", "media.1") in told(api, comment={"text": "more"}, media=commented)


def test_a_file_is_pointed_to_where_there_is_no_such_part_or_comment(api: Asked) -> None:
    (bell,) = uploaded(api, pictures.png())
    named = bell | {"name": "2024-cat.png"}
    media = [bell, named | {"part": 3}, named | {"part": 0}]
    assert {pointer for pointer, _ in told(api, media=media)} == {"/media/1", "/media/2"}


def test_a_picture_without_alt_text_is_pointed_to_where_that_is_refused(tmp_path: Path) -> None:
    settings = configured(requests_per_minute=0).model_copy(update={"alt_text": "require"})
    with build_world(tmp_path, settings=settings) as world:
        add_account(world.store, "toots")
        api = Asked(world)
        (bell,) = uploaded(api, pictures.png())
        silent = {"sha256": bell["sha256"], "alt": "", "name": "1.png"}
        assert told(api, media=[bell, silent]) == [("/media/1", "media.1")]


def test_a_note_names_the_file(api: Asked) -> None:
    (bell,) = uploaded(api, pictures.png())
    media = [bell, bell | {"alt": "", "name": "2024-cat.png"}]
    made = api.ask("POST", "/api/v1/posts", json={"text": "x", "to": ["ann"], "media": media}).json()
    assert [each["where"] for each in made["problems"]] == ["media 2024-cat.png"]


def test_a_file_has_no_number_where_another_is_called_like_it() -> None:
    item = picture(name="1.png")
    comment = replace(item, part=COMMENT)
    said = Problem(where="part 2: media 1.png", message="it is odd.")
    assert numbered(said, [item, replace(item, part=2)]).file == 1
    assert numbered(said, [replace(item, part=2), replace(item, part=2)]).file is None
    assert numbered(replace(said, where="comment: media 1.png"), [item, comment]).file == 1
    assert numbered(replace(said, where="media 1.png"), [comment, item]).file == 1
    assert numbered(replace(said, where="media"), [item]).file is None
