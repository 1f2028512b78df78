"""What pip makes of the package, by the words of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import postbell


ROOT = Path(__file__).parents[2]
PACKAGE = Path(postbell.__file__).parent


def _wheel(folder: Path) -> Path:
    """Pack the package as hatchling would, as far as pip cares."""
    info = "postbell-1.dist-info"
    path = folder / "postbell-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for source in sorted(PACKAGE.rglob("*.py")):
            wheel.write(source, source.relative_to(PACKAGE.parent))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: postbell\nVersion: 1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_what_the_service_runs_was_compiled_when_it_was_installed(tmp_path: Path) -> None:
    """A service cannot write where it is installed, so it would compile everything at each start."""
    (words,) = re.findall(
        r"/opt/postbell/bin/pip (install .*) \.$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    options = words.replace("constraints.txt", str(ROOT / "constraints.txt")).split()
    alone = ["--no-index", "--no-deps", "--target", str(tmp_path / "installed")]
    command = [sys.executable, "-m", "pip", *options, *alone, str(_wheel(tmp_path))]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, env=env)
    compiled = {path.name.partition(".")[0] for path in (tmp_path / "installed").rglob("*.pyc")}
    assert compiled == {path.stem for path in PACKAGE.rglob("*.py")}
