"""`postbell list`, `show` and `log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.cli.telling import (
    delivery_lines,
    first_comment_text,
    moment_text,
    short_time,
    state_word,
    time_text,
)
from postbell.cli.times import day_or_instant
from postbell.cli.words import first_words, one_line, printable
from postbell.domain.media import COMMENT
from postbell.domain.spans import span_text
from postbell.domain.states import Outcome, PostState
from postbell.domain.toml_text import toml_value
from postbell.shapes.posts import attempt_json, first_comment_json, post_json, reading_json, revision_json


if TYPE_CHECKING:
    from postbell.cli.desk import Desk
    from postbell.domain.content import Comment, Override
    from postbell.domain.media import Media
    from postbell.domain.post import Post


@click.command("list")
@click.option(
    "--state",
    "post_state",
    type=click.Choice([state.value for state in PostState]),
    help="Only those in this state.",
)
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    help="Only those that ended like this.",
)
@click.option("--account", metavar="NAME", help="Only those for this account.")
@click.option("--label", metavar="LABEL", help="Only those with this label.")
@click.option("--external-id", metavar="ID", help="Only those that another program calls so.")
@click.option(
    "--since", metavar="WHEN", help="Only those with a time from WHEN on; a day means its beginning."
)
@click.option("--until", metavar="WHEN", help="Only those with a time before WHEN.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The most; the latest."
)
@pass_state
def list_(
    state: State,
    *,
    post_state: str | None,
    outcome: str | None,
    account: str | None,
    label: str | None,
    external_id: str | None,
    since: str | None,
    until: str | None,
    limit: int,
) -> None:
    """List posts by their time, those without one last.

    A post that is `processing`, and of which nothing is being sent, is shown as `waiting`: for another try,
    or until it is known what became of the last one.
    """
    from postbell.store.posts import Filter

    desk = state.open_desk()
    wanted = Filter(
        state=PostState(post_state) if post_state else None,
        outcome=Outcome(outcome) if outcome else None,
        account=account,
        label=label,
        external_id=external_id,
        since=day_or_instant(desk, since, "--since"),
        until=day_or_instant(desk, until, "--until"),
        limit=limit + 1,
    )
    found = desk.list_posts(wanted)
    left_out, shown = len(found) > limit, found[-limit:]
    if state.json:
        for post in shown:
            state.emit(post_json(post))
    elif shown:
        headers = ["ID", "STATE", "TIME", "ACCOUNTS", "POST"]
        state.table(headers, [_row(desk, post) for post in shown])
    else:
        state.note("there are no such posts.")
    if left_out and not state.quiet:  # with --json too: half a list is easily taken for a whole one
        message = f"note: there are more than {limit}, and these are the latest; see --limit and --until."
        click.echo(message, err=True)


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def show(state: State, *, post_id: str) -> None:
    """Show one post with everything that belongs to it.

    The beginning of an ID is enough, as long as no other begins like it.
    """
    from postbell.domain.metrics import counts_told

    desk = state.open_desk()
    post = desk.load_post(post_id)
    latest = {reading.account: reading for reading in desk.readings_of(post)}
    said, revisions = desk.comments_of(post), desk.revisions_of(post)
    if state.json:
        readings = [reading_json(post.id, reading) for reading in latest.values()]
        comments = [first_comment_json(account, found) for account, found in said.items()]
        before = [revision_json(revision) for revision in revisions]
        state.emit(post_json(post) | {"readings": readings, "comments": comments, "revisions": before})
        return
    state.fields(
        [
            ("id", post.id),
            ("state", str(post.state)),
            ("outcome", post.outcome),
            ("time", time_text(desk, post)),
            *_terms(desk, post),
            ("title", post.content.title),
            ("link", post.content.link),
            ("comment", _comment_text(post.content.comment)),
            *(("media", _media_text(item)) for item in post.content.media),
            *((f"[{name}]", _override_text(said)) for name, said in post.overrides.items()),
        ]
    )
    if post.deliveries:
        click.echo()
    names = [f"{item.account} ({item.network})" for item in post.deliveries]
    counts = {name: [counts_told(reading)] for name, reading in latest.items()}
    told = {name: [first_comment_text(desk, found)] for name, found in said.items()}
    texts = [
        "\n".join(
            delivery_lines(desk, post, item) + told.get(item.account, []) + counts.get(item.account, [])
        )
        for item in post.deliveries
    ]
    state.fields(zip(names, texts, strict=True))
    for number, text in enumerate((post.content.text, *post.content.segments), 1):
        if post.content.segments:
            click.echo(f"\n{number} of {len(post.content.segments) + 1}:")
        if text:
            click.echo(f"\n{printable(text)}")
    for revision in revisions:
        click.echo(f"\nUntil {moment_text(desk, revision.until)} it said:\n\n{printable(revision.told)}")


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def log(state: State, *, post_id: str) -> None:
    """Show every try to publish a post."""
    desk = state.open_desk()
    tries = desk.log_of(desk.load_post(post_id))
    if state.json:
        for delivery, tried in tries:
            state.emit(attempt_json(delivery, tried))
    elif tries:
        rows = [
            [
                f"{tried.started_at.astimezone(desk.zone):%Y-%m-%d %H:%M:%S}",
                delivery.account,
                tried.kind,
                tried.result or "under way",
                f"{(tried.ended_at - tried.started_at).total_seconds():.1f} s" if tried.ended_at else "",
                tried.message or "",
            ]
            for delivery, tried in tries
        ]
        state.table(["STARTED", "ACCOUNT", "TRY TO", "RESULT", "TOOK", "MESSAGE"], rows)
    else:
        state.note("nothing was tried yet.")


def _terms(desk: Desk, post: Post) -> list[tuple[str, str | None]]:
    made = f"{post.series_id}, for {post.slot}{', changed by hand' if post.touched else ''}"
    return [
        ("series", made if post.series_id else None),
        ("external id", post.external_id),
        ("labels", ", ".join(post.labels)),
        ("late limit", span_text(post.late_limit) if post.late_limit else None),
        ("not after", moment_text(desk, post.not_after, post.zone) if post.not_after else None),
        ("delete after", span_text(post.delete_after) if post.delete_after else None),
        ("duplicate", "allowed" if post.allow_duplicate else None),
        ("bare", "its accounts add nothing" if post.bare else None),
        ("unchecked", "the networks decide what they take" if post.unchecked else None),
    ]


def _row(desk: Desk, post: Post) -> list[str]:
    names = ", ".join(delivery.account for delivery in post.deliveries)
    return [post.id, state_word(post), short_time(desk, post), names, first_words(post)]


def _media_text(item: Media) -> str:
    size = f", {item.width} x {item.height}" if item.width else ""
    alt = f": {one_line(item.alt)}" if item.alt else ", without alt text"
    part = f" in part {item.part}" if item.part > 1 else ""
    if item.part == COMMENT:
        part = " in the first comment"
    return f"{item.name} ({item.mime}{size}){part}{alt}"


def _comment_text(comment: Comment | None) -> str | None:
    if comment is None:
        return None
    after = f" (after {span_text(comment.after)})" if comment.after else ""
    return f"{one_line(comment.text)}{after}"


def _override_text(said: Override) -> str:
    texts = {"comment": said.comment, "text": said.text, "then": list(said.segments) or None}
    added = {"signature": said.added.signature or None, **said.added.utm} if said.added else {}
    fields = {"title": said.title, "link": said.link, **said.options, **texts, **added}
    return "\n".join(f"{name} = {toml_value(value)}" for name, value in fields.items() if value is not None)
