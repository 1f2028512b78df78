"""The document says of everything what it is, and shows it; and of answers what comes with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from postbell.api.headers import HEADERS
from postbell.domain.access import Scope
from support.api import Asked, configured, served_paths
from support.api_bodies import Document, contract
from support.pictures import png
from support.world import add_account, build_world


def operations() -> Iterator[tuple[str, Document]]:
    """Return every operation with its method and path."""
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def members(schema: Any, where: str) -> Iterator[tuple[str, Document]]:
    """Return every member of the objects that a schema describes, however deep."""
    if isinstance(schema, list):
        for each in schema:
            yield from members(each, where)
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield f"{where}.{name}", each
            yield from members(each, f"{where}.{name}")
        for name in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            yield from members(schema.get(name), where)


def bodies() -> Iterator[tuple[str, Document]]:
    """Return every body that is asked for, and the JSON of every answer where nothing failed."""
    for name, operation in operations():
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} takes {kind}", body
        for status, answer in operation["responses"].items():
            if status.startswith("2") and "application/json" in answer.get("content", {}):
                yield f"{name} answers {status}", answer["content"]["application/json"]


def test_every_member_parameter_answer_and_header_is_described() -> None:
    found = [*members([*contract()["components"]["schemas"].values()], "")]
    for name, schema in contract()["components"]["schemas"].items():
        found += members(schema, name)
    for name, operation in operations():
        found += [(f"{name}: {each['name']}", each) for each in operation["parameters"]]
        for status, answer in operation["responses"].items():
            found.append((f"{name} {status}", answer))
            found += [(f"{name} {status}: {each}", told) for each, told in answer.get("headers", {}).items()]
        for body in operation.get("requestBody", {}).get("content", {}).values():
            found += members(body["schema"], name)
    assert len(found) > 2000
    assert [where for where, told in found if not told.get("description")] == []


def test_every_body_has_an_example_that_its_schema_takes() -> None:
    found = dict(bodies())
    assert len(found) > len(served_paths())
    wrong = {}
    for where, body in found.items():
        schema = jsonschema_rs.Draft202012Validator(
            body["schema"] | {"components": contract()["components"]}, validate_formats=True
        )
        example = body.get("example")
        told = json.dumps(example, ensure_ascii=False)
        if not example or '"…"' in told or not schema.is_valid(example):
            wrong[where] = told
    assert wrong == {}


def test_an_example_is_refused_where_a_schema_is_another_one() -> None:
    body = dict(bodies())["POST /api/v1/posts takes application/json"]
    strict = body["schema"] | {"components": contract()["components"]}
    assert jsonschema_rs.is_valid(strict, body["example"])
    assert not jsonschema_rs.is_valid(strict, body["example"] | {"txt": "x"})


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=20)) as world:
        for name in ("sky", "blog"):
            add_account(world.store, name)
        yield Asked(world)


def test_the_example_of_a_post_and_of_a_series_can_be_stored(api: Asked) -> None:
    for path in ("/api/v1/posts/preview", "/api/v1/posts", "/api/v1/series"):
        body = dict(bodies())[f"POST {path} takes application/json"]["example"]
        answer = api.ask("POST", path, json=body)
        assert answer.is_success, answer.text


def test_the_headers_that_are_described_are_those_that_are_sent(api: Asked) -> None:
    api.stop_clock()
    for number in range(2):
        made = api.ask("POST", "/api/v1/posts", json={"text": f"{number}", "to": ["sky"]})
    post = made.headers["location"]
    seen = {"If-None-Match": made.headers["etag"]}
    answers = {
        "POST /api/v1/posts": made,
        "GET /api/v1/posts": api.ask("GET", "/api/v1/posts?limit=1"),
        "GET /api/v1/posts/{id}": api.ask("GET", post),
        "GET /api/v1/posts/{id} ": api.ask("GET", post, headers=seen),
        "POST /api/v1/media": api.ask("POST", "/api/v1/media", files={"file": ("cat.png", png())}),
        "GET /api/v1/status": api.ask("GET", "/api/v1/status", key=None),
        "GET /api/v1/series": [api.ask("GET", "/api/v1/series") for _ in range(20)][-1],
        "DELETE /api/v1/posts/{id}": api.ask("DELETE", post, key=api.key(Scope.READ)),
    }
    assert [each.status_code for each in answers.values()] == [201, 200, 200, 304, 201, 401, 429, 403]
    described = dict(operations())
    for where, answer in answers.items():
        told = described[where.strip()]["responses"][str(answer.status_code)].get("headers", {})
        assert {name for name in HEADERS if name in answer.headers} == told.keys(), where
