from __future__ import annotations

import copy
from typing import Any

import pytest

from support.lexicon import LexiconError, check_format, lexicons, specs


_RKEY = "3jzfcijpj2z2a"
_BLOB = {
    "$type": "blob",
    "ref": {"$link": "bafkreif5avrpcggdrls3bzptdnpxobzin2uw7kbn7mcpgqubfs3pbv4zom"},
    "mimeType": "image/png",
    "size": 103,
}
_POST: dict[str, Any] = {
    "$type": "app.bsky.feed.post",
    "text": "Hello https://a.example",
    "createdAt": "2026-11-23T09:00:00.000Z",
    "langs": ["en"],
    "facets": [
        {
            "index": {"byteStart": 6, "byteEnd": 23},
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example"}],
        }
    ],
    "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]},
    "embed": {
        "$type": "app.bsky.embed.images",
        "images": [{"image": _BLOB, "alt": "", "aspectRatio": {"width": 4, "height": 3}}],
    },
}
_FORMATS = {
    "handle": "handle",
    "did": "did",
    "at-identifier": "atidentifier",
    "nsid": "nsid",
    "record-key": "recordkey",
    "tid": "tid",
    "at-uri": "aturi",
    "datetime": "datetime",
    "language": "language",
}


def _examples(name: str, kind: str) -> list[str]:
    path = specs() / "interop-test-files" / "syntax" / f"{_FORMATS[name]}_{kind}.txt"
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _accepts(name: str, value: str) -> bool:
    try:
        check_format(name, value)
    except LexiconError:
        return False
    return True


@pytest.mark.parametrize("name", _FORMATS)
def test_a_format_takes_every_example_that_is_valid(name: str) -> None:
    assert [value for value in _examples(name, "syntax_valid") if not _accepts(name, value)] == []


@pytest.mark.parametrize("name", _FORMATS)
def test_a_format_refuses_every_example_that_is_not(name: str) -> None:
    assert [value for value in _examples(name, "syntax_invalid") if _accepts(name, value)] == []


def test_a_datetime_that_never_was_is_refused() -> None:
    for value in [*_examples("datetime", "parse_invalid"), "2026-02-30T09:00:00Z"]:
        with pytest.raises(LexiconError, match="no instant"):
            check_format("datetime", value)


def test_a_post_with_everything_is_taken() -> None:
    lexicons().check_record("app.bsky.feed.post", _POST, _RKEY)


def _set(path: str, value: Any) -> dict[str, Any]:
    """Return the post with one value changed, or removed where it is None."""
    post = copy.deepcopy(_POST)
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    place: Any = post
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return post


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("text", None, r"\$\.record\.text is missing"),
        ("text", 5, "not a string"),
        ("text", "é" * 301, "Graphemes 301"),
        ("text", "👨‍👩‍👧‍👦" * 130, "Length 3250"),
        ("createdAt", "2026-11-23 09:00", "not a datetime"),
        ("$type", "app.bsky.feed.like", r"\$type is not app.bsky.feed.post"),
        ("title", "Hello", "title is not known"),
        ("langs", ["en", "de", "fr", "es"], "Length 4"),
        ("langs", ["en_US"], r"langs\[0\] is not a language"),
        ("langs", "en", "not an array"),
        ("facets/0/index/byteStart", -1, "out of range"),
        ("facets/0/index/byteStart", 1.5, "not an integer"),
        ("facets/0/index/byteStart", True, "not an integer"),
        ("facets/0/index", 6, "not an object"),
        ("facets/0/index/byteEnd", None, "byteEnd is missing"),
        ("facets/0/features/0/$type", "app.bsky.richtext.facet#url", "none of"),
        ("facets/0/features/0", "link", "none of"),
        ("facets/0/features/0/uri", "hello", "not a uri"),
        ("labels/values/0/val", "x" * 129, "Length 129"),
        ("embed/images/0/alt", None, "alt is missing"),
        ("embed/images/0/aspectRatio/width", 0, "out of range"),
        ("embed/images/0/image/size", 2_000_001, "out of range"),
        ("embed/images/0/image/mimeType", "text/plain", "none of"),
        ("embed/images/0/image/ref", {"link": "bafkreif5a"}, "not a blob"),
        ("embed/images/0/image/ref/$link", "no", "not a cid"),
        ("embed/images/0/image", "<blob>", "not a blob"),
    ],
)
def test_a_post_with_a_mistake_is_refused(path: str, value: Any, message: str) -> None:
    with pytest.raises(LexiconError, match=message):
        lexicons().check_record("app.bsky.feed.post", _set(path, value), _RKEY)


def test_five_pictures_are_refused() -> None:
    post = _set("embed/images", _POST["embed"]["images"] * 5)
    with pytest.raises(LexiconError, match="Length 5"):
        lexicons().check_record("app.bsky.feed.post", post, _RKEY)


def test_a_record_key_that_is_no_tid_is_refused() -> None:
    with pytest.raises(LexiconError, match="not a tid"):
        lexicons().check_record("app.bsky.feed.post", _POST, "hello")


def test_null_is_taken_only_where_the_lexicon_says_so() -> None:
    body = {"repo": "alice.test", "collection": "app.bsky.feed.post", "rkey": _RKEY, "record": {}}
    lexicons().check_input("com.atproto.repo.putRecord", body | {"swapRecord": None, "validate": True})
    with pytest.raises(LexiconError, match="swapCommit"):
        lexicons().check_input("com.atproto.repo.putRecord", body | {"swapCommit": None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repo": "alice"}, "at-identifier"),
        ({"validate": "yes"}, "not a boolean"),
        ({"record": []}, "record"),
    ],
)
def test_an_input_with_a_mistake_is_refused(change: dict[str, Any], message: str) -> None:
    body = {"repo": "alice.test", "collection": "app.bsky.feed.post", "rkey": _RKEY, "record": {}}
    with pytest.raises(LexiconError, match=message):
        lexicons().check_input("com.atproto.repo.putRecord", body | change)


def test_a_query_with_a_parameter_too_few_is_refused() -> None:
    with pytest.raises(LexiconError, match="handle is missing"):
        lexicons().check_params("com.atproto.identity.resolveHandle", {})


def test_an_answer_with_a_mistake_is_refused() -> None:
    with pytest.raises(LexiconError, match="not a did"):
        lexicons().check_output("com.atproto.identity.resolveHandle", {"did": "alice.test"})


def test_an_unknown_lexicon_is_refused() -> None:
    with pytest.raises(LexiconError, match="there is no lexicon"):
        lexicons().main("com.atproto.repo.fooRecord")
