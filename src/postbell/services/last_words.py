"""What the user is told by a daemon that cannot go on, or not even begin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postbell.domain.notice import Notice, NoticeKind
from postbell.errors import PostbellError
from postbell.services.message import compose
from postbell.services.messenger import Messenger
from postbell.services.troubles import Troubles
from postbell.services.ways import Way
from postbell.settings import Places


#: A daemon that is started again and again says the same only so often.
_AGAIN_AFTER = timedelta(days=1)


def speak(places: Places, ways: Sequence[Way], error: Exception, now: datetime) -> None:
    """Tell the user why the daemon has ended, unless he was told lately.

    The database may be what is wrong, so nothing is asked of it: a file beside it says what was told.
    """
    said = str(error) if isinstance(error, PostbellError) else f"a fault in it ({type(error).__name__})"
    if not ways or _was_told(places, said, now):
        return
    trouble = Notice(
        kind=NoticeKind.TROUBLE,
        subject="daemon",
        at=now,
        message=f"The daemon has ended, and nothing is published before it runs again: {said}",
        mend="See `postbell doctor`, and what the daemon has logged.",
    )
    messenger = Messenger(ways, Troubles(now=lambda: now))
    errors = asyncio.run(messenger.hand_over(compose([trouble]), now))
    if None in errors.values():
        with suppress(OSError):  # then he is told again
            _path(places).write_text(said, "utf-8")
            _path(places).chmod(0o600)


def forget(places: Places) -> None:
    """Note that a daemon could begin: whatever happens to it is worth telling."""
    with suppress(OSError):
        _path(places).unlink(missing_ok=True)


def _was_told(places: Places, said: str, now: datetime) -> bool:
    try:
        told_at = datetime.fromtimestamp(_path(places).stat().st_mtime, UTC)
        return _path(places).read_text("utf-8") == said and abs(now - told_at) < _AGAIN_AFTER
    except OSError:
        return False


def _path(places: Places) -> Path:
    return places.data_dir / "last-words"
