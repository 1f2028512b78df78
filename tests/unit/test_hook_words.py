"""What hooks are told is worded for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from postbell.services.telling.hooks import add_hook
from postbell.store import accounts
from support.hooks import tell
from support.receiver import Receiver
from support.world import World, add_account, add_post, build_world


def test_programs_are_advised_in_words_of_the_api(tmp_path: Path) -> None:
    receiver = Receiver()
    with build_world(tmp_path, transport=receiver) as world:
        world.clock.advance(datetime.now(UTC) - world.clock.now() + timedelta(seconds=1))
        advise(world, receiver)


def advise(world: World, receiver: Receiver) -> None:
    wanted = ["account.unauthorized", "post.failed"]
    _, receiver.secrets["/a"] = add_hook(world.ctx, name="a", url="https://hooks.example/a", events=wanted)
    ann = add_account(world.store, "ann")
    refused = "it was taken back: run `postbell account reconnect ann`"
    with world.store.write() as tx:
        accounts.mark_unauthorized(tx, ann.id, refused)
    add_post(world.store, text="run `postbell retry x`")
    with world.store.write() as tx:
        tx.execute(
            text("UPDATE delivery SET state = 'processed', result = 'failed', message = :m"), {"m": refused}
        )
        tx.execute(text("UPDATE post SET state = 'processed'"))
    tell(world)
    (_, _, account), (_, _, post) = receiver.taken
    worded = "it was taken back: run `POST /api/v1/accounts/ann/reconnect`"
    assert account["data"]["message"] == worded
    assert [each["message"] for each in post["data"]["accounts"]] == [worded]
    assert post["data"]["excerpt"] == "run `postbell retry x`"
