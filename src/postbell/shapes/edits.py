"""What an edit of what is public would change, in JSON: for `edit --dry-run` and the HTTP API."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from postbell.shapes.base import problems_json


if TYPE_CHECKING:
    from postbell.domain.content import Content
    from postbell.services.sending.editing import Edit


def edit_json(edit: Edit) -> dict[str, Any]:
    """Return what would change, for each account: lines that go, with a minus, and that come, with a plus."""
    edits = [
        {
            "account": of.account,
            "network": of.network,
            "url": of.url,
            "changes": list(_differences(*edit.said(of))),
        }
        for of in edit.asked
    ]
    return {"edits": edits, "problems": problems_json(edit.warnings)}


def _differences(before: Content, after: Content) -> Iterator[str]:
    old, new = _lines(before), _lines(after)
    yield from (line for line in difflib.ndiff(old, new) if line[0] in "+-")


def _lines(content: Content) -> list[str]:
    named = {"title": content.title, "link": content.link}
    named |= {f"alt of {item.name}": item.alt for item in content.media}
    texts = [line for text in (content.text, *content.segments) for line in text.splitlines()]
    return [*(f"{name}: {value}" for name, value in named.items() if value), *texts]
