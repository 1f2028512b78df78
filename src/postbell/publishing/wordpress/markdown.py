"""Markdown as the blocks in which the editor of WordPress stores a post.

CommonMark (spec.commonmark.org), with tables and struck-out text as GitHub has them. HTML in it goes through:
what of that an author may use is for WordPress to say, which leaves out the rest.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from postbell.domain.markup import escape, linked
from postbell.publishing.wordpress.blocks import Stored, block, figure, inline, together
from postbell.publishing.wordpress.placing import Files, placed_html


if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

#: The language of a piece of code, where a class can be called so.
_LANGUAGE = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")
_ALIGN = {f"text-align:{side}": side for side in ("left", "center", "right")}
_MORE = "<!--more-->"


def blocks_of(text: str, files: Files) -> list[str]:
    """Return the blocks of a text; the files that it names stand where it names them."""
    from markdown_it.tree import SyntaxTreeNode

    tokens = _parser().parse(text)
    for token in tokens:
        _prepare(token, files)
    return [_block(node) for node in SyntaxTreeNode(tokens).children]


def parted(text: str) -> tuple[str, str]:
    """Return the heading of the first level that a text begins with, without markup, and what follows it."""
    tokens = _parser().parse(text)
    if not tokens or tokens[0].tag != "h1" or not tokens[0].map:
        return "", text
    return _plain(tokens[1]), "".join(text.splitlines(keepends=True)[tokens[0].map[1] :])


# What is rendered


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    def text(_renderer: Any, tokens: Sequence[Token], at: int, *_rest: Any) -> str:
        said = tokens[at].content
        return escape(said) if tokens[at].meta["in_link"] else linked(said)

    def image(_renderer: Any, tokens: Sequence[Token], at: int, *_rest: Any) -> str:
        return str(tokens[at].meta["inline"])

    def code_inline(_renderer: Any, tokens: Sequence[Token], at: int, *_rest: Any) -> str:
        return f"<code>{escape(tokens[at].content)}</code>"

    def code(_renderer: Any, tokens: Sequence[Token], at: int, *_rest: Any) -> str:
        return f"<pre{_class_of(tokens[at].info)}><code>{escape(tokens[at].content.rstrip())}</code></pre>"

    def softbreak(*_how: Any) -> str:
        return " "  # a site without blocks would make a new line of the end of one

    def hardbreak(*_how: Any) -> str:
        return "<br>"

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for rule in (text, image, code_inline, softbreak, hardbreak):
        parser.add_render_rule(rule.__name__, rule)
    for name in ("fence", "code_block"):
        parser.add_render_rule(name, code)
    return parser


def _rendered(tokens: Sequence[Token]) -> str:
    return str(_parser().renderer.render(tokens, _parser().options, {})).strip()


def _plain(token: Token) -> str:
    """Return the text of what an inline token holds, without its markup."""
    parts = [
        _plain(each) if each.type == "image" else "\n" if each.type.endswith("break") else each.content
        for each in token.children or ()
        if each.type != "html_inline"
    ]
    return "".join(parts)


def _prepare(token: Token, files: Files) -> None:
    """Note at a token what its rendering must know of what stands around it."""
    if align := _ALIGN.get(str(token.attrs.get("style"))):
        token.attrs = {"class": f"has-text-align-{align}", "data-align": align}
    if token.type in ("html_block", "html_inline"):
        token.content = placed_html(token.content, files)
    depth = 0
    for child in token.children or ():
        depth += child.nesting if child.type.startswith("link_") else 0
        child.meta["in_link"] = depth > 0
        if child.type == "image":
            _prepare_image(child, files)
        else:
            _prepare(child, files)


def _prepare_image(token: Token, files: Files) -> None:
    source, alt = str(token.attrs["src"]), _plain(token)
    file = files.named(source) or Stored(name="", id=None, url=escape(source), alt="")
    caption = escape(str(token.attrs.get("title", "")))
    token.meta |= {"figure": figure(file, alt=alt, caption=caption), "inline": inline(file, alt=alt)}


def _class_of(info: str) -> str:
    names = ["wp-block-code", *(f"language-{name}" for name in [_language(info)] if name)]
    return f' class="{" ".join(names)}"'


def _language(info: str) -> str:
    name = info.strip().partition(" ")[0]
    return name if _LANGUAGE.fullmatch(name) else ""


# The blocks


def _block(node: SyntaxTreeNode) -> str:
    write = _BLOCKS.get(node.type)
    return write(node) if write else block("html", _rendered(node.to_tokens()))


def _said(node: SyntaxTreeNode) -> str:
    """Return the HTML of the line of text that a node holds, and not of what holds it."""
    return _rendered([token for child in node.children for token in child.to_tokens()])


def _paragraph(node: SyntaxTreeNode) -> str:
    tokens = [token for child in node.children for token in child.to_tokens()[0].children or ()]
    blank = [
        each.type == "softbreak" or (each.type == "text" and not each.content.strip()) for each in tokens
    ]
    shown = [token for token, is_blank in zip(tokens, blank, strict=True) if not is_blank]
    if all(token.type == "image" for token in shown):
        return "\n\n".join(together([token.meta["figure"] for token in shown]))
    return block("paragraph", f"<p>{_said(node)}</p>")


def _heading(node: SyntaxTreeNode) -> str:
    level = int(node.tag[1:])
    attributes = f' {{"level":{level}}}' if level != 2 else ""
    return block("heading", f'<{node.tag} class="wp-block-heading">{_said(node)}</{node.tag}>', attributes)


def _list(node: SyntaxTreeNode) -> str:
    if not _is_plain(node):  # the editor has no blocks in its lists
        return block("html", _rendered(node.to_tokens()))
    start = node.attrs.get("start")
    said = [*(['"ordered":true'] if node.tag == "ol" else []), *([f'"start":{start}'] if start else [])]
    items = "\n\n".join(block("list-item", f"<li>{_item(item)}</li>") for item in node.children)
    begins = f' start="{start}"' if start else ""
    shown = f'<{node.tag}{begins} class="wp-block-list">{items}</{node.tag}>'
    return block("list", shown, f" {{{','.join(said)}}}" if said else "")


def _item(node: SyntaxTreeNode) -> str:
    texts = [_said(child) for child in node.children if child.type == "paragraph"]
    lists = [_list(child) for child in node.children if child.type != "paragraph"]
    return "<br><br>".join(texts) + "".join(lists)


def _is_plain(node: SyntaxTreeNode) -> bool:
    """Whether a list holds texts, and then lists that do, alone."""
    for item in node.children:
        kinds = [child.type == "paragraph" for child in item.children]
        inner = [child for child in item.children if child.type != "paragraph"]
        if kinds != sorted(kinds, reverse=True) or not all(
            child.type.endswith("_list") and _is_plain(child) for child in inner
        ):
            return False
    return True


def _quote(node: SyntaxTreeNode) -> str:
    inner = "\n\n".join(_block(child) for child in node.children)
    return block("quote", f'<blockquote class="wp-block-quote">{inner}</blockquote>')


def _code(node: SyntaxTreeNode) -> str:
    name = _language(node.info)
    return block("code", _rendered(node.to_tokens()), f' {{"className":"language-{name}"}}' if name else "")


def _table(node: SyntaxTreeNode) -> str:
    rendered = _rendered(node.to_tokens()).replace("\n", "")
    shown = f'<figure class="wp-block-table">{rendered}</figure>'
    return block("table", shown, ' {"hasFixedLayout":false}')


def _rule(_node: SyntaxTreeNode) -> str:
    return block("separator", '<hr class="wp-block-separator has-alpha-channel-opacity"/>')


def _raw(node: SyntaxTreeNode) -> str:
    markup = node.content.strip()
    if "<!-- wp:" in markup or "<!-- /wp:" in markup:  # blocks already
        return markup
    return block("more" if markup == _MORE else "html", markup)


_BLOCKS: Mapping[str, Callable[[SyntaxTreeNode], str]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "table": _table,
    "hr": _rule,
    "html_block": _raw,
}
