"""When a post is published: the options that say so, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from postbell.domain.queue_order import QUEUES
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Clocks
    from postbell.services.plan.placing import Placing

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


class _QueueMode(click.Choice[str]):
    """A place in the queue; a text that stands where one might is not taken for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in QUEUES:
            places = ", ".join(QUEUES)
            self.fail(
                f"{value!r} is no place in the queue ({places}). "
                "If it is something else, put it before --queue, or write --queue=free.",
                param,
                ctx,
            )
        return str(value)


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """The options that leave the time of a post to Postbell. None was not given."""

    queue: str | None
    auto: bool
    between: str | None
    until: str | None
    seed: int | None

    @classmethod
    def options(cls, command: Callable[..., Any]) -> Callable[..., Any]:
        """Let a command accept them."""
        options = (
            click.option(
                "--queue",
                is_flag=False,
                flag_value=QUEUES[0],
                type=_QueueMode(QUEUES),
                metavar="[next|last]",
                help="The next free posting time of each account; next: the very next; last: behind all.",
            ),
            click.option("--auto", is_flag=True, help="The best moment of a range for each account."),
            click.option("--between", metavar="WHEN", help="Where the range of --auto begins."),
            click.option("--and", "until", metavar="WHEN", help="Where the range of --auto ends."),
            click.option(
                "--seed", type=int, metavar="N", help="Decides between moments that are equally good."
            ),
        )
        for option in reversed(options):
            command = option(command)
        return command

    @property
    def placed(self) -> bool:
        """Whether the time is left to Postbell."""
        return bool(self.queue or self.auto)

    def require_one(self, **others: bool) -> None:
        """Raise UsageError for more than one way to say when, or half of one; `others` are told by name."""
        ways = {"queue": bool(self.queue), "auto": self.auto} | others
        given = [f"--{way}" if way.islower() else way for way, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise click.UsageError(f"{given[0]} and {given[1]} exclude each other.")
        if self.auto and not (self.between and self.until):
            raise click.UsageError("--auto needs a range: --between WHEN --and WHEN.")
        if not self.auto and (self.between or self.until or self.seed is not None):
            raise click.UsageError("--between, --and and --seed belong to --auto.")


def placing_of(
    ctx: Clocks, options: PlaceOptions | None, zone: ZoneInfo, *, queue: str | None
) -> Placing | None:
    """Return where a post is to be placed; `queue` is its place there, whoever says so. Raises Invalid."""
    if queue:
        from postbell.services.plan.placing import Queue, QueueMode

        return Queue(mode=QueueMode(queue))
    if not (options and options.auto and options.between and options.until):
        return None
    from postbell.services.plan.placing import Auto

    # A range that began a moment ago is as good as one that begins now.
    start = instant(ctx, _day_begins(ctx, options.between), "--between", zone, allow_past=True)
    end = instant(ctx, _day_begins(ctx, options.until), "--and", zone)
    return Auto(start=start, end=end, seed=options.seed)


def instant(
    ctx: Clocks, text: str, option: str, zone: ZoneInfo | None = None, *, allow_past: bool = False
) -> datetime:
    """Return the instant (aware UTC) that an option names; raises Invalid about it."""
    from postbell.domain.when import parse_when

    try:
        return parse_when(text, now=ctx.now(), zone=zone or ctx.zone, allow_past=allow_past).at
    except Invalid as error:
        raise Invalid(Problem(where=option, message=found.message) for found in error.problems) from None


def day_or_instant(ctx: Clocks, text: str | None, option: str) -> datetime | None:
    """Return what `beginning` returns, None where the option was not given."""
    return None if text is None else beginning(ctx, text, option)


def beginning(ctx: Clocks, text: str, option: str) -> datetime:
    """Return the instant that an option names, past or not; a day that stands alone means its beginning."""
    return instant(ctx, _day_begins(ctx, text), option, allow_past=True)


def span_between(ctx: Clocks, text: str, option: str) -> tuple[datetime, datetime]:
    """Return the two instants (aware UTC) of `A..B`, past or not; raises Invalid about `option`."""
    begin, dots, end = text.partition("..")
    if not dots:
        message = f'"{text}" is no span; write its two ends with two dots: "friday 10:00..saturday 16:00".'
        raise Invalid([Problem(where=option, message=message)])
    first, last = (beginning(ctx, each, option) for each in (begin, end))
    if first >= last:
        raise Invalid([Problem(where=option, message=f'"{text}" ends before it begins.')])
    return first, last


def _day_begins(ctx: Clocks, text: str) -> str:
    words = text.strip().lower()
    if words in _DAYS:
        day = ctx.now().astimezone(ctx.zone).date() + timedelta(days=_DAYS[words])
        return f"{day} 00:00"
    return f"{words} 00:00" if re.fullmatch(r"(?a)\d{4}-\d\d-\d\d", words) else text
