"""What the user is told, when, and how often."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from postbell.domain.post import AttemptKind
from postbell.services.sending.removal import Removals
from postbell.services.telling.troubles import DATABASE
from postbell.store import accounts, attempts, deliveries, overdue
from support.telling import Told, fail, lose, publish, telling
from support.world import START, add_post, claim


MINUTE = timedelta(minutes=1)


# What is told.


def test_a_failed_post_is_told_with_the_account_the_reason_and_the_command(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        post_id = fail(told, "sky")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]
        assert told.notebook.last == (
            f"Failed: post {post_id} to sky: it is too long.\n"
            "  “A post to sky”\n"
            f"  Try it again: `postbell retry {post_id}`."
        )

    telling(tmp_path, script)


def test_a_missed_post_is_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        post = add_post(told.world.store, to=("sky",))
        with told.world.store.write() as tx:
            overdue.miss(tx, [post.deliveries[0].id], "it was due for too long", told.world.clock.now())
        await told.after(6)
        assert await told.after(31) == ["1 missed"]

    telling(tmp_path, script)


def test_what_gave_way_to_a_newer_one_is_nobodys_trouble(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        post = add_post(told.world.store, to=("sky",))
        with told.world.store.write() as tx:
            message = "a newer post of its series is due"
            overdue.miss(tx, [post.deliveries[0].id], message, told.world.clock.now())
        await told.after(6)
        assert await told.after(31) == []

    telling(tmp_path, script)


def test_lateness_is_told_with_its_cause_from_a_bound_on(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        publish(told, "sky", timedelta(0))
        publish(told, "blog", 4 * MINUTE)
        publish(told, "hook", 90 * MINUTE)
        await told.after(6)
        assert await told.after(31) == ["1 late"]
        assert (
            "to hook was published 1 h 30 min after its time: Postbell was not running." in told.notebook.last
        )

    telling(tmp_path, script)


def test_what_stays_unsure_is_told_and_what_is_settled_soon_is_not(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        lose(told, "sky")
        soon = lose(told, "blog")
        await told.after(6)
        await told.after(60)
        with told.world.store.write() as tx:
            deliveries.record_published(
                tx, soon, receipt_id="r", url=None, warnings=(), now=told.world.clock.now(), found=True
            )
        assert await told.after(60) == []
        await told.after(200)
        assert await told.after(31) == ["1 unsure"]
        assert "to sky may be public already" in told.notebook.last
        assert "`postbell settle " in told.notebook.last

    telling(tmp_path, script)


def test_an_account_to_reconnect_is_told_once_and_again_if_it_is_refused_again(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        store, now = told.world.store, told.world.clock.now()
        number = add_post(store, to=("sky",), at=None).deliveries[0].account_id
        for _ in range(2):
            with store.write() as tx:
                accounts.mark_unauthorized(tx, number, "the password is wrong")
            await told.after(61)
            await told.after(61)
            await told.after(61)
            with store.write() as tx:
                accounts.mark_well(tx, number, handle=None, session=None, now=now)
            await told.after(61)
        assert told.notebook.titles == ["1 account to reconnect"] * 2
        assert "Account sky must be reconnected: the password is wrong." in told.notebook.last
        assert "`postbell account reconnect sky`" in told.notebook.last

    telling(tmp_path, script)


def test_an_account_that_falls_behind_is_told_before_its_posts_are_missed(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        store = told.world.store
        oldest = add_post(store, to=("sky",), at=START + MINUTE)
        add_post(store, to=("sky",), at=START + 2 * MINUTE)
        with store.write() as tx:
            until = START + timedelta(hours=1)
            accounts.rest_account(
                tx, oldest.deliveries[0].account_id, until=until, reason="the server is down"
            )
        await told.after(180)
        assert await told.after(31) == []
        await told.after(250)
        assert await told.after(31) == ["1 account behind its time"]
        assert f"2 deliveries, the oldest, post {oldest.id} to sky, since 2026-11-23 09:01:00 UTC" in (
            told.notebook.last
        )
        assert "account sky rests until 2026-11-23 10:00:00 UTC: the server is down" in told.notebook.last
        assert await told.after(600) == ["1 account behind its time"]

    telling(tmp_path, script)


def test_what_could_not_be_taken_away_is_told_by_whoever_found_that(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        add_post(told.world.store, to=("sky",))
        (claimed,) = claim(told.world.store, START, limit=1)
        with told.world.store.write() as tx:
            deliveries.record_published(
                tx, claimed.delivery.id, receipt_id="", url=None, warnings=(), now=START, delete_at=START
            )
        await Removals(told.world.ctx, told.teller._thread).do_due()
        await told.after(6)
        assert await told.after(31) == ["1 not removed"]
        post_id = claimed.delivery.post_id
        assert told.notebook.last.startswith(f"Not removed: post {post_id} to sky: it could not be removed: ")

    telling(tmp_path, script)


def test_what_the_user_holds_back_is_not_behind(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        add_post(told.world.store, to=("sky",))
        with told.world.store.write() as tx:
            accounts.pause_account(tx, "sky", START)
        await told.after(600)
        assert await told.after(31) == []

    telling(tmp_path, script)


def test_what_the_user_has_given_up_himself_is_not_told_to_him(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        number = lose(told, "sky")
        now = told.world.clock.now()
        with told.world.store.write() as tx:
            settling = attempts.open_attempt(tx, number, AttemptKind.SETTLE, now)
            attempts.close_attempt(tx, settling, result="failed", message=None, now=now)
            deliveries.give_up(tx, number, "it is not there", now)
        await told.after(6)
        assert await told.after(31) == []

    telling(tmp_path, script)


def test_what_is_left_out_is_never_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        publish(told, "blog", timedelta(hours=1))
        await told.after(6)
        assert await told.after(31) == ["1 late"]
        assert await told.after(3600) == ["1 late"]

    telling(tmp_path, script, about=("late",))


# How often.


def test_what_happens_together_is_told_in_one_message(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        fail(told, "blog")
        publish(told, "hook", timedelta(hours=1))
        assert await told.after(20) == []
        assert await told.after(11) == ["2 failed, 1 late"]

    telling(tmp_path, script)


def test_there_is_at_most_one_message_a_minute(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        await told.after(31)
        fail(told, "blog")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]
        assert await told.after(31) == ["1 failed", "1 failed"]

    telling(tmp_path, script)


def test_after_an_outage_a_message_counts_what_it_does_not_tell_in_full(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        store, now = told.world.store, told.world.clock.now()
        ids = [add_post(store, to=("sky",), at=START).deliveries[0].id for _ in range(600)]
        with store.write() as tx:
            overdue.miss(tx, ids, "it was due for too long", now)
        await told.after(6)
        assert await told.after(31) == ["600 missed"]
        assert told.notebook.last.count("Missed: ") == 20
        assert "There is more, 580 in number: `postbell notify list --limit 600`." in told.notebook.last
        assert await told.after(600) == ["600 missed"]

    telling(tmp_path, script)


def test_what_is_tried_again_before_it_was_told_is_not_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        assert len(told.kept()) == 1
        with told.world.store.write() as tx:
            deliveries.reopen(tx, 1, told.world.clock.now())
        assert await told.after(31) == []
        assert told.kept() == []

    telling(tmp_path, script, about=("failed",))


def test_what_fails_again_after_it_was_told_is_told_again(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        await told.after(31)
        now = told.world.clock.now()
        with told.world.store.write() as tx:
            deliveries.reopen(tx, 1, now)
        claim(told.world.store, now, limit=1)
        told.pass_by(1)
        with told.world.store.write() as tx:
            deliveries.record_failed(tx, 1, "still too long", told.world.clock.now())
        await told.after(61)
        assert await told.after(31) == ["1 failed", "1 failed"]

    telling(tmp_path, script)


def test_a_clock_that_goes_back_hides_nothing(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        await told.after(6)
        told.world.clock.set(START - timedelta(days=300))
        fail(told, "sky")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, script)


def test_what_ended_hours_before_it_could_be_written_down_is_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        add_post(told.world.store, to=("sky",), at=START)
        (claimed,) = claim(told.world.store, START, limit=1)
        with closing(sqlite3.connect(told.world.store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            told.teller.troubles.begin(DATABASE, "Nothing can be published.")
            for _ in range(3):
                await told.after(3600)
            other.execute("ROLLBACK")
        with told.world.store.write() as tx:
            deliveries.record_failed(tx, claimed.delivery.id, "it is too long", START)
        await told.after(6)
        assert (await told.after(61))[-1] == "1 failed"

    telling(tmp_path, script, about=("failed",))
