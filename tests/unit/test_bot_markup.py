from __future__ import annotations

import pytest

from postbell.publishing.telegram.markup import escape_markdown, plain_html, plain_markdown


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a plain text", "a plain text"),
        ("<b>bold</b> <I>and</I> <tg-spoiler>hidden</tg-spoiler>", "bold and hidden"),
        ('<a href="https://example.com/?a>b">a link</a>', "a link"),
        ("<a href='https://example.com'>a link</a>", "a link"),
        ("<blockquote expandable>long</blockquote>", "long"),
        ('<pre><code class="language-python">x</code></pre>', "x"),
        ("<b>ended by an empty tag</>", "ended by an empty tag"),
        ("&lt;&gt;&amp;&quot;", '<>&"'),
        ("&#65;&#x42;&#67 &amp", "ABC &"),
        ("&nbsp;&copy;&ampere;", "&nbsp;&copy;&ampere;"),  # no others are known
        ("&#0;&#1114111;", "&#0;&#1114111;"),
        ("&amp;lt;", "&lt;"),  # read once only
        ("a > b", "a > b"),
    ],
)
def test_html_is_read_as_telegram_reads_it(text: str, plain: str) -> None:
    assert plain_html(text) == plain


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<h1>no</h1>", "Telegram has no <h1>"),
        ("<br/>", "Telegram has no <br/>"),
        ("<b>open", "<b> is never ended"),
        ("</b>", "</b> does not end"),
        ("<b><i>x</b></i>", "</b> does not end"),
        ("1 < 2", "written &lt;"),
        ('<a href="x', "written &lt;"),
    ],
)
def test_html_that_telegram_refuses_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plain_html(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a plain text, with a comma", "a plain text, with a comma"),
        ("*bold* _italic_ __under__ ~struck~ ||hidden||", "bold italic under struck hidden"),
        ("*bold _italic __all__ back_ bold*", "bold italic all back bold"),
        (r"1\.5 \* 2 \\ 3", r"1.5 * 2 \ 3"),
        ("[a link](https://example.com/a_b)", "a link"),
        (r"[a link](https://example.com/\)) more", "a link more"),
        ("[only in brackets]", "only in brackets"),
        ("![👍](tg://emoji?id=5368324170671202286)", "👍"),
        ("`a*b_c` and `c`", "a*b_c and c"),
        (r"`a\`b`", "a`b"),
        ("```python\nprint(1.0)\n```", "print(1.0)\n"),
        ("```\r\nx``` ```y```", "x y"),
        ("```c `b` c```", " b c"),  # the first c names a language
        (">quoted\n>and on\nafter", "quoted\nand on\nafter"),
        ("before\n>quoted", "before\nquoted"),
        ("**>folded\n>hidden||\nafter", "folded\nhidden\nafter"),
        ("**>folded\n>hidden||", "folded\nhidden"),
        ("\\\n>after an escaped line break", "\nafter an escaped line break"),
        ("\r>after a carriage return", "\rafter a carriage return"),
        (">quoted\n>*bold\nand on*", None),
        ("e\\", "e\\"),
    ],
)
def test_markdown_is_read_as_telegram_reads_it(text: str, plain: str | None) -> None:
    if plain is None:
        with pytest.raises(ValueError, match="not ended in its quotation"):
            plain_markdown(text)
    else:
        assert plain_markdown(text) == plain


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.5", r"the \. at character 2"),
        ("a-b", "the - at character 2"),
        ("a > b", "the > at character 3"),
        ("a | b", "the | at character 3"),
        ("Wow!", "the ! at character 4"),
        ("x)", "the \\) at character 2"),
        ("x]", "the ] at character 2"),
        ("*open", r"what \* begins at character 1"),
        ("```open", "what ``` begins"),
        ("[a](https://example.com", "address"),
        ("![a]", "address"),
        (">quoted *open", r"what \* begins at character 9"),
    ],
)
def test_markdown_that_telegram_refuses_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plain_markdown(text)


def test_what_is_escaped_is_shown_as_it_is() -> None:
    text = r"_*[]()~`>#+-=|{}.! \ https://example.com/a_b?c=(d)"
    assert plain_markdown(escape_markdown(text)) == text
