"""The Threads API as Meta's own collection of requests has it: a judge of requests and of answers.

A request must be one of those in the collection: its path, all values that are not optional there, no other
values, and each value of the kind that is shown. Stricter than Threads, which ignores what it does not know.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from support.specs import spec


#: Examples give these, but their descriptions do not ask for them.
_OPTIONAL = frozenset({"text", "alt_text", "auto_publish_text", "limit", "fields", "reverse"})
#: Every call has it, by the collection's rules of authorization, and every form may quote.
_EVERYWHERE = frozenset({"access_token"})
_FORMS = "POST me/threads"


@dataclass(frozen=True, kw_only=True)
class Described:
    """One request of the collection."""

    method: str
    #: Matches the path without its version.
    path: re.Pattern[str]
    #: Example values by name.
    values: Mapping[str, str]
    required: frozenset[str]
    #: The first answer that is shown; None if there is none.
    answer: Any


class Collection:
    """All requests, and the words that they refer to."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._words = {each["key"]: each["value"] for each in document["variable"]}
        self._requests = [_described(each) for each in _items(document)]

    def request_faults(self, request: httpx.Request, body: bytes) -> list[str]:
        """Return what is wrong with a request."""
        path, values = path_of(request), values_of(request, body)
        known = list(self._of(request.method, path))
        if not known:
            return [f"nothing takes {request.method} {path}"]
        same = [each for each in known if each.values.get("media_type") == values.get("media_type")]
        tries = [list(self._faults(each, f"{request.method} {path}", values)) for each in same or known]
        return min(tries, key=len)

    def answer_faults(self, request: httpx.Request, body: bytes, said: Any) -> list[str]:
        """Return what an answer says that no answer in the collection does, and nobody asked for."""
        path, asked = path_of(request), values_of(request, body).get("fields", "")
        known = set(re.findall(r"\w+", asked))
        shown = [each.answer for each in self._of(request.method, path) if each.answer is not None]
        known |= {name for each in shown for name in _names(each)}
        return [f"no answer has {name}" for name in _names(said) if name not in known] if shown else []

    def _of(self, method: str, path: str) -> Iterator[Described]:
        return (each for each in self._requests if each.method == method and each.path.fullmatch(path))

    def _faults(self, each: Described, what: str, values: Mapping[str, str]) -> Iterator[str]:
        more = {"quote_post_id"} if what == _FORMS else set()
        yield from (f"{name} is missing" for name in sorted(each.required - values.keys()))
        for name, value in values.items():
            if not value:
                yield f"{name} is empty"
            elif name in each.values:
                yield from self._value_faults(name, value, each.values[name])
            elif name not in _EVERYWHERE | more:
                yield f"there is no {name}"

    def _value_faults(self, name: str, value: str, example: str) -> Iterator[str]:
        if name in ("media_type", "grant_type", "is_carousel_item"):
            if value != example:
                yield f"{name} is {value}, not {example}"
        elif name in ("fields", "metric"):
            listed = self._words[example.strip("{}")]
            if unknown := set(re.findall(r"\w+", value)) - set(re.findall(r"\w+", listed)):
                yield f"{name} has no {', '.join(sorted(unknown))}"
        elif name in self._words and "," in self._words[name]:
            if value not in self._words[name].split(","):
                yield f"{name} is none of {self._words[name]}: {value}"
        elif example in ("true", "false"):
            if value not in ("true", "false"):
                yield f"{name} is neither true nor false: {value}"
        elif example[:1] in ("{", "[") and example[:2] != "{{":
            yield from _json_faults(name, value, example)


@functools.cache
def collection() -> Collection:
    """Return Threads' requests; without the file the test is skipped, on CI it fails."""
    file = spec("threads/threads-api.postman_collection.json", "the collection of Threads' requests is")
    return Collection(json.loads(file.read_text()))


def path_of(request: httpx.Request) -> str:
    """Return the path of a request without its version."""
    return re.sub(r"^v\d+\.\d+/", "", request.url.path.strip("/"))


def values_of(request: httpx.Request, body: bytes) -> dict[str, str]:
    """Return what a request says, in its address or as a form; a value that is said twice raises."""
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    if body:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        pairs += parse_qsl(body.decode(), keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"something is said twice: {pairs}"
    return dict(pairs)


def _items(folder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in folder["item"]:
        if "item" in each:
            yield from _items(each)
        else:
            yield each


def _described(item: Mapping[str, Any]) -> Described:
    asked = item["request"]
    path = urlsplit(asked["url"]["raw"]).path.removeprefix("{{api_host}}").strip("/")
    query = asked["url"].get("query") or []
    answers = item.get("response") or []
    return Described(
        method=asked["method"],
        path=re.compile(re.sub(r"\\{\\{\w+\\}\\}", r"\\d+", re.escape(path))),
        values={each["key"]: each.get("value") or "" for each in query},
        required=frozenset(each["key"] for each in query if not each.get("disabled")) - _OPTIONAL,
        answer=_read(answers[0].get("body")) if answers else None,
    )


def _read(text: str | None) -> Any:
    """Return an answer that is shown; some show `<string>` without quotes."""
    try:
        return json.loads(re.sub(r": <(\w+)>", r': "\1"', text or "null"))
    except ValueError:
        return None


def _names(said: Any) -> Iterator[str]:
    if isinstance(said, dict):
        for name, value in said.items():
            yield name
            yield from _names(value)
    elif isinstance(said, list):
        for each in said:
            yield from _names(each)


def _json_faults(name: str, value: str, example: str) -> Iterator[str]:
    try:
        said = json.loads(value)
    except ValueError:
        yield f"{name} is no JSON: {value}"
        return
    if not isinstance(said, list if example[0] == "[" else dict) or not said:
        yield f"{name} is of another kind, or empty: {value}"
    known = set(re.findall(r"[\"'](\w+)[\"']\s*:", example))
    yield from (f"{name} has no {each}" for each in _names(said) if each not in known)
    if name == "text_entities":
        yield from (f"{name} lacks something: {each}" for each in said if set(each) != known)
