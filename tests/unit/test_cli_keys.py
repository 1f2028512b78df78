"""`postbell key`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command import Command, with_accounts


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


def test_a_key_is_shown_once_and_is_nowhere_in_the_database(cli: Command) -> None:
    told = cli.done("key", "add", "--name", "phone", "--scope", "read", "--scope", "write")
    secret = told.out.strip()
    assert re.fullmatch(r"postbell_[a-z0-9]{6}_[a-z0-9]{54}", secret)
    assert "Authorization: Bearer" in told.err
    stored = b"".join(path.read_bytes() for path in cli.data.glob("postbell.db*"))
    assert secret[16:].encode() not in stored
    assert secret[:15].encode() in stored


def test_keys_are_listed_by_what_they_open(cli: Command) -> None:
    assert "no keys yet" in cli.done("key", "list").err
    words = ("--name", "phone", "--scope", "read", "--scope", "admin", "--expires", "in 90 d")
    added = cli.done("key", "add", *words, "--json").json
    assert added["key"].startswith(added["start"])
    listed = cli.done("key", "list").out
    assert re.search(r"phone +postbell_\w{6}_… +admin, read +never +20\d\d-", listed)
    assert cli.done("key", "list", "--json").json == {
        name: value for name, value in added.items() if name != "key"
    }
    assert added["expires_at"]


def test_a_revoked_key_is_gone_and_its_name_is_free(cli: Command) -> None:
    words = ("key", "add", "--name", "phone", "--scope", "read,write")
    cli.done(*words)
    ran = cli(*words)
    assert (ran.code, "There is a key named phone already" in ran.err) == (5, True)
    assert cli.done("key", "revoke", "phone").out == "Revoked phone.\n"
    ran = cli("key", "revoke", "phone")
    assert (ran.code, "There is no key named phone" in ran.err) == (3, True)
    cli.done(*words)
    assert cli.done("key", "revoke", "phone", "--json").json["name"] == "phone"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--name", "no spaces", "--scope", "read"], 4, "is no name for a key"),
        (["--name", "x", "--scope", "read,all"], 2, "all: there are read, write"),
        (["--name", "x"], 2, "Missing option '--scope'"),
        (["--name", "x", "--scope", "read", "--expires", "2020-01-01 00:00"], 4, "--expires"),
    ],
)
def test_what_makes_no_key_is_told(cli: Command, words: list[str], code: int, said: str) -> None:
    ran = cli("key", "add", *words)
    assert ran.code == code
    assert said in ran.err
