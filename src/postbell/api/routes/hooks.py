"""Hooks: addresses that are told what happens. Their addresses may hold secrets: all of it needs `admin`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field

from postbell.api.asked import Asked, Flag
from postbell.api.call import Answer
from postbell.api.models import Instant, Shape
from postbell.api.resource import Call, Resource, found_at
from postbell.domain.access import Scope
from postbell.domain.event import EventKind
from postbell.domain.hook import CallState
from postbell.services.telling import hooks
from postbell.services.telling.hooks import Seen
from postbell.shapes.hooks import hook_call_json, hook_json


resource = Resource("hooks", "Hooks: addresses that are told what happens, by signed requests.")

Name = Annotated[
    str,
    Path(
        description="The name of the hook.", pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,39}$", examples=["n8n"]
    ),
]


class HookAsked(Asked):
    """An address to tell what happens from now on."""

    name: str = Field(
        description="What it is called here: letters, digits, - _ and .", max_length=100, examples=["bell"]
    )
    url: str = Field(
        description="Where it is told; https:// or http://.",
        max_length=2000,
        examples=["https://bell.example/hook"],
    )
    events: list[str] = Field(
        default_factory=list,
        description="What it is told: `post.failed`, `post.*`, `*`; left out: how posts and accounts do.",
        max_length=100,
        examples=[["post.failed", "post.partial"]],
    )
    allow_local: Flag = Field(
        False, description="Whether the address may be on the machine of the daemon or in a private network."
    )


class Hook(Shape):
    """An address that is told what happens."""

    name: str = Field(description="What it is called here.", examples=["bell"])
    url: str = Field(description="Where it is told.", examples=["https://bell.example/hook"])
    events: list[str] = Field(description="What it is told.", examples=[["post.failed", "post.partial"]])
    allow_local: bool = Field(description="Whether the address need not be public.")
    created_at: Instant = Field(description="When it was added.")
    failures: int = Field(description="How often in a row it took nothing.")
    failing_since: Instant | None = Field(description="Since when it takes nothing.")
    error: str | None = Field(description="Why it takes nothing.")
    rests_until: Instant | None = Field(description="Until when it is left alone after that.")


class SeenHook(Hook):
    """The same, with how much it was not told."""

    waiting: int = Field(description="How many events were not taken and are tried again.")
    given_up: int = Field(description="How many events were given up after 24 hours, of those in the log.")


class Hooks(Shape):
    """All hooks."""

    hooks: list[SeenHook] = Field(description="In the order of their names.")


class MadeHook(Hook):
    """A hook with what its requests are signed with."""

    secret: str | None = Field(
        description="What signatures are checked with; told this once, and null to who asks again with the "
        "same Idempotency-Key."
    )


class HookTest(Shape):
    """How a ping went."""

    hook: str = Field(description="The name of the hook.", examples=["bell"])
    taken: bool = Field(description="Whether it was answered with 2xx in time.")
    status: int | None = Field(description="The status of the answer; null where there was none.")
    took_ms: int = Field(description="How long that took, in milliseconds.")
    error: str | None = Field(description="Why it was not taken.")


class HookCall(Shape):
    """How an event was told."""

    event: int = Field(description="The number of the event.")
    type: EventKind = Field(description="What happened.")
    post: str | None = Field(description="The post that it is about, if so.")
    account: str | None = Field(description="The account that it is about, if so.")
    state: CallState = Field(description="How it went.")
    tries: int = Field(description="How often it was tried.")
    first_at: Instant = Field(description="When it was tried first.")
    last_at: Instant = Field(description="When it was tried last.")
    try_at: Instant | None = Field(description="When it is tried again.")
    status: int | None = Field(description="What was answered last; null where nothing was.")
    took_ms: int | None = Field(description="How long that took, in milliseconds.")
    error: str | None = Field(description="Why it was not taken the last time.")


class HookCalls(Shape):
    """The log of a hook."""

    calls: list[HookCall] = Field(description="The newest event first.")


@resource.get("", "List hooks", needs=Scope.ADMIN, returns=Hooks)
def list_(call: Call) -> Answer:
    """List every hook, and how much each has not taken."""
    return Answer(body={"hooks": [_seen(each) for each in hooks.see_hooks(call.ctx)]})


@resource.serve(
    "POST", "", "Add a hook", needs=Scope.ADMIN, returns=MadeHook, status=201, sends=("Location",)
)
def add(call: Call, asked: HookAsked) -> Answer:
    """Let an address be told what happens from now on.

    Each request is signed as Standard Webhooks says: HMAC-SHA256 over webhook-id, webhook-timestamp and the
    exact body. What is not answered with 2xx within 10 seconds is told again under the same id, for 24 hours.
    """
    made, secret = hooks.add_hook(
        call.ctx, name=asked.name, url=asked.url, events=asked.events, allow_local=asked.allow_local
    )
    body = {**hook_json(made), "secret": None}
    return Answer(body=body, headers=found_at("hooks", made.name), once={"secret": secret})


@resource.get("/{name}", "Read a hook", needs=Scope.ADMIN, returns=Hook, refuses=(404,))
def read(call: Call, name: Name) -> Answer:
    """Return a hook; its secret is told nowhere."""
    return Answer(body=hook_json(hooks.get_hook(call.ctx, name)))


@resource.serve("DELETE", "/{name}", "Remove a hook", needs=Scope.ADMIN, status=204, refuses=(404,))
def remove(call: Call, name: Name) -> Answer:
    """Tell an address nothing any more, and forget it and its log."""
    hooks.remove_hook(call.ctx, name)
    return Answer()


@resource.serve("POST", "/{name}/test", "Test a hook", needs=Scope.ADMIN, returns=HookTest, refuses=(404,))
def test(call: Call, name: Name) -> Answer:
    """Send a ping now, and say whether it was taken."""
    told = hooks.try_hook(call.ctx, name)
    body = {"hook": name, "taken": told.error is None, "status": told.status, "took_ms": told.took_ms}
    return Answer(body={**body, "error": told.error})


@resource.serve(
    "POST",
    "/{name}/rotate",
    "Give a hook another secret",
    needs=Scope.ADMIN,
    returns=MadeHook,
    refuses=(404,),
)
def rotate(call: Call, name: Name) -> Answer:
    """Make another secret; for a day requests are signed with the old one too."""
    changed, secret = hooks.rotate_hook(call.ctx, name)
    return Answer(body={**hook_json(changed), "secret": None}, once={"secret": secret})


@resource.get("/{name}/log", "Read the log of a hook", needs=Scope.ADMIN, returns=HookCalls, refuses=(404,))
def log(
    call: Call,
    name: Name,
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=1000)] = 100,
) -> Answer:
    """Return how the last events were told."""
    return Answer(body={"calls": [hook_call_json(each) for each in hooks.log_of(call.ctx, name, limit)]})


def _seen(each: Seen) -> dict[str, Any]:
    return {**hook_json(each.hook), "waiting": each.waiting, "given_up": each.given_up}
