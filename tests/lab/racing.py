"""A process that claims what is due from a database as the daemon does, without the daemon's lock.

`python -m lab.racing DATABASE CLAIMED` makes the file CLAIMED, waits for a file `go` beside it, and then
claims and records until nothing waits. The key of each delivery that it claimed is a line of CLAIMED.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from postbell.domain.states import DeliveryState
from postbell.store import deliveries, queue
from postbell.store.engine import Store


def main(database: Path, claimed: Path) -> None:
    """Claim until nothing waits."""
    store = Store(database)
    with claimed.open("w") as keys:
        while not claimed.with_name("go").exists():
            time.sleep(0.001)
        waits = True
        while waits:
            now = datetime.now(UTC)
            with store.write() as tx:
                claims = queue.claim_due(tx, now, 10, lambda sha256, _mime: Path(sha256))
                waits = DeliveryState.SCHEDULED in deliveries.count_by_state(tx)
            time.sleep(0.003)  # a network answers no faster, and nobody holds the database meanwhile
            keys.writelines(f"{claim.delivery.key}\n" for claim in claims)
            with store.write() as tx:
                for claim in claims:
                    deliveries.record_published(
                        tx, claim.delivery.id, receipt_id="1", url=None, warnings=(), now=now
                    )
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
