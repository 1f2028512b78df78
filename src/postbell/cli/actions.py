"""`postbell reschedule`, `publish`, `cancel`, `delete`, `retry` and `settle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.cli.shapes import post_json
from postbell.cli.telling import first_words, outlook, tell_saved


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.domain.post import Post


@click.command()
@click.argument("post_id", metavar="ID")
@click.argument("words", metavar="[WHEN]", nargs=-1)
@click.option("--tz", metavar="ZONE", help="The time zone of WHEN, for instance Europe/Berlin.")
@click.option(
    "--draft", is_flag=True, help="Take the time away: nothing is published until there is a new one."
)
@pass_state
def reschedule(state: State, *, post_id: str, words: tuple[str, ...], tz: str | None, draft: bool) -> None:
    """Give a draft or scheduled post a time, or another one.

    WHEN may be written without quotes: postbell reschedule k7f2 tomorrow 18:00
    """
    from postbell.domain.when import parse_when, zone_named
    from postbell.services import actions
    from postbell.services.compose import Saved, load_post

    if draft == bool(words):
        raise click.UsageError("Give either a time or --draft.")
    app = state.open_app()
    post = load_post(app.ctx, post_id)
    if draft:
        tell_saved(state, app, Saved(post=actions.unschedule(app.ctx, post)), done="Changed")
        return
    zone = zone_named(tz) if tz else app.ctx.zone
    when = parse_when(" ".join(words), now=app.ctx.now(), zone=zone)
    changed = actions.reschedule(app.ctx, post, when)
    tell_saved(state, app, Saved(post=changed), done="Changed", note=when.note)


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def publish(state: State, *, post_id: str) -> None:
    """Publish a post now; one that waits for another try is tried now."""
    from postbell.services import actions
    from postbell.services.compose import Saved, load_post

    app = state.open_app()
    changed = actions.publish_now(app.ctx, load_post(app.ctx, post_id))
    tell_saved(state, app, Saved(post=changed), done="Changed")


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def cancel(state: State, *, post_id: str) -> None:
    """Cancel what is not yet published of a post; the post itself is kept."""
    from postbell.services import actions
    from postbell.services.compose import load_post

    app = state.open_app()
    _tell(state, app, actions.cancel(app.ctx, load_post(app.ctx, post_id)), "Cancelled")


@click.command()
@click.argument("post_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@pass_state
def delete(state: State, *, post_id: str, yes: bool) -> None:
    """Remove a draft, scheduled or cancelled post for good."""
    from postbell.services import actions
    from postbell.services.compose import load_post

    app = state.open_app()
    post = load_post(app.ctx, post_id)
    if not yes:
        state.confirm(f"Remove {post.id} for good: {first_words(post)}?")
    actions.delete(app.ctx, post)
    if state.json:
        state.emit({**post_json(post), "deleted": True})
    state.say(f"Deleted {post.id}.")


@click.command()
@click.argument("post_id", metavar="ID")
@click.option("--account", metavar="NAME", help="Only for this account.")
@pass_state
def retry(state: State, *, post_id: str, account: str | None) -> None:
    """Try again, now, what failed or was missed."""
    from postbell.services import actions
    from postbell.services.compose import load_post

    app = state.open_app()
    _tell(state, app, actions.retry(app.ctx, load_post(app.ctx, post_id), account), "Retrying")


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
    postbell settle k7f2 --published https://example.org/the-post
    """  # noqa: D301 - click wants the character
    from postbell.services import actions
    from postbell.services.compose import load_post

    if verdict is None:
        raise click.UsageError("Say how it ended: --published [URL], --failed or --resend.")
    if url and verdict != "published":
        raise click.UsageError(f"A URL belongs to --published, not to --{verdict}.")
    app = state.open_app()
    post = load_post(app.ctx, post_id)
    settled = actions.settle(app.ctx, post, actions.Verdict(verdict), account=account, url=url)
    _tell(state, app, settled, "Settled")


def _tell(state: State, app: App, post: Post, done: str) -> None:
    if state.json:
        state.emit(post_json(post))
    elif state.quiet:
        click.echo(post.id)
    state.say(f"{done} {post.id}: {outlook(app, post)}.")
