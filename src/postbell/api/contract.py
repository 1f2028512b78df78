"""What is served, as an OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from postbell.api.examples import exemplify
from postbell.api.links import link
from postbell.api.models import ProblemDocument
from postbell.api.problems import MEDIA_TYPE
from postbell.api.resource import SAFE, Resource


_ABOUT = """\
Publish posts on social networks: on time, once, and never silently late.

Instants are RFC 3339; they are answered in UTC with a Z at the end. Spans are seconds. What is null has no
value. New members may be added to any answer at any time. A change that was answered with 2xx is durable.

Every call needs a key (`Authorization: Bearer postbell_…`, made by `postbell key add`); at the unix socket
the user who asks is the key. `x-scope` says which scope of the key a call needs.

Errors are problem documents (RFC 9457) that tell every problem at once, with JSON pointers into the body.

A call that changes something may carry an `Idempotency-Key`: asked again within 24 hours with the same key
and for the same, it is not done twice, and has the same answer; but what is told once (the secret of a hook,
a consent) is not told again. `If-Match` with an ETag refuses to change
what was changed by somebody else meanwhile.
"""

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this very wish: it is carried out once, however often it is sent; for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "0f3c2a5e-8d1b-4f7a-9c55-2d6f0a7b1e11",
}


_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what is to be changed: if it was changed since, nothing is done.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what is known already: if that is still so, it is not told again.",
    "schema": {"type": "string"},
}


def describe(app: FastAPI, resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the document, with what all operations have in common."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=app.routes,
        tags=[{"name": each.name, "description": each.about} for each in resources],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    schemas |= schemas["ProblemDocument"].pop("$defs", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "A key."}}
    document["security"] = [{"key": []}]
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    link(document)
    exemplify(document)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            reference = {"$ref": "#/components/schemas/ProblemDocument"}
            response["content"] = {MEDIA_TYPE: {"schema": reference}}
    if method == "head":  # what is asked so has no body
        operation["responses"]["200"].pop("content", None)
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        _require_value(parameter["schema"])
    if method.upper() not in SAFE:
        parameters.append(_IDEMPOTENCY_KEY)
    if "412" in operation["responses"] and not any(each["name"] == "Tus-Resumable" for each in parameters):
        parameters.append(_IF_MATCH)
    if "304" in operation["responses"]:
        parameters.append(_IF_NONE_MATCH)


def _require_value(schema: dict[str, Any]) -> None:
    """Leave null out: what is not given in a query, or as a header, is left out there."""
    if kinds := [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]:
        del schema["anyOf"]
        schema |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
