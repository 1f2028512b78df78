"""What networks need, take and offer, in JSON: for `postbell networks --json` and the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from pydantic import BaseModel

    from postbell.domain.account import Account
    from postbell.domain.limits import Limits
    from postbell.publishing.protocol import Network, Profile


def connected_json(account: Account, values: Mapping[str, str], profile: Profile | None) -> dict[str, Any]:
    """Return an account that was connected, with what its network says if it was asked."""
    from postbell.shapes.accounts import account_json

    said = (
        {"profile": profile.url, "notes": list(profile.notes)} if profile else {"profile": None, "notes": []}
    )
    return {**account_json(account, values), "verified": profile is not None, **said}


def network_json(network: Network) -> dict[str, Any]:
    """Return what a network needs, takes and offers."""
    from postbell.publishing.protocol import editor_of, shows_in_comments

    return {
        "key": network.key,
        "label": network.label,
        "summary": network.summary,
        "server": network.server,
        "default_server": network.default_server,
        "guide": network.guide,
        "credentials": list(fields_of(network.Credentials)),
        "options": list(fields_of(network.Options)),
        "limits": limits_of(network).summary(),
        "resend": network.resend,
        "deletes": network.deletes,
        "edits": editor_of(network) is not None,
        "threads": network.threads,
        "comments": network.comments,
        "comment_files": shows_in_comments(network),
        "example": example_of(network),
    }


def limits_of(network: Network) -> Limits:
    """Return what a network takes of a post for which no options are given; some options change that."""
    from postbell.publishing.protocol import fit_limit

    return replace(network.limits, media=fit_limit(network, {}))


def fields_of(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Yield what a model takes, as its JSON schema tells it."""
    schema = model.model_json_schema()
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        yield {
            "name": name,
            "type": _type(field),
            "required": required,
            "default": None if required else field.get("default"),
            "description": field.get("description", ""),
            "example": next(iter(field.get("examples", ())), None),
        }


def _type(field: Mapping[str, Any]) -> str:
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    if any(kind.get("format") == "password" for kind in kinds):
        return "secret"
    if "enum" in kinds[0]:
        return "one of " + ", ".join(map(str, kinds[0]["enum"]))
    names = {
        "string": "text",
        "array": "words, with commas between them",
        "boolean": "true or false",
        "integer": "number",
        "number": "number",
    }
    return names.get(kinds[0].get("type", ""), "value")


def example_of(network: Network) -> list[str]:
    """Return commands that connect an account and post with it, made from what the network says it needs."""
    key, name = network.key, f"my-{network.key}"
    add = ["postbell account add", key, "--name", name]
    add += ["--server https://example.org"] if network.server == "required" else []
    for field in fields_of(network.Credentials):
        if field["required"]:
            secret = field["type"] == "secret"
            add.append(f"--secret {field['name']}" if secret else f"--set {field['name']}=…")
    post = [f'postbell add "Hello" --to {name} --at "tomorrow 9am"']
    post += ['--title "A title"'] if network.limits.needs_title else []
    told = [field for field in fields_of(network.Options) if field["example"] is not None]
    post += [f"--set {key}.{field['name']}={quote(str(field['example']))}" for field in told[:1]]
    return [" ".join(add), " ".join(post)]
