"""`postbell hook`, and what other commands say of hooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from postbell.domain.event import EventKind
from postbell.domain.hook import USUAL, CallState, HookCall, heard
from postbell.store.hooks import get_hook, record_calls
from postbell.store.tables.events import hook as hook_table
from support.command import Command, with_accounts
from support.receiver import Receiver
from support.served import served


URL = "https://hooks.example.org/bell"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def address(receiver: Receiver) -> Iterator[str]:
    with served(receiver) as url:
        yield f"{url}/a"


def add(cli: Command, *more: str, name: str = "n8n", url: str = URL) -> str:
    return cli.done("hook", "add", "--name", name, "--url", url, *more).out.strip()


def test_a_hook_is_added_and_its_secret_is_shown_once(cli: Command) -> None:
    ran = cli.done("hook", "add", "--name", "n8n", "--url", URL)
    secret = ran.out.strip()
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 44
    assert "postbell hook test n8n" in ran.err
    found = cli.done("hook", "list", "--json")
    assert secret not in found.out
    assert found.json["events"] == [str(kind) for kind in USUAL]
    assert (found.json["url"], found.json["allow_local"], found.json["waiting"]) == (URL, False, 0)
    assert URL in cli.done("hook", "list").out


def test_events_are_named_one_by_one_or_in_groups(cli: Command) -> None:
    made = cli.done(
        "hook", "add", "--name", "a", "--url", URL, "--events", "post.*, account.recovered", "--json"
    )
    assert made.json["events"] == ["post.*", "account.recovered"]
    assert made.json["secret"].startswith("whsec_")
    assert heard(["*"]) == tuple(EventKind)
    assert heard(["series.*", "post.failed"]) == (
        *(EventKind.POST_FAILED, EventKind.SERIES_ADDED, EventKind.SERIES_CHANGED, EventKind.SERIES_DELETED),
    )


@pytest.mark.parametrize("word", ["post", "post.", "p*", "post.pub*", "post.none", "", "none.*", "**"])
def test_words_that_stand_for_no_event_are_refused(cli: Command, word: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        heard([word])
    if word:
        ran = cli("hook", "add", "--name", "a", "--url", URL, "--events", word)
        assert ran.code == 4
        assert f"there is no event {word}" in ran.err
        assert "post.published" in ran.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://hooks.example.org/", "http://"),
        ("http://alice:secret@hooks.example.org/", "password"),
        (
            "http://127.0.0.1:8080/",
            "the public internet. If it is a place of your own, say --allow-local.",
        ),
        ("http://[::1]/", "--allow-local"),
        ("http://169.254.169.254/latest", "--allow-local"),
        ("http://0x7f.1/", "number in disguise"),
        ("https://hooks.example.org:22/", None),
    ],
)
def test_addresses_that_must_not_be_asked_are_refused(cli: Command, url: str, said: str | None) -> None:
    ran = cli("hook", "add", "--name", "a", "--url", url)
    if said is None:  # a name: where it leads shows when it is asked
        assert ran.code == 0
    else:
        assert ran.code == 4
        assert said in ran.err
        assert "secret" not in ran.err


def test_everything_that_is_wrong_is_told_at_once(cli: Command) -> None:
    ran = cli("hook", "add", "--name", "a b", "--url", "x", "--events", "none")
    assert ran.code == 4
    assert all(word in ran.err for word in ("--name", "--url", "--events"))


def test_names_are_unique_and_unknown_ones_are_told_with_the_known(cli: Command) -> None:
    add(cli)
    assert cli("hook", "add", "--name", "n8n", "--url", URL).code == 5
    ran = cli("hook", "log", "other")
    assert ran.code == 3
    assert "Hooks: n8n." in ran.err


def test_a_test_is_signed_and_tells_how_it_went(cli: Command, receiver: Receiver, address: str) -> None:
    receiver.secrets["/a"] = add(cli, "--allow-local", url=address)
    assert cli.done("hook", "test", "n8n").out.startswith("n8n took it: 204 after ")
    receiver.answers["/a"] = [500]
    ran = cli("hook", "test", "n8n")
    assert ran.code == 7
    assert "n8n did not take it: it answered 500." in ran.err
    said = cli.done("hook", "test", "n8n", "--json").json
    assert (said["hook"], said["taken"], said["status"], said["error"]) == ("n8n", True, 204, None)
    assert {event["type"] for _, _, event in receiver.came} == {"ping"}
    assert receiver.came[0][2]["data"] == {}


def test_a_redirect_is_not_followed(cli: Command, receiver: Receiver, address: str) -> None:
    add(cli, "--allow-local", url=address)
    receiver.answers["/a"], receiver.also["location"] = [307], f"{address}/other"
    ran = cli("hook", "test", "n8n")
    assert "it answered 307, and redirects are not followed" in ran.err
    assert len(receiver.came) == 1


def test_a_secret_is_rotated_and_both_sign_for_a_day(cli: Command, receiver: Receiver, address: str) -> None:
    old = add(cli, "--allow-local", url=address)
    ran = cli.done("hook", "rotate", "n8n")
    new = ran.out.strip()
    assert "24 hours" in ran.err
    for secret in (old, new):
        receiver.secrets["/a"] = secret
        cli.done("hook", "test", "n8n")
    assert cli.done("hook", "rotate", "n8n", "--json").json["secret"] not in (old, new)


def test_a_hook_is_removed_after_a_question(cli: Command) -> None:
    add(cli)
    assert cli("hook", "remove", "n8n").code == 2
    assert cli.done("hook", "remove", "n8n", "--yes").out == "Removed n8n.\n"
    add(cli)
    assert cli.done("hook", "remove", "n8n", "--yes", "--json").json["name"] == "n8n"
    assert "no hooks yet" in cli.done("hook", "list").err


def test_the_log_of_one_that_was_told_nothing_says_so(cli: Command) -> None:
    add(cli)
    assert "n8n was told nothing yet" in cli.done("hook", "log", "n8n").err
    assert cli.done("hook", "log", "n8n", "--json").lines == []


def fail(cli: Command, since: timedelta) -> None:
    values: dict[str, Any] = {"failures": 9, "error": "it answered 500", "rests_until": datetime.now(UTC)}
    values["failing_since"] = datetime.now(UTC) - since
    with cli.store() as store, store.write() as tx:
        tx.execute(update(hook_table).values(values))


def test_a_hook_that_fails_for_long_is_shown(cli: Command) -> None:
    add(cli)
    fail(cli, timedelta(minutes=59))
    assert "Hook" not in " ".join(cli.done("status", "--json").json["troubles"])
    fail(cli, timedelta(hours=2))
    (told,) = [each for each in cli.done("status", "--json").json["troubles"] if "Hook" in each]
    assert told.startswith("Hook n8n has taken nothing since ")
    assert "it answered 500" in told
    assert "postbell hook test n8n" in told
    (check,) = [each for each in cli("doctor", "--json").lines if each["name"] == "hooks"]
    assert (check["level"], check["mend"]) == ("warn", health_mend())
    assert "failing since" in cli.done("hook", "list").out


def health_mend() -> str:
    return "Try it: `postbell hook test n8n`; see `postbell hook log n8n`."


def test_doctor_names_the_hooks_that_are_well(cli: Command) -> None:
    add(cli)
    (check,) = [each for each in cli("doctor", "--json").lines if each["name"] == "hooks"]
    assert (check["level"], check["message"]) == ("ok", "Told: n8n.")


def test_secrets_of_hooks_are_encrypted_like_those_of_accounts(
    cli: Command, receiver: Receiver, address: str
) -> None:
    secret = receiver.secrets["/a"] = add(cli, "--allow-local", url=address)
    database = cli.data / "postbell.db"
    assert secret.encode() in database.read_bytes() + wal(cli)
    key = cli.folder / "secrets.key"
    cli.done("secrets", "new-key", key)
    cli.config.write_text(f'[secrets]\nkey_file = "{key}"\n')
    assert "hook n8n" in cli.done("secrets", "show").out
    cli.done("secrets", "encrypt")
    assert secret.encode() not in database.read_bytes() + wal(cli)
    assert cli.done("secrets", "show", "--json").json["clear"] == []
    cli.done("hook", "test", "n8n")
    receiver.secrets["/a"] = cli.done("hook", "rotate", "n8n").out.strip()
    cli.done("hook", "test", "n8n")
    cli.config.write_text("")
    assert cli("hook", "test", "n8n").code == 78
    assert cli("hook", "add", "--name", "b", "--url", URL).code == 78
    cli.config.write_text(f'[secrets]\nkey_file = "{key}"\n')
    cli.done("secrets", "decrypt", "--yes")
    cli.config.write_text("")
    cli.done("hook", "test", "n8n")


def wal(cli: Command) -> bytes:
    log = cli.data / "postbell.db-wal"
    return log.read_bytes() if log.exists() else b""


def test_the_log_shows_what_was_told_and_how_that_went(cli: Command) -> None:
    add(cli)
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    how: dict[str, Any] = {"first_at": now, "last_at": now, "tries": 1}
    taken = {"post_id": "p1", "state": CallState.TAKEN, "status": 204, "took_ms": 12, **how}
    given_up = {"account": "sky", "state": CallState.GIVEN_UP, **how}
    calls = [
        HookCall(event_id=1, kind=EventKind.POST_FAILED, **taken),
        HookCall(event_id=2, kind=EventKind.ACCOUNT_RECOVERED, **given_up),
    ]
    with cli.store() as store, store.write() as tx:
        record_calls(tx, calls, get_hook(tx, "n8n"), upto=2)
    head, second, first = cli.done("hook", "log", "n8n").out.splitlines()
    assert head.split() == ["LAST", "TRY", "EVENT", "ABOUT", "STATE", "TRIES", "TOOK", "ANSWER"]
    assert "account.recovered  sky    given up  1" in second
    assert "post.failed        p1     taken     1      12 ms  204" in first
    assert [each["event"] for each in cli.done("hook", "log", "n8n", "--json").lines] == [2, 1]
    assert cli.done("hook", "list", "--json").json["given_up"] == 1


def test_a_secret_that_cannot_be_read_any_more_is_mended_by_another_one(
    cli: Command, receiver: Receiver, address: str
) -> None:
    for name in ("old.key", "new.key"):
        cli.done("secrets", "new-key", cli.folder / name)
    cli.config.write_text(f'[secrets]\nkey_file = "{cli.folder / "old.key"}"\n')
    add(cli, "--allow-local", url=address)
    cli.config.write_text(f'[secrets]\nkey_file = "{cli.folder / "new.key"}"\n')
    assert cli("hook", "test", "n8n").code == 78
    receiver.secrets["/a"] = cli.done("hook", "rotate", "n8n").out.strip()
    cli.done("hook", "test", "n8n")
