"""What readers would suffer from in the rich text of Bluesky."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from support.farside import Violation


def check_facets(text: str, facets: Iterable[dict[str, Any]], people: Mapping[str, str]) -> None:
    """The server does not look; a wrong facet is dead text, or the wrong text, for every reader."""
    written, end = text.encode(), 0
    for facet in facets:
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        if not end <= start < stop <= len(written):
            raise Violation(f"the facet {start}..{stop} overlaps, is empty or lies outside the text")
        end = stop
        try:
            part = written[start:stop].decode()
        except UnicodeDecodeError:
            raise Violation(f"the facet {start}..{stop} cuts a character") from None
        (feature,) = facet["features"]
        _check_feature(part, feature, people)


def _check_feature(part: str, feature: dict[str, str], people: Mapping[str, str]) -> None:
    said = {"link": feature.get("uri"), "tag": "#" + feature.get("tag", "")}
    if feature["$type"].endswith("#mention"):
        said["mention"] = next(f"@{name}" for name, did in people.items() if did == feature["did"])
        part = part.lower()
    if said[feature["$type"].partition("#")[2]] != part:
        raise Violation(f"{part!r} is marked as {feature}")
