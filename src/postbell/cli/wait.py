"""`postbell wait`: for scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.cli.telling import NO_DAEMON, daemon_runs, outlook
from postbell.domain.states import Outcome, PostState
from postbell.errors import Conflict, TryLater
from postbell.shapes import post_json


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.domain.post import Post

#: Seconds between two looks. The daemon is not disturbed: readers of the database wait for nobody.
_PACE = 0.2

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
    from postbell.services.compose import load_post

    app = state.open_app()
    posts = [load_post(app.ctx, post_id) for post_id in post_ids]
    ids = list(dict.fromkeys(post.id for post in posts))
    if not all(map(_outcome, posts)) and not daemon_runs(app):
        state.note(NO_DAEMON)
    until = None if timeout is None else time.monotonic() + timeout
    ended: dict[str, Outcome] = {}
    while left := [post_id for post_id in ids if post_id not in ended]:
        for post in [load_post(app.ctx, post_id) for post_id in left]:
            if outcome := _outcome(post):
                ended[post.id] = outcome
                _tell(state, app, post)
        if len(ended) < len(ids):
            _sleep(until, [post_id for post_id in ids if post_id not in ended])
    return _code(set(ended.values()))


def _outcome(post: Post) -> Outcome | None:
    if post.state is PostState.DRAFT:
        raise Conflict(f"Post {post.id} is a draft: it is not going to be published.")
    return None if post.outcome is Outcome.UNSURE else post.outcome


def _tell(state: State, app: App, post: Post) -> None:
    if state.json:
        state.emit(post_json(post))
    state.say(f"{post.id}: {outlook(app, post)}")
    for delivery in post.deliveries:
        said = delivery.url or delivery.message
        state.say(f"  {delivery.account}: {delivery.outcome or delivery.state}{f', {said}' if said else ''}")


def _sleep(until: float | None, left: list[str]) -> None:
    if until is not None and time.monotonic() >= until:
        raise TryLater(f"The time is over, and not ended: {', '.join(left)}. See `postbell show {left[0]}`.")
    time.sleep(_PACE if until is None else max(0.0, min(_PACE, until - time.monotonic())))


def _code(outcomes: set[Outcome]) -> int:
    codes = {_CODES[outcome] for outcome in outcomes}
    some = Outcome.PUBLISHED in outcomes and len(codes) > 1
    return 8 if some else max(codes)
