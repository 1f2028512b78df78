"""Files that networks fetched."""

from __future__ import annotations

from pydantic import Field

from postbell.api.call import Answer
from postbell.api.models import Shape
from postbell.api.resource import Call, Resource
from postbell.api.routes.posts import PostId, found_post
from postbell.services.media.fetched import fetches_of
from postbell.shapes.base import stamp


resource = Resource("fetches", "Files of posts that networks have fetched.", path="/api/v1/posts")


class Fetch(Shape):
    """A file of a post was fetched."""

    account: str = Field(description="The account whose network was given the link.")
    file: str = Field(description="The stored file.", examples=["9f86d081" * 8])
    at: str = Field(description="When: RFC 3339, UTC.")
    address: str = Field(
        description="Where it was asked from; behind a proxy that is the proxy.", examples=["192.0.2.7"]
    )
    agent: str = Field(description="What it called itself.", examples=["facebookexternalua"])


class Fetches(Shape):
    """What was fetched."""

    fetches: list[Fetch] = Field(description="The first first; at most 200 of each account.")


@resource.get("/{id}/fetches", "List who fetched its files", returns=Fetches, refuses=(404,))
def list_(call: Call, id: PostId) -> Answer:  # noqa: A002 - the name in the path
    """List when files of a post were fetched by public links: a network that came has heard of the post."""
    accounts = {each.id: each.account for each in found_post(call.ctx, id).deliveries}
    found = fetches_of(call.ctx, list(accounts))
    shown = [
        {
            "account": accounts[each.delivery_id],
            "file": each.file,
            "at": stamp(each.at),
            "address": each.address,
            "agent": each.agent,
        }
        for each in found
    ]
    return Answer(body={"fetches": shown})
