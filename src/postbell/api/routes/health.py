"""Whether Postbell can do its work, and the description of this API."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from postbell.api import models
from postbell.api.call import Answer
from postbell.api.problems import Refusal
from postbell.api.resource import Call, Resource
from postbell.errors import PostbellError
from postbell.services.telling.pinging import BOUND
from postbell.shapes.base import stamp
from postbell.store import schema, summary


resource = Resource("health", "Whether Postbell can do its work.", path="")


@resource.get("/readyz", "Whether posts can be taken and published", returns=models.Ready)
def ready(call: Call) -> Answer:
    """Look whether the database can be written and is current, and whether nothing is overdue for long.

    Answers 503 with what is wrong. `/livez`, which needs no key, says only that the process answers.
    """
    wrong = []
    try:
        with call.ctx.store.write():  # whether somebody keeps the lock shows only here
            pass
        schema.require_current(call.ctx.store)
    except PostbellError as error:
        wrong.append(str(error))
    else:
        now = call.ctx.now()
        with call.ctx.store.read() as tx:
            late = summary.overdue(tx, now - BOUND, now=now)
        if late.oldest:
            wrong.append(f"Overdue: {late.count}, the oldest since {stamp(late.oldest)}.")
    if wrong:
        raise Refusal(status=503, code="not_ready", detail=" ".join(wrong), headers=(("Retry-After", "5"),))
    return Answer(body={"ready": True})


@resource.get("/api/v1/openapi.json", "The description of this API", include_in_schema=False)
def contract(call: Call) -> Answer:
    """Return the OpenAPI document."""
    told = to_json(call.request.app.state.contract)  # of messages it only says that there are some
    return Answer(whole=Response(told, media_type="application/json"))
