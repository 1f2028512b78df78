"""Networks: what each needs, takes and offers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from postbell.api import account_models
from postbell.api.call import Answer, tag_of
from postbell.api.resource import Call, Resource
from postbell.publishing import registry
from postbell.publishing.protocol import Network
from postbell.shapes.networks import network_json


resource = Resource("networks", "Networks: what each needs, takes and offers.")

Key = Annotated[
    str, Path(description="The key of the network.", pattern="^[a-z0-9_]{1,40}$", examples=["mastodon"])
]


@resource.get("", "List networks", returns=account_models.Networks)
def list_(call: Call) -> Answer:
    """List every network, with its limits, and its options and credentials as JSON Schemas."""
    del call
    return Answer(body={"networks": [_shown(registry.get(key)) for key in registry.keys()]})  # noqa: SIM118


@resource.get("/{key}", "Read a network", returns=account_models.Network, refuses=(404,), unchanged=True)
def read(call: Call, key: Key) -> Answer:
    """Read one network, with how to get what it needs."""
    shown = _shown(call.ctx.network(key))
    return Answer(body=shown, tag=tag_of(shown))


def _shown(network: Network) -> dict[str, Any]:
    schemas = {
        "options_schema": network.Options.model_json_schema(),
        "credentials_schema": network.Credentials.model_json_schema(),
    }
    return {**network_json(network), **schemas}
