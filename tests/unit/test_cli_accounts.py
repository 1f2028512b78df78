"""Accounts from the command line."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.store import accounts
from support.command import Command, german, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def secret_file(folder: Path, content: bytes = b"very-secret\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def lead_nowhere(cli: Command, folder: Path, port: int) -> None:
    """Let the account sky be at a server that does not answer."""
    there = ("--server", f"http://127.0.0.1:{port}", "--secret", f"app_password=@{secret_file(folder)}")
    cli.done("account", "reconnect", "sky", "--no-verify", *there)


@contextmanager
def nobody() -> Iterator[int]:
    """A port that is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def bluesky(*more: str) -> list[str]:
    return [
        *("account", "add", "bluesky", "--name", "new", "--no-verify"),
        *("--set", "identifier=a.test"),
        *more,
    ]


def test_an_account_is_listed_with_its_network_and_state(cli: Command) -> None:
    lines = cli.done("account", "list").out.splitlines()
    assert [line.split() for line in lines[1:]] == [["site", "folder", "ok"], ["sky", "bluesky", "ok"]]


def test_an_account_that_rests_or_is_refused_says_so(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    german(monkeypatch)
    with cli.store() as store, store.write() as tx:
        by_name = {each.name: each.id for each in accounts.list_accounts(tx)}
        accounts.mark_unauthorized(tx, by_name["site"], "no such folder")
        until = datetime(2100, 1, 1, 12, tzinfo=UTC)
        accounts.rest_account(tx, by_name["sky"], until=until, reason="asked to wait")
    site, sky = cli.done("--quiet", "account", "list").out.splitlines()
    assert site.endswith("unauthorized")
    assert sky.endswith("rests until 2100-01-01 13:00:00: asked to wait")


def test_accounts_as_json_hide_their_secrets(cli: Command) -> None:
    ran = cli.done("account", "list", "--json")
    assert [line["name"] for line in ran.lines] == ["site", "sky"]
    assert ran.lines[1]["values"] == {"identifier": "alice.test", "app_password": "***"}
    assert ran.lines[1]["schema_version"] == 1


def test_an_account_is_shown_without_its_secrets(cli: Command) -> None:
    out = cli.done("account", "show", "sky").out
    assert "alice.test" in out
    assert "aaaa" not in out


def test_an_unknown_account_is_not_found(cli: Command) -> None:
    ran = cli("account", "show", "nobody")
    assert (ran.code, ran.err) == (3, "postbell: There is no account named nobody. Accounts: site, sky.\n")


def test_a_postbell_without_accounts_says_how_to_add_one(tmp_path: Path) -> None:
    empty = Command(tmp_path)
    empty.done("init")
    assert "postbell account add" in empty.done("account", "list").err


def test_an_account_that_its_network_accepts_is_stored_with_its_handle(cli: Command, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    ran = cli.done("account", "add", "folder", "--name", "new", "--set", f"path={folder}", "--json")
    assert ran.json["verified"]
    assert ran.json["handle"] == str(folder)
    assert cli.done("account", "check", "new").out == f"new is well: {folder} (file://{folder})\n"


def test_an_account_that_was_not_verified_says_so(cli: Command, tmp_path: Path) -> None:
    ran = cli.done("account", "add", "folder", "--name", "new", "--no-verify", "--set", f"path={tmp_path}/x")
    assert ran.out == "Stored new; Folder was not asked. `postbell account check new` does.\n"


def test_a_name_that_is_taken_is_a_conflict(cli: Command, tmp_path: Path) -> None:
    ran = cli("account", "add", "folder", "--name", "sky", "--set", f"path={tmp_path}")
    assert (ran.code, ran.err) == (
        5,
        "postbell: There is an account named sky already. Choose another name.\n",
    )


def test_an_unknown_network_is_not_found_and_the_nearest_named(cli: Command) -> None:
    ran = cli("account", "add", "blueski", "--name", "new")
    assert (ran.code, ran.err) == (
        3,
        "postbell: There is no network named 'blueski'. Did you mean bluesky?\n",
    )


def test_everything_that_is_missing_is_named_at_once(cli: Command) -> None:
    before = cli.stored()
    ran = cli("account", "add", "bluesky", "--name", "not good")
    assert ran.code == 4
    assert "--name: 'not good' is no name for an account" in ran.err
    assert "--set identifier: it is missing: The handle" in ran.err
    assert "--secret app_password: it is missing: An app password" in ran.err
    assert ran.err.endswith(" `postbell networks bluesky` says where to get it.\n")
    assert cli.stored() == before


@pytest.mark.parametrize("option", ["--secret", "--set"])
def test_a_secret_as_an_argument_is_refused_with_the_reason_and_not_repeated(
    cli: Command, option: str
) -> None:
    ran = cli(*bluesky(option, "app_password=hunter2"))
    assert ran.code == 4
    assert f"{option} app_password: a secret is not given as an argument" in ran.err
    assert "--secret app_password=@FILE" in ran.err
    assert "hunter2" not in ran.err
    assert "new" not in cli.done("account", "list").out


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secrets_file_that_others_can_read_is_refused(cli: Command, tmp_path: Path, mode: int) -> None:
    before = cli.stored()
    secret = secret_file(tmp_path, mode=mode)
    ran = cli(*bluesky("--secret", f"app_password=@{secret}"))
    assert ran.code == 4
    assert f"others can read {secret} (mode {mode:04o}); run `chmod 600 {secret}` first." in ran.err
    assert "very-secret" not in ran.err
    assert cli.stored() == before


def test_a_secret_is_read_from_a_private_file_without_its_line_end(cli: Command, tmp_path: Path) -> None:
    cli.done(*bluesky("--secret", f"app_password=@{secret_file(tmp_path)}"))
    assert '"very-secret"' in str(cli.stored()["account"])


def test_a_secret_is_read_from_standard_input(cli: Command) -> None:
    cli.done(*bluesky("--secret", "app_password=-"), stdin=b"from-a-pipe\n")
    assert '"from-a-pipe"' in str(cli.stored()["account"])


def test_only_one_secret_comes_from_standard_input(cli: Command) -> None:
    ran = cli("account", "add", "webhook", "--name", "hook", "--secret", "secret=-", "--secret", "headers=-")
    assert ran.code == 4
    assert "only one secret can come from standard input" in ran.err


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff\xfe", "what was read is not UTF-8"), (b"\n", "what was read is empty")]
)
def test_a_secret_that_is_no_text_is_refused(cli: Command, tmp_path: Path, content: bytes, told: str) -> None:
    ran = cli(*bluesky("--secret", f"app_password=@{secret_file(tmp_path, content)}"))
    assert ran.code == 4
    assert told in ran.err


def test_a_secrets_file_that_is_not_there_is_named(cli: Command) -> None:
    ran = cli(*bluesky("--secret", "app_password=@/nowhere/secret"))
    assert ran.code == 4
    assert "/nowhere/secret cannot be read: No such file or directory." in ran.err


def test_a_secret_that_nobody_can_be_asked_for_is_refused(cli: Command) -> None:
    ran = cli(*bluesky("--secret", "app_password"))
    assert ran.code == 4
    assert (
        "--secret app_password: nobody can be asked for it here. Give --secret app_password=@FILE" in ran.err
    )


def test_a_setting_without_a_value_is_refused(cli: Command) -> None:
    ran = cli("account", "add", "bluesky", "--name", "new", "--set", "identifier")
    assert ran.code == 4
    assert "--set identifier: give a value too: --set KEY=VALUE." in ran.err


def test_an_unknown_setting_is_refused_and_the_nearest_named(cli: Command) -> None:
    ran = cli("account", "add", "folder", "--name", "new", "--set", "pat=/tmp/x")
    assert ran.code == 4
    assert "--set pat: there is no such option. Did you mean path?" in ran.err


def test_a_server_that_cannot_be_reached_leaves_nothing_behind(cli: Command) -> None:
    before = cli.stored()
    with nobody() as port:
        ran = cli("account", "add", "webhook", "--name", "hook", "--set", f"url=http://127.0.0.1:{port}/")
    assert ran.code == 7
    assert f"Account hook: 127.0.0.1:{port} could not be reached" in ran.err
    mend = "Check what --set gave and the network; `--no-verify` stores the account without asking.\n"
    assert ran.err.endswith(f". {mend}")
    assert cli.stored() == before


@pytest.mark.parametrize("command", [("add", "bluesky", "--name", "new"), ("reconnect", "sky")])
def test_a_server_that_cannot_be_reached_is_to_be_checked(
    cli: Command, tmp_path: Path, command: tuple[str, ...]
) -> None:
    values = ("--set", "identifier=a.test", "--secret", f"app_password=@{secret_file(tmp_path)}")
    with nobody() as port:
        ran = cli("account", *command, *values, "--server", f"http://127.0.0.1:{port}")
    assert ran.code == 7
    assert "Check --server and the network; `--no-verify` stores the account without asking." in ran.err


@pytest.mark.parametrize(
    ("network", "given", "told"),
    [
        (
            "webhook",
            "url=example.org",
            "it has the wrong form: The address that gets the posts, with https://",
        ),
        ("folder", "base_url=example.org", "it has the wrong form: The web address under which"),
        ("folder", "feed_title=", "it should have at least 1 character."),
    ],
)
def test_a_value_of_the_wrong_form_is_told_in_words(
    cli: Command, network: str, given: str, told: str
) -> None:
    ran = cli("account", "add", network, "--name", "new", "--set", given)
    assert ran.code == 4
    assert f"--set {given.partition('=')[0]}: {told}" in ran.err


def test_an_account_is_renamed_with_what_posts_say_for_it(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--set", "sky.text=Hello, sky", "--at", "2099-01-01 10:00")
    assert cli.done("account", "rename", "sky", "blue", "--json").json["name"] == "blue"
    post = cli.post(post_id)
    assert post["overrides"]["blue"]["text"] == "Hello, sky"
    assert post["deliveries"][0]["account"] == "blue"


def test_a_network_named_in_a_post_is_not_renamed_with_an_account_of_its_name(cli: Command) -> None:
    cli.done("account", "rename", "sky", "bluesky")
    post_id = cli.add("Hello", "--to", "bluesky", "--set", "bluesky.langs=en")
    cli.done("account", "rename", "bluesky", "sky")
    assert list(cli.post(post_id)["overrides"]) == ["bluesky"]


def test_an_account_is_not_renamed_to_one_that_there_is(cli: Command) -> None:
    assert cli("account", "rename", "sky", "site").code == 5
    assert cli("account", "rename", "sky", "webhook").code == 4


def test_limits_are_set_shown_and_taken_away_one_by_one(cli: Command) -> None:
    assert cli.done("account", "limits", "sky").out == "limits  none of its own\n"
    words = ("--late-limit", "6 h", "--min-gap", "30 min", "--quota", "day=25", "--quota", "month=none")
    changed = cli.done("account", "limits", "sky", *words).out
    assert changed == "Changed sky: late limit: 6 h, min gap: 30 min, quota: day=25, month=none.\n"
    found = cli.done("account", "limits", "sky", "--late-limit", "none", "--cooldown", "1 w", "--json").json
    assert (found["late_limit_seconds"], found["min_gap_seconds"]) == (None, 1800)
    assert found["cooldown_seconds"] == 7 * 86_400
    assert found["quotas"] == {"day": 25, "month": None}
    shown = cli.done("account", "show", "sky").out
    assert "min gap       30 min\n" in shown
    assert cli.done("account", "limits", "sky", "--quota", "default", "--json").json["quotas"] == {}


def test_everything_that_is_wrong_with_limits_is_told_at_once(cli: Command) -> None:
    ran = cli("account", "limits", "sky", "--late-limit", "soon", "--min-gap", "0 s", "--quota", "week=1")
    assert ran.code == 4
    assert '--late-limit: "soon" is not a span of time' in ran.err
    assert '--min-gap: "0 s" is no time at all' in ran.err
    assert '--quota: "week=1" is not a quota' in ran.err
    assert cli("account", "limits", "nobody", "--min-gap", "1 h").code == 3


def test_a_removed_account_is_forgotten_with_its_secrets(cli: Command) -> None:
    assert cli.done("account", "remove", "sky", "--yes", "--json").json["name"] == "sky"
    assert "aaaa-bbbb" not in str(cli.stored())
    assert [line["name"] for line in cli.done("account", "list", "--json").lines] == ["site"]


def test_no_account_is_removed_where_nobody_can_be_asked(cli: Command) -> None:
    before = cli.stored()
    ran = cli("account", "remove", "sky")
    assert ran.code == 2
    assert "nobody can be asked; give --yes" in ran.err
    assert cli.stored() == before


def test_an_account_with_scheduled_posts_is_not_removed(cli: Command) -> None:
    cli.add("Hello", "--to", "sky", "--at", "2099-01-01 10:00")
    ran = cli("account", "remove", "sky", "--yes")
    assert ran.code == 5
    assert "1 post is still to be published or settled with sky" in ran.err
    cli.add("Hello again", "--to", "sky", "--at", "2099-01-01 10:00")
    assert "2 posts are still to be published or settled" in cli("account", "remove", "sky", "--yes").err


def test_all_accounts_are_checked_and_each_is_told(cli: Command, tmp_path: Path) -> None:
    with nobody() as port:
        lead_nowhere(cli, tmp_path, port)
        ran = cli("account", "check", "--json")
    site, sky = ran.lines
    assert ran.code == 7
    assert (site["account"], site["handle"]) == ("site", str(cli.site))
    assert (sky["account"], sky["error"]["code"]) == ("sky", "unavailable")
    cli.site.rmdir()


def test_a_check_of_all_accounts_tells_in_words_too(cli: Command, tmp_path: Path) -> None:
    with nobody() as port:
        lead_nowhere(cli, tmp_path, port)
        ran = cli("account", "check")
    assert ran.code == 7
    assert ran.out.startswith("site is well: ")
    assert ran.err.startswith("postbell: Account sky: ")
    cli.site.rmdir()


def test_an_account_is_reconnected_with_what_is_given_and_the_rest_stays(
    cli: Command, tmp_path: Path
) -> None:
    secret = secret_file(tmp_path)
    ran = cli.done("account", "reconnect", "sky", "--no-verify", "--secret", f"app_password=@{secret}")
    assert ran.out.startswith("Stored sky; ")
    stored = str(cli.stored()["account"])
    assert '"very-secret"' in stored
    assert '"alice.test"' in stored


def test_an_account_is_reconnected_to_another_folder_once_it_is_accepted(
    cli: Command, tmp_path: Path
) -> None:
    ran = cli.done("account", "reconnect", "site", "--set", f"path={tmp_path}/other")
    assert ran.out == f"Connected site to Folder: {tmp_path}/other (file://{tmp_path}/other)\n"
    assert (tmp_path / "other").is_dir()


@pytest.mark.parametrize(
    "server",
    ["https://me:CANARY@pds.example", "https://pds.example?token=CANARY", "https://pds.example#CANARY"],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated(cli: Command, server: str) -> None:
    ran = cli("account", "add", "bluesky", "--name", "new", "--server", server, "--no-verify")
    assert ran.code == 4
    assert "give the address alone" in ran.err
    assert "CANARY" not in ran.err


@pytest.mark.parametrize("given", ["CANARY", "CANARY=", "CANARY=@file"])
def test_a_secret_in_the_place_of_its_name_is_not_repeated(cli: Command, given: str) -> None:
    ran = cli("account", "add", "bluesky", "--name", "new", "--secret", given, "--no-verify")
    assert ran.code == 4
    assert "there are: identifier, app_password" in ran.err
    assert "CANARY" not in ran.err
