"""Programs are told of members and routes, never of options and commands, wherever something is said."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

import postbell
from postbell.api.application import resources
from postbell.api.commands import in_words_of_the_api
from postbell.api.wording import OURS, THEIRS, worded
from postbell.cli.only_there import WHY
from support.api import Asked, served_paths
from support.world import add_account, build_world


#: Where messages are for the terminal alone: commands, and what looks at the machine itself.
_AT_THE_MACHINE = ("cli", "remote", "services/upkeep/doctor.py", "shapes/networks.py", "settings.py")
#: What is shown to a person at a terminal, and named as such: how the credentials of a network are got.
_GUIDES = ("networks/", "publishing/mastodon/options.py", "publishing/wordpress/")
_OPTION = re.compile(r"(?<![\w<-])--[a-z][a-z-]*")
_COMMAND = re.compile(r"`postbell (secrets --help|[a-z]+(?: [a-z-]+)?)")
_ROUTE = re.compile(r"`([A-Z]+) /api/v1/([^`?]*)[^`]*`")
_NAME = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


def _documented(tree: ast.AST) -> Iterator[int]:
    """Yield the docstrings, and the parts of what is put together."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (id(first.value) for first in node.body[:1] if isinstance(first, ast.Expr))
        elif isinstance(node, ast.JoinedStr):
            yield from map(id, node.values)


def _messages() -> Iterator[tuple[str, str]]:
    """Yield the sentences in the code that name an option or a command, and where they stand."""
    root = Path(postbell.__file__).parent
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith((*_AT_THE_MACHINE, *_GUIDES)) or place == "api/commands.py":
            continue
        tree = ast.parse(path.read_text())
        passed = set(_documented(tree))
        for node in ast.walk(tree):
            text = None if id(node) in passed else _text(node)
            if text and " " in text and (_OPTION.search(text) or "`postbell" in text):
                yield f"{place}:{getattr(node, 'lineno', 0)}", text


MESSAGES = dict(_messages())
#: Words of the configuration in them.
_CONFIGURED = {"api", "key_file"}


def _asked() -> set[str]:
    """Return the names of all that a request can have."""
    found: set[str] = set()

    def look(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            new = kind.model_fields.keys() - found
            found.update(kind.model_fields)
            for field in kind.model_fields.values() if new else ():
                look(field.annotation)
        for inner in typing.get_args(kind):
            look(inner)

    for resource in resources():
        for route in resource.router.routes:
            if isinstance(route, APIRoute):
                for hint in typing.get_type_hints(route.endpoint, include_extras=False).values():
                    look(hint)
    return found


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 50


@pytest.mark.parametrize("place", sorted(MESSAGES))
def test_a_message_names_nothing_that_programs_do_not_have(place: str) -> None:
    said = in_words_of_the_api(MESSAGES[place])
    assert not _OPTION.search(_COMMAND.sub("", said)), said
    for found in _COMMAND.finditer(said):
        words = found[1].split()
        alone = {*WHY, *(name.split()[0] for name in WHY)}
        assert {" ".join(words), words[0]} & alone or words[0] == "X", said
    served = {(method, re.sub(r"\{\w+\}", "*", path)) for method, path in served_paths()}
    for method, path in _ROUTE.findall(said):
        assert any(
            method == each and re.fullmatch(pattern.replace("*", "[^/]+"), f"/api/v1/{path}")
            for each, pattern in served
        ), said
    known = _asked() | _CONFIGURED
    assert [name for name in _NAME.findall(_ROUTE.sub("", said)) if name.partition(".")[0] not in known] == []


#: Members of answers that hold what users, networks and clocks say, and what is one of a few words.
_NOT_SAID = {
    *("id", "name", "network", "server", "handle", "account", "post", "series", "hook", "way", "label"),
    "external_id",
    *("text", "segments", "title", "link", "labels", "variants", "alt", "alts", "to", "library", "signature"),
    *("utm", "utm_sites", "sites", "values", "overrides", "options", "comment", "excerpt", "changes"),
    *("key", "summary", "guide", "example", "limits", "resend", "threads", "description", "default", "type"),
    *("options_schema", "credentials_schema", "default_server", "kind", "words", "rrule", "slot", "stream"),
    *("url", "method", "headers", "body", "receipt_id", "profile", "redirect", "state", "state_as", "brings"),
    *("sha256", "mime", "size", "path", "rows", "secret", "events", "agent", "address", "cursor", "next"),
    *("timezone", "zone", "local", "times", "days_off", "outside", "quotas", "counts", "lengths", "parts"),
    *("at", "since", "until", "paused_at", "paused_until", "rests_until", "next_post_at", "login_ends_at"),
    *("login_renewed_at", "created_at", "updated_at", "due_at", "try_at", "begun_at", "ended_at", "read_at"),
    *("expires_at", "delete_at", "deleted_at", "edit_at", "edited_at", "started_at", "told_at", "over_at"),
    *("not_after", "timestamp", "ends_at", "first_at", "last_at", "failing_since", "next_at", "now", "file"),
    *("result", "moved", "changed", "removed", "next_free", "pointer", "option", "said", "where", "data"),
    *("reset", "public_at"),
    # Whose members are told apart by their own names.
    *(
        "deliveries",
        "empty_slots",
        "repeats",
        "summary",
        "daemon",
        "next_due",
        "overdue",
        "results",
        "unsure",
    ),
    *("lost", "pauses", "caution", "foreseen", "database", "last_backup", "notices", "retired"),
}


def _texts(kind: Any, seen: set[type], name: str = "") -> Iterator[str]:
    """Yield the names of the members of an answer that may hold a text."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in seen:
            seen.add(kind)
            for field, info in kind.model_fields.items():
                yield from _texts(info.annotation, seen, field)
    elif typing.get_origin(kind) is not None or isinstance(kind, UnionType):
        for inner in typing.get_args(kind):
            yield from _texts(inner, seen, name)
    elif kind in (str, Any, object):
        yield name


def test_of_every_member_with_a_text_it_is_known_who_speaks_in_it() -> None:
    models = [
        route.response_model
        for resource in resources()
        for route in resource.router.routes
        if isinstance(route, APIRoute)
    ]
    seen: set[type] = set()
    found = {name for model in models for name in _texts(model, seen)}
    assert sorted(found - OURS - _NOT_SAID) == []
    assert not OURS & _NOT_SAID
    assert THEIRS <= _NOT_SAID


def test_what_users_say_is_left_as_it_is() -> None:
    told = {
        "text": "name one with --to.",
        "overrides": {"message": {"text": "--to"}},
        "notes": ["name one with --to."],
        "deliveries": [{"message": "`postbell retry k7f2` tries it."}],
        "problems": [{"where": "label 2", "message": "use --to.", "account": None}],
    }
    assert worded(told) == {
        "text": "name one with --to.",
        "overrides": {"message": {"text": "--to"}},
        "notes": ["name one with `to`."],
        "deliveries": [{"message": "`POST /api/v1/posts/k7f2/retry` tries it."}],
        "problems": [{"where": "labels.1", "message": "use `to`.", "account": None}],
    }


def test_programs_and_command_lines_are_told_the_same_in_their_own_words(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_account(world.store, "ann")
        api = Asked(world)
        wanted = {"text": "Hello", "to": [], "draft": True}
        (note,) = api.ask("POST", "/api/v1/posts", json=wanted).json()["problems"]
        assert (note["where"], note["message"]) == ("to", "it is meant for no account; name one with `to`.")
        words = {"Postbell-Words": "commands"}
        (note,) = api.ask("POST", "/api/v1/posts", json=wanted, headers=words).json()["problems"]
        assert (note["where"], note["message"]) == ("--to", "it is meant for no account; name one with --to.")
