"""What is answered about the consent of persons."""

from __future__ import annotations

from pydantic import Field

from postbell.api.models import Instant, Shape


class Consent(Shape):
    """A page that a person is to open in a browser."""

    id: str = Field(description="Names it.")
    url: str = Field(description="The page.", examples=["https://social.example/oauth/authorize?client_id=…"])
    redirect: str | None = Field(
        description="Where the browser is sent back to; null where the page shows a code, to be typed."
    )
    state_as: str = Field(
        description="The parameter of that address that tells this answer from others.", examples=["state"]
    )
    state: str = Field(description="What that parameter must be.", examples=["9kTz"])
    otherwise: str | None = Field(
        description="Words for the person, if the browser is not sent back: what another page shows is typed."
    )
    ends_at: Instant = Field(description="Until when the answer is waited for.")


class AnsweredConsent(Shape):
    """An answer that the network has taken. What it gave for it stays with Postbell."""

    id: str = Field(description="Names it, for `consent` of what connects the account.")
    brings: list[str] = Field(description="Which values of the account it brings; they need not be given.")
