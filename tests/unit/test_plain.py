"""Characters that no text can have, and labels and ids of callers: one line of plain text."""

from __future__ import annotations

import pytest

from postbell.domain.plain import (
    LONGEST_ID,
    LONGEST_LABEL,
    fault_of,
    id_problems,
    label_fault,
    label_problems,
)


@pytest.mark.parametrize("text", ["", "hello", "a\nb\tc", "\U0001f469\u200d\U0001f4bb", "\x7f\x1b"])
def test_everything_else_can_be_kept(text: str) -> None:
    assert fault_of(text) is None


def test_what_cannot_be_kept_is_named_with_its_place() -> None:
    assert fault_of("a\0") == "character 2 is a NUL; take it out."
    assert (
        fault_of("\udfff") == "character 1 is half of a surrogate pair, which is no character; take it out."
    )


@pytest.mark.parametrize("label", ["news", "two words", "\U0001f469\u200d\U0001f4bb", "x" * LONGEST_LABEL])
def test_a_label_is_a_line(label: str) -> None:
    assert label_fault(label) is None


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("a\0b", "control character"),
        ("a\nb", "line break"),
        ("a\u2028b", "line break"),
        ("\ud800", "control character"),
        ("x" * (LONGEST_LABEL + 1), "at most 100"),
    ],
)
def test_what_is_no_label_is_told(label: str, said: str) -> None:
    (problem,) = label_problems(["good", label])
    assert problem.where == "label 2"
    assert said in problem.message


@pytest.mark.parametrize("given", [None, "cms-4711", "urn:a:1 of 2", "\U0001f469", "x" * LONGEST_ID])
def test_an_id_is_a_line_or_there_is_none(given: str | None) -> None:
    assert id_problems(given) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "it is empty; give an id, or leave it out."),
        (" ", "it is empty; give an id, or leave it out."),
        *(
            (wrong, "it has a control character or a line break; an id is one line of plain text.")
            for wrong in ("a\0b", "a\nb", "a\u2028b", "\x1b", "\ud800")
        ),
        ("x" * (LONGEST_ID + 1), "it has 256 characters; an id has at most 255."),
    ],
)
def test_what_is_no_id_is_told(given: str, said: str) -> None:
    (problem,) = id_problems(given)
    assert (problem.where, problem.message) == ("--external-id", said)
