"""How the logins of networks end and are renewed at their stand-ins: what the contract suite does to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx

from postbell.publishing.web.tokens import Tokens
from postbell.testing import FakeClock
from support.consenting_mastodon import CLIENT, SECRET
from support.fake_bluesky import ACCESS, APP_PASSWORD, HANDLE, FakeBluesky
from support.fake_mastodon import TOKEN as MASTODON
from support.fake_mastodon import FakeMastodon
from support.fake_threads import TOKEN as THREADS
from support.fake_threads import FakeThreads
from support.farside import FarSide, Subject
from support.subjects import subjects


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: What an account is connected with: credentials, and what OAuth has given, if it is that.
Login = tuple[dict[str, Any], Tokens | None]


@dataclass(frozen=True, kw_only=True)
class Renewing:
    """How one network's are."""

    far_side: Callable[[FakeClock], Any]
    #: Lets a person consent, to a login of which so much is left that nothing renews it yet.
    consent: Callable[[Any], Login]
    left: timedelta = _HOUR
    #: Lets calls be refused from now on with what was given out, though that can be renewed.
    end: Callable[[Any], None]
    #: Takes everything back, so that only a person can help.
    revoke: Callable[[Any], None]
    is_renewal: Callable[[httpx.Request], bool]
    #: Whether new tokens whose answer was lost are lost for good: what they were traded for works once.
    spent: bool
    #: How long before its end a login is renewed at the latest.
    ahead: timedelta = timedelta(seconds=30)

    def renewals(self, far_side: FarSide) -> int:
        """Return how often it was asked for new tokens."""
        return sum(map(self.is_renewal, far_side.requests))


@dataclass
class RenewingMastodon(FakeMastodon):
    """A server that lets tokens end, as Pleroma does; what they are renewed with works once."""

    refresh: str = "canary-refresh-0"
    given: int = 0

    def give(self, *, works: bool = True) -> None:
        """Give out new tokens, and take the old ones back."""
        self.given += 1
        self.token, self.refresh = f"{MASTODON}-{self.given}", f"canary-refresh-{self.given}"
        self.token_works = works

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if request.url.path != "/oauth/token":
            return super().answer(request, body)
        form = {name: value for name, (value,) in parse_qs(body.decode()).items()}
        assert (form["grant_type"], form["client_id"]) == ("refresh_token", CLIENT)
        if form["refresh_token"] != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": str(form)})
        self.give()
        said = {"access_token": self.token, "refresh_token": self.refresh, "expires_in": 3600}
        return httpx.Response(200, json={**said, "token_type": "Bearer", "created_at": 1_790_000_000})


def _consent_mastodon(far_side: RenewingMastodon) -> Login:
    far_side.give()
    now = far_side.clock.now()
    tokens = Tokens(
        access_token=far_side.token,
        refresh_token=far_side.refresh,
        issued_at=now - timedelta(minutes=1),
        ends_at=now + _HOUR,
        renews=True,
    )
    return {"client_id": CLIENT, "client_secret": SECRET}, tokens


def _end_mastodon(far_side: RenewingMastodon) -> None:
    far_side.token_works = False


def _revoke_mastodon(far_side: RenewingMastodon) -> None:
    far_side.give(works=False)


def _consent_bluesky(far_side: FakeBluesky) -> Login:
    """Make an app password."""
    far_side.app_password, far_side.app_password_works = APP_PASSWORD[::-1], True
    return {"identifier": HANDLE, "app_password": far_side.app_password}, None


def _revoke_bluesky(far_side: FakeBluesky) -> None:
    far_side.app_password_works = False
    far_side.end_access_tokens()


def _consent_threads(far_side: FakeThreads) -> Login:
    now, token = far_side.clock.now(), f"{THREADS}-of-{len(far_side.tokens)}"
    issued_at, ends_at = now - 40 * _DAY, now + 20 * _DAY
    far_side.tokens[token] = issued_at, ends_at
    tokens = Tokens(access_token=token, issued_at=issued_at, ends_at=ends_at, renews=True)
    return {"client_id": "990602627938098", "client_secret": "canary-threads-secret"} | _BACK, tokens


_BACK = {"redirect_uri": "https://example.org/postbell"}


RENEWING = {
    "mastodon": Renewing(
        far_side=RenewingMastodon,
        consent=_consent_mastodon,
        end=_end_mastodon,
        revoke=_revoke_mastodon,
        is_renewal=lambda request: request.url.path == "/oauth/token",
        spent=True,
    ),
    "bluesky": Renewing(
        far_side=lambda clock: FakeBluesky(clock, grace=timedelta()),
        consent=_consent_bluesky,
        left=ACCESS,
        end=FakeBluesky.end_access_tokens,
        revoke=_revoke_bluesky,
        is_renewal=lambda request: request.url.path.endswith("refreshSession"),
        # It is spent, but the app password makes a new session.
        spent=False,
        ahead=timedelta(minutes=4),
    ),
    "threads": Renewing(
        far_side=FakeThreads,
        consent=_consent_threads,
        left=20 * _DAY,
        end=lambda far_side: far_side.refused.update(far_side.tokens),
        revoke=lambda far_side: far_side.tokens.clear(),
        is_renewal=lambda request: request.url.path.endswith("refresh_access_token"),
        # A token stays good until it ends, though there is another.
        spent=False,
    ),
}


@dataclass(frozen=True)
class Party:
    """A network under the contract suite whose logins are renewed."""

    subject: Subject
    how: Renewing


def parties() -> dict[str, Party]:
    """Return them by their network's key."""
    found = {key: each for key, each in subjects().items() if each.renews}
    return {key: Party(each, RENEWING[key]) for key, each in found.items()}


@dataclass
class Where(httpx.AsyncBaseTransport):
    """Stands before a far side, and strikes at some of the requests that fit."""

    far_side: FarSide
    fits: Callable[[httpx.Request], bool]
    strike: Callable[[FarSide, httpx.Request], Any]
    #: How often it strikes.
    times: int = 1
    struck: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.times and self.fits(request):
            self.times -= 1
            self.struck.append(request)
            found: httpx.Response = await self.strike(self.far_side, request)
            return found
        return await self.far_side.handle_async_request(request)
