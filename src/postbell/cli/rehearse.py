"""`postbell rehearse`.

With `--json` it prints a line for each thing, in the order of time:

    delivery    {kind: "delivery", due_at, began_at, late_seconds, late_reason, account, network, post,
                series, outcome, message, warnings: [text], text}; outcome is null where it still waits at
                the end
    empty slot  {kind: "empty_slot", at, account}
    repeat      {kind: "repeat", series, account, count}, behind these: so often a series says on an account
                what it said there shortly before
    summary     {kind: "summary", from, to, published, failed, missed, unsure, waiting, empty_slots, warnings,
                latest_seconds}, at last
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from postbell.cli.common import State, one_line, pass_state
from postbell.cli.telling import first_words
from postbell.cli.times import beginning, span_between
from postbell.domain.spans import span_text
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.services.context import Context
    from postbell.services.plan.rehearse import Happening, Rehearsed, Span

P = ParamSpec("P")
T = TypeVar("T")

_ENDS = ("published", "failed", "missed", "unsure", "waiting")


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
    their limits. A day that stands alone means its beginning.

    \b
    Examples:
      postbell rehearse --to "in 14 d"
      postbell rehearse --to "in 5 d" --downtime "tomorrow 18:00..in 3 d at 9:00"
    """  # noqa: D301 - click wants the character
    from postbell import logs
    from postbell.services.plan.rehearse import rehearse as run

    app = state.open_app()
    first, last, outages = _spans(app.ctx, start, end, downtime)
    slots = app.settings.daemon.concurrency
    with logs.only_errors(), _progress(state, app.ctx.now(), last) as progress:
        found = run(app.ctx, first, last, outages=outages, slots=slots, progress=progress)
    if state.json:
        _emit(state, found, first, last)
    else:
        _tell(state, app, found)


def _spans(
    ctx: Context, start: str, end: str, downtime: tuple[str, ...]
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


def _emit(state: State, found: Rehearsed, start: datetime, end: datetime) -> None:
    from postbell.shapes import stamp

    lines = [(each.delivery.due_at, _happening_json(each)) for each in found.happenings]
    lines += [
        (each.slot.at, {"kind": "empty_slot", "at": stamp(each.slot.at), "account": each.account})
        for each in found.empty
    ]
    for _, line in sorted(lines, key=lambda pair: (pair[0], pair[1]["kind"], pair[1]["account"])):
        state.emit(line)
    for each in found.repeats:
        of = {"series": each.series_id, "account": each.account, "count": each.count}
        state.emit({"kind": "repeat", **of})
    counts = _counts(found)
    state.emit(
        {
            "kind": "summary",
            "from": stamp(start),
            "to": stamp(end),
            **{name: counts[name] for name in _ENDS},
            "empty_slots": len(found.empty),
            "warnings": found.warnings,
            "latest_seconds": found.latest.total_seconds(),
        }
    )


def _happening_json(each: Happening) -> dict[str, Any]:
    from postbell.shapes import stamp

    delivery = each.delivery
    return {
        "kind": "delivery",
        "due_at": stamp(delivery.due_at),
        "began_at": stamp(delivery.begun_at),
        "late_seconds": delivery.lateness.total_seconds() if delivery.lateness else None,
        "late_reason": delivery.late_reason,
        "account": delivery.account,
        "network": delivery.network,
        "post": delivery.post_id,
        "series": each.post.series_id,
        "outcome": delivery.outcome,
        "message": delivery.message,
        "warnings": list(each.warnings),
        "text": each.post.content.text,
    }


def _counts(found: Rehearsed) -> Counter[str]:
    return Counter(str(each.delivery.outcome or "waiting") for each in found.happenings)


def _tell(state: State, app: App, found: Rehearsed) -> None:
    if found.happenings:
        headers = ["TIME", "ACCOUNT", "OUTCOME", "LATE", "POST", "TEXT"]
        state.table(headers, [_row(app, each) for each in found.happenings])
    remarks = (_remark(app, each) for each in found.happenings)
    _list("Worth knowing:", filter(None, remarks))
    _list(
        "Series that repeat themselves; more texts help:",
        (f"{each.series_id}  {each.account}, {each.count} times" for each in found.repeats),
    )
    empty = (f"{_clock(app, each.slot.at)}  {each.account}" for each in found.empty)
    _list("Empty posting times:", empty)
    counts = _counts(found)
    summary = ", ".join(f"{counts[name]} {name}" for name in _ENDS if counts[name]) or "nothing is due"
    late = f"; the latest began {span_text(found.latest)} late" if found.latest else ""
    state.say(f"{summary}{late}. Nothing was sent, nothing was stored.")


def _list(title: str, lines: Iterable[str]) -> None:
    found = [f"  {one_line(line)}" for line in lines]
    if found:
        click.echo("\n".join(["", title, *found]))


def _row(app: App, each: Happening) -> list[str]:
    delivery = each.delivery
    late = span_text(delivery.lateness) if delivery.lateness and delivery.outcome else ""
    return [
        _clock(app, delivery.due_at),
        delivery.account,
        str(delivery.outcome or "waiting"),
        late,
        each.post.id,
        first_words(each.post, 40),
    ]


def _remark(app: App, each: Happening) -> str | None:
    """Return in a line what is worth knowing of one delivery, if anything is."""
    delivery = each.delivery
    said = [delivery.message, delivery.late_reason, *each.warnings]
    told = "; ".join(dict.fromkeys(text.rstrip(".") for text in said if text))
    return f"{_clock(app, delivery.due_at)}  {delivery.account}  {each.post.id}: {told}" if told else None


def _clock(app: App, moment: datetime | None) -> str:
    return f"{wall_at(moment, app.ctx.zone):%a %Y-%m-%d %H:%M}" if moment else ""
