"""Adds to a content what its account adds: the signature, and parameters to links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlsplit

from postbell.domain.additions import Additions
from postbell.domain.content import Content, Override


#: What an address has that somebody has tagged already.
_TAGGED = re.compile(r"(?i)(?:^|[&;])utm_")
#: Networks end an address before these, though they may stand in a query.
_NOT_LAST = {".": "%2E", "~": "%7E"}


def completed(content: Content, overrides: Mapping[str, Override], *, account: str) -> Content:
    """Return what `account` publishes: what it is asked to say with what it adds of its own accord."""
    own = overrides.get(account)
    return content if own is None or own.added is None else complete(content, own.added)


def complete(content: Content, added: Additions) -> Content:
    """Return a content with what is added to it; where it says nothing, it is not signed either."""
    texts = [content.text, *content.segments]
    texts[-1] += tail(texts[-1], added)
    text, *segments = (tag(each, added) for each in texts)
    comment = content.comment and replace(content.comment, text=tag(content.comment.text, added))
    link = content.link and tag_link(content.link, added)
    return replace(content, text=text, segments=tuple(segments), link=link, comment=comment)


def tail(text: str, added: Additions) -> str:
    """Return what is put behind the text of a post to sign it; nothing where it is signed already."""
    if not added.signature or not text.strip() or text.rstrip().endswith(added.signature):
        return ""
    return f"\n\n{added.signature}"


def tag(text: str, added: Additions) -> str:
    """Return a text with the parameters at its links; everything else stays as it is."""
    if not added.utm or "://" not in text:
        return text
    from postbell.domain.text import SpanKind, find_spans  # most accounts add nothing

    parts, at = list[str](), 0
    for span in find_spans(text):
        if span.kind is SpanKind.LINK:
            parts += [text[at : span.start], tag_link(span.value, added)]
            at = span.end
    return "".join([*parts, text[at:]])


def tag_link(link: str, added: Additions) -> str:
    """Return an address with the parameters behind its own query, before its fragment.

    One that has such parameters stays as it is. So does one with a backslash, which no address has: it is
    written in a markup in which nobody knows here how to go on.
    """
    head, number_sign, fragment = link.partition("#")
    _, mark, query = head.partition("?")
    if not added.utm or "\\" in link or _TAGGED.search(query) or not _is_at(link, added.sites):
        return link
    joint = "&amp;" if "&amp;" in query else "&"  # as it is written in HTML
    between = "?" if not mark else "" if not query or query.endswith(joint) else joint
    said = joint.join(f"{name}={_encoded(value)}" for name, value in added.utm.items())
    return f"{head}{between}{said}{number_sign}{fragment}"


def _encoded(value: str) -> str:
    told = quote(value, safe="")
    return told[:-1] + _NOT_LAST.get(told[-1], told[-1])


def _is_at(link: str, sites: tuple[str, ...]) -> bool:
    try:
        host = urlsplit(link).hostname or ""
    except ValueError:
        return False
    return not sites or any(host == site or host.endswith(f".{site}") for site in sites)
