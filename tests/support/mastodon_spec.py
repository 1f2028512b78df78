"""Mastodon's API as its OpenAPI description has it: a judge of requests and of answers.

Stricter than Mastodon, which ignores what it does not know: an unknown parameter or property of a request is
a mistake here. A keyword that this file does not understand raises, so nothing is passed over in silence.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx

from support.forms import read_form
from support.specs import is_kind, spec


_FORMATS = {
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "date": r"\d{4}-\d\d-\d\d",
    "uri": r"[a-z]+:[^\s]+",
    "email": r"\S+@\S+",
    "iso-639-1": r"[a-z]{2,3}(-[A-Z]{2})?",
    "scopes": r"[a-z_:]+( [a-z_:]+)*",
    "binary": r"(?s).*",
}
_SILENT = frozenset({"description", "default", "deprecated", "example", "externalDocs", "title"})
_KNOWN = _SILENT | {
    "$ref", "allOf", "enum", "format", "items", "oneOf", "properties", "required", "type"
}  # fmt: skip


class Api:
    """The paths and schemas of one OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self._paths = {
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))): operations
            for path, operations in document["paths"].items()
        }

    def scopes(self, method: str, path: str) -> list[str]:
        """Return the scopes of which a call needs one; empty where it needs none."""
        needs = (self._operation(method, path) or {}).get("security") or []
        return [scope for each in needs for scope in each.get("OAuth2", [])]

    def request_faults(self, request: httpx.Request, body: bytes) -> list[str]:
        """Return what is wrong with a request."""
        operation = self._operation(request.method, request.url.path)
        if operation is None:
            return [f"nothing takes {request.method} {request.url.path}"]
        return [
            *self._query_faults(operation, request.url.params),
            *self._body_faults(operation, request, body),
        ]

    def answer_faults(self, method: str, path: str, status: int, said: Any) -> list[str]:
        """Return what is wrong with an answer; what has no description here must be empty."""
        operation = self._operation(method, path)
        answer = (operation or {}).get("responses", {}).get(str(status))
        if answer is None:
            return [f"{method} {path} never answers {status}"]
        if "content" not in answer:
            return []
        return list(self._faults(answer["content"]["application/json"]["schema"], said, "$", strict=False))

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        # `/statuses/{id}` would take `/statuses/context`, so the path without a parameter goes first.
        for pattern, operations in sorted(self._paths.items(), key=lambda each: "[^/]+" in each[0].pattern):
            if pattern.fullmatch(path) and method.lower() in operations:
                found: Mapping[str, Any] = operations[method.lower()]
                return found
        return None

    def _query_faults(self, operation: Mapping[str, Any], query: httpx.QueryParams) -> Iterator[str]:
        known = {
            each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"
        }
        for name, value in query.items():
            if name not in known:
                yield f"there is no parameter {name}"
            else:
                yield from self._faults(known[name], _typed(known[name], value), name)

    def _body_faults(
        self, operation: Mapping[str, Any], request: httpx.Request, body: bytes
    ) -> Iterator[str]:
        described = operation.get("requestBody")
        if not described:
            if body:
                yield "it takes no body"
            return
        mime = request.headers.get("content-type", "").partition(";")[0]
        if mime not in described["content"]:
            yield f"the body is {mime or 'missing'}, not {' or '.join(described['content'])}"
            return
        value = json.loads(body) if mime == "application/json" else _texts(request)
        yield from self._faults(described["content"][mime]["schema"], value, "$")

    def _faults(
        self, schema: Mapping[str, Any], value: Any, place: str, *, strict: bool = True
    ) -> Iterator[str]:
        if unknown := schema.keys() - _KNOWN:
            raise NotImplementedError(f"{place}: this checker does not know {sorted(unknown)}")
        if "$ref" in schema:
            named = self._schemas[schema["$ref"].rpartition("/")[2]]
            yield from self._faults(named, value, place, strict=strict)
            return
        if "oneOf" in schema:
            tries = [list(self._faults(each, value, place, strict=strict)) for each in schema["oneOf"]]
            if all(tries):
                yield f"{place} is none of {len(tries)} forms: {'; '.join(tries[0])}"
            return
        if "allOf" in schema:
            schema = self._joined(schema)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(is_kind(kind, value) for kind in kinds):
            yield f"{place} is not of type {' or '.join(kinds)}: {value!r}"
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._faults(schema["items"], item, f"{place}[{index}]", strict=strict)
        elif isinstance(value, dict):
            yield from self._object_faults(schema, value, place, strict=strict)
        else:
            # What is not there is an empty text in many an answer.
            yield from _value_faults(schema, value, place) if strict or value != "" else ()

    def _joined(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object that has the properties of all its parts."""
        joined: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            named = self._schemas[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            joined["properties"] |= named["properties"]
            joined["required"] += named.get("required", [])
        return joined

    def _object_faults(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], place: str, *, strict: bool
    ) -> Iterator[str]:
        known = schema.get("properties", {})
        yield from (f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name in known:
                yield from self._faults(known[name], item, f"{place}.{name}", strict=strict)
            elif strict:
                yield f"{place} has no {name}"


@functools.cache
def api() -> Api:
    """Return Mastodon's API; without the file the test is skipped, on CI it fails."""
    file = spec("mastodon/mastodon-openapi.schema.json", "the description of Mastodon's API is")
    document = json.loads(file.read_text())
    _mend(document)
    return Api(document)


def _mend(document: Mapping[str, Any]) -> None:
    """Describe `media_attributes` as JSON has them: by the description each holds id, description and focus,
    but it names them as forms do, and calls each a string."""
    for described in document["paths"]["/api/v1/statuses/{id}"]["put"]["requestBody"]["content"].values():
        words = {name: {"type": "string"} for name in ("id", "description", "focus")}
        each = {"type": "object", "properties": words, "required": ["id"]}
        properties = described["schema"]["properties"]
        del properties["media_attributes[]"]
        properties["media_attributes"] = {"type": "array", "items": each}


def _texts(request: httpx.Request) -> dict[str, str]:
    form = read_form(request)
    return form.fields | {name: file.data.decode("utf-8", "replace") for name, file in form.files.items()}


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """Return what a parameter in an address means, text where it means nothing of its type."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _value_faults(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {schema['enum']}: {value!r}"
    form = schema.get("format")
    if form and value is not None:
        if not re.fullmatch(_FORMATS[form], value):
            yield f"{place} is no {form}: {value!r}"
        elif form == "date-time":
            datetime.fromisoformat(value)
