"""How posts are told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, one_line
from postbell.cli.shapes import post_json, problems_json
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When, describe


if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from postbell.app import App
    from postbell.domain.post import Delivery, Post
    from postbell.services.compose import Saved
    from postbell.services.health import Held


def tell_saved(state: State, app: App, saved: Saved, *, done: str, note: str | None = None) -> None:
    """Tell that a post is stored, what it became, and what is worth knowing about it."""
    post = saved.post
    notes = [*([f"{note}."] if note else []), *_hindrances(app, post)]
    if state.json:
        extra = {"notes": notes, "problems": problems_json(saved.warnings)}
        state.emit({**post_json(post), **extra})
    elif state.quiet:
        click.echo(post.id)
    else:
        state.say(f"{done} {post.id}: {outlook(app, post)}.")
    for text in [*notes, *map(str, saved.warnings)]:
        state.note(text)


#: What whoever waits for a post must know where no daemon runs.
NO_DAEMON = "no daemon is running, so nothing is published; start one with `postbell run`."


def _hindrances(app: App, post: Post) -> list[str]:
    """Return what keeps a post from being published where it waits for that, as far as is known now."""
    waiting = [item for item in post.deliveries if item.state is DeliveryState.SCHEDULED]
    found = [f"{held.told(_clock(app))}." for held in _holds(app, waiting).values() if held.mend]
    if waiting and not daemon_runs(app):
        found.append(NO_DAEMON)
    return found


def outlook(app: App, post: Post) -> str:
    """Return what a post is about to do: `scheduled for …, to sky, blog`."""
    names = ", ".join(delivery.account for delivery in post.deliveries)
    to = f", to {names}" if names else ""
    time = time_text(app, post)
    if post.state is PostState.DRAFT:
        return f"a draft, with the date {time}{to}" if time else f"a draft{to}"
    if post.state is PostState.SCHEDULED:
        return f"scheduled for {time}{to}"
    return f"{post.outcome or post.state}{to}"


def time_text(app: App, post: Post) -> str | None:
    """Return when a post is meant to be published, as it was typed and in UTC."""
    if post.at is None:
        return None
    local = post.local or post.at.astimezone(app.ctx.zone).replace(tzinfo=None)
    when = When(at=post.at, local=local, zone=post.zone or app.ctx.zone.key)
    return describe(when, app.ctx.now())


def short_time(app: App, post: Post) -> str:
    """Return the same in few words, for tables: the zone only if it is another one."""
    if post.at is None:
        return ""
    local = post.local or post.at.astimezone(app.ctx.zone)
    zone = f" {post.zone}" if post.zone and post.zone != app.ctx.zone.key else ""
    return f"{local:%Y-%m-%d %H:%M}{zone}"


def first_words(post: Post, most: int = 50) -> str:
    """Return the beginning of what a post says."""
    said = (override.text for override in post.overrides.values())
    media = (item.name for item in post.content.media)
    texts = (post.content.title, post.content.text, *said, post.content.link, *media)
    return one_line(next((text for text in texts if text), ""), most)


def delivery_lines(app: App, delivery: Delivery) -> list[str]:
    """Return how a delivery does, the state first."""
    lines = [str(delivery.outcome or delivery.state)]
    if delivery.tries > 1:
        lines.append(f"tries: {delivery.tries}")
    if delivery.state is DeliveryState.SCHEDULED:
        lines += [one_line(f"waits: {held.told(_clock(app))}") for held in _holds(app, [delivery]).values()]
        if delivery.try_at and delivery.try_at != delivery.due_at:
            lines.append(f"next try: {_clock(app)(delivery.try_at)}")
    if delivery.state is DeliveryState.UNSURE:
        lines.append(_doubt(app, delivery))
    if delivery.lateness:
        reason = f" ({delivery.late_reason})" if delivery.late_reason else ""
        lines.append(f"late by {_span(delivery.lateness)}{reason}")
    found = (delivery.url, delivery.message, *delivery.warnings)
    return [*lines, *(one_line(text) for text in found if text)]


def _holds(app: App, waiting: list[Delivery]) -> dict[str, Held]:
    """Return what holds the accounts of these deliveries, by name."""
    from postbell.services.accounts import list_accounts
    from postbell.services.health import hold_of

    ids, now = {delivery.account_id for delivery in waiting}, app.ctx.now()
    found = [hold_of(account, now) for account in list_accounts(app.ctx) if account.id in ids]
    return {held.account: held for held in found if held}


def _doubt(app: App, unsure: Delivery) -> str:
    from postbell.services.health import looks_up

    if looks_up(app.ctx, unsure):
        known = f"if you know how it ended, `postbell settle {unsure.post_id}`"
        return f"waits: the daemon looks it up again by itself; {known}"
    return f"waits: look whether it is public, then `postbell settle {unsure.post_id}`"


def _clock(app: App) -> Callable[[datetime], str]:
    return lambda moment: f"{moment.astimezone(app.ctx.zone):%Y-%m-%d %H:%M:%S %Z}"


def _span(span: timedelta) -> str:
    """Return a length of time with its two largest units: `6 min 23 s`."""
    left = round(span.total_seconds())
    counts: list[tuple[int, str]] = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count)


def daemon_runs(app: App) -> bool:
    """Whether a daemon works on this database."""
    from postbell.store.lock import DaemonLock

    return DaemonLock(app.places.data_dir).holder() is not None
