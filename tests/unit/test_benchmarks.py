"""What the README says of speed is what was measured; nothing is measured here."""

from __future__ import annotations

import importlib
import json

import pytest

from benchmarks import report
from benchmarks.measuring import Figure


MEASURED = json.loads(report.MEASURED.read_text("utf-8"))
README = report.README.read_text("utf-8")


def test_the_table_in_the_readme_is_made_from_what_was_measured() -> None:
    mend = "write it anew: `python tests/benchmarks --table`"
    assert report.put_into(README, report.table(MEASURED)) == README, mend


def test_every_row_tells_what_was_measured_and_whether_a_promise_was_kept() -> None:
    rows = report.table(MEASURED).splitlines()[2 : 2 + len(MEASURED["figures"])]
    for figure, row in zip(MEASURED["figures"], rows, strict=True):
        told, value, promised, kept = (cell.strip() for cell in row.strip("|").split("|"))
        assert told == figure["told"]
        assert float(value.rstrip("x%ms/ ")) == pytest.approx(figure["value"], rel=0.01)
        assert bool(promised) == bool(kept) == (figure["gate"] is not None)


def test_a_readme_without_a_place_for_the_table_is_not_touched() -> None:
    with pytest.raises(ValueError, match="no place"):
        report.put_into("# Postbell\n", "| |\n")


@pytest.mark.parametrize(("value", "verdict"), [(1.6, "stretch"), (1.2, "met"), (0.9, "missed")])
def test_a_figure_is_judged_by_its_gates(value: float, verdict: str) -> None:
    assert Figure(name="x", told="x", value=value, gate=1.0, stretch=1.5).verdict == verdict
    assert Figure(name="x", told="x", value=-value, gate=-1.0, stretch=-1.5, less=True).verdict == verdict


def test_what_nothing_was_promised_of_is_only_told() -> None:
    assert Figure(name="x", told="x", value=1.0).verdict == "told"


def test_every_benchmark_of_the_one_command_can_be_run() -> None:
    command = importlib.import_module("benchmarks.__main__")
    for name in command.NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").run)
