"""An editor that does what a test wants."""

from __future__ import annotations

from pathlib import Path

import pytest


class Editor:
    """A shell script in the place of an editor: `$1` is the file."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._script = folder / "editor"
        self.seen = folder / "seen"
        monkeypatch.setenv("EDITOR", f"sh {self._script}")

    def __call__(self, script: str) -> None:
        self._script.write_text(f'cp "$1" {self.seen}\n{script}\n')

    def writes(self, text: str) -> None:
        self(f"cat > \"$1\" <<'END'\n{text}\nEND")
