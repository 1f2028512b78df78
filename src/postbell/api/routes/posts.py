"""Posts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import Field

from postbell.api import post_models
from postbell.api.asked import Asked, PostAsked, PostsAsked, wanted_of
from postbell.api.call import Answer, Running, tag_of
from postbell.api.changes import PostChanged, changes_of
from postbell.api.cursors import cursor_of, read_cursor
from postbell.api.moments import read_instant
from postbell.api.problems import invalid, refusal_of
from postbell.api.resource import ID, Call, Resource, found_at, page_link
from postbell.domain.access import Scope
from postbell.domain.post import Post
from postbell.domain.states import Outcome, PostState
from postbell.domain.when import clock_notes
from postbell.errors import Invalid, NotFound, Problem
from postbell.services.accounts.accounts import get_account
from postbell.services.context import Context
from postbell.services.posts.actions import delete, unschedule
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.rest import change_post
from postbell.services.posts.wanted import Saved
from postbell.shapes.base import problems_json
from postbell.shapes.posts import post_json, preview_json, saved_json
from postbell.store import posts as store
from postbell.store.posts import Filter


resource = Resource("posts", "Posts: what is published, for whom and when.")

PostId = Annotated[str, Path(description="The id of the post.", pattern=f"^{ID}$", examples=["k7f2m9qx"])]


#: Seconds between two looks whether a post has ended.
_LOOK_SECONDS = 0.2


class ListAsked(Asked):
    """Which posts to list; everything given must be true of a post."""

    state: PostState | None = Field(None, description="Only those in this state.")
    outcome: Outcome | None = Field(None, description="Only those that ended like this.")
    account: str | None = Field(None, description="Only those for this account.")
    label: str | None = Field(None, description="Only those with this label.")
    external_id: str | None = Field(None, description="Only those that their caller calls so.")
    since: str | None = Field(None, description="Only those with a time from this on: RFC 3339.")
    until: str | None = Field(None, description="Only those with a time before this: RFC 3339.")
    limit: int = Field(50, description="The most.", ge=1, le=200)
    cursor: str | None = Field(None, description="Where to go on: `next` of the part before.")


@resource.get("", "List posts", returns=post_models.PostPage, refuses=(404,), sends=("Link",))
def list_(call: Call, asked: Annotated[ListAsked, Query()]) -> Answer:
    """List posts, those without a time first, then from the latest time to the earliest."""
    if asked.account:
        get_account(call.ctx, asked.account)
    wanted = Filter(
        state=asked.state,
        outcome=asked.outcome,
        account=asked.account,
        label=asked.label,
        external_id=asked.external_id,
        since=read_instant(call.ctx, asked.since, where="since") if asked.since else None,
        until=read_instant(call.ctx, asked.until, where="until") if asked.until else None,
        limit=asked.limit + 1,
        beyond=read_cursor(asked.cursor) if asked.cursor else None,
    )
    with call.ctx.store.read() as tx:
        found = store.list_posts(tx, wanted, call.ctx.media.path_of)[::-1]
    shown, more = found[: asked.limit], len(found) > asked.limit
    cursor = cursor_of(shown[-1].at, shown[-1].id) if more else None
    body = {"posts": [post_json(post) for post in shown], "next": cursor}
    return Answer(body=body, headers=page_link(call.request, cursor=cursor))


async def ended(
    request: Request,
    id: PostId,  # noqa: A002
    wait: Annotated[float, Query(description="Wait so many seconds until it has ended.", ge=0, le=60)] = 0,
) -> None:
    """Wait until trying to publish a post has ended, for a time at most; nobody waits for a draft."""
    ctx = request.app.state.postbell().ctx
    until = asyncio.get_running_loop().time() + wait
    while asyncio.get_running_loop().time() < until and not await request.is_disconnected():
        post = await asyncio.to_thread(found_post, ctx, id)
        if post.outcome or post.state is PostState.DRAFT:
            return
        await asyncio.sleep(_LOOK_SECONDS)


@resource.get(
    "/{id:id}",
    "Read a post",
    returns=post_models.Post,
    refuses=(404,),
    dependencies=[Depends(ended)],
    unchanged=True,
)
def read(call: Call, id: PostId) -> Answer:  # noqa: A002 - the name in the path
    """Read a post with everything that belongs to it; if wanted, once it has ended on all accounts."""
    shown = post_json(found_post(call.ctx, id))
    return Answer(body=shown, tag=tag_of(shown))


@resource.serve(
    "POST",
    "",
    "Write a post",
    needs=Scope.WRITE,
    returns=post_models.SavedPost,
    status=201,
    refuses=(404,),
    sends=("ETag", "Location"),
)
def create(call: Call, asked: PostAsked) -> Answer:
    """Store a new post; with a time it is scheduled, without one it is a draft.

    A time, `times`, `publish_now`, `queue` and `auto` also need the scope publish. Videos are made to fit
    after that, before the post is published; what they become is foretold, and checked.
    """
    saved, notes = _create(call, asked)
    return told(saved, status=201, notes=notes)


@resource.serve(
    "POST",
    "/batch",
    "Write many posts",
    needs=Scope.WRITE,
    returns=post_models.SavedPosts,
    status=201,
    refuses=(404,),
)
def create_many(call: Call, asked: PostsAsked) -> Answer:
    """Store up to 100 posts: all of them, or none and every problem of all of them."""
    saved: list[tuple[Saved, list[str]]] = []
    problems: list[dict[str, Any]] = []
    with call.unit.write():
        for number, each in enumerate(asked.posts):
            try:
                saved.append(_create(call, each))
            except Invalid as error:
                problems += refusal_of(error, within=f"/posts/{number}").problems
        if problems:
            raise invalid(problems)
    return Answer(body={"posts": [saved_json(each, notes) for each, notes in saved]})


@resource.serve("POST", "/validate", "Validate a post", needs=Scope.READ, returns=post_models.Judged)
def validate(call: Call, asked: PostAsked) -> Answer:
    """Look whether a post would be stored as it is, with every problem at once; nothing is stored."""
    try:
        with call.unit.write():
            saved, notes = _stored(call, asked)
            raise _Undone  # noqa: TRY301 - what was stored to be judged is taken back
    except _Undone:
        call.rings = False
        told_too = [Problem(where="--at", message=note) for note in notes]
        warnings = problems_json([*told_too, *saved.warnings])
        return Answer(body=_judged(warnings=warnings, moved=saved.moved))
    except Invalid as error:
        return Answer(body=_judged(refusal_of(error).problems))


@resource.serve("POST", "/preview", "Preview a post", needs=Scope.READ, returns=post_models.Previews)
def preview(call: Call, asked: PostAsked) -> Answer:
    """Return the exact requests that the network of each account would be sent; nothing is sent or stored."""
    found = preview_post(call.ctx, wanted_of(call.ctx, asked))
    return Answer(body={"previews": [preview_json(each) for each in found]})


@resource.serve(
    "PATCH",
    "/{id:id}",
    "Change a post",
    needs=Scope.WRITE,
    returns=post_models.SavedPost,
    refuses=(404, 412),
    sends=("ETag",),
)
def change(call: Call, id: PostId, asked: PostChanged) -> Answer:  # noqa: A002
    """Change a draft or a scheduled post. A time schedules a draft; without one every account keeps its time.

    While some accounts have it already, `times` and `overrides` for single accounts change what is to come.

    To give a time, or to change what is scheduled, also needs the scope publish.
    """
    post = found_post(call.ctx, id)
    call.require_match(tag_of(post_json(post)))
    is_draft = post.state is PostState.DRAFT or asked.draft
    if asked.moves or not is_draft:
        call.require(Scope.PUBLISH)
    with call.unit.write() if asked.draft else nullcontext():
        if asked.draft and post.state is not PostState.DRAFT:
            post = unschedule(call.ctx, post)
        if not asked.others:
            return told(Saved(post=post))
        changes = changes_of(call.ctx, asked, post)
        saved = change_post(call.ctx, post, changes)
        return told(saved, notes=clock_notes(changes.when, changes.times))


@resource.serve("DELETE", "/{id:id}", "Delete a post", needs=Scope.WRITE, status=204, refuses=(404, 412))
def remove(call: Call, id: PostId) -> Answer:  # noqa: A002
    """Remove a draft, scheduled or cancelled post for good; what was or is being published is kept."""
    with call.unit.write():
        post = found_post(call.ctx, id)
        call.require_match(tag_of(post_json(post)))
        delete(call.ctx, post)
    return Answer()


class _Undone(Exception):
    """What was done only to see whether it can be done is taken back."""


def _judged(
    problems: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[Mapping[str, Any]] = (),
    moved: Sequence[str] = (),
) -> dict[str, Any]:
    told = {"problems": list(problems), "warnings": list(warnings), "moved": list(moved)}
    return {"valid": not problems, **told}


def found_post(ctx: Context, post_id: str) -> Post:
    """Return the post with just this id; raises NotFound."""
    post = load_post(ctx, post_id)
    if post.id != post_id:
        raise NotFound(f"There is no post {post_id!r}.")
    return post


def told(saved: Saved, *, status: int | None = None, notes: Iterable[str] = ()) -> Answer:
    """Return the answer that tells of a post that was stored, with what is worth knowing of its times."""
    headers, tag = found_at("posts", saved.post.id) if status == 201 else {}, tag_of(post_json(saved.post))
    return Answer(body=saved_json(saved, notes), status=status, headers=headers, tag=tag)


def _create(call: Running, asked: PostAsked) -> tuple[Saved, list[str]]:
    """Store a post; return it with what is worth knowing of its times."""
    if asked.is_timed:
        call.require(Scope.PUBLISH)
    return _stored(call, asked)


def _stored(call: Running, asked: PostAsked) -> tuple[Saved, list[str]]:
    wanted = wanted_of(call.ctx, asked)
    return add_post(call.ctx, wanted), clock_notes(wanted.when, wanted.times)
