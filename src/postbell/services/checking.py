"""Whether a post can be published as it is, found out before anything is stored or sent."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from postbell.domain.account import Account
from postbell.domain.content import Content, Override, resolve
from postbell.domain.limits import check
from postbell.errors import Problem
from postbell.publishing.protocol import Network
from postbell.services.context import Context


def check_names(
    overrides: Mapping[str, Override], accounts: Mapping[str, Account], networks: Iterable[str]
) -> list[Problem]:
    """Return a problem for every override that names neither a network nor an account of the post."""
    known = [*networks, *accounts]
    return [
        Problem(where=f"[{key}]", message=f"there is no network or account of that name.{_hint(key, known)}")
        for key in overrides
        if key not in known
    ]


def check_options(ctx: Context, overrides: Mapping[str, Override], account: Account) -> list[Problem]:
    """Return what is wrong with the options that an account is given: unknown names, wrong values."""
    _content, options = resolve(Content(), overrides, network=account.network, account=account.name)
    try:
        ctx.network(account.network).Options.model_validate(options)
    except ValidationError as error:
        return [
            _option_problem(ctx.network(account.network), problem, account)
            for problem in error.errors(include_url=False, include_input=False)
        ]
    return []


def check_content(
    ctx: Context, base: Content, overrides: Mapping[str, Override], account: Account
) -> list[Problem]:
    """Return everything about the content that the account's network would refuse.

    The options must have passed `check_options`.
    """
    network = ctx.network(account.network)
    content, given = resolve(base, overrides, network=account.network, account=account.name)
    options = network.Options.model_validate(given)
    problems = check(content, network.limits, account=account.name)
    return problems + network.check(content, options, account=account.name)


def model_problems(
    error: ValidationError, model: type[BaseModel], place: Callable[[str], str]
) -> list[Problem]:
    """Return the problems of values that a model refused; `place` says where one is given."""
    return [
        Problem(where=place(_name(problem)), message=_message(problem, model))
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _option_problem(network: Network, problem: Any, account: Account) -> Problem:
    return Problem(
        where=f"{network.key}.{_name(problem)}",
        account=account.name,
        message=_message(problem, network.Options),
    )


def _name(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "value"


def _message(problem: Any, model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        known = list(model.model_fields)
        return f"there is no such option.{_hint(str(problem['loc'][-1]), known)}"
    if problem["type"] == "missing":
        return f"it is missing: {model.model_fields[str(problem['loc'][0])].description}"
    return f"{str(problem['msg']).removeprefix('Value error, ')}."


def _hint(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" There are: {', '.join(known)}." if known else ""
