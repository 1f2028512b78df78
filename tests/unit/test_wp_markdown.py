from __future__ import annotations

import pytest

from postbell.publishing.wordpress.blocks import Stored, without_blocks
from postbell.publishing.wordpress.markdown import blocks_of, parted
from postbell.publishing.wordpress.placing import Files, placed_html


_FILES = (
    Stored(name="harbour.jpg", id=7, url="https://a.example/h.jpg", alt="A harbour"),
    Stored(name="two boats.png", id=8, url="https://a.example/b.png", alt="Boats"),
    Stored(name="waves.mp4", id=9, url="https://a.example/w.mp4", alt="", is_video=True),
)
_HARBOUR = (
    '<!-- wp:image {"id":7,"sizeSlug":"full","linkDestination":"none"} -->\n'
    '<figure class="wp-block-image size-full"><img src="https://a.example/h.jpg" alt="A harbour" '
    'class="wp-image-7"/></figure>\n<!-- /wp:image -->'
)


def _blocks(text: str) -> str:
    return "\n\n".join(blocks_of(text, Files(_FILES)))


def _paragraph(text: str) -> str:
    """Return what stands in the one paragraph of a text."""
    written = _blocks(text)
    begin, end = "<!-- wp:paragraph -->\n<p>", "</p>\n<!-- /wp:paragraph -->"
    assert written.startswith(begin)
    assert written.endswith(end)
    return written.removeprefix(begin).removesuffix(end)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* **b** ~~c~~", "<em>a</em> <strong>b</strong> <s>c</s>"),
        ("one\ntwo", "one two"),
        ("one\\\ntwo", "one<br>two"),
        ("`a < [b]`", "<code>a &lt; &#91;b&#93;</code>"),
        ("a < b & [gallery] 'c'", "a &lt; b &amp; &#91;gallery&#93; &#x27;c&#x27;"),
        ('[x](https://a.example "t")', '<a href="https://a.example" title="t">x</a>'),
        ("<https://a.example>", '<a href="https://a.example">https://a.example</a>'),
        ("See https://a.example/a_b_c.", 'See <a href="https://a.example/a_b_c">https://a.example/a_b_c</a>.'),
        ("[see https://b.example](https://a.example)", '<a href="https://a.example">see https://b.example</a>'),
        ("[x](javascript:y)", "&#91;x&#93;(javascript:y)"),
        ("a <kbd>b</kbd>", "a <kbd>b</kbd>"),
    ],
)  # fmt: skip
def test_what_stands_in_a_line_is_written_as_html(text: str, html: str) -> None:
    assert _paragraph(text) == html


def test_headings_say_their_level_but_for_the_second() -> None:
    assert _blocks("## Two\n\n### *Three*") == (
        '<!-- wp:heading -->\n<h2 class="wp-block-heading">Two</h2>\n<!-- /wp:heading -->\n\n'
        '<!-- wp:heading {"level":3} -->\n<h3 class="wp-block-heading"><em>Three</em></h3>\n'
        "<!-- /wp:heading -->"
    )


def test_lists_hold_items_and_other_lists() -> None:
    assert _blocks("3. a\n\n   b\n4. c\n   - d") == (
        '<!-- wp:list {"ordered":true,"start":3} -->\n<ol start="3" class="wp-block-list">'
        "<!-- wp:list-item -->\n<li>a<br><br>b</li>\n<!-- /wp:list-item -->\n\n"
        "<!-- wp:list-item -->\n<li>c"
        '<!-- wp:list -->\n<ul class="wp-block-list"><!-- wp:list-item -->\n<li>d</li>\n'
        "<!-- /wp:list-item --></ul>\n"
        "<!-- /wp:list --></li>\n<!-- /wp:list-item --></ol>\n<!-- /wp:list -->"
    )


@pytest.mark.parametrize("text", ["- a\n\n  > q", "- a\n  - b\n\n    > q", "- - a\n\n  b"])
def test_a_list_with_anything_else_in_it_is_html(text: str) -> None:
    written = _blocks(text)
    assert written.startswith("<!-- wp:html -->\n<ul>")
    assert written.count("wp:") == 2


def test_a_quotation_holds_blocks() -> None:
    assert _blocks("> q\n>\n> ---") == (
        '<!-- wp:quote -->\n<blockquote class="wp-block-quote">'
        "<!-- wp:paragraph -->\n<p>q</p>\n<!-- /wp:paragraph -->\n\n"
        '<!-- wp:separator -->\n<hr class="wp-block-separator has-alpha-channel-opacity"/>\n'
        "<!-- /wp:separator --></blockquote>\n<!-- /wp:quote -->"
    )


def test_code_keeps_its_lines_and_says_its_language() -> None:
    assert _blocks("```python\na = [1]\n\nb < 2\n```") == (
        '<!-- wp:code {"className":"language-python"} -->\n'
        '<pre class="wp-block-code language-python"><code>a = &#91;1&#93;\n\nb &lt; 2</code></pre>\n'
        "<!-- /wp:code -->"
    )


@pytest.mark.parametrize("text", ["    a", "```\na\n```", "```c++\na\n```", '```a"--b\na\n```'])
def test_code_without_a_language_that_a_class_can_have_says_none(text: str) -> None:
    assert _blocks(text) == (
        '<!-- wp:code -->\n<pre class="wp-block-code"><code>a</code></pre>\n<!-- /wp:code -->'
    )


def test_a_table_keeps_how_its_columns_are_set() -> None:
    assert _blocks("| a | b |\n|---|--:|\n| 1 | [2] |") == (
        '<!-- wp:table {"hasFixedLayout":false} -->\n<figure class="wp-block-table"><table><thead><tr>'
        '<th>a</th><th class="has-text-align-right" data-align="right">b</th></tr></thead>'
        "<tbody><tr><td>1</td>"
        '<td class="has-text-align-right" data-align="right">&#91;2&#93;</td></tr></tbody></table></figure>\n'
        "<!-- /wp:table -->"
    )


def test_html_goes_through_as_it_is() -> None:
    assert _blocks("<div>[gallery]</div>") == "<!-- wp:html -->\n<div>[gallery]</div>\n<!-- /wp:html -->"


def test_blocks_stay_what_they_are() -> None:
    text = '<!-- wp:pullquote {"a":1} -->\n\n<figure>x</figure>\n<!-- /wp:pullquote -->'
    assert _blocks(text) == text


def test_where_a_list_of_posts_shall_end_is_a_block() -> None:
    assert _blocks("a\n\n<!--more-->\n\nb").count("<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->") == 1


# Pictures


def test_a_picture_alone_stands_as_a_block_where_the_text_names_it() -> None:
    assert _blocks("a\n\n![](harbour.jpg)\n\nb").split("\n\n")[1] == _HARBOUR


@pytest.mark.parametrize("name", ["pictures/harbour.jpg", "harbour.webp", "./harbour.jpg"])
def test_a_picture_is_known_by_its_name_without_folders_and_with_another_ending(name: str) -> None:
    assert _blocks(f"![]({name})") == _HARBOUR


def test_what_the_text_says_of_a_picture_goes_before_its_own_alt_text() -> None:
    written = _blocks('![A *small*\\\nharbour ![x](y)<b>](<two boats.png> "At [dawn]")')
    assert 'src="https://a.example/b.png" alt="A small\nharbour x" class="wp-image-8"' in written
    assert '<figcaption class="wp-element-caption">At &#91;dawn&#93;</figcaption></figure>' in written


def test_pictures_in_one_paragraph_are_a_gallery_and_videos_come_behind_it() -> None:
    written = _blocks("![](harbour.jpg)\n![](waves.mp4)\n![](two%20boats.png)")
    assert written.startswith('<!-- wp:gallery {"linkTo":"none"} -->\n<figure class="wp-block-gallery ')
    assert written.index("h.jpg") < written.index("b.png") < written.index("w.mp4")
    assert written.endswith(
        '<!-- wp:video {"id":9} -->\n<figure class="wp-block-video"><video controls '
        'src="https://a.example/w.mp4"></video></figure>\n<!-- /wp:video -->'
    )


def test_a_picture_within_a_sentence_stays_in_it() -> None:
    shown = '<img src="https://a.example/h.jpg" alt="A harbour" class="wp-image-7"/>'
    assert _paragraph("a ![](harbour.jpg) b") == f"a {shown} b"
    linked = f'<a href="https://a.example">{shown}</a>'
    assert _paragraph("[![](harbour.jpg)](https://a.example)") == linked


@pytest.mark.parametrize("source", ["https://b.example/x.png?a&b", "/uploads/x.png", "#x"])
def test_a_picture_that_lies_elsewhere_is_shown_from_there(source: str) -> None:
    files = Files(_FILES)
    (written,) = blocks_of(f"![x]({source})", files)
    shown = source.replace("&", "&amp;")
    assert written == (
        f'<!-- wp:image -->\n<figure class="wp-block-image"><img src="{shown}" alt="x"/></figure>\n'
        "<!-- /wp:image -->"
    )
    assert files.missing == []


def test_files_that_are_named_are_told_and_those_that_are_missing() -> None:
    files = Files(_FILES)
    blocks_of('![](harbour.jpg) ![](no.png) ![]() <img src="also no.png">\n\n<video src="waves.mp4">', files)
    assert (files.placed, files.missing) == ({0, 2}, ["no.png", "also no.png"])


def test_html_names_files_too() -> None:
    files = Files(_FILES)
    markup = "<IMG alt='a' SRC = 'harbour.jpg'><img src=\"two boats.png\"><img src='https://b.example/x'>"
    assert placed_html(markup, files) == (
        "<IMG alt='a' SRC = 'https://a.example/h.jpg'><img src=\"https://a.example/b.png\">"
        "<img src='https://b.example/x'>"
    )
    assert files.placed == {0, 1}


def test_without_blocks_the_html_is_left() -> None:
    assert without_blocks(_blocks("# a\n\n- b")) == (
        '<h1 class="wp-block-heading">a</h1>\n\n<ul class="wp-block-list"><li>b</li>\n</ul>'
    )


# The title


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        ("# A *bell* `rings`\n\nText", "A bell rings", "\nText"),
        ("A bell\n===\nText", "A bell", "Text"),
        ("\n# A bell", "A bell", ""),
        ("## A bell\n", "", "## A bell\n"),
        ("Text\n# A bell", "", "Text\n# A bell"),
        ("", "", ""),
    ],
)
def test_a_heading_at_the_very_beginning_is_parted_from_the_text(text: str, title: str, rest: str) -> None:
    assert parted(text) == (title, rest)
