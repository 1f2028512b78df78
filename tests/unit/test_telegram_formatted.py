"""Markdown becomes a text and what is special about its parts, with nothing to be escaped."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.content import Content
from postbell.networks.telegram import network
from postbell.publishing.parts import problems
from postbell.publishing.telegram.formatted import formatted
from support.fake_telegram import daemon, file
from support.telegram_texts import check_entities


OPTIONS = {"markup": "commonmark"}


def parts(text: str) -> list[tuple[str, str]]:
    """Each entity with the part of the text that it is about."""
    shown = formatted(text)
    units = shown.text.encode("utf-16-le")
    return [
        (each["type"], units[2 * each["offset"] :][: 2 * each["length"]].decode("utf-16-le"))
        for each in shown.entities
    ]


@pytest.mark.parametrize(
    ("text", "shown", "found"),
    [
        ("Eight **bells** ring", "Eight bells ring", [("bold", "bells")]),
        (
            "*one* _two_ ~~three~~",
            "one two three",
            [("italic", "one"), ("italic", "two"), ("strikethrough", "three")],
        ),
        ("***both***", "both", [("bold", "both"), ("italic", "both")]),
        ("**a *b* c**", "a b c", [("bold", "a b c"), ("italic", "b")]),
        ("**a **b** c**", "a b c", [("bold", "a b c")]),
        ("say `x < 1`", "say x < 1", [("code", "x < 1")]),
        ("**a `b` c**", "a b c", [("bold", "a "), ("code", "b"), ("bold", " c")]),
        ("\U0001f514 **bell \U0001f514**", "\U0001f514 bell \U0001f514", [("bold", "bell \U0001f514")]),
        ("# Title\n\ntext", "Title\n\ntext", [("bold", "Title")]),
        ("# **Title**", "Title", [("bold", "Title")]),
        ("one\ntwo  \nthree", "one\ntwo\nthree", []),
        ("- a\n- b\n  - c\n\n3. x\n4. y", "• a\n• b\n  • c\n\n3. x\n4. y", []),
        (
            "> said\n>\n> > again\n> `code`",
            "said\n\nagain\ncode",
            [("blockquote", "said\n\nagain\ncode"), ("code", "code")],
        ),
        ("```py\nx = 1\n```", "x = 1", [("pre", "x = 1")]),
        ("    four", "four", [("pre", "four")]),
        ("a\n\n---\n\nb", "a\n\n———\n\nb", []),
        ("<b>x</b>\n\n<div>\ny\n</div>", "<b>x</b>\n\n<div>\ny\n</div>", []),
        ("[page](https://a.example/b_c) x", "page x", [("text_link", "page")]),
        (
            "[**page** of `us`](https://a.example)",
            "page of us",
            [("text_link", "page of "), ("bold", "page"), ("code", "us")],
        ),
        ("[page](/here) and [x](javascript:alert)", "page and [x](javascript:alert)", []),
        ("<https://a.example/b>", "https://a.example/b", []),
        (
            "![A bell](https://a.example/b.png) ![](https://a.example/c)",
            "A bell https://a.example/c",
            [("text_link", "A bell"), ("text_link", "https://a.example/c")],
        ),
        ("\\*no\\* 1.5 (a) #b! & <", "*no* 1.5 (a) #b! & <", []),
        ("", "", []),
        ("#", "", []),
    ],
)
def test_markdown_is_shown_as_it_means(text: str, shown: str, found: list[tuple[str, str]]) -> None:
    assert formatted(text).text == shown
    assert parts(text) == found


def test_what_belongs_to_an_entity_is_told_with_it() -> None:
    assert formatted("```py\nx\n```").entities[0]["language"] == "py"
    assert formatted("[a](https://a.example/?b=1&c=2)").entities[0]["url"] == "https://a.example/?b=1&c=2"


@given(st.text(alphabet="ab \n*_~`>#-[]()<>!1.\\\U0001f514é" + string.digits, max_size=80))
def test_whatever_is_written_becomes_entities_that_telegram_takes(text: str) -> None:
    shown = formatted(text)
    check_entities(shown.text, list(shown.entities))


# As a message


def _sent(text: str, **more: Any) -> dict[str, Any]:
    made, far_side = daemon(text, options=OPTIONS, **more)
    asyncio.run(made.publish())
    return far_side.last()


def test_a_message_has_entities_instead_of_a_parse_mode(tmp_path: Path) -> None:
    said = _sent("Eight **bells**.")
    assert (said["text"], said["entities"]) == ("Eight bells.", [{"type": "bold", "offset": 6, "length": 5}])
    assert "parse_mode" not in said
    below = _sent("Eight **bells**.", media=(file(tmp_path),))
    assert (below["caption"], below["caption_entities"]) == ("Eight bells.", said["entities"])
    assert "entities" not in _sent("plain")


def test_of_an_album_the_first_file_has_them_and_a_link_of_its_own_is_the_last_line(tmp_path: Path) -> None:
    media = (file(tmp_path, "a.png"), file(tmp_path, "b.png"))
    made, far_side = daemon(
        "**One**", media=media, options=OPTIONS, link="https://a.example/b_c_d?e=1&copy=2"
    )
    asyncio.run(made.publish())
    first, second = far_side.messages.values()
    assert first["caption"] == "One\n\nhttps://a.example/b_c_d?e=1&copy=2"
    assert [each["type"] for each in first["caption_entities"]] == ["bold"]
    assert "caption_entities" not in second


def test_a_changed_message_has_its_new_entities() -> None:
    made, far_side = daemon("**One** two", options=OPTIONS)
    name = asyncio.run(made.publish()).id
    content = replace(made.outgoing.content, text="One **two**")
    asyncio.run(made.edit(replace(made.outgoing, content=content), name))
    assert (far_side.last()["plain"], far_side.last()["entities"][0]["offset"]) == ("One two", 4)


def test_what_is_only_markup_does_not_count(tmp_path: Path) -> None:
    def places(text: str, *media: Any) -> list[str]:
        content, read = Content(text=text, media=media), network.Options.model_validate(OPTIONS)
        return [each.where for each in problems(content, read, network, account="mine")]

    link = f"[x](https://example.org/{'y' * 40})"
    assert places(" ".join([link] * 90)) == []
    assert places("**" + "x" * 4096 + "**") == []
    assert places("**" + "x" * 4097 + "**") == ["text"]
    assert places("**" + "x" * 1024 + "**", file(tmp_path)) == []
    assert places("**" + "x" * 1025 + "**", file(tmp_path)) == ["text"]


def test_a_preview_shows_the_text_as_it_is_read() -> None:
    made, _ = daemon("Eight **bells**", options={**OPTIONS, "preview": "large"})
    (call,) = network.preview(made.outgoing)
    assert call.body["text"] == "Eight bells"


def test_a_text_that_shows_nothing_is_refused() -> None:
    content = Content(text="#")
    found = network.check(content, network.Options.model_validate(OPTIONS), account="mine")
    assert [each.where for each in found] == ["text"]
