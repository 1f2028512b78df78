"""A person consents to it in a browser (OAuth), and it publishes in two steps; a repeat is harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, SecretStr

from lab.dialect import LabNetwork
from postbell.publishing.options import Strict
from postbell.publishing.protocol import Outgoing, Profile, Progress, Receipt, Resend, Target
from postbell.publishing.web.oauth import OAuth, call_as


if TYPE_CHECKING:
    from postbell.publishing.web.answer import Answer
    from postbell.publishing.web.http import Http


class Credentials(Strict):
    """By what the server knows Postbell."""

    placeless: ClassVar[frozenset[str]] = frozenset({"client_id"})

    client_id: str = Field(min_length=1, description="The id of the client.")
    client_secret: SecretStr = Field(min_length=1, description="Its secret.")


class _Network(LabNetwork):
    key: ClassVar[str] = "lab_consent"
    Credentials: ClassVar[type[BaseModel]] = Credentials
    resend: ClassVar[Resend] = Resend.SAFE
    oauth: ClassVar[OAuth] = OAuth(
        authorize="/authorize",
        token="/token",
        scopes=("posts.write",),
        basic=True,
    )

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Make a draft, then make it public."""
        body = {"key": outgoing.key, "text": outgoing.content.text}
        if progress is None:
            await _ask(outgoing.target, http, "POST", "/drafts", json=body)
            return Progress(step="draft")
        said = await _ask(outgoing.target, http, "POST", "/posts", publishes=True, json=body)
        return Receipt(id=said.field("id", str))

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask who it is."""
        return Profile(handle=(await _ask(target, http, "GET", "/me")).field("name", str))


async def _ask(target: Target, http: Http, method: str, path: str, **how: Any) -> Answer:
    async def send(token: str) -> Answer:
        headers = {"authorization": f"Bearer {token}"}
        return await http.request(method, f"{target.server}{path}", headers=headers, **how)

    return await call_as(_Network.oauth, target, http, send)


network = _Network()
