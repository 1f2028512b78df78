"""What bodies the API takes, as its description says, and where in them something can stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, cast

from support.api import application


Document = dict[str, Any]


def contract() -> Document:
    """Return the description of the API."""
    return cast("Document", application().state.contract)


def shapes_of(schema: Document) -> Iterator[Document]:
    """Return the schema that a reference means, and those of which one is enough."""
    if "$ref" in schema:
        schema = contract()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    several = schema.get("anyOf") or schema.get("oneOf")
    for each in several or ():
        yield from shapes_of(each)
    if not several:
        yield schema


def places_in(
    schema: Document, wanted: Collection[str], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield where a body takes one of these kinds, and which it takes there; `*` is a place in a list."""
    shapes = list(shapes_of(schema))
    kinds = {str(shape.get("type")) for shape in shapes}
    if kinds & set(wanted):
        yield path, kinds
    for shape in shapes:
        for name, each in shape.get("properties", {}).items():
            yield from places_in(each, wanted, (*path, name))
        if "items" in shape:
            yield from places_in(shape["items"], wanted, (*path, "*"))


def body_with(path: tuple[str, ...], value: object) -> object:
    """Return a body that holds a value at a place, and nothing else."""
    for name in reversed(path):
        value = [value] if name == "*" else {name: value}
    return value
