from __future__ import annotations

import pytest

from postbell.domain.cron_line import read_cron


def faults(line: str) -> tuple[str, ...]:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is compared
        read_cron(line)
    return caught.value.args


def test_a_cron_line_is_kept_with_single_blanks() -> None:
    assert read_cron("  */5 9  L jan mon-fri\n") == "*/5 9 L jan mon-fri"


def test_every_field_that_makes_no_sense_is_named() -> None:
    fields = {"minute": "x", "hour": "25", "day of the month": "0", "month": "13", "weekday": "9" * 5000}
    assert faults(" ".join(fields.values())) == tuple(
        f'the {name} "{value[:80]}" makes no sense.' for name, value in fields.items()
    )


@pytest.mark.parametrize(("line", "number"), [("0 0 9 * * *", 6), ("@daily", 1), ("", 0)])
def test_there_are_five_fields_and_no_seconds(line: str, number: int) -> None:
    names = "minute, hour, day of the month, month, weekday"
    assert faults(line) == (f'"{line}" has {number} fields. A cron line has five: {names}; no seconds.',)


@pytest.mark.parametrize(
    ("line", "day", "month"), [("0 0 31 2 *", "31", "2"), ("0 9 30,31 feb */2", "30,31", "feb")]
)
def test_a_line_that_never_comes_is_refused(line: str, day: str, month: str) -> None:
    assert faults(line) == (f'it never comes: there is no day "{day}" in the month "{month}".',)
