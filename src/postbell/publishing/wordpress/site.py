"""The REST interface of a WordPress site (wp/v2): how it is found and asked, and what its refusals mean.

Facts from developer.wordpress.org/rest-api and from the answers of WordPress 6.1 and 7.1.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Target
from postbell.publishing.web.addresses import keeps_secrets
from postbell.publishing.web.answer import Answer, Refused, lost
from postbell.publishing.web.rates import asked_time


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


class _NotThere(Unavailable):
    """No REST interface answers at this address."""


#: What a page says that does not come from WordPress but from something in front of it.
_PAGES: Mapping[int, tuple[type[PublishError], str]] = {
    300: (_NotThere, "it sends requests on to <location>; connect the account with that address."),
    403: (Unavailable, "a firewall in front of WordPress refuses Postbell; allow it there, or ask the host."),
    404: (_NotThere, "the REST interface of WordPress is not there."),
    413: (Rejected, "the file is too large for the web server there."),
    503: (Unavailable, "it is overloaded, or in maintenance."),
    0: (Unavailable, "the answer is none of WordPress."),
}


class Site:
    """The REST interface of one site, asked on behalf of one account."""

    def __init__(self, target: Target, http: Http) -> None:
        self._target, self._http = target, http
        who = target.credentials
        # While the site is asked for a password there is nobody yet.
        self._auth = (who.username, who.application_password.get_secret_value()) if who.username else None
        self.place = urlsplit(str(target.server)).netloc.rpartition("@")[2]

    async def ask(self, method: str, path: str, **how: Any) -> Answer:
        """Send a request to a path, with its query, below wp/v2."""
        root = self._http.session.get("root") or await self.find_root()
        address = address_of(root, f"wp/v2/{path}")
        return await self._http.request(method, address, auth=self._auth, judge=self._judge, **how)

    async def find(self, kind: str, key: str, **query: Any) -> dict[str, Any] | None:
        """Return what a query finds, but only with our key in it: something in between may drop the query."""
        found = things(await self.ask("GET", f"{kind}?{urlencode(query)}"), least=0)
        ours = (it for it in found if key in str(it) and query.get("slug") in (None, it.get("slug")))
        return next(ours, None)

    async def change(self, path: str, fields: Mapping[str, Any], **how: Any) -> dict[str, Any]:
        """Make or change one thing and return what it is now."""
        return things(await self.ask("POST", path, json=fields, **how))[0]

    async def index(self, field: str) -> dict[str, Any]:
        """Return a field of what the interface says of itself, in a mapping, which is empty without it."""
        address = address_of(await self.find_root(), f"?_fields={field}")
        answer = await self._http.request("GET", address, auth=self._auth, judge=self._judge)
        return answer.error_json()

    async def find_root(self) -> str:
        """Return the address of the interface, and remember it."""
        if not keeps_secrets(str(self._target.server)):
            raise Unauthorized(f"{self.place} needs an address with https: a password is not sent in clear.")
        why = "it answers with something else."
        for root in roots(self._target):
            address = address_of(root, "?_fields=namespaces")
            try:
                answer = await self._http.request("GET", address, auth=self._auth, judge=self._judge)
            except _NotThere as error:
                why = str(error)
                continue
            if "wp/v2" in str(answer.error_json().get("namespaces")):
                await self._http.save_session({**self._http.session, "root": root})
                return root
        message = f"No WordPress was found at {self._target.server}: {why} Give the address of its home page."
        raise Unavailable(message)

    def _judge(self, answer: Answer) -> PublishError | None:
        """Read an error of WordPress ({code, message, data}), or a page of something in front of it."""
        said, status = answer.error_json(), answer.status
        code = said.get("code")
        if status in (408, 425, 429):
            return None
        # A dead password does not fail a look-up: it runs logged out, and is refused `status=any` with 400.
        if status == 401 or "rest_forbidden_status" in answer.text:
            return Unauthorized(
                f"{self.place} does not accept the application password of this user ({code or status}). "
                "Make a new one; if it is right, the web server there drops the Authorization header."
            )
        if not isinstance(code, str):
            kind, why = _PAGES.get(300 if 300 <= status < 400 else status, _PAGES[0])
            why = why.replace("<location>", answer.headers.get("location", "another address"))
            message = f"{self.place} answered {status}: {why}"
            if status == 503 and (until := asked_time(answer.headers, now=self._http.now())):
                return RateLimited(message, until=until)
            return lost(message, answer.publishes) if status in (500, 502, 504) else kind(message)
        message = f"{self.place}: {html.unescape(re.sub('<[^>]*>', '', str(said.get('message'))))} ({code})"
        # A file of a type that is not allowed there, or no trash, is a 5xx and stays one.
        final = status < 500 or code in ("rest_upload_sideload_error", "rest_trash_not_supported")
        return Refused(message, code=code, data=said.get("data")) if final else None


def things(answer: Answer, *, least: int = 1) -> list[dict[str, Any]]:
    """Return what WordPress answered with: one thing, or a list of them."""
    value = answer.json()
    found = value if isinstance(value, list) else [value]
    if len(found) >= least and all(isinstance(it, dict) and isinstance(it.get("id"), int) for it in found):
        return found
    raise lost(f"answered {answer.status} with something that WordPress does not say", answer.publishes)


def roots(target: Target) -> tuple[str, str]:
    """Return where the interface can be: the second where permalinks are plain."""
    return f"{target.server}/wp-json/", f"{target.server}/?rest_route=/"


def address_of(root: str, path: str) -> str:
    """Return the address of a path, with its query, below the root of the interface."""
    # Below the second root the path is a parameter already, so its query goes on with `&`.
    return root + (path.replace("?", "&") if "?" in root else path)
