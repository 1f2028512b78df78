"""A file as the front matter of a post, or an option, names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from postbell.domain.media import COMMENT


#: What is written in place of the number of a part, where the first comment shows a file.
OF_COMMENT = "comment"


@dataclass(frozen=True, kw_only=True)
class MediaRef:
    """A file that the post shows."""

    #: As it was written: a path, relative or not.
    file: str
    #: What the picture shows. Empty if nobody said.
    alt: str = ""
    #: Which part of a thread shows it, from 1; or COMMENT.
    part: int = 1

    def written(self) -> str | dict[str, Any]:
        """Return it as it is written in front matter."""
        more: dict[str, Any] = {"alt": self.alt} if self.alt else {}
        if self.part != 1:
            more["part"] = OF_COMMENT if self.part == COMMENT else self.part
        return {"file": self.file, **more} if more else self.file


def part_of(written: Any) -> int | None:
    """Return the part that front matter names; None for what names none."""
    if written == OF_COMMENT:
        return COMMENT
    return written if type(written) is int and written >= 1 else None
