"""The queue of an account in another order. The slots stay where they are; posts change places.

Whatever is queued is named by an ID. Each function returns the new slots (aware UTC) of what it places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from postbell.domain.ids import Random
from postbell.errors import Invalid, Problem


#: Places in a queue: the first free one, the very next one, the one behind all others.
QUEUES = ("free", "next", "last")

#: What is queued, and its slot (aware UTC), in any order.
Queue = Sequence[tuple[str, datetime]]


def insert_first(new: str, queued: Queue, slots: Iterable[datetime]) -> dict[str, datetime]:
    """Put `new` into the first slot, and move what is in the way down one slot each, up to the next free one.

    `slots` are those that are free or belong to the queue, in order; a slot that something else has taken is
    not among them. Whatever is queued beyond the first free slot, or outside of them, stays. `new` may be
    queued already: its own slot becomes free. Raises Invalid if there are not enough slots.
    """
    holders = {at: name for name, at in queued if name != new}
    placed = {}
    moving = new
    for slot in slots:
        placed[moving] = slot
        if slot not in holders:
            return placed
        moving = holders[slot]
    message = "there is no free slot for the last of the queue; give the account more slots."
    raise Invalid([Problem(where="queue", message=message)])


def reordered(names: Sequence[str], queued: Queue) -> dict[str, datetime]:
    """Put `names` into the first slots of the queue; the others follow in their present order.

    Raises Invalid with every name that is not queued or that is given twice.
    """
    present = _in_order(queued)
    counts = Counter(names)
    problems = [
        Problem(where=name, message="it is not in the queue.") for name in counts if name not in present
    ]
    problems += [
        Problem(where=name, message="it is named twice; name it once.") for name, n in counts.items() if n > 1
    ]
    if problems:
        raise Invalid(problems)
    return _placed([*names, *(name for name in present if name not in counts)], queued)


def shuffled(queued: Queue, random: Random) -> dict[str, datetime]:
    """Put what is queued into the same slots in any order, each order as likely as another."""
    names = _in_order(queued)
    for last in range(len(names) - 1, 0, -1):
        other = int(random.random() * (last + 1))
        names[last], names[other] = names[other], names[last]
    return _placed(names, queued)


def _in_order(queued: Queue) -> list[str]:
    return [name for name, _ in sorted(queued, key=lambda item: item[1])]


def _placed(names: Sequence[str], queued: Queue) -> dict[str, datetime]:
    return dict(zip(names, sorted(at for _, at in queued), strict=True))
