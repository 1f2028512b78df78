"""What Threads says of an account: who it is, how long its token lives, and how much it may post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.errors import RateLimited, Rejected, Unavailable
from postbell.publishing.protocol import Profile
from postbell.publishing.threads.oauth import RIGHTS, told_tokens


if TYPE_CHECKING:
    from collections.abc import Mapping

    from postbell.publishing.protocol import Target
    from postbell.publishing.threads.api import Line
    from postbell.publishing.web.http import Http


#: Under this name it is stored how many posts an account may publish within 24 hours.
QUOTA = "posts_a_day"
#: What keeps Threads from telling more, and the account from nothing.
_NOT_TOLD = (Rejected, RateLimited, Unavailable)
#: From this share on of what an account may post it is told.
_TIGHT = 0.8


async def learn(line: Line, target: Target, http: Http) -> Profile:
    """Ask for all of it, and store what is used later; of a given token also how long it lives."""
    me = await line.ask("GET", "me", {"fields": "id,username"})
    name, number = me.field("username", str), me.field("id", str)
    who = {"id": number, "name": f"@{name}"}
    notes = [*await _token_notes(line, target, http), *await _quota_notes(line, http, who)]
    return Profile(handle=f"@{name}", url=f"https://www.threads.com/@{name}", notes=tuple(notes))


async def _token_notes(line: Line, target: Target, http: Http) -> list[str]:
    given = target.credentials.access_token
    access = http.tokens.access_token if http.tokens else given.get_secret_value()
    try:
        answer = await line.ask("GET", "debug_token", {"input_token": access}, right="a tester's rights")
        said = answer.field("data", dict)
    except _NOT_TOLD:  # a person who is no tester may not ask
        return [] if http.tokens else ["When the token ends is not known: check the account again later."]
    rights = said.get("scopes")
    notes = [
        f"The login lacks {right}: {what}."
        for right, what in RIGHTS.items()
        if isinstance(rights, list) and right not in rights
    ]
    if http.tokens is None and (tokens := told_tokens(access, said, http)):
        await http.save_tokens(tokens)
        if not tokens.renews:
            notes.append(f"The token ends at {tokens.ends_at:%F %T}Z: give one that lives 60 days.")
    return notes


async def _quota_notes(line: Line, http: Http, who: Mapping[str, str]) -> list[str]:
    session: dict[str, Any] = {**http.session, **who}
    try:
        used, most = await line.quota()
    except _NOT_TOLD:
        used = most = 0
    if most:
        session[QUOTA] = most
    await http.save_session(session)
    if not most or used < most * _TIGHT:
        return []
    return [f"{used} of the {most} posts that it may publish within 24 hours are used."]
