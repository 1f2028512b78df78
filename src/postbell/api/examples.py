"""Examples of what is asked for and answered, made of the schemas: nobody writes one beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


Schema = Mapping[str, Any]

_INSTANT = "2026-11-27T17:00:00Z"
#: What members hold, by their names, where their schemas have no example of their own and this is allowed.
_HELD: Schema = {
    "id": "k7f2m9qx",
    "post": "k7f2m9qx",
    "name": "sky",
    "account": "sky",
    "to": ["sky"],
    "network": "mastodon",
    "server": "https://social.example",
    "handle": "@ann@social.example",
    "url": "https://social.example/@ann/1",
    "text": "Hello, world",
    "state": "scheduled",
    "at": _INSTANT,
    "due_at": _INSTANT,
    "created_at": _INSTANT,
    "expires_at": _INSTANT,
    "local": "2026-11-27T18:00:00",
    "slot": "2026-11-27T18:00",
    "zone": "Europe/Berlin",
    "timezone": "Europe/Berlin",
    "labels": ["news"],
    "sha256": "9f86d081" * 8,
    "mime": "image/jpeg",
    "size": 48_213,
    "width": 1200,
    "height": 800,
    "alt": "A cat",
    "part": 1,
    "version": 1,
    "method": "POST",
    "scope": "account",
    "verified": True,
    "ready": True,
    "sound": True,
    "valid": True,
    "taken": True,
    "told": True,
    # What is well needs no words.
    **{name: [] for name in ("problems", "warnings", "notes", "moved", "troubles")},
}
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
_PLAIN: Schema = {"boolean": False, "integer": 0, "number": 0, "string": "…", "array": [], "null": None}


def exemplify(document: dict[str, Any]) -> None:
    """Put an example to every body that is asked for, and to all JSON that is answered where nothing failed.

    The examples of the same schema are one and the same object.
    """
    making = _Making(document["components"]["schemas"])
    for methods in document["paths"].values():
        for operation in methods.values():
            for kind in operation.get("requestBody", {}).get("content", {}).values():
                kind["example"] = making.of(kind["schema"])
            for status, response in operation["responses"].items():
                told = response.get("content", {}).get("application/json")
                if told and status.startswith("2"):
                    told["example"] = making.of(told["schema"])


class _Making:
    """Makes examples of schemas."""

    def __init__(self, schemas: Schema) -> None:
        """Take the schemas that have names."""
        self._schemas = schemas
        self._made: dict[str, Any] = {}

    def of(self, schema: Schema, name: str = "") -> Any:
        """Return an example of a schema, for the member with this name if it is one."""
        if "examples" in schema:
            return schema["examples"][0]
        if name in _HELD and self._takes(schema, _HELD[name]):
            return _HELD[name]
        if "$ref" in schema:
            return self._of_named(schema["$ref"].rpartition("/")[2])
        return self._plain(schema, name)

    def _plain(self, schema: Schema, name: str) -> Any:
        if several := schema.get("anyOf"):
            # A member that may be null is; a body is better shown.
            is_null = name and {"type": "null"} in several
            return None if is_null else self.of(several[0], name)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "null")
        if kind == "array" and "$ref" in schema["items"]:
            return [self.of(schema["items"])]
        return self._object(schema) if kind == "object" else _PLAIN[kind]

    def _of_named(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self.of(self._schemas[name])
        return self._made[name]

    def _object(self, schema: Schema) -> dict[str, Any]:
        """Return all that is answered; of what is asked for, what must be said and what has an example."""
        is_asked = schema.get("additionalProperties") is False
        needed = schema.get("required", ())
        return {
            name: self.of(each, name)
            for name, each in schema.get("properties", {}).items()
            if not is_asked or name in needed or "examples" in each
        }

    def _takes(self, schema: Schema, value: Any) -> bool:
        if "$ref" in schema:
            return self._takes(self._schemas[schema["$ref"].rpartition("/")[2]], value)
        if several := schema.get("anyOf"):
            return any(self._takes(each, value) for each in several)
        if "enum" in schema:
            return value in schema["enum"]
        if isinstance(value, list) and "items" in schema:
            return all(self._takes(schema["items"], each) for each in value)
        return schema.get("type") == _KINDS[type(value)]
