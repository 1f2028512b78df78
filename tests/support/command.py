"""The command line in this process: what it printed, how it ended, and what it left in the store."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postbell.__main__ import main
from postbell.domain.post import Delivery
from postbell.services.media.media_store import MediaStore
from postbell.store import queue
from postbell.store.engine import Store
from postbell.store.queue import Claim
from postbell.testing import FakeClock
from support.canaries import WATCH


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it printed as JSON, one thing for each line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> dict[str, Any]:
        """The one thing that it printed."""
        (line,) = self.lines
        return line

    @property
    def error(self) -> dict[str, Any]:
        """The error that it told as JSON on standard error."""
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


class Command:
    """Runs `postbell` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "config.toml"
        #: Where the account `site` would publish.
        self.site = folder / "site"

    def __call__(self, *words: str | Path, stdin: bytes = b"") -> Ran:
        """Run one command; nobody is there to be asked."""
        out, err = io.StringIO(), io.StringIO()
        args = ["--data-dir", str(self.data), "--config", str(self.config), *map(str, words)]
        with _standard_input(stdin), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(args)
        ran = Ran(code=code, out=out.getvalue(), err=err.getvalue())
        WATCH.look_at_answer(" ".join(args[4:]), ran.out + ran.err)
        return ran

    def done(self, *words: str | Path, stdin: bytes = b"") -> Ran:
        """Run a command that must succeed."""
        ran = self(*words, stdin=stdin)
        assert ran.code == 0, ran.err
        return ran

    def add(self, *words: str | Path) -> str:
        """Add a post and return its id."""
        return str(self.done("add", *words, "--json").json["id"])

    def post(self, post_id: str) -> dict[str, Any]:
        """Return a post as JSON."""
        return self.done("show", post_id, "--json").json

    def stored(self) -> dict[str, Any]:
        """Return every row of every table, and every media file.

        Not how often the database was changed: what is taken back before its end is counted there too.
        """
        files = sorted(str(path) for path in (self.data / "media").rglob("*") if path.is_file())
        with closing(sqlite3.connect(self.data / "postbell.db")) as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            names.remove("mark")
            return {"files": files} | {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names}

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store for a step that the daemon would take."""
        store = Store(self.data / "postbell.db")
        try:
            yield store
        finally:
            store.close()

    def claim(self) -> dict[str, Delivery]:
        """Claim what is due, one for each account; return the deliveries by account."""
        with self.store() as store, store.write() as tx:
            now = FakeClock().now().replace(year=2100)
            claims: list[Claim] = queue.claim_due(tx, now, 10, MediaStore(self.data / "media").path_of)
        return {claim.account.name: claim.delivery for claim in claims}


def with_accounts(folder: Path) -> Command:
    """Return a Postbell with two accounts: `site`, a folder, and `sky` at Bluesky; none was verified."""
    cli = Command(folder)
    if not (_template := folder.parent / "template").exists():
        first = Command(_template)
        first.done("init")
        secret = _template / "secret"
        secret.write_text("aaaa-bbbb-cccc-dddd\n")
        secret.chmod(0o600)
        first.done("account", "add", "folder", "--name", "site", "--no-verify", "--set", f"path={first.site}")
        first.done(
            *("account", "add", "bluesky", "--name", "sky", "--no-verify"),
            *("--set", "identifier=alice.test", "--secret", f"app_password=@{secret}"),
        )
    cli.site = _template / "site"
    shutil.copytree(_template / "data", cli.data)
    shutil.copy(_template / "config.toml", cli.config)
    return cli


def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let times that name no zone be in Berlin."""
    monkeypatch.setenv("POSTBELL_TIMEZONE", "Europe/Berlin")


@contextmanager
def _standard_input(data: bytes) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before
