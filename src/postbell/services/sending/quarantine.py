"""What ends the process again and again is left alone: a try, or a look-up.

It may be a fault in Postbell, in a library or in the memory of the machine; whichever it is, the others must
go on. How often a process ended during a try is read off the log of tries. What was under way beside it is
counted too, but only once: from then on such deliveries are tried one at a time (`dispatch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from postbell.domain.post import Attempt, AttemptKind, Delivery
from postbell.store.attempts import INTERRUPTED


#: So often in a row may the process end during a try, or during a look-up; then that is not done again.
MOST_DEATHS = 3


def is_poison(delivery: Delivery, tries: Sequence[Attempt]) -> bool:
    """Whether the last tries to publish have all ended the process; `tries` are all of the delivery's.

    The count begins anew when the user has it tried again: only what has happened since is in its `tries`.
    """
    published = [tried for tried in tries if tried.kind is AttemptKind.PUBLISH]
    return min(_deaths(published), delivery.tries) >= MOST_DEATHS


def is_poison_to_find(tries: Sequence[Attempt]) -> bool:
    """Whether the last look-ups since the last try have all ended the process."""
    finds = list(takewhile(lambda tried: tried.kind is AttemptKind.FIND, reversed(tries)))[::-1]
    return _deaths(finds) >= MOST_DEATHS


def told_unsure(delivery: Delivery, tries: Sequence[Attempt]) -> str:
    """Return what the user reads of a delivery during whose try the process ended."""
    if not is_poison(delivery, tries):
        return "Postbell ended during the try; it may be public already"
    return f"{_POISON}; it may be public already: look, then `postbell settle {delivery.post_id}`"


def told_unfindable(delivery: Delivery) -> str:
    """Return what the user reads of a delivery that is not looked up any more."""
    ended = f"Postbell ended {MOST_DEATHS} times in a row while it looked this up, and does so no more"
    return f"{ended}; it may be public: look, then `postbell settle {delivery.post_id}`"


def told_absent(delivery: Delivery, what: str = "it") -> str:
    """Return what the user reads of such a delivery that, or the rest of which, is not public for sure."""
    return f"{_POISON}; {what} is not public: `postbell retry {delivery.post_id}` sends it again"


_POISON = f"Postbell ended {MOST_DEATHS} times in a row while it sent this, so it is not sent again by itself"


def _deaths(tries: Sequence[Attempt]) -> int:
    return sum(1 for _ in takewhile(lambda tried: tried.result == INTERRUPTED, reversed(tries)))
