"""Rehearsals that programs ask for: in a process of their own, so that publishing does not wait for them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from postbell.api.problems import Refusal
from postbell.app import App
from postbell.errors import Invalid, Problem
from postbell.shapes.base import stamp


#: Seconds; a rehearsal that takes longer is broken off.
_PATIENCE = 60.0
#: What the command calls an option, and what it is here.
_OPTIONS = {"--from": "--since", "--to": "--until"}
#: One at a time.
_busy = threading.Lock()


def rehearse(
    app: App, since: datetime | None, until: datetime, outages: Sequence[tuple[datetime, datetime]]
) -> dict[str, Any]:
    """Return what a span of time (aware; None: from now on) would bring; nothing is stored or sent.

    Raises Invalid for a span that cannot be, Refusal while another is under way, or where it takes too long.
    """
    if not _busy.acquire(blocking=False):
        raise _later("busy", "A rehearsal is under way already; ask again.")
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            _command(app, since, until, outages),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _later("too_long", "It would take too long; ask for a shorter span.") from None
    finally:
        _busy.release()
    if done.returncode:
        raise _error(done.stderr.decode("utf-8", "replace"))
    return _sorted([json.loads(line) for line in done.stdout.splitlines()])


def _command(
    app: App, since: datetime | None, until: datetime, outages: Sequence[tuple[datetime, datetime]]
) -> list[str]:
    words = [sys.executable, "-P", "-m", "postbell", "--no-input", "--quiet"]
    words += ["--data-dir", str(app.places.data_dir), "--config", str(app.places.config)]
    words += ["rehearse", "--json", "--to", str(stamp(until))]
    words += ["--from", str(stamp(since))] if since else []
    for begin, end in outages:
        words += ["--downtime", f"{stamp(begin)}..{stamp(end)}"]
    return words


def _sorted(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"delivery": [], "empty_slot": [], "repeat": [], "summary": []}
    for line in lines:
        kind = line.pop("kind")
        found[kind].append({name: value for name, value in line.items() if name != "schema_version"})
    return {
        "deliveries": found["delivery"],
        "empty_slots": found["empty_slot"],
        "repeats": found["repeat"],
        "summary": found["summary"][0],
    }


def _error(said: str) -> Exception:
    """Return what the other process has told of itself."""
    try:
        told = json.loads(said.splitlines()[-1])["error"]
    except (ValueError, KeyError, IndexError):
        return _later("rehearsal_failed", "The rehearsal has failed; see what `postbell rehearse` says.")
    if told["code"] == "invalid":
        return Invalid(
            Problem(where=_OPTIONS.get(each["where"], each["where"]), message=each["message"])
            for each in told["problems"]
        )
    return _later(told["code"], told["message"])


def _later(code: str, detail: str) -> Refusal:
    return Refusal(status=503, code=code, detail=detail, headers=(("Retry-After", "5"),))
