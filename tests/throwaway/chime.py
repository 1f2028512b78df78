"""A network that does not exist: what a new one is, in one file."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, SecretStr

from postbell.domain.content import Content
from postbell.domain.limits import Length, Limits, MediaLimit, TextLimit, count
from postbell.domain.text import with_link
from postbell.errors import Problem
from postbell.publishing.options import Strict
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
from postbell.publishing.web.answer import Answer, Refused


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


class Options(Strict):
    """What a post can be told."""

    loudness: int = Field(default=5, ge=1, le=11, description="From 1 to 11.")


class Credentials(Strict):
    """What an account needs."""

    token: SecretStr = Field(description="From the page of the tower.")


class Chime:
    """Rings what is posted to it."""

    key: ClassVar[str] = "chime"
    label: ClassVar[str] = "Chime"
    summary: ClassVar[str] = "Rings a bell in a tower."
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "required"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = "Climb the tower, and copy the token from the page of the keeper."
    resend: ClassVar[Resend] = Resend.SAFE
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[Threads] = Threads.NONE
    comments: ClassVar[bool] = False
    limits: ClassVar[Limits] = Limits(
        text=(TextLimit(most=200, unit="characters", count=len),),
        media=MediaLimit(most=2, types={"image/png": 1_000_000}),
    )

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Mind nothing beyond the limits."""
        del content, options, account
        return []

    def lengths(self, content: Content, options: Any) -> Sequence[Length]:
        """Count the text with the link that it lacks."""
        del options
        return count(with_link(content.text, content.link)[0], self.limits.text)

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the one request."""
        sizes = [f"<base64 of {item.size:,} bytes>" for item in outgoing.content.media]
        url = f"{outgoing.target.server}/posts/{outgoing.key}"
        return [Call(method="PUT", url=url, headers={"authorization": "***"}, body=_body(outgoing, sizes))]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Put the post under its key: a repeat changes nothing."""
        del progress
        files = [await asyncio.to_thread(item.path.read_bytes) for item in outgoing.content.media]
        data = [base64.b64encode(file).decode() for file in files]
        body = _body(outgoing, data)
        return _receipt(await _ask(outgoing.target, http, "PUT", f"posts/{outgoing.key}", body=body))

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Ask for what lies under its key."""
        del progress
        try:
            return _receipt(await _ask(outgoing.target, http, "GET", f"posts/{outgoing.key}"))
        except Refused:
            return Absent()

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Take it away; what is not there is taken away already."""
        try:
            (await _ask(outgoing.target, http, "DELETE", f"posts/{receipt_id}")).field("id", str)
        except Refused as refusal:
            if refusal.code != "404":
                raise

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask whose tower it is."""
        return Profile(handle=(await _ask(target, http, "GET", "tower")).field("keeper", str))


async def _ask(target: Target, http: Http, method: str, path: str, body: Any = None) -> Answer:
    headers = {"authorization": f"Bearer {target.credentials.token.get_secret_value()}"}
    how = {"json": body} if body else {}
    return await http.request(
        method,
        f"{target.server}/{path}",
        headers=headers,
        publishes=method == "PUT",
        judge=lambda answer: Refused("it has no such post", code="404") if answer.status == 404 else None,
        **how,
    )


def _body(outgoing: Outgoing, data: list[str]) -> dict[str, Any]:
    text, _ = with_link(outgoing.content.text, outgoing.content.link)
    files = zip(outgoing.content.media, data, strict=True)
    return {
        "text": text,
        "loudness": outgoing.options.loudness,
        "media": [{"alt": item.alt, "data": file} for item, file in files],
    }


def _receipt(answer: Answer) -> Receipt:
    return Receipt(id=answer.field("id", str), url=answer.field("url", str))


network = Chime()
