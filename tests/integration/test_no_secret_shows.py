"""Secrets in every field of every network, at DEBUG, with failures: none shows where it does not belong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.harness import LabHome, make_lab_home
from lab.program import lab_networks
from postbell.domain.account import Health
from postbell.publishing import registry
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts import accounts
from postbell.services.accounts.carrying import is_secret
from postbell.services.sending.kept import keep_tokens
from postbell.store import accounts as store_accounts
from support.command import Command
from support.consenting import OAuthServer, connect, oauth_server
from support.oauth_server import SECRET


#: What shows that a secret has got out; it stands in each of them.
CANARY = "canary"


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[OAuthServer]:
    """A server that answers each post with an error that quotes what it was sent."""
    with oauth_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
def lab(tmp_path: Path, echo: OAuthServer) -> LabHome:
    """A Postbell with an account of every network that has secrets, each of them a canary."""
    home = make_lab_home(tmp_path, '[log]\nlevel = "debug"\n')
    with home.app() as app:
        for key in registry.keys():  # noqa: SIM118 - a function
            network = registry.get(key)
            fields = network.Credentials.model_fields
            if key.startswith("lab_") or not any(is_secret(field.annotation) for field in fields.values()):
                continue
            accounts.add_account(
                app.ctx,
                network=key,
                name=f"my-{key}",
                server=echo.url if network.server != "none" else None,
                values=values_of(key, fields, echo.url),
                verify=False,
            )
        connect(app.ctx, echo, "consented")
        with app.ctx.store.write() as tx:
            for account in store_accounts.list_accounts(tx):
                if account.name != "consented":
                    held = Tokens(access_token=f"{CANARY}-access", issued_at=app.ctx.now())
                    keep_tokens(tx, account, app.ctx.vault, held)
    return home


def values_of(key: str, fields: Any, url: str) -> dict[str, str]:
    plain = {"url": f"{url}/hook", "chat": "@tower", "api": url}
    given = {}
    for name, field in fields.items():
        if is_secret(field.annotation):
            given[name] = f"X-Key: {CANARY}-{key}" if name == "headers" else f"{CANARY}-{key}-{name}"
        elif name in plain or field.is_required():
            given[name] = plain.get(name, "alice.test")
    if "bot_token" in given:
        given["bot_token"] = f"123456:{CANARY}" + "A" * 29
    return given


def everything_shown(lab: LabHome) -> dict[str, str]:
    """Return what every way of looking at it shows."""
    cli, shown = Command(lab.places.data_dir.parent), {"log": lab.log.read_text("utf-8")}
    looks: list[tuple[str, ...]] = [
        ("account", "list"),
        ("account", "check"),
        ("list",),
        ("status",),
        ("doctor",),
        ("doctor", "--online"),
        ("secrets", "show"),
        ("notify", "list"),
        ("next",),
        *(("account", "show", item["name"]) for item in cli("account", "list", "--json").lines),
        *(("show", item["id"]) for item in cli("list", "--json").lines),
        *(("log", item["id"]) for item in cli("list", "--json").lines),
        *(("networks", key) for key in registry.keys()),  # noqa: SIM118
    ]
    with lab_networks():
        for words in looks:
            for given in (("--verbose", *words), (*words, "--json")):
                ran = cli(*given)
                shown[" ".join(given)] = ran.out + ran.err
    return shown


def test_no_secret_shows_in_logs_errors_or_what_commands_print(lab: LabHome, echo: OAuthServer) -> None:
    names = [item["name"] for item in Command(lab.places.data_dir.parent)("account", "list", "--json").lines]
    assert len(names) >= 6, "five networks have secrets, and one is of the lab"
    echo.control(plan=[500, "html"], end_access=True, end_refresh=True)
    lab.add("Careless answers", to=",".join(names))
    lab.env["POSTBELL_RETRY__FIRST_WAIT_SECONDS"] = "0.1"
    with lab.daemon():
        lab.wait_for(lambda: "refused invalid_grant" in echo.journal)
        lab.wait_for(lambda: account(lab).health is Health.UNAUTHORIZED)
    assert echo.journal.count("echoed") >= 5, "each of the others was quoted what it had sent"
    hits = {
        where: said[max(0, said.find(word) - 200) : said.find(word) + 60]
        for where, said in everything_shown(lab).items()
        for word in (CANARY, SECRET, *tokens_of(lab))
        if word in said
    }
    assert hits == {}


def account(lab: LabHome) -> Any:
    with lab.app() as app:
        return accounts.get_account(app.ctx, "consented")


def tokens_of(lab: LabHome) -> list[str]:
    with lab.app() as app:
        found = app.ctx.vault.tokens(accounts.get_account(app.ctx, "consented"))
        assert found
        return [found.access_token, found.refresh_token]


def test_secrets_in_the_clear_are_in_the_database_alone(lab: LabHome) -> None:
    assert json.dumps(SECRET).encode() in b"".join(
        path.read_bytes() for path in lab.places.data_dir.glob("postbell.db*")
    )
    others = [path for path in lab.places.data_dir.rglob("*") if path.is_file()]
    others = [path for path in others if not path.name.startswith("postbell.db")]
    assert [path for path in others if CANARY.encode() in path.read_bytes()] == []
