from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.markup import anchor, escape, paragraphs


def test_a_text_says_just_what_was_typed() -> None:
    assert escape("<b> & \"q\" 'a' [gallery]") == (
        "&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27; &#91;gallery&#93;"
    )


def test_a_link_shows_its_own_address() -> None:
    assert anchor("https://a.example/?b=1&c=2") == (
        '<a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a>'
    )


def test_blank_lines_part_paragraphs_and_a_line_break_stays_one() -> None:
    assert paragraphs("\n one \n\n \t\n\ntwo\nlines\r\n\r\nthree\n") == ["one", "two<br>lines", "three"]


def test_an_empty_text_has_no_paragraphs() -> None:
    assert paragraphs(" \n\n ") == []


def test_an_address_becomes_a_link_and_its_full_stop_does_not() -> None:
    assert paragraphs("See https://a.example/b. @bob.example #tag") == [
        'See <a href="https://a.example/b">https://a.example/b</a>. @bob.example #tag'
    ]


@given(st.text())
def test_without_its_tags_the_html_reads_as_the_text(text: str) -> None:
    shown = html.unescape(re.sub("<[^>]*>", " ", " ".join(paragraphs(text))))
    assert "".join(shown.split()) == "".join(text.split())
