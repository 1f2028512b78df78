"""Secrets of accounts at rest: after they are encrypted none is in any byte of any file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.errors import BadConfig, DaemonRunning, DatabaseLocked, NoKey
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts import encryption
from postbell.services.accounts.encrypted import clear_copies, encryption_of
from postbell.services.accounts.vault import Vault, add_key
from postbell.services.sending.kept import keep_tokens
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import accounts
from postbell.store.lock import DaemonLock
from support.command import Command, with_accounts
from support.world import START


#: One for each place where a secret may lie; none is part of another.
CANARIES = ("canary-of-credentials", "canary-of-session", "canary-of-another-time", "canary-of-a-removed-one")
TOKENS = Tokens(
    access_token="canary-of-access",
    refresh_token="canary-of-refresh",
    issued_at=START,
    ends_at=START + timedelta(days=60),
    renews=True,
)
#: A secret of an account that `with_accounts` makes.
APP_PASSWORD = "aaaa-bbbb-cccc-dddd"


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    """Accounts with secrets, some of which were overwritten or deleted."""
    made = with_accounts(tmp_path)
    with made.store() as store:
        with store.write() as tx:
            sky = accounts.get_account(tx, "sky")
            session = {"refresh_jwt": CANARIES[2], "pad": CANARIES[2] * 2000}
            accounts.save_session(tx, sky.id, session)
        with store.write() as tx:
            accounts.save_session(tx, sky.id, {"refresh_jwt": CANARIES[1]})
            credentials = {"identifier": "alice.test", "app_password": CANARIES[0]}
            accounts.replace_credentials(tx, sky.id, server=None, credentials=credentials)
            accounts.save_session(tx, sky.id, {"refresh_jwt": CANARIES[1]})
            keep_tokens(tx, sky, Vault(), TOKENS)
        with store.write() as tx:
            gone = accounts.add_account(
                tx,
                name="gone",
                network="telegram",
                server=None,
                credentials={"bot_token": CANARIES[3] * 300},
                session={},
                handle=None,
                now=START,
            )
        with store.write() as tx:
            accounts.remove_account(tx, gone.name, START)
    return made


@pytest.fixture
def places(cli: Command) -> Places:
    return Places(data_dir=cli.data, config=cli.config)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    add_key(tmp_path / "secrets.key", START)
    return Vault(path=tmp_path / "secrets.key")


@pytest.fixture
def reader(cli: Command) -> Iterator[sqlite3.Connection]:
    """A program that is in the middle of reading."""
    with closing(sqlite3.connect(cli.data / "postbell.db", isolation_level=None)) as connection:
        yield connection


def canaries_in(folder: Path) -> set[str]:
    """Return which secrets lie in any byte of the database's own files."""
    files = [path for path in folder.rglob("*") if path.is_file() and "postbell" in path.name]
    assert files
    words = (*CANARIES, APP_PASSWORD, TOKENS.access_token, TOKENS.refresh_token)
    return {word for word in words for path in files if word.encode() in path.read_bytes()}


def credentials_of(cli: Command, vault: Vault, name: str = "sky") -> object:
    with cli.store() as store, store.read() as tx:
        return vault.credentials(accounts.get_account(tx, name))


def test_before_all_of_them_are_there_and_the_search_finds_them(cli: Command) -> None:
    assert {CANARIES[0], CANARIES[1], TOKENS.access_token, TOKENS.refresh_token} <= canaries_in(cli.data)


def test_afterwards_none_is_in_any_byte_of_the_database_its_log_or_free_pages(
    cli: Command, places: Places, vault: Vault
) -> None:
    with closing(sqlite3.connect(places.database)) as holder:  # keeps the log from being deleted
        holder.execute("SELECT count(*) FROM account").fetchall()
        assert encryption.encrypt(places, vault, now=START) == 2
        assert (cli.data / "postbell.db-wal").stat().st_size == 0
        assert canaries_in(cli.data) == set()
    assert canaries_in(cli.data) == set()
    assert credentials_of(cli, vault) == {"identifier": "alice.test", "app_password": CANARIES[0]}
    with cli.store() as store, store.read() as tx:
        sky = accounts.get_account(tx, "sky")
    assert (vault.session(sky), vault.tokens(sky)) == ({"refresh_jwt": CANARIES[1]}, TOKENS)
    assert (sky.tokens_end_at, sky.renew_at) == (TOKENS.ends_at, TOKENS.renew_at)


def test_a_backup_made_afterwards_holds_none(cli: Command, places: Places, vault: Vault) -> None:
    encryption.encrypt(places, vault, now=START)
    cli.done("db", "backup")
    assert list(places.backups.glob("*.db"))
    assert canaries_in(cli.data) == set()
    assert clear_copies(places) == []


def test_copies_from_before_are_named(cli: Command, places: Places, vault: Vault) -> None:
    cli.done("db", "backup")
    (saved,) = places.backups.glob("*.db")
    (cli.data / "replaced-x.db").write_bytes(b"no database at all, " * 100)
    encryption.encrypt(places, vault, now=START)
    assert clear_copies(places) == [saved]


def test_the_secrets_are_the_same_after_going_back(cli: Command, places: Places, vault: Vault) -> None:
    before = cli.stored()
    encryption.encrypt(places, vault, now=START)
    assert cli.stored() != before
    assert encryption.decrypt(places, vault, now=START) == 2
    assert cli.stored() == before


def test_a_new_key_takes_the_place_of_the_old_one(cli: Command, places: Places, vault: Vault) -> None:
    encryption.encrypt(places, vault, now=START)
    new = add_key(vault.path or Path(), START)
    fresh = Vault(path=vault.path)
    assert encryption.encrypt(places, fresh, now=START) == 2
    with cli.store() as store, store.read() as tx:
        assert list(encryption_of(accounts.list_accounts(tx)).encrypted) == [new.id]
    with pytest.raises(NoKey):
        credentials_of(cli, vault)


def test_to_encrypt_again_changes_nothing(cli: Command, places: Places, vault: Vault) -> None:
    encryption.encrypt(places, vault, now=START)
    before = cli.stored()
    assert encryption.encrypt(places, vault, now=START) == 0
    assert cli.stored() == before


def test_with_a_wrong_key_nothing_is_changed(
    cli: Command, places: Places, vault: Vault, tmp_path: Path
) -> None:
    encryption.encrypt(places, vault, now=START)
    before = cli.stored()
    add_key(tmp_path / "other.key", START)
    for go in (encryption.encrypt, encryption.decrypt):
        with pytest.raises(NoKey, match=r"other\.key holds another"):
            go(places, Vault(path=tmp_path / "other.key"), now=START)
    assert cli.stored() == before


def test_without_a_key_it_says_how_to_make_one(cli: Command, places: Places) -> None:
    with pytest.raises(BadConfig, match="postbell secrets new-key FILE"):
        encryption.encrypt(places, Vault(), now=START)


def test_it_is_not_done_under_a_daemon(cli: Command, places: Places, vault: Vault) -> None:
    lock, before = DaemonLock(cli.data), cli.stored()
    lock.acquire()
    try:
        with pytest.raises(DaemonRunning):
            encryption.encrypt(places, vault, now=START)
    finally:
        lock.release()
    assert cli.stored() == before


def test_a_program_that_reads_meanwhile_is_told_of_and_another_run_finishes(
    cli: Command, places: Places, vault: Vault, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbell.store.scrub.LOCK_WAIT", 0.1)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM account").fetchall()
    with pytest.raises(DatabaseLocked, match="End that program, then do this again"):
        encryption.encrypt(places, vault, now=START)
    reader.execute("COMMIT")
    assert encryption.encrypt(places, vault, now=START) == 0
    assert canaries_in(cli.data) == set()


def test_a_restored_backup_from_before_the_rotation_is_read_with_the_old_key(
    cli: Command, places: Places, vault: Vault
) -> None:
    encryption.encrypt(places, vault, now=START)
    cli.done("db", "backup")
    add_key(vault.path or Path(), START)
    encryption.encrypt(places, Vault(path=vault.path), now=START)
    (saved,) = places.backups.glob("*.db")
    upkeep.restore(places, saved, now=START)
    assert credentials_of(cli, Vault(path=vault.path)) == {
        "identifier": "alice.test",
        "app_password": CANARIES[0],
    }
