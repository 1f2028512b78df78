"""Measure Postbell beside what one could use instead: `python tests/benchmarks [--quick] [--only NAME] …`.

Each figure is a ratio of medians of runs that took turns, so that a busy machine is as busy for everybody.
The exit code says whether every gate was met.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.measuring import Figure, Options
from benchmarks.sink import Sink


#: In this order; each is a module with a `run`.
NAMES = ("commands", "client", "drain", "backlog", "lateness", "great", "resting")


def main() -> int:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer posts and runs: five minutes, rough figures"
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, help="write everything there, the single runs too")
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    figures: list[Figure] = []
    begun = time.monotonic()
    load = [os.getloadavg()[0]]
    kept = Path(tempfile.gettempdir()) / f"postbell-benchmarks-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        options = Options(quick=given.quick, sink=sink, folder=Path(folder), kept=kept)
        for name in given.only or NAMES:
            for figure in importlib.import_module(f"benchmarks.{name}").run(options):
                figures.append(figure)
                sys.stdout.write(line_of(figure) + "\n")
                sys.stdout.flush()
    load.append(os.getloadavg()[0])
    told = f"load {load[0]:.1f} before, {load[1]:.1f} after; {time.monotonic() - begun:.0f} s"
    sys.stdout.write(f"{told}\n")
    if given.json:
        found = {
            "machine": _machine(load),
            "quick": given.quick,
            "figures": [_json(each) for each in figures],
        }
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(figure.verdict == "missed" for figure in figures))


def line_of(figure: Figure) -> str:
    """Return a figure with its gates in one line."""
    sign = "<=" if figure.less else ">="
    bounds = [f"{sign} {bound:g}" for bound in (figure.gate, figure.stretch) if bound is not None]
    return (
        f"{figure.verdict:8}{figure.value:9.3g} {figure.unit:4} ({'; '.join(bounds) or '-'})  {figure.told}"
    )


def _json(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "told": figure.told,
        "value": round(figure.value, 4),
        "unit": figure.unit,
        "gate": figure.gate,
        "stretch": figure.stretch,
        "less": figure.less,
        "verdict": figure.verdict,
        "runs": {name: [round(value, 4) for value in values] for name, values in figure.runs.items()},
    }


def _machine(load: list[float]) -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": load,
    }


if __name__ == "__main__":
    sys.exit(main())
