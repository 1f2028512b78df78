"""Spans of time as the tables hold them: whole seconds."""

from __future__ import annotations

from datetime import timedelta


def seconds_of(span: timedelta | None) -> int | None:
    """Return a span in whole seconds."""
    return None if span is None else int(span.total_seconds())


def span_of(seconds: int | None) -> timedelta | None:
    """Return a number of seconds as a span."""
    return None if seconds is None else timedelta(seconds=seconds)
