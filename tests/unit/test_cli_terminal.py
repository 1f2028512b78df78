"""The command line as somebody at a terminal meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command import Command, with_accounts
from support.terminal import at_terminal


GREEN = "\x1b[32m"


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


def test_an_account_is_added_with_a_guide_and_questions_and_the_secret_is_not_shown(cli: Command) -> None:
    with at_terminal(cli, "account", "add", "bluesky", "--name", "new", "--no-verify") as terminal:
        terminal.expect("identifier: ")
        terminal.type("alice.test")
        terminal.expect("app_password: ")
        terminal.type("hunter2")
    assert terminal.seen.startswith("Bluesky\n")
    assert "Stored new; " in terminal.seen
    assert "hunter2" not in terminal.seen
    assert '"hunter2"' in str(cli.stored()["account"])


def test_a_secret_that_is_not_required_is_asked_for_if_it_is_named(cli: Command) -> None:
    words = ("account", "add", "webhook", "--name", "hook", "--no-verify", "--set", "url=http://127.0.0.1/")
    with at_terminal(cli, *words, "--secret", "secret") as terminal:
        terminal.expect("secret: ")
        terminal.type("hunter2")
    assert '"hunter2"' in str(cli.stored()["account"])


def test_the_address_of_a_server_is_asked_for(cli: Command) -> None:
    words = ("account", "add", "wordpress", "--name", "blog", "--no-verify", "--set", "username=bell")
    with at_terminal(cli, "-q", *words) as terminal:
        terminal.expect("server: ")
        terminal.type("https://blog.example.org/")
        terminal.expect("password: ")
        terminal.type("hunter2")
    assert cli.done("account", "show", "blog", "--json").json["server"] == "https://blog.example.org"


def test_reconnecting_asks_for_the_secrets_alone(cli: Command) -> None:
    with at_terminal(cli, "account", "reconnect", "sky", "--no-verify") as terminal:
        terminal.expect("app_password: ")
        terminal.type("hunter2")
    assert "identifier" not in terminal.seen
    assert '"hunter2"' in str(cli.stored()["account"])


def test_a_question_can_be_broken_off(cli: Command) -> None:
    before = cli.stored()
    with at_terminal(cli, "account", "add", "bluesky", "--name", "new", code=130) as terminal:
        terminal.expect("identifier: ")
        terminal.type("\x03")
    assert terminal.seen.endswith("postbell: interrupted\n")
    assert cli.stored() == before


def test_nothing_is_asked_if_nobody_wants_to_be_asked(cli: Command) -> None:
    with at_terminal(cli, "--no-input", "account", "add", "bluesky", "--name", "new", code=4) as terminal:
        terminal.expect("--secret app_password: it is missing")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_post_is_deleted_only_after_a_yes(cli: Command, answer: str, code: int) -> None:
    post_id = cli.add("Hello", "--to", "site")
    with at_terminal(cli, "delete", post_id, code=code) as terminal:
        terminal.expect(f"Remove {post_id} for good: Hello? [y/N]: ")
        terminal.type(answer)
    assert ("Not confirmed; nothing was done." in terminal.seen) == bool(code)
    assert cli("show", post_id).code == (0 if code else 3)


def test_an_account_is_removed_only_after_a_yes(cli: Command) -> None:
    with at_terminal(cli, "account", "remove", "sky") as terminal:
        terminal.expect("Forget the account sky and its secrets? [y/N]: ")
        terminal.type("y")
    assert "Removed sky." in terminal.seen


def test_no_post_is_deleted_where_nobody_can_be_asked(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site")
    with at_terminal(cli, "--no-input", "delete", post_id, code=2) as terminal:
        terminal.expect("nobody can be asked; give --yes")
    cli.done("delete", post_id, "-y")


def test_states_are_coloured(cli: Command) -> None:
    with at_terminal(cli, "account", "list") as terminal:
        pass
    assert re.search(rf"site +folder +{re.escape(GREEN)}ok", terminal.seen)


@pytest.mark.parametrize(
    ("words", "env"), [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--no-color",), {})]
)
def test_states_are_not_coloured_where_nobody_wants_that(
    cli: Command, words: tuple[str, ...], env: dict[str, str]
) -> None:
    with at_terminal(cli, *words, "account", "list", env=env) as terminal:
        pass
    assert "\x1b" not in terminal.seen
