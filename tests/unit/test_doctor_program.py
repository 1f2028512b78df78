"""What `doctor` says of the program itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from postbell.services.upkeep.check import Level
from postbell.services.upkeep.doctor import _program


def test_a_program_that_is_compiled_at_every_start_is_told_with_the_command_that_compiles_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    package = tmp_path / "postbell"
    (package / "__pycache__").mkdir(parents=True)
    (check,) = _program(package)
    assert (check.level, check.mend) == (Level.WARN, f"Run `{sys.executable} -m compileall -q {tmp_path}`.")
    (package / f"__pycache__/__init__.{sys.implementation.cache_tag}.pyc").touch()
    assert list(_program(package)) == []
