from __future__ import annotations

import pytest
import regex

from postbell.domain.links import NOT_IN_LINK, has_link


LINK = "https://b.example/c"


@pytest.mark.parametrize(
    "text",
    [
        "LINK",
        "See LINK, LINK.",
        "サーバーLINK、次",
        "<LINK>",
        "[text](LINK).",
        "[LINK](LINK 'words')",
        "[a](https://a.example)[b](LINK):c",
        "https://a.example/x (LINK)",
        "**LINK**, _LINK_, ~~LINK~~, `LINK`, ||LINK||",
        "_LINK_",
        "~LINK~",
        "||LINK||",
        r"LINK\.",
        "<a href='LINK'>words</a>",
        "<a href=LINK>words</a>",
        "&lt;LINK&gt;",
        "now: LINK&nbsp;…",
        "LINK#top and LINK",
    ],
)
def test_a_text_has_a_link_in_any_markup(text: str) -> None:
    for link in (LINK, "https://b.example/c_(d)?e=1&amp;f=2", r"https://b\.example/c"):
        assert has_link(text.replace("LINK", link), link)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LINK/d",
        "LINKd",
        "LINK.d",
        "LINK_(d)",
        "LINK?d",
        "LINK&amp;d",
        r"LINK\.d",
        "HTTPS://archive.example/LINK",
        "https://a.example/?u=LINK or LINK_d",
    ],
)
def test_a_text_has_no_link_that_only_begins_or_ends_another_one(text: str) -> None:
    assert not has_link(text.replace("LINK", LINK), LINK)
    assert has_link(f"{text.replace('LINK', LINK)} {LINK}", LINK)


def test_what_cannot_be_seen_ends_an_address() -> None:
    unseen = regex.compile(r"[\s\p{Cc}\p{Cs}]")
    ends = regex.compile(f"[{NOT_IN_LINK}]")
    letters = [chr(code) for code in range(0x110000) if unseen.match(chr(code))]
    assert len(letters) > 2048
    assert all(ends.match(letter) and has_link(f"{LINK}{letter}x", LINK) for letter in letters)
