"""What commands are called here: services advise in the words of the command line, programs know routes."""

from __future__ import annotations

import re
from collections.abc import Mapping


#: Command → the route that does the same, as `METHOD path below /api/v1`.
ROUTES = {
    "account add": "POST accounts",
    "account reconnect": "POST accounts/{name}/reconnect",
    "account list": "GET accounts",
    "account show": "GET accounts/{name}",
    "account check": "POST accounts/{name}/verify",
    "account rename": "PATCH accounts/{name}",
    "account limits": "PATCH accounts/{name}",
    "account adds": "PATCH accounts/{name}",
    "account remove": "DELETE accounts/{name}",
    "networks": "GET networks/{key}",
    "add": "POST posts",
    "list": "GET posts",
    "show": "GET posts/{id}",
    "log": "GET posts/{id}/attempts",
    "wait": "GET posts/{id}",
    "edit": "PATCH posts/{id}",
    "reschedule": "PATCH posts/{id}",
    "series add": "POST series",
    "series recycle": "POST series",
    "series list": "GET series",
    "series show": "GET series/{id}/next",
    "series edit": "PATCH series/{id}",
    "series delete": "DELETE series/{id}",
    "series end": "POST series/{id}/end",
    "series rrule": "GET series/{id}",
    "queue slots": "PUT accounts/{name}/slots",
    "queue show": "GET accounts/{name}/queue",
    "queue reorder": "POST accounts/{name}/queue/reorder",
    "queue shuffle": "POST accounts/{name}/queue/shuffle",
    "next": "GET next",
    "agenda": "GET agenda",
    "month": "GET agenda",
    "rehearse": "POST rehearsal",
    "publish": "POST posts/{id}/publish",
    "cancel": "POST posts/{id}/cancel",
    "delete": "DELETE posts/{id}",
    "retry": "POST posts/{id}/retry",
    "settle": "POST posts/{id}/settle",
    "unpublish": "POST posts/{id}/unpublish",
    "engagement": "PUT posts/{id}/responses",
    "metrics": "GET posts/{id}/readings",
    "pause": "POST pauses",
    "resume": "POST pauses/resume",
    "status": "GET status",
    "notify test": "POST notices/test",
    "notify list": "GET notices",
    "hook add": "POST hooks",
    "hook list": "GET hooks",
    "hook test": "POST hooks/{name}/test",
    "hook rotate": "POST hooks/{name}/rotate",
    "hook remove": "DELETE hooks/{name}",
    "hook log": "GET hooks/{name}/log",
    "db check": "POST backups/check",
    "db backup": "POST backups",
}

#: Options in advice → the member of a request that says the same, where that is not called alike.
_MEMBERS: Mapping[str, str] = {
    "--media FILE='What it shows'": "`alt` of `media`",
    "--tz": "`zone`",
    "--between": "`auto.between`",
    "--and": "`auto.until`",
    "--late-limit": "`late_limit_seconds`",
    "--delete-after": "`delete_after_seconds`",
    "--label": "`labels`",
    "--set": "`overrides`",
    "--secret": "`values`",
    "--no-verify": "`verify` of false",
    "--on": "`days_of_week`",
    "--month": "`months`",
    "--time": "`times`",
    "--start": "`start_date`",
    "--end": "`end_date`",
}
_COMMAND = re.compile(r"`postbell ([a-z]+(?: [a-z]+)?)([^`]*)`")
_OPTION = re.compile(r"`?(?<![\w-])(--media FILE='What it shows'|--[a-z][a-z-]*[a-z])(?![\w-])`?")
_PLACE = re.compile(r"\{\w+\}")
#: What is given to a command that reads.
_GIVEN = re.compile(r"--([a-z]+) (\w[\w-]*)")
#: Commands that do another thing with an option: by whether that is given.
_OTHERWISE = {("edit", True): "POST posts/{id}/edit"}
#: Commands that do with an option what a member of the body does: that is named too.
_BY_MEMBER = {("reschedule", "--account"): "`times`", ("edit", "--set"): "`overrides`"}


def in_words_of_the_api(text: str) -> str:
    """Return advice with routes for commands and members for options.

    What can be done at the machine alone is left as it is: it is done by a command.
    """
    kept: list[str] = []

    def route(found: re.Match[str]) -> str:
        path, member = _route(found), _by_member(found)
        # What has just been named is not named again.
        words = [] if member and kept and kept[-1].startswith(path) else [path]
        kept.append(" ".join([*words, *([f"with {member}"] if member else [])]))
        return f"\0{len(kept) - 1}\0"

    worded = _OPTION.sub(_member, _COMMAND.sub(route, text))
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], worded)


def _command(found: re.Match[str]) -> tuple[str, str]:
    """Return the name of a command, as `ROUTES` has it, and what it is given."""
    name, rest = found[1], found[2]
    if name not in ROUTES and (single := name.partition(" "))[0] in ROUTES:
        return single[0], f" {single[2]}{rest}"
    return name, rest


def _route(found: re.Match[str]) -> str:
    name, rest = _command(found)
    if name not in ROUTES:
        return found[0]
    method, _, path = _OTHERWISE.get((name, "--published" in rest), ROUTES[name]).partition(" ")
    given = rest.split()
    named = given[0] if given and not given[0].startswith("-") else None
    filled = _PLACE.sub(named or _in_capitals, path, count=1)
    asked = "&".join("=".join(pair) for pair in _GIVEN.findall(rest)) if method == "GET" else ""
    return f"`{method} /api/v1/{filled}{f'?{asked}' if asked else ''}`"


def _by_member(found: re.Match[str]) -> str | None:
    name, rest = _command(found)
    return next((said for (of, option), said in _BY_MEMBER.items() if name == of and option in rest), None)


def _in_capitals(found: re.Match[str]) -> str:
    return found[0].strip("{}").upper()


def _member(found: re.Match[str]) -> str:
    option = found[1]
    return _MEMBERS.get(option) or f"`{option.removeprefix('--').replace('-', '_')}`"
