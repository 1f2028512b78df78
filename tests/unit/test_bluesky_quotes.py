"""Quotes, galleries and further tags at Bluesky."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from postbell.errors import Rejected
from postbell.networks.bluesky import network
from postbell.publishing.bluesky.api import POST
from postbell.publishing.bluesky.refs import LIST, Ref, read_ref
from support.announced import shows
from support.content_ids import record_cid
from support.fake_bluesky import DID, FakeBluesky, daemon
from support.farside import Daemon
from support.pictures import picture


BOB = "did:plc:ragtjsm2j2vknwkz3zp4oxrd"
THEIRS = f"at://{BOB}/app.bsky.feed.post/3ltc2vx5pbk2n"
PAGE = "https://bsky.app/profile/bob.bsky.social/post/3ltc2vx5pbk2n"
CID = record_cid({"text": "of Bob"})
QUOTED = {"uri": THEIRS, "cid": CID}


def _here(text: str = "Look at this", **more: Any) -> tuple[Daemon, FakeBluesky]:
    here, far_side = daemon(text, **more)
    far_side.elsewhere[THEIRS] = CID
    return here, far_side


def _record(text: str = "Look at this", **more: Any) -> dict[str, Any]:
    here, far_side = _here(text, **more)
    asyncio.run(here.publish())
    (record,) = far_side.records.values()
    return record


@pytest.mark.parametrize("address", [THEIRS, PAGE, f"{PAGE}?ref=x", "at://bob.bsky.social/" + THEIRS[38:]])
def test_a_post_is_quoted_by_any_of_its_addresses(address: str) -> None:
    record = _record(options={"quote": address})
    assert record["embed"] == {"$type": "app.bsky.embed.record", "record": QUOTED}


def test_a_quote_with_pictures_has_both(tmp_path: Path) -> None:
    embed = _record(options={"quote": THEIRS}, media=(picture(tmp_path),))["embed"]
    assert embed["$type"] == "app.bsky.embed.recordWithMedia"
    assert embed["record"]["record"] == QUOTED
    assert embed["media"]["$type"] == "app.bsky.embed.images"


def test_a_quote_with_a_link_has_its_card() -> None:
    embed = _record(options={"quote": THEIRS}, link="https://page.example/")["embed"]
    assert embed["media"]["external"]["uri"] == "https://page.example/"


def test_the_address_of_what_is_quoted_has_no_card() -> None:
    assert _record(f"See {PAGE}", options={"quote": PAGE})["embed"]["$type"] == "app.bsky.embed.record"


@pytest.mark.parametrize(
    ("quote", "told"),
    [
        (f"at://{BOB}/app.bsky.feed.post/3ltc2vx5pbk22", "Could not locate record"),
        (f"at://{DID}/app.bsky.feed.post/3ltc2vx5pbk22", "the quoted post is not there any more: at://did"),
        ("https://bsky.app/profile/nobody.example/post/3ltc2vx5pbk2n", "@nobody.example was not found"),
    ],
)
def test_a_post_that_quotes_what_is_not_there_fails_before_it_is_public(quote: str, told: str) -> None:
    here, far_side = _here(options={"quote": quote})
    with pytest.raises(Rejected, match=told):
        asyncio.run(here.publish())
    assert far_side.records == {}


@pytest.mark.parametrize(
    ("address", "collection", "ref"),
    [
        (PAGE, POST, Ref(who="bob.bsky.social", collection=POST, rkey="3ltc2vx5pbk2n")),
        (f"https://other.example/profile/{BOB}/post/a/", POST, Ref(who=BOB, collection=POST, rkey="a")),
        (
            "at://Bob.bsky.social/app.bsky.feed.post/a",
            POST,
            Ref(who="bob.bsky.social", collection=POST, rkey="a"),
        ),
        (f"https://bsky.app/profile/{BOB}/lists/a", LIST, Ref(who=BOB, collection=LIST, rkey="a")),
    ],
)
def test_an_address_names_a_record(address: str, collection: str, ref: Ref) -> None:
    assert read_ref(address, collection) == ref


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quote": "https://bsky.app/profile/bob.bsky.social"}, "not the address of a post, such as"),
        ({"quote": f"at://{BOB}/app.bsky.feed.like/a"}, "not the address of a post"),
        ({"quote": f"https://bsky.app/profile/{BOB}/lists/a"}, "not the address of a post"),
        ({"replies": "friends"}, "not the address of a list, such as"),
        ({"replies": THEIRS}, "not the address of a list"),
        ({"replies": "nobody,followers"}, "nobody and everybody stand alone"),
        ({"replies": "a,b,c,d,e,f"}, "at most 5"),
        ({"tags": "a,b,c,d,e,f,g,h,i"}, "at most 8"),
        ({"tags": "#"}, "no tag of 1 to 64 characters"),
        ({"tags": "a" * 65}, "no tag of 1 to 64 characters"),
        ({"tags": "👩‍👩‍👧‍👦" * 30}, "no tag of 1 to 64 characters"),
        ({"quotes": "perhaps"}, "on.*off"),
    ],
)
def test_what_means_nothing_says_what_would_be_right(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        network.Options.model_validate(options)


def test_a_post_need_not_quote_anything() -> None:
    assert network.Options.model_validate({"quote": None}) == network.Options()


def test_further_tags_are_in_the_record_and_not_in_the_text() -> None:
    record = _record(options={"tags": "#bells, Glocken,bells"})
    assert (record["tags"], record["text"]) == (["bells", "Glocken"], "Look at this")


# Galleries


@pytest.mark.parametrize("count", [1, 4])
def test_up_to_four_pictures_are_images(tmp_path: Path, count: int) -> None:
    embed = _record(media=(picture(tmp_path),) * count)["embed"]
    assert (embed["$type"], len(embed["images"])) == ("app.bsky.embed.images", count)


@pytest.mark.parametrize("count", [5, 10])
def test_more_pictures_are_a_gallery(tmp_path: Path, count: int) -> None:
    embed = _record(media=(picture(tmp_path),) * count)["embed"]
    assert (embed["$type"], len(embed["items"])) == ("app.bsky.embed.gallery", count)
    assert {(item["alt"], item["aspectRatio"]["width"]) for item in embed["items"]} == {("A cat", 40)}


def test_a_picture_of_a_gallery_that_was_not_measured_is_called_square(tmp_path: Path) -> None:
    items = _record(media=(picture(tmp_path, width=None),) * 5)["embed"]["items"]
    assert items[0]["aspectRatio"] == {"width": 1, "height": 1}


# The preview


@pytest.mark.parametrize(
    "options",
    [
        {"quote": PAGE},
        {"quote": THEIRS},
        {"replies": f"followers,https://bsky.app/profile/{BOB}/lists/3ltc2vx5pbk2n"},
        {"replies": "https://bsky.app/profile/bob.bsky.social/lists/3ltc2vx5pbk2n", "quotes": "off"},
    ],
)
def test_a_preview_shows_what_is_looked_up_and_written(options: dict[str, str]) -> None:
    here, far_side = _here("Look, @bob.bsky.social", options=options)
    calls = network.preview(here.outgoing)
    asyncio.run(here.publish())
    sent = iter(far_side.requests)
    for call in calls:
        assert any(shows(call, request) for request in sent), call
    assert shows(calls[-1], far_side.requests[-1])
