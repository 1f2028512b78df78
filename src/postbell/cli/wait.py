"""`postbell wait`: for scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.cli.telling import NO_DAEMON, outlook
from postbell.domain.states import Outcome, PostState
from postbell.errors import Conflict, TryLater
from postbell.shapes.posts import post_json


if TYPE_CHECKING:
    from postbell.cli.desk import Desk
    from postbell.domain.post import Post

#: The exit code for how a post ended.
_CODES = {
    Outcome.PUBLISHED: 0,
    Outcome.CANCELLED: 5,
    Outcome.FAILED: 7,
    Outcome.MISSED: 7,
    Outcome.PARTIAL: 8,
}


@click.command()
@click.argument("post_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer than this.")
@pass_state
def wait(state: State, *, post_ids: tuple[str, ...], timeout: float | None) -> int:
    """Wait until posts have been published, or have failed.

    A post that is unsure is waited for too, because the daemon looks it up.

    \b
    Ends with 0 if all were published, 8 if some were or one was for some of its accounts,
    7 if they failed or were missed, 5 if they were cancelled, 75 when the time is over.
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    posts = [desk.load_post(post_id) for post_id in post_ids]
    ids = list(dict.fromkeys(post.id for post in posts))
    if not all(map(_outcome, posts)) and not desk.daemon_runs():
        state.note(NO_DAEMON)
    until = None if timeout is None else time.monotonic() + timeout
    ended: dict[str, Outcome] = {}
    while left := [post_id for post_id in ids if post_id not in ended]:
        for post in [desk.load_post(post_id) for post_id in left]:
            if outcome := _outcome(post):
                ended[post.id] = outcome
                _tell(state, desk, post)
        if len(ended) < len(ids):
            _sleep(desk.pace, until, [post_id for post_id in ids if post_id not in ended])
    return _code(set(ended.values()))


def _outcome(post: Post) -> Outcome | None:
    if post.state is PostState.DRAFT:
        raise Conflict(f"Post {post.id} is a draft: it is not going to be published.")
    return None if post.outcome is Outcome.UNSURE else post.outcome


def _tell(state: State, desk: Desk, post: Post) -> None:
    if state.json:
        state.emit(post_json(post))
    state.say(f"{post.id}: {outlook(desk, post)}")
    for delivery in post.deliveries:
        said = delivery.url or delivery.message
        state.say(f"  {delivery.account}: {delivery.outcome or delivery.state}{f', {said}' if said else ''}")


def _sleep(pace: float, until: float | None, left: list[str]) -> None:
    if until is not None and time.monotonic() >= until:
        raise TryLater(f"The time is over, and not ended: {', '.join(left)}. See `postbell show {left[0]}`.")
    time.sleep(pace if until is None else max(0.0, min(pace, until - time.monotonic())))


def _code(outcomes: set[Outcome]) -> int:
    codes = {_CODES[outcome] for outcome in outcomes}
    some = Outcome.PUBLISHED in outcomes and len(codes) > 1
    return 8 if some else max(codes)
