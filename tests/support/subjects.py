"""The networks that have a strict stand-in: a file `fake_*.py` with a `SUBJECT` joins by being here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from postbell.testing import FakeClock
from support.fake_mastodon import FakeMastodon
from support.farside import FarSide, Subject


#: Servers that speak Mastodon's API, and to which no Idempotency-Key may be sent.
_SPEAKING = ("gotosocial", "pleroma", "akkoma", "pixelfed")


def subjects() -> dict[str, Subject]:
    """Return the subjects of the contract suite by their network's key."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("fake_*.py"))
    found = [importlib.import_module(f"support.{name}").SUBJECT for name in names]
    return {subject.network.key: subject for subject in found}


def of_every_kind() -> dict[str, Subject]:
    """Return the same, and beside Mastodon the other servers that speak its API, by what they are called."""
    found = subjects()
    stock = found["mastodon"]
    return found | {kind: replace(stock, far_side=_far_side(kind)) for kind in _SPEAKING}


def _far_side(kind: str) -> Callable[[FakeClock], FarSide]:
    return lambda clock: FakeMastodon(clock, kind=kind)
