"""Pages that persons are asked to open, remembered until they have answered: in memory, not on the disk."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postbell.api.call import Running
from postbell.errors import Conflict, NotFound
from postbell.services.accounts.consenting import Brought, OpenPage


#: So long a person may take.
PATIENCE = timedelta(minutes=15)
#: No more are open at once of one caller: the oldest of them gives way.
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A page that was asked for, and what came of it."""

    id: str
    #: Who has asked for it, and the account that it is for.
    caller: str
    network: str
    name: str
    #: The server that it was asked of; None is that of the network.
    server: str | None
    page: OpenPage
    #: When it is forgotten (aware UTC).
    ends_at: datetime
    #: None until it was answered.
    brought: Brought | None = None


class Consents:
    """Those that are open. Used by several threads."""

    def __init__(self) -> None:
        self._known: dict[str, Consent] = {}
        self._lock = threading.Lock()

    def keep(self, call: Running, *, network: str, name: str, server: str | None, page: OpenPage) -> Consent:
        """Remember a page, and return it with its new id."""
        now = call.ctx.now()
        made = Consent(
            id=secrets.token_urlsafe(16),
            caller=call.caller.id,
            network=network,
            name=name,
            server=server,
            page=page,
            ends_at=now + PATIENCE,
        )
        with self._lock:
            self._known = {key: each for key, each in self._known.items() if each.ends_at > now}
            theirs = [key for key, each in self._known.items() if each.caller == made.caller]
            for key in theirs[: 1 - _MOST]:
                del self._known[key]
            self._known[made.id] = made
        return made

    def get(self, call: Running, consent_id: str) -> Consent:
        """Return one that the caller has asked for; raises NotFound."""
        with self._lock:
            found = self._known.get(consent_id)
        if found is None or found.ends_at <= call.ctx.now() or found.caller != call.caller.id:
            raise NotFound("This consent is not waited for any more, or never was. Ask for another one.")
        return found

    def answer(self, found: Consent, brought: Brought) -> None:
        """Remember what a person has given."""
        with self._lock:
            self._known[found.id] = replace(found, brought=brought)

    def brought(
        self, call: Running, consent_id: str, *, network: str, name: str, server: str | None
    ) -> Brought:
        """Return what was given for just this account; raises NotFound, or Conflict where nothing was yet."""
        found = self.get(call, consent_id)
        if (found.network, found.name, _plain(found.server)) != (network, name, _plain(server)):
            place = f"{found.name} on {found.network}{f' at {found.server}' if found.server else ''}"
            raise Conflict(f"This consent was given for {place}, and for nothing else.")
        if found.brought is None:
            raise Conflict(f"Nobody has consented yet that {name} is connected.")
        return found.brought

    def forget(self, consent_id: str) -> None:
        """Forget what has been used."""
        with self._lock:
            self._known.pop(consent_id, None)


def _plain(server: str | None) -> str:
    return (server or "").rstrip("/")


def consents_of(call: Running) -> Consents:
    """Return those of the daemon that is asked."""
    found: Consents = call.request.app.state.consents
    return found
