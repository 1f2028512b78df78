"""How a site hands a password over that it has made for Postbell, once a person has said yes in a browser.

A network declares it by an attribute `handover`. Unlike with OAuth nothing is exchanged afterwards: the
browser brings the credentials themselves, or the person types what the page shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network, Target
    from postbell.publishing.web.http import Http


class Handover(Protocol):
    """How the accounts of one network are connected so."""

    #: The secret among the credentials that comes of it, and that can be typed as well.
    gives: str
    #: Words for people whose site does not send browsers back; they end before the address of its page.
    otherwise: str

    async def page(self, target: Target, http: Http) -> str:
        """Return the page at which a person says yes; the credentials are empty. Raises a PublishError."""
        ...

    def coming_back(self, page: str, address: str) -> str:
        """Return the page that then sends the browser to an address, with what it has brought added to it."""
        ...

    def read(self, brought: Mapping[str, str]) -> dict[str, str]:
        """Return the credentials that a browser has brought. Raises Rejected where the person said no."""
        ...


def handover_of(network: Network) -> Handover | None:
    """Return how accounts of a network are connected so; None where they are not."""
    found: Handover | None = getattr(network, "handover", None)
    return found
