"""What tests of Threads have in common: what was asked of it, and how it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from postbell.errors import PublishError
from support.fake_threads import FakeThreads, Refusal
from support.farside import Daemon
from support.threads_collection import path_of


def numbered(far_side: FakeThreads) -> list[str]:
    """Return what was asked of Threads in its order, with `#` for every number."""
    return [
        f"{each.method} {'/'.join('#' if part.isdigit() else part for part in path_of(each).split('/'))}"
        for each in far_side.requests
    ]


def fail(sender: Daemon) -> PublishError:
    with pytest.raises(PublishError) as caught:
        asyncio.run(sender.publish())
    return caught.value


def refuse(code: int, message: str, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    raise Refusal(code, message, subcode, **more)
