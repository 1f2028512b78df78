from __future__ import annotations

from typing import Any, cast

from support.api import application


CONTRACT: dict[str, Any] = cast("Any", application()).state.contract
OPERATIONS = {
    operation["operationId"]: (path, operation)
    for path, methods in CONTRACT["paths"].items()
    for operation in methods.values()
}


def links() -> list[tuple[str, dict[str, Any]]]:
    return [
        (source, link)
        for source, (_path, operation) in OPERATIONS.items()
        for status, response in operation["responses"].items()
        for link in response.get("links", {}).values()
        if status.startswith("2")
    ]


def test_what_names_a_thing_leads_to_every_operation_on_it() -> None:
    reached = {link["operationId"] for _source, link in links()}
    assert [
        name for name, (path, _operation) in OPERATIONS.items() if "{" in path and name not in reached
    ] == []


def test_a_link_gives_what_its_operation_takes() -> None:
    for source, link in links():
        path, target = OPERATIONS[link["operationId"]]
        taken = {each["name"] for each in target["parameters"]}
        needed = {each["name"] for each in target["parameters"] if each["in"] == "path"}
        assert needed <= set(link["parameters"]) <= taken, f"{source}: {path}"


def test_a_link_points_into_what_is_answered() -> None:
    for source, link in links():
        for expression in link["parameters"].values():
            if expression.startswith("$response.body#"):
                assert pointed(source, expression.partition("#/")[2]), f"{source}: {expression}"


def pointed(source: str, pointer: str) -> bool:
    responses = OPERATIONS[source][1]["responses"]
    told = next(response for status, response in responses.items() if status.startswith("2"))
    schema = told["content"]["application/json"]["schema"]
    for part in pointer.split("/"):
        while "$ref" in schema:
            schema = CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        schema = schema.get("items", {}) if part == "0" else schema.get("properties", {}).get(part)
        if schema is None:
            return False
    return True


def test_what_is_not_given_in_a_query_is_left_out_there_and_not_null() -> None:
    parameters = [each for _path, operation in OPERATIONS.values() for each in operation["parameters"]]
    assert parameters
    assert [each["name"] for each in parameters if {"type": "null"} in each["schema"].get("anyOf", ())] == []
