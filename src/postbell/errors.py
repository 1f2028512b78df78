"""Everything that Postbell raises, on one page.

PostbellError                    1
├── Invalid                      4   what was asked for is wrong; lists every problem at once
├── NotFound                     3
├── Conflict                     5   the state of the post does not allow it
│   ├── IllegalTransition            no such arrow in the state table
│   └── Stale                        somebody else was faster
├── BadConfig                   78
│   ├── SchemaTooNew            78   the database belongs to a newer Postbell
│   └── NoKey                   78   the key that the secrets were encrypted with is not given
├── TryLater                    75
│   ├── DaemonRunning           75
│   ├── DatabaseLocked          75
│   ├── DiskFailed              75
│   └── DiskFull                75
├── Damaged                      1   the database file is not sound
├── OnlyThere                    2   it can be done at the machine itself alone
├── NotTold                      7   a notice was not taken by the way that it was sent
├── NotFetched                   1   what an address leads to could not be read
│   └── OffLimits                1   it leads where only this machine shall go
└── PublishError                 7   how a call to a network went wrong; answers "what now?"
    ├── Rejected                 7   understood and refused: the delivery failed
    │   └── Gone                 7   what is to be changed there was taken away by somebody else
    ├── Unauthorized             6   the account must be reconnected; its deliveries wait
    ├── RateLimited              7   wait until a time; the try does not count
    ├── Unavailable              7   nothing was accepted: try again later
    │   └── BrokenOff            7   Postbell was stopped before anything was sent; the try does not count
    └── Unsure                   7   it may be public already: look before sending again

The number is the exit code of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with what was asked for."""

    #: What it is about, in the user's words: `--at`, `part 2: text`, `[wordpress] slug`.
    where: str
    #: What is wrong, and the mend where there is one. A whole sentence.
    message: str
    #: The account that it concerns, if only one does.
    account: str | None = None
    #: Whether it stands although a post is unchecked: no network can be asked about it.
    firm: bool = field(default=False, compare=False)
    #: Which of the files of a post it is about, from 0; None if it is about none, or nobody knows which.
    file: int | None = None

    def __str__(self) -> str:
        place = f"{self.where} (for {self.account})" if self.account else self.where
        return f"{place}: {self.message}"


class PostbellError(Exception):
    """Postbell could not do what was asked."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class Invalid(PostbellError):
    """What was asked for is not valid."""

    exit_code = 4

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Noting:
    """Reads what is asked for; what cannot be understood is noted, to be told with everything else."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def __call__(self, read: Callable[[], T]) -> T | None:
        """Return what `read` returns; None where it raises Invalid, which is noted."""
        try:
            return read()
        except Invalid as error:
            self.problems.extend(error.problems)
            return None


class NotFound(PostbellError):
    """There is no such thing."""

    exit_code = 3


class Conflict(PostbellError):
    """The present state does not allow it."""

    exit_code = 5


class IllegalTransition(Conflict):
    """The state table has no such step."""


class Stale(Conflict):
    """It was changed by somebody else meanwhile; nothing was done."""


class BadConfig(PostbellError):
    """The configuration is wrong."""

    exit_code = 78


class SchemaTooNew(BadConfig):
    """The database was written by a newer Postbell; this one does not touch it."""


class NoKey(BadConfig):
    """The secrets are encrypted, and the key is not given."""


class TryLater(PostbellError):
    """It cannot be done now; nothing was changed."""

    exit_code = 75


class DaemonRunning(TryLater):
    """Another daemon works on this database."""


class DatabaseLocked(TryLater):
    """Another program holds the database; nothing was stored."""


class DiskFailed(TryLater):
    """The disk does not give or take data; nothing was stored."""


class DiskFull(TryLater):
    """The disk is full; nothing was stored."""


class Damaged(PostbellError):
    """The database file is damaged."""


class OnlyThere(PostbellError):
    """It can only be done at the machine itself."""

    exit_code = 2


class NotTold(PostbellError):
    """The user could not be told."""

    exit_code = 7


class NotFetched(PostbellError):
    """What an address leads to could not be read."""


class OffLimits(NotFetched):
    """The address leads where what others wrote must not lead."""


class PublishError(PostbellError):
    """A call to a network went wrong."""

    exit_code = 7


class Rejected(PublishError):
    """The network understood and refused."""


class Gone(Rejected):
    """it is not there any more"""  # noqa: D400, D415 - as it stands in a sentence


class Unauthorized(PublishError):
    """The network does not accept the account's credentials."""

    exit_code = 6


class RateLimited(PublishError):
    """The network asks to wait."""

    def __init__(self, message: str | None = None, *, until: datetime | None = None) -> None:
        super().__init__(message)
        #: When the network said that it will listen again (aware UTC), if it said so.
        self.until = until


class Unavailable(PublishError):
    """The network could not be reached, or was not able to take anything."""


class BrokenOff(Unavailable):
    """Postbell was stopped before anything was sent."""


class Unsure(PublishError):
    """The answer was lost: the post may be public already."""
