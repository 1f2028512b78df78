"""What a post says: the base, and what single networks or accounts say instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postbell.domain.media import Media


@dataclass(frozen=True, kw_only=True)
class Override:
    """What one network or one account says instead of the base. None leaves the base as it is."""

    text: str | None = None
    title: str | None = None
    link: str | None = None
    #: Options of the network by name, as the user gave them.
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one network is asked to publish."""

    text: str = ""
    title: str | None = None
    #: A web address that the post is about (http or https).
    link: str | None = None
    media: tuple[Media, ...] = ()

    def with_override(self, override: Override | None) -> Content:
        """Return the content with what `override` says in place of the base."""
        if override is None:
            return self
        return replace(
            self,
            text=self.text if override.text is None else override.text,
            title=self.title if override.title is None else override.title,
            link=self.link if override.link is None else override.link,
        )


def resolve(
    base: Content, overrides: Mapping[str, Override], *, network: str, account: str
) -> tuple[Content, dict[str, Any]]:
    """Return what `account` is asked to publish, and its options.

    `overrides` is keyed by network key and account name; the account's word is the strongest.
    """
    content = base
    options: dict[str, Any] = {}
    for key in dict.fromkeys((network, account)):
        if override := overrides.get(key):
            content = content.with_override(override)
            options |= override.options
    return content, options
