"""Where everything is put together, once."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from postbell import bell
from postbell.clock import Clock, SystemClock
from postbell.domain.budget import RetryBudget
from postbell.domain.ids import Random
from postbell.domain.reach import Allowed
from postbell.domain.when import zone_named
from postbell.publishing import registry
from postbell.publishing.protocol import Network
from postbell.services.accounts.vault import find_vault
from postbell.services.context import Context
from postbell.services.media.media_store import MediaStore
from postbell.settings import Places, Settings, load_settings, require_config
from postbell.store.engine import Store, require_file
from postbell.store.mark import MarkFile
from postbell.store.schema import require_current


if TYPE_CHECKING:
    import httpx

    from postbell.publishing.web.http import Clients
    from postbell.services.media.public_media import PublicMedia


@dataclass(frozen=True, kw_only=True)
class App:
    """A running Postbell: its places, its settings, and the parts that use cases are made of."""

    places: Places
    settings: Settings
    ctx: Context
    #: Makes what asks networks, anew: what was made in one event loop is of no use in another.
    make_clients: Callable[[], Clients]

    def close(self) -> None:
        """Close the database."""
        self.ctx.store.close()


def open_app(places: Places, *, by_user: bool = True) -> App:
    """Open the database that there is, to do what the user wants, or else for the daemon.

    Raises BadConfig for a bad configuration or an old schema, NotFound where `postbell init` was not run.
    """
    require_file(places.database)
    require_config(places)
    settings = load_settings(places.config)
    app = build_app(places, settings, by_user=by_user)
    require_current(app.ctx.store)
    if not by_user:  # a daemon that cannot read them can publish nothing; a command often needs none
        _require_secrets(app.ctx)
    return app


def reopen(app: App) -> App:
    """Return the app as its configuration is now, on the same database; raises BadConfig for a bad one."""
    fresh = build_app(app.places, load_settings(app.places.config))
    fresh.close()
    ctx = replace(fresh.ctx, store=app.ctx.store)
    _require_secrets(ctx)
    return replace(fresh, ctx=ctx)


def build_app(
    places: Places,
    settings: Settings,
    *,
    clock: Clock | None = None,
    rng: Random | None = None,
    network: Callable[[str], Network] = registry.get,
    transport: httpx.AsyncBaseTransport | None = None,
    by_user: bool = True,
) -> App:
    """Put the parts together; tests give their own clock, random, networks or HTTP transport.

    Whether it is for what the user wants, `by_user` says.
    """

    def clients() -> Clients:
        from postbell.publishing.web.http import Clients
        from postbell.services.media.fit_fetched import fit_fetched

        ca_file = str(settings.http.ca_file) if settings.http.ca_file else None
        allowed = Allowed.parse(settings.http.local_targets)
        return Clients(ca_file=ca_file, transport=transport, allowed=allowed, fit=fit_fetched)

    ctx = Context(
        store=Store(places.database, mark=MarkFile(places.mark, by_user=by_user)),
        clock=clock or SystemClock(),
        random=rng or random.SystemRandom(),
        vault=find_vault(places, settings),
        media=MediaStore(places.media, fit_videos=settings.media.fit_videos),
        network=network,
        zone=zone_named(settings.timezone) if settings.timezone else local_zone(),
        retry=settings.retry_policy,
        budget=RetryBudget(settings.retry.most_per_minute),
        catch_up_gap=timedelta(seconds=settings.retry.catch_up_seconds),
        late_limit=settings.late_limit,
        duplicate_window=settings.duplicate_window,
        require_alt=settings.alt_text == "require",
        metrics_for=timedelta(days=settings.metrics.days),
        horizon=settings.horizon,
        fill_ahead=settings.fill_ahead,
        clients=functools.cache(clients),
        http_deadline=settings.http.deadline_seconds,
        ring=functools.partial(bell.ring, places.data_dir),
        public=_public(places, settings, clock or SystemClock()),
    )
    return App(places=places, settings=settings, ctx=ctx, make_clients=clients)


def _public(places: Places, settings: Settings, clock: Clock) -> PublicMedia | None:
    if (base := settings.api.public_url) is None:
        return None
    from postbell.services.media.public_media import PublicMedia

    key_file = places.data_dir / "public.key"
    return PublicMedia(base=base, folder=places.media, key_file=key_file, clock=clock)


def _require_secrets(ctx: Context) -> None:
    from postbell.services.accounts.vault import require_open
    from postbell.store.accounts import list_accounts
    from postbell.store.hooks import list_hooks

    with ctx.store.read() as tx:
        require_open(ctx.vault, list_accounts(tx), list_hooks(tx))


def local_zone(link: Path = Path("/etc/localtime"), name_file: Path = Path("/etc/timezone")) -> ZoneInfo:
    """Return the machine's own time zone by its IANA name, UTC if it cannot be told."""
    target = str(link.resolve()) if link.is_symlink() else ""
    name = target.partition("zoneinfo/")[2] or _first_line(name_file)
    try:
        return ZoneInfo(name or "UTC")
    except (OSError, ValueError, KeyError):  # no such file, no such form, no such zone
        return ZoneInfo("UTC")


def _first_line(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
