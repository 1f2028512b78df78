"""Backups of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from postbell.api import upkeep_models
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.domain.access import Scope
from postbell.services.upkeep import upkeep
from postbell.store import backup


resource = Resource("backups", "Backups: copies of the database, on the machine of Postbell.")


@resource.get("", "List backups", needs=Scope.ADMIN, returns=upkeep_models.Backups)
def list_(call: Call) -> Answer:
    """List the copies in the folder of backups, the newest first; those of a time still to come come last."""
    found = backup.list_backups(call.app.places.backups, call.ctx.now())
    return Answer(body={"backups": list(map(_shown, found))})


@resource.serve("POST", "", "Make a backup", needs=Scope.ADMIN, returns=upkeep_models.NewBackup, status=201)
def create(call: Call) -> Answer:
    """Copy the database into the folder of backups and check the copy; publishing goes on meanwhile.

    Stored media are not in it. To restore one the daemon must not run: `postbell db restore`.
    """
    kept = call.app.settings.backup
    path, rows = upkeep.back_up(
        call.app.places, None, keep=kept.keep, weeks=kept.keep_weeks, now=call.ctx.now()
    )
    return Answer(body={**_shown(path), "path": str(path), "rows": rows})


@resource.serve("POST", "/check", "Check the database", needs=Scope.ADMIN, returns=upkeep_models.Sound)
def check(call: Call) -> Answer:
    """Read the whole database and say whether it is sound."""
    path = call.app.places.database
    problems = backup.check(path)
    return Answer(body={"path": str(path), "sound": not problems, "problems": problems})


def _shown(path: Path) -> dict[str, Any]:
    return {"name": path.name, "size": path.stat().st_size}
