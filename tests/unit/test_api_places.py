"""Where in the body of a request something is wrong, as programs are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import model_validator

from postbell.domain.content import Content, Override, Split
from postbell.domain.media import COMMENT, Media
from postbell.errors import Problem
from postbell.services.posts.places import placed
from postbell.services.posts.plainness import check_plain
from postbell.testing import FakeNetwork, FakeOptions
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


def test_each_of_two_pictures_without_alt_text_is_told_though_they_are_called_alike(tmp_path: Path) -> None:
    settings = configured(requests_per_minute=0).model_copy(update={"alt_text": "require"})
    with build_world(tmp_path, settings=settings) as world:
        add_account(world.store, "toots")
        api = Asked(world)
        silent = [each | {"alt": "", "name": "1.png"} for each in uploaded(api, pictures.png())] * 2
        places = [("/media/0", "media.0"), ("/media/1", "media.1")]
        assert told(api, media=silent) == places
        series = {"text": "x", "to": ["toots"], "repeat": {"repeat": "daily", "times": ["09:00"]}}
        answer = api.ask("POST", "/api/v1/series", json=series | {"media": silent})
        assert [(each["pointer"], each["where"]) for each in answer.json()["problems"]] == places


def test_a_file_that_there_is_not_is_pointed_to(api: Asked) -> None:
    (bell,) = uploaded(api, pictures.png())
    missing = {"sha256": "0" * 64}
    assert told(api, media=[bell, missing, bell, missing]) == [
        ("/media/1", "media.1"),
        ("/media/3", "media.3"),
    ]


def test_a_file_with_a_character_that_no_text_can_have_has_its_number() -> None:
    content = Content(media=(picture(), picture(name="a\0b"), replace(picture(), alt="\0")))
    assert [(each.where, each.file) for each in check_plain(content, {})] == [("media 2", 1), ("media 3", 2)]


def test_no_other_file_is_pointed_to_for_two_that_are_called_by_its_number(api: Asked) -> None:
    bell, paper = uploaded(api, pictures.png(), PDF)
    places = told(api, media=[bell, paper | {"name": "1"}, paper | {"name": "1"}])
    assert (None, "media 1") in places
    assert ("/media/0", "media.0") not in places


def test_a_note_names_the_file(api: Asked) -> None:
    (bell,) = uploaded(api, pictures.png())
    media = [bell, bell | {"alt": "", "name": "2024-cat.png"}]
    made = api.ask("POST", "/api/v1/posts", json={"text": "x", "to": ["ann"], "media": media}).json()
    assert [each["where"] for each in made["problems"]] == ["media 2024-cat.png"]


def test_a_file_has_no_number_where_another_is_called_like_it() -> None:
    item = picture(name="1.png")
    comment = replace(item, part=COMMENT)

    def number(where: str, *media: Media) -> int | None:
        said = Problem(where=where, message="it is odd.")
        return placed(said, Content(media=media), {}, network="mastodon", account="toots").file

    assert number("part 2: media 1.png", item, replace(item, part=2)) == 1
    assert number("part 2: media 1.png", replace(item, part=2), replace(item, part=2)) is None
    assert number("comment: media 1.png", item, comment) == 1
    assert number("media 1.png", comment, item) == 1
    assert number("media", item) is None


# Words.

LONG = "y" * 600
LINK = "https://example.org/"


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({"text": LONG}, ["/text"]),
        ({"text": "x" * 490, "link": LINK}, ["/text"]),
        ({"segments": ["ok", LONG]}, ["/segments/1"]),
        ({"text": LONG, "segments": ["ok", LONG]}, ["/text", "/segments/1"]),
        ({"comment": {"text": LONG}}, ["/comment/text"]),
        ({"overrides": {"toots": {"text": LONG}}}, ["/overrides/toots/text"]),
        ({"overrides": {"toots": {"text": LONG}, "mastodon": {"text": "x"}}}, ["/overrides/toots/text"]),
        ({"text": LONG, "overrides": {"toots": {"title": "x"}}}, ["/text"]),
        ({"text": "x" * 490, "overrides": {"toots": {"link": LINK}}}, ["/text"]),
        ({"overrides": {"mastodon": {"text": LONG}}}, ["/overrides/mastodon/text"]),
        ({"overrides": {"toots": {"text": "x", "segments": [LONG]}}}, ["/overrides/toots/segments/0"]),
        ({"overrides": {"toots": {"comment": LONG}}}, ["/overrides/toots/comment"]),
        ({"text": LONG, "overrides": {"toots": {"options": {"spoiler_text": "x"}}}}, ["/text"]),
        ({"overrides": {"toots": {"options": {"poll": ["a"]}}}}, ["/overrides/toots/options/poll"]),
        ({"overrides": {"mastodon": {"options": {"poll": ["a"]}}}}, ["/overrides/mastodon/options/poll"]),
        (
            {"segments": ["more"], "overrides": {"toots": {"options": {"poll": ["a"]}}}},
            ["/overrides/toots/options/poll"],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_pointed_to_where_it_is_said(
    api: Asked, asked: dict[str, Any], places: list[str]
) -> None:
    assert told(api, **asked) == [(each, each.lstrip("/").replace("/", ".")) for each in places]


def test_all_files_together_are_pointed_to(api: Asked) -> None:
    media = uploaded(api, pictures.png()) * 5
    assert told(api, media=media) == [("/media", "media")]
    assert ("/media", "media") in told(api, segments=["more"], media=media)


def test_notes_name_places_alike(api: Asked) -> None:
    add_account(api.world.store, "site", network="folder")
    asked = {"text": "x", "to": ["site", "toots"], "comment": {"text": "{a|b}"}, "segments": [LONG]}
    asked |= {"overrides": {"toots": {"text": "x", "segments": [LONG]}}}
    made = api.ask("POST", "/api/v1/posts", json=asked).json()
    assert [(each["where"], each["account"]) for each in made["problems"]] == [
        ("overrides.toots.segments.0", "toots"),
        ("comment.text", None),
        ("comment", "site"),
    ]


def test_parts_that_were_made_of_a_text_are_none_of_the_post() -> None:
    said = Override(text="a", segments=("b",), split=Split.PLAIN)
    told = Problem(where="part 2: text", message="it is odd.")
    names = {"network": "mastodon", "account": "toots"}
    assert placed(told, Content(text="a b"), {"toots": said}, **names).where == "text"
    general = {"toots": said, "mastodon": Override(text="a b")}
    assert placed(told, Content(), general, **names).where == "[mastodon] text"
    for title in (None, "x"):
        own = {"toots": Override(title=title)}
        where = placed(replace(told, where="part 1: title"), Content(), own, **names).where
        assert where == ("[toots] title" if title else "title")


# Everything at once.


def test_a_wrong_option_hides_nothing_else(api: Asked) -> None:
    asked: dict[str, Any] = {"text": LONG, "segments": ["ok", LONG], "comment": {"text": LONG}}
    asked["overrides"] = {"toots": {"options": {"visibility": "foo"}}}
    places = ["/overrides/toots/options/visibility", "/text", "/segments/1", "/comment/text"]
    assert [pointer for pointer, _ in told(api, **asked)] == places
    series = asked | {"to": ["toots"], "repeat": {"repeat": "daily", "times": ["09:00"]}}
    answer = api.ask("POST", "/api/v1/series", json=series)
    assert [each["pointer"] for each in answer.json()["problems"]] == places


def test_nothing_is_missed_that_a_wrong_option_was_to_say(api: Asked) -> None:
    add_account(api.world.store, "tower", network="telegram", credentials={"bot_token": "1:x", "chat": "@x"})
    wrong = {"tower": {"options": {"poll": list("abcdefghijklmn"), "poll_multiple": True}}}
    asked: dict[str, Any] = {"to": ["tower"], "overrides": wrong}
    assert [pointer for pointer, _ in told(api, **asked)] == ["/overrides/tower/options/poll"]


def test_the_variant_of_a_series_is_pointed_to(api: Asked) -> None:
    asked: dict[str, Any] = {"to": ["toots"], "repeat": {"repeat": "daily", "times": ["09:00"]}}
    for said, places in (
        ({"text": "fine", "variants": ["a", LONG, "b", LONG]}, {"/variants/1", "/variants/3"}),
        ({"variants": ["a", "x" * 490], "link": LINK}, {"/variants/1"}),
        ({"text": LONG, "variants": ["a"]}, {"/text"}),
        ({"text": "fine", "variants": [LONG], "segments": [LONG]}, {"/variants/0", "/segments/0"}),
        (
            {"text": "fine", "variants": ["a"], "overrides": {"toots": {"text": LONG}}},
            {"/overrides/toots/text"},
        ),
    ):
        answer = api.ask("POST", "/api/v1/series", json=asked | said)
        assert {each["pointer"] for each in answer.json()["problems"]} == places


def test_a_text_that_is_to_be_split_is_not_too_long_beside_a_wrong_option(api: Asked) -> None:
    wrong = {"toots": {"options": {"visibility": "foo"}}}
    asked: dict[str, Any] = {"text": "word " * 200, "split": "plain", "overrides": wrong}
    assert [pointer for pointer, _ in told(api, **asked)] == ["/overrides/toots/options/visibility"]


def test_options_that_cannot_be_read_without_the_wrong_ones_are_told_alone(
    api: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moody(FakeOptions):
        @model_validator(mode="after")
        def require_mood(self) -> Self:
            raise ValueError("say how you feel")

    monkeypatch.setattr(FakeNetwork, "Options", Moody)
    for split in ("no", "plain"):
        ((_, where),) = told(api, to=["ann"], text=LONG, split=split)
        assert where == "overrides.fake.options.value"
