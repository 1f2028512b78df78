"""The conformance files of twitter-text: what every program that counts for X is checked with."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest
import yaml


_FOLDER = Path(__file__).parents[2] / "../shared/specs/x/twitter-text"


@functools.cache
def conformance(name: str) -> Any:
    """Return what a file says; without it the test is skipped, on CI it fails."""
    file = Path(os.path.normpath(_FOLDER / name))
    if not file.exists():
        reason = f"the conformance files of twitter-text are not in {_FOLDER}"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    return yaml.safe_load(file.read_text("utf-8"))
