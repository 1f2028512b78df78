"""`postbell status` and `postbell doctor`.

With `--json`, `status` prints one object, `doctor` a line for each check:

    status  {daemon: {pid} | null, next_due: [{account, post, due_at, ready_at}], overdue: {count, oldest,
            held}, deliveries: {state: count}, results: {published: count, failed: count}, unsure: [delivery
            with post], lost: {count, newest: [delivery with post], superseded}, held: [{account, hold,
            reason, until}], pauses: [{scope, name, since, until}], caution: {cause, since, left,
            asked, lost, holds, says: [text]} | null, foreseen, database: {path, bytes, log_bytes, schema,
            secrets},
            last_backup,
            notices: {untold, ways: [{name, told_at, failing_since, error}]}, troubles: [text]}
            overdue.held counts what is overdue besides, because it is paused; hold is paused, unauthorized or
            resting; results says how the processed deliveries ended, lost what failed or was missed within
            the last day, and how many gave way to newer ones of their series; scope is everything, series or
            label, and name the id of the series or the label; caution.cause is went_back, copied, mark_lost,
            restored, clock_set or away, left counts what is still in doubt because of it, and asked what of
            that is looked up, lost counts the changes of commands that the database has forgotten, and holds
            says whether everything is paused because of that; foreseen is a cause of which no daemon knows
            yet, or null; database.secrets is encrypted, clear, partly encrypted or none; untold counts the
            notices that wait, and error
            says why a way does not take them
    check   {name, level, message, mend}; level is ok, warn or fail
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from postbell.cli.common import State, pass_state
from postbell.cli.words import printable
from postbell.errors import PostbellError


if TYPE_CHECKING:
    from postbell.services.upkeep.check import Check
    from postbell.services.upkeep.doctor import Verify


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 1 if somebody must look at something.")
@pass_state
def status(state: State, *, exit_code: bool) -> int:
    """Show what is due, what is late, and whether the daemon runs."""
    desk = state.open_desk()
    told = desk.status()
    if state.json:
        state.emit(told)
    else:
        state.fields(_status_fields(told, desk.zone, desk.now()))
    return 1 if exit_code and told["troubles"] else 0


@click.command()
@click.option("--online", is_flag=True, help="Ask the network of every account whether it accepts it.")
@pass_state
def doctor(state: State, *, online: bool) -> int:
    """Look for what is wrong with this installation.

    Exits with 1 if something is broken; a warning alone is no failure.
    """
    from postbell.clock import SystemClock
    from postbell.services.upkeep.check import Level
    from postbell.services.upkeep.doctor import doctor as look

    verify = _verify(state) if online else None
    checks = look(state.places, now=SystemClock().now(), verify=verify)
    for check in checks:
        if state.json:
            state.emit(
                {"name": check.name, "level": check.level, "message": check.message, "mend": check.mend}
            )
        else:
            _print_check(state, check)
    return 1 if any(check.level is Level.FAIL for check in checks) else 0


def _verify(state: State) -> Verify | None:
    from postbell.services.accounts.accounts import verify_account

    # What keeps Postbell from opening is reported by the checks themselves.
    with suppress(PostbellError):
        return functools.partial(verify_account, state.open_app().ctx)
    return None


def _print_check(state: State, check: Check) -> None:
    if state.quiet and check.level == "ok":
        return
    word = {"ok": "ok", "warn": "warning", "fail": "failed"}[check.level]
    first, *more = check.message.split("\n")
    click.echo(f"{state.paint(word.ljust(7))}  {check.name}: {printable(first)}")
    for line in [*more, *([check.mend] if check.mend else [])]:
        click.echo(f"{'':9}{printable(line)}")


def _status_fields(seen: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> list[tuple[str, str | None]]:
    from postbell.remote.reading import held_of, pause_of
    from postbell.services.accounts.holds import pause_told

    def told(at: datetime) -> str:
        return time_told(at, zone, now)

    def clock(text: str) -> str:
        return told(datetime.fromisoformat(text))

    upcoming = [f"{clock(w['ready_at'])}: post {w['post']} to {w['account']}" for w in seen["next_due"]]
    overdue, database, backup = seen["overdue"], seen["database"], seen["last_backup"]
    late = [f"{overdue['count']}, the oldest since {clock(overdue['oldest'])}"] if overdue["oldest"] else []
    late += [f"{overdue['held']} held back by a pause"] if overdue["held"] else []
    held = [pause_told(pause_of(each), told) for each in seen["pauses"]]
    held += [held_of(each).told(told) for each in seen["held"]]
    unsure = [f"post {d['post']} to {d['account']}: {d['message']}" for d in seen["unsure"]]
    gave_way = seen["lost"]["superseded"]
    return [
        ("daemon", f"runs as process {seen['daemon']['pid']}" if seen["daemon"] else "does not run"),
        ("next", "\n".join(upcoming) or "nothing is scheduled"),
        ("overdue", "\n".join(late)),
        ("deliveries", _counts_text(seen) or "none"),
        ("caution", "\n".join(seen["caution"]["says"]) if seen["caution"] else ""),
        ("unsure", "\n".join(unsure)),
        ("gave way", f"{gave_way} of series within a day, to newer ones" if gave_way else ""),
        ("held back", "\n".join(held)),
        ("database", f"{database['bytes'] / 1e6:,.1f} MB, schema {database['schema']}"),
        ("secrets", {"clear": "in the clear", "none": ""}.get(database["secrets"], database["secrets"])),
        ("backup", clock(backup) if backup else "none yet"),
        ("notices", _notices_text(seen["notices"], clock)),
        ("attention", "\n".join(seen["troubles"])),
    ]


def _notices_text(notices: Mapping[str, Any], clock: Callable[[str], str]) -> str:
    """Return by which ways the user is told, and when that was last done; nothing where there is none."""
    ways = [
        f"{way['name']}, last {clock(way['told_at'])}" if way["told_at"] else f"{way['name']}, nothing yet"
        for way in notices["ways"]
    ]
    waiting = [f"{notices['untold']} to be told"] if notices["untold"] else []
    return "\n".join([*ways, *waiting])


def _counts_text(seen: Mapping[str, Any]) -> str:
    # How the processed ones ended says more than that they were processed.
    counts = {str(state): count for state, count in seen["deliveries"].items() if state != "processed"}
    counts |= {str(result): count for result, count in seen["results"].items() if count}
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def time_told(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return an instant (aware) for people: `Fri 27 Nov 2026 18:00 Europe/Berlin (17:00Z, in 6 d 2 h)`."""
    from postbell.domain.when import When, describe
    from postbell.domain.zones import wall_at

    whole = at.replace(microsecond=0)
    return describe(When(at=whole, local=wall_at(whole, zone), zone=zone.key), now)
