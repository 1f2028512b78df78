"""The lexicons of the AT Protocol, read from their own files, as a judge of records, inputs and answers.

Stricter than a server must be (atproto.com/specs/lexicon): a property that no lexicon knows, and a member of
a union that the lexicon does not list, are allowed there and are mistakes here.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import regex

from support.specs import spec


_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HANDLE = rf"({_LABEL}\.)+[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?"
_DID = r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]"
_NSID = rf"[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?(\.{_LABEL})+\.[a-zA-Z][a-zA-Z0-9]{{0,62}}"
_RECORD_KEY = r"(?!\.\.?$)[a-zA-Z0-9_~.:-]{1,512}"
_DATETIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,20})?(Z|\+\d\d:\d\d|-(?!00:00)\d\d:\d\d)"
_LANGUAGE = (
    r"i-[a-z]+|sgn-[A-Z]{2}-[A-Z]{2}|[xX](-[A-Za-z0-9]{1,8})+|[a-z]{2,3}(-[A-Za-z]{3}){0,3}(-[A-Za-z]{4})?"
    r"(-([A-Za-z]{2}|\d{3}))?(-([A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*"
    r"(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[xX](-[A-Za-z0-9]{1,8})+)?"
)

#: The longest string of a format, in characters, and its form.
_FORMATS: dict[str, tuple[int, str]] = {
    "handle": (253, _HANDLE),
    "did": (2048, _DID),
    "at-identifier": (2048, rf"({_DID}|{_HANDLE})"),
    "nsid": (317, _NSID),
    "record-key": (512, _RECORD_KEY),
    "tid": (13, r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}"),
    "cid": (256, r"[a-zA-Z0-9+=]{8,256}"),
    "at-uri": (8192, rf"at://({_DID}|{_HANDLE})(/{_NSID}(/{_RECORD_KEY})?)?"),
    "datetime": (64, _DATETIME),
    "uri": (8192, r"[a-z][a-z.-]{0,80}:[!-~][^\s]*"),
    "language": (128, _LANGUAGE),
}


class LexiconError(ValueError):
    """Something is not as its lexicon says; the message names the place."""


class UnknownName(LexiconError):
    """A property has a name that its lexicon does not know."""


class Lexicons:
    """The lexicons in one folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check_record(self, collection: str, record: Any, rkey: str) -> None:
        """Raise LexiconError unless `record` may lie in a collection under a key."""
        main = self._definition(f"{collection}#main")
        if main["key"] == "tid":
            check_format("tid", rkey, "$.rkey")
        if not isinstance(record, dict) or record.get("$type") != collection:
            raise LexiconError(f"$.record.$type is not {collection}")
        self._check(main["record"], record, "$.record", collection)

    def check_input(self, method: str, body: Any) -> None:
        """Raise LexiconError unless a procedure takes this body."""
        self._check(self.main(method)["input"]["schema"], body, "$", method)

    def check_output(self, method: str, body: Any) -> None:
        """Raise LexiconError unless a method answers like this."""
        self._check(self.main(method)["output"]["schema"], body, "$", method)

    def check_params(self, method: str, params: Mapping[str, Any]) -> None:
        """Raise LexiconError unless a query takes these parameters."""
        self._check(self.main(method)["parameters"] | {"type": "object"}, dict(params), "$", method)

    def main(self, method: str) -> dict[str, Any]:
        """Return the main definition of a lexicon."""
        return self._definition(f"{method}#main")

    @functools.cache  # noqa: B019 - one object for the whole run
    def _definition(self, ref: str) -> dict[str, Any]:
        name, _, part = ref.partition("#")
        file = self._folder / (name.replace(".", "/") + ".json")
        if not file.exists():
            raise LexiconError(f"there is no lexicon {name}")
        definition: dict[str, Any] = json.loads(file.read_text())["defs"][part or "main"]
        return definition

    def _check(self, schema: Mapping[str, Any], value: Any, at: str, home: str) -> None:
        """Hold a value against a schema; `home` is the lexicon that `#name` refers to."""
        checks: dict[str, Callable[[Mapping[str, Any], Any, str, str], None]] = {
            "object": self._object,
            "array": self._array,
            "union": self._union,
            "ref": self._ref,
            "string": _string,
            "integer": _integer,
            "boolean": _boolean,
            "blob": _blob,
            "unknown": _unknown,
        }
        checks[schema["type"]](schema, value, at, home)

    def _object(self, schema: Mapping[str, Any], value: Any, at: str, home: str) -> None:
        if not isinstance(value, dict):
            raise LexiconError(f"{at} is not an object")
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                raise LexiconError(f"{at}.{name} is missing")
        for name, part in value.items():
            if name == "$type":
                continue
            if name not in properties:
                raise UnknownName(f"{at}.{name} is not known")
            if part is not None or name not in schema.get("nullable", ()):
                self._check(properties[name], part, f"{at}.{name}", home)

    def _array(self, schema: Mapping[str, Any], value: Any, at: str, home: str) -> None:
        if not isinstance(value, list):
            raise LexiconError(f"{at} is not an array")
        _bounds(schema, "Length", len(value), at)
        for index, item in enumerate(value):
            self._check(schema["items"], item, f"{at}[{index}]", home)

    def _union(self, schema: Mapping[str, Any], value: Any, at: str, home: str) -> None:
        refs = [_absolute(ref, home) for ref in schema["refs"]]
        name = value.get("$type") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in refs:
            raise LexiconError(f"{at}.$type is {name!r}, none of {', '.join(refs)}")
        self._ref({"ref": name}, value, at, home)

    def _ref(self, schema: Mapping[str, Any], value: Any, at: str, home: str) -> None:
        ref = _absolute(schema["ref"], home)
        self._check(self._definition(ref), value, at, ref.partition("#")[0])


def check_format(name: str, value: str, at: str = "$") -> None:
    """Raise LexiconError unless a string has a format of atproto.com/specs/lexicon."""
    longest, form = _FORMATS[name]
    if len(value) > longest or not re.fullmatch(form, value, re.ASCII):
        raise LexiconError(f"{at} is not a {name}: {value[:80]!r}")
    if name == "datetime":
        try:
            datetime.fromisoformat(re.sub(r"\.\d+", "", value))
        except ValueError:
            raise LexiconError(f"{at} is no instant: {value!r}") from None


def specs() -> Path:
    """Return the folder of the official files; without it the test is skipped, on CI it fails."""
    return spec("bluesky", "the official lexicons are")


@functools.cache
def lexicons() -> Lexicons:
    """Return the official lexicons."""
    return Lexicons(specs() / "lexicons")


def _absolute(ref: str, home: str) -> str:
    return home + ref if ref.startswith("#") else ref


def _bounds(schema: Mapping[str, Any], what: str, size: int, at: str) -> None:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if (least is not None and size < least) or (most is not None and size > most):
        raise LexiconError(f"{at} has {what} {size}, not {least or 0} to {most}")


def _string(schema: Mapping[str, Any], value: Any, at: str, _home: str) -> None:
    if not isinstance(value, str):
        raise LexiconError(f"{at} is not a string")
    _bounds(schema, "Length", len(value.encode()), at)
    _bounds(schema, "Graphemes", len(regex.findall(r"\X", value)), at)
    if "format" in schema:
        check_format(schema["format"], value, at)
    if value not in schema.get("enum", [value]):
        raise LexiconError(f"{at} is {value!r}, none of {schema['enum']}")


def _integer(schema: Mapping[str, Any], value: Any, at: str, _home: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise LexiconError(f"{at} is not an integer")
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        raise LexiconError(f"{at} is {value}, out of range")


def _boolean(_schema: Mapping[str, Any], value: Any, at: str, _home: str) -> None:
    if not isinstance(value, bool):
        raise LexiconError(f"{at} is not a boolean")


def _blob(schema: Mapping[str, Any], value: Any, at: str, _home: str) -> None:
    if not isinstance(value, dict) or value.keys() != {"$type", "ref", "mimeType", "size"}:
        raise LexiconError(f"{at} is not a blob")
    if value["$type"] != "blob" or not isinstance(value["ref"], dict) or list(value["ref"]) != ["$link"]:
        raise LexiconError(f"{at} is not a blob")
    _string({"format": "cid"}, value["ref"]["$link"], f"{at}.ref.$link", "")
    _string({}, value["mimeType"], f"{at}.mimeType", "")
    _integer({"minimum": 0, "maximum": schema.get("maxSize", 2**53)}, value["size"], f"{at}.size", "")
    patterns = [re.escape(one).replace(r"\*", ".+") for one in schema.get("accept", ["*/*"])]
    if not any(re.fullmatch(pattern, value["mimeType"]) for pattern in patterns):
        raise LexiconError(f"{at}.mimeType is {value['mimeType']!r}, none of {schema['accept']}")


def _unknown(_schema: Mapping[str, Any], value: Any, at: str, _home: str) -> None:
    if not isinstance(value, dict):
        raise LexiconError(f"{at} is not an object")
