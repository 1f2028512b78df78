"""Times of single accounts, as commands and files give them: like an option `at` of the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from postbell.domain.content import Override
from postbell.domain.states import PostState
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from datetime import datetime

    from postbell.domain.manuscript import Manuscript
    from postbell.domain.post import Post


#: What a table of a file, and --set, call the time of an account. No network has an option of this name.
NAME = "at"


def split_times(given: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """Return the time for all among the values of --at, None if there is none, and those of single accounts.

    Raises Invalid for half of one, and UsageError for several of one kind.
    """
    shared = [text for text in given if "=" not in text]
    own: dict[str, str] = {}
    for text in given:
        names, equals, when = text.partition("=")
        for name in names.split(",") if equals else ():
            if not (name.strip() and when.strip()):
                message = f'"{text}" is not of the form NAME=WHEN, for instance sky="tomorrow 9am".'
                raise Invalid([Problem(where="--at", message=message)])
            if name.strip() in own:
                raise click.UsageError(f"--at is given twice for {name.strip()}.")
            own[name.strip()] = when.strip()
    if len(shared) > 1:
        raise click.UsageError('--at is given twice; for one account alone it is --at NAME="WHEN".')
    return (shared[0] if shared else None), own


def with_times(overrides: Mapping[str, Override], times: Mapping[str, Any]) -> dict[str, Override]:
    """Return what single networks and accounts say, with their times."""
    said = {name: overrides.get(name, Override()) for name in times}
    timed = {name: replace(each, options={**each.options, NAME: times[name]}) for name, each in said.items()}
    return {**overrides, **timed}


def apart(overrides: Mapping[str, Override]) -> tuple[dict[str, Override], dict[str, Any]]:
    """Return what single networks and accounts say without their times, and these by name.

    Who has nothing but a time says nothing.
    """
    times = {name: said.options[NAME] for name, said in overrides.items() if NAME in said.options}
    others = {name: _without_time(said) for name, said in overrides.items()}
    return {name: said for name, said in others.items() if name not in times or said != Override()}, times


def times_shown(post: Post) -> tuple[datetime | None, dict[str, datetime]]:
    """Return when a post is published, as a file to edit says it: for most accounts, and for each other one.

    What is over, or under way, has no times that could be changed.
    """
    due = {each.account: each.due_at for each in post.deliveries}
    dates = {name: at for name, at in due.items() if at}
    if post.state not in (PostState.DRAFT, PostState.SCHEDULED) or not dates:
        return post.at, {}
    # A draft may have no date for one account: it shall not seem to have that of the others.
    (most, _), *_ = Counter(sorted(dates.values())).most_common(1)
    shared = most if len(dates) == len(due) else None
    return shared, {name: at for name, at in dates.items() if at != shared}


def changed_times(shown: Manuscript, written: Manuscript) -> Manuscript:
    """Return what was written without the times that stay: nobody has touched them, and they may be past."""
    if (written.at, written.tz) != (shown.at, shown.tz):
        return written
    (_, had), (others, now) = apart(shown.overrides), apart(written.overrides)
    times = {name: text for name, text in now.items() if had.get(name) != text}
    # Whose time was taken away has that of the others.
    times |= {name: written.at for name in had if name not in now and name in written.to and written.at}
    return replace(written, at=None, overrides=with_times(others, times))


def _without_time(said: Override) -> Override:
    return replace(said, options={key: value for key, value in said.options.items() if key != NAME})
