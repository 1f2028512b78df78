from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from postbell.publishing.options import Strict, Words


class _Options(Strict):
    tags: Words = Field(default=[])
    secret: SecretStr = SecretStr("")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("news, old boats ,", ["news", "old boats"]),
        ("", []),
        (["a, b", "c"], ["a, b", "c"]),
    ],
)
def test_words_are_a_list_or_a_text_with_commas(given: Any, expected: list[str]) -> None:
    assert _Options.model_validate({"tags": given}).tags == expected


def test_words_are_no_numbers() -> None:
    with pytest.raises(ValidationError):
        _Options.model_validate({"tags": 7})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        _Options.model_validate({"tag": "x"})


def test_a_refusal_does_not_show_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        _Options.model_validate({"secret": ["hunter2"], "other": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError):
        _Options().tags = ["x"]
