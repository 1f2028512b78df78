"""What X and Mastodon take for an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.web_links import MASTODON, Grammar, X, find_links


def found(text: str, grammar: Grammar = X) -> list[str]:
    return [text[link.start : link.end] for link in find_links(text, grammar)]


def with_scheme(text: str, grammar: Grammar = MASTODON) -> list[str]:
    return [text[link.start : link.end] for link in find_links(text, grammar) if link.has_scheme]


@pytest.mark.parametrize(
    "scheme", ["http", "HTTPS", "dat", "dweb", "ipfs", "ipns", "ssb", "gopher", "gemini"]
)
def test_mastodon_knows_more_schemes_than_x(scheme: str) -> None:
    text = f"see {scheme}://bücher.com:8080/ü(a(b)c)?q=ä#é. So"
    assert with_scheme(text) == [text[4:-4]]
    assert with_scheme(text, X) == (
        [f"{scheme}://bücher.com:8080/ü(a(b)c)?q="] if "ttp" in scheme.lower() else []
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://localhost/",
            "https://a.example/",
            "https://127.0.0.1/",
            "xhttps://a.com",
            "@https://a.com",
        ),
        *("https:/a.com", "https://-a.com", "https://a_b.com_", "ftp://a.com", "https://user@a.example"),
    ],
)
def test_what_only_resembles_an_address_with_a_scheme_is_text(text: str) -> None:
    assert with_scheme(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.com/(b", "https://a.com/"),
        ("https://a.com/b)", "https://a.com/b"),
        ("https://a.com/<b>", "https://a.com/"),
        ("「https://a.com/ä」", "https://a.com/ä"),
        ("https://a.com?", "https://a.com"),
        ("https://a.com/b?c=", "https://a.com/b?c="),
        ("https://a.comä", "https://a.com"),
        ("https://a.com.xyz.nope", "https://a.com.xyz"),
        ("日本https://a.com", "https://a.com"),
        ("https://t.co/abc?d=e", "https://t.co/abc"),
        ("https://XN--P1AI.XN--P1AI/", "https://XN--P1AI.XN--P1AI/"),
    ],
)
def test_mastodon_ends_an_address_where_its_rules_do(text: str, address: str) -> None:
    assert with_scheme(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        f"https://{'a' * 64}.com",
        f"https://{'ä' * 64}.com",
        f"https://{'あ' * 60}.com",
        f"https://t.co/{'a' * 41}",
        f"https://a.com/{'a' * 4096}",
        "http://xn--ä.com",
    ],
    ids=lambda text: f"{text[:16]}, {len(text)}",
)
def test_what_cannot_be_asked_for_is_no_address(text: str) -> None:
    assert found(text) == found(text, MASTODON) == []


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a_b.com", []),
        ("a.com_.b.com", ["a.com"]),
        ("äあa.com/b", ["a.com/b"]),
        ("あ.a.com.い.b.com", ["a.com", "b.com"]),
        ("あ.a.com.c.い.de/b", ["a.com.c.い.de/b"]),
        ("a.あ.jp/b", []),
        ("ä.com/b", ["ä.com/b"]),
        ("a.com?b=c", ["a.com"]),
        ("foo@bar.com", []),
        ("-a.com .a.com /a.com", []),
        ("a.com/https://b.com", ["a.com/https://b.com"]),
        ("ﬁ.com", []),
        ("https://ﬁ.com", ["https://ﬁ.com"]),
        (f"a.com/{'b' * 4090}", []),
    ],
)
def test_x_finds_addresses_without_a_scheme(text: str, addresses: list[str]) -> None:
    assert found(text) == addresses


PIECES = st.sampled_from(
    [
        *"a-_.:/?#@$()äあ 1\n。",
        "com",
        "a.com",
        "https://",
        "t.co/",
        "xn--",
        "한국",
        "\u202a",
        "\ufeff",
        "\ud800",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from([X, MASTODON]))
def test_addresses_stand_in_order_and_never_overlap(text: str, grammar: Grammar) -> None:
    ends = [0]
    for link in find_links(text, grammar):
        assert ends[-1] <= link.start < link.end <= len(text)
        assert ("://" in text[link.start : link.end]) or not link.has_scheme
        ends.append(link.end)


@pytest.mark.parametrize(
    "text",
    [
        *("a." * 50_000, "a.com " * 20_000, "x_y.com." * 20_000, "a.com_." * 20_000, "é.com" * 20_000),
        *("a.aé." * 20_000 + "com", "a." * 50_000 + "한국", "-" * 99_999 + ".com", "_" * 99_999 + ".com"),
        *(
            "http://" * 20_000,
            "http://a.com:" * 9_000,
            "http://a.com/(" * 9_000,
            "http://a.com/" + "(a" * 50_000,
        ),
        *("http://a.com/" + "(" * 99_999, "http://a.com/" + "." * 99_999, "http://a.com?" + "!" * 99_999),
        *(
            "a.com/" * 20_000,
            "http://t.co/a" * 9_000,
            "日.本.com。" * 10_000,
            "." * 99_999,
            "xn--" * 25_000 + ".com",
        ),
    ],
    ids=lambda text: f"{text[:14]!a}",
)
def test_long_hostile_texts_are_read_to_their_end(text: str) -> None:
    # With the regular expressions of twitter-text most of these take minutes.
    for grammar in (X, MASTODON):
        assert all(link.end <= len(text) for link in find_links(text, grammar))
