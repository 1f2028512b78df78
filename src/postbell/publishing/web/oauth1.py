"""OAuth 1.0a (RFC 5849): consent by way of temporary credentials, and requests that are signed.

A network declares it by an attribute `oauth`, lets its credentials be `SignedCredentials`, and calls as the
account by `call_signed`. What is signed is each request as it goes out, by HMAC-SHA1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import Field, SecretStr, model_validator

from postbell.errors import PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing.options import Strict
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.consent import Client, Login, Question, client_of
from postbell.publishing.web.oauth import call_as
from postbell.publishing.web.tokens import Tokens


if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from postbell.publishing.protocol import Target
    from postbell.publishing.web.http import Http


#: Where the browser "comes back to" if the network shows the code to the person instead.
OUT_OF_BAND = "oob"
#: What is left out of an address that is signed (3.4.1.2).
_PORTS = {"http": ":80", "https": ":443"}
_FORM = "application/x-www-form-urlencoded"

#: Names and values as they are signed, before they are encoded.
Pairs = Iterable[tuple[bytes, bytes]]


class SignedCredentials(Strict):
    """What an account of such a network needs: by what that knows Postbell, and a token if there is one."""

    client_id: str = Field(min_length=1, description="The key of your app at the network (consumer key).")
    client_secret: SecretStr = Field(min_length=1, description="Its secret (consumer secret).")
    access_token: SecretStr | None = Field(
        None, min_length=1, description="A token of your own; left out where you consent in a browser."
    )
    token_secret: SecretStr | None = Field(None, min_length=1, description="The secret of that token.")

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.access_token is None) != (self.token_secret is None):
            raise ValueError("access_token and token_secret belong together: give both, or neither")
        return self


@dataclass(frozen=True, kw_only=True)
class Temporary(Question):
    """One request for a person's consent; the network tells it from others by its temporary token."""

    state_as: ClassVar[str] = "oauth_token"
    code_as: ClassVar[str] = "oauth_verifier"

    #: Of the temporary credentials, whose token is the `state`.
    secret: str = field(repr=False)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no error may show."""
        return (self.secret, self.client.secret)

    @property
    def typed(self) -> bool:
        """Whether the network shows the code, to be typed, and sends the browser nowhere."""
        return self.redirect == OUT_OF_BAND

    def read(self, said: str) -> str:
        """Return the code in the address that the browser was sent back to, or the code that was typed.

        Raises Rejected where it holds none, or belongs to another request.
        """
        return said.strip() if self.typed and "://" not in said else super().read(said)


@dataclass(frozen=True, kw_only=True)
class OAuth1(Login[Temporary]):
    """OAuth 1.0a. Its tokens do not end until they are taken back, and nothing renews them."""

    #: Where temporary credentials are given out: whole, or a path on the account's server.
    request: str
    asks: tuple[str, ...] = ("client_id", "client_secret")

    async def begin(self, target: Target, redirect: str, http: Http) -> Temporary:
        """Get temporary credentials (2.1), with the browser to come back to `redirect`."""
        client = await self.client(target, redirect, http)
        signer = Signer(client=client, now=http.now(), more={"oauth_callback": redirect})
        said = await self._ask(self.address(self.request, target.server), signer, _judge_client, http)
        if said.get("oauth_callback_confirmed") != "true":
            raise Unavailable("the network speaks OAuth 1.0 as it was before 1.0a, which is not safe")
        return Temporary(
            client=client, redirect=redirect, state=said["oauth_token"], secret=said["oauth_token_secret"]
        )

    def consent(self, question: Temporary, server: str | None) -> str:
        """Return the address at which a person consents (2.2)."""
        address = self.address(self.authorize, server)
        return f"{address}{'&' if '?' in address else '?'}{urlencode({'oauth_token': question.state})}"

    async def exchange(self, question: Temporary, code: str, server: str | None, http: Http) -> Tokens:
        """Return the token for a code (2.3), which is good once. Raises a PublishError."""
        signer = Signer(
            client=question.client,
            token=question.state,
            secret=question.secret,
            now=http.now(),
            more={"oauth_verifier": code},
        )
        said = await self._ask(self.address(self.token, server), signer, _judge_code, http)
        return Tokens(
            access_token=said["oauth_token"], secret=said["oauth_token_secret"], issued_at=http.now()
        )

    async def renew(self, tokens: Tokens, target: Target, http: Http) -> Tokens:
        """Say that nobody but a person can help."""
        del tokens, target, http
        raise Unauthorized("its login is not accepted any more: connect it again")

    async def _ask(self, address: str, signer: Signer, judge: Any, http: Http) -> dict[str, str]:
        """Return what was given out: a form with at least a token and its secret."""
        answer = await http.request("POST", address, auth=signer.sign, judge=judge)
        said = dict(parse_qsl(answer.text.strip(), keep_blank_values=True))
        if not (said.get("oauth_token") and said.get("oauth_token_secret")):
            raise Unavailable(f"{answer.place} gave no token that can be used")
        return said


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Signs one request."""

    client: Client
    token: str = field(default="", repr=False)
    #: What belongs to the token; empty where there is none.
    secret: str = field(default="", repr=False)
    #: The instant of the request (aware).
    now: datetime
    #: Differs for every request of the same second.
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    #: Further parameters of the protocol.
    more: Mapping[str, str] = field(default_factory=dict, repr=False)

    def sign(self, request: httpx.Request) -> None:
        """Give a request, as it will be sent, the header that proves who sends it (3.5.1)."""
        said = {
            "oauth_consumer_key": self.client.id,
            **({"oauth_token": self.token} if self.token else {}),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(self.now.timestamp())),
            "oauth_nonce": self.nonce,
            "oauth_version": "1.0",
            **self.more,
        }
        url, form = request.url, b""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
            form = request.content
        pairs = [(name.encode(), value.encode()) for name, value in said.items()]
        pairs += [*_pairs_of(url.query), *_pairs_of(form)]
        place = url.netloc.decode().lower().removesuffix(_PORTS[url.scheme])
        address = f"{url.scheme}://{place}{url.raw_path.decode().partition('?')[0]}"
        base = base_string(request.method, address, pairs)
        said["oauth_signature"] = signature(base, self.client.secret, self.secret)
        words = ", ".join(f'{name}="{_encoded(value.encode())}"' for name, value in said.items())
        request.headers["authorization"] = f"OAuth {words}"


def base_string(method: str, address: str, pairs: Pairs) -> str:
    """Return what is signed of a request (3.4.1): `address` has no query, `pairs` are all its parameters."""
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    joined = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join(_encoded(part.encode()) for part in (method.upper(), address, joined))


def signature(base: str, client_secret: str, token_secret: str) -> str:
    """Return the HMAC-SHA1 of a base string (3.4.2)."""
    key = "&".join(_encoded(secret.encode()) for secret in (client_secret, token_secret))
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


async def call_signed(oauth: OAuth1, target: Target, http: Http, method: str, url: str, **how: Any) -> Answer:
    """Send a request as the account, signed; `how` goes to `Http.request`.

    Raises what that raises, and Unauthorized where nobody has consented.
    """
    client, given = client_of(target), target.credentials

    async def send(token: str, secret: str) -> Answer:
        signer = Signer(client=client, token=token, secret=secret, now=http.now())
        return await http.request(method, oauth.address(url, target.server), auth=signer.sign, **how)

    async def send_consented(token: str) -> Answer:
        return await send(token, http.tokens.secret if http.tokens else "")

    if given.access_token:
        return await send(given.access_token.get_secret_value(), given.token_secret.get_secret_value())
    return await call_as(oauth, target, http, send_consented)


def _pairs_of(form: bytes) -> Pairs:
    """Return the parameters in a query, or in a body that is a form (3.4.1.3.1)."""
    # Each byte as one character, for what is no UTF-8 is signed too.
    found = parse_qsl(form.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]


def _encoded(value: bytes) -> str:
    """Encode as RFC 5849, 3.6 says: all but the unreserved characters of RFC 3986, in capitals."""
    return quote(value, safe="")


def _judge_client(answer: Answer) -> PublishError | None:
    """Read why there are no temporary credentials. What came is not quoted: it may quote us."""
    if answer.status in (400, 401, 403):
        return Unauthorized(
            f"{answer.place} refused to begin ({answer.status}): see whether client_id and client_secret are "
            "right, the app knows where the browser is sent back to, and the clock of this machine is right"
        )
    return None


def _judge_code(answer: Answer) -> PublishError | None:
    """Read why there is no token: a code is good once, and not for long."""
    if answer.status in (400, 401, 403):
        return Rejected(f"{answer.place} gave no token for the code ({answer.status}); begin again")
    return None
