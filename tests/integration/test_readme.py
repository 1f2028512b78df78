"""The README is true: what can be run is run, what needs the world outside must at least be understood."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from postbell.cli.main import COMMANDS, cli, load
from postbell.domain.manuscript import read_manuscript
from postbell.domain.when import EXAMPLES
from postbell.errors import PostbellError
from postbell.settings import Settings


ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def shown_commands() -> list[str]:
    """Every line that is shown and not run, from its `postbell` on; commands joined by && apart."""
    lines = [part for block in blocks("console") for line in block.splitlines() for part in line.split("&&")]
    found = [re.search(r"^\s*(?:\S*/)?postbell (.*)$", line) for line in lines]
    return [match[1] for match in found if match]


def test_the_commands_run_in_their_order_in_a_new_home(tmp_path: Path) -> None:
    bin_folder = Path(sys.executable).parent
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTBELL_", "XDG_"))}
    env = {**clean, "HOME": str(tmp_path), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    market, *_ = blocks("markdown")
    (tmp_path / "market.md").write_text(market, "utf-8")
    script = "\n".join(blocks("sh"))
    assert "postbell init" in script
    done = subprocess.run(
        ["sh", "-eux", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / ".local/share/postbell/postbell.db").exists()
    assert len(list((tmp_path / ".local/share/postbell/backups").iterdir())) == 1


@pytest.mark.parametrize("line", shown_commands())
def test_a_command_that_is_only_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)
    context = cli.make_context("postbell", words, obj=None, resilient_parsing=True)
    name, *rest = [*context._protected_args, *context.args]
    command: click.Command = load(COMMANDS[name][0])
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, rest)
        assert found
        command = found
    command.make_context(command.name, rest, parent=context)


def test_the_manuscript_is_one() -> None:
    _, text, thread, article = blocks("markdown")
    manuscript = read_manuscript(text, where="README.md")
    assert manuscript.to == ("sky", "blog")
    assert manuscript.media[1].alt == "A bell on a hill"
    assert manuscript.overrides["bluesky"].text == "Our tower has a new bell! #bells"
    assert manuscript.overrides["blog"].options == {"categories": ["News"]}
    manuscript = read_manuscript(thread, where="README.md")
    assert (manuscript.segments, manuscript.media[1].part) == (("It was cast in 1872.",), 2)
    manuscript = read_manuscript(article, where="README.md")
    assert manuscript.overrides["wordpress"].options == {"markup": "markdown", "categories": ["Bells"]}
    assert "![The tower in spring](pictures/tower.jpg" in manuscript.text


def test_the_settings_that_are_shown_exist() -> None:
    for block in blocks("toml"):
        Settings(**tomllib.loads(block))


def test_every_form_of_a_time_is_shown() -> None:
    assert [form for form in EXAMPLES if f"`{form}`" not in README] == []


def test_every_exit_code_is_explained() -> None:
    def family(kind: type[PostbellError]) -> set[int]:
        return {kind.exit_code}.union(*(family(child) for child in kind.__subclasses__()))

    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert family(PostbellError) | {0, 2, 8, 130} == explained


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:src|tests|systemd)/[\w./-]*|LICENSE|CHANGELOG\.md)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
