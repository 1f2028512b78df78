"""Posts that are public, to be changed there."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel

from postbell.domain.content import Content
from postbell.domain.post import Delivery, Post
from postbell.services.posts.wanted import Changes
from postbell.services.sending.edits import Edits
from postbell.testing import FakeNetwork, FakeOptions
from support.stage import Stage, live, ring
from support.world import World, add_post, delivery_of, post_of, tries_of


NEW = Changes(text="good evening")


class Fixed(FakeNetwork):
    """Changes nothing."""

    key: ClassVar[str] = "fixed"
    label: ClassVar[str] = "Fixed"
    edit: ClassVar[Any] = None


class LastingOptions(FakeOptions):
    """What a post can be told."""

    lasting = frozenset({"mood"})


class Lasting(FakeNetwork):
    """Has an option that lasts."""

    key: ClassVar[str] = "lasting"

    Options: ClassVar[type[BaseModel]] = LastingOptions


class Short(FakeNetwork):
    """Lets what is longer than a hundred characters go on in another message."""

    key: ClassVar[str] = "short"

    def messages(self, content: Content, options: Any) -> int:
        """Count the messages of a part."""
        return 1 + (len(content.text) - 1) // 100


def published(world: World, *to: str, network: str = "fake", **more: Any) -> Post:
    post = add_post(world.store, to=to or ("ann",), network=network, **more)
    ring(world)
    return post_of(world.store, post.id)


def edit(world: World) -> int:
    async def script(stage: Stage) -> int:
        return await Edits(world.ctx, stage.dispatcher.thread).do_due()

    return live(world, script)


def first(world: World, post: Post) -> Delivery:
    return delivery_of(world.store, post.deliveries[0].id)


def texts(network: FakeNetwork) -> list[str]:
    return [post.content.text for post in network.posts]


def edits_of(world: World, post: Post) -> list[str | None]:
    """Return how each try to change it ended."""
    return [tried.result for tried in tries_of(world.store, post.deliveries[0].id) if tried.kind == "edit"]
