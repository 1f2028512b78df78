"""OAuth 2.0: how a person lets Postbell publish for an account, and how that lasts.

Authorization code (RFC 6749, 4.1) with PKCE by S256 (RFC 7636) and `state`, from a program without a page of
its own (RFC 8252). A network declares it by an attribute `oauth`, and calls as the account by `call_as`; that
renews whatever kind of tokens lasts not.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from postbell.errors import PublishError, RateLimited, Unauthorized, Unavailable
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.consent import Client, Login, Question, client_of
from postbell.publishing.web.tokens import Tokens


if TYPE_CHECKING:
    from postbell.publishing.protocol import Target
    from postbell.publishing.web.http import Http


#: A token that ends sooner is renewed before it is used.
_MARGIN = timedelta(seconds=60)
#: By these names a server says that it will not take them any more (RFC 6749, 5.2); whatever else it says, or
#: somebody before it, may be over in a minute.
_ENDED = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})
#: Longer than any network's tokens live, in seconds.
_LONGEST = 10 * 365 * 86_400

#: Sends a request with an access token.
Send = Callable[[str], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Request(Question):
    """One request for a person's consent, with what proves that who asks for tokens is who began it."""

    #: The secret that proves that who asks for the tokens is who has sent the browser.
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """What is told of the verifier beforehand."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no error may show."""
        return (self.verifier, self.client.secret)


@dataclass(frozen=True, kw_only=True)
class OAuth(Login[Request]):
    """OAuth 2.0, as most networks have it."""

    #: The least that is needed.
    scopes: tuple[str, ...]
    #: Between two scopes.
    separator: str = " "
    #: Whether the client proves itself in a header (HTTP Basic) and not in the form.
    basic: bool = False

    async def begin(self, target: Target, redirect: str, http: Http) -> Request:
        """Begin to ask a person; Postbell is made known to the server first where that is possible."""
        return Request(client=await self.client(target, redirect, http), redirect=redirect)

    def consent(self, question: Request, server: str | None) -> str:
        """Return the address at which a person consents."""
        query = {
            "response_type": "code",
            "client_id": question.client.id,
            "redirect_uri": question.redirect,
            "scope": self.separator.join(question.client.scopes or self.scopes),
            "state": question.state,
            "code_challenge": question.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.address(self.authorize, server)}?{urlencode(query)}"

    async def exchange(self, question: Request, code: str, server: str | None, http: Http) -> Tokens:
        """Return the tokens for a code, which is good once and for a minute or so. Raises a PublishError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": question.redirect,
            "code_verifier": question.verifier,
        }
        return await self.ask(form, question.client, server, http)

    async def renew(self, tokens: Tokens, target: Target, http: Http) -> Tokens:
        """Trade tokens in. Raises Unauthorized only where the network says so, else another PublishError."""
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        new = await self.ask(form, client_of(target), target.server, http)
        if new.refresh_token:
            return new
        # What is not given anew stays as it was (RFC 6749, 6).
        return self.tokens(new.access_token, tokens.refresh_token, new.issued_at, new.ends_at)

    async def ask(self, form: dict[str, str], client: Client, server: str | None, http: Http) -> Tokens:
        """Ask for tokens. Raises a PublishError."""
        address, auth = self.address(self.token, server), None
        if self.basic:
            auth = quote_plus(client.id), quote_plus(client.secret)
        else:
            form = {**form, "client_id": client.id}
            form |= {"client_secret": client.secret} if client.secret else {}
        headers = {"accept": "application/json"}
        answer = await http.request("POST", address, data=form, auth=auth, headers=headers, judge=_judge)
        access, said = answer.field("access_token", str), answer.json()
        if not access or str(said.get("token_type", "bearer")).lower() != "bearer":
            raise Unavailable(f"{answer.place} gave no token that can be used")
        span, refresh, now = seconds_of(said.get("expires_in")), said.get("refresh_token"), http.now()
        ends_at = now + timedelta(seconds=span) if span else None
        return self.tokens(access, refresh if isinstance(refresh, str) else "", now, ends_at)

    def tokens(self, access: str, refresh: str, issued_at: datetime, ends_at: datetime | None) -> Tokens:
        """Return tokens of this network."""
        return Tokens(
            access_token=access,
            refresh_token=refresh,
            issued_at=issued_at,
            ends_at=ends_at,
            renews=bool(refresh),
        )


async def call_as(oauth: Login[Any], target: Target, http: Http, send: Send) -> Answer:
    """Send a request as the account; if its token is not accepted, once more with a new one.

    There is one new token at most: what is refused with it would be with the next one too. Raises what `send`
    raises, Unauthorized where only a person can help, and Unavailable where no token can be had at the
    moment; then nothing was sent.
    """
    begun_at = http.now()
    tokens = await _lasting(oauth, target, http)
    try:
        return await send(tokens.access_token)
    except Unauthorized:  # it was taken back, or somebody has traded it in, or consented anew
        is_new = begun_at <= tokens.issued_at <= http.now()
        if (is_new or not tokens.renews) and not await http.reload_tokens():
            raise
    return await send((await renewed(oauth, target, http, tokens)).access_token)


async def renewed(oauth: Login[Any], target: Target, http: Http, old: Tokens) -> Tokens:
    """Return other tokens than these: what somebody else has got meanwhile, or what they are traded in for.

    One task of an account at a time asks, in whichever process, and the new ones are durable before anybody
    uses them. Raises Unauthorized where the network has said that only a person can help, else another
    PublishError.
    """
    async with http.turn(), http.alone():
        await http.reload_tokens()
        if http.tokens and http.tokens.access_token != old.access_token:
            return http.tokens
        new = await oauth.renew(old, target, http)
        await http.save_tokens(new)
        return new


async def _lasting(oauth: Login[Any], target: Target, http: Http) -> Tokens:
    """Return tokens that do not end at once."""
    tokens, now = http.tokens, http.now()
    if tokens is None:
        raise Unauthorized("nobody has consented yet that Postbell publishes there")
    if tokens.ends_at is None or tokens.ends_at > now + _MARGIN:
        return tokens
    if not tokens.renews:
        if tokens.ends_at > now:
            return tokens
        raise Unauthorized(
            f"its login has ended ({tokens.ends_at:%F %T}Z), and the network does not renew it"
        )
    try:
        return await renewed(oauth, target, http, tokens)
    except (Unavailable, RateLimited):
        if tokens.ends_at > now:
            return tokens
        raise


def _judge(answer: Answer) -> PublishError | None:
    """Read an error of RFC 6749, 5.2, by its name alone: the rest may quote what it was asked with."""
    name = answer.error_json().get("error")
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return None
    if not isinstance(name, str) or answer.status not in (400, 401, 403):
        return Unavailable(
            f"{answer.place} answered {answer.status}, and not as one does who gives out tokens"
        )
    if name in _ENDED:
        return Unauthorized(f"{answer.place} does not accept the login any more ({name})")
    known = "".join(char for char in name[:40] if char.isalnum() or char in "_-.")
    return Unavailable(f"{answer.place} gives out no token ({known})")


def seconds_of(said: Any) -> float:
    """Return a span, also one that is written as a text; 0 where it is none."""
    try:
        span = float(said)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return span if 0 < span <= _LONGEST else 0.0
