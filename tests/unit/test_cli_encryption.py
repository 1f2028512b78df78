"""`postbell secrets`, and what other commands say where secrets are encrypted."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from support.command import Command, with_accounts
from support.home import Home, make_home


SECRET = "aaaa-bbbb-cccc-dddd"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def give_key(cli: Command, name: str = "secrets.key") -> Path:
    """Make a key, and name it in the configuration."""
    path = cli.folder / name
    cli.done("secrets", "new-key", path)
    cli.config.write_text(f'[secrets]\nkey_file = "{path}"\n')
    return path


@pytest.fixture
def key(cli: Command) -> Path:
    path = give_key(cli)
    cli.done("secrets", "encrypt")
    return path


def secret_of(cli: Command, name: str, value: str) -> str:
    path = cli.folder / name
    path.write_text(value)
    path.chmod(0o600)
    return f"app_password=@{path}"


def checks(cli: Command) -> list[tuple[str, str]]:
    found = cli("doctor", "--json").lines
    return [(each["level"], each["message"]) for each in found if each["name"] == "secrets"]


def test_from_nothing_to_encrypted_by_what_each_command_says_next(cli: Command) -> None:
    path = cli.folder / "secrets.key"
    made = cli.done("secrets", "new-key", path)
    assert f'key_file = "{path}"' in made.err
    assert "postbell secrets encrypt" in made.err
    cli.config.write_text(f'[secrets]\nkey_file = "{path}"\n')
    assert cli.done("secrets", "encrypt").out == "Encrypted the secrets of 2 accounts and hooks.\n"
    assert cli.done("secrets", "encrypt").out.startswith("Nothing to do")
    assert cli.done("account", "show", "sky", "--json").json["values"]["identifier"] == "alice.test"


def test_what_is_encrypted_with_which_key_is_shown(cli: Command) -> None:
    plain = cli.done("secrets", "show").out
    assert "none given" in plain
    assert "in the clear  site, sky" in plain
    path = give_key(cli)
    cli.done("secrets", "encrypt")
    shown = cli.done("secrets", "show", "--json").json
    (key,) = shown["keys"]
    assert (shown["encrypted"], shown["clear"]) == ({key: ["site", "sky"]}, [])
    assert shown["key_file"] == str(path)
    assert f"encrypted with {key}" in cli.done("secrets", "show").out


def test_rotation_makes_a_key_and_uses_it(cli: Command, key: Path) -> None:
    before = cli.done("secrets", "show", "--json").json["keys"]
    rotated = cli.done("secrets", "rotate", "--json").json
    assert (rotated["accounts"], rotated["key_file"]) == (2, str(key))
    after = cli.done("secrets", "show", "--json").json
    assert after["keys"] == [rotated["key"], *before]
    assert list(after["encrypted"]) == [rotated["key"]]
    assert "Made key" in cli.done("secrets", "rotate").out


def test_copies_from_before_are_named(cli: Command) -> None:
    cli.done("db", "backup")
    give_key(cli)
    done = cli.done("secrets", "encrypt")
    assert "backups/postbell-" in done.err
    assert "secrets in the clear: remove it" in done.err
    assert len(cli.done("secrets", "encrypt", "--json").json["clear_copies"]) == 1
    assert any("made before they were encrypted" in message for _, message in checks(cli))


def test_going_back_is_asked_for_and_leaves_what_was(cli: Command) -> None:
    before = cli.stored()
    give_key(cli)
    cli.done("secrets", "encrypt")
    assert cli("secrets", "decrypt").code == 2
    assert cli.done("secrets", "decrypt", "--yes").out == "Decrypted the secrets of 2 accounts and hooks.\n"
    assert cli.stored() == before
    assert cli.done("secrets", "encrypt", "--json").json["accounts"] == 2
    assert cli.done("secrets", "decrypt", "--yes", "--json").json["accounts"] == 2


def test_a_key_needs_a_file(cli: Command) -> None:
    ran = cli("secrets", "new-key")
    assert (ran.code, "FILE: name one" in ran.err) == (4, True)
    assert cli("secrets", "encrypt").code == 78


def test_a_second_key_of_the_configured_file_needs_no_name(cli: Command, key: Path) -> None:
    made = cli.done("secrets", "new-key", "--json").json
    assert made["key_file"] == str(key)
    assert "under [secrets]" not in cli.done("secrets", "new-key").err
    assert checks(cli)[0][1].startswith("Encrypted with an older key than ")


def test_without_the_key_lists_work_and_no_secret_is_stored_in_the_clear(cli: Command, key: Path) -> None:
    key.rename(cli.folder / "elsewhere")
    cli.config.write_text("")
    assert cli.done("account", "list", "--json").lines[1]["values"] == {}
    assert cli.done("status", "--json").json["database"]["secrets"] == "encrypted"
    before = cli.stored()
    new = ("account", "add", "bluesky", "--name", "new", "--no-verify", "--set", "identifier=b.test")
    ran = cli(*new, "--secret", secret_of(cli, "new", "canary"))
    assert ran.code == 78
    assert "no key is given: another one would be stored in the clear beside them. Give the file" in ran.err
    assert cli("account", "reconnect", "sky", "--no-verify", "--set", "identifier=b.test").code == 78
    assert cli.stored() == before


def test_beside_an_encrypted_hook_no_account_is_stored_in_the_clear(cli: Command) -> None:
    for name in ("site", "sky"):
        cli.done("account", "remove", name, "--yes")
    key = give_key(cli)
    cli.done("hook", "add", "--name", "n8n", "--url", "https://n8n.example.org/bell", "--events", "post.*")
    key.unlink()
    cli.config.write_text("")
    new = ("account", "add", "folder", "--name", "new", "--no-verify", "--set", f"path={cli.site}")
    assert "would be stored in the clear beside them" in cli(*new).err


def test_a_configured_file_that_is_not_there_is_told_by_whoever_needs_it(cli: Command, key: Path) -> None:
    key.unlink()
    cli.done("account", "list")
    ran = cli("account", "check", "sky")
    assert ran.code == 78
    assert f"There is no file of keys at {key}" in ran.err
    assert checks(cli) == [("fail", checks(cli)[0][1])]


def test_where_the_key_is_lost_an_account_gets_new_secrets_with_another(cli: Command, key: Path) -> None:
    key.unlink()
    give_key(cli, "new.key")
    ran = cli("account", "reconnect", "sky", "--no-verify", "--secret", secret_of(cli, "new", "new-one"))
    assert (ran.code, "identifier" in ran.err) == (4, True), "what cannot be read must be given again"
    words = ("--set", "identifier=a.test", "--secret", secret_of(cli, "new", "new-one"))
    cli.done("account", "reconnect", "sky", "--no-verify", *words)
    assert cli.done("account", "show", "sky", "--json").json["values"]["identifier"] == "a.test"


def test_what_is_stored_where_a_key_is_given_is_encrypted_at_once(cli: Command) -> None:
    give_key(cli)
    new = ("account", "add", "bluesky", "--name", "new", "--no-verify", "--set", "identifier=b.test")
    cli.done(*new, "--secret", secret_of(cli, "new", "canary-secret"))
    assert b"canary-secret" not in b"".join(p.read_bytes() for p in cli.data.glob("postbell.db*"))
    assert cli.done("status", "--json").json["database"]["secrets"] == "partly encrypted"
    assert ("warn", "A key is given, but in the clear are the secrets of site, sky.") in checks(cli)


def test_the_doctor_says_how_secrets_are_stored(cli: Command) -> None:
    assert checks(cli)[0][0] == "ok"
    assert "in the clear, in a database that only its owner can read" in checks(cli)[0][1]
    assert "secrets     in the clear" in cli.done("status").out
    give_key(cli)
    cli.done("secrets", "encrypt")
    assert [level for level, _ in checks(cli)] == ["ok"]
    assert "are encrypted with key" in checks(cli)[0][1]


def test_a_key_beside_the_backups_is_warned_of(cli: Command) -> None:
    give_key(cli, "data/secrets.key")
    cli.done("secrets", "encrypt")
    assert any("lies in the data folder: who copies that has both" in told for _, told in checks(cli))


def test_a_post_is_checked_without_a_key_where_its_network_needs_no_secret_for_that(
    cli: Command, key: Path
) -> None:
    cli.config.write_text("")
    cli.add("Hello", "--to", "sky", "--at", "in 3 d")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A Postbell with a folder that is encrypted."""
    home = make_home(tmp_path)
    (tmp_path / "site").mkdir()
    home.connect("folder", "site", {"path": str(tmp_path / "site")})
    cli = Command(tmp_path)
    give_key(cli)
    cli.done("secrets", "encrypt")
    return home


def test_a_daemon_publishes_with_encrypted_secrets(home: Home) -> None:
    home.add("Hello", to="site")
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert len(list((home.places.data_dir.parent / "site").glob("*.md"))) == 1


def test_a_daemon_without_the_key_says_so_and_touches_nothing(home: Home) -> None:
    home.add("Hello", to="site")
    home.places.config.write_text("")
    assert home.start().wait(30) == 78
    assert "no key is given. Give the file that holds it" in home.tail()
    assert home.states() == {"scheduled": 1}
    home.env = {"CREDENTIALS_DIRECTORY": str(home.places.data_dir.parent)}
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})


def test_a_daemon_goes_on_with_its_keys_where_a_reload_would_lose_them(home: Home) -> None:
    with home.daemon() as process:
        home.places.config.write_text("")
        process.send_signal(signal.SIGHUP)
        home.wait_for(lambda: "config_not_reloaded" in home.tail())
        home.add("Hello", to="site")
        home.wait_for(lambda: home.states() == {"processed": 1})
