from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.page import PageHead, read_page


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A page &ndash; of ours</title>
<meta name="description" content="What it is about.">
<meta property="og:title" content="A page">
<meta property="og:description" content="What the page is about.">
<meta property="og:image" content="https://a.example/picture.png">
<meta name="twitter:title" content="A bird's page">
</head>
<body>Hello</body>
</html>
"""


def test_a_page_says_what_it_is() -> None:
    assert read_page(PAGE.encode()) == PageHead(
        title="A page", description="What the page is about.", picture="https://a.example/picture.png"
    )


def _head(*lines: str) -> PageHead:
    return read_page("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        (
            ["<title>T</title>", "<meta name=twitter:title content=B>", "<meta property=og:title content=O>"],
            "O",
        ),
        (["<title>T</title>", "<meta name=twitter:title content=B>"], "B"),
        (["<title>T</title>"], "T"),
        (["<title>T</title>", '<meta property="og:title" content="">'], "T"),
        (["<title>First</title>", "<title>Second</title>"], "First"),
        ([], ""),
    ],
)
def test_the_best_that_it_says_counts(lines: list[str], title: str) -> None:
    assert _head(*lines).title == title


@pytest.mark.parametrize(
    "tag",
    [
        '<meta property="og:title" content="A &amp; B">',
        "<META PROPERTY='og:title' CONTENT='A &#38; B'/>",
        '<meta content="A &amp;\n  B" property = "OG:Title" />',
        '<meta\nname="og:title"\ncontent="A & B"\n>',
        '<meta data-x property="og:title" content="A & B" content="other">',
        '<meta = property="og:title" content="A & B">',
        '<title\nclass="x">A &amp; B</title >',
        "<Title>A\t&amp;\u200e B</TITLE>",
        '<meta property="og:title" content="A & B"',
    ],
)
def test_a_tag_may_be_written_in_many_ways(tag: str) -> None:
    said = _head(tag + ("" if tag.endswith(">") else "><p>"))
    assert said.title == "A & B"


def test_values_need_no_quotes() -> None:
    assert _head("<meta property=og:image content=/p.png?a=b>").picture == "/p.png?a=b"


@pytest.mark.parametrize(
    "around",
    [
        "<!-- {} -->",
        "<script>{}</script>",
        "<style>{}</style >",
        "<textarea>{}</TEXTAREA>",
        "<noscript>{}</noscript>",
        "<template>{}</template>",
        "<title>{}</title>",
    ],
)
def test_what_only_looks_like_a_tag_is_none(around: str) -> None:
    no = '<meta property="og:title" content="No">'
    assert _head(around.format(no), '<meta property="og:title" content="Yes">').title == "Yes"


@pytest.mark.parametrize(
    "end",
    [
        "<!-- <title>T</title>",
        "<script><title>T</title>",
        "<title>T",
        '<meta property="og:title" content="T',
        "<meta property=og:title content=T",
        "<meta property='og:title",
        "<metal property='og:title' content='T'>",
        "<titles>T</titles>",
    ],
)
def test_what_has_no_end_says_nothing(end: str) -> None:
    assert _head(end) == PageHead()


@pytest.mark.parametrize("cut", range(0, len(PAGE), 7))
def test_a_page_may_be_cut_off_anywhere(cut: int) -> None:
    assert read_page(PAGE[:cut].encode()).title in ("", "A page \u2013 of ours", "A page")


@pytest.mark.parametrize(
    ("written", "charset", "head"),
    [
        ("utf-8", "utf-8", ""),
        ("utf-8", None, ""),
        ("utf-8-sig", "iso-8859-1", ""),
        ("cp1252", "ISO-8859-1", ""),
        ("cp1252", None, '<meta charset="windows-1252">'),
        ("cp1252", None, '<meta http-equiv="Content-Type" content="text/html; charset=latin1">'),
    ],
)
def test_letters_are_read_as_the_page_is_written(written: str, charset: str | None, head: str) -> None:
    data = f"{head}<title>Grüße</title>".encode(written)
    assert read_page(data, charset).title == "Grüße"


def test_japanese_is_read_as_the_page_is_written() -> None:
    assert read_page("<title>日本語</title>".encode("cp932"), "Shift_JIS").title == "日本語"


@pytest.mark.parametrize("charset", ["rot13", "hex", "punycode", "utf-7", "nonsense"])
def test_no_page_chooses_how_it_is_unpacked(charset: str) -> None:
    assert read_page("<title>Grüße</title>".encode(), charset).title == "Grüße"


def test_what_is_very_long_is_shortened() -> None:
    said = _head(f"<title>{'a' * 400}</title>", f"<meta name=description content='{'b ' * 600}'>")
    assert said.title == "a" * 299 + "…"
    assert len(said.description) <= 1000
    assert said.description.endswith("b…")


@given(st.text(alphabet="<>/!-='\" metaiscrptonyl&;#x:", max_size=200))
def test_anything_can_be_read(text: str) -> None:
    read_page(text.encode())
