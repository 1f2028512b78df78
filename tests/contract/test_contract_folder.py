"""What every network promises, shown with a folder: the part of the contract that needs no server.

Deaths, full disks and forbidden folders are in tests/unit/test_folder.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import BaseModel, ValidationError

from postbell.networks.folder import network
from postbell.publishing.protocol import Absent, Outgoing, Receipt, Unknown
from support.folders import http, outgoing, page, picture, publish, titles, visible


_TEXT = 'Ünïcode 日本語 👩‍👩‍👧‍👦 "quoted" & <b>bold</b> \\ 5 % off'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "posts"


def _find(out: Outgoing) -> Receipt | Absent | Unknown:
    return asyncio.run(network.find(out, None, http()))


def _two_pictures(folder: Path, place: Path) -> Outgoing:
    files = (picture(folder, "one.png", "A harbour"), picture(folder, "two.png", 'Two "boats" & <more>'))
    return outgoing(place, media=files)


@pytest.mark.parametrize("text", ["Good morning", _TEXT], ids=["plain", "many scripts"])
def test_a_published_text_reads_back_equal(place: Path, text: str) -> None:
    _, body = page(place / publish(outgoing(place, text)).id)
    assert body.strip() == text


def test_two_pictures_read_back_with_their_bytes_and_alt_texts(tmp_path: Path, place: Path) -> None:
    out = _two_pictures(tmp_path, place)
    written = place / publish(out).id
    head, _ = page(written)
    found = [((written.parent / item["file"]).read_bytes(), item["alt"]) for item in head["media"]]
    assert found == [(media.path.read_bytes(), media.alt) for media in out.content.media]


def test_the_receipt_has_an_id_and_an_address_where_the_post_is(place: Path) -> None:
    receipt = publish(outgoing(place))
    assert receipt.id
    assert receipt.url is not None
    assert Path(unquote(urlsplit(receipt.url).path)) == place / receipt.id


def test_publishing_again_gives_the_same_receipt_and_one_post(tmp_path: Path, place: Path) -> None:
    out = _two_pictures(tmp_path, place)
    first = publish(out)
    files = visible(place)
    assert publish(out) == first
    assert visible(place) == files
    assert titles(place) == ["Good morning"]


def test_a_look_up_says_absent_before_and_gives_the_receipt_afterwards(place: Path) -> None:
    place.mkdir()  # without it nobody can tell: its disk may not be mounted
    out = outgoing(place)
    assert isinstance(_find(out), Absent)
    receipt = publish(out)
    assert _find(out) == receipt


def test_a_look_up_does_not_take_another_post_for_it(place: Path) -> None:
    publish(outgoing(place, key="another0key0another0"))
    assert isinstance(_find(outgoing(place)), Absent)


def test_what_is_taken_away_is_not_found_any_more_and_nothing_else_is_gone(
    tmp_path: Path, place: Path
) -> None:
    out = _two_pictures(tmp_path, place)
    kept = publish(outgoing(place, "Good evening", key="another0key0another0"))
    receipt = publish(out)
    for _ in range(2):
        asyncio.run(network.delete(out, receipt.id, http()))
        assert isinstance(_find(out), Absent)
        assert visible(place) == {kept.id, "feed.xml"}
        assert titles(place) == ["Good evening"]


def test_a_preview_writes_nothing_and_names_all_that_is_written(tmp_path: Path, place: Path) -> None:
    out = _two_pictures(tmp_path, place)
    calls = network.preview(out)
    assert not place.exists()
    publish(out)
    named = {str(Path(unquote(urlsplit(call.url).path)).relative_to(place)) for call in calls}
    assert named == visible(place)


def test_a_preview_shows_the_page_as_it_is_written(tmp_path: Path, place: Path) -> None:
    out = _two_pictures(tmp_path, place)
    bodies = {call.url: call.body for call in network.preview(out)}
    written = place / publish(out).id
    assert bodies[written.as_uri()] == written.read_text("utf-8")


@pytest.mark.parametrize("model", [network.Options, network.Credentials], ids=["options", "credentials"])
def test_what_the_folder_does_not_know_is_refused(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"path": "/srv/site", "nonsense": "1"})
    refused = {problem["loc"] for problem in caught.value.errors() if problem["type"] == "extra_forbidden"}
    assert ("nonsense",) in refused


@pytest.mark.parametrize("model", [network.Options, network.Credentials], ids=["options", "credentials"])
def test_every_field_of_the_folder_is_described(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []
