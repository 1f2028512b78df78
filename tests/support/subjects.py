"""The networks that have a strict stand-in: a file `fake_*.py` with a `SUBJECT` joins by being here."""

from __future__ import annotations

import importlib
from pathlib import Path

from support.farside import Subject


def subjects() -> dict[str, Subject]:
    """Return the subjects of the contract suite by their network's key."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("fake_*.py"))
    found = [importlib.import_module(f"support.{name}").SUBJECT for name in names]
    return {subject.network.key: subject for subject in found}
