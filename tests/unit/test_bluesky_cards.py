"""Links shown as cards at Bluesky."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.errors import Unavailable, Unsure
from postbell.networks.bluesky import network
from postbell.publishing.bluesky.options import Options
from postbell.publishing.protocol import Progress, Receipt
from support import pictures
from support.announced import shows
from support.fake_bluesky import SUBJECT, FakeBluesky, daemon
from support.farside import Daemon, Fault
from support.pictures import picture


LINK = "https://page.example/a"
PICTURE = pictures.png(60, 30)
PAGE = '<title>A page</title><meta name=description content="About it."><meta property=og:image content=/p>'


def _here(text: str = "Read this", **more: Any) -> tuple[Daemon, FakeBluesky]:
    here, far_side = daemon(text, **more)
    far_side.web.add(LINK, PAGE)
    far_side.web.add("https://page.example/p", PICTURE, "image/png")
    return here, far_side


def _published(text: str = "Read this", **more: Any) -> tuple[dict[str, Any], Receipt]:
    here, far_side = _here(text, **more)
    receipt = asyncio.run(here.publish())
    (record,) = far_side.records.values()
    return record, receipt


def _card(text: str = "Read this", **more: Any) -> dict[str, Any]:
    record, receipt = _published(text, **more)
    assert receipt.warnings == ()
    assert record["embed"]["$type"] == "app.bsky.embed.external"
    card: dict[str, Any] = record["embed"]["external"]
    return card


def test_a_link_is_a_card_with_title_description_and_picture() -> None:
    here, far_side = _here(link=LINK)
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    card = record["embed"]["external"]
    assert (card["uri"], card["title"], card["description"]) == (LINK, "A page", "About it.")
    assert far_side.blobs[card["thumb"]["ref"]["$link"]][1] == PICTURE


def test_a_link_with_a_card_is_not_added_to_the_text() -> None:
    record, _ = _published(link=LINK)
    assert record["text"] == "Read this"
    assert "facets" not in record


def test_a_link_alone_is_a_card_without_text() -> None:
    record, _ = _published("", link=LINK)
    assert record["text"] == ""


def test_the_first_link_of_a_text_is_a_card_and_stays_there() -> None:
    record, _ = _published(f"Read {LINK} and https://other.example/")
    assert record["embed"]["external"]["uri"] == LINK
    assert [facet["features"][0]["uri"] for facet in record["facets"]] == [LINK, "https://other.example/"]


def test_the_link_of_the_post_comes_before_those_of_its_text() -> None:
    assert _card("Read https://other.example/", link=LINK)["uri"] == LINK


def test_beside_pictures_there_is_no_card(tmp_path: Path) -> None:
    here, far_side = _here(link=LINK, media=(picture(tmp_path),))
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    assert record["text"] == f"Read this\n{LINK}"
    assert record["embed"]["$type"] == "app.bsky.embed.images"
    assert {request.url.host for request in far_side.requests}.isdisjoint({"page.example"})


def test_a_card_can_be_switched_off() -> None:
    record, _ = _published(link=LINK, options={"card": "off"})
    assert record["text"] == f"Read this\n{LINK}"
    assert "embed" not in record


def test_the_user_says_what_is_on_the_card() -> None:
    options = {"card_title": "Mine", "card_description": "My own words"}
    card = _card(link=LINK, options=options)
    assert (card["title"], card["description"]) == ("Mine", "My own words")
    assert "thumb" in card
    assert "thumb" not in _card(link=LINK, options={"card_picture": "none"})


def test_the_picture_of_the_post_can_be_that_of_the_card(tmp_path: Path) -> None:
    here, far_side = _here(link=LINK, media=(picture(tmp_path),), options={"card_picture": "mine"})
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    thumb = record["embed"]["external"]["thumb"]
    assert far_side.blobs[thumb["ref"]["$link"]][1] == picture(tmp_path).path.read_bytes()
    assert list(far_side.blobs) == [thumb["ref"]["$link"]]


def test_a_page_that_cannot_be_read_is_a_warning_and_no_failure() -> None:
    gone = "https://page.example/gone"
    record, receipt = _published(link=gone)
    assert record["embed"]["external"] == {"uri": gone, "title": "page.example", "description": ""}
    assert receipt.warnings == (f"{gone} could not be read for its card: page.example answered 404.",)


def test_a_page_to_which_no_address_leads_is_a_warning_too() -> None:
    record, receipt = _published(link="http://0x7f.1/")
    assert record["embed"]["external"]["title"] == "0x7f.1"
    (warning,) = receipt.warnings
    assert "is a number in disguise" in warning


# Once read, it stays


def _asked(far_side: FakeBluesky) -> int:
    return sum(request.url.host == "page.example" for request in far_side.requests)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LOST])
def test_a_page_is_read_once_however_often_the_post_is_tried(fault: Fault) -> None:
    here, far_side = _here(link=LINK)
    far_side.faults = [fault]
    with pytest.raises((Unavailable, Unsure)):
        asyncio.run(here.publish())
    far_side.web.add(LINK, "<title>Something else</title>")
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    assert record["embed"]["external"]["title"] == "A page"
    assert (_asked(far_side), far_side.commits) == (2, 1)


def test_a_picture_that_the_server_threw_away_is_fetched_again() -> None:
    here, far_side = _here(link=LINK)
    far_side.faults = [Fault.UNAVAILABLE]
    with pytest.raises(Unavailable):
        asyncio.run(here.publish())
    far_side.blobs.clear()
    asyncio.run(here.publish())
    assert [step.step for step in here.stored] == ["prepared", "prepared again"]
    assert len(far_side.blobs) == 1


def test_a_post_of_which_the_page_changed_after_it_was_accepted_is_still_one_post() -> None:
    here, far_side = _here(link=LINK)
    receipt = asyncio.run(here.publish())
    here.stored.clear()
    far_side.web.add(LINK, "<title>Something else</title>")
    assert asyncio.run(here.publish()).id == receipt.id
    assert far_side.commits == 1


def test_what_an_earlier_version_has_prepared_is_prepared_anew() -> None:
    here, far_side = _here("Hello @bob.bsky.social", link=LINK)
    here.stored = [Progress(step="prepared", data={"blobs": [], "dids": {}})]
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    assert record["embed"]["external"]["title"] == "A page"
    assert len(record["facets"]) == 1


def test_a_post_of_an_earlier_version_with_its_link_in_the_text_is_known_again() -> None:
    here, far_side = _here(link=LINK)
    receipt = asyncio.run(here.publish())
    (record,) = far_side.records.values()
    record["text"] = f"Read this\n{LINK}"
    found = asyncio.run(here.find())
    assert isinstance(found, Receipt)
    assert found.id == receipt.id


# What is told before


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"card_picture": "none"},
        {"card_title": "Mine"},
        {"card_title": "Mine", "card_description": "My own"},
        {"card_title": "Mine", "card_description": "My own", "card_picture": "none"},
    ],
)
def test_a_preview_shows_the_page_that_is_read_and_the_card(options: dict[str, str]) -> None:
    here, far_side = _here(link=LINK, options=options)
    calls = network.preview(here.outgoing)
    assert far_side.requests == []
    asyncio.run(here.publish())
    sent = iter(far_side.requests)
    assert all(any(shows(call, request) for request in sent) for call in calls)
    card = calls[-1].body["record"]["embed"]["external"]
    assert card["title"] == options.get("card_title", "<title of the page>")
    assert ("thumb" in card) == ("card_picture" not in options)


def test_a_preview_shows_the_picture_of_the_post_on_the_card(tmp_path: Path) -> None:
    outgoing = SUBJECT.outgoing(link=LINK, media=(picture(tmp_path),), options={"card_picture": "mine"})
    page, upload, put = network.preview(outgoing)
    assert (page.url, upload.body) == (LINK, "<the picture of the post>")
    assert put.body["record"]["embed"]["external"]["thumb"] == "<blob of the picture of the post>"


def _check(options: dict[str, str], **content: Any) -> list[str]:
    told = network.Options.model_validate(options)
    return [str(problem) for problem in network.check(Content(**content), told, account="mine")]


def test_a_link_on_a_card_does_not_count_with_the_text() -> None:
    assert _check({}, text="x" * 300, link=LINK) == []


def test_a_title_beside_a_card_is_passed_over() -> None:
    assert _check({}, title="Hello", link=LINK) == []


def test_a_card_needs_a_link() -> None:
    told = "[bluesky] card (for mine): there is no card to say this of: the post has no link, or card is off."
    assert _check({"card_title": "Mine"}, text="Hello") == [told]
    assert _check({"card_description": "Mine", "card": "off"}, text="Hello", link=LINK) == [told]


def test_the_users_picture_on_the_card_is_exactly_one(tmp_path: Path) -> None:
    told = "[bluesky] card_picture (for mine): the post needs exactly one picture to put it on the card."
    mine, one = {"card_picture": "mine"}, picture(tmp_path)
    assert _check(mine, text="Hello", link=LINK) == [told]
    assert _check(mine, text="Hello", link=LINK, media=(one, one)) == [told]
    assert _check(mine, text="Hello", link=LINK, media=(one,)) == []
    assert len(_check(mine, text="Hello", media=(one,))) == 1
    assert _check({"card_title": "Mine"}, text="Hello", link=LINK, media=(one,)) == [
        "[bluesky] card (for mine): there is no card to say this of: beside pictures there is none."
    ]


def test_only_the_first_part_of_a_thread_has_a_card_by_hand() -> None:
    options = Options.model_validate(
        {"card_title": "Mine", "card_description": "My own", "card_picture": "none", "card": "off"}
    )
    assert options.further() == Options.model_validate({"card": "off"})
