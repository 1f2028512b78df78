"""The comments of a site that runs WordPress, as `fake_wordpress` serves them."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.farside import Public


class Refused(Exception):
    """An answer that is an error: its status, code and message."""


@dataclass
class Talk:
    """Every comment by its number; what was taken away is gone."""

    said: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Whether comments wait for approval.
    holds: bool = False
    #: Whether the author spoke a moment ago, and may not bypass the wait.
    hurries: bool = False
    #: False where deleting is for good.
    has_trash: bool = True
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(900))

    def serve(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        values: Mapping[str, Any],
        posts: Mapping[int, Mapping[str, Any]],
        *,
        knows: bool,
    ) -> tuple[int, Any]:
        """Return status and body. Raises Refused in WordPress's words; `knows` says who is logged in."""
        if method == "GET":
            return 200, [said for said in self.said.values() if str(said["post"]) == query["post"]]
        if not knows:
            raise Refused(401, "rest_comment_login_required", "Sorry, you must be logged in to comment.")
        if method == "DELETE":
            return 200, self._delete(int(path.rpartition("/")[2]), query)
        return 201, self._say(values, posts)

    def public(self, posts: Mapping[int, Mapping[str, Any]]) -> list[Public]:
        """Every comment on a post that is public."""
        return [
            Public(
                id=f"comment:{number}",
                text=html.unescape(re.sub("<[^>]*>", "", said["content"]["raw"])),
                answers=str(said["post"]),
            )
            for number, said in self.said.items()
            if posts.get(said["post"], {}).get("status") == "publish"
        ]

    def _say(self, values: Mapping[str, Any], posts: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        post = posts.get(values["post"], {"status": "trash"})
        if post["status"] != "publish":
            raise Refused(403, "rest_comment_trash_post", "Sorry, you are not allowed to create a comment.")
        text = values["content"]["raw"]
        if any(
            (said["post"], said["content"]["raw"]) == (values["post"], text) for said in self.said.values()
        ):
            raise Refused(409, "comment_duplicate", "Duplicate comment detected; you have said that already!")
        if self.hurries:
            raise Refused(400, "comment_flood", "You are posting comments too quickly. Slow down.")
        number = next(self._numbers)
        self.said[number] = {
            "id": number,
            "post": values["post"],
            "status": "hold" if self.holds else "approved",
            "link": f"{post['link']}#comment-{number}",
            "content": {"raw": text, "rendered": f"<p>{text}</p>\n"},
        }
        return self.said[number]

    def _delete(self, number: int, query: Mapping[str, str]) -> dict[str, Any]:
        if number not in self.said:
            raise Refused(404, "rest_comment_invalid_id", "Invalid comment ID.")
        if not self.has_trash and query.get("force") != "true":
            raise Refused(501, "rest_trash_not_supported", "The comment does not support trashing.")
        gone = self.said.pop(number)
        return gone if self.has_trash else {"deleted": True, "previous": gone}
