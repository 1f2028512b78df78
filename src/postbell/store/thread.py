"""The store for code that must not wait: one thread, because SQLite has one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from postbell.store.engine import Store


P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """Runs functions of the store in transactions of their own, one after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(tx, …)` in a writing transaction; what it did is durable when this returns."""

        def run() -> T:
            with self._store.write() as tx:
                return work(tx, *args, **kw)

        return await self._submit(run)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(tx, …)` in a reading transaction."""

        def run() -> T:
            with self._store.read() as tx:
                return work(tx, *args, **kw)

        return await self._submit(run)

    async def _submit(self, run: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    def close(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._executor.shutdown(wait=True)
