"""What the daemon tells systemd while the database is in use elsewhere."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from postbell.daemon import Daemon
from postbell.sd_notify import Notifier
from postbell.settings import Surroundings
from support.stage import until
from support.world import build_world


class Told(Notifier):
    """Keeps what systemd would be told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.heard: list[dict[str, str]] = []

    def tell(self, **words: str) -> None:
        self.heard.append(words)


def _nothing(_tx: Connection) -> None:
    pass


def test_a_writer_that_waits_for_a_locked_database_does_not_silence_the_watchdog(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:

        async def script() -> None:
            told = Told()
            daemon = Daemon(world.app, Surroundings(), told)
            with closing(sqlite3.connect(world.app.places.database, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                writing = asyncio.create_task(daemon._workers.thread.write(_nothing))
                await asyncio.sleep(0)
                beating = asyncio.create_task(daemon._beat.go())
                await until(lambda: bool(told.heard))
                beating.cancel()
                assert (told.heard, writing.done()) == ([{"WATCHDOG": "1"}], False)
                other.execute("ROLLBACK")
            await writing
            daemon._workers.thread.close()

        asyncio.run(script())
