"""The official files that tests are held against, beside the project and no part of it, and their types."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


#: How the reason begins for which a test was skipped that has no official file to be held against.
ABSENT = "no official file: "
_FOLDER = Path(os.path.normpath(Path(__file__).parents[2] / "../shared/specs"))


def spec(name: str, what: str) -> Path:
    """Return the path of a file or a folder; where it is not the test is skipped, and on CI it fails."""
    path = _FOLDER / name
    if not path.exists():
        reason = f"{ABSENT}{what} not in {path}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


def is_kind(kind: str, value: Any) -> bool:
    """Whether a value is what a JSON schema calls by this name."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "string": isinstance(value, str),
        "integer": number and isinstance(value, int),
        "number": number,
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
        "null": value is None,
    }[kind]
