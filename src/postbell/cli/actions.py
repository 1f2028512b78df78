"""`postbell reschedule`, `publish`, `cancel`, `delete`, `retry`, `settle` and `unpublish`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state
from postbell.cli.telling import tell_saved
from postbell.cli.times import PlaceOptions, placing_of
from postbell.cli.words import first_words
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.domain.when import When, clock_notes, parse_when
from postbell.domain.zones import zone_named
from postbell.errors import Conflict, Stale
from postbell.shapes.posts import post_json


if TYPE_CHECKING:
    from postbell.cli.desk import Clocks
    from postbell.domain.post import Post
    from postbell.services.plan.placing import Placing

_ENDS: dict[Outcome | None, str] = {
    Outcome.PUBLISHED: "published already",
    Outcome.PARTIAL: "published in part",
    Outcome.FAILED: "not published, for it failed",
    Outcome.MISSED: "not published, for it was missed",
    Outcome.CANCELLED: "cancelled",
}


_allow_duplicate = click.option(
    "--allow-duplicate", is_flag=True, help="It may say what another post of the account says."
)


@click.command()
@click.argument("post_id", metavar="ID")
@click.argument("words", metavar="[WHEN]", nargs=-1)
@PlaceOptions.options
@click.option("--tz", metavar="ZONE", help="The time zone of WHEN, for instance Europe/Berlin.")
@click.option(
    "--account", "accounts", multiple=True, metavar="NAME", help="Only for this account; the others stay."
)
@click.option(
    "--draft", is_flag=True, help="Take the time away: nothing is published until there is a new one."
)
@_allow_duplicate
@pass_state
def reschedule(
    state: State,
    /,
    *,
    post_id: str,
    words: tuple[str, ...],
    tz: str | None,
    accounts: tuple[str, ...],
    draft: bool,
    allow_duplicate: bool,
    **place: Any,
) -> None:
    """Give a draft or scheduled post a time, or another one.

    WHEN may be written without quotes. It is for all accounts, also those that had times of their own; with
    --account for that one alone, also while others have the post already.

    \b
    Examples:
      postbell reschedule k7f2 tomorrow 18:00
      postbell reschedule k7f2 tomorrow 18:00 --account sky
      postbell reschedule k7f2 --queue last
    """  # noqa: D301 - click wants the character
    from postbell.services.posts.actions import chosen
    from postbell.services.posts.wanted import Saved

    options = PlaceOptions(**place)
    options.require_one(draft=draft, WHEN=bool(words))
    if not (draft or words or options.placed):
        raise click.UsageError("Give a time, --queue, --auto or --draft.")
    if accounts and not words:
        raise click.UsageError("--account needs a time for it.")
    desk = state.open_desk()
    post = desk.load_post(post_id)
    if draft:
        with _saying_what_to_do(post):
            changed = desk.unschedule(post)
        tell_saved(state, desk, Saved(post=changed), done="Changed")
        return
    for name in accounts:
        chosen(post, name)
    to = _time_of(desk, " ".join(words), tz, options)
    with nullcontext() if accounts else _saying_what_to_do(post):
        saved = desk.reschedule(post, to, accounts=accounts, allow_duplicate=allow_duplicate)
    tell_saved(state, desk, saved, done="Changed", notes=clock_notes(to, {}) if isinstance(to, When) else ())


def _time_of(ctx: Clocks, words: str, tz: str | None, options: PlaceOptions) -> When | Placing:
    zone = zone_named(tz) if tz else ctx.zone
    place = placing_of(ctx, options, zone, queue=options.queue)
    return place or parse_when(words, now=ctx.now(), zone=zone)


@click.command()
@click.argument("post_id", metavar="ID")
@_allow_duplicate
@pass_state
def publish(state: State, *, post_id: str, allow_duplicate: bool) -> None:
    """Publish a post now; one that waits for another try is tried now."""
    desk = state.open_desk()
    post = desk.load_post(post_id)
    with _saying_what_to_do(post):
        saved = desk.publish_now(post, allow_duplicate=allow_duplicate)
    tell_saved(state, desk, saved, done="Changed")


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def cancel(state: State, *, post_id: str) -> None:
    """Cancel what is not yet published of a post; the post itself is kept.

    A post that a series has made is skipped like this; the series goes on.

    \b
    Example:
      postbell cancel k7f2
    """  # noqa: D301 - click wants the character
    from postbell.services.posts.wanted import Saved

    desk = state.open_desk()
    post = desk.load_post(post_id)
    with _saying_what_to_do(post):
        changed = desk.cancel(post)
    tell_saved(state, desk, Saved(post=changed), done="Cancelled")


@click.command()
@click.argument("post_id", metavar="ID")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def delete(state: State, *, post_id: str, yes: bool) -> None:
    """Remove a draft, scheduled or cancelled post for good."""
    desk = state.open_desk()
    post = desk.load_post(post_id)
    if not yes:
        state.confirm(f"Remove {post.id} for good: {first_words(post)}?")
    desk.delete(post)
    if state.json:
        state.emit({**post_json(post), "deleted": True})
    state.say(f"Deleted {post.id}.")


@click.command()
@click.argument("post_id", metavar="ID")
@click.option("--account", metavar="NAME", help="Only for this account.")
@pass_state
def retry(state: State, *, post_id: str, account: str | None) -> None:
    """Try again, now, what failed or was missed."""
    from postbell.services.posts.wanted import Saved

    desk = state.open_desk()
    changed = desk.retry(desk.load_post(post_id), account)
    tell_saved(state, desk, Saved(post=changed), done="Retrying")


@click.command()
@click.argument("post_id", metavar="ID")
@click.argument("url", required=False)
@click.option("--published", "verdict", flag_value="published", help="It is public, at URL if you give one.")
@click.option("--failed", "verdict", flag_value="failed", help="It is not public, and shall stay so.")
@click.option("--resend", "verdict", flag_value="resend", help="It is not public: send it again.")
@click.option("--account", metavar="NAME", help="The account, if several deliveries are unsure.")
@pass_state
def settle(state: State, *, post_id: str, url: str | None, verdict: str | None, account: str | None) -> None:
    """Say how an unsure delivery ended, after a look at the network.

    \b
    Example:
      postbell settle k7f2 --published https://example.org/the-post
    """  # noqa: D301 - click wants the character
    from postbell.services.posts.actions import Verdict
    from postbell.services.posts.wanted import Saved

    if verdict is None:
        raise click.UsageError("Say how it ended: --published [URL], --failed or --resend.")
    if url and verdict != "published":
        raise click.UsageError(f"A URL belongs to --published, not to --{verdict}.")
    desk = state.open_desk()
    post = desk.load_post(post_id)
    changed = desk.settle(post, Verdict(verdict), account=account, url=url)
    settled = account or next(each.account for each in post.deliveries if each.state is DeliveryState.UNSURE)
    only = settled if len(post.deliveries) > 1 else None
    tell_saved(state, desk, Saved(post=changed), done="Settled", only=only)


@click.command()
@click.argument("post_id", metavar="ID")
@click.option("--account", metavar="NAME", help="Only on this account.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def unpublish(state: State, *, post_id: str, account: str | None, yes: bool) -> None:
    """Take a published post away from its networks.

    The daemon asks them, within half a minute, and again if they do not answer; the post itself is kept here.

    \b
    Example:
      postbell unpublish k7f2 --account sky --yes
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    post = desk.load_post(post_id)
    if not yes:
        where = account or "everywhere"
        state.confirm(f"Take {post.id} away ({where}): {first_words(post)}?")
    changed = desk.unpublish(post, account)
    if state.json:
        state.emit(post_json(changed))
    names = [each.account for each in changed.deliveries if each.delete_at and not each.deleted_at]
    state.say(
        f"Post {changed.id} is being taken away from {', '.join(names)}: see `postbell show {changed.id}`."
    )
    if not desk.daemon_runs():
        state.note("no daemon is running; it is taken away when one is started with `postbell run`.")


@contextmanager
def _saying_what_to_do(post: Post) -> Iterator[None]:
    """Let a refusal say what became of the post, and what can be done with it."""
    try:
        yield
    except Stale:
        raise
    except Conflict as error:
        if post.state in (PostState.DRAFT, PostState.SCHEDULED):
            raise
        error.args = (f"Post {post.id} {_next_step(post)} Nothing was changed.",)
        raise


def _next_step(post: Post) -> str:
    if post.state is PostState.PROCESSING:
        if rest := [delivery.account for delivery in post.deliveries if delivery.is_to_come]:
            alone = f"`postbell reschedule {post.id} WHEN --account {rest[0]}` moves it there"
            return f"is under way: {alone}, `postbell publish {post.id}` publishes it now."
        if any(delivery.state is DeliveryState.SCHEDULED for delivery in post.deliveries):
            ways = f"`postbell publish {post.id}` tries it now, `postbell cancel {post.id}` ends it."
            return f"is under way: {ways}"
        return f"is being sent now: see how it ends with `postbell wait {post.id}`."
    if post.outcome is Outcome.UNSURE:
        return f"may be public already: look there, then `postbell settle {post.id}`."
    if any(delivery.outcome in (Outcome.FAILED, Outcome.MISSED) for delivery in post.deliveries):
        return f"is {_ENDS[post.outcome]}: try it again with `postbell retry {post.id}`."
    return f"is {_ENDS[post.outcome]}: to publish it anew, write it again with `postbell add`."
