"""A process that claims what is due from a database as the daemon does, without the daemon's lock.

`python -m lab.racing DATABASE CLAIMED` claims and records until nothing is due; the key of each delivery that
it claimed is a line of the file CLAIMED.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from postbell.store import deliveries, queue
from postbell.store.engine import Store


def main(database: Path, claimed: Path) -> None:
    """Claim until nothing is due."""
    store = Store(database)
    with claimed.open("w") as keys:
        while True:
            now = datetime.now(UTC)
            with store.write() as tx:
                claims = queue.claim_due(tx, now, 20, lambda sha256, _mime: Path(sha256))
            if not claims:
                break
            keys.writelines(f"{claim.delivery.key}\n" for claim in claims)
            with store.write() as tx:
                for claim in claims:
                    deliveries.record_published(
                        tx, claim.delivery.id, receipt_id="1", url=None, warnings=(), now=now
                    )
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
