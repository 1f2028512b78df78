"""The methods of Telegram's Bot API, as its machine-readable description lists them.

Stricter than the server, which ignores what it does not know: an unknown parameter is a mistake here. The
lengths that the description only tells in words are read from those words.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from support.specs import spec


#: What the words of a description say of a length: "1-4096 characters".
_LENGTH = re.compile(r"(\d+)-(\d+) characters")
_LIST = re.compile(r"(?:must include|list of) (\d+)-(\d+) ")
_ARRAY = "Array of "
_CONSTANT = re.compile(r"(?:must be|always) [“\"]?(\w+)[”\"]?$")


class Excess(str):
    """A fault that is only this: there is more, or it is longer, than the description allows."""

    __slots__ = ()


class Upload:
    """Stands in a parameter's place for a file that came with the request."""


_PLAIN: Mapping[str, tuple[type, ...]] = {
    "Integer": (int,),
    "Float": (int, float),
    "String": (str,),
    "Boolean": (bool,),
    "InputFile": (Upload,),
}


class Methods:
    """The methods of one version of the Bot API."""

    def __init__(self, api: Mapping[str, Any]) -> None:
        self._methods, self._types = api["methods"], api["types"]

    def read_form(self, method: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return what the text of a form means: everything that is no text is JSON there."""
        kinds = {field["name"]: field["types"] for field in self._methods[method].get("fields", [])}
        return {name: _meant(kinds.get(name, ["String"]), value) for name, value in fields.items()}

    def faults(self, method: str, values: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the parameters of a call."""
        if method not in self._methods:
            return [f"there is no method {method}"]
        return list(self._object(self._methods[method], values, method))

    def _object(self, described: Mapping[str, Any], values: Mapping[str, Any], place: str) -> Iterator[str]:
        fields = {field["name"]: field for field in described.get("fields", [])}
        yield from (f"{place} does not know {name}" for name in values if name not in fields)
        for name, field in fields.items():
            if name in values:
                yield from self._field(field, values[name], f"{place}.{name}", marked="parse_mode" in values)
            elif field["required"]:
                yield f"{place} needs {name}"

    def _field(self, field: Mapping[str, Any], value: Any, place: str, *, marked: bool) -> Iterator[str]:
        said, name = field["description"], field["name"]
        yield from self._faults(field["types"], value, place)
        # Of a text with markup what is left of it counts, and that is the server's to say.
        text = isinstance(value, str) and not (marked and name in ("text", "caption"))
        length = _LENGTH.search(said) if text else _LIST.search(said) if isinstance(value, list) else None
        if length and not int(length[1]) <= len(value) <= int(length[2]):
            fault = f"{place} has the length {len(value)}: {said}"
            yield Excess(fault) if len(value) > int(length[2]) else fault
        constant = _CONSTANT.search(said)
        if name == "type" and constant and value != constant[1]:
            yield f"{place} is {value!r}, not {constant[1]!r}"

    def _faults(self, kinds: Sequence[str], value: Any, place: str) -> list[str]:
        """Return what is wrong with a value that may be of any of some types: the least of it."""
        inner = [kind.removeprefix(_ARRAY) for kind in kinds if kind.startswith(_ARRAY)]
        if isinstance(value, list) and inner:  # where several kinds of lists are named, they may be mixed
            pairs = [(item, f"{place}[{index}]") for index, item in enumerate(value)]
            return [fault for item, where in pairs for fault in self._faults(inner, item, where)]
        return min((self._type_faults(kind, value, place) for kind in kinds), key=len)

    def _type_faults(self, kind: str, value: Any, place: str) -> list[str]:
        if kind in self._types and kind != "InputFile" and isinstance(value, dict):
            described = self._types[kind]
            below = described.get("subtypes")
            return self._faults(below, value, place) if below else list(self._object(described, value, place))
        python = _PLAIN.get(kind, ())
        fits = isinstance(value, python) and (bool in python or not isinstance(value, bool))
        return [] if fits else [f"{place} is no {kind}: {value!r}"]


@functools.cache
def methods() -> Methods:
    """Return the methods of Bot API 10.1; without the file the test is skipped, on CI it fails."""
    return Methods(json.loads(spec("telegram/api.json", "the description of the Bot API is").read_text()))


def _meant(kinds: list[str], text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # "true" is a text where a text is asked for, and so is "123".
    return text if "String" in kinds and not ("Integer" in kinds and isinstance(value, int)) else value
