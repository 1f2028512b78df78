"""Whatever a command can do, a program can do at the HTTP API, or a reason stands here why not."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from postbell.api.commands import ROUTES, in_words_of_the_api
from postbell.cli.main import COMMANDS, load
from support.api import served_paths


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


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("name one with --to.", "name one with `to`."),
        ("change the text, or say --allow-duplicate.", "change the text, or say `allow_duplicate`."),
        ("say what it shows: --media FILE='What it shows'.", "say what it shows: `alt` of `media`."),
        ("say which with --account (a-b, c).", "say which with `account` (a-b, c)."),
        ("`--account` names one of the others.", "`account` names one of the others."),
        (
            'give it some: `postbell queue slots sky "mon-fri 09:00"`.',
            "give it some: `PUT /api/v1/accounts/sky/slots`.",
        ),
        ("`postbell publish k7f2` tries it now.", "`POST /api/v1/posts/k7f2/publish` tries it now."),
        ("see `postbell list --state failed`.", "see `GET /api/v1/posts`."),
        ("add one with `postbell account add`.", "add one with `POST /api/v1/accounts`."),
        ("`postbell reschedule ID --queue` gives one.", "`PATCH /api/v1/posts/ID` gives one."),
        ("`postbell account check` asks.", "`POST /api/v1/accounts/NAME/verify` asks."),
        ("restore with `postbell db restore latest`.", "restore with `postbell db restore latest`."),
        ("`postbell secrets --help` says how.", "`postbell secrets --help` says how."),
        ("2026-01-01--2026-01-02 and a--b stay.", "2026-01-01--2026-01-02 and a--b stay."),
    ],
)
def test_advice_is_given_in_the_words_of_the_api(said: str, here: str) -> None:
    assert in_words_of_the_api(said) == here
