"""The doctor says why the HTTP API is not opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key
from postbell.services.upkeep.check import Check, Level
from postbell.services.upkeep.doctor import doctor
from support.world import World, build_world


def about_api(world: World) -> list[Check]:
    checks = doctor(world.app.places, now=world.ctx.now())
    return [check for check in checks if check.name == "api"]


@pytest.mark.parametrize(("listen", "is_open"), [("0.0.0.0:2355", False), ("[::1]:2355", True), ("", True)])
def test_an_api_for_other_machines_wants_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listen: str, *, is_open: bool
) -> None:
    monkeypatch.setenv("POSTBELL_API__LISTEN", listen)
    with build_world(tmp_path) as world:
        found = about_api(world)
        add_key(world.ctx, name="laptop", scopes=[Scope.READ])
        assert about_api(world) == []
    assert (found == []) is is_open
    for check in found:
        assert check.level is Level.FAIL
        assert "not opened at http://0.0.0.0:2355" in check.message
        assert "a reverse proxy with TLS in front" in str(check.mend)
