"""Whether a post can be published as it is, found out before anything is stored or sent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from postbell.domain.account import Account
from postbell.domain.content import Content, Override, resolve
from postbell.domain.media import COMMENT, Media, MediaKind
from postbell.domain.post import Post
from postbell.domain.tagging import completed
from postbell.errors import Problem
from postbell.publishing import parts
from postbell.publishing.protocol import Network, fetches, read_options
from postbell.services.context import Context
from postbell.services.posts.places import is_of_option, placed


_WEB_ADDRESS = re.compile(r"(?i)https?://(?![/?#])[^\s\x00-\x1f\x7f-\x9f]+")


#: How an option is called, and what else a table of a file says.
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_OF_TABLES = frozenset({"at", "comment", "link", "text", "then", "title"})


#: What stands in the file of a series, and how that is stored.
_RULES = {
    "repeat": " What comes again is written with `postbell series add`.",
    "recycle": " What is used again is written with `postbell series recycle`.",
}


def check_names(
    names: Iterable[str],
    accounts: Mapping[str, Account],
    networks: Iterable[str],
    *,
    others: Container[str],
    where: str = "[{}]",
) -> list[Problem]:
    """Return a problem for every name that is neither that of a network nor of an account of the post.

    `others` are the accounts that there are besides; `where` is what the user calls the place of a name.
    """
    known = [*networks, *accounts]
    return [
        Problem(
            where=where.format(key),
            message=f"the post does not go to {key}; add it with --to."
            if key in others
            else f"there is no network or account of that name.{_RULES.get(key) or _hint(key, known)}",
        )
        for key in names
        if key not in known
    ]


def check_links(base: Content, overrides: Mapping[str, Override]) -> list[Problem]:
    """Return a problem for every link that is not an http or https address."""
    links = {"--link": base.link, **{f"[{key}] link": said.link for key, said in overrides.items()}}
    return [problem for where, link in links.items() if link for problem in check_address(link, where)]


def check_address(address: str, where: str) -> list[Problem]:
    """Return a problem if this is not an http or https address."""
    if _WEB_ADDRESS.fullmatch(address):
        return []
    message = f"{address[:80]!r} is not a web address; it begins with https://."
    return [Problem(where=where, message=message)]


def parted(found: Iterable[Problem], post: Post) -> tuple[list[Problem], list[Problem]]:
    """Return what keeps a post from being published, and what is only told, of an unchecked one.

    `found` is what `check_options`, `check_content` or `check_fitted` has found of it.
    """
    firm, told = list[Problem](), list[Problem]()
    for problem in found:
        (firm if problem.firm or not post.unchecked else told).append(problem)
    return firm, told


def check_options(
    ctx: Context, overrides: Mapping[str, Override], account: Account, *, unchecked: bool = False
) -> list[Problem]:
    """Return what is wrong with the options that an account is given: unknown names, wrong values.

    Of the latter all are firm, of the former those that no file could say.
    """
    _content, options = resolve(Content(), overrides, network=account.network, account=account.name)
    network = ctx.network(account.network)
    try:
        network.Options.model_validate(options)
    except ValidationError as error:
        return [
            _option_problem(network, problem, account, overrides, unchecked=unchecked)
            for problem in error.errors(include_url=False, include_input=False)
        ]
    return []


def good_options(network: Network, given: Mapping[str, Any], *, unchecked: bool) -> tuple[Any, bool]:
    """Return the options of a post as its network reads them, and whether wrong ones were left out.

    They are None where they cannot be read so either.
    """
    try:
        return read_options(network, given, unchecked=unchecked), False
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        wrong = {each["loc"][0] for each in found if each["loc"]}
    with suppress(ValidationError):
        good = {name: value for name, value in given.items() if name not in wrong}
        return read_options(network, good, unchecked=unchecked), True
    return None, True


def check_content(
    ctx: Context,
    base: Content,
    overrides: Mapping[str, Override],
    account: Account,
    *,
    unchecked: bool = False,
) -> list[Problem]:
    """Return everything about the content that the account's network would refuse, its pictures made to fit.

    Options that `check_options` refuses are left out for it. Firm is what Postbell could not send there as it
    is: with `unchecked` the rest says that the network decides.
    """
    fitted, unfit = ctx.fit(base, overrides, account)
    wrong = [replace(problem, firm=True) for problem in unfit]  # it would be sent with its notes
    return wrong + check_fitted(ctx, fitted, overrides, account, unchecked=unchecked)


def check_fitted(
    ctx: Context,
    base: Content,
    overrides: Mapping[str, Override],
    account: Account,
    *,
    unchecked: bool = False,
) -> list[Problem]:
    """Return what `check_content` does of a content whose pictures were made to fit."""
    network = ctx.network_of(account)
    content, given = resolve(base, overrides, network=account.network, account=account.name)
    content = completed(content, overrides, account=account.name)
    options, wrong = good_options(network, given, unchecked=unchecked)
    found = parts.problems(content, options, network, account=account.name) if options is not None else []
    found = [
        placed(problem, base, overrides, network=account.network, account=account.name)
        for problem in found
        # What an option lacks may be one of those that were left out.
        if not (wrong and is_of_option(problem))
    ]
    if not unchecked:
        return found
    decides = f"Unchecked: {network.label} decides."
    return [each if each.firm else replace(each, message=f"{each.message} {decides}") for each in found]


def check_parts(content: Content, overrides: Mapping[str, Override]) -> list[Problem]:
    """Return a problem for each file of a part, or of a first comment, that there is not."""
    count = len(content.segments) + 1
    said = content.comment or any(override.comment for override in overrides.values())
    silent = "there is no first comment to show it; give that a text with --comment, or leave the file out."
    return [
        _of_file(index, item, silent)
        for index, item in enumerate(content.media)
        if item.part == COMMENT and not said
    ] + [
        _of_file(index, item, f"there is no part {item.part}; count from 1 to {count}.")
        for index, item in enumerate(content.media)
        if item.part > count
    ]


def check_comments(
    ctx: Context, base: Content, overrides: Mapping[str, Override], account: Account
) -> list[Problem]:
    """Return a note if an account's network publishes no first comment, and one is asked for."""
    network = ctx.network(account.network)
    content, _ = resolve(base, overrides, network=account.network, account=account.name)
    if content.comment is None or network.comments:
        return []
    message = f"{network.label} publishes no first comment; it is left out there."
    return [Problem(where="--comment", account=account.name, message=message)]


def check_alt(content: Content) -> list[Problem]:
    """Return a problem for each picture of which nobody has said what it shows."""
    message = "it has no alt text; say what it shows: --media FILE='What it shows'."
    return [
        _of_file(index, item, message)
        for index, item in enumerate(content.media)
        if item.kind is MediaKind.IMAGE and not item.alt.strip()
    ]


def check_films(content: Content) -> list[Problem]:
    """Return a note for each video into which nobody has looked, or that tells where it was taken."""
    videos = [(index, item) for index, item in enumerate(content.media) if item.kind is MediaKind.VIDEO]
    if not videos:
        return []
    from postbell.services.media import film_fitting, films

    unknown = f"nobody has looked into it, so whether it is taken shows when it is published. {films.INSTALL}"
    placed = f"it says where it was taken, and that is sent with it. {films.INSTALL}"
    return [
        *(
            _of_file(index, item, unknown)
            for index, item in videos
            if item.film is None or item.film.seconds is None
        ),
        *(
            _of_file(index, item, placed)
            for index, item in videos
            if item.film and item.film.placed and not film_fitting.is_there()
        ),
    ]


def _of_file(index: int, item: Media, message: str) -> Problem:
    return Problem(where=f"media {item.name}", message=message, file=index)


def check_terms(ctx: Context, post: Post, account: Account) -> list[Problem]:
    """Return what the account's network cannot do of what the post asks for besides its content."""
    content, _ = resolve(post.content, post.overrides, network=account.network, account=account.name)
    said = content.as_comment()
    files = (*content.as_post().media, *(said.media if said else ()))
    network, found = ctx.network(account.network), list[Problem]()
    if post.delete_after is not None and not network.deletes:
        message = f"{network.label} cannot take posts away again; leave it out, or publish elsewhere."
        found.append(Problem(where="--delete-after", account=account.name, message=message))
    reachable = ctx.public is not None and ctx.public.base.startswith("https://")
    if files and fetches(network) and not reachable:
        message = (
            f"{network.label} fetches files itself, and Postbell is at no public address with https: "
            "set `public_url` under [api] in the configuration, or leave the files out."
        )
        found.append(Problem(where="media", account=account.name, message=message))
    return found


def model_problems(
    error: ValidationError, model: type[BaseModel], place: Callable[[str], str]
) -> list[Problem]:
    """Return the problems of values that a model refused; `place` says where one is given."""
    return [
        Problem(where=place(_name(problem)), message=_message(problem, model))
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _option_problem(
    network: Network, problem: Any, account: Account, overrides: Mapping[str, Override], *, unchecked: bool
) -> Problem:
    own, name = overrides.get(account.name), str(next(iter(problem["loc"]), ""))
    said_for_it = own is not None and name in own.options
    message = _message(problem, network.Options)
    _, given = resolve(Content(), overrides, network=account.network, account=account.name)
    firm = problem["type"] != "extra_forbidden" or not _can_be_kept(name, given[name])
    return Problem(
        where=f"{account.name if said_for_it else network.key}.{_name(problem)}",
        account=account.name,
        message=f"{message} Unchecked: it is left out." if unchecked and not firm else message,
        firm=firm,
    )


def _can_be_kept(name: str, value: object) -> bool:
    """Whether a file can say so in the table of a network: then an option that there is not may be stored."""
    if not _OPTION.fullmatch(name) or name in _OF_TABLES:
        return False
    values = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) or (isinstance(each, int) and abs(each) < 1 << 53) for each in values)


def _name(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "value"


def _message(problem: Any, model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        known = list(model.model_fields)
        return f"there is no such option.{_hint(str(problem['loc'][-1]), known)}"
    if problem["type"] == "missing":
        return f"it is missing: {model.model_fields[str(problem['loc'][0])].description}"
    if problem["type"] == "string_pattern_mismatch":
        return f"it has the wrong form: {model.model_fields[str(problem['loc'][0])].description}"
    said = str(problem["msg"]).removeprefix("Value error, ")
    for subject in ("String", "Input", "List"):  # the words of pydantic, which a user does not know
        said = said.replace(f"{subject} should", "it should", 1) if said.startswith(subject) else said
    return f"{said}."


def _hint(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" There are: {', '.join(known)}." if known else ""
