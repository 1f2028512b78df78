"""How things stand."""

from __future__ import annotations

from postbell.api import models
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.services.telling.ways import find_ways
from postbell.services.upkeep import health
from postbell.shapes.status import status_json


resource = Resource("status", "How things stand: what is due, what is late, what somebody must look at.")


@resource.get("", "Read the status", returns=models.Status)
def read(call: Call) -> Answer:
    """Read how things stand; `troubles` says in sentences what somebody must look at."""
    app = call.app
    ways = find_ways(app.settings.notify)
    seen = health.status(call.ctx, app.places, backup_every=app.settings.backup.every, ways=ways)
    return Answer(body=status_json(seen, app.places))
