"""What accounts add to their posts, kept with each post."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from postbell.domain.account import Account
from postbell.domain.additions import Additions
from postbell.domain.content import Override
from postbell.domain.post import Post
from postbell.services.context import Context
from postbell.store import accounts as account_store


def set_additions(ctx: Context, name: str, additions: Additions) -> Account:
    """Let an account add this to what is written for it from now on, and return it; raises NotFound.

    Posts that are written already stay as they are until they are changed.
    """
    with ctx.store.write() as tx:
        account_store.set_additions(tx, name, additions)
        return account_store.get_account(tx, name)


def added_to(post: Post, accounts: Iterable[Account]) -> Post:
    """Return a post that keeps what these accounts add to it now, in the place of what they did before.

    Nothing, if it is to be published bare.
    """
    label = post.labels[0] if post.labels else ""
    made = {
        account.name: account.adds.filled(
            network=account.network, account=account.name, post=post.id, label=label
        )
        for account in accounts
        if account.adds and not post.bare
    }
    return replace(post, overrides=_with(post.overrides, made))


def added_as_before(post: Post, before: Post) -> Post:
    """Return a post that keeps what accounts add to it as it was."""
    made = {key: said.added for key, said in before.overrides.items() if said.added}
    return replace(post, overrides=_with(post.overrides, made))


def _with(overrides: Mapping[str, Override], made: Mapping[str, Additions]) -> dict[str, Override]:
    keys = [*overrides, *(key for key in made if key not in overrides)]
    said = {key: replace(overrides.get(key, Override()), added=made.get(key)) for key in keys}
    return {key: each for key, each in said.items() if each != Override()}
