"""What would be a choice in a series, and is none in a single post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postbell.domain.content import Content, Override
from postbell.errors import Problem


_STAYS = (
    "{a|b} stays as it is written: only a series chooses (`postbell series add`). "
    "Write what this post shall say."
)


def check_choices(base: Content, overrides: Mapping[str, Override]) -> list[Problem]:
    """Return a note for each text of a single post in which a series would choose."""
    return [Problem(where=where, message=_STAYS) for where, text in _texts(base, overrides) if _chooses(text)]


def _texts(base: Content, overrides: Mapping[str, Override]) -> Iterator[tuple[str, str]]:
    """Yield what a series takes as templates, each with its place."""
    yield "text", base.text
    for number, text in enumerate(base.segments, 2):
        yield f"part {number}", text
    if base.comment:
        yield "comment", base.comment.text
    for key, said in overrides.items():
        own = said.by_hand()  # parts that Postbell has made say what the text says
        yield f"[{key}] text", own.text or ""
        for number, text in enumerate(own.segments, 2):
            yield f"[{key}] part {number}", text


def _chooses(text: str) -> bool:
    if "{" not in text or "|" not in text:
        return False
    from postbell.domain.variants import has_choice

    return has_choice(text)
