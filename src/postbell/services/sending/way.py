"""How far a try has come. What is all public ends as published, whatever becomes of what was left to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection

from postbell.domain.post import Delivery
from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.protocol import Progress, Receipt
from postbell.services.sending.quarantine import MOST_DEATHS, is_poison
from postbell.store import attempts


E = TypeVar("E", bound=Receipt | Progress | PublishError)

#: Why what is left is not done any more.
POISON = f"Postbell ended {MOST_DEATHS} times in a row while it did the rest, and does so no more"


@dataclass
class Way:
    """How far one try has come: what was stored before it, then what it stores itself."""

    progress: Progress | None
    #: Whether it has begun to take steps: before that nothing is sent.
    begun: bool = False

    @property
    def receipt(self) -> Receipt | None:
        """The receipt, if all is public already and something is left to do."""
        return self.progress.receipt if self.progress else None

    async def go(
        self,
        step: Callable[[Progress | None], Awaitable[Receipt | Progress]],
        keep: Callable[[Progress], Awaitable[None]],
    ) -> Receipt | Progress:
        """Take one step after the other, each kept before the next, until it is done or is to wait."""
        self.begun = True
        while True:
            result = await step(self.progress)
            if isinstance(result, Receipt):
                return result
            self.progress = result
            await keep(result)
            if result.again_at is not None:
                return result

    def ended(self, ending: E, *, last: bool) -> E | Receipt:
        """Return how the try ended, where all is public what was not done as a warning.

        What can go on later does so; but for what is only not to be had now, unless it was the `last` time.
        """
        if not (self.progress and self.receipt) or isinstance(ending, Receipt | Progress):
            return ending
        if isinstance(ending, Unauthorized | RateLimited) or (isinstance(ending, Unavailable) and not last):
            return ending
        warning = f"It is {self.progress.step}: {ending}"
        return replace(self.receipt, warnings=(*self.receipt.warnings, warning))


def is_deadly(tx: Connection, delivery: Delivery) -> bool:
    """Whether the tries before the one that is open now have all ended the process."""
    return is_poison(delivery, attempts.list_attempts(tx, [delivery.id])[:-1])
