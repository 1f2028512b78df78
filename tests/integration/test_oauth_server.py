"""OAuth against a real server of it that nobody here wrote: its PKCE, its rotated tokens, its silence.

Kills, bad days and what only a person can renew are in tests/contract/test_contract_logins_daemon.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lab.harness import LabHome, make_lab_home
from postbell.clock import SystemClock
from postbell.domain.account import Account, Health
from postbell.domain.states import Outcome
from postbell.errors import Unauthorized
from postbell.publishing.web.oauth import Request
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts import accounts, connecting
from postbell.services.accounts.vault import add_key
from postbell.services.sending.kept import keep_tokens
from postbell.store.accounts import get_account
from support.consenting import REDIRECT, VALUES, OAuthServer, connect, oauth_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OAuthServer]:
    with oauth_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    home = make_lab_home(tmp_path)
    home.env |= {"POSTBELL_RETRY__FIRST_WAIT_SECONDS": "0.2"}
    return home


@pytest.fixture
def lab(home: LabHome, server: OAuthServer) -> LabHome:
    """A Postbell with the account `ann`, connected by consent."""
    with home.app() as app:
        connect(app.ctx, server)
    return home


def account(lab: LabHome) -> Account:
    with lab.app() as app:
        return accounts.get_account(app.ctx, "ann")


def tokens(lab: LabHome) -> Tokens:
    with lab.app() as app:
        found = app.ctx.vault.tokens(accounts.get_account(app.ctx, "ann"))
        assert found
        return found


def tries(lab: LabHome, post: str) -> int:
    return sum(delivery.tries for delivery in lab.post(post).deliveries)


def since_connected(server: OAuthServer) -> list[str]:
    return server.journal[2:]


def end_soon(lab: LabHome) -> None:
    """Let the stored token be due for renewal, and nearly at its end."""
    with lab.app() as app, app.ctx.store.write() as tx:
        found, now = get_account(tx, "ann"), app.ctx.now()
        old = app.ctx.vault.tokens(found)
        assert old
        aged = replace(old, issued_at=now - timedelta(hours=1), ends_at=now + timedelta(minutes=5))
        keep_tokens(tx, found, app.ctx.vault, aged)


def test_who_consents_in_the_browser_can_publish(lab: LabHome, server: OAuthServer) -> None:
    assert server.journal == ["authorize", "token authorization_code"]
    assert account(lab).handle == "alice"
    assert account(lab).tokens_end_at is not None
    post = lab.add("Hello", to="ann")
    with lab.daemon():
        lab.wait_for(lambda: lab.states() == {"processed": 1})
    assert lab.post(post).outcome is Outcome.PUBLISHED
    assert since_connected(server) == ["/drafts Hello", "/posts Hello"]


def test_a_wrong_verifier_is_refused_by_the_server(home: LabHome, server: OAuthServer) -> None:
    with home.app() as app:
        asking = connecting.ask(
            app.ctx, network="lab_consent", name="ann", server=server.url, values=VALUES, redirect=REDIRECT
        )
        address = server.consent(asking.url)
        assert isinstance(asking.question, Request)
        forged = replace(asking, question=replace(asking.question, verifier="x" * 43))
        with pytest.raises(Unauthorized, match="invalid_grant"):
            connecting.take(app.ctx, forged, address)
    assert server.journal[-1] == "refused invalid_grant"


def test_a_code_works_once(home: LabHome, server: OAuthServer) -> None:
    with home.app() as app:
        asking = connecting.ask(
            app.ctx, network="lab_consent", name="ann", server=server.url, values=VALUES, redirect=REDIRECT
        )
        address = server.consent(asking.url)
        connecting.take(app.ctx, asking, address)
        with pytest.raises(Unauthorized, match="invalid_grant"):
            connecting.take(app.ctx, asking, address)


def test_a_token_is_traded_in_before_it_ends_without_a_post(lab: LabHome, server: OAuthServer) -> None:
    before = tokens(lab)
    end_soon(lab)
    with lab.daemon():
        lab.wait_for(lambda: "login_renewed" in lab.tail())
    after = tokens(lab)
    assert after.access_token != before.access_token
    assert after.refresh_token not in ("", before.refresh_token)
    assert since_connected(server) == ["token refresh_token"]
    with lab.daemon():
        pass
    assert since_connected(server) == ["token refresh_token"], "it is not due any more"


def test_a_token_that_ends_in_mid_publish_is_traded_in_and_the_post_goes_on(
    lab: LabHome, server: OAuthServer
) -> None:
    server.control(ends_between_steps=True)
    post = lab.add("Half way", to="ann")
    with lab.daemon():
        lab.wait_for(lambda: lab.states() == {"processed": 1})
    assert lab.post(post).outcome is Outcome.PUBLISHED
    assert tries(lab, post) == 1
    assert since_connected(server) == [
        "/drafts Half way",
        "/posts Half way refused",
        "token refresh_token",
        "/posts Half way",
    ]


def test_where_a_key_is_given_no_token_was_ever_in_a_byte_of_the_database(
    home: LabHome, server: OAuthServer, tmp_path: Path
) -> None:
    add_key(tmp_path / "secrets.key", SystemClock().now())
    home.places.config.write_text(f'[secrets]\nkey_file = "{tmp_path / "secrets.key"}"\n')
    with home.app() as app:
        connect(app.ctx, server)
    seen = [tokens(home)]
    end_soon(home)
    home.add("In secret", to="ann")
    with home.daemon():
        home.wait_for(lambda: "login_renewed" in home.log.read_text())
        home.wait_for(lambda: home.states() == {"processed": 1})
        everything = b"".join(path.read_bytes() for path in home.places.data_dir.rglob("postbell*"))
    seen.append(tokens(home))
    everything += b"".join(path.read_bytes() for path in home.places.data_dir.rglob("*.db*"))
    words = [word for each in seen for word in (each.access_token, each.refresh_token)]
    assert len(set(words)) == 4
    assert [word for word in (*words, *VALUES.values()) if word.encode() in everything] == []
    assert server.published == ["In secret"]


def test_many_posts_of_several_accounts_trade_each_token_in_once(lab: LabHome, server: OAuthServer) -> None:
    with lab.app() as app:
        connect(app.ctx, server, "bob")
    before = len(server.journal)
    server.control(end_access=True)
    for number in range(6):
        lab.add(f"Post {number}", to="ann,bob")
    with lab.daemon():
        lab.wait_for(lambda: lab.states() == {"processed": 12})
    assert server.journal[before:].count("token refresh_token") == 2
    assert len(server.published) == 12


def test_a_refresh_token_that_is_not_given_anew_stays(lab: LabHome, server: OAuthServer) -> None:
    server.control(rotates=False, refreshes=False)
    before = tokens(lab)
    end_soon(lab)
    with lab.daemon():
        lab.wait_for(lambda: "login_renewed" in lab.tail())
    after = tokens(lab)
    assert after.access_token != before.access_token
    assert after.refresh_token == before.refresh_token
    assert after.renews


def test_a_server_that_hangs_disconnects_nobody(lab: LabHome, server: OAuthServer) -> None:
    lab.env |= {"POSTBELL_HTTP__DEADLINE_SECONDS": "0.5"}
    server.control(plan=["hang"], end_access=True)
    lab.add("Patience", to="ann")
    with lab.daemon():
        lab.wait_for(lambda: lab.states() == {"processed": 1})
    assert account(lab).health is Health.OK
    assert server.published == ["Patience"]


def test_a_renewal_that_only_a_person_can_help_is_told_before_a_post_needs_it(
    lab: LabHome, server: OAuthServer, tmp_path: Path
) -> None:
    told = tmp_path / "told.txt"
    lab.places.config.write_text(f"[notify]\ncommand = ['tee', '-a', '{told}']\ngather_seconds = 0\n")
    end_soon(lab)
    server.control(end_refresh=True)
    with lab.daemon():
        lab.wait_for(lambda: account(lab).health is Health.UNAUTHORIZED)
        lab.wait_for(lambda: told.exists() and "invalid_grant" in told.read_text())
    assert "postbell account reconnect ann" in told.read_text()


def test_what_is_stored_between_answer_and_kill_is_used_after_it(lab: LabHome, server: OAuthServer) -> None:
    server.control(end_access=True)
    lab.add("Stored in time", to="ann")
    lab.crash_at("answered")
    before = server.journal
    with lab.daemon():
        lab.wait_for(lambda: lab.states() == {"processed": 1})
    assert "token refresh_token" in before
    assert "token refresh_token" not in server.journal[len(before) :]
    assert server.published == ["Stored in time"]
