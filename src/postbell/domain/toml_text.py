"""Values as TOML writes them (toml.io/en/v1.0.0); the standard library only reads it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any


def toml_value(value: Any) -> str:
    """Return `value` (text, number, truth, list or mapping of such) on one line of TOML.

    Raises TypeError for what TOML has no word for.
    """
    match value:
        case str():
            # JSON escapes all that TOML wants escaped, but for this one.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case Mapping():
            pairs = ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items())
            return f"{{{pairs}}}"
        case list() | tuple():
            return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(f"TOML has no word for {type(value).__name__}")


def toml_key(name: str) -> str:
    """Return `name` as a key, in quotes where TOML wants them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def without_dates(value: Any) -> Any:
    """Return what TOML said with dates and times as ISO texts, like JSON has them."""
    match value:
        case dt.date() | dt.time():
            return value.isoformat()
        case dict():
            return {name: without_dates(item) for name, item in value.items()}
        case list():
            return [without_dates(item) for item in value]
    return value
