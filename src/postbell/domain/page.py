"""What a web page says of itself in its head: title, description, picture.

Read by hand, because the time that html.parser takes grows with the square of what a malicious page writes:
80,000 bytes of it kept it busy for a minute. Here every byte is looked at a fixed number of times. What is no
proper HTML is passed over.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass


_LONGEST_TITLE, _LONGEST_DESCRIPTION = 300, 1000
#: What is looked for, the best first (ogp.me; Twitter's cards; HTML).
_TITLES = ("og:title", "twitter:title", "title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_PICTURES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")

_TAG = re.compile(r"<(?:(!--)|(meta|title|script|style|textarea|noscript|template)(?=[\s/>]))", re.IGNORECASE)
_ENDS = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("title", "script", "style", "textarea", "noscript", "template")
}
_NAME = re.compile(r"[\s/]*+([^\s/>=]++)\s*+(=?)\s*+|[\s/]*+=")
_BARE = re.compile(r"[^\s>]*+")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_-]{1,30})", re.IGNORECASE)
#: What may be read how; a page has no say beyond that (encoding.spec.whatwg.org, 4.2).
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-2": "iso8859-2",
    "iso-8859-15": "iso8859-15",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "koi8-r": "koi8-r",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
}


@dataclass(frozen=True, kw_only=True)
class PageHead:
    """What a page says of itself; empty where it says nothing."""

    title: str = ""
    description: str = ""
    #: The address of a picture, as written: perhaps only the path of it.
    picture: str = ""


def read_page(data: bytes, charset: str | None = None) -> PageHead:
    """Return what a page says of itself; `charset` is the server's word of how it is written.

    The page may be cut off anywhere. The first of several things of a name counts.
    """
    said: dict[str, str] = {}
    for name, content in _said(_decode(data, charset)):
        said.setdefault(name, content)
    return PageHead(
        title=_first(said, _TITLES, _LONGEST_TITLE),
        description=_first(said, _DESCRIPTIONS, _LONGEST_DESCRIPTION),
        picture=_first(said, _PICTURES, None),
    )


def _decode(data: bytes, charset: str | None) -> str:
    said = charset or (found[1].decode() if (found := _CHARSET.search(data[:4096])) else "")
    if data.startswith(b"\xef\xbb\xbf"):
        said = "utf-8"
    return data.decode(_CODECS.get(said.lower(), "utf-8"), "replace").removeprefix("\ufeff")


def _first(said: dict[str, str], names: tuple[str, ...], most: int | None) -> str:
    text = next((said[name] for name in names if said.get(name)), "")
    return text if most is None or len(text) <= most else text[: most - 1].rstrip() + "…"


def _said(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and contents: of each `meta`, and of `title`."""
    at = 0
    while found := _TAG.search(text, at):
        at = found.end()
        if found[1]:
            if (at := text.find("-->", at)) < 0:
                return
            continue
        name = found[2].lower()
        tag = _attributes(text, at)
        if tag is None:
            return  # it has no end
        attributes, at = tag
        if name == "meta":
            key = attributes.get("property") or attributes.get("name") or ""
            yield key.lower(), _plain(attributes.get("content", ""))
            continue
        if not (end := _ENDS[name].search(text, at)):
            return
        if name == "title":
            yield name, _plain(text[at : end.start()])
        at = end.end()


def _attributes(text: str, at: int) -> tuple[dict[str, str], int] | None:
    """Return the attributes of a tag and where it ends; None if it has no end."""
    found: dict[str, str] = {}
    while name := _NAME.match(text, at):
        at, value = name.end(), ""
        if name[2]:
            if (quote := text[at : at + 1]) in ("'", '"'):
                if (end := text.find(quote, at + 1)) < 0:
                    return None
                value, at = text[at + 1 : end], end + 1
            else:
                value = _BARE.match(text, at)[0]  # type: ignore[index]
                at += len(value)
        if name[1]:
            found.setdefault(name[1].lower(), value)
    end = text.find(">", at)
    return (found, end + 1) if end >= 0 else None


def _plain(text: str) -> str:
    """Return a text on one line, without what cannot be seen."""
    line = " ".join(html.unescape(text).split())
    return "".join(letter for letter in line if letter.isprintable() or letter in "\u200c\u200d")
