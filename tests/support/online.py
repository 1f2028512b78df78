"""A network's code at a server of its own, without a daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postbell.clock import SystemClock
from postbell.publishing.protocol import (
    Absent,
    Outgoing,
    Profile,
    Progress,
    Receipt,
    Target,
    Unknown,
    counter_of,
    editor_of,
)
from postbell.publishing.web.http import Clients, Http
from support import farside
from support.farside import Subject
from support.keeping import WithoutTokens


@dataclass(kw_only=True)
class Online(WithoutTokens):
    """The network's code on behalf of one account, over one event loop."""

    subject: Subject
    server: str
    runner: asyncio.Runner
    clients: Clients
    session: dict[str, Any] = field(default_factory=dict)

    def credentials(self) -> Mapping[str, Any]:
        """Return what the account is known by, now."""
        raise NotImplementedError

    def target(self) -> Target:
        """Return the account as the network needs it."""
        credentials = self.subject.network.Credentials.model_validate(self.credentials())
        return Target(name="mine", server=self.server, credentials=credentials)

    def outgoing(self, text: str = "Good morning", **more: Any) -> Outgoing:
        """Return a delivery of the account, first tried now."""
        now = SystemClock().now()
        begun_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return replace(self.subject.outgoing(text, **more), target=self.target(), begun_at=begun_at)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Publish it, in all its steps."""
        return self.runner.run(farside.publish(self.subject.network, outgoing, self.http()))

    def go_on(
        self, outgoing: Outgoing, stored: list[Progress], *, until: int | None = None
    ) -> Receipt | None:
        """Take the steps behind the last one that is stored, and store each; stop when so many are."""
        while until is None or len(stored) < until:
            step = self.subject.network.publish(outgoing, stored[-1] if stored else None, self.http())
            if isinstance(result := self.runner.run(step), Receipt):
                return result
            stored.append(result)
        return None

    def find(
        self, outgoing: Outgoing, progress: Progress | None = None
    ) -> Receipt | Progress | Absent | Unknown:
        """Look it up."""
        return self.runner.run(self.subject.network.find(outgoing, progress, self.http()))

    def edit(self, outgoing: Outgoing, name: str) -> Receipt:
        """Change it to what `outgoing` says."""
        edit = editor_of(self.subject.network)
        assert edit, "it changes nothing"
        return self.runner.run(edit(outgoing, name, self.http()))

    def delete(self, outgoing: Outgoing, name: str) -> None:
        """Take it away."""
        self.runner.run(self.subject.network.delete(outgoing, name, self.http()))

    def metrics(self, name: str) -> Mapping[str, int] | Absent:
        """Ask how people respond to it."""
        count = counter_of(self.subject.network)
        assert count, "it does not tell"
        return self.runner.run(count(self.target(), name, self.http()))

    def verify(self) -> Profile:
        """Ask who the account is."""
        return self.runner.run(self.subject.network.verify(self.target(), self.http()))

    def http(self) -> Http:
        """Return the way to the server; what it stores for the account is kept here."""
        return Http(self.clients, SystemClock(), session=self.session, keeper=self)

    async def load(self) -> dict[str, Any]:
        """Return what is stored for the account."""
        return self.session

    async def save(self, session: dict[str, Any]) -> None:
        """Store it."""
        self.session = session
