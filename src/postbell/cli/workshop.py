"""What commands make besides posts: series, for instance; here, or with --remote elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.cli.office import LocalOffice


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from postbell.domain.account import Account
    from postbell.domain.series import Series
    from postbell.errors import Problem
    from postbell.publishing.protocol import Profile
    from postbell.remote.workshop import RemoteWorkshop
    from postbell.services.accounts.consenting import Brought, Page, Taken
    from postbell.services.plan.rehearse import Span
    from postbell.services.series.series import SavedSeries, SeriesChanges, WantedSeries
    from postbell.services.series.series_view import Upcoming


class LocalWorkshop(LocalOffice):
    """The same of this machine."""

    def add_series(self, wanted: WantedSeries) -> SavedSeries:
        """Store a new series and make its first posts."""
        from postbell.services.series.series import add_series

        return add_series(self._ctx, wanted)

    def preview_series(
        self, wanted: WantedSeries, count: int
    ) -> tuple[Series, list[Upcoming], list[Problem]]:
        """Return a series as it would be stored, its next posts, and what is worth knowing of it."""
        from postbell.services.series.series_view import preview_series

        series, problems = preview_series(self._ctx, wanted)
        return series, self.look_ahead(series, count), problems

    def edit_series(self, series: Series, changes: SeriesChanges) -> SavedSeries:
        """Change a series, and its posts to come."""
        from postbell.services.series.series import edit_series

        return edit_series(self._ctx, series, changes)

    def open_page(
        self,
        *,
        network: str,
        name: str,
        server: str | None,
        values: Mapping[str, str],
        redirect: str,
        again: bool,
    ) -> Page:
        """Return the page that a person is to open so that an account is connected, or connected `again`."""
        from postbell.services.accounts.consenting import open_page, reopen_page

        if again:
            return reopen_page(self._ctx, name, server=server, values=values, redirect=redirect)
        return open_page(
            self._ctx, network=network, name=name, server=server, values=values, redirect=redirect
        )

    def take(self, page: Page, said: str) -> Taken:
        """Return that a person has given something, by what the browser has brought back or was typed."""
        from postbell.services.accounts.consenting import OpenPage, Taken, take

        assert isinstance(page, OpenPage), "`open_page` has made it"
        brought = take(self._ctx, page, said)
        return Taken(keys=tuple(brought.values), kept=brought)

    def connect(
        self,
        *,
        network: str,
        name: str,
        server: str | None,
        values: Mapping[str, str],
        taken: Taken | None,
        verify: bool,
    ) -> Mapping[str, Any]:
        """Connect an account; return how that is told."""
        from postbell.services.accounts.accounts import add_account

        brought = _brought(taken)
        made, profile = add_account(
            self._ctx,
            network=network,
            name=name,
            server=server,
            values={**values, **brought.values},
            tokens=brought.tokens,
            verify=verify,
        )
        return self._connected(made, profile)

    def reconnect(
        self,
        name: str,
        *,
        server: str | None,
        values: Mapping[str, str],
        taken: Taken | None,
        verify: bool,
    ) -> Mapping[str, Any]:
        """Give an account new credentials; return how that is told."""
        from postbell.services.accounts.accounts import reconnect_account

        brought = _brought(taken)
        given = {**values, **brought.values}
        profile = reconnect_account(
            self._ctx, name, server=server, values=given, tokens=brought.tokens, verify=verify
        )
        return self._connected(self.account(name), profile)

    def _connected(self, account: Account, profile: Profile | None) -> Mapping[str, Any]:
        from postbell.services.accounts.accounts import visible_values
        from postbell.shapes.networks import connected_json

        return connected_json(account, visible_values(self._ctx, account), profile)

    def rehearse(
        self,
        start: datetime,
        end: datetime,
        outages: Sequence[Span],
        progress: Callable[[datetime], None],
    ) -> Mapping[str, Any]:
        """Return how it is told what a span of time would bring; `progress` hears how late it is there."""
        from postbell import logs
        from postbell.cli.rehearsed import rehearsed_json
        from postbell.services.plan.rehearse import rehearse

        slots = self._app.settings.daemon.concurrency
        with logs.only_errors():
            found = rehearse(self._ctx, start, end, outages=outages, slots=slots, progress=progress)
        return rehearsed_json(found, start, end)


def _brought(taken: Taken | None) -> Brought:
    from postbell.services.accounts.consenting import Brought

    return taken.kept if taken and isinstance(taken.kept, Brought) else Brought(values={})


if TYPE_CHECKING:
    Workshop = LocalWorkshop | RemoteWorkshop
