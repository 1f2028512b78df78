"""What many unit tests stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.world import World, build_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return accounts and a network in this process, and a clock that stands."""
    with build_world(tmp_path) as made:
        yield made
