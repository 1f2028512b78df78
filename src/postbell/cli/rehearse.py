"""`postbell rehearse`.

With `--json` it prints a line for each thing, in the order of time:

    delivery    {kind: "delivery", due_at, began_at, late_seconds, late_reason, account, network, post,
                series, outcome, message, warnings: [text], excerpt, text}; outcome is null where it still
                waits at the end, excerpt is what it begins with there
    empty slot  {kind: "empty_slot", at, account}
    repeat      {kind: "repeat", series, account, count}, behind these: so often a series says on an account
                what it said there shortly before
    summary     {kind: "summary", from, to, published, failed, missed, unsure, waiting, empty_slots, warnings,
                latest_seconds}, at last
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from postbell.cli.common import State, pass_state
from postbell.cli.rehearsed import ENDS
from postbell.cli.times import beginning, span_between
from postbell.cli.words import one_line
from postbell.domain.spans import span_text
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Clocks
    from postbell.services.plan.rehearse import Span

P = ParamSpec("P")
T = TypeVar("T")


@click.command()
@click.option("--from", "start", metavar="WHEN", default="now", show_default=True, help="Its beginning.")
@click.option("--to", "end", metavar="WHEN", default="in 7 d", show_default=True, help="Its end.")
@click.option(
    "--downtime", multiple=True, metavar="WHEN..WHEN", help="A span in which no daemon runs; several may be."
)
@pass_state
def rehearse(state: State, *, start: str, end: str, downtime: tuple[str, ...]) -> None:
    """Show what would happen in a span of time, without sending or storing anything.

    The real engine lives through it on a copy of the database, with networks that take whatever is within
    their limits; files are only looked at. A day that stands alone means its beginning.

    \b
    Examples:
      postbell rehearse --to "in 14 d"
      postbell rehearse --to "in 5 d" --downtime "tomorrow 18:00..in 3 d at 9:00"
    """  # noqa: D301 - click wants the character
    workshop = state.open_workshop()
    first, last, outages = _spans(workshop, start, end, downtime)
    with _progress(state, workshop.now(), last) as progress:
        told = workshop.rehearse(first, last, outages, progress)
    if state.json:
        _emit(state, told)
    else:
        _tell(state, workshop.zone, told)


def _spans(
    ctx: Clocks, start: str, end: str, downtime: tuple[str, ...]
) -> tuple[datetime, datetime, list[Span]]:
    """Return beginning, end and outages; raises Invalid with everything that is wrong with them."""
    now = ctx.now()
    problems: list[Problem] = []
    moments = [_noting(problems, beginning, ctx, *each) for each in ((start, "--from"), (end, "--to"))]
    first, last = (each or now for each in moments)
    outages = [_noting(problems, span_between, ctx, each, "--downtime") for each in downtime]
    if first < now.replace(microsecond=0):
        problems.append(Problem(where="--from", message="it is past; what was is told by `postbell list`."))
    if moments[1] and last <= max(first, now):
        problems.append(Problem(where="--to", message="it is not after the beginning."))
    if moments[1] and any(each and (each[1] <= now or each[0] >= last) for each in outages):
        problems.append(Problem(where="--downtime", message="it is past, or begins after the end."))
    if problems:
        raise Invalid(problems)
    return first, last, sorted(filter(None, outages))


def _noting(problems: list[Problem], read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what is read, or note why it cannot be."""
    try:
        return read(*args, **kwargs)
    except Invalid as error:
        problems.extend(error.problems)
        return None


@contextmanager
def _progress(state: State, start: datetime, end: datetime) -> Iterator[Callable[[datetime], None]]:
    """Show a bar on a terminal; it is told how late it is in the rehearsal."""
    length, done = int((end - start).total_seconds()), 0
    with state.progress("Rehearsing", length) as step:

        def told(now: datetime) -> None:
            nonlocal done
            seconds = int((now - start).total_seconds())
            step(seconds - done)
            done = seconds

        yield told
        step(length - done)


def _emit(state: State, told: Mapping[str, Any]) -> None:
    lines = [(each["due_at"], {"kind": "delivery", **each}) for each in told["deliveries"]]
    lines += [(each["at"], {"kind": "empty_slot", **each}) for each in told["empty_slots"]]
    for _, line in sorted(lines, key=lambda pair: (_instant(pair[0]), pair[1]["kind"], pair[1]["account"])):
        state.emit(line)
    for each in told["repeats"]:
        state.emit({"kind": "repeat", **each})
    state.emit({"kind": "summary", **told["summary"]})


def _tell(state: State, zone: ZoneInfo, told: Mapping[str, Any]) -> None:
    if told["deliveries"]:
        headers = ["TIME", "ACCOUNT", "OUTCOME", "LATE", "POST", "TEXT"]
        state.table(headers, [_row(zone, each) for each in told["deliveries"]])
    remarks = (_remark(zone, each) for each in told["deliveries"])
    _list("Worth knowing:", filter(None, remarks))
    _list(
        "Series that repeat themselves; more texts help:",
        (f"{each['series']}  {each['account']}, {each['count']} times" for each in told["repeats"]),
    )
    empty = (f"{_clock(zone, each['at'])}  {each['account']}" for each in told["empty_slots"])
    _list("Empty posting times:", empty)
    counts = told["summary"]
    summary = ", ".join(f"{counts[name]} {name}" for name in ENDS if counts[name]) or "nothing is due"
    latest = timedelta(seconds=counts["latest_seconds"])
    late = f"; the latest began {span_text(latest)} late" if latest else ""
    state.say(f"{summary}{late}. Nothing was sent, nothing was stored.")


def _list(title: str, lines: Iterable[str]) -> None:
    found = [f"  {one_line(line)}" for line in lines]
    if found:
        click.echo("\n".join(["", title, *found]))


def _row(zone: ZoneInfo, each: Mapping[str, Any]) -> list[str]:
    late = timedelta(seconds=each["late_seconds"] or 0)
    return [
        _clock(zone, each["due_at"]),
        each["account"],
        each["outcome"] or "waiting",
        span_text(late) if late and each["outcome"] else "",
        each["post"],
        one_line(each["excerpt"], 40),
    ]


def _remark(zone: ZoneInfo, each: Mapping[str, Any]) -> str | None:
    """Return in a line what is worth knowing of one delivery, if anything is."""
    said = [each["message"], each["late_reason"], *each["warnings"]]
    told = "; ".join(dict.fromkeys(text.rstrip(".") for text in said if text))
    return f"{_clock(zone, each['due_at'])}  {each['account']}  {each['post']}: {told}" if told else None


def _clock(zone: ZoneInfo, moment: str | None) -> str:
    return f"{wall_at(_instant(moment), zone):%a %Y-%m-%d %H:%M}" if moment else ""


def _instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
