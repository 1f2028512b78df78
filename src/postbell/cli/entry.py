"""Runs a command line, and tells every error so that a person knows what to do."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from contextlib import suppress
from typing import Any

import click

from postbell.cli.common import SCHEMA_VERSION, State
from postbell.cli.main import cli
from postbell.cli.words import printable
from postbell.errors import DiskFull, Invalid, PostbellError, Problem
from postbell.shapes.base import error_json, json_line


#: What shells report for a program that was interrupted (128 + SIGINT).
_INTERRUPTED = 130


def run(words: list[str]) -> int:
    """Run what follows the name `postbell` on a command line, and return the exit code.

    Nothing is raised but SystemExit, by click, which ends quietly with 1 where nobody reads the output.

    An error is told on standard error, in words, or with --json as one line:
    {"schema_version": 1, "error": {"code", "message", "problems": [{"where", "message", "account"}]}}.
    """
    state = State()
    try:
        code = _run(words, state)
    except (KeyboardInterrupt, click.Abort):
        _say("postbell: interrupted")
        code = _INTERRUPTED
    except click.ClickException as error:
        code = _tell_usage(error, words)
    except PostbellError as error:
        code = _tell(error, words)
    except OSError as error:
        unwritten = _is_of_output(error)
        code = _tell(_of_output(error) if unwritten else _of_system(error), words)
        if unwritten:
            _drop_output()
    except Exception as error:  # noqa: BLE001 - the last resort: no stack trace for a person
        code = _tell_fault(error, words, state)
    return code


def _run(words: list[str], state: State) -> int:
    for number, word in enumerate(words, 1):
        if not _is_text(word):
            message = "it is not UTF-8 text; check the terminal's encoding, or rename the file."
            raise Invalid([Problem(where=f"argument {number}", message=message)])
    result: Any = cli.main(words, prog_name="postbell", standalone_mode=False, obj=state)
    return result if isinstance(result, int) else 0


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tell(error: PostbellError, words: list[str]) -> int:
    if "--json" in words:
        _print_json(error_json(error))
    else:
        for told in error.problems if isinstance(error, Invalid) else (error,):
            _say(f"postbell: {told}")
    return error.exit_code


def _tell_usage(error: click.ClickException, words: list[str]) -> int:
    if "--json" in words:
        _print_json(_named("usage", error.format_message()))
    else:
        shown = io.StringIO()
        error.show(shown)
        _say(shown.getvalue().rstrip())
    return error.exit_code


def _tell_fault(error: Exception, words: list[str], state: State) -> int:
    # The first line alone: what follows may hold values, as with SQLAlchemy and pydantic.
    said = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
    hint = "" if state.verbose else ", and what `-v` adds to this"
    message = f"This is a fault in Postbell; please report it with what you typed{hint}. {said}"
    if "--json" in words:
        _print_json(_named("fault", message))
    else:
        _say(f"postbell: {message}")
    if state.verbose:
        _say("".join(traceback.format_tb(error.__traceback__)).rstrip())
    return PostbellError.exit_code


def _named(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "problems": []}}


def _print_json(value: dict[str, Any]) -> None:
    _say(json_line({"schema_version": SCHEMA_VERSION, **value}))


def _say(text: str) -> None:
    with suppress(OSError):  # there is nowhere left to tell it
        click.echo(printable(text), err=True)


def _is_of_output(error: OSError) -> bool:
    """Whether it was raised where click prints; a full disk has no file name elsewhere either."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return error.filename is None and frame.f_globals.get("__name__") == click.echo.__module__


def _of_output(error: OSError) -> PostbellError:
    reason = error.strerror or error
    return PostbellError(f"The output could not be written ({reason}); what the command did is done.")


def _drop_output() -> None:
    """Let Python, which tries again when it ends, write nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _of_system(error: OSError) -> PostbellError:
    """Return what a refusal of the system means to a person."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{place}The disk is full; nothing was stored. Free some space and try again.")
    return PostbellError(f"{place}{error.strerror or error}.")
