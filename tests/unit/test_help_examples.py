"""The examples in the help are real: each is run as it stands there, in a Postbell of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from postbell.cli.main import COMMANDS, cli, load
from postbell.store import deliveries
from support.command import Command, german, with_accounts


#: What stands for the id of a post and of a series in the examples.
POST, SERIES = "k7f2", "k7m2"
#: Why some cannot be run.
NOT_RUN = {
    "account add bluesky --name sky": "it asks for a password, and Bluesky whether it accepts that",
    'edit k7f2 "Hello, everybody" --published': "the posts here go to Bluesky, which changes nothing",
    "run": "it goes on until it is told to stop",
}
#: Commands that nobody should have to guess how to use.
EXPLAINED = (
    *("add", "edit", "reschedule", "cancel", "account limits", "networks"),
    *("series", "series add", "series recycle", "series list", "series show", "series edit", "series end"),
    *("series rrule", "queue", "queue slots", "queue show", "queue reorder", "queue shuffle", "engagement"),
    *("pause", "resume", "next", "agenda", "month", "rehearse"),
)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command and group by its name, and `postbell` itself with none."""
    yield "", cli
    for name, (place, _) in COMMANDS.items():
        command = load(place)
        yield name, command
        if isinstance(command, click.Group):
            for each in command.commands.values():
                yield f"{name} {each.name}", each


def examples(text: str | None) -> list[str]:
    return re.findall(r"^ *postbell (.+)$", text or "", re.MULTILINE)


HELP = {name: examples(command.help) for name, command in commands()}
RUN = dict.fromkeys(each for found in HELP.values() for each in found if each not in NOT_RUN)


def begin(postbell: Command, command: str) -> None:
    """Let what is scheduled have come as far as a command expects it."""
    for delivery in postbell.claim().values() if command in ("engagement", "settle", "unpublish") else ():
        now = datetime(2100, 1, 1, tzinfo=UTC)
        with postbell.store() as store, store.write() as tx:
            if command == "settle":
                deliveries.lose_track(tx, delivery.id, "the answer was lost")
            else:
                deliveries.record_published(tx, delivery.id, receipt_id="1", url=None, warnings=(), now=now)


@pytest.mark.parametrize("example", RUN)
def test_an_example_runs_as_it_stands_in_the_help(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    german(monkeypatch)
    postbell = with_accounts(tmp_path)
    postbell.done("queue", "slots", "sky", "mon-sun 08:00,20:00")
    ids = {POST: postbell.add("A post", "--to", "sky", "--queue")}
    words = shlex.split(example)
    begin(postbell, words[0])
    rule = ("--repeat", "daily", "--time", "12:00", "--start", "2099-01-01")
    series = postbell.done("series", "add", "A series", "--to", "sky", *rule, "--json").json
    ids[SERIES] = series["id"]
    assert postbell.done(*(ids.get(word, word) for word in words)).out


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_command_that_has_to_be_explained_has_an_example_of_itself(name: str) -> None:
    assert [example for example in HELP[name] if example.startswith(name)]


def test_what_is_not_run_is_still_there() -> None:
    assert NOT_RUN.keys() <= {example for found in HELP.values() for example in found}


def test_all_examples_are_told_in_the_same_form() -> None:
    wrong = []
    for name, command in commands():
        told = re.search(r"^( *)Examples?:((?:\n +postbell .+)+)$", command.help or "", re.MULTILINE)
        if len(HELP[name]) != (told[2].count("\n") if told else 0):
            wrong.append(name)
    assert wrong == []
