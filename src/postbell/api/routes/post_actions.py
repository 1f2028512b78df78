"""What can be done with a post that is stored."""

from __future__ import annotations

from pydantic import Field

from postbell.api import post_models
from postbell.api.asked import Asked, Flag
from postbell.api.call import Answer, Running, tag_of
from postbell.api.resource import Call, Resource
from postbell.api.routes.posts import PostId, found_post, told
from postbell.domain.access import Scope
from postbell.domain.post import Post
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.posts.wanted import Saved
from postbell.shapes.posts import attempt_json, post_json


resource = Resource("actions", "What can be done with a post that is stored.", path="/api/v1/posts")


class PublishAsked(Asked):
    """How a post is published now."""

    allow_duplicate: Flag = Field(
        False, description="Let it say what another post of an account says.", examples=[True]
    )


class RetryAsked(Asked):
    """What is tried again."""

    account: str | None = Field(None, description="Only for this account.", examples=["sky"])


class SettleAsked(Asked):
    """How an unsure delivery ended, as somebody has seen it."""

    verdict: Verdict = Field(
        description="published: it is public; failed: it is not and stays so; resend: it is not, send it."
    )
    account: str | None = Field(None, description="The account, where several deliveries are unsure.")
    url: str | None = Field(
        None,
        description="Where it is, if it was published.",
        max_length=2000,
        examples=["https://social.example/@ann/1"],
    )


def found(call: Running, post_id: str) -> Post:
    """Return the post that is asked for, as it must be by If-Match."""
    post = found_post(call.ctx, post_id)
    call.require_match(tag_of(post_json(post)))
    return post


@resource.serve(
    "POST",
    "/{id:id}/publish",
    "Publish now",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def publish(call: Call, id: PostId, asked: PublishAsked | None = None) -> Answer:  # noqa: A002
    """Publish a draft or scheduled post at once; one that waits for another try is tried at once.

    `GET /api/v1/posts/{id}?wait=30` waits until it has ended on all accounts.
    """
    allow = asked is not None and asked.allow_duplicate
    return told(actions.publish_now(call.ctx, found(call, id), allow_duplicate=allow))


@resource.serve(
    "POST",
    "/{id:id}/cancel",
    "Cancel",
    needs=Scope.WRITE,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def cancel(call: Call, id: PostId) -> Answer:  # noqa: A002
    """Cancel what is not yet published of a post; the post itself is kept."""
    with call.unit.write():
        return told(Saved(post=actions.cancel(call.ctx, found(call, id))))


@resource.serve(
    "POST",
    "/{id:id}/retry",
    "Try again",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def retry(call: Call, id: PostId, asked: RetryAsked | None = None) -> Answer:  # noqa: A002
    """Try again, now, what failed or was missed."""
    account = asked.account if asked else None
    with call.unit.write():
        return told(Saved(post=actions.retry(call.ctx, found(call, id), account)))


@resource.serve(
    "POST",
    "/{id:id}/settle",
    "Settle what is unsure",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def settle(call: Call, id: PostId, asked: SettleAsked) -> Answer:  # noqa: A002
    """Say how an unsure delivery ended, after a look at the network."""
    with call.unit.write():
        post = found(call, id)
        done = actions.settle(call.ctx, post, asked.verdict, account=asked.account, url=asked.url)
        return told(Saved(post=done))


@resource.get("/{id:id}/attempts", "List the tries of a post", returns=post_models.Attempts, refuses=(404,))
def attempts(call: Call, id: PostId) -> Answer:  # noqa: A002
    """List every try to publish a post, and to settle or remove it, the oldest first."""
    tried = actions.log_of(call.ctx, found_post(call.ctx, id))
    return Answer(body={"attempts": [attempt_json(delivery, attempt) for delivery, attempt in tried]})
