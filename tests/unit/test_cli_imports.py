"""What commands import: most of what a short command takes is that, so each imports what it uses alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.command import Command, with_accounts
from support.first_page import first_page_of_click


#: What only the daemon, or a command that asks a network, has a use for.
OF_NETWORKS = {"httpx", "httpcore", "h11", "aiohttp", "anyio", "apscheduler", "structlog", "apprise"}
OF_FEW = {"cryptography", "alembic", "mako", "PIL", "puremagic", "rich", "pygments", "fastapi", "cronsim"}
OF_THE_DATABASE = {"sqlmodel", "sqlalchemy", "sqlite3", "pydantic", "pydantic_settings", "asyncio", "ssl"}

_TELL = """
import sys
before = set(sys.modules)
from postbell.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print(*set(sys.modules) - before, file=sys.stderr)
"""


def modules(*words: str) -> set[str]:
    """Return the modules that a command has imported."""
    ran = subprocess.run(
        [sys.executable, "-c", _TELL, *words],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return set(ran.stderr.splitlines()[-1].split())


def loaded(*words: str) -> set[str]:
    """Return the packages that a command has imported."""
    return {name.partition(".")[0] for name in modules(*words)}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Command:
    made = with_accounts(tmp_path_factory.mktemp("imports"))
    made.add("First", "--to", "site", "--at", "in 3 d")
    return made


@pytest.mark.parametrize("word", ["--help", "-h", "--version"])
def test_the_first_page_and_the_version_are_told_without_any_package(word: str) -> None:
    assert loaded(word) & {"click", "json", "pathlib", *OF_NETWORKS, *OF_FEW, *OF_THE_DATABASE} == set()


def test_the_first_page_is_the_one_that_click_would_print(capsys: pytest.CaptureFixture[str]) -> None:
    from postbell.__main__ import main

    assert main(["--help"]) == 0
    mend = "write it anew: in the folder `tests`, `python -m support.first_page`"
    assert capsys.readouterr().out == first_page_of_click(), mend


@pytest.mark.parametrize(
    "words", [["nonsense"], [], ["list", "--help"], ["add", "--help"], ["run", "--help"]]
)
def test_help_and_wrong_usage_open_no_database(words: list[str]) -> None:
    assert loaded(*words) & {*OF_NETWORKS, *OF_FEW, *OF_THE_DATABASE} == set()


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["add", "Second"],
        ["add", "Third", "--to", "site", "--at", "in 2 d"],
        ["status"],
        ["next"],
        ["queue", "show"],
        ["account", "list"],
        ["account", "show", "site"],
        ["series", "list"],
        ["pause"],
        ["networks"],
    ],
)
def test_commands_on_the_database_import_nothing_that_asks_networks_or_migrates(
    cli: Command, words: list[str]
) -> None:
    options = ["--data-dir", str(cli.data), "--config", str(cli.config)]
    allowed = {"cronsim"}  # series bring it, and it is small
    assert loaded(*options, *words) & ({*OF_NETWORKS, *OF_FEW} - allowed) == set()


def test_what_makes_pictures_and_videos_fit_is_imported_where_there_are_some(cli: Command) -> None:
    options = ["--data-dir", str(cli.data), "--config", str(cli.config)]
    found = modules(*options, "add", "Fourth", "--to", "site", "--at", "in 2 d")
    rooms = {name.rpartition(".")[2] for name in found if name.startswith("postbell.services.media.")}
    assert rooms & {"fitting", "film_fitting", "films", "fit_fetched", "public_media", "ingest"} == set()


def test_the_help_that_names_the_networks_loads_none_of_them() -> None:
    loaded = modules("account", "add", "--help")
    assert "postbell.publishing.registry" in loaded
    assert [name for name in loaded if name.startswith("postbell.networks.")] == []
    assert not loaded & (OF_NETWORKS | OF_FEW | OF_THE_DATABASE)


def test_the_list_of_commands_does_not_look_for_networks() -> None:
    assert not {"postbell.publishing.registry", "postbell.networks"} & modules("--help")
