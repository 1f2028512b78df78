"""In a body a number is no truth value and a text is no number, at every place that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from support.api import _SAMPLES, Asked, application
from support.world import build_world


Document = dict[str, Any]

_JSON = "application/json"
#: What is none of a kind, although it could be taken for one.
_WRONG: dict[str, list[object]] = {
    "boolean": [0, 1, "true"],
    "integer": [False, True, "1"],
    "number": [False, True, "1"],
}


def contract() -> Document:
    return cast("Document", application().state.contract)


def _shapes(schema: Document) -> Iterator[Document]:
    """Return the schema that a reference means, and those of which one is enough."""
    if "$ref" in schema:
        schema = contract()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    several = schema.get("anyOf") or schema.get("oneOf")
    for each in several or ():
        yield from _shapes(each)
    if not several:
        yield schema


def _places(schema: Document, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Return where a body takes a number or a truth value, and of which kinds; `*` is a place in a list."""
    shapes = list(_shapes(schema))
    kinds = {str(shape.get("type")) for shape in shapes}
    if kinds & set(_WRONG):
        yield path, kinds
    for shape in shapes:
        for name, each in shape.get("properties", {}).items():
            yield from _places(each, (*path, name))
        if "items" in shape:
            yield from _places(shape["items"], (*path, "*"))


def _cases() -> Iterator[Any]:
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get(_JSON)
            if body:
                label = f"{method.upper()} {path}"
                yield pytest.param(label, list(_places(body["schema"])), id=label)


def _at(path: tuple[str, ...], value: object) -> object:
    for name in reversed(path):
        value = [value] if name == "*" else {name: value}
    return value


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
                answer = api.ask(method, path, json=_at(place, value))
                pointer = "/" + "/".join("0" if name == "*" else name for name in place)
                told = [problem["pointer"] or "" for problem in answer.json().get("problems", [])]
                assert answer.status_code == 422, f"{pointer} took {value!r}"
                assert any(each.startswith(pointer) for each in told), f"{pointer} {value!r}: {answer.text}"
