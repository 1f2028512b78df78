"""What Apprise says of an address that it cannot reach holds no part of the address."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from postbell.services.telling import _apprise_child
from postbell.services.telling._apprise_child import NOT_UNDERSTOOD, main, send, without_parts
from support.children import free_port


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _apprise_child._LOGGERS]
    before = [(each, each.propagate, each.handlers) for each in loggers]
    yield
    for each, propagate, handlers in before:
        each.propagate, each.handlers = propagate, handlers


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("tgram://123456:SeCret/99887766", "no answer for 123456, SECRET and 99887766"),
        ("mailtos://alice:p%40ss%2Fword@example.org", "alice with p@ss/word at example.org"),
        ("ntfy://host/topic?token=abcdef", "host, topic, https://host/topic?token=abcdef"),
    ],
)
def test_no_part_of_an_address_is_left_in_a_text(url: str, said: str) -> None:
    hidden = without_parts(said, url)
    for part in ("123456", "secret", "99887766", "alice", "p@ss", "example", "host", "topic", "abcdef"):
        assert part not in hidden.lower()


def test_a_text_is_told_on_one_line_and_not_at_length() -> None:
    assert without_parts("so\nand  so. ", "x://y") == "so and so"
    assert len(without_parts("no " * 1000, "x://y")) == 300


def test_an_address_that_is_not_understood_is_told_so() -> None:
    assert send("canary://canary", "Title", "Body") == NOT_UNDERSTOOD


def test_an_address_is_only_looked_at_where_there_is_nothing_to_send() -> None:
    assert send(f"json://127.0.0.1:{free_port()}", None, "") is None


def test_what_is_not_taken_is_told_without_the_address(capfd: pytest.CaptureFixture[str]) -> None:
    said = send(f"json://canary:canary@127.0.0.1:{free_port()}/canary", "Title", "Body")
    assert said is not None
    assert said.startswith("it did not take the message: ")
    assert "canary" not in "".join([said, *capfd.readouterr()])


def test_a_fault_of_a_plugin_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_url: str) -> None:
        raise LookupError("canary")

    monkeypatch.setattr(_apprise_child, "_plugin", break_down)
    assert send("json://x", "Title", "Body") == "it did not take the message: LookupError"


def test_the_process_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.dumps({"url": "canary://canary", "title": "Title", "body": "Body"})
    monkeypatch.setattr(sys, "stdin", io.StringIO(asked))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == NOT_UNDERSTOOD


def test_the_process_ends_well_where_there_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"url": "json://127.0.0.1"})))
    main()
