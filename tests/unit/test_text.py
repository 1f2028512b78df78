from __future__ import annotations

import itertools
import string

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from postbell.domain.text import (
    LONGEST_TAG,
    Span,
    SpanKind,
    byte_range,
    code_points,
    find_spans,
    graphemes,
    is_handle,
    split_graphemes,
    utf8_bytes,
    utf16_range,
    utf16_units,
)
from support.specs import spec
from support.uax29 import parted, samples


FAMILY = "👨‍👩‍👧‍👦"
DOCUMENTED = "✨ example mentioning @atproto.com to share the URL 👨‍❤️‍👨 https://en.wikipedia.org/wiki/CBOR."

#: Pieces that stress the borders of graphemes and spans.
PIECES = st.sampled_from(
    [
        *(
            "a",
            "Z",
            "9",
            "_",
            "-",
            ".",
            ",",
            "!",
            "(",
            ")",
            "[",
            "]",
            " ",
            "\n",
            "\r",
            "@",
            "#",
            "/",
            ":",
            "+",
        ),
        *(
            "é",
            "e\u0301",
            "\u0301",
            "\u200d",
            "\u200c",
            "\ufe0f",
            "\u20e3",
            "👨",
            "❤",
            "🇩",
            "🇪",
            "🏽",
            "क",
            "्",
            "ष",
        ),
        *("각", "ᄀ", "ᅡ", "ᆨ", "\u0600", "日", "さ", "ー", "\uff03", "\ud800", "\u0903"),
        *("https://", "http://", "https://a.b", "@bob.test", "#tag", "a@b.com", "alice.test", "#2026"),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text()


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind.value, span.value) for span in find_spans(text)]


def handles(name: str) -> list[str]:
    file = spec(f"bluesky/interop-test-files/syntax/{name}", "the official handle syntax examples are")
    lines = file.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "character",
    [
        *("a", "é", "e\u0301", FAMILY, "👨‍❤️‍👨", "👍🏽", "🇩🇪", "#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "각", "각", "क्षि", "\r\n", "ก็"),
        *("🇩", "🇩🇪\u0301", "🇩🇪\u200d", "\u0600🇩🇪"),
    ],
)
def test_what_a_reader_sees_as_one_character_is_one_grapheme(character: str) -> None:
    assert graphemes(character) == 1
    assert graphemes(character + "x" + character) == 3


def test_flags_side_by_side_are_counted_in_pairs() -> None:
    assert graphemes("🇩🇪🇫🇷🇮🇹") == 3
    assert graphemes("🇩🇪🇫") == 2


@given(TEXTS)
def test_graphemes_are_counted_as_unicode_says(text: str) -> None:
    assert graphemes(text) == len(regex.findall(r"\X", text))


def test_graphemes_are_parted_by_the_rules_of_unicode() -> None:
    for letters in itertools.product(samples(), repeat=3):
        text = "".join(letters)
        assert split_graphemes(text) == parted(text), [f"{ord(letter):04X}" for letter in text]


@given(st.lists(st.sampled_from(samples()), max_size=20).map("".join))
def test_graphemes_of_longer_texts_are_parted_by_the_rules_of_unicode(text: str) -> None:
    assert split_graphemes(text) == parted(text)
    assert graphemes(text) == len(parted(text))


@given(st.text(alphabet="🇩🇪a\u0301\u200d\u0903\u0600👨"))
def test_flags_beside_anything_are_counted_as_unicode_says(text: str) -> None:
    assert graphemes(text) == len(regex.findall(r"\X", text))


def test_lengths_are_counted_in_every_unit() -> None:
    text = f"é{FAMILY}"
    assert (graphemes(text), code_points(text), utf16_units(text), utf8_bytes(text)) == (2, 8, 12, 27)


@given(TEXTS)
def test_no_unit_is_smaller_than_a_larger_one(text: str) -> None:
    assert graphemes(text) <= code_points(text) <= utf16_units(text) <= utf8_bytes(text)


def test_nothing_is_normalised_before_it_is_counted() -> None:
    assert code_points("e\u0301") == 2
    assert utf8_bytes("e\u0301") == 3


def test_the_documented_example_has_its_documented_bytes() -> None:
    spans = find_spans(DOCUMENTED)
    assert [(span.kind, span.value, byte_range(DOCUMENTED, span)) for span in spans] == [
        (SpanKind.MENTION, "atproto.com", (23, 35)),
        (SpanKind.LINK, "https://en.wikipedia.org/wiki/CBOR", (74, 108)),
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/b.", "https://a.example/b"),
        ("(https://a.example/b)", "https://a.example/b"),
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("(https://a.example/b_(c)).", "https://a.example/b_(c)"),
        ("[text](https://a.example)!", "https://a.example"),
        ("**https://a.example**", "https://a.example"),
        ("<https://a.example>", "https://a.example"),
        ("“https://a.example”", "https://a.example"),
        ("HTTPS://A.example/?q=1&r=#top!?", "HTTPS://A.example/?q=1&r=#top"),
        ("http://localhost:8080/", "http://localhost:8080/"),
        ("http://[::1]:80/x]", "http://[::1]:80/x"),
        ("https://a.example/@bob.test/#tag", "https://a.example/@bob.test/#tag"),
        ("サーバーhttps://a.example、次", "https://a.example"),
        ("https://a.example\u200bnext", "https://a.example"),
        ("https://bücher.example/ü", "https://bücher.example/ü"),
    ],
)
def test_a_link_is_found_without_what_surrounds_it(text: str, address: str) -> None:
    assert found(text) == [("link", address)]


@pytest.mark.parametrize(
    "text",
    [
        "xhttps://a.example",
        "éhttps://a.example",
        "https://",
        "https:// a",
        "http://.",
        "ftp://a.example",
        "a.example",
    ],
)
def test_what_only_resembles_a_link_is_text(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["@bob.test", ".@bob.test", "(@bob.test)", "@bob.test.", "@bob.test's", "@bob.test…", "@bob.testさん"],
)
def test_a_mention_is_found_without_what_surrounds_it(text: str) -> None:
    assert found(text) == [("mention", "bob.test")]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a@bob.test",
            "first.last+tag@bob.test",
            "@bob",
            "@bob@social.test",
            "@bob.test@social.test",
            "@@bob.test",
        ),
        *(
            "@bob..test",
            "@jo_hn.test",
            "@a.www.masełkowski.pl",
            "x.com/@bob.test",
            "@127.0.0.1",
            "@.bob.test",
        ),
    ],
)
def test_what_only_resembles_a_mention_is_text(text: str) -> None:
    assert found(text) == []


@given(st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}", fullmatch=True).filter(lambda name: name[-1] not in ".-"))
def test_an_e_mail_address_is_no_mention(name: str) -> None:
    assert found(f"write to {name}@mail.test today") == []


def test_every_official_valid_handle_can_be_mentioned() -> None:
    for handle in handles("handle_syntax_valid.txt"):
        assert is_handle(handle), handle
        assert found(f"hello @{handle}!") == [("mention", handle)]


def test_no_official_invalid_handle_is_mentioned() -> None:
    for handle in handles("handle_syntax_invalid.txt"):
        assert not is_handle(handle), handle
        assert ("mention", handle) not in found(f"hello @{handle}!")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("#tag", "tag"),
        ("a #tag, b", "tag"),
        ("(#tag)", "tag"),
        ("#été_2026!", "été_2026"),
        ("#2026goals", "2026goals"),
        ("#日本。", "日本"),
        ("\uff03日本", "日本"),
        ("#हिन्दी", "हिन्दी"),
        ("#\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("#a\u200d!", "a"),
        ("#c++", "c"),
        ("#one-two", "one"),
        ("#one#two", "one"),
        ("#" + "é" * LONGEST_TAG, "é" * LONGEST_TAG),
        ("#" + "क्षि" * 53 + "aaaa", "क्षि" * 53 + "aaaa"),
    ],
)
def test_a_hashtag_is_found_without_what_surrounds_it(text: str, tag: str) -> None:
    assert found(text) == [("hashtag", tag)]


@pytest.mark.parametrize(
    "text",
    [
        "#",
        "# tag",
        "#2026",
        "#_",
        "##tag",
        "a#tag",
        "&#123;",
        "/#top",
        "#️⃣",
        "#!",
        "#" + "é" * (LONGEST_TAG + 1),
        "#" + "क्षि" * 53 + "aaaaa",
    ],
)
def test_what_only_resembles_a_hashtag_is_text(text: str) -> None:
    assert found(text) == []


def test_spans_of_all_kinds_are_found_in_order() -> None:
    assert found("#one @two.test https://three.example #four") == [
        ("hashtag", "one"),
        ("mention", "two.test"),
        ("link", "https://three.example"),
        ("hashtag", "four"),
    ]


@given(TEXTS)
@example(DOCUMENTED)
def test_spans_stand_in_order_and_never_overlap(text: str) -> None:
    ends = [0]
    for span in find_spans(text):
        assert ends[-1] <= span.start < span.end <= len(text)
        ends.append(span.end)


@given(TEXTS)
@example(DOCUMENTED)
def test_the_bytes_of_a_span_are_its_text(text: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    marks = {SpanKind.LINK: [""], SpanKind.MENTION: ["@"], SpanKind.HASHTAG: ["#", "\uff03"]}
    for span in find_spans(text):
        start, end = byte_range(text, span)
        written = encoded[start:end].decode("utf-8", "surrogatepass")
        assert written == text[span.start : span.end]
        assert written.endswith(span.value)
        assert written.removesuffix(span.value) in marks[span.kind]


@given(TEXTS)
@example(DOCUMENTED)
def test_the_utf_16_units_of_a_span_are_its_text(text: str) -> None:
    encoded = text.encode("utf-16-le", "surrogatepass")
    for span in find_spans(text):
        start, end = utf16_range(text, span)
        written = encoded[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        assert written == text[span.start : span.end]


@given(st.text(alphabet=string.ascii_letters + " .,(\n", max_size=20), st.sampled_from(["@bob.test", "#tag"]))
def test_a_span_is_found_after_any_blank(before: str, mark: str) -> None:
    text = f"{before} {mark}"
    assert find_spans(text)[-1].end == len(text)
    assert isinstance(find_spans(text)[-1], Span)


@pytest.mark.parametrize(
    "text",
    [
        *("🇩🇪" * 100_000, "🇩" * 200_001, "👨\u200d" * 100_000, "\u0301" * 200_000, "क्" * 100_000),
        *("@" * 200_000, "@a." * 100_000, "@" + "a." * 100_000, "@" + "a-" * 100_000, "#" * 200_000),
        *("#_" * 100_000, " #_" * 50_000, "#" + "_" * 200_000, "http" * 50_000, "https://[" * 50_000),
        *(
            "https://a" + ")" * 200_000,
            "https://a" + "(" * 100_000 + ")" * 100_000,
            "https://a" + ".!" * 100_000,
        ),
    ],
    ids=lambda text: f"{text[:12]!a}",
)
def test_long_hostile_texts_are_read_to_their_end(text: str) -> None:
    # With a pattern that reads anything twice, one of these would take minutes.
    assert graphemes(text) >= 1
    assert all(span.end <= len(text) for span in find_spans(text))
