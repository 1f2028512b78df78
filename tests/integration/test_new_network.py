"""A network is one file: put into its folder, it is everywhere, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
THROWAWAY = ROOT / "tests/throwaway"
_OLD = ("__pycache__", ".hypothesis")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with one more network, and the stand-in for its server."""
    made: Path = tmp_path_factory.mktemp("copy")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns(*_OLD))
    for name in ("pyproject.toml", "README.md", "config.example.toml"):
        shutil.copy(ROOT / name, made / name)
    shutil.copy(THROWAWAY / "chime.py", made / "src/postbell/networks/chime.py")
    shutil.copy(THROWAWAY / "fake_chime.py", made / "tests/support/fake_chime.py")
    (made.parent / "shared").symlink_to(ROOT.parent / "shared")
    return made


def run(copy: Path, *words: str) -> str:
    # What measures these tests, and wants real servers of them, is not meant for those that they run.
    others = ("PYTEST", "COV", "CI")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    env = {**ours, "PYTHONPATH": str(copy / "src")}
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def postbell(copy: Path, *words: str) -> str:
    home = ["--data-dir", str(copy / "home"), "--config", str(copy / "home.toml")]
    return run(copy, "-m", "postbell", *home, *words)


def test_the_command_line_knows_it(copy: Path) -> None:
    assert "Rings a bell in a tower." in postbell(copy, "networks")
    guide = postbell(copy, "networks", "chime")
    assert "Climb the tower" in guide
    assert "chime.loudness  From 1 to 11." in guide
    assert "postbell account add chime --name my-chime --server https://example.org --secret token" in guide


def test_the_help_of_the_command_that_connects_it_names_it(copy: Path) -> None:
    listed = " ".join(postbell(copy, "account", "add", "--help").partition("Networks:")[2].split())
    assert listed == "bluesky, chime, folder, mastodon, telegram, threads, webhook, wordpress"


def test_an_account_and_a_post_are_made_and_shown_as_they_would_be_sent(copy: Path) -> None:
    postbell(copy, "init")
    (copy / "token").write_text("ding-dong-7")
    (copy / "token").chmod(0o600)
    account = ("--server", "https://tower.example", "--secret", f"token=@{copy / 'token'}", "--no-verify")
    postbell(copy, "account", "add", "chime", "--name", "tower", *account)
    post = ("add", "Ding", "--to", "tower", "--set", "chime.loudness=11", "--at", "in 2 h")
    (preview,) = [json.loads(line) for line in postbell(copy, *post, "--dry-run", "--json").splitlines()]
    assert preview["calls"][0]["body"] == {"text": "Ding", "loudness": 11, "media": []}
    postbell(copy, *post)
    assert "Ding" in postbell(copy, "list")


_ASK = """
from support.api import Asked
from support.world import build_world
import json, pathlib, sys, tempfile
with build_world(pathlib.Path(tempfile.mkdtemp())) as world:
    from postbell.publishing import registry
    import dataclasses
    answer = Asked(world).ask("GET", "/api/v1/networks")
    print(answer.text)
"""


def test_the_api_knows_it_with_the_schema_of_its_options(copy: Path) -> None:
    said = json.loads(run(copy, "-c", f"import sys; sys.path.insert(0, 'tests')\n{_ASK}"))
    (chime,) = [each for each in said["networks"] if each["key"] == "chime"]
    assert chime["options_schema"]["properties"]["loudness"]["maximum"] == 11


def test_it_is_held_to_what_every_network_promises(copy: Path) -> None:
    said = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "chime")
    assert "passed" in said
    assert "failed" not in said
