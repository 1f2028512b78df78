"""Files that a network fetches itself, by an address."""

from __future__ import annotations

from typing import Protocol

from postbell.domain.media import Media
from postbell.errors import Rejected


class Links(Protocol):
    """Makes the address by which one file of a delivery is fetched."""

    def __call__(self, item: Media) -> str:
        """Return it: good for a few hours, for this file only, and nobody can guess it."""
        ...


def public_url(links: Links | None, item: Media) -> str:
    """Return the address by which the network fetches a file of what it is given, for the next hours.

    Another one at each try. Raises Rejected where Postbell is at no public address.
    """
    if links is None:
        raise Rejected(
            "its files are fetched from a public address, and Postbell has none: "
            "set `api.public_url`, and try again"
        )
    return links(item)
