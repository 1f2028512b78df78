"""What encrypts the secrets of accounts, and the file of its keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.domain.account import Account
from postbell.errors import BadConfig, NoKey
from postbell.services.accounts.vault import Vault, add_key, find_vault, read_keys, require_key, require_open
from postbell.settings import Places, load_settings


NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SECRET = {"password": "canary", "chat": "@tower"}
ANN = Account(id=7, name="ann", network="fake", created_at=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    add_key(tmp_path / "secrets.key", NOW)
    return tmp_path / "secrets.key"


@pytest.fixture
def vault(path: Path) -> Vault:
    return Vault(path=path)


def test_what_was_encrypted_is_decrypted_and_tells_nothing(vault: Vault) -> None:
    stored = vault.encrypt(SECRET, ANN, "credentials")
    assert isinstance(stored, str)
    assert "canary" not in stored
    assert vault.credentials(replace(ANN, credentials=stored)) == SECRET


def test_the_same_is_never_encrypted_twice_alike(vault: Vault) -> None:
    assert vault.encrypt(SECRET, ANN, "credentials") != vault.encrypt(SECRET, ANN, "credentials")


def test_without_a_key_all_is_stored_as_it_is() -> None:
    vault = Vault()
    assert vault.encrypt(SECRET, ANN, "credentials") is SECRET
    assert vault.session(replace(ANN, session=SECRET)) is SECRET


def test_where_there_is_no_secret_nothing_is_encrypted(vault: Vault) -> None:
    assert vault.encrypt({}, ANN, "session") == {}


def test_a_secret_cannot_be_moved_to_another_account(vault: Vault) -> None:
    stored = vault.encrypt(SECRET, ANN, "credentials")
    with pytest.raises(NoKey, match=r"account bob cannot be decrypted: .* belongs to another account"):
        vault.credentials(replace(ANN, id=8, name="bob", credentials=stored))


def test_a_session_cannot_be_passed_off_as_credentials(vault: Vault) -> None:
    stored = vault.encrypt(SECRET, ANN, "session")
    with pytest.raises(NoKey, match="cannot be decrypted"):
        vault.credentials(replace(ANN, credentials=stored))


@pytest.mark.parametrize("at", [20, 30, -3])
def test_one_changed_character_is_noticed(vault: Vault, at: int) -> None:
    stored = str(vault.encrypt(SECRET, ANN, "credentials"))
    changed = stored[:at] + ("A" if stored[at] != "A" else "B") + stored[at:][1:]
    with pytest.raises(NoKey, match="postbell account reconnect ann"):
        vault.credentials(replace(ANN, credentials=changed))


def test_a_missing_key_is_told_with_what_to_do(vault: Vault) -> None:
    locked = replace(ANN, credentials=vault.encrypt(SECRET, ANN, "credentials"))
    with pytest.raises(NoKey, match=f"with key {vault.keys[0].id}, and no key is given. Give the file"):
        Vault().credentials(locked)


def test_a_wrong_key_is_told_with_its_file(vault: Vault, tmp_path: Path) -> None:
    locked = replace(ANN, session=vault.encrypt(SECRET, ANN, "session"))
    other = add_key(tmp_path / "other.key", NOW)
    with pytest.raises(NoKey, match=rf"other.key holds another \({other.id}\). Put the line"):
        require_open(Vault(path=tmp_path / "other.key"), [ANN, locked])


def test_a_form_of_another_version_is_told() -> None:
    with pytest.raises(NoKey, match="another version of Postbell"):
        Vault().credentials(replace(ANN, credentials="rot13:pnanel"))


def test_a_new_key_encrypts_and_the_old_one_still_decrypts(path: Path) -> None:
    before = Vault(path=path)
    old = replace(ANN, credentials=before.encrypt(SECRET, ANN, "credentials"))
    new = add_key(path, NOW)
    after = Vault(path=path)
    assert [key.id for key in after.keys] == [new.id, before.keys[0].id]
    assert after.credentials(old) == SECRET
    assert not after.is_current(old.credentials)
    assert after.is_current(after.encrypt(SECRET, ANN, "credentials"))


def test_what_is_current_depends_on_whether_a_key_is_given(vault: Vault) -> None:
    encrypted = vault.encrypt(SECRET, ANN, "credentials")
    assert [Vault().is_current(it) for it in (SECRET, {}, encrypted)] == [True, True, False]
    assert [vault.is_current(it) for it in (SECRET, {}, encrypted)] == [False, True, True]


def test_nothing_is_stored_in_the_clear_beside_what_is_encrypted(vault: Vault) -> None:
    locked = replace(ANN, credentials=vault.encrypt(SECRET, ANN, "credentials"))
    require_key(vault, [locked])
    require_key(Vault(), [ANN])
    with pytest.raises(NoKey, match="would be stored in the clear beside them"):
        require_key(Vault(), [ANN, locked])


def test_a_file_of_keys_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(BadConfig, match=r"Others can read the keys .*chmod 600"):
        read_keys(path)
    assert Vault(path=path, by_systemd=True).keys, "systemd gives it to the service by an ACL"


@pytest.mark.parametrize("line", ["canary", "pbkey-canary", "pbkey-Y2FuYXJ5", "pbkey-canary!"])
def test_a_line_that_is_no_key_is_told_without_what_it_says(tmp_path: Path, line: str) -> None:
    path = tmp_path / "secrets.key"
    path.write_text(f"# ours\n\n{line}\n")
    path.chmod(0o600)
    with pytest.raises(BadConfig, match=r"A line of .* is no key") as caught:
        read_keys(path)
    assert "canary" not in str(caught.value).replace(str(path), "")
    with pytest.raises(BadConfig):
        add_key(path, NOW)
    assert line in path.read_text(), "what was there is not overwritten"


def test_a_file_that_is_missing_empty_or_unreadable_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    with pytest.raises(BadConfig, match=r"There is no file of keys at .*new-key"):
        read_keys(path)
    path.write_text("# nothing\n")
    path.chmod(0o600)
    with pytest.raises(BadConfig, match="There is no key in "):
        read_keys(path)
    path.write_bytes(b"\xff")
    with pytest.raises(BadConfig, match="cannot be read"):
        read_keys(path)


def test_a_key_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"cannot be written to .*No such file"):
        add_key(tmp_path / "nowhere" / "secrets.key", NOW)


def test_the_credential_of_systemd_goes_before_the_configured_file(path: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[secrets]\nkey_file = "{path}"\n')
    given = tmp_path / "credentials"
    given.mkdir()
    places = Places(data_dir=tmp_path, config=config, credentials_dir=given)
    assert find_vault(places, load_settings(config)) == Vault(path=path)
    (given / "secrets.key").touch()
    expected = Vault(path=given / "secrets.key", by_systemd=True)
    assert find_vault(places, load_settings(config)) == expected
