"""What the daemon does about first comments."""

from __future__ import annotations

import asyncio
from pathlib import Path

from postbell.daemon import Daemon
from postbell.domain.comment import CommentState
from postbell.domain.content import Comment
from postbell.sd_notify import Notifier
from postbell.services.sending.commenting import comments_of
from postbell.settings import Surroundings
from postbell.store import comments
from support.stage import until
from support.world import World, add_post, build_world, post_of


def _run_until(world: World, count: int) -> None:
    """Run a daemon until so much is public."""

    async def run() -> None:
        daemon = Daemon(world.app, Surroundings(), Notifier(None))
        running = asyncio.create_task(daemon.run())
        await until(lambda: len(world.fake.posts) >= count)
        daemon._stop.set()
        await running

    asyncio.run(run())


def test_a_first_comment_follows_its_post_at_once(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_post(world.store, comment=Comment(text="And by the way"))
        _run_until(world, 2)
        assert [post.content.text for post in world.fake.posts] == ["hello", "And by the way"]


def test_what_a_dead_daemon_has_left_under_way_is_in_doubt(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        post = add_post(world.store, comment=Comment(text="And by the way"))
        _run_until(world, 2)
        with world.store.write() as tx:
            tx.exec_driver_sql("UPDATE comment SET state = 'sending'")
        add_post(world.store, text="Another")
        _run_until(world, 3)
        (found,) = comments_of(world.ctx, post_of(world.store, post.id))
        assert found.state is CommentState.UNSURE
        assert found.try_at == world.clock.now() + comments.STILL_AT_WORK
