"""Connecting an account from a terminal, by a password that its site makes in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postbell.publishing.wordpress.handover import APP
from support.command import Command, with_accounts
from support.fake_wordpress import PASSWORD, USERNAME
from support.handing_wordpress import HandingWordPress
from support.served import served
from support.terminal import Terminal, at_terminal


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


@pytest.fixture
def site() -> Iterator[HandingWordPress]:
    made = HandingWordPress()
    with served(made) as url:
        made.fake.address = url
        yield made


def add(site: HandingWordPress, *more: str) -> tuple[str, ...]:
    return ("account", "add", "wordpress", "--name", "news", "--server", site.fake.address, *more)


def pages(terminal: Terminal) -> list[str]:
    """Return the page that sends the browser back, and the one that does not."""
    terminal.expect(f"{APP['app_id']}\n\n")
    found = re.findall(r"^  (http\S+)$", terminal.seen, re.MULTILINE)
    assert len(found) == 2, terminal.seen
    return found


def test_the_browser_brings_login_and_password(cli: Command, site: HandingWordPress) -> None:
    with at_terminal(cli, *add(site)) as terminal:
        back = site.say(pages(terminal)[0])
        assert httpx.get(back.replace("state=", "state=x"), trust_env=False).status_code == 404
        assert "Go back to the terminal" in httpx.get(back, trust_env=False).text
        terminal.read_all()
    assert "Connected news to WordPress: maria" in terminal.seen
    assert PASSWORD.replace(" ", "") not in terminal.seen
    values = cli.done("account", "show", "news", "--json").json["values"]
    assert values == {"username": USERNAME, "application_password": "***"}


def test_on_a_server_without_a_browser_the_address_is_pasted(cli: Command, site: HandingWordPress) -> None:
    with at_terminal(cli, *add(site)) as terminal:
        terminal.type(site.say(pages(terminal)[0]))
        terminal.read_all()
    assert "Connected news" in terminal.seen


def test_an_older_site_shows_a_password_to_paste_and_the_login_is_asked_for(
    cli: Command, site: HandingWordPress
) -> None:
    with at_terminal(cli, *add(site)) as terminal:
        terminal.type(site.say(pages(terminal)[1]))
        terminal.expect("username: ")
        terminal.type(USERNAME)
        terminal.read_all()
    assert "Connected news" in terminal.seen


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no", "the site gave no password: somebody said no there; begin again"),
        ("https://example.org/?state=x", "that is not the address that the browser was sent back to"),
        ("https://[/?state=x", "that is not the address that the browser was sent back to"),
    ],
)
def test_a_no_and_a_wrong_address_are_told_and_nothing_is_stored(
    cli: Command, site: HandingWordPress, said: str, told: str
) -> None:
    before = cli.stored()
    with at_terminal(cli, *add(site), code=7) as terminal:
        page = pages(terminal)[0]
        terminal.type(site.say(page, yes=False) if said == "no" else said)
        terminal.read_all()
    assert told in terminal.seen
    assert cli.stored() == before


def test_a_site_that_makes_no_passwords_is_told(cli: Command, site: HandingWordPress) -> None:
    site.fake.hands_over = False
    with at_terminal(cli, *add(site), code=7) as terminal:
        terminal.read_all()
    assert "has application passwords switched off" in " ".join(terminal.seen.split())


def test_a_bad_name_is_told_before_the_site_is_asked(cli: Command, site: HandingWordPress) -> None:
    with at_terminal(
        cli, "account", "add", "wordpress", "--name", "a b", "--server", "x", code=4
    ) as terminal:
        terminal.read_all()
    assert site.fake.requests == []


def test_a_password_that_is_given_needs_no_browser(cli: Command, site: HandingWordPress) -> None:
    with at_terminal(cli, *add(site, "--secret", "application_password")) as terminal:
        terminal.expect("application_password: ")
        terminal.type(PASSWORD)
        terminal.expect("username: ")
        terminal.type(USERNAME)
        terminal.read_all()
    assert "Open this page" not in terminal.seen
    assert "Connected news" in terminal.seen


def test_a_site_that_is_not_to_be_asked_makes_no_password(cli: Command, site: HandingWordPress) -> None:
    with at_terminal(cli, *add(site, "--no-verify", "--set", f"username={USERNAME}")) as terminal:
        terminal.expect("application_password: ")
        terminal.type(PASSWORD)
        terminal.read_all()
    assert "Stored news" in terminal.seen
    assert site.fake.requests == []


def test_an_account_is_connected_again_in_the_same_way(cli: Command, site: HandingWordPress) -> None:
    secret = cli.folder / "secret"
    secret.write_text("revoked")
    secret.chmod(0o600)
    given = ("--no-verify", "--set", f"username={USERNAME}", "--secret", f"application_password=@{secret}")
    cli.done(*add(site, *given))
    with at_terminal(cli, "account", "reconnect", "news") as terminal:
        terminal.type(site.say(pages(terminal)[1]))  # the login is known
        terminal.read_all()
    assert "Connected news to WordPress: maria" in terminal.seen
