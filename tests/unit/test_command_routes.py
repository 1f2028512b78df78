"""Whatever a command can do, a program can do at the HTTP API, or a reason stands here why not."""

from __future__ import annotations

from collections.abc import Iterator

import click

from postbell.cli.main import COMMANDS, load
from support.api import served_paths


#: Command → the route that does the same, as `METHOD path below /api/v1`.
ROUTES = {
    "account add": "POST accounts",
    "account reconnect": "POST accounts/{name}/reconnect",
    "account list": "GET accounts",
    "account show": "GET accounts/{name}",
    "account check": "POST accounts/{name}/verify",
    "account rename": "PATCH accounts/{name}",
    "account limits": "PATCH accounts/{name}",
    "account adds": "PATCH accounts/{name}",
    "account remove": "DELETE accounts/{name}",
    "networks": "GET networks/{key}",
    "add": "POST posts",
    "list": "GET posts",
    "show": "GET posts/{id}",
    "log": "GET posts/{id}/attempts",
    "wait": "GET posts/{id}",
    "edit": "PATCH posts/{id}",
    "reschedule": "PATCH posts/{id}",
    "series add": "POST series",
    "series recycle": "POST series",
    "series list": "GET series",
    "series show": "GET series/{id}/next",
    "series edit": "PATCH series/{id}",
    "series end": "POST series/{id}/end",
    "series rrule": "GET series/{id}",
    "queue slots": "PUT accounts/{name}/slots",
    "queue show": "GET accounts/{name}/queue",
    "queue reorder": "POST accounts/{name}/queue/reorder",
    "queue shuffle": "POST accounts/{name}/queue/shuffle",
    "next": "GET next",
    "agenda": "GET agenda",
    "month": "GET agenda",
    "rehearse": "POST rehearsal",
    "publish": "POST posts/{id}/publish",
    "cancel": "POST posts/{id}/cancel",
    "delete": "DELETE posts/{id}",
    "retry": "POST posts/{id}/retry",
    "settle": "POST posts/{id}/settle",
    "unpublish": "POST posts/{id}/unpublish",
    "engagement": "PUT posts/{id}/responses",
    "metrics": "GET posts/{id}/readings",
    "pause": "POST pauses",
    "resume": "POST pauses/resume",
    "status": "GET status",
    "notify test": "POST notices/test",
    "notify list": "GET notices",
    "hook add": "POST hooks",
    "hook list": "GET hooks",
    "hook test": "POST hooks/{name}/test",
    "hook rotate": "POST hooks/{name}/rotate",
    "hook remove": "DELETE hooks/{name}",
    "hook log": "GET hooks/{name}/log",
    "db check": "POST backups/check",
    "db backup": "POST backups",
}
#: Command → why no route does that.
ONLY_THERE = {
    "init": "it makes what a daemon needs to run",
    "demo": "it runs a Postbell of its own",
    "run": "it is the daemon that answers",
    "version": "it tells what is installed; the OpenAPI document says which version answers",
    "doctor": "it looks at what keeps a daemon from running, and so from answering",
    "secrets show": "the key of the secrets stays with the machine",
    "secrets new-key": "the key of the secrets stays with the machine",
    "secrets encrypt": "it needs the daemon to be stopped",
    "secrets rotate": "it needs the daemon to be stopped",
    "secrets decrypt": "it needs the daemon to be stopped",
    "key add": "who has stolen a key could make others that outlive it",
    "key list": "what opens the door is looked after from within",
    "key revoke": "what opens the door is looked after from within",
    "db restore": "it needs the daemon to be stopped",
    "db upgrade": "it needs the daemon to be stopped",
    "db prune": "the daemon does that by itself once a day",
    "db current": "it looks at files that a daemon may refuse; the status tells the schema too",
}


def _commands(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*words, name))
    else:
        yield " ".join(words)


def test_every_command_has_a_route_or_a_reason() -> None:
    commands = {each for name, (place, _) in COMMANDS.items() for each in _commands(load(place), (name,))}
    assert not ROUTES.keys() & ONLY_THERE.keys()
    assert ROUTES.keys() | ONLY_THERE.keys() == commands


def test_every_route_that_is_named_is_there() -> None:
    served = {f"{method} {path.removeprefix('/api/v1/')}" for method, path in served_paths()}
    assert sorted(set(ROUTES.values()) - served) == []
