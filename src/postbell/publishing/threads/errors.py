"""What Threads says when it refuses.

Every refusal is a JSON object {error: {message, type, code, error_subcode, is_transient, error_user_msg}},
most often with the status 400 (developers.facebook.com/docs/graph-api/guides/error-handling). The words may
come in the account's language, so that the numbers count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.rates import asked_time, reset_time


#: The login has ended, or was taken back; the account may not post until its owner has seen to it.
_LOGIN, _RESTRICTED = 190, 4_279_013
#: A right is missing.
_RIGHTS = frozenset({10, *range(200, 300)})
#: Too many calls of the app, of the account, or of one kind.
_LIMITS = frozenset({4, 17, 32, 613})
#: Taken for spam, or blocked for a while; who asks again and again makes it worse.
_BLOCKED, _SPAM = 368, 2_207_051
_BLOCKED_FOR = timedelta(hours=4)
#: Nobody knows what went wrong there.
_PASSING = frozenset({1, 2})
#: What an error is about that concerns a container which is not known, or not yet.
_NO_CONTAINER = (24, 4_279_009)
#: Threads could not fetch a file.
_NOT_FETCHED = 2_207_052
#: What was asked for is wrong, or is not there.
_WRONG, _NOT_THERE = 100, 33

#: The code of a refusal that is the account's trouble, and that no other token helps against.
ACCOUNT = "account"

#: What to do where Threads cannot fetch files.
FETCHING = (
    "Threads fetches files from `api.public_url`: see that this address answers from outside, without a "
    "check for robots in front of it, then try again"
)


def read_error(answer: Answer, *, now: datetime, right: str | None = None) -> PublishError | None:
    """Return what an answer that is no success means; None leaves it to the general reading.

    `right` is what a call needs beside what every account needs; without it nothing but that call fails.
    """
    error = answer.error_json().get("error")
    if not isinstance(error, dict):
        if answer.status in (408, 425, 429) or answer.status >= 500 or 300 <= answer.status < 400:
            return None
        return Unavailable(f"{answer.place} answered {answer.status}, and not as Threads does")
    code, subcode = _number(error, "code"), _number(error, "error_subcode")
    message = f"Threads answered {answer.status}: {_told(error)} (code {code}, {subcode})"
    found: PublishError
    match kind := _kind(error, answer.status):
        case "login":
            found = Unauthorized(f"{message}. Connect the account again.")
        case "restricted":
            told = f"{message}. The account is restricted: see what the app of Threads says."
            found = Refused(told, code=ACCOUNT, data=error)
        case "right":
            found = _no_right(message, right)
        case "blocked":
            found = RateLimited(f"{message}. It was taken for spam.", until=now + _BLOCKED_FOR)
        case "limit":
            found = RateLimited(message, until=reset_time(answer.headers, now=now))
        case "passing":
            found = _passing(answer, message, now)
        case "not fetched":
            found = Refused(f"{message}. {FETCHING}", code=kind, data=error)
        case _:
            found = Refused(message, code=kind or str(code), data=error)
    return found


def _kind(error: Mapping[str, Any], status: int) -> str:
    """Return what kind of error it is; nothing for one that concerns this request alone."""
    code, subcode = _number(error, "code"), _number(error, "error_subcode")
    kinds = {
        "login": code == _LOGIN,
        "restricted": subcode == _RESTRICTED,
        "right": code in _RIGHTS,
        "blocked": code == _BLOCKED or subcode == _SPAM,
        "limit": code in _LIMITS or status == 429,
        "no container": (code, subcode) == _NO_CONTAINER,
        "not fetched": subcode == _NOT_FETCHED,
        "passing": code in _PASSING or error.get("is_transient") is True or status >= 500,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), "")


def is_gone(refusal: Refused) -> bool:
    """Whether something is not there; or a right is missing, of which Threads says the same."""
    return refusal.code in ("24", "no container") or (
        refusal.code == str(_WRONG) and _number(refusal.data, "error_subcode") == _NOT_THERE
    )


def concerns_another(refusal: Refused) -> bool:
    """Whether a refusal may be about another post that is named in the request, and not known there."""
    return refusal.code in ("24", "no container", str(_WRONG))


def is_published(refusal: Refused) -> bool:
    """Whether what was asked for its state has none, because it is no container but a post."""
    return refusal.code == str(_WRONG) and "nonexisting field (status)" in str(refusal.data.get("message"))


def _passing(answer: Answer, message: str, now: datetime) -> PublishError:
    # Whether Threads says so before or after it has published is not known: then only a look-up can tell.
    if answer.status == 503 and not answer.publishes and (until := asked_time(answer.headers, now=now)):
        return RateLimited(message, until=until)
    return lost(message, answer.publishes)


def _no_right(message: str, right: str | None) -> PublishError:
    mend = "to the permissions of your app, and connect the account again"
    if right:
        return Refused(f"{message}. The login lacks {right}: add it {mend}.", code="no right")
    return Refused(f"{message}. Add threads_basic and threads_content_publish {mend}.", code=ACCOUNT)


def _told(error: Mapping[str, Any]) -> str:
    said = error.get("error_user_msg") or error.get("message") or "it does not say why"
    return str(said)[:300].rstrip(".")


def _number(error: Mapping[str, Any], name: str) -> int:
    value = error.get(name)
    return value if isinstance(value, int) else 0
