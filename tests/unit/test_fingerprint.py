from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.content import Content
from postbell.domain.fingerprint import fingerprint
from postbell.domain.media import Media, MediaKind


def of(text: str) -> str | None:
    return fingerprint(Content(text=text))


def file(sha256: str) -> Media:
    return Media(
        sha256=sha256,
        kind=MediaKind.IMAGE,
        mime="image/png",
        size=1,
        name="a.png",
        path=Path("a.png"),
        alt="A",
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Café at Noon!",
            " CAFÉ   at\nnoon! ",
            "Cafe\u0301 at noon!",
            "caf\u200bé at noon!",
            "Café at\u00a0noon!",
        ),
        *("\ufeffCafé at noon!", "Café at noon!\ufe0f", "Café\u00ad at noon!", "Ｃａｆé at noon\uff01"),
    ],
)
def test_texts_that_read_alike_are_one(text: str) -> None:
    assert of(text) == of("café at noon!")


@pytest.mark.parametrize(
    "text", ["cafe at noon!", "café at noon", "café at noon!!", "caféat noon!", "café at one!"]
)
def test_other_words_and_other_punctuation_make_another_text(text: str) -> None:
    assert of(text) != of("café at noon!")


def test_the_flags_of_two_countries_are_not_one() -> None:
    england, scotland = (
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in f"{country}\x7f")
        for country in ("gbeng", "gbsct")
    )
    assert of(england) != of(scotland)


def test_a_fingerprint_is_32_hexadecimal_characters_and_stays_the_same() -> None:
    assert of("Hello, world") == "09ca7e4eaa6e8ae9c7d2611671291848"


@given(st.text(), st.sampled_from(["NFC", "NFD"]))
def test_how_a_letter_is_composed_does_not_matter(text: str, form: str) -> None:
    assert of(unicodedata.normalize(form, text)) == of(text)  # type: ignore[arg-type]


@given(st.text())
def test_every_text_has_a_fingerprint_or_shows_nothing(text: str) -> None:
    found = of(f"a{text}")
    assert found is not None
    assert len(found) == 32


@given(
    st.lists(st.sampled_from(["Every", "word", "counts", "twice"]), min_size=1),
    st.sampled_from([" ", "\n", "\t\t"]),
)
def test_blanks_do_not_matter(words: list[str], blank: str) -> None:
    assert of(blank.join(words)) == of(f"{blank}{' '.join(words)}{blank}")


def test_title_and_link_are_read_too() -> None:
    plain = Content(text="Text")
    assert len({fingerprint(plain), fingerprint(Content(text="Text", title="Title")), of("other")}) == 3
    assert fingerprint(Content(text="Text", link="https://a.example/")) not in (
        fingerprint(plain),
        of("other"),
    )
    assert fingerprint(Content(title="Only a title")) is not None
    assert fingerprint(Content(link="https://a.example/")) is not None


def test_a_link_reads_alike_in_the_text_and_beside_it() -> None:
    beside = Content(text="Look:", link="https://a.example/")
    assert fingerprint(beside) == of("Look:\nhttps://a.example/")
    assert fingerprint(Content(text="Look: https://a.example/", link="https://a.example/")) == fingerprint(
        beside
    )


def test_a_link_that_only_begins_another_one_is_read() -> None:
    content = Content(text="Look: https://a.example/b", link="https://a.example/")
    assert fingerprint(content) == of("Look: https://a.example/b https://a.example/")


def test_files_do_not_count_where_there_is_something_to_read() -> None:
    assert fingerprint(Content(text="Text", media=(file("ab"),))) == of("Text")


def test_files_count_where_there_is_nothing_to_read() -> None:
    one, two = Content(media=(file("ab"),)), Content(text=" \u200b", media=(file("cd"),))
    assert None not in (fingerprint(one), fingerprint(two))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(Content(text="\n", media=(file("ab"),)))
    assert fingerprint(one) != of("ab")


@pytest.mark.parametrize("content", [Content(), Content(text=" \n\u200b", title="", link="")])
def test_an_empty_post_has_none(content: Content) -> None:
    assert fingerprint(content) is None


def test_half_a_character_is_no_trouble() -> None:
    assert of("\ud800") is not None


def test_what_unicode_calls_ignorable_is_not_read_and_what_stands_beside_it_is() -> None:
    unseen = regex.compile(r"(?V1)[\p{Default_Ignorable_Code_Point}--[\U000E0020-\U000E007F]]")
    ignorable = {code for code in range(0x110000) if unseen.match(chr(code))}
    beside = {code + step for code in ignorable for step in (-1, 1)} - ignorable
    assert len(ignorable) > 4000
    assert {of(f"a{chr(code)}b") for code in ignorable} == {of("ab")}
    assert of("ab") not in {of(f"a{chr(code)}b") for code in beside}


def test_of_a_thread_all_parts_are_read() -> None:
    thread = fingerprint(Content(text="One", segments=("two",)))
    assert thread == of("one two")
    assert thread != of("one") != fingerprint(Content(text="One", segments=("three",)))
