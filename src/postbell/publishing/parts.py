"""What a network makes of a thread, and what speaks against the parts of a post. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from postbell.domain import limits
from postbell.domain.content import Content
from postbell.domain.limits import Length, Limits
from postbell.errors import Problem
from postbell.publishing.protocol import Network, Threads, lengths_of, messages_of, shows_in_comments


def taken(content: Content, network: Network) -> Content:
    """Return a content as its network is given it: a thread is one post where it makes one of it."""
    content = content.as_post()
    return content.joined() if network.threads is Threads.JOINED else content


def parts_of(content: Content, network: Network) -> Sequence[Content]:
    """Return the single posts that a network makes of a content, each to be held against its limits."""
    return content.parts if network.threads is Threads.CHAIN else (content.as_post().joined(),)


def lengths(content: Content, options: Any, network: Network) -> list[Sequence[Length]]:
    """Return of each part how long its text is, by the same counts that `problems` judges."""
    return [lengths_of(network, part, own) for part, own in _with_options(content, options, network)]


def messages(content: Content, options: Any, network: Network) -> list[int]:
    """Return how many messages each part becomes."""
    return [messages_of(network, part, own) for part, own in _with_options(content, options, network)]


def _with_options(content: Content, options: Any, network: Network) -> Iterator[tuple[Content, Any]]:
    """Yield each part with what it is told."""
    for number, part in enumerate(parts_of(content, network)):
        yield part, options.further() if number else options


def problems(content: Content, options: Any, network: Network, *, account: str) -> list[Problem]:
    """Return everything about a content that its network would refuse, of every part of a thread.

    Firm is what Postbell could not send there as it is.
    """
    found: list[Problem] = []
    if content.segments and network.threads is Threads.NONE:
        message = (
            f"{network.label} has no threads; give it a text of its own: a section `## @{account}` in a "
            f"file, or --set {account}.text=…"
        )
        found.append(Problem(where="text", account=account, message=message, firm=True))
    parts = list(_with_options(content, options, network))
    for number, (part, own) in enumerate(parts, 1):
        limit = network.limits if number == 1 else _of_answers(network.limits)
        wrong = _wrong(part, own, network, limit, account)
        named = f"part {number}: " if len(parts) > 1 else ""
        found += [replace(problem, where=f"{named}{problem.where}") for problem in wrong]
    return found + _comment_problems(content, options, network, account=account)


def _comment_problems(content: Content, options: Any, network: Network, *, account: str) -> list[Problem]:
    said = content.as_comment()
    if said is None:
        return []
    if said.media and not shows_in_comments(network):
        message = (
            f"{network.label} puts no files into a first comment; leave them out, or say nothing there: "
            f"--set {account}.comment="
        )
        return [Problem(where="comment: media", account=account, message=message, firm=True)]
    if not network.comments:
        return []
    wrong = _wrong(said, options.further(), network, _of_answers(network.limits), account)
    return [replace(problem, where=f"comment: {problem.where}") for problem in wrong]


def _of_answers(limit: Limits) -> Limits:
    """Return what a network takes of what answers another post: a further part, a first comment."""
    return replace(limit, needs_title=False, needs_media=False)


def _wrong(part: Content, options: Any, network: Network, limit: Limits, account: str) -> list[Problem]:
    """Return everything about one post that its network would refuse."""
    wrong = limits.check(part, limit, account=account, lengths=lengths_of(network, part, options))
    return wrong + network.check(part, options, account=account)
