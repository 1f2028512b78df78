"""How posts are told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, one_line
from postbell.cli.shapes import post_json, problems_json
from postbell.domain.account import Health
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When, describe


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.domain.post import Delivery, Post
    from postbell.services.compose import Saved


def tell_saved(state: State, app: App, saved: Saved, *, done: str, note: str | None = None) -> None:
    """Tell that a post is stored, what it became, and what is worth knowing about it."""
    post = saved.post
    notes = [f"{note}."] if note else []
    if post.state is PostState.SCHEDULED:
        notes += _hindrances(app, post)
    if state.json:
        extra = {"notes": notes, "problems": problems_json(saved.warnings)}
        state.emit({**post_json(post), **extra})
    elif state.quiet:
        click.echo(post.id)
    else:
        state.say(f"{done} {post.id}: {outlook(app, post)}.")
    for text in [*notes, *map(str, saved.warnings)]:
        state.note(text)


def _hindrances(app: App, post: Post) -> list[str]:
    """Return what keeps a scheduled post from being published, as far as is known now."""
    from postbell.services.accounts import list_accounts

    names = {delivery.account for delivery in post.deliveries}
    found = []
    for account in list_accounts(app.ctx):
        if account.name in names and account.paused_at:
            found.append(f"{account.name} is paused: it waits for `postbell account resume {account.name}`.")
        elif account.name in names and account.health is Health.UNAUTHORIZED:
            mend = f"`postbell account reconnect {account.name}`"
            found.append(f"{account.name} is refused by {account.network}: it waits for {mend}.")
    if not daemon_runs(app):
        found.append("no daemon is running, so nothing is published; start one with `postbell run`.")
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
    waits = delivery.state is DeliveryState.SCHEDULED and delivery.try_at != delivery.due_at
    if waits and delivery.try_at:
        lines.append(f"next try: {delivery.try_at.astimezone(app.ctx.zone):%Y-%m-%d %H:%M:%S %Z}")
    if delivery.lateness:
        reason = f" ({delivery.late_reason})" if delivery.late_reason else ""
        lines.append(f"late by {delivery.lateness.total_seconds():.0f} s{reason}")
    found = (delivery.url, delivery.message, *delivery.warnings)
    return [*lines, *(one_line(text) for text in found if text)]


def daemon_runs(app: App) -> bool:
    """Whether a daemon works on this database."""
    from postbell.store.lock import DaemonLock

    return DaemonLock(app.places.data_dir).holder() is not None
