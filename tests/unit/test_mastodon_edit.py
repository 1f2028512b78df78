"""A status is changed as Mastodon wants it: what is left out would be taken away."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.content import Content
from postbell.errors import Rejected, Unavailable
from postbell.publishing.protocol import Outgoing, Receipt
from support.fake_mastodon import SUBJECT, FakeMastodon, daemon
from support.farside import Daemon
from support.folders import picture


def published(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeMastodon, str]:
    made, far_side = daemon(text, **more)
    return made, far_side, asyncio.run(made.publish()).id


def change(made: Daemon, name: str, **more: Any) -> Receipt:
    """Change it to this content and these options; what is not named stays."""
    options = SUBJECT.network.Options.model_validate(more.pop("options")) if "options" in more else None
    out: Outgoing = replace(made.outgoing, content=replace(made.outgoing.content, **more))
    return asyncio.run(made.edit(replace(out, options=options) if options else out, name))


def test_what_was_not_changed_stays(tmp_path: Path) -> None:
    options = {"sensitive": True, "language": "de", "focus": "0.5:-0.5", "spoiler_text": "Sun"}
    media = (picture(tmp_path, "a.png", "A bell"),)
    made, far_side, name = published(options=options, media=media)
    receipt = change(made, name, text="Good evening")
    assert receipt == Receipt(id=name, url=far_side.statuses[0]["url"])
    (status,) = far_side.statuses
    assert far_side.texts[name] == "Good evening"
    assert (status["sensitive"], status["language"], status["spoiler_text"]) == (True, "de", "Sun")
    (file,) = status["media_attachments"]
    assert (file["description"], file["meta"]["focus"]) == ("A bell", {"x": 0.5, "y": -0.5})


def test_what_the_account_has_set_stays_too() -> None:
    made, far_side, name = published()
    far_side.statuses[0] |= {"sensitive": True, "language": "pt"}
    change(made, name, text="Good evening")
    assert (far_side.statuses[0]["sensitive"], far_side.statuses[0]["language"]) == (True, "pt")


def test_a_warning_is_taken_away_by_an_empty_one() -> None:
    made, far_side, name = published(options={"spoiler_text": "Sun", "sensitive": False})
    change(made, name, options={"sensitive": False})
    assert (far_side.statuses[0]["spoiler_text"], far_side.statuses[0]["sensitive"]) == ("", False)


def test_without_its_warning_files_are_shown_that_were_hidden_by_it(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "A bell"),)
    made, far_side, name = published(options={"spoiler_text": "Sun"}, media=media)
    assert far_side.statuses[0]["sensitive"]
    change(made, name, options={})
    assert (far_side.statuses[0]["spoiler_text"], far_side.statuses[0]["sensitive"]) == ("", False)
    sent = json.loads(far_side.requests[-1].content)  # whatever a server makes of what is left out
    assert (sent["spoiler_text"], sent["sensitive"]) == ("", False)


def test_with_another_warning_files_stay_hidden(tmp_path: Path) -> None:
    made, far_side, name = published(options={"spoiler_text": "Sun"}, media=(picture(tmp_path, "a.png"),))
    change(made, name, options={"spoiler_text": "Moon"})
    assert (far_side.statuses[0]["spoiler_text"], far_side.statuses[0]["sensitive"]) == ("Moon", True)


def test_the_focus_can_be_another(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png"), picture(tmp_path, "b.png"))
    made, far_side, name = published(media=media)
    change(made, name, options={"focus": "1:-1"})
    focus = [each["meta"]["focus"] for each in far_side.statuses[0]["media_attachments"]]
    assert focus == [{"x": 1, "y": -1}, {"x": 0, "y": 0}]


def test_a_poll_goes_on_for_as_long_as_it_was_to(tmp_path: Path) -> None:
    options = {"poll": ["rain", "sun"], "poll_expires_in": 7200}
    made, far_side, name = published(options=options)
    until = far_side.statuses[0]["poll"]["expires_at"]
    far_side.clock.advance(timedelta(hours=1))
    change(made, name, text="Weather?")
    assert far_side.statuses[0]["poll"]["expires_at"] == until
    far_side.clock.advance(timedelta(minutes=58))
    change(made, name, text="And?")
    assert far_side.statuses[0]["poll"]["expires_at"] > until  # no server takes less than five minutes
    far_side.statuses[0]["poll"]["expired"] = True
    with pytest.raises(Rejected, match="its poll is over, and would be opened anew"):
        change(made, name, text="Too late")
    assert far_side.texts[name] == "And?"


def test_a_poll_that_the_server_left_out_is_not_made_anew() -> None:
    made, far_side, name = published(options={"poll": ["rain", "sun"]})
    far_side.statuses[0]["poll"] = None
    with pytest.raises(Rejected, match="poll is over"):
        change(made, name, text="Weather?")


def test_alt_texts_are_left_alone_where_the_server_has_other_files(tmp_path: Path) -> None:
    made, far_side, name = published(media=(picture(tmp_path, "a.png"), picture(tmp_path, "b.png", "B")))
    far_side.statuses[0]["media_attachments"].pop(0)
    receipt = change(made, name, text="Good evening")
    assert receipt.warnings == ("The server left out files.",)
    assert far_side.statuses[0]["media_attachments"][0]["description"] == "B"


def test_the_visibility_is_not_sent_because_it_lasts() -> None:
    made, _, name = published(options={"visibility": "unlisted"})
    change(made, name, text="Good evening")  # the description of the API has no such word here


def test_the_part_of_a_thread_stays_an_answer() -> None:
    made, far_side = daemon()
    thread = replace(made.outgoing, content=Content(text="One", segments=("Two",)))
    made = Daemon(SUBJECT, thread, far_side)
    name = asyncio.run(made.publish()).id
    change(made, name, segments=("Second",))
    first, second = far_side.statuses
    assert (second["in_reply_to_id"], far_side.texts[second["id"]]) == (first["id"], "Second")


def test_a_server_that_knows_of_no_changes_says_so() -> None:
    made, far_side, name = published()
    far_side.edits_not = True
    with pytest.raises(Rejected, match=r"mastodon.example knows of no changes to what is public"):
        change(made, name, text="Good evening")


def test_what_the_server_does_not_take_is_told_in_its_words() -> None:
    made, _, name = published()
    with pytest.raises(Rejected, match="character limit of 500 exceeded"):
        change(made, name, text="x" * 501)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_error_that_says_nothing_of_the_post_is_told_as_it_is(method: str) -> None:
    made, far_side, name = published()
    refuse(far_side, method, 422, {"error": "No"})
    with pytest.raises(Rejected, match="answered 422: No"):
        change(made, name, text="Good evening")


def refuse(far_side: FakeMastodon, method: str, status: int, said: Any) -> None:
    """Let the next calls for single posts by this method be answered so."""
    answer = far_side.answer

    def instead(request: httpx.Request, body: bytes) -> httpx.Response:
        if (request.method, request.url.path.count("/")) == (method, 4) and "statuses" in request.url.path:
            return httpx.Response(status, json=said)
        return answer(request, body)

    far_side.answer = instead  # type: ignore[method-assign]


@pytest.mark.parametrize("said", [{"id": 7}, [], {}])
def test_an_answer_that_is_none_is_tried_again(said: Any) -> None:
    for method in ("GET", "PUT"):
        made, far_side, name = published()
        refuse(far_side, method, 200, said)
        with pytest.raises(Unavailable):
            change(made, name, text="Good evening")


def test_a_page_of_something_else_in_place_of_changes_is_no_lasting_fault_of_the_address() -> None:
    made, far_side, name = published()
    refuse(far_side, "PUT", 405, "no")
    with pytest.raises(Rejected, match="knows of no changes"):
        change(made, name, text="Good evening")
