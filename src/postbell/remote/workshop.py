"""What commands make besides posts, asked at another machine: see `postbell.cli.workshop`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from postbell.domain.series import Series
from postbell.errors import Invalid, Problem
from postbell.remote import reading
from postbell.remote.asking import series_asked, series_change_asked
from postbell.remote.desk import all_of
from postbell.remote.office import RemoteOffice, at
from postbell.services.accounts.consenting import Page, Taken
from postbell.services.plan.rehearse import Span
from postbell.services.series.series import SavedSeries, SeriesChanges, WantedSeries
from postbell.services.series.series_view import Upcoming
from postbell.shapes.base import stamp


#: Seconds that an answer is waited for where all of a database is read for it.
_LONG = 600.0
#: What programs call the beginning and the end of a rehearsal, and commands.
_OPTIONS = {"--since": "--from", "--until": "--to"}


@dataclass(frozen=True, kw_only=True)
class _PageThere(Page):
    """A page whose answer is waited for there."""

    id: str


class RemoteWorkshop(RemoteOffice):
    """The same of another machine."""

    def add_series(self, wanted: WantedSeries) -> SavedSeries:
        """Store a new series; raises Invalid with what is wrong there, and what could not be understood."""
        wanted = self.with_files(wanted)
        if wanted.problems:
            self._judge(wanted)
        return reading.saved_series_of(self._client.send("POST", "series", series_asked(wanted)))

    def preview_series(
        self, wanted: WantedSeries, count: int
    ) -> tuple[Series, list[Upcoming], list[Problem]]:
        """Return a series as it would be stored, its next posts, and what is worth knowing of it."""
        told = self._judge(self.with_files(wanted))
        series, _pause = reading.series_of({**told["series"], "id": ""})
        upcoming = list(map(reading.upcoming_of, told["next"]))[:count]
        return series, upcoming, list(map(reading.problem_of, told["problems"]))

    def edit_series(self, series: Series, changes: SeriesChanges) -> SavedSeries:
        """Change a series, and its posts to come."""
        asked = series_change_asked(self.understood(changes))
        return reading.saved_series_of(self._overwrite(series, "PATCH", f"series/{series.id}", asked))

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
        """Return the page that a person is to open here; what comes of it stays there."""
        asked = {"server": server, "values": dict(values), "redirect": redirect}
        if again:
            told = self._client.send("POST", at("accounts", name, "consents"), asked)
        else:
            told = self._client.send("POST", "consents", {**asked, "network": network, "name": name})
        shown = {key: told[key] for key in ("url", "redirect", "state_as", "state", "otherwise")}
        return _PageThere(**shown, id=told["id"])

    def take(self, page: Page, said: str) -> Taken:
        """Return that a person has given something, which is kept there."""
        assert isinstance(page, _PageThere), "`open_page` has made it"
        told = self._client.send("POST", f"consents/{page.id}", {"answer": said})
        return Taken(keys=tuple(told["brings"]), kept=told["id"])

    def connect(
        self,
        *,
        network: str,
        name: str,
        server: str | None,
        values: Mapping[str, str],
        taken: Taken | None,
        verify: bool,
    ) -> reading.Told:
        """Connect an account; return how that is told."""
        asked = {"network": network, "name": name, **_connect_asked(server, values, taken)}
        told: reading.Told = self._client.send("POST", "accounts", {**asked, "verify": verify})
        return told

    def reconnect(
        self,
        name: str,
        *,
        server: str | None,
        values: Mapping[str, str],
        taken: Taken | None,
        verify: bool,
    ) -> reading.Told:
        """Give an account new credentials; return how that is told."""
        asked = {**_connect_asked(server, values, taken), "verify": verify}
        told: reading.Told = self._client.send("POST", at("accounts", name, "reconnect"), asked)
        return told

    def rehearse(
        self,
        start: datetime,
        end: datetime,
        outages: Sequence[Span],
        progress: Callable[[datetime], None],
    ) -> reading.Told:
        """Return how it is told what a span of time would bring; how far it is, is not known meanwhile."""
        asked = {
            "since": stamp(start) if start > self.now() else None,
            "until": stamp(end),
            "downtime": [[stamp(begin), stamp(stop)] for begin, stop in outages],
        }
        try:
            told: reading.Told = self._client.send("POST", "rehearsal", asked, patience=_LONG)
        except Invalid as error:
            raise Invalid(
                replace(each, where=_OPTIONS.get(each.where, each.where)) for each in error.problems
            ) from None
        progress(end)
        return told

    def check_database(self) -> reading.Told:
        """Have the database there read whole; return whether it is sound."""
        told: reading.Told = self._client.send("POST", "backups/check", patience=_LONG)
        return told

    def back_up(self) -> reading.Told:
        """Have the database copied into the folder of backups there; return where it lies, and its rows."""
        told: reading.Told = self._client.send("POST", "backups", patience=_LONG)
        return told

    def _judge(self, wanted: WantedSeries) -> reading.Told:
        """Return what would come of a series; raises Invalid with all that is wrong, here and there."""
        try:
            told: reading.Told = self._client.send("POST", "series/preview", series_asked(wanted))
        except Invalid as error:
            raise all_of(wanted.problems, error.problems) from None
        if wanted.problems:
            raise Invalid(wanted.problems)
        return told


def _connect_asked(server: str | None, values: Mapping[str, str], taken: Taken | None) -> dict[str, Any]:
    return {"server": server, "values": dict(values), "consent": taken.kept if taken else None}
