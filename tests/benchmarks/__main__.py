"""Measure Postbell beside what one could use instead: `python tests/benchmarks [--quick] [--only NAME] …`.

Most figures are ratios of medians of runs that took turns, so that a busy machine is as busy for everybody.
The exit code says whether every gate was met.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import report
from benchmarks.measuring import Figure, Options
from benchmarks.sink import Sink


#: In this order; each is a module with a `run`.
NAMES = ("commands", "client", "drain", "backlog", "lateness", "great", "api", "resting", "pictures")


def main() -> int:
    """Measure what is asked for, and tell it."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer posts and runs; rough figures")
    parser.add_argument("--only", action="append", choices=NAMES, help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, help="write everything there, the single runs too")
    parser.add_argument(
        "--table", action="store_true", help=f"write the README's table from {report.MEASURED.name}, no more"
    )
    given = parser.parse_args()
    if given.table:
        made = report.table(json.loads(report.MEASURED.read_text("utf-8")))
        report.README.write_text(report.put_into(report.README.read_text("utf-8"), made), "utf-8")
        return 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    begun, load = time.monotonic(), [os.getloadavg()[0]]
    figures = []
    for figure in _measure(given.only or NAMES, quick=given.quick):
        figures.append(figure)
        sys.stdout.write(report.line_of(figure) + "\n")
        sys.stdout.flush()
    load.append(os.getloadavg()[0])
    span = time.monotonic() - begun
    sys.stdout.write(f"load {load[0]:.1f} before, {load[1]:.1f} after; {span:.0f} s\n")
    if given.json:
        found = report.as_json(figures, quick=given.quick, load=load)
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(any(figure.verdict == "missed" for figure in figures))


def _measure(names: Sequence[str], *, quick: bool) -> Iterator[Figure]:
    kept = Path(tempfile.gettempdir()) / f"postbell-benchmarks-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        options = Options(quick=quick, sink=sink, folder=Path(folder), kept=kept)
        for name in names:
            yield from importlib.import_module(f"benchmarks.{name}").run(options)


if __name__ == "__main__":
    sys.exit(main())
