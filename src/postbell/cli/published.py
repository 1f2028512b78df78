"""`postbell edit --published`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State
from postbell.cli.words import printable
from postbell.shapes.posts import saved_json


if TYPE_CHECKING:
    from postbell.cli.desk import Desk
    from postbell.domain.post import Post
    from postbell.errors import Problem
    from postbell.services.posts.wanted import Changes


@dataclass(frozen=True, kw_only=True)
class Published:
    """Whether `edit` changes what is public, and where."""

    wanted: bool
    accounts: tuple[str, ...]
    dry_run: bool

    def __post_init__(self) -> None:
        """Refuse what belongs to changes of what is public alone."""
        if (self.accounts or self.dry_run) and not self.wanted:
            name = "--account" if self.accounts else "--dry-run"
            raise click.UsageError(f"{name} belongs to --published.")

    @classmethod
    def options(cls, command: Callable[..., Any]) -> Callable[..., Any]:
        """Let a command accept them."""
        options = (
            click.option("--published", is_flag=True, help="Change what is public, where networks can."),
            click.option(
                "--account", "accounts", multiple=True, metavar="NAME", help="With --published: only there."
            ),
            click.option(
                "--dry-run", is_flag=True, help="With --published: show what would change; change nothing."
            ),
        )
        for option in reversed(options):
            command = option(command)
        return command

    def change(self, state: State, desk: Desk, post: Post, changes: Changes) -> None:
        """Change what is public of a post, or show what would change; and tell that."""
        changes = _without_the_same(post, changes)
        if self.dry_run:
            _show(state, *desk.preview_published(post, changes, self.accounts))
            return
        saved = desk.edit_published(post, changes, self.accounts)
        if state.json:
            state.emit(saved_json(saved))
        names = ", ".join(_changing(saved.post))
        state.say(f"Post {post.id} is being changed on {names}: see `postbell show {post.id}`.")
        for text in map(str, saved.warnings):
            state.note(text)
        if not desk.daemon_runs():
            state.note("no daemon is running; it is changed when one is started with `postbell run`.")


def _changing(post: Post) -> list[str]:
    """Return the accounts where a post that was just edited is changed, or was within the moment."""
    since = post.updated_at
    return [
        each.account
        for each in post.deliveries
        if each.edit_at or (each.edited_at and each.edited_at >= since)
    ]


def _without_the_same(post: Post, changes: Changes) -> Changes:
    """Return changes without what is settled by publishing and says what it said: a file says all."""
    from postbell.services.posts.splitting import split_of
    from postbell.services.posts.wanted import terms_of

    to = {delivery.account for delivery in post.deliveries}
    said = post.content.comment.text if post.content.comment else ""
    return replace(
        changes,
        to=None if changes.to is not None and set(changes.to) == to else changes.to,
        terms=None if changes.terms == terms_of(post) else changes.terms,
        comment=None if changes.comment and changes.comment.text == said else changes.comment,
        split=None if changes.split is split_of(post) else changes.split,
    )


def _show(state: State, edits: Sequence[Mapping[str, Any]], warnings: Sequence[Problem]) -> None:
    for told in edits:
        if state.json:
            state.emit(told)
            continue
        place = f": {told['url']}" if told["url"] else ""
        click.echo(f"\n{told['account']} ({told['network']}){place}")
        for line in told["changes"] or ["as it is, once more"]:
            click.echo(printable(f"  {line}"))
    for text in map(str, warnings):
        state.note(text)
    state.say("\nNothing was stored, nothing was sent.")
