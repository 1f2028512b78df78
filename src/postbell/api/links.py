"""What can be done with what was answered, as links of the OpenAPI document (OpenAPI 3.1.1, 4.8.20)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


Document = dict[str, Any]

#: Below the path of a kind of thing its things are named by one parameter. Where answers hold that, by the
#: operations that make things or list them.
_NAMED: dict[str, tuple[str, dict[str, str]]] = {
    "/api/v1/accounts": ("name", {"accounts_create": "/name", "accounts_list_": "/accounts/0/name"}),
    "/api/v1/consents": ("consent", {"consents_ask": "/id", "consents_ask_again": "/id"}),
    "/api/v1/hooks": ("name", {"hooks_add": "/name", "hooks_list_": "/hooks/0/name"}),
    "/api/v1/jobs": ("id", {"media_ingest": "/id", "jobs_list_": "/jobs/0/id"}),
    "/api/v1/media": ("sha256", {"media_upload": "/media/0/sha256", "media_list_": "/media/0/sha256"}),
    "/api/v1/networks": ("key", {"networks_list_": "/networks/0/key"}),
    "/api/v1/posts": (
        "id",
        {"posts_create": "/id", "posts_create_many": "/posts/0/id", "posts_list_": "/posts/0/id"},
    ),
    "/api/v1/series": ("id", {"series_create": "/id", "series_list_": "/series/0/id"}),
    "/api/v1/uploads": ("id", {"uploads_begin": "/id", "uploads_list_": "/uploads/0/id"}),
}
#: These answers have an ETag for If-Match.
_TAGGED = frozenset({"posts_create", "series_create"})


def link(document: Document) -> None:
    """Put into a document, at each answer that names a thing, a link to every operation on such a thing."""
    operations = {each["operationId"]: each for _path, each in _operations(document)}
    for path, target in _operations(document):
        for base, (name, sources) in _NAMED.items():
            if path == f"{base}/{{{name}}}" or path.startswith(f"{base}/{{{name}}}/"):
                for source, pointer in sources.items():
                    given = {name: f"$response.body#{pointer}"} | _tag_for(target, source)
                    _add(operations[source], target, given | _fixed(target))
    _add(operations["events_read"], operations["events_read"], {"after": "$response.body#/last"})


def _tag_for(target: Document, source: str) -> dict[str, str]:
    taken = any(each["name"] == "If-Match" for each in target["parameters"])
    return {"If-Match": "$response.header.ETag"} if taken and source in _TAGGED else {}


def _fixed(target: Document) -> dict[str, str]:
    """Return what is always the same: the version of a protocol."""
    needed = (each for each in target["parameters"] if each.get("required"))
    return {each["name"]: said[0] for each in needed if len(said := each["schema"].get("enum", ())) == 1}


def _add(source: Document, target: Document, given: dict[str, str]) -> None:
    status = next(status for status in source["responses"] if status.startswith("2"))
    links = source["responses"][status].setdefault("links", {})
    links[target["operationId"]] = {"operationId": target["operationId"], "parameters": given}


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation
