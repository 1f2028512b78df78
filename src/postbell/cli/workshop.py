"""What commands make besides posts: series, for instance; here, or with --remote elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.cli.office import LocalOffice


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from postbell.domain.series import Series
    from postbell.errors import Problem
    from postbell.remote.workshop import RemoteWorkshop
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


if TYPE_CHECKING:
    Workshop = LocalWorkshop | RemoteWorkshop
