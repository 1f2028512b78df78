"""What can be done with what is public."""

from __future__ import annotations

from pydantic import Field

from postbell.api import post_models, published_models
from postbell.api.asked import Asked
from postbell.api.call import Answer
from postbell.api.changes import PublishedChanged, said_of
from postbell.api.resource import Call, Resource
from postbell.api.routes.post_actions import found
from postbell.api.routes.posts import PostId, found_post, told
from postbell.domain.access import Scope
from postbell.errors import Noting
from postbell.services.posts import actions
from postbell.services.posts.wanted import Saved
from postbell.services.sending.editing import edit_published, plan_edit, revisions_of
from postbell.shapes.edits import edit_json
from postbell.shapes.posts import revision_json


resource = Resource("published", "What can be done with what is public.", path="/api/v1/posts")


class UnpublishAsked(Asked):
    """From where a post is taken away."""

    account: str | None = Field(
        None, description="Only from this account; left out: from everywhere.", examples=["sky"]
    )


@resource.serve(
    "POST",
    "/{id:id}/edit",
    "Edit what is public",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def edit(call: Call, id: PostId, asked: PublishedChanged) -> Answer:  # noqa: A002 - the name in the path
    """Change what a published post says, here at once, and where it is public by the daemon.

    Text, title, link, alt texts and options can be changed, where the networks can; with nothing new, what is
    public is changed to what the post says once more. `edit_at` of a delivery is set as long as that is to be
    done, `edited_at` once it was.
    """
    changes = said_of(call.ctx, asked, Noting())
    return told(edit_published(call.ctx, found(call, id), changes, asked.accounts))


@resource.serve(
    "POST",
    "/{id:id}/edit/preview",
    "Preview an edit of what is public",
    needs=Scope.READ,
    returns=published_models.EditPreview,
    refuses=(404, 412),
)
def preview_edit(call: Call, id: PostId, asked: PublishedChanged) -> Answer:  # noqa: A002
    """Return what `edit` would change, and refuse what it would refuse; nothing is stored or sent."""
    changes = said_of(call.ctx, asked, Noting())
    return Answer(body=edit_json(plan_edit(call.ctx, found(call, id), changes, asked.accounts)))


@resource.serve(
    "POST",
    "/{id:id}/unpublish",
    "Take away what is public",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def unpublish(call: Call, id: PostId, asked: UnpublishAsked | None = None) -> Answer:  # noqa: A002
    """Have what is public of a post taken away by the daemon; the post itself is kept.

    `delete_at` of a delivery is set as long as that is to be done, `deleted_at` once it was.
    """
    account = asked.account if asked else None
    with call.unit.write():
        return told(Saved(post=actions.unpublish(call.ctx, found(call, id), account)))


@resource.get(
    "/{id:id}/revisions", "List what a post has said", returns=published_models.Revisions, refuses=(404,)
)
def revisions(call: Call, id: PostId) -> Answer:  # noqa: A002
    """List what a published post said before it was changed, the oldest first."""
    before = revisions_of(call.ctx, found_post(call.ctx, id))
    return Answer(body={"revisions": [revision_json(each) for each in before]})
