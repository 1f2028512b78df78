"""The networks of the lab: one tongue, three answers to what a repeat does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from postbell.domain.content import Content
from postbell.domain.limits import Limits
from postbell.errors import Problem, Rejected
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
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from postbell.publishing.web.answer import Answer
    from postbell.publishing.web.http import Http


class Nothing(Strict):
    """Neither options nor credentials."""


class LabNetwork:
    """A network that makes one post for each call; its subclasses say what can be known afterwards."""

    key: ClassVar[str]
    label: ClassVar[str] = "Lab"
    summary: ClassVar[str] = "A network of the fault lab."
    limits: ClassVar[Limits] = Limits()
    Options: ClassVar[type[BaseModel]] = Nothing
    Credentials: ClassVar[type[BaseModel]] = Nothing
    server: ClassVar[str] = "required"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = "Give it the lab's address."
    resend: ClassVar[Resend]
    finds: ClassVar[bool] = False
    deletes: ClassVar[bool] = False
    threads: ClassVar[Threads] = Threads.NONE
    comments: ClassVar[bool] = False

    def check(self, content: Content, options: BaseModel, *, account: str) -> list[Problem]:
        """Mind nothing."""
        del content, options, account
        return []

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the one request."""
        return [Call(method="POST", url=_posts(outgoing.target), body=_body(outgoing))]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Make one more post."""
        del progress
        url = _posts(outgoing.target)
        return _receipt(await http.request("POST", url, publishes=True, json=_body(outgoing)))

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Say that nobody can tell."""
        del outgoing, progress, http
        return Unknown(reason="it cannot be asked")

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Refuse."""
        del outgoing, receipt_id, http
        raise Rejected("the lab takes nothing away")

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask nobody."""
        del http
        return Profile(handle=target.name)


class Asked(LabNetwork):
    """It can be asked by the key."""

    finds: ClassVar[bool] = True

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        """Ask for the key."""
        del progress

        def judge(answer: Answer) -> Refused | None:
            return Refused("not there", code="absent") if answer.status == 404 else None

        try:
            return _receipt(
                await http.request("GET", f"{_posts(outgoing.target)}/{outgoing.key}", judge=judge)
            )
        except Refused:
            return Absent()


def _posts(target: Target) -> str:
    return f"{target.server}/net/{target.name}/posts"


def _body(outgoing: Outgoing) -> dict[str, str]:
    return {"key": outgoing.key, "text": outgoing.content.text or ""}


def _receipt(answer: Answer) -> Receipt:
    return Receipt(id=answer.field("id", str), url=answer.field("url", str))


class Stepped(Asked):
    """A post is prepared, then waited for, and then made public."""

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Take one step: prepare it, or make one more post."""
        if progress is None:
            answer = await http.request("POST", f"{outgoing.target.server}/net/{outgoing.target.name}/drafts")
            draft = {"draft": answer.field("id", str)}
            return Progress(step="prepared", data=draft, again_at=http.now() + timedelta(seconds=2))
        body = _body(outgoing) | {"draft": progress.data["draft"]}
        return _receipt(await http.request("POST", _posts(outgoing.target), publishes=True, json=body))


class Named(Asked):
    """A post is made under its key: a repeat makes no second one."""

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Make the post, unless it is there."""
        del progress
        url = f"{_posts(outgoing.target)}/{outgoing.key}"
        return _receipt(await http.request("PUT", url, publishes=True, json=_body(outgoing)))
