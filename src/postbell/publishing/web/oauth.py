"""OAuth 2.0: how a person lets Postbell publish for an account, and how that lasts.

Authorization code (RFC 6749, 4.1) with PKCE by S256 (RFC 7636) and `state`, from a program without a page of
its own (RFC 8252). A network declares it by an attribute `oauth`, and calls as the account by `call_as`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.tokens import Tokens


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network, Target
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
class Client:
    """What a network knows Postbell by."""

    id: str
    #: Empty where there is none.
    secret: str = field(default="", repr=False)
    #: What it may ask for, where that is not what the network says.
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request for a person's consent: what is to be remembered until the browser comes back."""

    client: Client
    #: Where the browser is sent back to.
    redirect: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    #: The secret that proves that who asks for the tokens is who has sent the browser.
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """What is told of the verifier beforehand."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def read(self, address: str) -> str:
        """Return the code in the address that the browser was sent back to.

        Raises Rejected where it holds none, or belongs to another request.
        """
        try:
            query = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
        except ValueError:
            query = {}
        if not hmac.compare_digest(query.get("state", "").encode(), self.state.encode()):
            raise Rejected(
                "that is not the address that the browser was sent back to in answer to this; begin again"
            )
        if "code" not in query:
            why = query.get("error_description") or query.get("error") or "no code came back"
            raise Rejected(f"the network did not consent: {why[:200]}")
        return query["code"]


@dataclass(frozen=True, kw_only=True)
class OAuth:
    """How accounts of a network are connected. One with rules of its own overrides a method."""

    #: Where the browser is sent to, and where tokens are given out: whole, or a path on the account's server.
    authorize: str
    token: str
    #: The least that is needed.
    scopes: tuple[str, ...]
    #: Between two scopes.
    separator: str = " "
    #: Whether the client proves itself in a header (HTTP Basic) and not in the form.
    basic: bool = False
    #: Where the browser is sent back to, if that must be known beforehand; else to any port of the machine.
    redirect: str | None = None
    #: Makes Postbell known to a server. Without it the credentials hold `client_id` and `client_secret`.
    register: Callable[[Target, str, Http], Awaitable[Client]] | None = None
    #: Which credentials nobody can consent without, though a token does without them.
    asks: tuple[str, ...] = ()

    def address(self, place: str, server: str | None) -> str:
        """Return a whole address; raises Unauthorized for one that would let others read secrets."""
        address = place if "://" in place else f"{server}{place}"
        if not keeps_secrets(address):
            raise Unauthorized(f"{server} needs an address with https: a token is not sent in clear")
        return address

    def back(self, target: Target, loopback: str) -> str:  # noqa: ARG002 - for those that must be known
        """Return where the browser is to be sent back to; `loopback` is a place on this machine."""
        return self.redirect or loopback

    async def client(self, target: Target, redirect: str, http: Http) -> Client:
        """Return what the network is to know Postbell by from now on. Raises a PublishError."""
        self.address(self.authorize, target.server)
        return await self.register(target, redirect, http) if self.register else client_of(target)

    def consent(self, request: Request, server: str | None) -> str:
        """Return the address at which a person consents."""
        query = {
            "response_type": "code",
            "client_id": request.client.id,
            "redirect_uri": request.redirect,
            "scope": self.separator.join(request.client.scopes or self.scopes),
            "state": request.state,
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.address(self.authorize, server)}?{urlencode(query)}"

    async def exchange(self, request: Request, code: str, server: str | None, http: Http) -> Tokens:
        """Return the tokens for a code, which is good once and for a minute or so. Raises a PublishError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect,
            "code_verifier": request.verifier,
        }
        return await self.ask(form, request.client, server, http)

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


def oauth_of(network: Network) -> OAuth | None:
    """Return how accounts of a network are connected by OAuth; None where they are not."""
    found: OAuth | None = getattr(network, "oauth", None)
    return found


def client_of(target: Target) -> Client:
    """Return what the credentials of an account say that the network knows Postbell by."""
    secret = getattr(target.credentials, "client_secret", None)
    return Client(id=target.credentials.client_id, secret=secret.get_secret_value() if secret else "")


async def call_as(oauth: OAuth, target: Target, http: Http, send: Send) -> Answer:
    """Send a request as the account; if its token is not accepted, once more with a new one.

    Raises what `send` raises, Unauthorized where only a person can help, and Unavailable where no token can
    be had at the moment; then nothing was sent.
    """
    tokens = await _lasting(oauth, target, http)
    try:
        return await send(tokens.access_token)
    except Unauthorized:  # it was taken back, or somebody has traded it in, or consented anew
        if not (tokens.renews or await http.reload_tokens()):
            raise
    return await send((await renewed(oauth, target, http, tokens)).access_token)


async def renewed(oauth: OAuth, target: Target, http: Http, old: Tokens) -> Tokens:
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


async def _lasting(oauth: OAuth, target: Target, http: Http) -> Tokens:
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
    except (TypeError, ValueError):
        return 0.0
    return span if 0 < span <= _LONGEST else 0.0
