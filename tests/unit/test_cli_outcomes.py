"""What became of posts: shown, waited for, tried again, settled by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.errors import Stale
from postbell.publishing.protocol import Resend
from postbell.store import accounts, attempts, deliveries, overdue
from postbell.store.tables import core as tables
from support.command import Command, german, with_accounts
from support.endings import NOW, Ending, ended, failed, lost, published, put_off


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


@pytest.mark.parametrize(
    ("site", "sky", "outcome", "code"),
    [
        (published, published, "published", 0),
        (published, failed, "partial", 8),
        (failed, failed, "failed", 7),
    ],
)
def test_waiting_ends_with_the_outcome(
    cli: Command, site: Ending, sky: Ending, outcome: str, code: int
) -> None:
    post_id = ended(cli, site=site, sky=sky)
    ran = cli("wait", post_id, "--json")
    assert (ran.code, ran.json["outcome"], ran.err) == (code, outcome, "")


def test_waiting_tells_each_account(cli: Command) -> None:
    ran = cli("wait", ended(cli, site=published, sky=failed))
    assert ran.out.splitlines()[1:] == ["  site: published, https://example.org/1", "  sky: failed, too rude"]


def test_waiting_for_a_cancelled_post_ends_with_5(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site")
    cli.done("cancel", post_id)
    assert cli("wait", post_id).code == 5


def test_waiting_for_a_missed_post_ends_with_7(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    with cli.store() as store, store.write() as tx:
        late = [item.id for item in overdue.list_overdue(tx, before=NOW, now=NOW)]
        overdue.miss(tx, late, "it was due for too long", NOW)
    assert cli("wait", post_id).code == 7


def test_waiting_for_a_draft_is_a_conflict(cli: Command) -> None:
    ran = cli("wait", cli.add("Hello", "--to", "site"))
    assert ran.code == 5
    assert "is a draft: it is not going to be published." in ran.err


def test_waiting_ends_when_the_time_is_over(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    ran = cli("wait", post_id, "--timeout", "0")
    assert ran.code == 75
    assert "note: no daemon is running" in ran.err
    assert f"postbell: The time is over, and not ended: {post_id}. See `postbell show {post_id}`." in ran.err


def test_an_unsure_post_is_waited_for(cli: Command) -> None:
    assert cli("wait", ended(cli, site=lost), "--timeout", "0").code == 75


def test_of_several_posts_each_is_told_and_some_published_are_partial(cli: Command) -> None:
    first, second = ended(cli, site=published), ended(cli, sky=failed)
    ran = cli("wait", first, second, first, "--json")
    assert (ran.code, [line["id"] for line in ran.lines]) == (8, [first, second])


def test_waiting_notices_what_happens_meanwhile(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    claimed = cli.claim()

    def publish(pace: float) -> None:
        assert 0 < pace < 1
        with cli.store() as store, store.write() as tx:
            published(tx, claimed["site"])

    monkeypatch.setattr("postbell.cli.wait.time.sleep", publish)
    assert cli("wait", post_id, "--timeout", "60").code == 0


def test_what_was_published_is_shown_with_its_address_and_its_warnings(cli: Command) -> None:
    out = cli.done("show", ended(cli, site=published)).out
    assert "outcome  published" in out
    assert "https://example.org/1" in out
    assert "cropped" in out


def test_a_setback_is_shown_with_its_reason_and_the_next_try(cli: Command) -> None:
    post_id = ended(cli, site=put_off)
    out = cli.done("show", post_id).out
    assert "next try: 2100-01-01 13:01:00 CET" in out
    assert "it is down" in out


def test_lateness_is_shown_with_its_cause(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    delivery = cli.claim()["site"]
    with cli.store() as store, store.write() as tx:
        overdue.record_late(tx, {delivery.id: "the daemon was not running"})
        failed(tx, delivery)
    shown = cli.done("show", post_id).out
    assert re.search(r"late by \d+ d( \d+ h)? \(the daemon was not running\)\n", shown)
    assert cli.post(post_id)["deliveries"][0]["late_seconds"] > 0


def test_lateness_is_told_in_its_two_largest_units(cli: Command) -> None:
    post_id = ended(cli, site=failed)
    with cli.store() as store, store.write() as tx:
        tx.execute(update(tables.delivery).values(due_at=NOW, begun_at=NOW + timedelta(seconds=383)))
    assert "late by 6 min 23 s\n" in cli.done("show", post_id).out


def test_what_waits_says_what_holds_its_account(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site,sky", "--now")
    cli.done("pause", "--account", "site")
    with cli.store() as store, store.write() as tx:
        accounts.mark_unauthorized(tx, accounts.get_account(tx, "sky").id, "sky: the password is wrong.")
    out = cli.done("show", post_id).out
    assert "waits: account site is paused; `postbell resume --account site`\n" in out
    held = "account sky must be reconnected: the password is wrong; `postbell account reconnect sky`"
    assert f"waits: {held}\n" in out


def test_what_waits_for_an_account_that_rests_says_until_when_and_why(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    with cli.store() as store, store.write() as tx:
        accounts.rest_account(tx, accounts.get_account(tx, "site").id, until=NOW, reason="asked to wait")
    out = cli.done("show", post_id).out
    assert "waits: account site rests until 2100-01-01 13:00:00 CET: asked to wait\n" in out


def test_an_unsure_delivery_says_that_it_is_looked_up_again(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    told = f"; if you know how it ended, `postbell settle {post_id}`\n"
    assert f"waits: the daemon looks it up again by itself{told}" in cli.done("show", post_id).out


def test_an_unsure_delivery_of_a_network_that_cannot_be_asked_is_to_be_settled(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = ended(cli, site=lost)
    monkeypatch.setattr("postbell.networks.folder.Folder.resend", Resend.NEVER)
    told = f"waits: look whether it is public, then `postbell settle {post_id}`"
    assert told in cli.done("show", post_id).out


def test_an_unsure_delivery_of_a_refused_account_is_to_be_settled(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    with cli.store() as store, store.write() as tx:
        accounts.mark_unauthorized(tx, accounts.get_account(tx, "site").id, "no")
    assert f"then `postbell settle {post_id}`" in cli.done("show", post_id).out


def test_an_unsure_delivery_of_an_unknown_network_is_to_be_settled(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    with cli.store() as store, store.write() as tx:
        tx.execute(update(tables.account).values(network="gone"))
    assert f"then `postbell settle {post_id}`" in cli.done("show", post_id).out


def test_what_is_being_sent_cannot_be_cancelled(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    cli.claim()
    ran = cli("cancel", post_id)
    assert (ran.code, f"Post {post_id} is being sent now: " in ran.err) == (5, True)


@pytest.mark.parametrize(
    ("endings", "told"),
    [
        (
            {"site": published},
            "is published already: to publish it anew, write it again with `postbell add`.",
        ),
        ({"site": failed}, "is not published, for it failed: try it again with `postbell retry {}`."),
        ({"site": failed, "sky": published}, "is published in part: try it again with `postbell retry {}`."),
        ({"site": lost}, "may be public already: look there, then `postbell settle {}`."),
        (
            {"site": put_off},
            "is under way: `postbell publish {0}` tries it now, `postbell cancel {0}` ends it.",
        ),
    ],
)
def test_what_cannot_be_scheduled_any_more_says_what_can_be_done(
    cli: Command, endings: dict[str, Ending], told: str
) -> None:
    post_id = ended(cli, **endings)
    ran = cli("reschedule", post_id, "2101-01-01 10:00")
    assert (ran.code, ran.err) == (
        5,
        f"postbell: Post {post_id} {told.format(post_id)} Nothing was changed.\n",
    )


def test_what_was_taken_up_meanwhile_is_told_as_it_is(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", "2099-01-01 10:00")

    def taken_up(*_args: object) -> None:
        raise Stale("It was taken up.")

    monkeypatch.setattr("postbell.services.posts.actions.cancel", taken_up)
    assert cli("cancel", post_id).err == "postbell: It was taken up.\n"


def test_the_second_try_is_counted(cli: Command) -> None:
    post_id = ended(cli, site=put_off)
    with cli.store() as store, store.write() as tx:
        deliveries.hasten(tx, post_id, NOW - timedelta(days=365))
    cli.claim()
    assert "tries: 2" in cli.done("show", post_id).out


def test_what_failed_is_tried_again(cli: Command) -> None:
    post_id = ended(cli, site=failed, sky=published)
    assert cli.done("retry", post_id).out == (
        f"Retrying {post_id}: waiting (site: scheduled, sky: published).\n"
    )
    states = {item["account"]: item["state"] for item in cli.post(post_id)["deliveries"]}
    assert states == {"site": "scheduled", "sky": "processed"}


@pytest.mark.parametrize(
    ("ending", "words"), [(failed, ["retry"]), (put_off, ["publish"]), (lost, ["settle", "--resend"])]
)
def test_what_is_to_be_sent_again_needs_a_daemon(cli: Command, ending: Ending, words: list[str]) -> None:
    command, *options = words
    note = "no daemon is running, so nothing is published; start one with `postbell run`."
    assert f"note: {note}\n" in cli.done(command, ended(cli, site=ending), *options).err
    assert cli.done(command, ended(cli, sky=ending), *options, "--json").json["notes"] == [note]


def test_what_holds_back_another_account_than_the_one_tried_again_is_not_told(cli: Command) -> None:
    post_id = ended(cli, site=failed, sky=published)
    cli.done("pause", "--account", "sky")
    assert "sky" not in cli.done("retry", post_id).err


@pytest.mark.parametrize("words", [["cancel"], ["settle", "--failed"]])
def test_what_changes_a_post_prints_it_with_notes_and_problems(cli: Command, words: list[str]) -> None:
    command, *options = words
    post_id = cli.add("Hello", "--to", "site") if command == "cancel" else ended(cli, site=lost)
    printed = cli.done(command, post_id, *options, "--json").json
    shown = cli.post(post_id)
    assert [shown.pop(name) for name in ("readings", "comments", "revisions")] == [[], [], []]
    assert printed == {**shown, "notes": [], "problems": [], "moved": []}


def test_only_one_account_is_tried_again_if_asked(cli: Command) -> None:
    post_id = ended(cli, site=failed, sky=failed)
    cli.done("retry", post_id, "--account", "sky")
    states = {item["account"]: item["state"] for item in cli.post(post_id)["deliveries"]}
    assert states == {"site": "processed", "sky": "scheduled"}


def test_what_is_published_is_not_tried_again(cli: Command) -> None:
    ran = cli("retry", ended(cli, site=published))
    assert ran.code == 5
    assert "has failed or was missed" in ran.err


def test_what_is_unsure_is_not_tried_again_but_settled(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    ran = cli("retry", post_id)
    assert ran.code == 5
    assert f"settle it with `postbell settle {post_id}`" in ran.err


def test_a_waiting_post_is_hastened(cli: Command) -> None:
    post_id = ended(cli, site=put_off)
    cli.done("publish", post_id)
    assert cli.post(post_id)["deliveries"][0]["try_at"] < "2100"


def test_an_account_that_the_post_is_not_for_is_not_found(cli: Command) -> None:
    ran = cli("retry", ended(cli, site=failed), "--account", "sky")
    assert (ran.code, "is not meant for sky; its accounts: site." in ran.err) == (3, True)


def test_every_try_is_in_the_log(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    assert "nothing was tried yet" in cli.done("log", post_id).err
    delivery = cli.claim()["site"]
    assert "under way" in cli.done("log", post_id).out
    with cli.store() as store, store.write() as tx:
        (tried,) = attempts.list_attempts(tx, [delivery.id])
        ended_at = tried.started_at + timedelta(seconds=1.5)
        attempts.close_attempt(tx, tried.id, result="rejected", message="too\nrude", now=ended_at)
    line = cli.done("log", post_id).out.splitlines()[1]
    assert line.endswith("site     publish  rejected  1.5 s  too rude")
    assert cli.done("log", post_id, "--json").json["result"] == "rejected"
