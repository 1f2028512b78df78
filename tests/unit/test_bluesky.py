from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError

from postbell.domain.content import Content
from postbell.domain.quota import Per, Quota
from postbell.errors import Rejected, Unavailable, Unsure
from postbell.networks.bluesky import network
from postbell.publishing import parts
from postbell.publishing.bluesky.post import created, record_key
from postbell.publishing.protocol import Receipt
from support.fake_bluesky import ACCESS, APP_PASSWORD, DID, SUBJECT, daemon
from support.farside import START, Between, Daemon, FarSide, Fault
from support.lexicon import check_format
from support.pictures import picture


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


def _record(text: str, **more: Any) -> dict[str, Any]:
    """Return the record as the far side has it."""
    here, far_side = daemon(text, **more)
    _publish(here)
    (record,) = far_side.records.values()
    return record


def _facets(record: dict[str, Any]) -> list[tuple[int, int, str]]:
    """Return where each facet begins and ends, and what it leads to."""
    return [
        (facet["index"]["byteStart"], facet["index"]["byteEnd"], *list(feature.values())[1:])
        for facet in record.get("facets", [])
        for feature in facet["features"]
    ]


# The record key


@pytest.mark.parametrize("number", [0, 1, 1023, 1024, 1_023_999, 1_024_000])
@pytest.mark.parametrize(
    "begun_at",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        START,
        START.replace(microsecond=1000),
        START.replace(microsecond=999_000),
        datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Kathmandu")),
        datetime(2255, 6, 5, tzinfo=UTC),  # the last whole day that a TID can name
    ],
    ids=str,
)
def test_a_record_key_is_a_tid_and_its_time_a_datetime_at_every_instant(
    begun_at: datetime, number: int
) -> None:
    outgoing = SUBJECT.outgoing(begun_at=begun_at, number=number)
    check_format("tid", record_key(outgoing))
    check_format("datetime", created(outgoing))
    assert datetime.fromisoformat(created(outgoing)).timestamp() == begun_at.timestamp()


def test_a_record_key_is_the_time_in_microseconds_and_the_number() -> None:
    letters = "234567abcdefghijklmnopqrstuvwxyz"
    value = 0
    for letter in record_key(SUBJECT.outgoing(number=1024 * 7 + 5)):
        value = value * 32 + letters.index(letter)
    assert divmod(value, 1024) == (int(START.timestamp()) * 1_000_000 + 7, 5)


def test_ten_thousand_posts_of_one_millisecond_have_keys_of_their_own_in_order() -> None:
    outgoing = SUBJECT.outgoing()
    keys = [record_key(replace(outgoing, number=number)) for number in range(10_000)]
    assert sorted(set(keys)) == keys


def test_a_later_millisecond_has_a_later_key() -> None:
    early = SUBJECT.outgoing(number=1_023_999)
    late = replace(early, number=0, begun_at=START + timedelta(milliseconds=1))
    assert record_key(early) < record_key(late)


def test_a_repeat_has_the_same_key_and_time_whenever_it_is_sent() -> None:
    here, far_side = daemon()
    here.far_side.faults = [Fault.LOST]
    with pytest.raises(Unsure):
        _publish(here)
    far_side.clock.advance(timedelta(days=3))
    _publish(here)
    assert far_side.commits == 1
    assert [record["createdAt"] for record in far_side.records.values()] == ["2026-11-23T09:00:00.000Z"]


# Text and facets


def test_the_documented_example_has_its_documented_byte_ranges() -> None:
    # docs.bsky.app, advanced guides, "Links, mentions and rich text"
    text = "✨ example mentioning @atproto.com to share the URL 👨‍❤️‍👨 https://en.wikipedia.org/wiki/CBOR."
    *_, put = network.preview(SUBJECT.outgoing(text))
    assert _facets(put.body["record"]) == [
        (23, 35, "<did of @atproto.com>"),
        (74, 108, "https://en.wikipedia.org/wiki/CBOR"),
    ]


def test_links_mentions_and_hashtags_are_marked_by_utf8_bytes() -> None:
    record = _record("Grüße @bob.bsky.social: https://a.example/ä #tür")
    assert _facets(record) == [
        (8, 24, "did:plc:ragtjsm2j2vknwkz3zp4oxrd"),
        (26, 46, "https://a.example/ä"),
        (47, 52, "tür"),
    ]


def test_a_text_without_links_has_no_facets() -> None:
    assert "facets" not in _record("Good morning")


def test_somebody_who_is_mentioned_twice_is_looked_up_once() -> None:
    here, far_side = daemon("@bob.bsky.social and @Bob.bsky.social")
    _publish(here)
    assert far_side.calls().count("resolveHandle") == 1
    (record,) = far_side.records.values()
    assert len(_facets(record)) == 2


def test_a_mention_of_nobody_stays_text_with_a_warning() -> None:
    here, far_side = daemon("Hello @nobody.example")
    receipt = _publish(here)
    assert receipt.warnings == ("@nobody.example was not found and stays plain text.",)
    (record,) = far_side.records.values()
    assert "facets" not in record


def test_a_link_that_the_text_lacks_is_its_last_line() -> None:
    record = _record("Read this:\n", link="https://a.example/b?c=d.", options={"card": "off"})
    assert record["text"] == "Read this:\nhttps://a.example/b?c=d."
    assert _facets(record) == [(11, 35, "https://a.example/b?c=d.")]


def test_a_link_that_the_text_has_is_not_repeated() -> None:
    record = _record("See https://a.example/b.", link="https://a.example/b", options={"card": "off"})
    assert record["text"] == "See https://a.example/b."


def test_a_link_alone_is_a_post() -> None:
    record = _record("", link="https://a.example/b", options={"card": "off"})
    assert record["text"] == "https://a.example/b"


def test_a_link_that_only_begins_like_one_in_the_text_is_added() -> None:
    record = _record("See https://a.example/bc", link="https://a.example/b", options={"card": "off"})
    assert record["text"] == "See https://a.example/bc\nhttps://a.example/b"


# What is refused before any request


def _check(options: dict[str, str] | None = None, **content: Any) -> list[str]:
    told = network.Options.model_validate(options or {})
    problems = parts.problems(Content(**content), told, network, account="mine")
    return [str(problem) for problem in problems]


def test_the_link_counts_with_the_text() -> None:
    assert _check({"card": "off"}, text="x" * 281, link="https://a.example/b") == [
        "text and link (for mine): 301 graphemes, the limit is 300; shorten it by 1."
    ]


def test_a_text_with_room_for_its_link_is_fine() -> None:
    assert _check({"card": "off"}, text="x" * 280, link="https://a.example/b") == []


def test_a_title_alone_is_no_post() -> None:
    assert _check(title="Hello") == [
        "text (for mine): Bluesky has no titles; give the post a text, a link or a picture."
    ]


def test_a_title_beside_a_text_is_passed_over() -> None:
    assert _check(title="Hello", text="Good morning") == []


# Options


def test_languages_and_labels_are_in_the_record() -> None:
    record = _record("Hello", options={"langs": "en, pt-BR", "labels": "nudity,nudity"})
    assert record["langs"] == ["en", "pt-BR"]
    assert record["labels"] == {
        "$type": "com.atproto.label.defs#selfLabels",
        "values": [{"val": "nudity"}],
    }


@pytest.mark.parametrize("lang", ["ja", "ban", "pt-BR", "es-419", "zh-Hant", "zh-Hant-TW"])
def test_a_language_is_a_tag(lang: str) -> None:
    check_format("language", lang)
    assert network.Options.model_validate({"langs": lang}).model_dump()["langs"] == [lang]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"langs": "English"}, "not a language tag such as en or pt-BR: English"),
        ({"langs": "en_US"}, "not a language tag"),
        ({"langs": "en,de,fr,es"}, "at most 3"),
        ({"labels": "spam"}, "no such label: spam; there are porn"),
    ],
)
def test_a_wrong_option_says_what_would_be_right(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        network.Options.model_validate(options)


# Pictures


def test_a_picture_has_its_alt_text_and_aspect_ratio(tmp_path: Path) -> None:
    (image,) = _record("Look", media=(picture(tmp_path),))["embed"]["images"]
    assert (image["alt"], image["aspectRatio"]) == ("A cat", {"width": 40, "height": 30})


def test_a_picture_that_was_not_measured_has_no_aspect_ratio(tmp_path: Path) -> None:
    (image,) = _record("Look", media=(picture(tmp_path, width=None),))["embed"]["images"]
    assert "aspectRatio" not in image


def test_a_picture_is_not_uploaded_again_by_the_next_try(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.faults = [Fault.UNAVAILABLE]
    with pytest.raises(Unavailable):
        _publish(here)
    _publish(here)
    assert far_side.calls() == ["createSession", "uploadBlob", "putRecord", "putRecord"]


def test_a_picture_that_the_server_threw_away_is_uploaded_again(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.faults = [Fault.UNAVAILABLE]
    with pytest.raises(Unavailable):
        _publish(here)
    far_side.blobs.clear()
    _publish(here)
    assert far_side.calls()[-4:] == ["putRecord", "putRecord", "uploadBlob", "putRecord"]
    assert len(far_side.public()) == 1


# Taken away


def test_a_record_is_deleted_under_the_key_of_its_receipt() -> None:
    here, far_side = daemon()
    receipt = _publish(here)
    asyncio.run(here.delete(receipt.id))
    assert far_side.records == {}
    asyncio.run(here.delete(receipt.id))
    assert far_side.calls() == ["createSession", "putRecord", "deleteRecord", "deleteRecord"]
    assert far_side.commits == 2


@pytest.mark.parametrize(
    "name",
    [
        f"at://did:plc:ragtjsm2j2vknwkz3zp4oxrd/app.bsky.feed.post/{record_key(SUBJECT.outgoing())}",
        f"at://{DID}/app.bsky.feed.like/{record_key(SUBJECT.outgoing())}",
        "hm",
    ],
)
def test_what_belongs_to_another_account_is_not_called_deleted(name: str) -> None:
    here, far_side = daemon()
    _publish(here)
    with pytest.raises(Rejected, match="it belongs to another account of Bluesky"):
        asyncio.run(here.delete(name))
    assert len(far_side.records) == 1
    assert "deleteRecord" not in far_side.calls()


def test_a_server_that_says_nothing_about_a_success_is_believed() -> None:
    async def silent(far_side: FarSide, request: httpx.Request) -> httpx.Response:
        await far_side.handle_async_request(request)
        return httpx.Response(200)

    here, far_side = daemon()
    receipt = _publish(here)
    asyncio.run(here.delete(receipt.id, Between(far_side, 0, silent)))
    assert far_side.records == {}


def test_a_session_that_ended_is_renewed_to_delete() -> None:
    here, far_side = daemon()
    receipt = _publish(here)
    far_side.clock.advance(ACCESS)
    asyncio.run(here.delete(receipt.id))
    assert far_side.calls()[-2:] == ["refreshSession", "deleteRecord"]


def test_no_more_posts_a_day_than_the_points_are_enough_for() -> None:
    assert network.limits.quotas == (Quota(most=11_666, per=Per.DAY),)


# The preview


def test_a_preview_names_what_only_answers_can_tell(tmp_path: Path) -> None:
    calls = network.preview(SUBJECT.outgoing("Hi @bob.bsky.social", media=(picture(tmp_path),)))
    upload, look_up, put = calls
    assert (upload.url, upload.body) == ("https://bsky.social/xrpc/com.atproto.repo.uploadBlob", "<cat.png>")
    assert look_up.url.endswith("resolveHandle?handle=bob.bsky.social")
    assert put.body["repo"] == "<did>"
    assert put.body["record"]["embed"]["images"][0]["image"] == "<blob of cat.png>"
    assert _facets(put.body["record"]) == [(3, 19, "<did of @bob.bsky.social>")]
    assert APP_PASSWORD not in str(calls)
