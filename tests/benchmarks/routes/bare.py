"""The simplest thing that can be asked: what the wall, the key and the frame around every route take."""

from __future__ import annotations

from postbell.api.call import Answer
from postbell.api.resource import Call, Resource


resource = Resource("bare", "Nothing.")


@resource.get("", "Read nothing")
def read(call: Call) -> Answer:
    """Read nothing."""
    return Answer(body={})
