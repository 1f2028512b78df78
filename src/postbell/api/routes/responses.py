"""How people respond to what was published."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field

from postbell.api import plan_models
from postbell.api.asked import Asked, Whole
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.api.routes.posts import PostId, found_post
from postbell.domain.access import Scope
from postbell.services.plan import engagement
from postbell.services.sending.commenting import comments_of
from postbell.services.sending.metrics import readings_of
from postbell.shapes.posts import first_comment_json, reading_json


resource = Resource("responses", "How people respond to what was published.", path="/api/v1")


class ResponsesAsked(Asked):
    """How many people responded to a published post, as somebody has counted."""

    responses: Whole = Field(
        description="How many liked, answered or shared it, all together; replaces what was known.",
        ge=0,
        le=10**12,
        examples=[12],
    )
    account: str | None = Field(None, description="The account, if it was published with several.")


@resource.get("/posts/{id}/readings", "List readings", returns=plan_models.Readings, refuses=(404,))
def readings(call: Call, id: PostId) -> Answer:  # noqa: A002 - the name in the path
    """List what was ever read back of a post from its networks, the oldest first."""
    post = found_post(call.ctx, id)
    return Answer(body={"readings": [reading_json(post.id, each) for each in readings_of(call.ctx, post)]})


@resource.get(
    "/posts/{id}/comments", "List first comments", returns=plan_models.FirstComments, refuses=(404,)
)
def comments(call: Call, id: PostId) -> Answer:  # noqa: A002
    """List how the first comments on a post do, one for each account."""
    post = found_post(call.ctx, id)
    names = {delivery.id: delivery.account for delivery in post.deliveries}
    found = comments_of(call.ctx, post)
    return Answer(body={"comments": [first_comment_json(names[each.delivery_id], each) for each in found]})


@resource.serve(
    "PUT",
    "/posts/{id}/responses",
    "Count responses",
    needs=Scope.WRITE,
    returns=plan_models.Responses,
    refuses=(404,),
)
def count(call: Call, id: PostId, asked: ResponsesAsked) -> Answer:  # noqa: A002
    """Count who responded to a post, so that `auto` learns which hours are good."""
    counted = engagement.record(call.ctx, found_post(call.ctx, id), asked.responses, asked.account)
    told = {"post": counted.post_id, "account": counted.account, "responses": asked.responses}
    return Answer(body=told)


@resource.get("/engagement", "List the best hours", returns=plan_models.Hours)
def hours(call: Call) -> Answer:
    """List what came back at each hour of the week that is known of, by account, the best first."""
    return Answer(body={"hours": [asdict(hour) for hour in engagement.best_hours(call.ctx)]})
