"""A person consents to it in a browser (OAuth 1.0a), and its requests are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from lab.dialect import LabNetwork
from postbell.domain.limits import Limits, MediaLimit
from postbell.publishing.protocol import Outgoing, Profile, Progress, Receipt, Resend, Target
from postbell.publishing.web.oauth1 import OAuth1, SignedCredentials, call_signed


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


class _Network(LabNetwork):
    key: ClassVar[str] = "lab_signed"
    label: ClassVar[str] = "Signet"
    Credentials: ClassVar[type[BaseModel]] = SignedCredentials
    resend: ClassVar[Resend] = Resend.SAFE
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=1, types={"image/png": 1_000_000}))
    oauth: ClassVar[OAuth1] = OAuth1(request="/initiate", authorize="/authorize", token="/token")

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Send files as they are, say the text as a form, and make it public with JSON."""
        target, body = outgoing.target, {"key": outgoing.key, "text": outgoing.content.text or ""}
        if progress is None:
            for item in outgoing.content.media:
                files = {"media": (item.name, item.path.read_bytes(), item.mime)}
                await call_signed(self.oauth, target, http, "POST", "/files", files=files)
            await call_signed(self.oauth, target, http, "POST", "/drafts", data=body)
            return Progress(step="draft")
        said = await call_signed(self.oauth, target, http, "POST", "/posts", publishes=True, json=body)
        return Receipt(id=said.field("id", str), url=said.field("url", str))

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask who it is."""
        asked = {"include": "name & más"}
        said = await call_signed(self.oauth, target, http, "GET", "/me", params=asked)
        return Profile(handle=said.field("name", str))


network = _Network()
