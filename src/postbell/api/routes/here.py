"""What a command line elsewhere needs to know before it asks for more."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from postbell.api import plan_models, post_models
from postbell.api.call import Answer, tag_of
from postbell.api.resource import Call, Resource
from postbell.services.accounts import pausing
from postbell.services.accounts.accounts import list_accounts
from postbell.services.accounts.holds import hold_of
from postbell.services.posts.compose import load_post
from postbell.services.series.series import load_series
from postbell.services.series.series_view import paused_series
from postbell.shapes.base import stamp
from postbell.shapes.plan import pause_json
from postbell.shapes.posts import post_json
from postbell.shapes.series import series_json
from postbell.shapes.status import held_json


resource = Resource("here", "What a command line elsewhere needs to know.", path="/api/v1")

Begins = Annotated[
    str,
    Query(description="How the id begins.", min_length=1, max_length=40, examples=["k7f2"]),
]


@resource.get("/here", "Read where this is", returns=plan_models.Here)
def here(call: Call) -> Answer:
    """Read the time and the time zone of this Postbell, and what is held back."""
    now = call.ctx.now()
    held = (hold_of(account, now) for account in list_accounts(call.ctx))
    return Answer(
        body={
            "now": stamp(now),
            "timezone": call.ctx.zone.key,
            "late_limit_seconds": call.ctx.late_limit.total_seconds(),
            "held": [held_json(each) for each in held if each],
            "pauses": [pause_json(each) for each in pausing.list_pauses(call.ctx)],
        }
    )


@resource.get("/find/post", "Find a post", returns=post_models.Post, refuses=(404,), unchanged=True)
def find_post(call: Call, begins: Begins) -> Answer:
    """Read the one post whose id begins so; 422 where several do."""
    shown = post_json(load_post(call.ctx, begins))
    return Answer(body=shown, tag=tag_of(shown))


@resource.get("/find/series", "Find a series", returns=plan_models.Series, refuses=(404,), unchanged=True)
def find_series(call: Call, begins: Begins) -> Answer:
    """Read the one series whose id begins so; 422 where several do."""
    found = load_series(call.ctx, begins)
    shown = series_json(found, paused_series(call.ctx).get(found.id))
    return Answer(body=shown, tag=tag_of(shown))
