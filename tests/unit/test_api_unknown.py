"""What a route does not know is refused where something would be changed: it may mean more than is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postbell.api.resource import SAFE
from support.api import _SAMPLES, Asked, problem
from support.api_bodies import contract
from support.world import build_world


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in contract()["paths"].items():
        for name, sample in _SAMPLES.items():
            path = path.replace(f"{{{name}}}", sample)  # noqa: PLW2901 - the same path, as it is asked
        yield from ((method.upper(), path, operation) for method, operation in methods.items())


_UNSAFE = [each for each in _operations() if each[0] not in SAFE]
_NO_VERSION = [
    pytest.param(method, path, id=f"{method} {path}")
    for method, path, operation in _UNSAFE
    if all(each["name"] != "If-Match" for each in operation.get("parameters", ()))
]
_NO_BODY = [
    pytest.param(method, path, id=f"{method} {path}")
    for method, path, operation in _UNSAFE
    if "requestBody" not in operation
]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path) as world:
        yield Asked(world)


def wrong_in(api: Asked, method: str, path: str, **how: Any) -> list[str]:
    answer = api.ask(method, path, **how)
    assert problem(answer) == (422, "invalid"), answer.text
    return [each["where"] for each in answer.json()["problems"]]


@pytest.mark.parametrize(("method", "path"), _NO_VERSION)
def test_who_wants_a_version_where_there_is_none_gets_no_change(api: Asked, method: str, path: str) -> None:
    assert "header If-Match" in wrong_in(api, method, path, headers={"If-Match": '"3"'})


@pytest.mark.parametrize(("method", "path"), _NO_BODY)
def test_a_body_is_taken_only_where_it_is_read(api: Asked, method: str, path: str) -> None:
    assert "body" in wrong_in(api, method, path, json={"dry_run": True})
    assert api.ask(method, path, json={}).status_code != 422
