"""Whether a request is the one that a network announced."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from postbell.publishing.protocol import Call
from support.forms import is_form, read_form


def shows(call: Call, request: httpx.Request) -> bool:
    """Whether a request is what a call of a preview says; `<…>` stands there for anything."""
    path = unquote(urlsplit(call.url).path)
    return call.method == request.method and _fits(path, request.url.path) and _body_fits(call.body, request)


def _body_fits(pattern: Any, request: httpx.Request) -> bool:
    if request.headers.get("content-type", "").partition(";")[0] == "application/json":
        return _fits(pattern, json.loads(request.content))
    if is_form(request) and isinstance(pattern, dict):
        form = read_form(request)
        return _fits(pattern, {name: _meant(text) for name, text in form.fields.items()} | form.files)
    if _is_plain_form(request) and isinstance(pattern, dict):
        return _fits(pattern, dict(parse_qsl(request.content.decode())))
    return pattern is None or isinstance(pattern, str)


def _is_plain_form(request: httpx.Request) -> bool:
    kind: str = request.headers.get("content-type", "")
    return kind == "application/x-www-form-urlencoded"


def _meant(text: str) -> Any:
    """Return what a field of a form means: JSON, or text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _fits(pattern: Any, value: Any) -> bool:
    """Whether a value is what the preview says; `<…>` stands for anything."""
    if isinstance(pattern, dict) and isinstance(value, dict):
        return pattern.keys() == value.keys() and all(_fits(pattern[key], value[key]) for key in pattern)
    if isinstance(pattern, list | tuple) and isinstance(value, list):
        return len(pattern) == len(value) and all(map(_fits, pattern, value))
    if isinstance(pattern, str) and re.fullmatch("<[^<>]*>", pattern):
        return True
    if isinstance(pattern, str) and isinstance(value, str):
        parts = re.split("<[^<>]*>", pattern)
        return re.fullmatch(".*".join(map(re.escape, parts)), value, re.DOTALL) is not None
    return bool(pattern == value)
