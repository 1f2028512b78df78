"""How an account's values are given: plain ones as arguments, secrets never."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network

_HOW = "Give --secret {key}=@FILE, --secret {key}=- for standard input, or --secret {key} to be asked."


def read_values(
    state: State, network: Network, settings: Sequence[str], secrets: Sequence[str]
) -> dict[str, str]:
    """Return what --set and --secret give: files and standard input are read, questions asked.

    Raises Invalid with everything that is wrong; then nothing was asked.
    """
    problems: list[Problem] = []
    values: dict[str, str] = {}
    asked = []
    for given in settings:
        try:
            values |= _plain(network, given)
        except Invalid as error:
            problems += error.problems
    if sum(given.endswith("=-") for given in secrets) > 1:
        problems.append(_problem("--secret", "only one secret can come from standard input."))
    for given in secrets:
        key, equals, source = given.partition("=")
        if key not in network.Credentials.model_fields:
            problems.append(_unknown_secret(network, key))
            continue
        if not equals and state.interactive:
            asked.append(key)
            continue
        try:
            values[key] = _secret(key, source)
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems)
    return values | {key: ask(key, _description(network, key), secret=True) for key in asked}


def ask_missing(network: Network, given: Container[str]) -> dict[str, str]:
    """Ask for everything that the network needs and that is not given; return it."""
    from postbell.publishing.web.consent import oauth_of
    from postbell.services.accounts.carrying import is_secret

    oauth = oauth_of(network)
    to_consent = oauth.asks if oauth and "access_token" not in given else ()
    return {
        key: ask(key, field.description or "", secret=is_secret(field.annotation))
        for key, field in network.Credentials.model_fields.items()
        if (field.is_required() or key in to_consent) and key not in given
    }


def ask_anew(network: Network) -> dict[str, str]:
    """Ask for the secrets of an account that is known already; return them."""
    from postbell.services.accounts.carrying import is_secret
    from postbell.services.accounts.connecting import consents

    fields = network.Credentials.model_fields
    if consents(network, {}):  # it was connected by a token
        return {"access_token": ask("access_token", fields["access_token"].description or "", secret=True)}
    return ask_missing(network, {key for key, field in fields.items() if not is_secret(field.annotation)})


def ask(key: str, description: str, *, secret: bool = False) -> str:
    """Ask for one value on the terminal; a secret is not shown."""
    if description:
        click.echo(description, err=True)
    answer: str = click.prompt(key, hide_input=secret, err=True)
    return answer


def _plain(network: Network, given: str) -> dict[str, str]:
    from postbell.services.accounts.carrying import is_secret

    key, equals, value = given.partition("=")
    if not equals:
        raise Invalid([_problem(f"--set {key}", "give a value too: --set KEY=VALUE.")])
    field = network.Credentials.model_fields.get(key)
    if field and is_secret(field.annotation):
        raise _in_the_open(f"--set {key}", key)
    return {key: value}


def _secret(key: str, source: str) -> str:
    where = f"--secret {key}"
    if source == "":
        message = "nobody can be asked for it here. " + _HOW.format(key=key)
        raise Invalid([_problem(where, message)])
    if source == "-":
        data = sys.stdin.buffer.read()
    elif source.startswith("@"):
        data = _read_private(source[1:], where)
    else:
        raise _in_the_open(where, key)
    try:
        value = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid([_problem(where, "what was read is not UTF-8 text.")]) from None
    if not value:
        raise Invalid([_problem(where, "what was read is empty.")])
    return value


def _read_private(path: str, where: str) -> bytes:
    """Return what is in a file that nobody but its owner can read; raises Invalid for any other."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - /dev/fd/63 from a shell is a path too
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                message = f"others can read {path} (mode {mode:04o}); run `chmod 600 {path}` first."
                raise Invalid([_problem(where, message)])
            return file.read()
    except OSError as error:
        raise Invalid([_problem(where, f"{path} cannot be read: {error.strerror}.")]) from None


def _unknown_secret(network: Network, key: str) -> Problem:
    """Return the problem without what was given: it may be the secret itself."""
    known = list(network.Credentials.model_fields)
    near = difflib.get_close_matches(key, known, n=1)
    mend = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}."
    return _problem("--secret", f"{network.label} has no value of that name; {mend}")


def _in_the_open(where: str, key: str) -> Invalid:
    message = (
        "a secret is not given as an argument: it would stay in the shell's history, and everybody on this "
        f"machine could see it meanwhile. {_HOW.format(key=key)}"
    )
    return Invalid([_problem(where, message)])


def _description(network: Network, key: str) -> str:
    field = network.Credentials.model_fields.get(key)
    return (field.description or "") if field else ""


def _problem(where: str, message: str) -> Problem:
    return Problem(where=where, message=message)
