"""The networks that there are: every file in `postbell.networks`."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from postbell.errors import NotFound


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network


_PACKAGE = "postbell.networks"


def keys() -> list[str]:
    """Return the keys of all networks in the order of the alphabet, without loading any."""
    package = importlib.import_module(_PACKAGE)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


@functools.cache
def get(key: str) -> Network:
    """Return the network named `key`; raises NotFound with the nearest name."""
    known = keys()
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        raise NotFound(f"There is no network named {key!r}.{hint}")
    return cast("Network", importlib.import_module(f"{_PACKAGE}.{key}").network)


def can_ask(key: str, get: Callable[[str], Network] = get) -> bool:
    """Whether the network of a key, as `get` returns it, can be asked what is public."""
    from postbell.publishing.protocol import Resend

    try:
        network = get(key)
    except NotFound:  # a network of another version
        return False
    return network.finds and network.resend is not Resend.NEVER
