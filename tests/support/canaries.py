"""No test shows a secret: what passes as one during a test is looked for in all that the test has shown.

Noted as they pass are the secrets of accounts and hooks, keys of the API, and what networks are told as one.
They are looked for in what was logged and printed, in what commands and the API answer, in what was written
to files, and in the tables that tell of tries, events and answers. What is shown once is allowed once.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from postbell.services.accounts import keys
from postbell.services.accounts.vault import Vault
from postbell.services.telling import hooks


#: Names what a process tells the first of them about its counts.
_COUNTED = "canaries"
#: Words like "secret" stand in many places; nothing so short is taken for one.
_SHORTEST = 8
#: Where networks and OAuth keep secrets, by parts of the names.
_NAMES = ("jwt", "password", "secret", "token")
#: Where secrets are stored, and the files that were posted.
_STORED, _POSTED = ".db", {"media"}
#: Tables in which there are no secrets, and so many rows of them.
_TOLD = ("answer", "attempt", "comment", "delivery", "event", "hook_call", "job", "notice")
_ROWS = 500


@dataclass
class Watch:
    """The secrets that have passed, and where they were seen."""

    secrets: set[str] = field(default_factory=set)
    #: Those that have yet to be shown to who has asked for them.
    new: set[str] = field(default_factory=set)
    hits: list[str] = field(default_factory=list)
    #: How many secrets have passed, and how many texts and files were looked through.
    counted: dict[str, int] = field(default_factory=lambda: {"secrets": 0, "texts": 0, "files": 0})

    def note(self, secret: str) -> None:
        """Look for this from now on."""
        if len(secret) >= _SHORTEST and secret not in self.secrets:
            self.secrets.add(secret)
            self.counted["secrets"] += 1

    def look(self, where: str, text: str) -> None:
        """Look for the secrets in a text."""
        self.counted["texts"] += 1
        for secret in self.secrets:
            if secret in text:
                at = text.index(secret)
                around = f"{text[max(0, at - 80) : at]}<SECRET>{text[at + len(secret) :][:40]}"
                self.hits.append(f"{where}: …{around}…")

    def look_at_answer(self, where: str, text: str) -> None:
        """Do the same with an answer; a new secret may be in the first that has it."""
        shown = {secret for secret in self.new if secret in text}
        self.new -= shown
        self.look(where, functools.reduce(lambda rest, secret: rest.replace(secret, "new"), shown, text))

    def look_into(self, folder: Path) -> None:
        """Look into the logs in a folder, and into its data folders."""
        files = set(folder.rglob("*.log"))
        for database in folder.rglob("postbell.db"):
            self.look(str(database), told_by(database))
            files |= {path for path in database.parent.rglob("*") if not _POSTED & set(path.parts)}
        for path in files:
            if _STORED not in path.name and path.is_file():
                self.counted["files"] += 1
                self.look(str(path), path.read_text("utf-8", "replace"))


def told_by(database: Path) -> str:
    """Return what the tables say that commands and the API show; nothing of a database that is damaged."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as read:
        return str([read.execute(f"SELECT * FROM {table} LIMIT {_ROWS}").fetchall() for table in _TOLD])
    return ""


WATCH = Watch()


def watch() -> None:
    """Note every secret that passes in this process, for as long as it lives."""

    def used(self: SecretStr) -> str:
        value: str = get_secret_value(self)
        WATCH.note(value)
        return value

    get_secret_value = SecretStr.get_secret_value
    SecretStr.get_secret_value = used  # type: ignore[method-assign, assignment]

    def encrypted(self: Vault, values: Mapping[str, Any], owner: Any, what: str) -> Any:
        for name, value in values.items():
            if isinstance(value, str) and any(word in name for word in _NAMES):
                WATCH.note(value)
        return encrypt(self, values, owner, what)

    encrypt = Vault.encrypt
    Vault.encrypt = encrypted  # type: ignore[method-assign]

    for module, name in ((hooks, "new_secret"), (keys, "new_api_key")):
        setattr(module, name, _noted(getattr(module, name)))


def _noted(make: Callable[..., Any]) -> Callable[..., Any]:
    def making(*given: Any) -> Any:
        made = make(*given)
        secret = made if isinstance(made, str) else made[0]
        WATCH.note(secret)
        WATCH.new.add(secret)
        return made

    return making


class Canaries:
    """Lets a test fail that has shown a secret; tells at the end what was looked through.

    A whole run in which nothing was looked through fails: it has proven nothing. Where several processes
    share the tests, each looks at its own, and the first of them adds up.
    """

    module: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        module = item.nodeid.partition("::")[0]
        if module != self.module:  # what a fixture of a module has made is used by all of its tests
            self.module = module
            WATCH.secrets.clear()
            WATCH.new.clear()
        WATCH.hits.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown" and WATCH.secrets:
            self._look(report.sections, getattr(item, "funcargs", {}).get("tmp_path"))
            if WATCH.hits and report.passed:
                report.outcome = "failed"
                report.longrepr = "A secret was shown:\n" + "\n".join(WATCH.hits)
        return report

    def _look(self, sections: Iterable[tuple[str, str]], folder: Path | None) -> None:
        for name, content in sections:
            WATCH.look(name, content)
        if folder is not None:
            WATCH.look_into(folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for name, count in node.workeroutput[_COUNTED].items():
            WATCH.counted[name] += count

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):  # one of several
            session.config.workeroutput[_COUNTED] = WATCH.counted
        elif self._in_vain(session.config) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        secrets, texts, files = WATCH.counted.values()
        told = f"{secrets} secrets were looked for in {texts} texts and {files} files"
        terminalreporter.write_line(told, red=self._in_vain(terminalreporter.config))

    def _in_vain(self, config: pytest.Config) -> bool:
        """Whether all tests were meant to run, and no secret was looked for."""
        if config.args_source is pytest.Config.ArgsSource.ARGS:
            return False
        chosen = any(map(config.getoption, ("keyword", "markexpr", "collectonly")))
        return not chosen and not all(WATCH.counted.values())
