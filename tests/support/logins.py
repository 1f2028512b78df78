"""Accounts of a whole Postbell whose logins are renewed: at each stand-in, and at a real server of OAuth."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from lab.harness import LabHome
from postbell.clock import SystemClock
from postbell.services.accounts import accounts
from postbell.testing import FakeClock
from support.consenting import OAuthServer, connect, oauth_server, reconnect
from support.farside import FarSide
from support.renewing import Party, parties
from support.served import served


class There(Protocol):
    """A network that runs, and the account `ann` there."""

    @property
    def spent(self) -> bool:
        """Whether new tokens that were lost are lost for good."""
        ...

    def connect(self, lab: LabHome) -> None:
        """Connect the account by a person's consent."""

    def reconnect(self, lab: LabHome) -> None:
        """Do so once more."""

    def end(self) -> None:
        """Refuse from now on what was given out, though that can be renewed."""

    def revoke(self) -> None:
        """Take everything back."""

    def fail(self, *statuses: int) -> None:
        """Answer the next requests for new tokens so."""

    def lock(self, database: Path) -> None:
        """Let the next answer with new tokens not be stored: somebody holds the database."""

    def unlock(self) -> None:
        """Let it go."""

    def renewals(self) -> int:
        """Return how often new tokens were asked for."""

    def texts(self) -> list[str]:
        """Return what is public, in the order of the alphabet."""


@dataclass
class _Before(httpx.AsyncBaseTransport):
    """Stands before a stand-in, and spoils renewals."""

    party: Party
    far_side: FarSide
    statuses: list[int] = field(default_factory=list)
    locks: Path | None = None
    held: sqlite3.Connection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        renews = self.party.how.is_renewal(request)
        if renews and self.statuses:
            self.far_side.requests.append(request)
            return httpx.Response(self.statuses.pop(0), text="<html>not now</html>")
        response = await self.far_side.handle_async_request(request)
        if renews and self.locks:
            self.held = sqlite3.connect(self.locks, isolation_level=None, check_same_thread=False)
            self.held.execute("BEGIN IMMEDIATE")
            self.locks = None
        return response


@dataclass
class _StandIn:
    """A stand-in for a network's server."""

    party: Party
    before: _Before
    address: str = ""

    @property
    def spent(self) -> bool:
        return self.party.how.spent

    def connect(self, lab: LabHome) -> None:
        lab.program = ("-m", "lab.program", "--through", self.address)
        values, tokens = self.party.how.consent(self.before.far_side)
        subject = self.party.subject
        with lab.app() as app:
            accounts.add_account(
                app.ctx,
                network=subject.network.key,
                name="ann",
                server=subject.server,
                values=values,
                tokens=tokens,
                verify=False,
            )
        lab.add("before", to="ann")  # it logs in where that is not done by consent
        with lab.daemon():
            lab.wait_for(lambda: lab.states() == {"processed": 1})
        self.before.far_side.requests.clear()

    def reconnect(self, lab: LabHome) -> None:
        values, tokens = self.party.how.consent(self.before.far_side)
        with lab.app() as app:
            accounts.reconnect_account(
                app.ctx, "ann", server=None, values=values, tokens=tokens, verify=False
            )

    def end(self) -> None:
        self.party.how.end(self.before.far_side)

    def revoke(self) -> None:
        self.party.how.revoke(self.before.far_side)

    def fail(self, *statuses: int) -> None:
        self.before.statuses += statuses

    def lock(self, database: Path) -> None:
        self.before.locks = database

    def unlock(self) -> None:
        assert self.before.held
        self.before.held.close()

    def renewals(self) -> int:
        return self.party.how.renewals(self.before.far_side)

    def texts(self) -> list[str]:
        return sorted(post.text for post in self.before.far_side.public() if post.text != "before")


@dataclass
class _RealServer:
    """The OAuth server that nobody here wrote, with the lab's network."""

    server: OAuthServer
    spent: bool = True

    def connect(self, lab: LabHome) -> None:
        with lab.app() as app:
            connect(app.ctx, self.server)

    def reconnect(self, lab: LabHome) -> None:
        reconnect(lab, self.server)

    def end(self) -> None:
        self.server.control(end_access=True)

    def revoke(self) -> None:
        self.server.control(end_access=True, end_refresh=True)

    def fail(self, *statuses: int) -> None:
        self.server.control(plan=list(statuses))

    def lock(self, database: Path) -> None:
        self.server.control(plan=[f"lock {database}"])

    def unlock(self) -> None:
        self.server.control(unlock=True)

    def renewals(self) -> int:
        return sum(line.startswith("token refresh_token") for line in self.server.journal)

    def texts(self) -> list[str]:
        return self.server.published


@contextmanager
def _stand_in(party: Party) -> Iterator[There]:
    far_side: Any = party.how.far_side(FakeClock(SystemClock().now()))
    there = _StandIn(party, _Before(party, far_side))
    with served(there.before) as there.address:
        yield there


@contextmanager
def _real(folder: Path) -> Iterator[There]:
    with oauth_server(folder / "server") as server:
        yield _RealServer(server)


#: What is renewed, by the names of the cases.
NAMES = (*parties(), "a real server")


def at(name: str, folder: Path) -> AbstractContextManager[There]:
    """Run one of them until the block ends."""
    return _real(folder) if name not in parties() else _stand_in(parties()[name])
