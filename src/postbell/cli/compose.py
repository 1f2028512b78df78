"""`postbell add` and `postbell edit`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state, printable
from postbell.cli.shapes import preview_json
from postbell.cli.sources import Given, edited, media_of, read_source, time_of, time_or_problems
from postbell.cli.telling import tell_saved
from postbell.domain.content import Override
from postbell.domain.manuscript import Manuscript, MediaRef
from postbell.domain.states import PostState
from postbell.domain.when import EXAMPLES, When, describe
from postbell.errors import Conflict, Invalid, Problem


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.domain.media import Media
    from postbell.domain.post import Post
    from postbell.services.compose import Changes, Preview, Wanted
    from postbell.services.context import Context

_REMARK = """\
The lines between +++ are TOML: to = ["name"], at = "tomorrow 18:00", tz, title, link,
media = [{{file = "a.jpg", alt = "What it shows"}}], and [network] or [account] with options.
A heading `## @name` begins a text for that network or account alone.
Accounts: {accounts}
Times: {times}
Leave the file empty to store nothing.
"""


@click.command()
@click.argument("source", metavar="[TEXT|FILE.md|-]", required=False)
@Given.options
@click.option("--draft", is_flag=True, help="Keep it a draft; WHEN is then a reminder and publishes nothing.")
@click.option("--edit", "use_editor", is_flag=True, help="Write it in $VISUAL or $EDITOR.")
@click.option("--dry-run", is_flag=True, help="Show what each account would be sent; store and send nothing.")
@pass_state
def add(
    state: State, /, *, source: str | None, draft: bool, use_editor: bool, dry_run: bool, **given: Any
) -> int | None:
    """Write a new post.

    The text is given in quotes, in a Markdown file, whose front matter may hold what the options say, or on
    standard input (-). Options win over the file. Without a time the post is a draft, and nothing is
    published.
    """
    from postbell.services.compose import add_post, preview_post

    if use_editor and dry_run:
        raise click.UsageError("--edit and --dry-run exclude each other.")
    options = Given(**given)
    if options.now and draft:
        raise click.UsageError("--now and --draft exclude each other.")
    app = state.open_app()
    wish = options.over(read_source(source))
    with edited(state, wish, _remark(app.ctx), new=True) if use_editor else nullcontext(wish) as written:
        when, problems = time_or_problems(app.ctx, written, tz=options.tz)
        wanted = replace(_wanted(written, when, draft=draft), problems=problems)
        if dry_run:
            return _show_previews(state, app.ctx, wanted, preview_post(app.ctx, wanted))
        saved = add_post(app.ctx, wanted)
    tell_saved(state, app, saved, done="Saved", note=when.note if when else None)
    return None


@click.command()
@click.argument("post_id", metavar="ID")
@click.argument("source", metavar="[TEXT|FILE.md|-]", required=False)
@Given.options
@click.option("--no-media", is_flag=True, help="Take all pictures and videos away.")
@pass_state
def edit(state: State, /, *, post_id: str, source: str | None, no_media: bool, **given: Any) -> None:
    """Change a draft or a scheduled post.

    What is given takes the place of what was there; "" takes a title or a link away. A draft that is given a
    time is scheduled. If nothing is given the whole post is opened in $VISUAL or $EDITOR.
    """
    from postbell.services.compose import edit_post, load_post

    app = state.open_app()
    post = load_post(app.ctx, post_id)
    options = Given(**given)
    if source is None and not options and not no_media:
        _edit_whole(state, app, post)
        return
    wish = options.over(read_source(source), post.overrides)
    if no_media and wish.media:
        raise click.UsageError("--no-media and --media exclude each other.")
    when, problems = time_or_problems(app.ctx, wish, tz=options.tz)
    media = () if no_media else media_of(wish) or None
    changes = replace(_changes(wish, when), media=media, problems=problems)
    saved = edit_post(app.ctx, post, changes)
    tell_saved(state, app, saved, done="Changed", note=when.note if when else None)


def _edit_whole(state: State, app: App, post: Post) -> None:
    from postbell.services.compose import Saved, edit_post

    if post.state not in (PostState.DRAFT, PostState.SCHEDULED):
        raise Conflict(f"Post {post.id} is {post.state}: it cannot be changed.")
    shown = _manuscript(post)
    with edited(state, shown, _remark(app.ctx)) as written:
        if written == shown:
            tell_saved(state, app, Saved(post=post), done="Kept", note="Nothing was changed")
            return
        if shown.at and not written.at and post.state is PostState.SCHEDULED:
            message = f"a scheduled post has a time; `postbell reschedule {post.id} --draft` takes it away."
            raise Invalid([Problem(where="front matter at", message=message)])
        unchanged = (written.at, written.tz) == (shown.at, shown.tz)
        when = None if unchanged else time_of(app.ctx, written)
        changes = replace(
            _changes(written, when),
            text=written.text,
            title=written.title or "",
            link=written.link or "",
            to=written.to,
            media=_media_again(written, post.content.media),
            overrides={**dict.fromkeys(post.overrides, Override()), **written.overrides},
        )
        saved = edit_post(app.ctx, post, changes)
    tell_saved(state, app, saved, done="Changed", note=when.note if when else None)


def _wanted(written: Manuscript, when: When | None, *, draft: bool) -> Wanted:
    from postbell.services.compose import Wanted

    return Wanted(
        text=written.text,
        title=written.title or None,
        link=written.link or None,
        media=media_of(written),
        to=written.to,
        when=when,
        draft=draft,
        overrides=written.overrides,
    )


def _changes(written: Manuscript, when: When | None) -> Changes:
    from postbell.services.compose import Changes

    return Changes(
        text=written.text or None,
        title=written.title,
        link=written.link,
        to=written.to or None,
        when=when,
        overrides=written.overrides,
    )


def _manuscript(post: Post) -> Manuscript:
    """Return a stored post as a file to edit; its files appear under their names."""
    return Manuscript(
        text=post.content.text,
        title=post.content.title,
        link=post.content.link,
        to=tuple(delivery.account for delivery in post.deliveries),
        at=f"{post.local:%Y-%m-%d %H:%M:%S}".removesuffix(":00") if post.local else None,
        tz=post.zone,
        media=tuple(MediaRef(file=item.name, alt=item.alt) for item in post.content.media),
        overrides=post.overrides,
    )


def _media_again(written: Manuscript, had: Iterable[Media]) -> tuple[Any, ...]:
    """Return the stored files that are still named, with their alt texts as they are now, and new ones."""
    left = list(had)
    chosen: list[Any] = []
    for ref, new in zip(written.media, media_of(written), strict=True):
        stored = next((item for item in left if item.name == ref.file), None)
        if stored:
            left.remove(stored)
        chosen.append(replace(stored, alt=ref.alt) if stored else new)
    return tuple(chosen)


def _remark(ctx: Context) -> str:
    from postbell.services.accounts import list_accounts

    names = [f"{account.name} ({account.network})" for account in list_accounts(ctx)]
    return _REMARK.format(accounts=", ".join(names) or "none yet", times=", ".join(EXAMPLES))


def _show_previews(state: State, ctx: Context, wanted: Wanted, previews: list[Preview]) -> int:
    """Show what would be sent; return 4 if something of it would be refused."""
    when = wanted.when
    if when and not state.json:
        state.say(f"At {describe(when, ctx.now())}.")
        if when.note:
            state.note(f"{when.note}.")
    for preview in previews:
        if state.json:
            state.emit(preview_json(preview, when.at if when else None))
        else:
            _show_preview(preview)
    state.say("Nothing was stored, nothing was sent.")
    return Invalid.exit_code if any(preview.problems for preview in previews) else 0


def _show_preview(preview: Preview) -> None:
    click.echo(f"\n{preview.account} ({preview.network})")
    for unit, (count, limit) in preview.lengths.items():
        click.echo(f"  text: {count} of {limit} {unit}")
    for problem in preview.problems:
        click.echo(f"  would be refused: {printable(str(problem))}")
    for call in preview.calls:
        click.echo(f"\n  {call.method} {printable(call.url)}")
        for name, value in call.headers.items():
            click.echo(printable(f"  {name}: {value}"))
        if call.body is not None:
            said = isinstance(call.body, str)
            body = call.body if said else json.dumps(call.body, ensure_ascii=False, indent=2)
            click.echo("\n" + "\n".join(f"  {line}" for line in printable(body).split("\n")))
    click.echo()
