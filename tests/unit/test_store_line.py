from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from postbell.errors import DatabaseLocked
from postbell.store.line import Line
from support.world import add_account, open_store


def test_the_turn_is_that_of_who_has_waited_longest() -> None:
    line, order = Line(), list[int]()

    def work(number: int) -> None:
        assert line.take(30)
        order.append(number)
        line.pass_on()

    assert line.take(0)
    threads = [threading.Thread(target=work, args=[number]) for number in range(5)]
    for waiting, thread in enumerate(threads, 1):
        thread.start()
        while len(line._waiting) < waiting:
            time.sleep(0.001)
    line.pass_on()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert line.take(0), "nobody has it any more"


def test_who_writes_all_the_time_is_not_always_first() -> None:
    line, had = Line(), list[str]()
    assert line.take(0)

    def other() -> None:
        assert line.take(30)
        had.append("other")
        line.pass_on()

    thread = threading.Thread(target=other)
    thread.start()
    while not line._waiting:
        time.sleep(0.001)
    line.pass_on()
    assert line.take(30)
    assert had == ["other"]
    thread.join()


def test_who_has_waited_long_enough_goes_away_and_nobody_waits_for_it() -> None:
    line = Line()
    assert line.take(0)
    assert not line.take(0.01)
    line.pass_on()
    assert line.take(0)


def test_a_write_that_waits_too_long_for_others_of_this_process_stores_nothing(tmp_path: Path) -> None:
    refused: list[str] = []

    def write() -> None:
        with pytest.raises(DatabaseLocked) as told:
            add_account(store, "bob")
        refused.append(str(told.value))

    with open_store(tmp_path, lock_wait=0.01) as store:
        with store.write():
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        add_account(store, "ann")
    assert refused == [
        f"Other work of Postbell's has written to {store.path} for 0.01 s; nothing was stored. Try again."
    ]
