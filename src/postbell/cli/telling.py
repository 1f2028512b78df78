"""How posts are told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import State
from postbell.cli.words import one_line
from postbell.domain.comment import CommentState
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When, describe
from postbell.domain.zones import wall_at, zone_named
from postbell.shapes.posts import saved_json


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from postbell.cli.desk import Clocks, Desk
    from postbell.domain.comment import FirstComment
    from postbell.domain.post import Delivery, Post
    from postbell.services.accounts.holds import Held
    from postbell.services.posts.wanted import Saved


def tell_saved(
    state: State,
    desk: Desk,
    saved: Saved,
    *,
    done: str,
    notes: Iterable[str] = (),
    only: str | None = None,
) -> None:
    """Tell that a post is stored, what it became, and what is worth knowing about it.

    `notes` are what else is; `only` names the account for which something was done, where that was not for
    all.
    """
    post = saved.post
    notes = [*notes, *_made_room(saved), *_hindrances(desk, post)]
    if state.json:
        state.emit(saved_json(saved, notes))
    elif state.quiet:
        click.echo(post.id)
    else:
        what = f"{done} {post.id}{f' for {only}' if only else ''}"
        state.say("\n".join([f"{what}: {outlook(desk, post)}.", *_times(desk, post)]))
    for text in [*notes, *map(str, saved.warnings)]:
        state.note(text)


#: What whoever waits for a post must know where no daemon runs.
NO_DAEMON = "no daemon is running, so nothing is published; start one with `postbell run`."
#: What is to be known after a look at what would be published from another machine.
FILES_LEFT = "its files lie there now; they are removed after a day if nothing uses them."


def _made_room(saved: Saved) -> list[str]:
    if not saved.moved:
        return []
    moved = f"post {saved.moved[0]}" if len(saved.moved) == 1 else f"posts {', '.join(saved.moved)}"
    return [f"{moved} moved down the queue to make room."]


def _times(desk: Desk, post: Post) -> list[str]:
    """Return when each account publishes a post, and why, where that is more than the post itself says."""
    waiting = [item for item in post.deliveries if item.due_at]
    if post.state is PostState.PROCESSING:
        waiting = [item for item in waiting if item.is_to_come]
    plain = all(item.due_at == post.at and not item.placed_why for item in waiting)
    if plain or post.state not in (PostState.DRAFT, PostState.SCHEDULED, PostState.PROCESSING):
        return []
    width = max(len(item.account) for item in waiting)
    return [f"  {item.account.ljust(width)}  {_place(desk, post, item)}" for item in waiting]


def _place(desk: Desk, post: Post, delivery: Delivery) -> str:
    time = moment_text(desk, delivery.due_at, delivery.zone or post.zone) if delivery.due_at else ""
    return f"{time}: {delivery.placed_why}" if delivery.placed_why else time


def _hindrances(desk: Desk, post: Post) -> list[str]:
    """Return what keeps a post from being published where it waits for that, as far as is known now."""
    waiting = [item for item in post.deliveries if item.state is DeliveryState.SCHEDULED]
    found = [f"{held.told(_clock(desk))}." for held in _holds(desk, waiting).values() if held.mend]
    found += [f"{text}." for text in _pauses(desk, post)] if waiting else []
    if waiting and not desk.daemon_runs():
        found.append(NO_DAEMON)
    return found


def outlook(desk: Desk, post: Post) -> str:
    """Return what a post is about to do, or has done: `scheduled for …, to sky, blog`.

    Where the accounts differ, how each does: `partial (sky: published, blog: failed)`.
    """
    names = ", ".join(delivery.account for delivery in post.deliveries)
    to = f", to {names}" if names else ""
    time = time_text(desk, post)
    if post.state is PostState.DRAFT:
        return f"a draft, with the date {time}{to}" if time else f"a draft{to}"
    if post.state is PostState.SCHEDULED:
        return f"scheduled for {time}{to}"
    words = {delivery.account: str(delivery.outcome or delivery.state) for delivery in post.deliveries}
    if len(set(words.values())) > 1:
        to = f" ({', '.join(f'{account}: {word}' for account, word in words.items())})"
    return f"{state_word(post)}{to}"


def state_word(post: Post) -> str:
    """Return how a post does, in a word: `waiting` where it is under way, and nothing is being sent."""
    if post.state is not PostState.PROCESSING or post.outcome:
        return str(post.outcome or post.state)
    sent = any(delivery.state is DeliveryState.PROCESSING for delivery in post.deliveries)
    return "processing" if sent else "waiting"


def time_text(desk: Desk, post: Post) -> str | None:
    """Return when a post is meant to be published, as it was typed and in UTC."""
    if post.at is None:
        return None
    local = post.local or post.at.astimezone(desk.zone).replace(tzinfo=None)
    when = When(at=post.at, local=local, zone=post.zone or desk.zone.key)
    return describe(when, desk.now())


def moment_text(ctx: Clocks, at: datetime, zone_name: str | None = None) -> str:
    """Return an instant for people, on the clocks of a zone, or of the user, and in UTC."""
    zone = zone_named(zone_name) if zone_name else ctx.zone
    return describe(When(at=at, local=wall_at(at, zone), zone=zone.key), ctx.now())


def short_time(desk: Desk, post: Post) -> str:
    """Return the same in few words, for tables: the zone only if it is another one."""
    if post.at is None:
        return ""
    local = post.local or post.at.astimezone(desk.zone)
    zone = f" {post.zone}" if post.zone and post.zone != desk.zone.key else ""
    return f"{local:%Y-%m-%d %H:%M}{zone}"


def delivery_lines(desk: Desk, post: Post, delivery: Delivery) -> list[str]:
    """Return how a delivery of a post does, the state first."""
    lines = [str(delivery.outcome or delivery.state)]
    if delivery.tries > 1:
        lines.append(f"tries: {delivery.tries}")
    apart = any(each.due_at != post.at for each in post.deliveries)
    if delivery.due_at and (apart or delivery.placed_why):
        lines.append(f"time: {one_line(_place(desk, post, delivery))}")
    if delivery.state is DeliveryState.SCHEDULED:
        lines += _waiting_lines(desk, post, delivery)
    if delivery.state is DeliveryState.UNSURE:
        lines.append(_doubt(desk, delivery))
    if delivery.lateness:
        reason = f" ({delivery.late_reason})" if delivery.late_reason else ""
        lines.append(f"late by {_span(delivery.lateness)}{reason}")
    lines += _lines_afterwards(desk, delivery)
    found = (delivery.url, delivery.message, *delivery.warnings)
    return [*lines, *(one_line(text) for text in found if text)]


def first_comment_text(desk: Desk, found: FirstComment) -> str:
    """Return how a first comment does."""
    if found.state is CommentState.WAITING:
        reason = f": {found.message}" if found.message else ""
        return one_line(f"first comment: waits until {_clock(desk)(found.try_at)}{reason}")
    about = found.url if found.state is CommentState.PUBLISHED else found.message
    return one_line(f"first comment: {found.state}{f': {about}' if about else ''}")


def _waiting_lines(desk: Desk, post: Post, delivery: Delivery) -> list[str]:
    holds = [held.told(_clock(desk)) for held in _holds(desk, [delivery]).values()]
    lines = [one_line(f"waits: {text}") for text in [*holds, *_pauses(desk, post)]]
    if delivery.try_at and delivery.try_at != delivery.due_at:
        lines.append(f"next try: {_clock(desk)(delivery.try_at)}")
    if delivery.expires_at:
        lines.append(f"not published after: {_clock(desk)(delivery.expires_at)}")
    return lines


def _lines_afterwards(desk: Desk, public: Delivery) -> list[str]:
    """Return what is done, or to be done, to what is public, and what holds that back: no pause does."""
    from postbell.services.accounts.holds import Hold

    clock, wishes = _clock(desk), [public.edit_at, None if public.deleted_at else public.delete_at]
    lines = []
    if public.deleted_at:
        lines.append(f"removed: {clock(public.deleted_at)}")
    elif public.delete_at:
        lines.append(f"is removed: {clock(public.delete_at)}")
    if public.edit_at:
        lines.append(f"is changed: {clock(public.edit_at)}")
    elif public.edited_at:
        lines.append(f"changed: {clock(public.edited_at)}")
    due = [public] if any(at and at <= desk.now() for at in wishes) else []
    held = [each for each in _holds(desk, due).values() if each.hold is not Hold.PAUSED]
    return [*lines, *(one_line(f"waits: {each.told(clock)}") for each in held)]


def _holds(desk: Desk, waiting: list[Delivery]) -> dict[str, Held]:
    """Return what holds the accounts of these deliveries, by name."""
    names = {delivery.account for delivery in waiting}
    return {name: held for name, held in desk.holds().items() if name in names} if names else {}


def _pauses(desk: Desk, post: Post) -> list[str]:
    """Return what the user holds back besides single accounts, where this post is part of it."""
    from postbell.services.accounts.holds import pause_told

    return [pause_told(pause, _clock(desk)) for pause in desk.pauses_of(post)]


def _doubt(desk: Desk, unsure: Delivery) -> str:
    if desk.looks_up(unsure):
        known = f"if you know how it ended, `postbell settle {unsure.post_id}`"
        return f"waits: the daemon looks it up again by itself; {known}"
    return f"waits: look whether it is public, then `postbell settle {unsure.post_id}`"


def _clock(desk: Desk) -> Callable[[datetime], str]:
    return lambda moment: f"{moment.astimezone(desk.zone):%Y-%m-%d %H:%M:%S %Z}"


def _span(span: timedelta) -> str:
    """Return a length of time with its two largest units: `6 min 23 s`."""
    left = round(span.total_seconds())
    counts: list[tuple[int, str]] = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in counts[:2] if count)
