"""Accounts are connected at another machine as they are on it: what opens a network stays there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.command import Command, with_accounts
from support.consenting_mastodon import ConsentingMastodon
from support.elsewhere import Two, told, two_in
from support.fake_wordpress import PASSWORD, USERNAME
from support.handing_wordpress import HandingWordPress
from support.served import served
from support.terminal import Terminal, at_terminal


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_in(tmp_path_factory.mktemp("remote")) as made:
        yield made


@pytest.fixture
def away(tmp_path: Path) -> Command:
    """A machine with a database of its own, which is not to change."""
    return with_accounts(tmp_path)


@pytest.fixture
def mastodon() -> Iterator[ConsentingMastodon]:
    made = ConsentingMastodon()
    with served(made) as url:
        made.url = url
        yield made


@pytest.fixture
def site() -> Iterator[HandingWordPress]:
    made = HandingWordPress()
    with served(made) as url:
        made.fake.address = url
        yield made


def there(two: Two, *words: str) -> tuple[str, ...]:
    return ("--remote", two.url, "--key-file", str(two.key_file), *words)


def page(terminal: Terminal) -> str:
    """Return the first page that the person is to open."""
    terminal.expect("paste the address of that page here")
    found = re.search(r"^  (http\S+)$", terminal.seen, re.MULTILINE)
    assert found, terminal.seen
    return found[1]


def test_accounts_are_connected_and_reconnected_alike(two: Two, tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "third"
    secret.write_text("abcd-efgh-ijkl-mnop")
    secret.chmod(0o600)
    folder.mkdir()
    given = ("--set", "identifier=a.example.org", "--secret", f"app_password=@{secret}")
    nobody = ("--server", "http://127.0.0.1:1")
    words = [
        ("account", "add", "folder", "--name", "third", "--set", f"path={folder}"),
        ("account", "add", "folder", "--name", "third", "--set", f"path={folder}"),
        ("account", "reconnect", "third", "--set", f"path={folder}", "--json"),
        ("account", "reconnect", "third", "--set", "wrong=x"),
        ("account", "reconnect", "third", "--set", f"path={tmp_path / 'none'}"),
        ("account", "show", "third", "--json"),
        ("account", "add", "folder", "--name", "no name", "--server", "x"),
        ("account", "add", "nowhere", "--name", "third"),
        ("account", "add", "bluesky", "--name", "sky", "--set", "app_password=abcd"),
        ("account", "add", "bluesky", "--name", "sky", "--secret", "app_password"),
        ("account", "add", "bluesky", "--name", "sky", *nobody, *given),
        ("account", "add", "bluesky", "--name", "sky", *nobody, *given, "--no-verify", "--json"),
        ("account", "reconnect", "sky", *given, "--no-verify"),
        ("account", "reconnect", "sky", *given),
        ("account", "reconnect", "nobody", *given),
        ("account", "show", "sky"),
        ("account", "add", "mastodon", "--name", "toots", *nobody),
    ]
    for each in words:
        here = told(two.here(*each))
        if here[0] == 0 and each[1] == "add":
            two.here("account", "remove", each[4], "--yes")
        assert told(two.there(*each)) == here, each
    for name in ("third", "sky"):
        assert two.there("account", "remove", name, "--yes").code == 0


def test_the_browser_comes_back_to_the_machine_of_who_asks(
    two: Two, away: Command, mastodon: ConsentingMastodon
) -> None:
    before = away.stored()
    add = there(two, "account", "add", "mastodon", "--name", "toots", "--server", mastodon.url)
    with at_terminal(away, *add) as terminal:
        back = mastodon.consent(page(terminal))
        assert "Go back to the terminal" in httpx.get(back, trust_env=False, timeout=60).text
        terminal.read_all()
    assert "Connected toots to Mastodon: @alice@" in terminal.seen
    assert away.stored() == before
    shown = two.same("account", "show", "toots")
    assert "mastodon-client" in shown
    assert "canary-mastodon-secret" not in shown + terminal.seen
    with at_terminal(away, *there(two, "account", "reconnect", "toots")) as terminal:
        terminal.type(mastodon.consent(page(terminal)))  # from a browser elsewhere it is pasted
        terminal.read_all()
    assert "Connected toots" in terminal.seen
    assert two.there("account", "remove", "toots", "--yes").code == 0


def test_a_wrong_address_is_told_and_nothing_is_stored(
    two: Two, away: Command, mastodon: ConsentingMastodon
) -> None:
    add = there(two, "account", "add", "mastodon", "--name", "toots", "--server", mastodon.url)
    with at_terminal(away, *add, code=7) as terminal:
        page(terminal)
        terminal.type("https://example.org/?code=x&state=y")
        terminal.read_all()
    assert "that is not the address that the browser was sent back to" in terminal.seen
    assert two.here("account", "show", "toots").code == 3


def test_a_site_hands_its_password_over_to_the_other_machine(
    two: Two, away: Command, site: HandingWordPress
) -> None:
    add = there(two, "account", "add", "wordpress", "--name", "news", "--server", site.fake.address)
    with at_terminal(away, *add) as terminal:
        httpx.get(site.say(page(terminal)), trust_env=False, timeout=60)
        terminal.read_all()
    assert "Connected news to WordPress: maria" in terminal.seen
    with at_terminal(away, *there(two, "account", "reconnect", "news")) as terminal:
        page(terminal)
        terminal.type(PASSWORD)  # as another page of the site shows it
        terminal.read_all()
    assert "Connected news" in terminal.seen
    assert USERNAME in two.same("account", "show", "news")
    assert two.there("account", "remove", "news", "--yes").code == 0
