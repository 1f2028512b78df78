"""Pauses: what is held back."""

from __future__ import annotations

from pydantic import Field

from postbell.api import plan_models
from postbell.api.asked import MOST, Asked
from postbell.api.call import Answer
from postbell.api.holding import require_for_pause, require_for_resume
from postbell.api.moments import read_when
from postbell.api.resource import Call, Resource
from postbell.domain.access import Scope
from postbell.errors import Invalid, Problem
from postbell.services.accounts import pausing
from postbell.services.accounts.accounts import list_accounts
from postbell.services.accounts.pausing import Target
from postbell.shapes.base import stamp
from postbell.shapes.plan import pause_json, paused_json, resumed_json


resource = Resource("pauses", "Pauses: what is held back.")


class TargetAsked(Asked):
    """Something to hold back, or to let go on."""

    scope: pausing.Scope = Field(description="An account, the posts of a series or a label, or everything.")
    name: str = Field(
        "",
        description="Its name, its id, or the label; empty for everything.",
        max_length=200,
        examples=["sky"],
    )


class ResumeAsked(Asked):
    """What to let go on."""

    targets: list[TargetAsked] = Field(description="What is meant.", min_length=1, max_length=MOST)


class PausesAsked(ResumeAsked):
    """What to hold back."""

    until: str | None = Field(
        None,
        description="Until when: RFC 3339; left out: until it is resumed.",
        examples=["2026-12-01T09:00:00+01:00"],
    )


@resource.get("", "List pauses", returns=plan_models.Pauses)
def list_(call: Call) -> Answer:
    """List what is held back now: everything, series and labels, and accounts."""
    found = [pause_json(each) for each in pausing.list_pauses(call.ctx)]
    now = call.ctx.now()
    found += [
        {
            "scope": pausing.Scope.ACCOUNT,
            "name": account.name,
            "since": stamp(account.paused_at),
            "until": stamp(account.paused_until),
        }
        for account in list_accounts(call.ctx)
        if account.is_paused(now)
    ]
    return Answer(body={"pauses": found})


@resource.serve("POST", "", "Pause", needs=Scope.WRITE, returns=plan_models.NewPauses, status=201)
def pause(call: Call, asked: PausesAsked) -> Answer:
    """Hold back all of these; what is under way goes on.

    An account also needs the scope accounts; what is held back already, and would go on sooner, also publish.
    """
    targets = _targets(asked)
    until = read_when(call.ctx, asked.until, None, where="--until").at if asked.until else None
    require_for_pause(call, targets, until)
    return Answer(body={"paused": list(map(paused_json, pausing.pause(call.ctx, targets, until)))})


@resource.serve("POST", "/resume", "Resume", needs=Scope.PUBLISH, returns=plan_models.ResumedList)
def resume(call: Call, asked: ResumeAsked) -> Answer:
    """Let all of these go on; what fell due meanwhile is published late, or missed if it is too late.

    An account also needs the scope accounts.
    """
    targets = _targets(asked)
    require_for_resume(call, targets)
    return Answer(body={"resumed": list(map(resumed_json, pausing.resume(call.ctx, targets)))})


def _targets(asked: ResumeAsked) -> list[Target]:
    everything = pausing.Scope.EVERYTHING
    if any((each.scope is everything) == bool(each.name) for each in asked.targets):
        message = "everything has no name; an account, a series and a label have one."
        raise Invalid([Problem(where="--account", message=message)])
    return [Target(scope=each.scope, name=each.name) for each in asked.targets]
