"""A try whose files are still made to fit: nothing was sent of it, and a restart shall know that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from postbell.services.context import Prepared
from postbell.services.sending.outcomes import insist
from postbell.store import attempts
from postbell.store.attempts import PREPARING
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread


#: Seconds. What takes less is not worth two waits for the disk; most files were made to fit long before.
_SOON = 0.02


async def prepared(
    work: Coroutine[None, None, Prepared],
    claim: Claim,
    thread: StoreThread,
    checkpoint: Callable[[str], None],
) -> Prepared:
    """Return what comes of the work before anything is sent.

    While that lasts it is written down that nothing was sent yet, and no longer before this returns. Raises
    what the work raises.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait([task], timeout=_SOON)
        if done:
            return task.result()
        await insist(thread, attempts.note, claim.attempt_id, PREPARING)
        checkpoint("preparing")
        asked = await task
        await insist(thread, attempts.note, claim.attempt_id, None)
    finally:
        task.cancel()
    return asked
