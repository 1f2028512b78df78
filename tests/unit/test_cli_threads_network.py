"""Threads at the command line: how an account is connected, and files that it fetches itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, with_accounts
from support.consenting_threads import APP, REDIRECT
from support.fake_threads import TOKEN
from support.pictures import png, written
from support.terminal import at_terminal


ADD = ("account", "add", "threads", "--name", "bells")


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


@pytest.fixture
def token(cli: Command) -> Path:
    file = cli.folder / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return file


def test_who_gives_no_token_is_asked_for_the_app_and_told_where_to_consent(cli: Command) -> None:
    with at_terminal(cli, *ADD, code=7) as terminal:
        terminal.expect("client_id: ")
        terminal.type(APP)
        terminal.expect("client_secret: ")
        terminal.type("very-secret")
        terminal.expect("redirect_uri: ")
        terminal.type(REDIRECT)
        terminal.expect("press Enter")
        terminal.type(f"{REDIRECT}?code=a&state=wrong#_")
        terminal.read_all()
    assert f"The browser ends at {REDIRECT}, which need not be shown." in terminal.seen
    assert "https://threads.com/oauth/authorize?client_id=990602627938098&" in terminal.seen
    assert "that is not the address that the browser was sent back to" in terminal.seen
    assert "very-secret" not in terminal.seen


def test_an_account_that_was_connected_by_a_token_is_connected_again_by_one(
    cli: Command, token: Path
) -> None:
    cli.done(*ADD, "--no-verify", "--secret", f"access_token=@{token}")
    with at_terminal(cli, "account", "reconnect", "bells", "--no-verify") as terminal:
        terminal.expect("access_token: ")
        terminal.type("another")
        terminal.read_all()
    assert "client_id" not in terminal.seen
    assert "another" not in terminal.seen
    assert cli.done("account", "show", "bells", "--json").json["values"] == {"access_token": "***"}


def test_without_a_terminal_a_token_is_wanted(cli: Command) -> None:
    ran = cli(*ADD)
    assert ran.code == 4
    assert "--secret access_token: give it; or leave it out at a terminal" in ran.err


def test_files_need_a_public_address_and_that_is_said_when_the_post_is_written(
    cli: Command, token: Path
) -> None:
    cli.done(*ADD, "--no-verify", "--secret", f"access_token=@{token}")
    cat = written(cli.folder, "cat.png", png(400, 400))
    post = ("add", "Hello", "--to", "bells", "--at", "2099-01-01 12:00", "--media", f"{cat}=A cat")
    ran = cli(*post)
    assert ran.code == 4
    assert (
        "media (for bells): Threads fetches files itself, and Postbell is at no public address with https: "
        "set `public_url` under [api] in the configuration, or leave the files out." in ran.err
    )
    cli.config.write_text('[api]\npublic_url = "http://bells.example"\n')
    assert cli(*post).code == 4
    cli.config.write_text('[api]\npublic_url = "https://bells.example"\n')
    cli.done(*post)


def test_the_guide_leads_from_nothing_to_an_account(cli: Command) -> None:
    told = cli.done("networks", "threads").out
    for step in (
        "https://developers.facebook.com/apps",
        "Threads Tester",
        "User Token Generator",
        "account add threads --name NAME --secret access_token",
        "Redirect Callback",
        "public_url",
    ):
        assert step in told
