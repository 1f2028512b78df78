"""A piece of work whose writes become durable together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from postbell.errors import PostbellError
from postbell.store.engine import Store, is_open, part_of, told


class Unit(Store):
    """A store for one piece of work; a context manager, at whose end everything becomes durable or nothing.

    The writing transaction begins with the first `write`: who only reads, or asks a network first, holds
    nobody up. Each `write` is a part, which alone is taken back if its block raises.
    """

    def __init__(self, store: Store) -> None:
        self.path = store.path
        self._store = store
        self._stack = ExitStack()
        self._tx: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What a part has stored stays where a later one is refused, as it would had it been a transaction of
        # its own. A fault takes everything back: nobody is told what became of it.
        refused = error is None or isinstance(error, PostbellError)
        kept = refused and self._can_commit()
        self._stack.__exit__(*((None, None, None) if kept else (kind, error, trace)))

    @contextmanager
    def write(self, *, by_user: bool = True) -> Iterator[Connection]:
        """Open a part that may change things, always for the user; raises what `Store.write` does."""
        del by_user
        if self._tx is None:
            self._tx = self._stack.enter_context(self._store.write(by_user=True))
        with part_of(self._tx, self.path):
            yield self._tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open what sees what was written so far."""
        if self._tx is None:
            with self._store.read() as tx:
                yield tx
        else:
            with told(self.path):
                yield self._tx

    def close(self) -> None:
        """Leave the store open: it belongs to others."""

    def _can_commit(self) -> bool:
        return self._tx is None or is_open(self._tx)
