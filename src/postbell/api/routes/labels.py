"""Labels."""

from __future__ import annotations

from dataclasses import asdict

from postbell.api import plan_models
from postbell.api.call import Answer
from postbell.api.resource import Call, Resource
from postbell.store.labels import list_labels


resource = Resource("labels", "Labels: what posts and series are filed under.")


@resource.get("", "List labels", returns=plan_models.Labels)
def list_(call: Call) -> Answer:
    """List every label, with how much has it. `GET /api/v1/posts?label=` lists the posts of one."""
    with call.ctx.store.read() as tx:
        found = list_labels(tx, call.ctx.now())
    return Answer(body={"labels": [asdict(each) for each in found]})
