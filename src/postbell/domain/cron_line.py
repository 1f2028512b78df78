"""Cron lines, as a person writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cronsim import CronSim, CronSimError

from postbell.domain.day_words import shown


_FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
_SOME_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - a cron line is about wall clocks


def read_cron(value: Any) -> str:
    """Return a line of five fields with single blanks; raises ValueError with all that is wrong with it.

    It may also hold what `cronsim` understands: names, steps, `L` for the last day, `5#2` for the second
    Friday.
    """
    fields = str(value).split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(_FIELDS)
        raise ValueError(
            f"{shown(value)} has {len(fields)} fields. A cron line has five: {names}; no seconds."
        )
    faults = []
    for row, name in enumerate(_FIELDS):
        alone = ["*"] * row + [fields[row]] + ["*"] * (4 - row)
        if not _is_cron(alone):
            faults.append(f'the {name} "{fields[row][:80]}" makes no sense.')
    if faults:
        raise ValueError(*faults)
    if not _is_cron(fields):
        raise ValueError(f'it never comes: there is no day "{fields[2]}" in the month "{fields[3]}".')
    return " ".join(fields)


def _is_cron(fields: Sequence[str]) -> bool:
    try:
        return next(CronSim(" ".join(fields), _SOME_DAY), None) is not None
    except (CronSimError, ValueError):
        return False
