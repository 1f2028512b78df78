"""`postbell db`.

With `--json` each command prints one object:

    check    {path, sound, problems: [text]}
    backup   {path, rows: {table: count}}
    restore  {source, replaced, rows: {table: count}, unsure: [id], unmarked}; replaced is where the old
             database was kept, null if there was none any more; unsure are the posts that were due since the
             backup was made; unmarked says why postbell.mark could not be written, null if it was
    upgrade  {schema, backup}; backup is null if the schema was current
    current  {path, schema, needed, current}
    prune    {attempts, posts, events, dry_run}; how many were removed, or would be
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import SentenceGroup, State, is_terminal, json_option, pass_state
from postbell.cli.words import printable
from postbell.errors import Invalid, NotFound, OnlyThere, Problem


if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from postbell.store.retention import Step


@click.group(cls=SentenceGroup)
@json_option
def db() -> None:
    """Check, back up, restore and upgrade the database."""


@db.command()
@pass_state
def check(state: State) -> int:
    """Read the whole database and say whether it is sound; exits with 1 if it is not."""
    there = state.open_elsewhere()
    told = there.check_database() if there else _check(state.places.database)
    path, problems = told["path"], told["problems"]
    if state.json:
        state.emit(told)
    elif problems:
        for problem in problems:
            click.echo(printable(f"{path}: {problem}"))
        state.note("`postbell db restore latest` puts the newest backup in its place and keeps this file.")
    else:
        state.say(f"{path} is sound.")
    return 1 if problems else 0


@db.command("backup")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_state
def backup_(state: State, *, file: Path | None) -> None:
    """Copy the database to FILE, or into the folder of backups; the daemon may go on meanwhile.

    The copy is checked before it gets its name. Stored media are not in it: copy the folder `media` too.
    """
    there = state.open_elsewhere()
    if there and file is not None:
        raise OnlyThere(
            f"{file} would be written by the other machine: run this there, or leave FILE out; then the copy "
            "lies in its folder of backups."
        )
    told = there.back_up() if there else _back_up(state, file)
    if state.json:
        state.emit({"path": told["path"], "rows": told["rows"]})
    else:
        state.say(f"Backed up to {told['path']}: {_counted(told['rows'])}.")


@db.command()
@click.argument("file")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_state
def restore(state: State, *, file: str, yes: bool) -> None:
    """Put the backup FILE, or the `latest` one, in the place of the database.

    The database of now, if there is one, is kept beside it. The daemon must not run. What was due since the
    backup was made may have been published, so it is unsure: the daemon asks the networks when it starts, and
    sends only what is not there. What no network can tell waits for `postbell settle`.
    """
    from postbell.clock import SystemClock
    from postbell.services.upkeep import upkeep

    clock = SystemClock()
    source = _latest(state, clock.now()) if file == "latest" else Path(file)
    if not yes:
        state.confirm(f"Replace {state.places.database} by {source}?")
    done = upkeep.restore(state.places, source, now=clock.now())
    unsure = list(dict.fromkeys(each.post_id for each in done.doubted))
    if state.json:
        replaced = str(done.replaced) if done.replaced else None
        said = {"source": str(source), "replaced": replaced, "rows": done.rows, "unsure": unsure}
        state.emit(said | {"unmarked": done.unmarked})
        return
    old = f"The old database is {done.replaced}." if done.replaced else "There was no database any more."
    state.say(f"Restored {source}: {_counted(done.rows)}.\n{old}")
    if done.unmarked:
        state.note(f"{state.places.mark} cannot be written ({done.unmarked}): check its owner, and the disk.")
    state.note(
        "posts, changes and cancellations made since the backup are not in it, and what was cancelled may "
        "wait again: compare with `postbell list` before you start the daemon."
    )
    if unsure:
        state.note(
            f"due since then, and perhaps published: {', '.join(unsure)}. The daemon asks the networks when "
            "it starts; what they cannot tell of is shown by `postbell list --outcome unsure`: look, then "
            "`postbell settle`."
        )


@db.command()
@pass_state
def upgrade(state: State) -> None:
    """Bring the database to the schema of this Postbell, after a backup.

    The daemon does the same when it starts.
    """
    from postbell.clock import SystemClock
    from postbell.services.upkeep import upkeep
    from postbell.settings import load_settings
    from postbell.store import schema

    kept, now = load_settings(state.places.config).backup, SystemClock().now()
    saved = upkeep.upgrade(state.places, keep=kept.keep, weeks=kept.keep_weeks, now=now)
    if state.json:
        state.emit({"schema": schema.HEAD, "backup": str(saved) if saved else None})
    elif saved:
        state.say(f"Upgraded to schema {schema.HEAD}. The database as it was: {saved}.")
    else:
        state.say(f"Nothing to do: the schema is {schema.HEAD}.")


@db.command()
@click.option("--dry-run", is_flag=True, help="Only tell how much it would be.")
@pass_state
def prune(state: State, *, dry_run: bool) -> None:
    """Remove what is over for longer than [retention] in the configuration says.

    The daemon does the same every day. How many there were stays in the totals of `status`.
    """
    import asyncio

    from postbell.services.upkeep import retention

    app = state.open_app()
    settings, now = app.settings.retention, app.ctx.now()

    async def write(work: Callable[[Connection], Step]) -> Step:
        with app.ctx.store.write() as tx:
            return work(tx)

    if dry_run:
        pruned = retention.foretell(app.ctx.store, settings, now)
    else:
        pruned = asyncio.run(retention.prune(write, settings, now))
    if state.json:
        state.emit({**asdict(pruned), "dry_run": dry_run})
    else:
        verb = "Would remove" if dry_run else "Removed"
        state.say(f"{verb} tries: {pruned.attempts}, posts: {pruned.posts}, events: {pruned.events}.")


@db.command()
@pass_state
def current(state: State) -> None:
    """Show the schema of the database and the one that this Postbell needs."""
    from postbell.store import schema
    from postbell.store.engine import Store, require_file

    path = state.places.database
    require_file(path)
    with closing(Store(path)) as store:
        revision = schema.revision_of(store)
    if state.json:
        state.emit(
            {
                "path": str(path),
                "schema": revision,
                "needed": schema.HEAD,
                "current": revision == schema.HEAD,
            }
        )
    else:
        state.fields([("database", str(path)), ("schema", revision or "none"), ("needed", schema.HEAD)])


def _check(path: Path) -> Mapping[str, Any]:
    from postbell.store import backup
    from postbell.store.engine import require_file

    require_file(path)
    problems = backup.check(path)
    return {"path": str(path), "sound": not problems, "problems": problems}


def _back_up(state: State, file: Path | None) -> Mapping[str, Any]:
    from postbell.clock import SystemClock
    from postbell.services.upkeep import upkeep
    from postbell.settings import load_settings

    places = state.places
    if file is not None and (file.is_dir() or file.resolve() == places.database.resolve()):
        message = f"{file} is a folder, or the database itself; name a new file."
        raise Invalid([Problem(where="FILE", message=message)])
    kept, now = load_settings(places.config).backup, SystemClock().now()
    with _progress(state) as progress:
        path, rows = upkeep.back_up(
            places, file, keep=kept.keep, weeks=kept.keep_weeks, now=now, progress=progress
        )
    return {"path": str(path), "rows": rows}


def _latest(state: State, now: datetime) -> Path:
    from postbell.store import backup

    newest = backup.newest_backup(state.places.backups, now)
    if newest is None:
        raise NotFound(f"There is no backup in {state.places.backups}.")
    return newest


@contextmanager
def _progress(state: State) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal; it is told the pages left and the pages in all."""
    if state.json or state.quiet or not is_terminal(sys.stderr):
        yield None
        return
    with click.progressbar(length=1, label="Copying", file=sys.stderr) as bar:

        def show(left: int, pages: int) -> None:
            bar.length = pages
            bar.update(pages - left - bar.pos)

        yield show


def _counted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in {table}" for table, count in rows.items())
