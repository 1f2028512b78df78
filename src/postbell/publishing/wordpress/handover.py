"""Application passwords that a WordPress site hands over through the browser.

Its page wp-admin/authorize-application.php (wp-admin/includes/user.php says what that takes) makes one for
whoever is logged in, and sends the browser on with it. To a program on one's own machine it does so since
WordPress 7.0 (core.trac.wordpress.org/ticket/57809); it refused that before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from postbell.errors import Rejected
from postbell.publishing.protocol import Target
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.wordpress.site import Site


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: What tells the passwords of this program from those of others, for whoever administers the site.
APP = {"app_name": "Postbell", "app_id": "6f0c1f0e-3a1c-4b8e-9d57-0f6f2b7c9a41"}


class BrowserHandover:
    """The application password of the person who is logged in to a site."""

    gives = "application_password"
    otherwise = (
        "A WordPress before 7.0 refuses that page (it wants a secure connection). Then open this one, and\n"
        "paste the password here that it shows:"
    )

    async def page(self, target: Target, http: Http) -> str:
        """Return the page that the site names for it."""
        site = Site(target, http)
        found: Any = (await site.index("authentication")).get("authentication")
        for name in ("application-passwords", "endpoints", "authorization"):
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, str) or not keeps_secrets(found):
            raise Rejected(
                f"{site.place} has application passwords switched off: it has no https, or its host or a "
                "plugin does not want them; ask the host"
            )
        return f"{found}{'&' if '?' in found else '?'}{urlencode(APP)}"

    def coming_back(self, page: str, address: str) -> str:
        """Return the page that sends the browser to an address."""
        return f"{page}&{urlencode({'success_url': address})}"

    def read(self, brought: Mapping[str, str]) -> dict[str, str]:
        """Return login name and password."""
        if not (brought.get("user_login") and brought.get("password")):
            raise Rejected("the site gave no password: somebody said no there; begin again")
        return {"username": brought["user_login"], "application_password": brought["password"]}
