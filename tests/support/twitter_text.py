"""The conformance files of twitter-text: what every program that counts for X is checked with."""

from __future__ import annotations

import functools
from typing import Any

import yaml

from support.specs import spec


@functools.cache
def conformance(name: str) -> Any:
    """Return what a file says; without it the test is skipped, on CI it fails."""
    file = spec(f"x/twitter-text/{name}", "a conformance file of twitter-text is")
    return yaml.safe_load(file.read_text("utf-8"))
