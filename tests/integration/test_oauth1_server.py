"""OAuth 1.0a against a real server of it that nobody here wrote, through a network of one file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lab.harness import LabHome, make_lab_home
from postbell.domain.access import Scope
from postbell.domain.account import Health
from postbell.domain.states import Outcome
from postbell.errors import Rejected, Unauthorized
from postbell.publishing.web.consent import Client
from postbell.publishing.web.oauth1 import Signer
from postbell.services.accounts import accounts, connecting
from postbell.services.accounts.keys import add_key
from support.command import Command
from support.consenting import REDIRECT, OAuthServer, oauth_server
from support.home import served
from support.oauth1_server import CLIENT, SECRET
from support.pictures import png
from support.terminal import Terminal, at_terminal


VALUES = {"client_id": CLIENT, "client_secret": SECRET}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OAuthServer]:
    with oauth_server(tmp_path / "server", "support.oauth1_server") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    return make_lab_home(tmp_path)


def ask(home: LabHome, server: OAuthServer) -> connecting.Asking:
    with home.app() as app:
        return connecting.ask(
            app.ctx, network="lab_signed", name="ann", server=server.url, values=VALUES, redirect=REDIRECT
        )


def take(home: LabHome, asking: connecting.Asking, said: str) -> connecting.Consent:
    with home.app() as app:
        return connecting.take(app.ctx, asking, said)


def connect(home: LabHome, server: OAuthServer) -> None:
    """Connect the account `ann` as a person does."""
    asking = ask(home, server)
    consent = take(home, asking, server.consent(asking.url))
    with home.app() as app:
        accounts.add_account(
            app.ctx, network="lab_signed", name="ann", server=server.url, values=VALUES, tokens=consent.tokens
        )


@contextmanager
def terminal(home: LabHome, *words: str, code: int = 0) -> Iterator[Terminal]:
    command = Command(home.places.data_dir.parent)
    with at_terminal(command, *words, code=code, program=(sys.executable, *home.program)) as running:
        yield running


def page(running: Terminal, after: str) -> str:
    """Return the page that the person is to open."""
    running.expect(after)
    return str(re.findall(r"^  (http\S+)$", running.seen, re.MULTILINE)[-1])


def add(server: OAuthServer, network: str = "lab_signed") -> tuple[str, ...]:
    known = f"client_id={CLIENT}"
    return ("account", "add", network, "--name", "ann", "--server", server.url, "--set", known)


# What the server holds us to


def test_who_consents_in_the_browser_can_publish(home: LabHome, server: OAuthServer, tmp_path: Path) -> None:
    connect(home, server)
    assert server.journal == ["/initiate", "authorize", "/token", "/me"]
    post = home.add("Signed & sealed, 100 % ünïcode", to="ann")
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert server.journal[4:] == ["/drafts", "/posts"]
    assert server.published == ["Signed & sealed, 100 % ünïcode"]


def test_a_verifier_works_once_and_no_other_does(home: LabHome, server: OAuthServer) -> None:
    asking = ask(home, server)
    address = server.consent(asking.url)
    with pytest.raises(Rejected, match="gave no token for the code"):
        take(home, asking, re.sub("oauth_verifier=[^&]*", "oauth_verifier=wrong-wrong-wrong", address))
    take(home, asking, address)
    with pytest.raises(Rejected, match="gave no token for the code"):
        take(home, asking, address)


def test_the_answer_to_somebody_else_s_request_is_not_taken(home: LabHome, server: OAuthServer) -> None:
    mine, other = ask(home, server), ask(home, server)
    with pytest.raises(Rejected, match="that is not the address"):
        take(home, mine, server.consent(other.url))
    assert server.journal == ["/initiate", "/initiate", "authorize"]


def test_a_wrong_secret_of_the_client_is_refused_and_what_to_look_at_is_said(
    home: LabHome, server: OAuthServer
) -> None:
    values = {**VALUES, "client_secret": "canary-wrong-secret"}
    with (
        home.app() as app,
        pytest.raises(Unauthorized, match="whether client_id and client_secret are right"),
    ):
        connecting.ask(
            app.ctx, network="lab_signed", name="ann", server=server.url, values=values, redirect=REDIRECT
        )


def test_a_replayed_nonce_a_wrong_signature_and_another_body_are_refused(
    home: LabHome, server: OAuthServer
) -> None:
    connect(home, server)
    with home.app() as app:
        tokens = app.ctx.vault.tokens(accounts.get_account(app.ctx, "ann"))
        assert tokens
        client = Client(id=CLIENT, secret=SECRET)
        signer = Signer(
            client=client, token=tokens.access_token, secret=tokens.secret, now=app.ctx.now(), nonce="n" * 20
        )
        forged = Signer(client=client, token=tokens.access_token, secret="guessed", now=app.ctx.now())
    form = {"key": "k", "text": "Once"}
    with httpx.Client(trust_env=False, timeout=60) as browser:

        def send(by: Signer, instead: dict[str, str] | None = None) -> int:
            request = browser.build_request("POST", f"{server.url}/posts?a=b%20c", data=form)
            by.sign(request)
            if instead:
                changed = browser.build_request("POST", request.url, data=instead)
                changed.headers["authorization"] = request.headers["authorization"]
                request = changed
            return browser.send(request).status_code

        assert [send(signer), send(signer), send(forged)] == [200, 401, 401]
        other = Signer(client=client, token=tokens.access_token, secret=tokens.secret, now=signer.now)
        assert send(other, {"key": "k", "text": "Twice"}) == 401
    assert server.published == ["Once"]


def test_a_token_that_was_taken_back_holds_the_account_and_a_new_consent_lets_its_posts_go(
    home: LabHome, server: OAuthServer
) -> None:
    connect(home, server)
    server.control(end_access=True)
    post = home.add("Later", to="ann")

    def health() -> Health:
        with home.app() as app:
            return accounts.get_account(app.ctx, "ann").health

    with home.daemon():
        home.wait_for(lambda: health() is Health.UNAUTHORIZED)
        assert home.states() == {"scheduled": 1}
        with terminal(home, "account", "reconnect", "ann") as person:
            assert "Go back to the terminal" in _opened(page(person, "paste the address of that page here"))
            person.read_all()
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert server.published == ["Later"]


def test_a_token_of_one_s_own_needs_no_browser_and_gives_way_to_a_consent(
    home: LabHome, server: OAuthServer
) -> None:
    asking = ask(home, server)
    own = take(home, asking, server.consent(asking.url)).tokens
    given = {**VALUES, "access_token": own.access_token, "token_secret": own.secret}
    with home.app() as app:
        made, _ = accounts.add_account(
            app.ctx, network="lab_signed", name="ann", server=server.url, values=given
        )
        assert (made.handle, app.ctx.vault.tokens(made)) == ("alice", None)
    again = ask(home, server)
    new = take(home, again, server.consent(again.url)).tokens
    with home.app() as app:
        accounts.reconnect_account(app.ctx, "ann", server=None, values={}, tokens=new)
        found = accounts.get_account(app.ctx, "ann")
        assert (dict(app.ctx.vault.credentials(found)), app.ctx.vault.tokens(found)) == (VALUES, new)


# The whole way of a network that is one file


def test_from_account_add_at_a_terminal_to_a_post_by_the_api(
    home: LabHome, server: OAuthServer, tmp_path: Path
) -> None:
    with terminal(home, *add(server)) as person:
        person.expect("client_secret: ")
        person.type(SECRET)
        address = page(person, "paste the address of that page here")
        assert "Go back to the terminal" in _opened(address)
        person.read_all()
    assert "Connected ann to Signet: alice" in person.seen
    assert not [word for word in ("canary", "oauth_token_secret") if word in person.seen]
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0"}
    with home.app() as app:
        key = add_key(app.ctx, name="test", scopes=(Scope.READ, Scope.WRITE, Scope.PUBLISH))[1]
    picture = tmp_path / "bell.png"
    picture.write_bytes(png(40, 30))
    with (
        served(home) as url,
        httpx.Client(trust_env=False, headers={"authorization": f"Bearer {key}"}, timeout=60) as program,
    ):
        asked = {"text": "By a program", "to": ["ann"], "publish_now": True}
        made = program.post(f"{url}/api/v1/posts", json=asked)
        assert made.status_code == 201, made.text
        home.wait_for(lambda: home.states() == {"processed": 1})
        told = program.get(f"{url}/api/v1/posts/{made.json()['id']}").json()
        assert told["outcome"] == "published"
        home.run("add", "By a person", "--to", "ann", "--at", "now", "--media", f"{picture}=A bell")
        home.wait_for(lambda: home.states() == {"processed": 2})
    assert server.published == ["By a person", "By a program"]
    assert server.control()["files"] == ["multipart/form-data"]


def test_on_a_server_without_a_browser_the_address_is_pasted(home: LabHome, server: OAuthServer) -> None:
    with terminal(home, *add(server)) as person:
        person.expect("client_secret: ")
        person.type(SECRET)
        person.type(server.consent(page(person, "paste the address of that page here")))
        person.read_all()
    assert "Connected ann" in person.seen


def test_where_the_network_shows_a_code_that_is_typed(home: LabHome, server: OAuthServer) -> None:
    with terminal(home, *add(server, "lab_typed")) as person:
        person.expect("client_secret: ")
        person.type(SECRET)
        shown = _opened(page(person, "The page shows a code then. Type it here, and press Enter."))
        person.type(shown.rpartition(" ")[2])
        person.read_all()
    assert "Connected ann" in person.seen


def _opened(address: str) -> str:
    """Open a page as a browser does, that follows where it is sent."""
    return httpx.get(address, trust_env=False, follow_redirects=True, timeout=60).text
