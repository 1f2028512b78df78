"""What the user is told by a daemon that cannot go on, or not even begin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postbell.domain.notice import Notice, NoticeKind
from postbell.errors import PostbellError
from postbell.services.telling.message import compose
from postbell.services.telling.messenger import Messenger
from postbell.services.telling.troubles import Troubles
from postbell.services.telling.ways import Way, find_ways
from postbell.settings import NotifySettings, Places


#: A daemon that is started again and again says the same only so often.
_AGAIN_AFTER = timedelta(days=1)


def speak(
    places: Places,
    settings: NotifySettings,
    error: Exception,
    now: datetime,
    *,
    ways: Sequence[Way] | None = None,
) -> None:
    """Tell the user why the daemon has ended, unless he was told lately or does not want to hear of it.

    Quiet hours do not count: nothing is published, and nobody would be there to say so afterwards. The
    database may be what is wrong, so nothing is asked of it: a file says what was told. Tests give their own
    ways.
    """
    if NoticeKind.TROUBLE not in settings.about:
        return
    ways, said = find_ways(settings) if ways is None else ways, _reason(error)
    if not ways or _was_told(places, said, now):
        return
    trouble = Notice(
        kind=NoticeKind.TROUBLE,
        subject="daemon",
        at=now,
        message=f"The daemon has ended, and nothing is published before it runs again: {said}",
        # Postbell's own errors say themselves what to do.
        mend=None
        if isinstance(error, PostbellError)
        else "See `postbell doctor`, and what the daemon has logged.",
    )
    messenger = Messenger(ways, Troubles(now=lambda: now))
    errors = asyncio.run(messenger.hand_over(compose([trouble]), now))
    if None in errors.values():
        _keep(places, said)


def forget(places: Places) -> None:
    """Note that a daemon could begin: whatever happens to it is worth telling."""
    for path in _paths(places):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    if isinstance(error, PostbellError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    # What it says may hold values, even secrets.
    return f"a fault in it ({type(error).__name__})"


def _keep(places: Places, said: str) -> None:
    for path in _paths(places):
        with suppress(OSError):
            path.write_text(said, "utf-8")
            path.chmod(0o600)
            return  # where that is possible nowhere, he is told again


def _was_told(places: Places, said: str, now: datetime) -> bool:
    return any(_says(path, said, now) for path in _paths(places))


def _says(path: Path, said: str, now: datetime) -> bool:
    try:
        told_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return path.read_text("utf-8") == said and abs(now - told_at) < _AGAIN_AFTER
    except (OSError, UnicodeDecodeError):
        return False


def _paths(places: Places) -> list[Path]:
    """Return where it may say what was told: the data folder may be what cannot be written."""
    beside = places.runtime_dir
    return [places.data_dir / "last-words", *([beside / "postbell-last-words"] if beside else [])]
