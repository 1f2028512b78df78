"""Thirty posts that use everything that a post can be told about Bluesky, and how they are read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from postbell.domain.media import Media
from postbell.publishing.bluesky.gates import POSTGATE, THREADGATE
from postbell.publishing.bluesky.options import Options
from postbell.publishing.bluesky.post import record_key
from postbell.publishing.protocol import Outgoing
from support import pictures
from support.bluesky_online import Postbell, value_of
from support.lexicon import lexicons
from support.pds import Account, Pds


LINK = "https://nowhere.example/"
_EMBED = "app.bsky.embed."
#: What stands below a text: how many pictures, whether there is a link, the options, and what it must become.
_SHOWN: tuple[tuple[int, bool, Mapping[str, str], str | None], ...] = (
    (0, False, {}, None),
    (0, True, {}, "external"),
    (0, True, {"card": "off"}, None),
    (0, True, {"card_title": "Mine", "card_description": "My own", "card_picture": "none"}, "external"),
    (1, True, {"card_picture": "mine"}, "external"),
    (1, False, {}, "images"),
    (4, True, {}, "images"),
    (7, False, {}, "gallery"),
    (0, False, {"quote": "QUOTED"}, "record"),
    (2, False, {"quote": "QUOTED"}, "recordWithMedia"),
)
_LANGS: tuple[Mapping[str, str], ...] = ({}, {"langs": "de,pt-BR"})
_LABELS: tuple[Mapping[str, str], ...] = ({}, {"labels": "nudity"}, {"labels": "porn,!no-unauthenticated"})
_TAGS: tuple[Mapping[str, str], ...] = ({}, {"tags": "bells,Glocken"}, {})
_GATES: tuple[Mapping[str, str], ...] = (
    {},
    {"replies": "nobody"},
    {"replies": "following,mentioned,followers,LIST", "quotes": "off"},
    {"quotes": "off"},
)

#: What is said of a video goes through the video service, which no server of one's own has.
_OF_VIDEOS = {"captions", "presentation"}


def post_thirty(here: Postbell, account: Account, folder: Path) -> list[Outgoing]:
    """Publish thirty posts, every third of them a thread of two; all options there are have been used."""
    quoted = here.publish(here.outgoing("Quote me", number=99)).id
    names = {"QUOTED": quoted, "LIST": f"at://{account.did}/app.bsky.graph.list/3ltc2vx5pbk2n"}
    made, used = list[Outgoing](), set[str]()
    for number in range(30):
        count, linked, shown, _ = _SHOWN[number % len(_SHOWN)]
        options: dict[str, str] = {**shown, **_LANGS[number % 2], **_LABELS[number % 3]}
        options |= {**_TAGS[number // 10], **_GATES[(number + number // 10) % 4]}
        for name, value in names.items():
            options = {key: said.replace(name, value) for key, said in options.items()}
        text = f"Number {number} #bells @{account.handle}"
        link = LINK if linked else None
        outgoing = here.outgoing(text, media=_media(folder, count), number=number, link=link, options=options)
        if number % 3 == 0:
            outgoing = replace(outgoing, content=replace(outgoing.content, segments=("And more",)))
        here.publish(outgoing)
        made.append(outgoing)
        used |= options.keys()
    assert used == Options.model_fields.keys() - _OF_VIDEOS
    return made


def assert_thirty(pds: Pds, account: Account, made: list[Outgoing]) -> None:
    """Fail unless the server has each of these posts as it was asked for, and nothing else."""
    parts = 0
    for number, outgoing in enumerate(made):
        value, options = value_of(pds, account, outgoing), outgoing.options
        assert value.get("langs", []) == options.langs
        assert value.get("tags", []) == options.tags
        assert [each["val"] for each in value.get("labels", {}).get("values", [])] == options.labels
        *_, embed = _SHOWN[number % len(_SHOWN)]
        assert value.get("embed", {}).get("$type") == (f"{_EMBED}{embed}" if embed else None)
        assert (LINK in value["text"]) is (outgoing.content.link is not None and embed != "external")
        features = [facet["features"][0]["$type"].partition("#")[2] for facet in value["facets"]]
        assert {"tag", "mention"} <= set(features)
        gates = beside(pds, account, outgoing)
        assert gates.keys() == {name for name, on in _wanted(options).items() if on}
        parts += 1 + len(outgoing.content.segments)
    assert len(pds.list_records(account.did)) == parts + 1  # and what is quoted


def _wanted(options: Any) -> dict[str, bool]:
    return {THREADGATE: bool(options.replies), POSTGATE: options.quotes == "off"}


def beside(pds: Pds, account: Account, outgoing: Outgoing) -> dict[str, Any]:
    """Return the records that stand beside a post, each proven to keep to its lexicon."""
    found = {}
    for collection in (THREADGATE, POSTGATE):
        record = pds.get_record(account.did, record_key(outgoing), collection)
        if record:
            lexicons().check_record(collection, record["value"], record_key(outgoing))
            found[collection] = record["value"]
    return found


def _media(folder: Path, count: int) -> tuple[Media, ...]:
    return tuple(
        pictures.picture(folder, f"{number}.png", f"Picture {number}", pictures.png(40, 30 + number))
        for number in range(count)
    )
