"""`postbell add` and `postbell edit`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state
from postbell.cli.own_times import apart, changed_times, times_shown, with_times
from postbell.cli.published import Published
from postbell.cli.sources import Given, edited, is_words, media_of, read_source
from postbell.cli.telling import FILES_LEFT, moment_text, tell_saved
from postbell.cli.terms import Understood, understand
from postbell.cli.words import printable
from postbell.domain.content import Comment, Override, Split
from postbell.domain.manuscript import Manuscript
from postbell.domain.media_ref import MediaRef
from postbell.domain.spans import span_text
from postbell.domain.states import PostEvent, PostState
from postbell.domain.when import EXAMPLES
from postbell.domain.zones import wall_at, zone_named
from postbell.errors import Invalid, Problem
from postbell.shapes.posts import preview_json


if TYPE_CHECKING:
    from datetime import datetime

    from postbell.cli.desk import Clocks, Desk
    from postbell.domain.media import Media
    from postbell.domain.post import Post
    from postbell.services.posts.wanted import Changes, Preview, Wanted

_REMARK = """\
The lines between +++ are TOML: to = ["name"], at = "tomorrow 18:00" or queue = true, tz, title, link,
media = [{{file = "a.jpg", alt = "What it shows"}}], labels = ["news"], late_limit = "6 h",
not_after = "friday 12:00", delete_after = "7 d", allow_duplicate = true, bare = true,
unchecked = true, split = true or "numbered", comment, comment_after = "5 min", external_id = "cms-4711",
and [network] or [account] with options, or with an `at` of its own.
A heading `## @name` begins a text for that network or account alone, a line `## +` the next part of a thread;
a file with part = 2 belongs to its second part, one with part = "comment" to the first comment.
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

    \b
    Examples:
      postbell add "Hello, world" --to sky --at "tomorrow 9am"
      postbell add "Here now, there later" --to sky,site --now --at site="tomorrow 9am"
      postbell add "Hello, queue" --to sky --queue
      postbell add "Any time will do" --to sky --auto --between "tomorrow 8am" --and "in 5 d at 20:00"
      postbell add "One thing" --then "and another" --to sky --at "tomorrow 9am"
      postbell add "Tonight!" --to sky --at "tomorrow 9am" --late-limit "6 h" --delete-after "1 d"
    """  # noqa: D301 - click wants the character
    if use_editor and dry_run:
        raise click.UsageError("--edit and --dry-run exclude each other.")
    options = Given(**given)
    if draft:
        options.require_one(now=options.now, draft=True)
    desk = state.open_desk()
    wish = options.over(read_source(source))
    with edited(state, wish, _remark(desk), new=True) if use_editor else nullcontext(wish) as written:
        if draft and written.queue:
            raise click.UsageError("--draft and a place in the queue exclude each other.")
        meant = understand(desk, written, given=options)
        wanted = _wanted(written, meant, draft=draft)
        if dry_run:
            return _show_previews(state, desk, wanted, desk.preview(wanted))
        saved = desk.add_post(wanted)
    tell_saved(state, desk, saved, done="Saved", notes=meant.notes)
    return None


@click.command()
@click.argument("post_id", metavar="ID")
@click.argument("source", metavar="[TEXT|FILE.md|-]", required=False)
@Given.options
@click.option("--no-media", is_flag=True, help="Take all pictures and videos away.")
@Published.options
@pass_state
def edit(
    state: State,
    /,
    *,
    post_id: str,
    source: str | None,
    no_media: bool,
    published: bool,
    accounts: tuple[str, ...],
    dry_run: bool,
    **given: Any,
) -> None:
    """Change a draft, a scheduled or a published post.

    What is given takes the place of what was there; "" takes a title, a link, an id, labels or a limit away.
    A draft that is given a time is scheduled; without one every account keeps its time. Of a thread a text in
    quotes is the first part alone, a file the whole. If nothing is given the whole post is opened in $VISUAL
    or $EDITOR.

    With --published the daemon changes text, title, link, alt texts and options where the post is public, if
    its networks can do that, within half a minute; what it said before is kept here.

    \b
    Examples:
      postbell edit k7f2 "Hello, everybody" --at "friday 18:00"
      postbell edit k7f2 --at sky="saturday noon" --set sky.text="Hello, sky"
      postbell edit k7f2 "Hello, everybody" --published
    """  # noqa: D301 - click wants the character
    from postbell.services.posts.wanted import terms_of

    changer = Published(wanted=published, accounts=accounts, dry_run=dry_run)
    desk = state.open_desk()
    post = desk.load_post(post_id)
    options = Given(**given)
    if source is None and not options and not no_media:
        _edit_whole(state, desk, post, changer)
        return
    wish = options.over(read_source(source), post.overrides)
    if no_media and wish.media:
        raise click.UsageError("--no-media and --media exclude each other.")
    meant = understand(desk, wish, given=options, stored=terms_of(post), said=post.content.comment)
    media = () if no_media else media_of(wish) or None
    changes = replace(_changes(wish, meant), media=media)
    if wish.segments == ("",) or (wish.text and not (wish.segments or is_words(source))):
        changes = replace(changes, segments=())
    if changer.wanted:
        changer.change(state, desk, post, changes)
        return
    saved = desk.edit_post(post, changes)
    tell_saved(state, desk, saved, done="Changed", notes=meant.notes)


def _edit_whole(state: State, desk: Desk, post: Post, changer: Published) -> None:
    from postbell.services.posts.compose import require_step
    from postbell.services.posts.wanted import Saved

    if not changer.wanted:
        require_step(post, PostEvent.EDIT)
    shown = _manuscript(desk, post)
    with edited(state, shown, _remark(desk)) as written:
        if written == shown:
            tell_saved(state, desk, Saved(post=post), done="Kept", notes=["Nothing was changed."])
            return
        timed = written.at or written.queue or apart(written.overrides)[1]
        if shown.at and not timed and post.state is PostState.SCHEDULED:
            message = f"a scheduled post has a time; `postbell reschedule {post.id} --draft` takes it away."
            raise Invalid([Problem(where="front matter at", message=message)])
        meant = _understand_again(desk, post, shown, written)
        changes = replace(
            _changes(written, meant),
            text=written.text,
            segments=written.segments,
            comment=meant.comment or Comment(text=""),
            title=written.title or "",
            link=written.link or "",
            to=written.to,
            media=_media_again(written, post.content.media),
            overrides={**dict.fromkeys(post.overrides, Override()), **meant.overrides},
            split=written.split or Split.NO,
        )
        if changer.wanted:
            changer.change(state, desk, post, changes)
            return
        saved = desk.edit_post(post, changes)
    tell_saved(state, desk, saved, done="Changed", notes=meant.notes)


def _understand_again(ctx: Clocks, post: Post, shown: Manuscript, written: Manuscript) -> Understood:
    """Return what a whole manuscript means; times that nobody has touched stay, and may be past."""
    from postbell.services.posts.wanted import Terms

    same_end = (written.not_after, written.tz) == (shown.not_after, shown.tz)
    anew = replace(changed_times(shown, written), not_after=None if same_end else written.not_after)
    return understand(ctx, anew, stored=Terms(not_after=post.not_after if same_end else None))


def _wanted(written: Manuscript, meant: Understood, *, draft: bool) -> Wanted:
    from postbell.services.posts.wanted import Wanted

    return Wanted(
        text=written.text,
        segments=written.segments,
        comment=meant.comment if meant.comment and meant.comment.text else None,
        title=written.title or None,
        link=written.link or None,
        media=media_of(written),
        to=written.to,
        when=meant.when,
        place=meant.place,
        times=meant.times,
        draft=draft,
        terms=meant.terms,
        overrides=meant.overrides,
        split=written.split or Split.NO,
        problems=meant.problems,
    )


def _changes(written: Manuscript, meant: Understood) -> Changes:
    from postbell.services.posts.wanted import Changes

    return Changes(
        text=written.text or None,
        segments=written.segments or None,
        comment=meant.comment,
        title=written.title,
        link=written.link,
        to=written.to or None,
        when=meant.when,
        place=meant.place,
        times=meant.times,
        terms=meant.terms,
        overrides=meant.overrides,
        split=written.split,
        problems=meant.problems,
    )


def _manuscript(ctx: Clocks, post: Post) -> Manuscript:
    """Return a stored post as a file to edit; its files appear under their names."""
    from postbell.services.posts.compose import without_empty
    from postbell.services.posts.splitting import split_of

    zone = zone_named(post.zone) if post.zone else ctx.zone
    how, said = split_of(post), post.content.comment
    at, own = times_shown(post)
    overrides = without_empty({key: said.by_hand() for key, said in post.overrides.items()})
    return Manuscript(
        text=post.content.text,
        segments=post.content.segments,
        comment=said.text if said else None,
        comment_after=span_text(said.after) if said and said.after else None,
        title=post.content.title,
        link=post.content.link,
        to=tuple(delivery.account for delivery in post.deliveries),
        at=_typed(wall_at(at, zone)) if at else None,
        tz=post.zone,
        media=tuple(MediaRef(file=item.name, alt=item.alt, part=item.part) for item in post.content.media),
        external_id=post.external_id,
        labels=post.labels or None,
        late_limit=span_text(post.late_limit) if post.late_limit else None,
        not_after=_typed(wall_at(post.not_after, zone)) if post.not_after else None,
        delete_after=span_text(post.delete_after) if post.delete_after else None,
        allow_duplicate=post.allow_duplicate,
        bare=post.bare or None,
        unchecked=post.unchecked or None,
        split=None if how is Split.NO else how,
        overrides=with_times(overrides, {name: _typed(wall_at(own[name], zone)) for name in own}),
    )


def _typed(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _media_again(written: Manuscript, had: Iterable[Media]) -> tuple[Any, ...]:
    """Return the stored files that are still named, with their alt texts as they are now, and new ones."""
    left = list(had)
    chosen: list[Any] = []
    for ref, new in zip(written.media, media_of(written), strict=True):
        stored = next((item for item in left if item.name == ref.file), None)
        if stored:
            left.remove(stored)
        chosen.append(replace(stored, alt=ref.alt, part=ref.part) if stored else new)
    return tuple(chosen)


def _remark(desk: Desk) -> str:
    names = [f"{account.name} ({account.network})" for account in desk.accounts()]
    return _REMARK.format(accounts=", ".join(names) or "none yet", times=", ".join(EXAMPLES))


def _show_previews(state: State, desk: Desk, wanted: Wanted, previews: list[Preview]) -> int:
    """Show what would be sent; return 4 if something of it would be refused."""
    for preview in previews:
        if state.json:
            state.emit(preview_json(preview))
        else:
            when = wanted.times.get(preview.account) or wanted.times.get(preview.network) or wanted.when
            _show_preview(desk, preview, when.zone if when else None)
    state.say("Nothing was stored, nothing was sent.")
    if desk.left:
        state.note(FILES_LEFT)
    return Invalid.exit_code if any(preview.problems for preview in previews) else 0


def _show_preview(ctx: Clocks, preview: Preview, zone: str | None) -> None:
    click.echo(f"\n{preview.account} ({preview.network})")
    if preview.at:
        why = f": {preview.why}" if preview.why else ""
        click.echo(printable(f"  time: {moment_text(ctx, preview.at, zone)}{why}"))
    for number, lengths in enumerate(preview.lengths, 1):
        name = f"part {number}" if len(preview.lengths) > 1 else "text"
        for unit, (count, limit) in lengths.items():
            click.echo(f"  {name}: {count} of {limit} {unit}")
    for given, sent in preview.pictures:
        click.echo(f"  file: {printable(_fitted_text(given, sent))}")
    for problem in preview.problems:
        click.echo(f"  would be refused: {printable(str(problem))}")
    for warning in preview.warnings:
        click.echo(f"  note: {printable(str(warning))}")
    for call in preview.calls:
        click.echo(f"\n  {call.method} {printable(call.url)}")
        for name, value in call.headers.items():
            click.echo(printable(f"  {name}: {value}"))
        if call.body is not None:
            said = isinstance(call.body, str)
            body = call.body if said else json.dumps(call.body, ensure_ascii=False, indent=2)
            click.echo("\n" + "\n".join(f"  {line}" for line in printable(body).split("\n")))
    click.echo()


def _fitted_text(given: Media, sent: Media) -> str:
    def facts(item: Media) -> str:
        size = f", {item.width} x {item.height}" if item.width else ""
        return f"{item.mime}{size}, {item.size:,} bytes"

    if sent == given:
        told = "as it is"
    elif not sent.film:
        told = f"without notes, upright, as {facts(sent)}"
    else:
        film = given.film and (given.film.codec, given.film.rate)
        how = (
            "without notes"
            if film == (sent.film.codec, sent.film.rate) and sent.width == given.width
            else "coded anew"
        )
        told = f"{how}, as {sent.mime}, {sent.width} x {sent.height}, at most {sent.size:,} bytes"
    return f"{given.name} ({facts(given)}) is sent {told}"
