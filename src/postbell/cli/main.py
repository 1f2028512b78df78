"""The command `postbell` and the table of its subcommands, each imported only when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from postbell import __version__
from postbell.cli.common import GivenPath, State, json_option


#: Name → where the command is, and what the list of commands says of it: its own short help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("postbell.cli.setup:init", "Make the folders, the configuration and the database."),
    "demo": ("postbell.cli.demo:demo", "Show Postbell at work, in a temporary folder."),
    "account": ("postbell.cli.accounts:account", "Connect profiles on networks, and look after them."),
    "secrets": (
        "postbell.cli.encryption:secrets",
        "Encrypt what accounts and hooks keep secret in the database.",
    ),
    "networks": ("postbell.cli.networks:networks", "Show the networks: what each needs, takes and offers."),
    "add": ("postbell.cli.compose:add", "Write a new post."),
    "list": ("postbell.cli.posts:list_", "List posts by their time, those without one last."),
    "show": ("postbell.cli.posts:show", "Show one post with everything that belongs to it."),
    "log": ("postbell.cli.posts:log", "Show every try to publish a post."),
    "wait": ("postbell.cli.wait:wait", "Wait until posts have been published, or have failed."),
    "edit": ("postbell.cli.compose:edit", "Change a draft, a scheduled or a published post."),
    "reschedule": (
        "postbell.cli.actions:reschedule",
        "Give a draft or scheduled post a time, or another one.",
    ),
    "series": ("postbell.cli.series:series", "Write what is published again and again."),
    "queue": (
        "postbell.cli.queue:queue",
        "Give accounts posting times, and look after the posts that take them.",
    ),
    "next": (
        "postbell.cli.future:next_",
        "List what will be published next, also what series have not made yet; nothing is stored.",
    ),
    "agenda": (
        "postbell.cli.future:agenda",
        "Show day by day what was and what will be published, and dated drafts.",
    ),
    "month": (
        "postbell.cli.future:month",
        "Show a month as a grid of days: what was and what will be published on each.",
    ),
    "rehearse": (
        "postbell.cli.rehearse:rehearse",
        "Show what would happen in a span of time, without sending or storing anything.",
    ),
    "publish": (
        "postbell.cli.actions:publish",
        "Publish a post now; one that waits for another try is tried now.",
    ),
    "cancel": (
        "postbell.cli.actions:cancel",
        "Cancel what is not yet published of a post; the post itself is kept.",
    ),
    "delete": ("postbell.cli.actions:delete", "Remove a draft, scheduled or cancelled post for good."),
    "retry": ("postbell.cli.actions:retry", "Try again, now, what failed or was missed."),
    "settle": (
        "postbell.cli.actions:settle",
        "Say how an unsure delivery ended, after a look at the network.",
    ),
    "unpublish": ("postbell.cli.actions:unpublish", "Take a published post away from its networks."),
    "engagement": (
        "postbell.cli.engagement:engagement",
        "Count who responded to a post, so that --auto learns which hours are good.",
    ),
    "metrics": ("postbell.cli.metrics:metrics", "Show how people responded to a post."),
    "pause": ("postbell.cli.pause:pause", "Hold back accounts, series, labels or everything."),
    "resume": (
        "postbell.cli.pause:resume",
        "Let go on what was paused; say what that publishes late, and what is missed.",
    ),
    "status": ("postbell.cli.health:status", "Show what is due, what is late, and whether the daemon runs."),
    "notify": (
        "postbell.cli.notify:notify",
        "Try how you are told what you should know, and see what you were told.",
    ),
    "doctor": ("postbell.cli.health:doctor", "Look for what is wrong with this installation."),
    "run": ("postbell.cli.daemon:run", "Publish what is due, until the process is told to stop."),
    "key": ("postbell.cli.keys:key", "Let programs ask the HTTP API."),
    "hook": ("postbell.cli.hooks:hook", "Let addresses be told what happens, by signed requests."),
    "db": ("postbell.cli.db:db", "Check, back up, restore and upgrade the database."),
    "version": ("postbell.cli.setup:version", "Show the versions of Postbell and what it stands on."),
}

# A line with \b alone keeps click from filling the paragraph that follows.
_HELP = """Publish posts on social networks: on time, once, and never silently late.

\b
Examples:
  postbell init
  postbell account add bluesky --name sky
  postbell add "Hello, world" --to sky --at "tomorrow 9am"
  postbell run

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not valid,
5 not possible in this state, 6 the network refuses the account,
7 the network failed, 8 partly done, 75 try again later,
78 wrong configuration, 130 interrupted.
"""


class LazyGroup(click.Group):
    """A group whose commands are listed and completed from a table, and imported when they are used."""

    def __init__(self, *, table: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(**more)
        self._table = table
        for name, (_, text) in table.items():
            self.add_command(click.Command(name, short_help=text))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table, which is that of a first day with Postbell."""
        return list(self._table)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the command that is asked for."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load(self._table[name][0]) if name and stand_in else None, rest


def load(place: str) -> click.Command:
    """Return the command at `module:name`."""
    module, _, name = place.partition(":")
    command: click.Command = getattr(importlib.import_module(module), name)
    return command


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
@click.option("--data-dir", type=GivenPath(), help="Where database, media and backups lie.")
@click.option("--config", type=GivenPath(), help="The configuration file.")
@click.option("--remote", metavar="URL", help="Ask the Postbell of another machine over HTTP.")
@click.option("--key-file", type=GivenPath(), help="The file with the key to it.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print only what was asked for; `add` prints the id alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print more, also where in Postbell a fault lies.")
@click.option("--no-input", is_flag=True, help="Never ask anything.")
@click.option("--no-color", is_flag=True, help="Print without colours; so does the variable NO_COLOR.")
@click.version_option(__version__, prog_name="postbell", message="%(prog)s %(version)s")
@click.pass_obj
def cli(
    state: State,
    *,
    data_dir: Path | None,
    config: Path | None,
    remote: str | None,
    key_file: Path | None,
    quiet: bool,
    verbose: bool,
    no_input: bool,
    no_color: bool,
) -> None:
    """Take the global options; a command follows."""
    state.data_dir, state.config = data_dir, config
    state.remote, state.key_file = remote, key_file
    state.quiet, state.verbose = quiet, verbose
    state.no_input, state.no_color = no_input, no_color
