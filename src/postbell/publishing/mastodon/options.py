"""What a server that speaks Mastodon's API is told of an account and of a post."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from postbell.publishing.options import Strict, Words


_POINT = re.compile(r"(-?(?:0(?:\.\d{1,4})?|1(?:\.0)?)):(-?(?:0(?:\.\d{1,4})?|1(?:\.0)?))")
GUIDE = """\
1. The server is the address in your browser, such as https://mastodon.social.
2. At a terminal, `postbell account add mastodon --name NAME --server URL` names a page of the server, where
   you allow Postbell to read your account and its posts and to write posts and files. Nothing else is needed,
   nor at GoToSocial, Pleroma, Akkoma and Pixelfed. To take it back: Preferences > Account > Authorized apps.

Without a terminal, or if you like that better, give a token (--secret access_token):
1. In the browser open Preferences > Development > New application.
2. Call it Postbell: by that name its posts are told from those of other programs when one is looked up.
   Leave the redirect URI as it is.
3. Tick these scopes and no others: read:accounts, read:search, read:statuses, write:media,
   write:statuses. Submit. (read:search finds posts of other servers that you want to quote.)
4. Open the application and copy "Your access token". It ends with the application, which you delete to
   revoke it, and when the password is reset.
GoToSocial: Settings > Applications makes such a token, with the same scopes. Pixelfed: Settings >
Applications > Personal access tokens, with the scopes read and write.

The limits are those of the server, read when the account is added; `postbell account check` reads them
again. What stands below is what Mastodon takes where a server says nothing else. There a link counts 23
characters however long it is, and of @name@server only @name; the other servers count every character. A
content warning counts with the text. A title is not used. A link that the text does not contain becomes its
last line. On Mastodon a video or a sound stands alone, and a poll without files. Pixelfed takes no post
without a picture, but for further parts of a thread and first comments, and has no polls. Mastodon takes 300
posts in three hours and 30 files in half an hour; what is more waits."""


class Options(Strict):
    """What a post can be told about Mastodon."""

    _poll = frozenset({"poll", "poll_expires_in", "poll_multiple", "poll_hide_totals"})
    first_only = _poll | {"focus", "quote", "thumbnail"}
    # To change a poll would take away its votes.
    lasting = _poll | {"visibility", "quote", "thumbnail"}

    spoiler_text: str = Field(
        "",
        description="A content warning: it hides the text, and counts with it.",
        examples=["The end of a film"],
    )
    sensitive: bool | None = Field(
        None, description="Hide the files at first; the account's setting if left out."
    )
    visibility: Literal["public", "unlisted", "private", "direct"] | None = Field(
        None, description="private: for followers; direct: for who is mentioned; the account's if left out."
    )
    language: str = Field(
        "", pattern="^([a-z]{2,3}(-[A-Z]{2})?)?$", description="Of the text, such as en, pt or zh-TW."
    )
    focus: Words = Field([], description="For each file in order, the point that previews keep: 0.5:-0.2.")
    thumbnail: int | None = Field(
        None, ge=1, description="Which file stands for the video until it plays (2: the second)."
    )
    quote: str = Field(
        "", pattern=r"^(https?://\S+|\w+)?$", description="The address of a post to quote, or its id there."
    )
    quote_approval_policy: Literal["public", "followers", "nobody"] | None = Field(
        None, description="Who may quote it; the account's setting if left out."
    )
    poll: Words = Field(
        [], description="The answers of a poll; in a file, a list. It takes no files beside it."
    )
    poll_expires_in: int = Field(86_400, description="How long the poll is open, in seconds.")
    poll_multiple: bool = Field(default=False, description="Let people choose more than one answer.")
    poll_hide_totals: bool = Field(default=False, description="Hide the votes until the poll has ended.")

    @field_validator("focus")
    @classmethod
    def _are_points(cls, points: list[str]) -> list[str]:
        if wrong := [point for point in points if not _POINT.fullmatch(point)]:
            raise ValueError(f"not x:y, each from -1 (left, bottom) to 1: {', '.join(wrong)}")
        return points


class Credentials(Strict):
    """What an account on such a server needs: a token, or the application for which you consented."""

    placeless: ClassVar[frozenset[str]] = frozenset({"client_id"})

    access_token: SecretStr | None = Field(None, min_length=1, description="An access token of your own.")
    client_id: str | None = Field(None, description="Found out by Postbell where you consent.")
    client_secret: SecretStr | None = Field(None, description="Found out by Postbell where you consent.")
