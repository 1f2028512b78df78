"""`postbell edit --published`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, printable
from postbell.shapes import saved_json


if TYPE_CHECKING:
    from postbell.cli.desk import Desk
    from postbell.domain.content import Content
    from postbell.domain.post import Post
    from postbell.services.posts.wanted import Changes
    from postbell.services.sending.editing import Edit


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
            from postbell.services.sending.editing import plan_edit

            _show(state, plan_edit(state.open_app().ctx, post, changes, self.accounts))
            return
        saved = desk.edit_published(post, changes, self.accounts)
        if state.json:
            state.emit(saved_json(saved))
        names = ", ".join(each.account for each in saved.post.deliveries if each.edit_at)
        state.say(f"Post {post.id} is being changed on {names}: see `postbell show {post.id}`.")
        for text in map(str, saved.warnings):
            state.note(text)
        if not desk.daemon_runs():
            state.note("no daemon is running; it is changed when one is started with `postbell run`.")


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


def _show(state: State, edit: Edit) -> None:
    for of in edit.asked:
        before, after = edit.said(of)
        lines = list(_differences(before, after))
        if state.json:
            state.emit({"account": of.account, "network": of.network, "url": of.url, "changes": lines})
            continue
        click.echo(f"\n{of.account} ({of.network}){f': {of.url}' if of.url else ''}")
        for line in lines or ["as it is, once more"]:
            click.echo(printable(f"  {line}"))
    for text in map(str, edit.warnings):
        state.note(text)
    state.say("\nNothing was stored, nothing was sent.")


def _differences(before: Content, after: Content) -> Iterator[str]:
    """Yield the lines that go, with a minus, and those that come, with a plus."""
    old, new = _lines(before), _lines(after)
    yield from (line for line in difflib.ndiff(old, new) if line[0] in "+-")


def _lines(content: Content) -> list[str]:
    named = {"title": content.title, "link": content.link}
    named |= {f"alt of {item.name}": item.alt for item in content.media}
    texts = [line for text in (content.text, *content.segments) for line in text.splitlines()]
    return [*(f"{name}: {value}" for name, value in named.items() if value), *texts]
