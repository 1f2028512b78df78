"""What was measured, as JSON and as the table in the README."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure


#: What the README shows was measured in this run.
MEASURED = Path(__file__).with_name("measured.json")
README = Path(__file__).parents[2] / "README.md"

_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"
_VERDICTS = {"stretch": "more than promised", "met": "kept", "missed": "**not kept**"}


def line_of(figure: Figure) -> str:
    """Return a figure with its gates in one line."""
    sign = "<=" if figure.less else ">="
    bounds = [f"{sign} {bound:g}" for bound in (figure.gate, figure.stretch) if bound is not None]
    told = f"({'; '.join(bounds) or '-'})  {figure.told}"
    return f"{figure.verdict:8}{figure.value:9.3g} {figure.unit:4} {told}"


def as_json(figures: Sequence[Figure], *, quick: bool, load: Sequence[float]) -> dict[str, Any]:
    """Return everything that was found, with the single runs and the machine."""
    machine = {
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": [round(each, 2) for each in load],
    }
    return {"machine": machine, "quick": quick, "figures": [_figure(each) for each in figures]}


def table(found: Mapping[str, Any]) -> str:
    """Return the figures as a table in Markdown."""
    machine = found["machine"]
    before, after = machine["load"]
    rows = [_row(figure) for figure in found["figures"]]
    where = (
        f"{machine['cpus']} processors, Python {machine['python']}, SQLite {machine['sqlite']}; "
        f"load {before:.1f} before and {after:.1f} after{'; a quick run' if found['quick'] else ''}."
    )
    return "\n".join(["| | measured | promised | |", "|---|---:|---:|---|", *rows, "", where, ""])


def put_into(readme: str, made: str) -> str:
    """Return the README with the table in its place; raises ValueError where it has none."""
    head, begin, rest = readme.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"no place for the table: {_BEGIN.strip()} and {_END.strip()}")
    return f"{head}{begin}\n{made}\n{end}{tail}"


def _row(figure: Mapping[str, Any]) -> str:
    unit = figure["unit"] if figure["unit"] == "x" else f" {figure['unit']}"
    gate = figure["gate"]
    promised = "" if gate is None else f"{'≤' if figure['less'] else '≥'} {gate:g}{unit}"
    cells = (figure["told"], f"{figure['value']:.3g}{unit}", promised, _VERDICTS.get(figure["verdict"], ""))
    return f"| {' | '.join(cells)} |"


def _figure(figure: Figure) -> dict[str, Any]:
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
