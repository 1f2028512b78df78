"""Notices: what the user is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from postbell.api import plan_models
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.domain.access import Scope
from postbell.services.telling.message import notice_json
from postbell.services.telling.notifying import list_notices, send_trial
from postbell.services.telling.ways import find_ways


resource = Resource("notices", "Notices: what the user was told, and is to be told.")


@resource.get("", "List notices", returns=plan_models.Notices)
def list_(
    call: Call, limit: Annotated[int, Query(description="At most so many.", ge=1, le=1000)] = 20
) -> Answer:
    """List what the user was told, and is to be told, the newest first."""
    return Answer(body={"notices": [notice_json(each) for each in list_notices(call.ctx, limit)]})


@resource.serve("POST", "/test", "Send a test", needs=Scope.ADMIN, returns=plan_models.Trials)
def test(call: Call) -> Answer:
    """Send a test by every way that is configured, and say of each whether it took that.

    Answers 409 where no way is configured.
    """
    errors = send_trial(call.ctx, call.app.places, find_ways(call.app.settings.notify))
    ways = [{"way": way, "told": error is None, "error": error} for way, error in errors.items()]
    return Answer(body={"ways": ways})
