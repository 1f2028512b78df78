"""The lengths of texts as Mastodon, Threads and X count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.lengths import LINK_LENGTH, mastodon_length, threads_length, x_length
from postbell.domain.text import graphemes, utf8_bytes


FAMILY = "👨‍👩‍👧‍👦"
LONG = "https://example.com/" + "a" * 100


@pytest.mark.parametrize(
    ("text", "length"),
    [
        *(("", 0), ("é", 1), ("e\u0301", 1), ("日", 2), ("…", 2), ("—", 1), ("1", 1), ("©", 1), ("™", 2)),
        *(("☺", 2), ("☺\ufe0f", 2), ("©\ufe0f", 2), ("#\ufe0f\u20e3", 2), ("🇩🇪🇫🇷", 4), ("🇩", 2), ("👍🏽", 2)),
        *(
            ("💩🏽", 4),
            ("❤\u200d", 3),
            ("👩\u200d❤\ufe0f\u200d👨", 2),
            ("🏴\U000e0067\U000e0062\U000e007f", 2),
        ),
        *((f"{LONG} a.com a.nope", 23 + 1 + 23 + 7), ("日本a.com日本", 4 + 23 + 4)),
    ],
)
def test_x_counts_a_letter_by_its_script_and_an_emoji_as_two(text: str, length: int) -> None:
    assert x_length(text) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        *(("", 0), ("abc", 3), ("e\u0301", 1), (FAMILY, 1), ("日本", 2), ("\r\n", 1)),
        *((LONG, LINK_LENGTH), (f"({LONG}).", LINK_LENGTH + 3), ("http://a.com", LINK_LENGTH), ("a.com", 5)),
        *(
            ("https://a.example", 17),
            ("http://bob@a.com/", 17),
            ("http://127.0.0.1/b", 18),
            (f"{LONG} {LONG}", 2 * LINK_LENGTH + 1),
        ),
        *(("@bob", 4), ("@bob@social.example", 4), ("hi @bob@a.b, @al.ice@c-d.e!", 3 + 4 + 2 + 7 + 1)),
        *(("bob@social.example", 18), ("/@bob@social.example", 20), ("@bob@social.example@x", 21)),
        *(("@bob@social.example://", 22), ("@bob@social.exampleé", 20 - 16), ("@日@social.example", 17)),
        *(("@bob@social.example.", 5), ("@b.@social.example", 18), ("#tag@social.example", 19)),
        *((f"@bob@{'a' * 253}", 4), (f"@bob@{'a' * 254}", 259)),
        *(
            ("https://a.com/.@bob@b.c", LINK_LENGTH),
            ("https://a.com/@bob@social.example", LINK_LENGTH),
            (f"@bob@{LONG}", 5 + len(LONG)),
        ),
    ],
)
def test_mastodon_counts_a_link_as_23_and_of_a_mention_the_name(text: str, length: int) -> None:
    assert mastodon_length(text) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (f"{'a' * 476} http://{'b' * 30}.com/example", 500),
        (f"{'a' * 476}http://{'b' * 30}.com/example", 476 + 49),
        (f"http://example.com/valid?{'#foo?' * 1000}", 5025),
        (f"{'a' * 475} @alice@{'b' * 30}.com", 482),
        (f"@alice@{'b' * 500}.com", 511),
    ],
    ids=lambda value: f"{value}"[:8],
)
def test_mastodon_counts_what_its_own_tests_count(text: str, length: int) -> None:
    # spec/validators/status_length_validator_spec.rb
    assert mastodon_length(text) == length


def test_threads_counts_an_emoji_as_many_as_it_has_bytes() -> None:
    assert threads_length(f"Ünï {LONG} 日本 1 e\u0301") == 4 + len(LONG) + 7
    assert threads_length("😀") == 4
    assert threads_length(f"a{FAMILY}b🇩🇪#\ufe0f\u20e3") == 1 + 25 + 1 + 8 + 7


@given(st.text(alphabet="aé日1#\u0301\ufe0f\u200d\u20e3👨👩🏽🇩❤©☺ .:/@", max_size=40))
def test_no_length_is_beyond_what_the_units_allow(text: str) -> None:
    assert graphemes(text) <= threads_length(text) <= utf8_bytes(text)
    assert mastodon_length(text) <= graphemes(text)
    assert x_length(text) <= 2 * len(text)


@given(st.text(alphabet=st.characters(exclude_characters=".@:")))
def test_mastodon_counts_what_is_neither_link_nor_mention_in_graphemes(text: str) -> None:
    assert mastodon_length(text) == graphemes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("@" * 99_999, "@a" * 50_000, "@a@a.a-" * 15_000, "@a" + ".-" * 50_000, "@a@" + "a-" * 50_000),
        *(
            "👨\u200d" * 50_000,
            "👨" + "\u200d👩" * 50_000,
            "🏽" * 50_000,
            "🏴" + "\U000e0067" * 50_000,
            "1\ufe0f" * 50_000,
        ),
        *("🇩" * 50_001, "\ufe0f" * 50_000, "@a@a.com https://a.com " * 5_000),
    ],
    ids=lambda text: f"{text[:12]!a}",
)
def test_long_hostile_texts_are_counted_to_their_end(text: str) -> None:
    assert min(mastodon_length(text), threads_length(text), x_length(text)) >= 1
