"""How a person lets Postbell publish for an account, by consent in a browser.

A network declares it by an attribute `oauth`: see `postbell.publishing.web.oauth` for OAuth 2.0, and
`postbell.publishing.web.oauth1` for OAuth 1.0a, which are two ways of the same.
"""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from postbell.errors import Rejected, Unauthorized
from postbell.publishing.web.addresses import keeps_secrets


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network, Target
    from postbell.publishing.web.http import Http
    from postbell.publishing.web.tokens import Tokens


#: The credentials that are a token of the user's own, for which nobody has to consent.
GIVEN = ("access_token", "token_secret")


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a network knows Postbell by."""

    id: str
    #: Empty where there is none.
    secret: str = field(default="", repr=False)
    #: What it may ask for, where that is not what the network says.
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question(ABC):
    """One request for a person's consent: what is to be remembered until the browser comes back."""

    #: By which names the browser brings back the state, and the code that tokens are given for.
    state_as: ClassVar[str] = "state"
    code_as: ClassVar[str] = "code"

    client: Client
    #: Where the browser is sent back to.
    redirect: str
    #: What tells the answer to this from others.
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    @abstractmethod
    def hidden(self) -> tuple[str, ...]:
        """What no error may show."""

    @property
    def typed(self) -> bool:
        """Whether the network shows the code, to be typed, and sends the browser nowhere."""
        return False

    def read(self, said: str) -> str:
        """Return the code in the address that the browser was sent back to, or the code that was typed.

        Raises Rejected where it holds none, or belongs to another request.
        """
        try:
            query = {name: values[0] for name, values in parse_qs(urlsplit(said.strip()).query).items()}
        except ValueError:
            query = {}
        if not hmac.compare_digest(query.get(self.state_as, "").encode(), self.state.encode()):
            raise Rejected(
                "that is not the address that the browser was sent back to in answer to this; begin again"
            )
        if self.code_as not in query:
            why = query.get("error_description") or query.get("error") or "no code came back"
            raise Rejected(f"the network did not consent: {why[:200]}")
        return query[self.code_as]


Q = TypeVar("Q", bound=Question)


@dataclass(frozen=True, kw_only=True)
class Login(ABC, Generic[Q]):
    """How accounts of a network are connected. One with rules of its own overrides a method."""

    #: Where the browser is sent to, and where tokens are given out: whole, or a path on the account's server.
    authorize: str
    token: str
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

    @abstractmethod
    async def begin(self, target: Target, redirect: str, http: Http) -> Q:
        """Begin to ask a person, with the browser to come back to `redirect`. Raises a PublishError."""

    @abstractmethod
    def consent(self, question: Q, server: str | None) -> str:
        """Return the address at which a person consents."""

    @abstractmethod
    async def exchange(self, question: Q, code: str, server: str | None, http: Http) -> Tokens:
        """Return the tokens for a code, which is good once and for a minute or so. Raises a PublishError."""

    @abstractmethod
    async def renew(self, tokens: Tokens, target: Target, http: Http) -> Tokens:
        """Trade tokens in. Raises Unauthorized only where the network says so, else another PublishError."""


def oauth_of(network: Network) -> Login[Any] | None:
    """Return how accounts of a network are connected by consent; None where they are not."""
    found: Login[Any] | None = getattr(network, "oauth", None)
    return found


def client_of(target: Target) -> Client:
    """Return what the credentials of an account say that the network knows Postbell by."""
    secret = getattr(target.credentials, "client_secret", None)
    return Client(id=target.credentials.client_id, secret=secret.get_secret_value() if secret else "")
