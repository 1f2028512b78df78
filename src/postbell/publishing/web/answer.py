"""What a network answered. Networks read it with this; nothing here needs the HTTP client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postbell.errors import PublishError, Rejected, Unavailable, Unsure
from postbell.publishing.web.json_text import read_json


class Refused(Rejected):
    """The network refused, by a name that may tell what to do next."""

    def __init__(self, message: str, *, code: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        #: What came with it, empty where that is no JSON object.
        self.data: Mapping[str, Any] = data if isinstance(data, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    #: Whether the request was one that makes a post public.
    publishes: bool
    #: The server that was asked, as errors name it.
    place: str = "the server"
    #: Hides the account's secrets, and what the request proved itself with, in what is quoted of the body.
    hide: Callable[[str], str] = field(default=str, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, for error messages."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; what cannot be read counts as a lost answer."""
        try:
            return read_json(self.body)
        except ValueError:
            said = " ".join(self.hide(self.text).split())
            # A broken object may hold a new token, which nobody knows to hide yet.
            quoted = f": {said[:80]}" if said and said[0] not in "{[" else ""
            message = f"{self.place} answered {self.status} with something that is not JSON{quoted}"
            raise lost(message, self.publishes) from None

    def field(self, name: str, kind: type) -> Any:
        """Return a field of a JSON object; an answer without it counts as lost: it is not the network's."""
        said = self.json()
        if not isinstance(said, dict) or not isinstance(said.get(name), kind):
            raise lost(f"{self.place} answered {self.status} without {name!r}", self.publishes)
        return said[name]

    def error_json(self) -> dict[str, Any]:
        """Return the body of an error as a mapping, empty where it is anything else."""
        try:
            value = read_json(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


#: Reads a network's own errors; None leaves the status to the general reading.
Judge = Callable[[Answer], PublishError | None]


def lost(message: str, publishes: bool) -> PublishError:  # noqa: FBT001 - reads as a sentence at every call
    """Return the error for an answer that did not come: unsure for a publishing call, else unavailable."""
    return Unsure(message) if publishes else Unavailable(message)
