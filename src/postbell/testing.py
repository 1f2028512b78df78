"""Stand-ins for tests: ours, and those of people who write a network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, Field, SecretStr

from postbell.clock import VirtualClock
from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit, TextLimit
from postbell.errors import (
    Gone,
    Problem,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unsure,
)
from postbell.publishing import chain
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


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


class FakeClock(VirtualClock):
    """A clock that stands still until it is moved; it begins on a Monday morning."""

    def __init__(self, now: datetime | None = None) -> None:
        super().__init__(now or datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


class Mode(StrEnum):
    """What the next call of `FakeNetwork.publish`, or of `delete` or `edit`, does."""

    #: What it is called for.
    PUBLISH = "publish"
    #: Takes one step of several: returns a Progress and publishes nothing.
    STEP = "step"
    #: Does it once the network's `gate` is open.
    WAIT = "wait"
    #: Does it, and the answer is lost.
    LOSE_ANSWER = "lose_answer"
    #: Does nothing, and nobody can tell.
    LOSE_REQUEST = "lose_request"
    REJECT = "reject"
    REFUSE_ACCOUNT = "refuse_account"
    LIMIT = "limit"
    FAIL = "fail"
    #: Raises what no network should: a mistake in its code.
    BREAK = "break"


_ERRORS: dict[Mode, type[PublishError]] = {
    Mode.LOSE_ANSWER: Unsure,
    Mode.LOSE_REQUEST: Unsure,
    Mode.REJECT: Rejected,
    Mode.REFUSE_ACCOUNT: Unauthorized,
    Mode.FAIL: Unavailable,
}


class FakeOptions(Strict):
    """What a post can be told."""

    mood: str | None = Field(default=None, description="Any word.")


class FakeCredentials(Strict):
    """What an account needs."""

    token: SecretStr = Field(default=SecretStr("right"), description="Any word, save `wrong`.")


class FakeNetwork:
    """A network in memory that fails as it is told, and counts what it was asked to make public.

    `resend`, `finds`, `deletes`, `threads`, `comments` and `comment_files` are the class's, as with every
    network: a subclass sets others.
    """

    key: ClassVar[str] = "fake"
    label: ClassVar[str] = "Fake"
    summary: ClassVar[str] = "Publishes into memory, for tests."
    limits: ClassVar[Limits] = Limits(
        text=(TextLimit(most=500, unit="characters", count=len),),
        media=MediaLimit(most=4, types={"image/png": 1_000_000, "image/jpeg": 1_000_000}),
    )
    server: ClassVar[str] = "none"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = "Any token will do, save `wrong`."
    Options: ClassVar[type[BaseModel]] = FakeOptions
    Credentials: ClassVar[type[BaseModel]] = FakeCredentials
    resend: ClassVar[Resend] = Resend.SAFE
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[Threads] = Threads.CHAIN
    comments: ClassVar[bool] = True
    comment_files: ClassVar[bool] = True

    def __init__(self, modes: Iterable[Mode] = (), *, wait: timedelta = timedelta(seconds=120)) -> None:
        #: What the next calls do, first to last; after the last one every call publishes.
        self.modes = list(modes)
        #: What the next calls of `delete` do, likewise.
        self.delete_modes: list[Mode] = []
        #: How long `Mode.LIMIT` asks to wait.
        self.wait = wait
        #: Whether `find` can tell.
        self.can_tell = True
        #: Opened by the test to let `Mode.WAIT` go on.
        self.gate = asyncio.Event()
        #: What the next calls of `edit` do, likewise.
        self.edit_modes: list[Mode] = []
        #: What is public, in the order in which it became so.
        self.posts: list[Outgoing] = []
        #: The ids that `delete` was asked to take away, whatever came of it.
        self.deletions: list[str] = []
        #: How often each delivery's key was asked to be made public.
        self.creates: Counter[str] = Counter()
        #: The Progress that each call of `publish` was given.
        self.seen: list[Progress | None] = []

    def check(self, content: Content, options: BaseModel, *, account: str) -> list[Problem]:
        """Refuse the text `unfit`."""
        del options
        if content.text == "unfit":
            return [Problem(where="text", account=account, message="it is unfit; write another one.")]
        return []

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the one request that there is."""
        return [Call(method="POST", url="memory://fake/posts", body={"text": outgoing.content.text})]

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Do what the next mode says, for each part of a thread."""
        self.seen.append(progress)
        return await chain.publish(outgoing, progress, http, self._publish)

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        mode = self.modes.pop(0) if self.modes else Mode.PUBLISH
        if mode is Mode.STEP:
            done = int(progress.data["done"]) if progress else 0
            return Progress(step=f"step {done + 1}", data={"done": done + 1})
        await self._before(mode, http)
        receipt = self._create(outgoing)
        _after(mode)
        return receipt

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Progress | Absent | Unknown:
        """Look among what is public."""
        return await chain.find(outgoing, progress, http, self._find)

    async def _find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        del progress, http
        if not self.can_tell:
            return Unknown(reason="It was told not to tell.")
        return self._found(outgoing.key) or Absent()

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Do what the next mode says; what is not there any more is taken away already."""
        del outgoing
        if not self.deletes:
            raise Rejected("told not to delete")
        self.deletions.append(receipt_id)
        mode = self.delete_modes.pop(0) if self.delete_modes else Mode.PUBLISH
        await self._before(mode, http)
        gone = chain.ids_of(receipt_id)
        self.posts = [post for post in self.posts if post.key not in gone]
        _after(mode)

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Do what the next mode says, for each part of a thread."""

        async def one(part: Outgoing, name: str) -> Receipt:
            mode = self.edit_modes.pop(0) if self.edit_modes else Mode.PUBLISH
            await self._before(mode, http)
            if self._found(name) is None:
                raise Gone
            self.posts = [part if post.key == name else post for post in self.posts]
            _after(mode)
            return _receipt(name)

        return await chain.edit(outgoing, chain.ids_of(receipt_id), one)

    async def verify(self, target: Target, http: Http) -> Profile:
        """Accept every token save `wrong`."""
        del http
        if target.credentials.token.get_secret_value() == "wrong":
            raise Unauthorized("The token is wrong.")
        return Profile(handle=f"@{target.name}", url=f"memory://fake/{target.name}")

    async def _before(self, mode: Mode, http: Http) -> None:
        if mode is Mode.BREAK:
            raise RuntimeError("a mistake in the network's code")
        if mode is Mode.LIMIT:
            raise RateLimited("asked to wait", until=http.now() + self.wait)
        if mode in _ERRORS and mode is not Mode.LOSE_ANSWER:
            raise _ERRORS[mode](f"asked to {mode.value}")
        if mode is Mode.WAIT:
            await self.gate.wait()

    def _create(self, outgoing: Outgoing) -> Receipt:
        self.creates[outgoing.key] += 1
        if self.resend is not Resend.SAFE or not self._found(outgoing.key):
            self.posts.append(outgoing)
        return _receipt(outgoing.key)

    def _found(self, key: str) -> Receipt | None:
        return _receipt(key) if any(post.key == key for post in self.posts) else None


def _after(mode: Mode) -> None:
    if mode is Mode.LOSE_ANSWER:
        raise _ERRORS[mode]("the answer was lost")


def _receipt(key: str) -> Receipt:
    return Receipt(id=key, url=f"memory://fake/posts/{key}")
