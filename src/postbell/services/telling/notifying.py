"""Looking after how the user is told: trying the ways, and reading what was told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from postbell.domain.notice import Notice
from postbell.errors import BadConfig
from postbell.services.context import Context
from postbell.services.telling.message import trial_message
from postbell.services.telling.messenger import Messenger
from postbell.services.telling.troubles import Troubles
from postbell.services.telling.ways import Way
from postbell.settings import Places
from postbell.store import notices
from postbell.store.notices import Telling


def send_trial(ctx: Context, places: Places, ways: Sequence[Way]) -> dict[str, str | None]:
    """Send a message by every way, and write down how each did.

    Return for each why it was not taken, None if it was. Raises BadConfig where there is no way.
    """
    if not ways:
        raise BadConfig(
            f"Nobody would be told: there is neither `urls` nor `command` under [notify] in {places.config}."
        )
    now = ctx.now()
    messenger = Messenger(ways, Troubles(now=ctx.now))
    with ctx.store.read() as tx:
        kept = notices.load_telling(tx)
    messenger.resume(kept.ways if kept else ())
    errors = asyncio.run(messenger.hand_over(trial_message(now), now))
    if kept:  # else the daemon has not begun to tell
        with ctx.store.write() as tx:
            notices.save_telling(tx, Telling(since=kept.since, ways=messenger.states))
    return errors


def list_notices(ctx: Context, limit: int) -> list[Notice]:
    """Return the last `limit` notices, the newest first."""
    with ctx.store.read() as tx:
        return notices.list_notices(tx, limit)
