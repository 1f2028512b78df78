"""Networks of which some accounts can be asked what is public, and others cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import update

from postbell.domain.states import DeliveryState
from postbell.services.upkeep.health import looks_up
from postbell.store.tables.core import account
from postbell.testing import FakeNetwork
from support.stage import Blind, Crash, Stage, Wary, fate, live, settle
from support.world import add_post, build_world, delivery_of


class Squinting(Blind):
    """Can be asked for those of its accounts that have glasses."""

    key: ClassVar[str] = "squinting"

    def at(self, session: Mapping[str, Any]) -> FakeNetwork:
        return Wary() if session.get("glasses") else self


@pytest.mark.parametrize("glasses", [True, False])
def test_only_the_accounts_that_can_be_asked_for_are_looked_up(
    tmp_path: Path,
    glasses: bool,  # noqa: FBT001
) -> None:
    with build_world(tmp_path, networks=[Squinting()]) as world:
        post = add_post(world.store, network="squinting")
        with pytest.raises(Crash):
            live(world, Stage.ring, crash_at="answered")
        with world.store.write() as tx:
            tx.execute(update(account).values(session={"glasses": glasses}))
        assert looks_up(world.ctx, delivery_of(world.store, post.deliveries[0].id)) is glasses
        settle(world, begin=True)
        assert fate(world, post)[0] is (DeliveryState.PROCESSED if glasses else DeliveryState.UNSURE)
