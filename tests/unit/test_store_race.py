from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from postbell.domain.states import DeliveryState
from postbell.store import deliveries
from postbell.store.engine import Store
from postbell.store.tables.core import account, delivery, post
from support.world import (
    START,
    account_row,
    delivery_row,
    open_store,
    post_row,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


_CLAIMER = """
import json, sys
from pathlib import Path
from support.world import START, locate
from postbell.errors import Stale
from postbell.store import deliveries, queue
from postbell.store.engine import Store

store, got = Store(Path(sys.argv[1])), []
print("ready", flush=True)
sys.stdin.readline()
while True:
    with store.write() as tx:
        claims = queue.claim_due(tx, START, 7, locate)
    for claim in claims:
        if not got:  # neither gets everything before the other has begun
            print("claimed", flush=True)
            sys.stdin.readline()
        got.append(claim.delivery.id)
        with store.write() as tx:
            deliveries.record_published(
                tx, claim.delivery.id, receipt_id="r", url=None, warnings=(), now=START
            )
    with store.read() as tx:
        left = deliveries.count_by_state(tx)
    if not claims and not left.get("scheduled"):
        break
print(json.dumps(got))
"""


def test_two_processes_that_claim_at_once_get_everything_once(store: Store) -> None:
    with store.write() as tx:
        tx.execute(insert(account), [account_row(n) for n in range(40)])
        tx.execute(insert(post), [post_row(number, "scheduled") for number in range(400)])
        rows = [delivery_row(n, n % 40, state="scheduled", due_at=START, try_at=START) for n in range(400)]
        tx.execute(insert(delivery), rows)
    command = [sys.executable, "-c", _CLAIMER, str(store.path)]
    tests = Path(__file__).parents[1]
    children = [
        subprocess.Popen(command, cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for word in ("ready", "claimed"):
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == f"{word}\n"
        for child in children:  # both wait for this line: they go on together
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
    ends = [child.communicate(timeout=120)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    got = [json.loads(end) for end in ends]
    assert sorted(got[0] + got[1]) == list(range(1, 401))
    with store.read() as tx:
        assert deliveries.count_by_state(tx) == {DeliveryState.PROCESSED: 400}
        assert tx.execute(text("SELECT count(*) FROM attempt")).scalar_one() == 400
