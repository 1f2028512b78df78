"""How a person lets Postbell publish on Threads: by an app of the person's own.

A code is traded in for a token of an hour, that for one of 60 days, and that for another one of 60 days, once
it is a day old and for as long as it lives: there is no other token to do that with. Meta knows no PKCE here
(developers.facebook.com/docs/threads/get-started/get-access-tokens-and-permissions and long-lived-tokens).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.oauth import OAuth, Request, seconds_of
from postbell.publishing.web.tokens import Tokens


if TYPE_CHECKING:
    from postbell.publishing.protocol import Target
    from postbell.publishing.web.http import Http


SERVER = "https://graph.threads.com"
#: What the app must be allowed, and what for.
RIGHTS = {
    "threads_basic": "nothing works",
    "threads_content_publish": "nothing can be published",
    "threads_manage_replies": "threads and first comments will fail",
    "threads_read_replies": "it cannot be looked up whether an answer to a post is public",
    "threads_manage_insights": "the responses to posts are not counted",
    "threads_delete": "posts cannot be taken away",
    "threads_location_tagging": "posts with a place will fail",
}
#: A token is renewed only when it is older than this.
_TOO_YOUNG = timedelta(hours=24)
#: A token that lives shorter than this is none of those that are renewed.
_LONG = timedelta(days=2)
#: Meta's number for a token that it does not accept any more.
_ENDED = 190


class ThreadsOAuth(OAuth):
    """OAuth as Threads has it."""

    def back(self, target: Target, loopback: str) -> str:  # noqa: ARG002 - Threads sends browsers to https alone
        """Return where the browser is sent back to: an address that the app knows, by https."""
        return str(target.credentials.redirect_uri)

    def consent(self, question: Request, server: str | None) -> str:
        """Return the address at which a person consents."""
        query = {
            "client_id": question.client.id,
            "redirect_uri": question.redirect,
            "scope": self.separator.join(self.scopes),
            "response_type": "code",
            "state": question.state,
        }
        return f"{self.address(self.authorize, server)}?{urlencode(query)}"

    async def exchange(self, question: Request, code: str, server: str | None, http: Http) -> Tokens:
        """Return a token of 60 days for a code, which is good once. Raises a PublishError."""
        form = {
            "client_id": question.client.id,
            "client_secret": question.client.secret,
            "code": code,
            "grant_type": "authorization_code",
            "redirect_uri": question.redirect,
        }
        address = self.address(self.token, server)
        answer = await http.request("POST", address, data=form, judge=_judge_code)
        query = {
            "grant_type": "th_exchange_token",
            "client_secret": question.client.secret,
            "access_token": answer.field("access_token", str),
        }
        return _tokens(await http.request("GET", f"{SERVER}/access_token", params=query, judge=_judge), http)

    async def renew(self, tokens: Tokens, target: Target, http: Http) -> Tokens:  # noqa: ARG002
        """Trade a token in for another one of 60 days, by itself: no secret of the app is needed.

        Raises Unauthorized where the network says so, or is known to, else another PublishError.
        """
        now = http.now()
        if tokens.ends_at and tokens.ends_at <= now:
            raise Unauthorized(f"its login has ended ({tokens.ends_at:%F %T}Z): connect it again")
        if now < tokens.issued_at + _TOO_YOUNG:
            raise Unauthorized("its login is not accepted any more: connect it again")
        query = {"grant_type": "th_refresh_token", "access_token": tokens.access_token}
        address = f"{SERVER}/refresh_access_token"
        return _tokens(await http.request("GET", address, params=query, judge=_judge), http)


#: How an account is connected in the browser.
OAUTH = ThreadsOAuth(
    authorize="https://threads.com/oauth/authorize",
    token=f"{SERVER}/oauth/access_token",
    scopes=tuple(RIGHTS),
    separator=",",
    asks=("client_id", "client_secret", "redirect_uri"),
)


def told_tokens(access: str, said: Any, http: Http) -> Tokens | None:
    """Return a token with what Threads says of its life; None if it does not say.

    (developers.facebook.com/docs/threads/troubleshooting/debug-access-token)
    """
    issued_at, ends_at = (_moment(said.get(name)) for name in ("issued_at", "expires_at"))
    if ends_at is None:
        return None
    issued_at = issued_at or http.now()
    return Tokens(
        access_token=access, issued_at=issued_at, ends_at=ends_at, renews=ends_at - issued_at > _LONG
    )


def _tokens(answer: Answer, http: Http) -> Tokens:
    access, now = answer.field("access_token", str), http.now()
    span = seconds_of(answer.json().get("expires_in"))
    if not access or not span:
        raise Unavailable(f"{answer.place} gave no token that can be used")
    return Tokens(access_token=access, issued_at=now, ends_at=now + timedelta(seconds=span), renews=True)


def _judge_code(answer: Answer) -> PublishError | None:
    """Read what becomes of a code: it is good once and for an hour, and for the app that it was given to."""
    if answer.status in (400, 401, 403):
        return Rejected(
            f"{answer.place} gave no token for the code. Begin again; if that is no help, see whether "
            "client_id and client_secret are those of Threads, and not those of the app itself"
        )
    return _judge(answer)


def _judge(answer: Answer) -> PublishError | None:
    """Read an error by its number alone: the rest may quote what it was asked with."""
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return None
    error = answer.error_json().get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code == _ENDED:
        return Unauthorized(f"{answer.place} does not accept the login any more (code {code})")
    known = f" (code {code})" if isinstance(code, int) else ""
    return Unavailable(f"{answer.place} answered {answer.status}, and gave no token{known}")


def _moment(said: Any) -> datetime | None:
    return datetime.fromtimestamp(said, UTC) if isinstance(said, int) and 0 < said < 1e11 else None
