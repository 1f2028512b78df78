"""Whether what a post or a series says can be kept, and handed to networks, character by character."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postbell.domain.content import Content, Override
from postbell.domain.plain import fault_of
from postbell.errors import Problem


def check_plain(
    base: Content, overrides: Mapping[str, Override], variants: tuple[str, ...] = ()
) -> list[Problem]:
    """Return a problem for every text of a content with a character that no text can have."""
    texts = [*_of_content(base), *((f"variant {number}", text) for number, text in enumerate(variants, 1))]
    for key, said in overrides.items():
        texts += _of_override(key, said)
    found = [Problem(where=where, message=fault) for where, text in texts if (fault := fault_of(text))]
    return [*found, *_of_media(base)]


def _of_content(base: Content) -> Iterator[tuple[str, str]]:
    yield "text", base.text
    for number, text in enumerate(base.segments, 2):
        yield f"part {number}", text
    if base.comment:
        yield "comment", base.comment.text
    yield "--title", base.title or ""
    yield "--link", base.link or ""


def _of_media(base: Content) -> Iterator[Problem]:
    for index, item in enumerate(base.media):
        for text in (item.alt, item.name):
            if fault := fault_of(text):
                yield Problem(where=f"media {index + 1}", message=fault, file=index)


def _of_override(key: str, said: Override) -> Iterator[tuple[str, str]]:
    yield f"[{key}]", key
    yield f"[{key}] text", said.text or ""
    for number, text in enumerate(said.segments, 2):
        yield f"[{key}] part {number}", text
    yield f"[{key}] comment", said.comment or ""
    yield f"[{key}] title", said.title or ""
    yield f"[{key}] link", said.link or ""
    for name, value in said.options.items():
        for text in _texts_in(value):
            yield f"{key}.{name}", text


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from (str(name), *_texts_in(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)
