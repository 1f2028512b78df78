"""A post as one signed JSON request to an address of the user's choice, in the shape of Standard Webhooks.

The shape: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.media import SUFFIXES, Media
from postbell.errors import Problem, PublishError, Rejected, Unauthorized
from postbell.publishing.options import Strict, Words
from postbell.publishing.protocol import (
    Absent,
    Call,
    Outgoing,
    Profile,
    Progress,
    Receipt,
    Resend,
    Target,
    Threads,
    Unknown,
)
from postbell.publishing.signing import key_of, signature
from postbell.publishing.web.answer import Answer


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: The most bytes of all files of one post together: they travel inside the JSON, a third longer.
MOST_BYTES = 25_000_000

#: Headers that are ours, or the connection's.
_OURS = frozenset(
    {
        *("webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key", "content-type"),
        *("content-length", "transfer-encoding", "connection", "host"),
    }
)
# A name and a value as RFC 9110, 5.1 and 5.5 allow them, without what only old servers understand.
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)[ \t]*")
_WEB = re.compile(r"https?://")


class Options(Strict):
    """What a post can be told about a webhook."""

    event: str = Field(
        default="post.published",
        pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$",
        description="The event's type, by which a receiver decides what to do: letters, digits and _, in "
        "words with a dot between them.",
    )
    tags: Words = Field(default=[], description="Words handed on to the receiver.")


class Credentials(Strict):
    """Where posts go, and how they prove that they come from here."""

    url: str = Field(
        pattern=r"^https?://[^/\s@?#]+(/[^\s#]*|\?[^\s#]*)?$",
        description="The address that gets the posts, with https:// or http:// and without `user@` and `#`. "
        "It is shown; put secrets into secret or headers.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Signs each request, so that the receiver knows who sent it: `whsec_` and base64, "
        "or any text. Not signed if not given.",
    )
    headers: SecretStr | None = Field(
        default=None,
        description="More headers, one `Name: value` in a line, for instance `Authorization: Bearer …`.",
    )

    @field_validator("secret")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not key_of(value.get_secret_value()):
            raise ValueError("what follows `whsec_` must be base64, and not empty")
        return value

    @field_validator("headers")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        _headers(value)
        return value


class Webhook:
    """Any server that takes a POST."""

    key: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    summary: ClassVar[str] = (
        "Posts signed JSON to an address: for scripts, n8n, Zapier and services of your own."
    )
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=10, types=dict.fromkeys(SUFFIXES, MOST_BYTES)))
    server: ClassVar[str] = "none"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = (
        "1. Give url: the address that shall get the posts.\n"
        "2. Give the same secret to Postbell and to the receiver; for instance what\n"
        "   `openssl rand -hex 32` prints.\n"
        "3. The receiver answers 2xx once it has the post, and takes a webhook-id that it has had for done.\n"
        "4. The account is checked by a request of the type `ping`, which the receiver answers with 2xx and\n"
        "   otherwise ignores; a receiver that cannot is added with --no-verify."
    )
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    resend: ClassVar[Resend] = Resend.SAFE
    finds: ClassVar[bool] = False
    deletes: ClassVar[bool] = False
    threads: ClassVar[Threads] = Threads.WHOLE
    comments: ClassVar[bool] = False

    def check(self, content: Content, options: BaseModel, *, account: str) -> list[Problem]:
        """Return whether the files are too much for one request, which is made in memory."""
        del options
        size = sum(media.size for media in content.media)
        if size <= MOST_BYTES:
            return []
        message = f"{size:,} bytes in all, the limit is {MOST_BYTES:,}."
        return [Problem(where="media", account=account, message=message, firm=True)]

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the one request."""
        account = outgoing.target.credentials
        named = dict.fromkeys(_headers(account.headers), "<hidden>")
        signed = {"webhook-signature": "<v1,…>"} if account.secret else {}
        fixed = {"webhook-id": outgoing.key, "webhook-timestamp": "<now>", "idempotency-key": outgoing.key}
        data = [f"<base64 of {media.size:,} bytes>" for media in outgoing.content.media]
        body = _body(outgoing, data)
        return [Call(method="POST", url=account.url, headers={**named, **fixed, **signed}, body=body)]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Post the same bytes under the same webhook-id at every try; the receiver takes them once."""
        del progress
        data = [await asyncio.to_thread(_encode, media) for media in outgoing.content.media]
        body = _json(_body(outgoing, data))
        answer = await _post(outgoing.target, http, name=outgoing.key, body=body, publishes=True)
        return _receipt(answer, outgoing.key)

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Say that nobody can tell: a webhook cannot be asked, only sent to again."""
        del outgoing, progress, http
        return Unknown(reason="a webhook cannot be asked what it has had")

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Refuse: nothing can be taken back from whoever has received it."""
        del outgoing, receipt_id, http
        raise Rejected("a webhook cannot take back what it has sent")

    async def verify(self, target: Target, http: Http) -> Profile:
        """Post an event of the type `ping`, which holds no post."""
        now = http.now()
        body = _json({"type": "ping", "timestamp": _stamp(now), "data": {}})
        await _post(target, http, name=f"ping-{int(now.timestamp() * 1000)}", body=body)
        unsigned = () if target.credentials.secret else ("Requests are not signed: no secret was given.",)
        url = target.credentials.url
        return Profile(handle=urlsplit(url).netloc, url=url, notes=unsigned)


network = Webhook()


async def _post(target: Target, http: Http, *, name: str, body: bytes, publishes: bool = False) -> Answer:
    account = target.credentials
    seconds = str(int(http.now().timestamp()))
    headers = {
        **_headers(account.headers),
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "idempotency-key": name,
    }
    if account.secret:
        secret = account.secret.get_secret_value()
        headers["webhook-signature"] = signature(secret, name=name, seconds=seconds, body=body)
    return await http.request(
        "POST", account.url, publishes=publishes, judge=_judge, content=body, headers=headers
    )


def _judge(answer: Answer) -> PublishError | None:
    if answer.status == 410:
        return Unauthorized("The webhook answered 410: it is gone for good. Give the account another url.")
    return None


def _body(outgoing: Outgoing, data: list[str]) -> dict[str, Any]:
    """Return the event; nothing in it depends on the try."""
    content = outgoing.content
    return {
        "type": outgoing.options.event,
        "timestamp": _stamp(outgoing.begun_at),
        "data": {
            "id": outgoing.key,
            "post": outgoing.post_id,
            "external_id": outgoing.external_id,
            "account": outgoing.target.name,
            "due_at": _stamp(outgoing.due_at),
            "text": content.text,
            "segments": list(content.segments),
            "title": content.title,
            "link": content.link,
            "tags": list(outgoing.options.tags),
            "media": [_file(media, text) for media, text in zip(content.media, data, strict=True)],
        },
    }


def _file(media: Media, data: str) -> dict[str, Any]:
    return {
        "name": media.name,
        "mime": media.mime,
        "sha256": media.sha256,
        "alt": media.alt,
        "part": media.part,
        "width": media.width,
        "height": media.height,
        "data": data,
    }


def _encode(media: Media) -> str:
    try:
        return base64.b64encode(media.path.read_bytes()).decode()
    except FileNotFoundError:
        raise Rejected(f"The stored file of {media.name} is gone; give it to the post again.") from None


def _receipt(answer: Answer, key: str) -> Receipt:
    """Read what the receiver calls the post and where it is found, if it says so in JSON or in Location."""
    said = answer.error_json()
    location = answer.headers.get("location", "")
    name = said.get("id")
    urls = (url for url in (said.get("url"), location) if isinstance(url, str))
    return Receipt(
        id=str(name) if type(name) in (str, int) and name != "" else location or key,
        url=next((url for url in urls if _WEB.match(url)), None),
    )


def _headers(value: SecretStr | None) -> dict[str, str]:
    """Return the user's own headers. Raises ValueError, which shows no value."""
    found = {}
    lines = value.get_secret_value().splitlines() if value else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not (match := _HEADER.fullmatch(line.strip())):
            raise ValueError(f"line {number} is not `Name: value` in plain ASCII")
        name = match[1].lower()
        if name in _OURS:
            raise ValueError(f"line {number}: {name} is set by Postbell")
        found[name] = match[2]
    return found


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
