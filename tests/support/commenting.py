"""First comments in a world: posts that have them, and how they do."""

from __future__ import annotations

from datetime import timedelta

from postbell.domain.comment import FirstComment
from postbell.domain.content import Comment
from postbell.domain.post import Post
from postbell.services.sending.commenting import Comments, comments_of
from postbell.testing import FakeNetwork, Mode
from support.stage import Stage, live, ring
from support.world import World, add_post, delivery_of, post_of


def published(world: World, *modes: Mode, network: str = "fake", after: float = 0) -> Post:
    """Publish a post with a first comment; `modes` are for what comes then."""
    said = Comment(text="And by the way", after=timedelta(seconds=after))
    post = add_post(world.store, network=network, comment=said)
    ring(world)
    network_of(world, network).modes = list(modes)
    return post


def network_of(world: World, key: str = "fake") -> FakeNetwork:
    """Return a network of a world."""
    found = world.ctx.network(key)
    assert isinstance(found, FakeNetwork)
    return found


def speak(world: World, times: int = 1, *, after: float = 0) -> None:
    """Publish the first comments that are due so often in one life, `after` seconds apart."""

    async def script(stage: Stage) -> None:
        for _ in range(times):
            await Comments(world.ctx, stage.dispatcher.thread).publish_due()
            world.clock.advance(after)

    live(world, script)


def only(world: World, post: Post) -> FirstComment:
    """Return how the one first comment on a post does."""
    (found,) = comments_of(world.ctx, post_of(world.store, post.id))
    return found


def warnings(world: World, post: Post) -> tuple[str, ...]:
    """Return what the user is told of a post."""
    return delivery_of(world.store, post.deliveries[0].id).warnings


def texts(world: World, key: str = "fake") -> list[str]:
    """Return what is public at a network, in its order."""
    return [post.content.text for post in network_of(world, key).posts]
