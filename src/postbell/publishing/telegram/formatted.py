"""Markdown as the text and the entities of a message, so that nothing in it needs to be escaped.

CommonMark (spec.commonmark.org), with struck-out text as GitHub has it; what becomes of it there, by
core.telegram.org/bots/api#messageentity. Links, mentions and hashtags that stand in a text as such Telegram
finds by itself, and passes over entities for them (Client.cpp, get_text_entity_type).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postbell.domain.text import utf16_units


if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

#: What begins and ends within a line, and as what.
_STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_QUOTE, _LINK = "blockquote", "text_link"
_LEADS = re.compile(r"(?i)(?:https?|tg)://")
_RULE = "———"


@dataclass(frozen=True, kw_only=True)
class Formatted:
    """A text as it is read, and what is special about parts of it."""

    text: str
    #: Each a MessageEntity; offsets and lengths are UTF-16 units.
    entities: Sequence[dict[str, Any]]


def formatted(text: str) -> Formatted:
    """Return what a Markdown shows."""
    from markdown_it.tree import SyntaxTreeNode

    writer = _Writer()
    _blocks(SyntaxTreeNode(_parser().parse(text)).children, writer)
    found = sorted(writer.entities, key=lambda each: (each["offset"], -each["length"]))
    return Formatted(text="".join(writer.parts), entities=found)


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("strikethrough")


@dataclass(kw_only=True)
class _Open:
    """Something that has begun. Without a kind it says nothing that is not said already."""

    kind: str
    start: int
    more: dict[str, Any]


@dataclass(kw_only=True)
class _Writer:
    parts: list[str] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    #: How much was written, in UTF-16 units.
    length: int = 0
    inside: list[_Open] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.length += utf16_units(text)

    def begin(self, kind: str, **more: Any) -> None:
        """Begin something; what is inside of its own kind already is not begun again."""
        known = any(each.kind == kind for each in self.inside)
        self.inside.append(_Open(kind="" if known else kind, start=self.length, more=more))

    def end(self) -> None:
        self._keep(self.inside.pop())

    def code(self, text: str, kind: str, **more: Any) -> None:
        """Write what is shown as it is; nothing but a quotation may be around it, or in it."""
        around = [each for each in self.inside if each.kind != _QUOTE]
        for each in around:
            self._keep(each)
        self.begin(kind, **more)
        self.write(text)
        self.end()
        for each in around:
            each.start = self.length

    def _keep(self, said: _Open) -> None:
        if said.kind and self.length > said.start:
            place = {"offset": said.start, "length": self.length - said.start}
            self.entities.append({"type": said.kind, **place, **said.more})


@contextmanager
def _within(writer: _Writer, kind: str) -> Iterator[None]:
    writer.begin(kind)
    yield
    writer.end()


def _blocks(nodes: Sequence[SyntaxTreeNode], writer: _Writer) -> None:
    for number, node in enumerate(nodes):
        if number:
            writer.write("\n\n")
        _block(node, writer, depth=0)


def _block(node: SyntaxTreeNode, writer: _Writer, *, depth: int) -> None:
    match node.type:
        case "paragraph":
            _line(node, writer)
        case "heading":
            with _within(writer, "bold"):
                _line(node, writer)
        case "bullet_list" | "ordered_list":
            _list(node, writer, depth)
        case "blockquote":
            with _within(writer, _QUOTE):
                _blocks(node.children, writer)
        case "fence" | "code_block":
            language = node.info.strip().partition(" ")[0]
            writer.code(node.content.rstrip("\n"), "pre", **({"language": language} if language else {}))
        case "hr":
            writer.write(_RULE)
        case _:  # HTML, which is shown as it was written
            writer.write(node.content.rstrip("\n"))


def _list(node: SyntaxTreeNode, writer: _Writer, depth: int) -> None:
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
    for number, item in enumerate(node.children):
        sign = f"{first + number}." if node.type == "ordered_list" else "•"
        writer.write("\n" if number else "")
        writer.write(f"{'  ' * depth}{sign} ")
        for place, child in enumerate(item.children):
            if place:
                writer.write("\n")
            _block(child, writer, depth=depth + 1)


def _line(node: SyntaxTreeNode, writer: _Writer) -> None:
    (inline,) = node.children
    for token in inline.to_tokens()[0].children or ():
        _piece(token, writer)


def _piece(token: Token, writer: _Writer) -> None:
    style, _, place = token.type.rpartition("_")
    if style in _STYLES and place == "open":
        writer.begin(_STYLES[style])
    elif token.type == "link_open":
        writer.begin(_kind_of(str(token.attrs["href"]), token), url=token.attrs["href"])
    elif place == "close":
        writer.end()
    elif token.type == "image":
        address = str(token.attrs["src"])
        writer.begin(_kind_of(address, token), url=address)
        writer.write(token.content or address)
        writer.end()
    elif token.type == "code_inline":
        writer.code(token.content, "code")
    elif token.type in ("softbreak", "hardbreak"):
        writer.write("\n")
    else:
        writer.write(token.content)


def _kind_of(address: str, token: Token) -> str:
    """Return what a link is: nothing where it leads nowhere, or stands there as such anyway."""
    return _LINK if _LEADS.match(address) and token.info != "auto" else ""
