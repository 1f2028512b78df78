"""Connecting an account from a terminal, by consent in a browser."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from postbell.cli import consent
from postbell.errors import Unavailable
from postbell.services.posts.redirect import RedirectListener
from support.command import Command, with_accounts
from support.consenting_mastodon import ConsentingMastodon
from support.served import served
from support.terminal import Terminal, at_terminal


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


@pytest.fixture
def mastodon() -> Iterator[ConsentingMastodon]:
    made = ConsentingMastodon()
    with served(made) as url:
        made.url = url
        yield made


def add(mastodon: ConsentingMastodon, *more: str) -> tuple[str, ...]:
    return ("account", "add", "mastodon", "--name", "toots", "--server", mastodon.url, *more)


def page(terminal: Terminal) -> str:
    """Return the page that the person is to open."""
    terminal.expect("paste the address of that page here")
    found = re.search(r"^  (http\S+)$", terminal.seen, re.MULTILINE)
    assert found, terminal.seen
    return found[1]


def test_the_browser_comes_back_by_itself(cli: Command, mastodon: ConsentingMastodon) -> None:
    with at_terminal(cli, *add(mastodon)) as terminal:
        back = mastodon.consent(page(terminal))
        httpx.get(back.replace("state=", "state=wrong"), trust_env=False)
        assert "Go back to the terminal" in httpx.get(back, trust_env=False).text
        terminal.read_all()
    assert "Connected toots to Mastodon: @alice@" in terminal.seen
    assert "code-1" not in terminal.seen
    assert cli.done("account", "show", "toots", "--json").json["handle"].startswith("@alice@")


def test_on_a_server_without_a_browser_the_address_is_pasted(
    cli: Command, mastodon: ConsentingMastodon
) -> None:
    with at_terminal(cli, *add(mastodon)) as terminal:
        back = mastodon.consent(page(terminal))
        terminal.type("")
        terminal.type(back)
        terminal.read_all()
    assert "Connected toots" in terminal.seen


def test_a_wrong_address_is_told_and_nothing_is_stored(cli: Command, mastodon: ConsentingMastodon) -> None:
    before = cli.stored()
    with at_terminal(cli, *add(mastodon), code=7) as terminal:
        page(terminal)
        terminal.type("https://example.org/?code=x&state=y")
        terminal.read_all()
    assert "that is not the address that the browser was sent back to" in terminal.seen
    assert cli.stored() == before


def test_a_pasted_token_needs_no_browser(cli: Command, mastodon: ConsentingMastodon) -> None:
    with at_terminal(cli, *add(mastodon, "--no-verify", "--secret", "access_token")) as terminal:
        terminal.expect("access_token: ")
        terminal.type("very-secret")
        terminal.read_all()
    assert "Open this page" not in terminal.seen
    assert "Stored toots" in terminal.seen


def test_an_account_is_connected_again_in_the_same_way(cli: Command, mastodon: ConsentingMastodon) -> None:
    secret = cli.folder / "secret"
    secret.write_text("pasted")
    secret.chmod(0o600)
    cli.done(*add(mastodon, "--no-verify", "--secret", f"access_token=@{secret}"))
    with at_terminal(cli, "account", "reconnect", "toots") as terminal:
        httpx.get(mastodon.consent(page(terminal)), trust_env=False)
        terminal.read_all()
    assert "Connected toots" in terminal.seen
    values = cli.done("account", "show", "toots", "--json").json["values"]
    assert values == {"client_id": "mastodon-client", "client_secret": "***"}


def test_where_nobody_can_be_asked_a_token_is_wanted(cli: Command, mastodon: ConsentingMastodon) -> None:
    ran = cli(*add(mastodon))
    assert ran.code == 4
    assert (
        "--secret access_token: give it; or leave it out at a terminal, and consent in the browser" in ran.err
    )


@contextmanager
def typing(monkeypatch: pytest.MonkeyPatch, words: bytes) -> Iterator[RedirectListener]:
    """Let somebody type this and then nothing any more, while a browser is waited for."""
    reading, writing = os.pipe()
    os.write(writing, words)
    os.close(writing)
    with RedirectListener() as listener, open(reading) as keyboard:  # noqa: PTH123 - a pipe has no path
        monkeypatch.setattr("sys.stdin", keyboard)
        listener.expect("right")
        yield listener


def test_a_person_who_does_not_come_back_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "_PATIENCE", 0.2)
    with typing(monkeypatch, b"") as listener, pytest.raises(Unavailable, match="Nobody has consented"):
        consent._wait(listener)


def test_what_is_pasted_is_taken_and_an_empty_line_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with typing(monkeypatch, b"\nhttp://127.0.0.1/?code=a\n") as listener:
        assert consent._wait(listener) == "http://127.0.0.1/?code=a"


def test_the_browser_is_waited_for_though_nobody_can_paste_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    with typing(monkeypatch, b"") as listener:
        address = f"{listener.address}?state=right&code=a"
        browser = threading.Thread(target=lambda: httpx.get(address, trust_env=False))
        browser.start()
        assert consent._wait(listener) == address
        browser.join()
