"""Long texts cut into the parts of a thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.lengths import far_mentions, mastodon_length, threads_length, x_length
from postbell.domain.splitting import split
from postbell.domain.text import find_spans, graphemes, utf8_bytes
from postbell.domain.web_links import MASTODON, X, find_links


FAMILY = "👨‍👩‍👧‍👦"


def _within(most: int, count: Callable[[str], int] = len) -> Callable[[int, str], bool]:
    return lambda _, part: count(part) <= most


def test_a_text_that_fits_is_one_part_without_a_number() -> None:
    assert split(" Good morning\n", _within(12), numbered=True) == ["Good morning"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One two three.\n\nFour five. Six", ["One two three.", "Four five. Six"]),
        ("One two three. Four\nfive. Six", ["One two three. Four", "five. Six"]),
        ("One two three. Four five. Six", ["One two three.", "Four five. Six"]),
        ("One, e.g. two three, and four", ["One, e.g. two three,", "and four"]),
        ('He said "One two." Three four', ['He said "One two."', "Three four"]),
        ("One. Two three four five six", ["One. Two three four", "five six"]),
        (
            "一二三四五六七八九十。一二三四五六七八九十一二",
            ["一二三四五六七八九十。", "一二三四五六七八九十一二"],
        ),
    ],
)
def test_a_part_ends_where_a_reader_would_pause(text: str, parts: list[str]) -> None:
    assert split(text, _within(20)) == parts


def test_a_pause_in_the_first_half_is_too_early() -> None:
    assert split("One.\n\nTwo three four five six", _within(20)) == ["One.\n\nTwo three four", "five six"]


def test_a_word_that_fits_into_a_part_of_its_own_is_not_cut() -> None:
    assert split(f"One {'a' * 18} b", _within(20)) == ["One", f"{'a' * 18} b"]
    assert split(f"One {'a' * 19}", _within(20)) == ["One", "a" * 19]


def test_there_is_room_for_what_somebody_puts_behind_the_last_part() -> None:
    text = "One two three. Four five. Six"
    assert split(text, _within(20), tail="!") == ["One two three.", "Four five. Six"]
    assert split(text, _within(20), tail=" - and Ann") == ["One two three.", "Four five.", "Six"]
    assert split("One two", _within(10), tail=" - Ann") == ["One", "two"]
    assert split("One two", _within(13), tail=" - Ann") == ["One two"]


def test_a_word_that_is_too_long_is_cut_between_two_characters() -> None:
    assert split(f"One {'a' * 30}", _within(20)) == [f"One {'a' * 16}", "a" * 14]
    assert split(FAMILY * 5, _within(2, graphemes)) == [FAMILY * 2, FAMILY * 2, FAMILY]


@pytest.mark.parametrize(
    "held",
    [
        "https://example.com/a/b",
        "example.com/a/b/c/d/e/f",
        "@bob.bsky.social",
        "@bob@far.example",
        "#hashtags",
    ],
)
def test_a_link_a_mention_and_a_hashtag_stay_whole_and_alone_where_they_are_too_long(held: str) -> None:
    assert split(f"One two {held} {held} three", _within(8)) == ["One two", held, held, "three"]


def test_no_cut_makes_a_mention_or_a_hashtag_of_what_was_none() -> None:
    assert split(f"{'a' * 8}@bob.bsky.social", _within(8)) == ["a" * 7, "a@bob.bs", "ky.socia", "l"]


def test_what_cannot_be_cut_at_all_has_no_number() -> None:
    assert split(f"#{'a' * 20}", _within(8), numbered=True) == [f"#{'a' * 20}"]


def test_the_number_of_a_part_counts_with_it() -> None:
    parts = ["One two 1/4", "three 2/4", "four 3/4", "five 4/4"]
    assert split("One two three four five", _within(12), numbered=True) == parts


def test_ten_parts_need_room_for_two_digits() -> None:
    parts = split(" ".join(["word"] * 10), _within(10), numbered=True)
    assert parts == [f"word {number}/10" for number in range(1, 11)]


def test_each_part_may_have_a_limit_of_its_own() -> None:
    assert split("One two three", lambda index, part: len(part) <= (3, 20)[index]) == ["One", "two three"]


_PIECES = st.one_of(
    st.sampled_from(
        [
            *(" ", "\n", "\n\n", ". ", "! ", "。", "…", "e\u0301", FAMILY, "🇩🇪", "word", "日本", "ไทย"),
            *("https://example.com/a?b=c#d", "example.com/path", "@bob.bsky.social", "@bob@far.example"),
            *("#hashtag", "#tür", "(https://a.example/b)", "x" * 50, "@", "#", "https://", "1/3"),
        ]
    ),
    st.text(max_size=12),
)
_LIMITS = st.sampled_from(
    [
        *((graphemes, 40), (utf8_bytes, 60), (mastodon_length, 40), (threads_length, 40), (x_length, 60)),
        *((graphemes, 300), (x_length, 280)),
    ]
)


def _spans(text: str) -> list[tuple[int, int]]:
    found = [(span.start, span.end) for span in find_spans(text)] + far_mentions(text)
    return found + [(it.start, it.end) for grammar in (MASTODON, X) for it in find_links(text, grammar)]


def _cuts(text: str, span: tuple[int, int], cut: int) -> bool:
    """Whether a cut has something of a span on both sides, and not blanks only, which some count to links."""
    start, end = span
    return bool(start < cut < end and text[start:cut].strip() and text[cut:end].strip())


@given(st.lists(_PIECES, max_size=40).map("".join), _LIMITS, st.booleans())
def test_nothing_is_lost_or_over_the_limit_or_cut_in_two(
    text: str,
    limit: tuple[Callable[[str], int], int],
    numbered: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    count, most = limit
    whole_text = regex.sub(r"\A\s+|\s+\Z", "", text)
    parts = split(text, _within(most, count), numbered=numbered)
    bare = parts
    if numbered and len(parts) > 1:
        assert [part.rpartition(" ")[2] for part in parts] == [
            f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)
        ]
        bare = [part.rpartition(" ")[0] for part in parts]
    assert "".join("".join(bare).split()) == "".join(text.split())
    assert all(bare) or not whole_text
    at, spans = 0, _spans(whole_text)
    for part, written in zip(bare, parts, strict=True):
        at = whole_text.index(part, at)
        end = at + len(part)
        assert not [span for span in spans for cut in (at, end) if _cuts(whole_text, span, cut)]
        whole = graphemes(part) == 1 or any(at <= start and stop <= end for start, stop in spans)
        assert count(written) <= most or whole
        at = end
