"""What all shapes are made of: instants, spans, problems, errors, and the line they are printed on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from postbell.errors import Invalid, PostbellError, Problem


def json_line(value: Mapping[str, Any]) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False)


def stamp(instant: datetime | None) -> str | None:
    """Return an instant as ISO 8601 in UTC: 2026-11-27T17:00:00Z."""
    if instant is None:
        return None
    there = instant if instant.tzinfo is UTC else instant.astimezone(UTC)  # most are, and that takes long
    return f"{there.isoformat()[:-6]}Z"


def seconds(span: timedelta | None) -> float | None:
    """Return how long a span is, null where there is none."""
    return None if span is None else span.total_seconds()


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return what is wrong, or lacking."""
    return [{"where": it.where, "message": it.message, "account": it.account} for it in problems]


def error_json(error: PostbellError) -> dict[str, Any]:
    """Return what went wrong."""
    problems = error.problems if isinstance(error, Invalid) else ()
    return {"error": {"code": code_of(error), "message": str(error), "problems": problems_json(problems)}}


def code_of(error: PostbellError) -> str:
    """Return the kind of an error as one word: not_found, disk_full."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
