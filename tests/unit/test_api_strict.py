"""In a body a number is no truth value and a text is no number, at every place that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.api import _SAMPLES, Asked
from support.api_bodies import body_with, contract, places_in
from support.world import build_world


_JSON = "application/json"
#: What is none of a kind, although it could be taken for one.
_WRONG: dict[str, list[object]] = {
    "boolean": [0, 1, "true"],
    "integer": [False, True, "1"],
    "number": [False, True, "1"],
}


def _cases() -> Iterator[Any]:
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get(_JSON)
            if body:
                label = f"{method.upper()} {path}"
                yield pytest.param(label, list(places_in(body["schema"], _WRONG)), id=label)


def _wrong_for(kinds: set[str]) -> Iterator[object]:
    for kind in kinds & set(_WRONG):
        for value in _WRONG[kind]:
            if not (isinstance(value, str) and "string" in kinds):
                yield value


@pytest.mark.parametrize(("label", "places"), list(_cases()))
def test_what_is_of_another_kind_is_refused(
    tmp_path: Path, label: str, places: list[tuple[tuple[str, ...], set[str]]]
) -> None:
    method, path = label.split(" ")
    for name, sample in _SAMPLES.items():
        path = path.replace(f"{{{name}}}", sample)
    with build_world(tmp_path) as world:
        api = Asked(world)
        for place, kinds in places:
            for value in _wrong_for(kinds):
                answer = api.ask(method, path, json=body_with(place, value))
                pointer = "/" + "/".join("0" if name == "*" else name for name in place)
                told = [problem["pointer"] or "" for problem in answer.json().get("problems", [])]
                assert answer.status_code == 422, f"{pointer} took {value!r}"
                assert any(each.startswith(pointer) for each in told), f"{pointer} {value!r}: {answer.text}"
