"""What is the same in all tests is made once: most of their time went into that.

Nothing of it shows in a test: a daemon keeps its compiled statements from one post to the next too.
"""

from __future__ import annotations

import gc
from typing import Any

import structlog
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


#: More than there are: by default an engine forgets some of five hundred.
_STATEMENTS = 20_000


def share_statements() -> None:
    """Compile each statement once in this process, and not for each database anew."""
    model = create_engine("sqlite://", query_cache_size=_STATEMENTS)
    with model.connect():
        pass  # the first connection tells the dialect what this SQLite can do
    dialect, compiled = model.dialect, model._compiled_cache

    def engine_created(_cls: type[Any], engine: Engine) -> None:
        engine.dialect, engine._compiled_cache = dialect, compiled

    SQLiteDialect_pysqlite.engine_created = classmethod(engine_created)  # type: ignore[assignment]


def print_plain_tracebacks() -> None:
    """Log exceptions as the daemon does: to colour one, with all local variables, takes half a second."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[*processors[:-1], renderer])


def freeze() -> None:
    """Spare the garbage collector what is there now: thousands of tests are nobody's garbage."""
    gc.collect()
    gc.freeze()
