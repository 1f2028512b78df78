"""Series: what is written once and published again and again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from postbell.api import plan_models, post_models
from postbell.api.asked import Asked, Flag
from postbell.api.call import Answer, Running, tag_of
from postbell.api.resource import ID, Call, Resource, found_at
from postbell.api.routes.posts import told as post_told
from postbell.api.series_asked import SeriesAsked, SeriesChanged, changes_of, kind_of, pointing, wanted_of
from postbell.domain.access import Scope
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.errors import NotFound
from postbell.services.posts.wanted import Saved
from postbell.services.series import series as service
from postbell.services.series import skipping
from postbell.services.series.series_view import look_ahead, next_times, paused_series, preview_series
from postbell.shapes.base import problems_json, stamp
from postbell.shapes.series import saved_series_json, series_json, upcoming_json


resource = Resource("series", "Series: what is written once and published again and again.")

SeriesId = Annotated[str, Path(description="The id of the series.", pattern=f"^{ID}$", examples=["k7m2m9qx"])]
#: So many of its next posts are told of a series that is previewed.
_NEXT = 5
_TOUCHED = "Also the posts to come that were changed by hand."


class ListAsked(Asked):
    """Which series to list."""

    ended: bool = Field(False, description="Also those that have ended.")


class EndAsked(Asked):
    """How a series is ended."""

    touched: Flag = Field(False, description=_TOUCHED, examples=[True])


class DeleteAsked(Asked):
    """How a series is deleted."""

    touched: bool = Field(False, description=_TOUCHED)


class SlotAsked(Asked):
    """One time of a series."""

    slot: str = Field(
        description="The name of the time, as its next posts have it.",
        min_length=1,
        max_length=100,
        examples=["2026-12-01T09:00"],
    )


@resource.get("", "List series", returns=plan_models.SeriesList)
def list_(call: Call, asked: Annotated[ListAsked, Query()]) -> Answer:
    """List the series that make posts, the oldest first; if wanted also those that have ended."""
    found = service.list_series(call.ctx, None if asked.ended else SeriesState.ACTIVE)
    paused, times = paused_series(call.ctx), next_times(call.ctx)
    shown = [
        {**series_json(each, paused.get(each.id)), "next_at": stamp(times.get(each.id))} for each in found
    ]
    return Answer(body={"series": shown})


@resource.get("/{id:id}", "Read a series", returns=plan_models.Series, refuses=(404,), unchanged=True)
def read(call: Call, id: SeriesId) -> Answer:  # noqa: A002 - the name in the path
    """Read a series: its rule, its texts, its accounts."""
    shown = _shown(call, _found(call, id))
    return Answer(body=shown, tag=tag_of(shown))


@resource.get(
    "/{id:id}/next", "List the next posts of a series", returns=plan_models.UpcomingList, refuses=(404,)
)
def coming(
    call: Call,
    id: SeriesId,  # noqa: A002
    count: Annotated[int, Query(description="How many, at most.", ge=1, le=1000)] = 10,
) -> Answer:
    """List the next posts of a series: those that are made, skipped or moved, and those still to be made."""
    found = look_ahead(call.ctx, _found(call, id), count)
    return Answer(body={"next": [upcoming_json(each) for each in found]})


@resource.serve(
    "POST",
    "",
    "Write a series",
    needs=Scope.PUBLISH,
    returns=plan_models.SavedSeries,
    status=201,
    sends=("ETag", "Location"),
)
def create(call: Call, asked: SeriesAsked) -> Answer:
    """Store a series and make its first posts; each is an ordinary post, to be changed or cancelled alone."""
    with pointing(asked.kind):
        saved = service.add_series(call.ctx, wanted_of(call.ctx, asked))
    return _told(call, saved, status=201)


@resource.serve("POST", "/preview", "Preview a series", needs=Scope.READ, returns=plan_models.PreviewedSeries)
def preview(call: Call, asked: SeriesAsked) -> Answer:
    """Return what a series would publish; nothing is stored."""
    with pointing(asked.kind):
        found, problems = preview_series(call.ctx, wanted_of(call.ctx, asked))
    upcoming = [upcoming_json(each) for each in look_ahead(call.ctx, found, _NEXT)]
    shown = series_json(found, None) | {"id": None}
    return Answer(body={"series": shown, "next": upcoming, "problems": problems_json(problems)})


@resource.serve(
    "PATCH",
    "/{id:id}",
    "Change a series",
    needs=Scope.PUBLISH,
    returns=plan_models.SavedSeries,
    refuses=(404, 412),
    sends=("ETag",),
)
def change(call: Call, id: SeriesId, asked: SeriesChanged) -> Answer:  # noqa: A002
    """Change what a series says, for whom and when; posts to come follow, but for those changed by hand."""
    found = _wanted(call, id)
    with pointing(kind_of(found)):
        return _told(call, service.edit_series(call.ctx, found, changes_of(call.ctx, asked, found)))


@resource.serve(
    "POST",
    "/{id:id}/end",
    "End a series",
    needs=Scope.WRITE,
    returns=plan_models.EndedSeries,
    refuses=(404, 412),
    sends=("ETag",),
)
def end(call: Call, id: SeriesId, asked: EndAsked | None = None) -> Answer:  # noqa: A002
    """End a series for good and cancel its posts to come; what it has published stays."""
    with call.unit.write():
        found = _wanted(call, id)
        count = service.end_series(call.ctx, found, touched=asked is not None and asked.touched)
    shown = _shown(call, _found(call, id))
    return Answer(body={**shown, "cancelled": count}, tag=tag_of(shown))


@resource.serve(
    "DELETE",
    "/{id:id}",
    "Delete a series",
    needs=Scope.WRITE,
    returns=plan_models.DeletedSeries,
    refuses=(404, 412),
)
def remove(call: Call, id: SeriesId, asked: Annotated[DeleteAsked, Query()]) -> Answer:  # noqa: A002
    """Remove a series for good with its posts to come; what it has published stays, as posts like others."""
    with call.unit.write():
        found = _wanted(call, id)
        gone = service.delete_series(call.ctx, found, touched=asked.touched)
    return Answer(body={"id": found.id, **asdict(gone)})


@resource.serve(
    "POST",
    "/{id:id}/skip",
    "Skip a time",
    needs=Scope.WRITE,
    returns=post_models.SavedPost,
    refuses=(404,),
    sends=("ETag",),
)
def skip(call: Call, id: SeriesId, asked: SlotAsked) -> Answer:  # noqa: A002
    """Leave out one time of a series; its post is cancelled. The series goes on."""
    with call.unit.write():
        return post_told(Saved(post=skipping.skip(call.ctx, _found(call, id), asked.slot)))


@resource.serve(
    "POST",
    "/{id:id}/unskip",
    "Take back a skip",
    needs=Scope.PUBLISH,
    returns=post_models.SavedPost,
    refuses=(404,),
    sends=("ETag",),
)
def unskip(call: Call, id: SeriesId, asked: SlotAsked) -> Answer:  # noqa: A002
    """Take back that a time was left out; its post, which has another id, is scheduled again."""
    with call.unit.write():
        return post_told(Saved(post=skipping.unskip(call.ctx, _found(call, id), asked.slot)))


def _found(call: Running, series_id: str) -> Series:
    """Return the series with just this id; raises NotFound."""
    found = service.load_series(call.ctx, series_id)
    if found.id != series_id:
        raise NotFound(f"There is no series {series_id!r}.")
    return found


def _wanted(call: Running, series_id: str) -> Series:
    """Return the series that is to be changed, as it must be by If-Match."""
    found = _found(call, series_id)
    call.require_match(tag_of(_shown(call, found)))
    return found


def _shown(call: Running, found: Series) -> dict[str, object]:
    return series_json(found, paused_series(call.ctx).get(found.id))


def _told(call: Running, saved: service.SavedSeries, *, status: int | None = None) -> Answer:
    pause = paused_series(call.ctx).get(saved.series.id)
    headers = found_at("series", saved.series.id) if status == 201 else {}
    tag = tag_of(series_json(saved.series, pause))
    return Answer(body=saved_series_json(saved, pause), status=status, headers=headers, tag=tag)
