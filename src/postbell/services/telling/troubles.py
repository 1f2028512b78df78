"""What keeps the daemon from its work: begun where it is met, ended where it is over, told by the Teller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from postbell.domain.notice import Notice, NoticeKind


#: The database cannot be written. It ends by itself, as soon as something could be written down.
DATABASE = "database"
#: The database or the clock is not what it was.
CAUTION = "caution"
#: The log of the database is far too large.
LOG = "log"
#: What tries a way of telling the user.
TRY = "Try it: `postbell notify test`."
_WAY = "way "


def of_way(way: str) -> str:
    """Return the name of the trouble that a way of telling the user takes nothing."""
    return f"{_WAY}{way}"


def is_of_way(name: str) -> bool:
    """Whether a trouble of this name is that of a way."""
    return name.startswith(_WAY)


@dataclass
class Troubles:
    """The troubles of the daemon, kept in memory: they may be why nothing can be written down.

    Whoever meets a trouble calls `begin`, as often as he likes, and `end` as soon as it is known to be over,
    also after a start, because it may have begun in an earlier life of the daemon. What does not last but
    happens is told by `happen`.
    """

    #: Returns this instant (aware UTC).
    now: Callable[[], datetime]
    #: Called when there is something new.
    on_change: Callable[[], None] = lambda: None
    _open: dict[str, Notice] = field(default_factory=dict)
    #: What is over, with the news that it is.
    _past: list[Notice] = field(default_factory=list)
    #: What is known not to be one, with what is told where it was one in an earlier life.
    _well: dict[str, str | None] = field(default_factory=dict)
    #: What has happened anew in this life, whatever an earlier one had told.
    _anew: set[str] = field(default_factory=set)
    #: Whether something is to be written down.
    _changed: bool = False

    def begin(self, name: str, message: str, mend: str | None = None) -> None:
        """Say what is wrong, in whole sentences; where it is known already, nothing happens."""
        self._well.pop(name, None)
        if name not in self._open:
            self._open[name] = self._notice(name, message, mend)
            self._note_change()

    def begin_of_database(self, reason: str) -> None:
        """Say in a sentence why the database cannot be written."""
        self.begin(DATABASE, f"Nothing can be published: {reason}")

    def happen(self, name: str, message: str, mend: str | None = None) -> None:
        """Say what has happened, once more where it had happened before: each time is told."""
        self._anew.add(name)
        self.forget(name)
        self.begin(name, message, mend)

    def end(self, name: str, message: str | None = None) -> None:
        """Say that it is over; the user hears of it only if the trouble itself was told."""
        self._well[name] = message
        if (found := self._open.get(name)) and found.told_at:
            self._past.append(self._notice(name, message or f"It is over: {found.message}"))
        self.forget(name)

    def forget(self, name: str) -> None:
        """End a trouble of which nobody needs to hear any more."""
        if found := self._open.pop(name, None):
            self._past.append(replace(found, over_at=self.now()))
            self._note_change()

    def names(self) -> list[str]:
        """Return the names of the troubles that there are now."""
        return list(self._open)

    def resume(self, told: Iterable[Notice]) -> None:
        """Take over what an earlier life of the daemon had told and nobody has ended."""
        for each in told:
            known = self._open.get(each.subject)
            if known is None or self._is_same(known, each):
                self._open[each.subject] = each
            elif known.at != each.at:
                self._past.append(replace(each, over_at=self.now()))
                self._changed = True
            if each.subject in self._well:
                self.end(each.subject, self._well[each.subject])
        self._anew.clear()

    def untold(self) -> list[Notice]:
        """Return what is to be told, the oldest first."""
        every = (*self._open.values(), *self._past)
        untold = (each for each in every if each.told_at is None and each.over_at is None)
        return sorted(untold, key=lambda each: each.at)

    def told(self, told: Iterable[Notice]) -> None:
        """Note that the user was told."""
        now, these = self.now(), set(told)
        self._open = {
            name: replace(each, told_at=now) if each in these else each for name, each in self._open.items()
        }
        self._past = [
            replace(each, told_at=now, over_at=now) if each in these else each for each in self._past
        ]
        self._changed = True

    def to_keep(self) -> list[Notice]:
        """Return what is to be written down; in trouble with the database, at every look."""
        if not self._changed and DATABASE not in self._open:
            return []
        return [*self._open.values(), *(each for each in self._past if each.over_at)]

    def kept(self, kept: Iterable[Notice]) -> None:
        """Note that this was written down, and forget what is over."""
        these = set(kept)
        self._past = [each for each in self._past if each not in these]
        self._changed = not set(self._open.values()) <= these

    def _is_same(self, known: Notice, earlier: Notice) -> bool:
        """Whether what this life has met is what an earlier one had met, and need not be told once more."""
        lasts = known.subject not in self._anew and known.message == earlier.message
        return lasts and known.told_at is None

    def _note_change(self) -> None:
        self._changed = True
        self.on_change()

    def _notice(self, name: str, message: str, mend: str | None = None) -> Notice:
        return Notice(kind=NoticeKind.TROUBLE, subject=name, at=self.now(), message=message, mend=mend)
