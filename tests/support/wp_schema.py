"""The arguments that the routes of WordPress take, as its own REST index describes them.

Stricter than WordPress, which ignores what it does not know: an unknown argument is a mistake here, and so is
a field that only the server may set. A keyword that this file does not understand raises, so nothing is
passed over in silence.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from support.specs import is_kind, spec


#: What every route takes (developer.wordpress.org/rest-api/using-the-rest-api/global-parameters).
_GLOBAL: Mapping[str, Any] = {"_fields": {"type": "array", "items": {"type": "string"}}}
_FORMATS = {
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?",
    "uri": r"https?://[^\s]+",
}
_SILENT = frozenset({"title", "description", "default", "context", "required"})
_KNOWN = _SILENT | {
    "type", "enum", "items", "properties", "readonly", "format", "minimum", "maximum"
}  # fmt: skip


class Routes:
    """The routes of one REST index."""

    def __init__(self, index: Mapping[str, Any]) -> None:
        self._routes = {re.compile(pattern): route for pattern, route in index["routes"].items()}

    def faults(self, method: str, path: str, values: Mapping[str, Any], *, typed: bool) -> list[str]:
        """Return what is wrong with the arguments of a call; `typed` is false for those in an address."""
        args = self._args(method, path)
        if args is None:
            return [f"no route takes {method} {path}"]
        known = {**args, **_GLOBAL}
        missing = [name for name, schema in args.items() if schema.get("required") and name not in values]
        found = [f"{name} is missing" for name in missing]
        for name, value in values.items():
            if name not in known:
                found.append(f"{method} {path} does not know {name}")
                continue
            found += _faults(known[name], value if typed else _read(known[name], value), name)
        return found

    def _args(self, method: str, path: str) -> Mapping[str, Any] | None:
        for pattern, route in self._routes.items():
            if pattern.fullmatch(path):
                for endpoint in route["endpoints"]:
                    if method in endpoint["methods"]:
                        return dict(endpoint["args"])
        return None


@functools.cache
def routes() -> Routes:
    """Return the routes of WordPress 7.1; without the file the test is skipped, on CI it fails."""
    return Routes(
        json.loads(spec("wordpress/wp-7.1-index.json", "the REST index of WordPress is").read_text())
    )


def _read(schema: Mapping[str, Any], text: str) -> Any:
    """Return what an argument in an address means, text where it means nothing of its type."""
    kind = schema.get("type")
    if kind == "array":
        return [_read(schema["items"], part) for part in text.split(",")]
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _faults(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    if unknown := schema.keys() - _KNOWN:
        raise NotImplementedError(f"{place}: this checker does not know {sorted(unknown)}")
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if schema.get("readonly"):
        yield f"{place} is set by the server alone"
    if kinds and not any(is_kind(kind, value) for kind in kinds):
        yield f"{place} is not of type {' or '.join(kinds)}: {value!r}"
        return
    yield from _value_faults(schema, value, place)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(schema["items"], item, f"{place}[{index}]")
    if isinstance(value, dict):
        yield from _object_faults(schema["properties"] or {}, value, place)


def _value_faults(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {schema['enum']}: {value!r}"
    if "format" in schema and value is not None and not re.fullmatch(_FORMATS[schema["format"]], value):
        yield f"{place} is no {schema['format']}: {value!r}"
    if is_kind("number", value) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place} is out of bounds: {value}"


def _object_faults(properties: Mapping[str, Any], value: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, item in value.items():
        if name in properties:
            yield from _faults(properties[name], item, f"{place}.{name}")
        else:
            yield f"{place} has no {name}"
