"""With --remote every command asks the other machine, or says why it is done at the machine itself."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from postbell.cli.only_there import WHY
from support.elsewhere import run_here
from support.leaves import COMMANDS


#: Nobody listens there.
_NOWHERE = "http://localhost:1"
#: What commands must be given besides what click demands.
_GIVEN = {
    "add": ("Hello", "--to", "sky"),
    "edit": ("Hello",),
    "reschedule": ("tomorrow",),
    "series add": ("Hello", "--repeat", "daily"),
    "series recycle": ("Hello", "--gap", "1 d"),
    "series edit": ("Hello",),
    "settle": ("--failed",),
    "pause": ("--all",),
    "resume": ("--all",),
    "secrets new-key": ("made.key",),
    "secrets decrypt": ("--yes",),
}
#: What parameters of these names are given.
_VALUES = {"scopes": "read"}
#: What they answer by themselves, wherever.
_OF_ITSELF = {"version", "networks"}


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text("postbell_key\n")
    file.chmod(0o600)
    return str(file)


def words_for(name: str) -> list[str]:
    """Return the words of a command with something for everything that it demands."""
    words = name.split()
    for parameter in COMMANDS[name].params:
        if parameter.required:
            kind = parameter.type
            value = (
                kind.choices[0] if isinstance(kind, click.Choice) else _VALUES.get(parameter.name, "folder")
            )
            words += [*(() if isinstance(parameter, click.Argument) else parameter.opts[:1]), str(value)]
    return [*words, *_GIVEN.get(name, ())]


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WHY.keys() - _OF_ITSELF))
def test_a_command_asks_the_other_machine(name: str, key: str) -> None:
    ran = run_here("--remote", _NOWHERE, "--key-file", key, "--no-input", *words_for(name))
    assert (ran.code, f"{_NOWHERE} cannot be asked" in ran.err) == (75, True), ran.err


@pytest.mark.parametrize("name", sorted(WHY.keys() - _OF_ITSELF))
def test_a_command_of_the_machine_itself_says_why_and_does_nothing_here(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run_here("--remote", _NOWHERE, "--key-file", key, "--no-input", *words_for(name))
    assert ran.code == 2
    assert f"`postbell {name}` is done at the machine itself: {WHY[name]}. Run it there" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("name", sorted(_OF_ITSELF))
def test_what_is_known_anywhere_is_told(name: str, key: str) -> None:
    assert run_here("--remote", _NOWHERE, "--key-file", key, name).code == 0
