from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Rejected, Unauthorized, Unavailable
from postbell.networks.mastodon import network
from postbell.publishing import parts
from postbell.publishing.protocol import Profile, Progress, Receipt
from support.fake_mastodon import SERVER, SUBJECT, TOKEN, FakeMastodon, daemon
from support.farside import START, Between, Daemon, Killed, Strike, die_after, die_before
from support.pictures import picture


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


def _status(text: str = "Good morning", **more: Any) -> dict[str, Any]:
    """Return the post as the server has it."""
    here, far_side = daemon(text, **more)
    _publish(here)
    (status,) = far_side.statuses
    return status | {"text": far_side.texts[status["id"]]}


def _verify(here: Daemon) -> Profile:
    return asyncio.run(network.verify(here.outgoing.target, here._http(None)))


def _sent(far_side: FakeMastodon, path: str = "/api/v1/statuses") -> list[dict[str, Any]]:
    """Return the bodies of what was sent to a path."""
    return [json.loads(each.content) for each in far_side.requests if each.url.path == path]


# What is published


def test_a_text_alone_leaves_everything_else_as_the_account_has_it() -> None:
    here, far_side = daemon()
    _publish(here)
    assert _sent(far_side) == [{"status": "Good morning"}]


def test_every_option_arrives() -> None:
    options = {
        "spoiler_text": "Weather",
        "sensitive": "true",
        "visibility": "unlisted",
        "language": "pt-BR",
        "poll": "rain, sun",
        "poll_expires_in": "3600",
        "poll_multiple": "true",
        "poll_hide_totals": "true",
    }
    status = _status(options=options)
    assert (status["spoiler_text"], status["sensitive"]) == ("Weather", True)
    assert (status["visibility"], status["language"]) == ("unlisted", "pt-BR")
    poll = status["poll"]
    assert [option["title"] for option in poll["options"]] == ["rain", "sun"]
    assert (poll["multiple"], poll["expires_at"]) == (True, "2026-11-23T10:00:00.000Z")
    assert poll["options"][0]["votes_count"] is None


def test_to_be_not_sensitive_can_be_asked_for() -> None:
    here, far_side = daemon(options={"sensitive": "false"})
    _publish(here)
    assert _sent(far_side)[0]["sensitive"] is False


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Look ", "Look\nhttps://a.example/b"),
        ("", "https://a.example/b"),
        ("See https://a.example/b.", "See https://a.example/b."),
    ],
)
def test_a_link_that_the_text_lacks_is_its_last_line(text: str, sent: str) -> None:
    assert _status(text, link="https://a.example/b")["text"] == sent


def test_files_go_with_their_names_types_and_alt_texts_in_their_order(tmp_path: Path) -> None:
    media = (picture(tmp_path, "b.png", "first"), picture(tmp_path, "a.png", ""))
    files = _status("", media=media)["media_attachments"]
    assert [(each["type"], each["description"]) for each in files] == [("image", "first"), ("image", None)]


def test_a_point_that_previews_keep_goes_with_its_file(tmp_path: Path) -> None:
    media = (picture(tmp_path, "b.png"), picture(tmp_path, "a.png", ""), picture(tmp_path, "c.png"))
    files = _status(media=media, options={"focus": "0.5:-1, 0:0.25"})["media_attachments"]
    points = [(each["meta"]["focus"]["x"], each["meta"]["focus"]["y"]) for each in files]
    assert points == [(0.5, -1), (0, 0.25), (0, 0)]


def test_a_large_file_has_more_time(tmp_path: Path) -> None:
    item = picture(tmp_path)
    item.path.write_bytes(item.path.read_bytes() + bytes(1_000_000))
    assert len(_status(media=(item,))["media_attachments"]) == 1


def test_the_receipt_has_the_id_and_the_address() -> None:
    here, far_side = daemon()
    receipt = _publish(here)
    (status,) = far_side.statuses
    assert receipt == Receipt(id=status["id"], url=status["url"])


def test_the_key_of_the_delivery_goes_to_mastodon() -> None:
    here, far_side = daemon()
    _publish(here)
    assert list(far_side.keys) == [here.outgoing.key]


@pytest.mark.parametrize("kind", ["gotosocial", "pleroma", "akkoma", "pixelfed"])
def test_no_key_goes_to_a_server_that_makes_something_else_of_it(kind: str) -> None:
    here, far_side = daemon()
    far_side.kind = kind
    _publish(here)
    assert len(far_side.statuses) == 1
    assert here.session["server"]["kind"] == kind


def test_what_the_server_takes_is_asked_for_once() -> None:
    here, far_side = daemon()
    _publish(here)
    _publish(here)
    assert len([each for each in far_side.requests if each.url.path == "/api/v2/instance"]) == 1


# What went other than asked


def test_another_visibility_than_asked_for_is_told() -> None:
    here, far_side = daemon(options={"visibility": "public"})
    far_side.silenced = True
    assert _publish(here).warnings == ("The server made it unlisted, not public.",)


def _warnings(**more: Any) -> tuple[str, ...]:
    """Return what is told where the server has made a post of the text alone."""
    here, far_side = daemon(**more)
    made = far_side.write("Good morning")
    far_side.keys[here.outgoing.key] = (made["id"], START)
    return _publish(here).warnings


def test_what_the_server_left_out_is_told(tmp_path: Path) -> None:
    assert _warnings(media=(picture(tmp_path),)) == ("The server left out files.",)
    assert _warnings(options={"poll": "a, b"}) == ("The server left out the poll.",)


# Files that the server works on


def test_a_file_that_is_not_ready_is_waited_for_without_holding_anything(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path), picture(tmp_path, "dog.png")))
    far_side.looks = 3
    _publish(here)
    waits = [progress.again_at for progress in here.stored if progress.again_at]
    assert waits == [START + timedelta(seconds=each) for each in (1, 3)]
    assert len(far_side.public()[0].media) == 2


def test_a_file_that_is_ready_at_once_is_not_looked_at(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    _publish(here)
    assert [each for each in far_side.requests if each.url.path.startswith("/api/v1/media/")] == []


def test_a_server_that_says_accepted_and_gives_the_address_is_ready(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.says_accepted = True
    _publish(here)
    assert [each for each in far_side.requests if each.url.path.startswith("/api/v1/media/")] == []


def test_a_file_that_cannot_be_processed_fails_the_post(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.looks = None
    with pytest.raises(Rejected, match="422: Error processing media"):
        _publish(here)


def test_a_server_that_never_gets_ready_is_unavailable(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.looks = 10**6
    file = asyncio.run(network.publish(here.outgoing, None, here._http(None)))
    assert isinstance(file, Progress)
    late = replace(file, data={**file.data, "looks": 120})
    with pytest.raises(Unavailable, match="still works on a file after 120 looks"):
        asyncio.run(network.publish(here.outgoing, late, here._http(None)))


def test_waits_grow_to_a_minute(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.looks = 9
    _publish(here)
    marks = [progress.again_at for progress in here.stored if progress.again_at]
    waits = [after - before for before, after in itertools.pairwise(marks)]
    assert [wait.total_seconds() for wait in waits] == [2, 4, 8, 16, 32, 60, 60]


def test_files_that_the_server_threw_away_while_it_worked_are_sent_again(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.looks = 2
    here.stored.append(Progress(step="file 1", data={"files": [{"id": "7", "ready": False}]}))
    _publish(here)
    assert len(far_side.public()[0].media) == 1


def test_files_that_the_server_threw_away_before_the_post_are_sent_again(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    here.stored.append(Progress(step="file 1", data={"files": [{"id": "7", "ready": True}]}))
    _publish(here)
    assert len(far_side.public()[0].media) == 1


def test_a_file_that_turns_out_not_to_be_ready_is_waited_for(tmp_path: Path) -> None:
    here, far_side = daemon(media=(picture(tmp_path),))
    far_side.looks = 2
    file = asyncio.run(network.publish(here.outgoing, None, here._http(None)))
    assert isinstance(file, Progress)
    here.stored.append(replace(file, data={"files": [{**file.data["files"][0], "ready": True}]}))
    _publish(here)
    assert len(far_side.public()[0].media) == 1


@pytest.mark.parametrize("strike", [die_before, die_after], ids=lambda strike: strike.__name__)
def test_a_death_at_any_request_while_files_are_waited_for_leads_to_one_post(
    tmp_path: Path, strike: Strike
) -> None:
    media = (picture(tmp_path), picture(tmp_path, "dog.png"))
    whole, server = daemon(media=media)
    server.looks = 2
    _publish(whole)
    for at in range(len(server.requests)):
        here, far_side = daemon(media=media)
        far_side.looks = 2
        with pytest.raises(Killed):
            asyncio.run(here.publish(Between(far_side, at, strike)))
        asyncio.run(here.recover())
        assert [len(post.media) for post in far_side.public()] == [2], f"request {at}"


def test_a_server_that_keeps_losing_files_fails_the_post(tmp_path: Path) -> None:
    here, _ = daemon(media=(picture(tmp_path),))
    lost = Progress(step="file 1", data={"files": [{"id": "7", "ready": True}], "anew": 2})
    with pytest.raises(Rejected, match="lost the files 3 times"):
        asyncio.run(network.publish(here.outgoing, lost, here._http(None)))


def test_after_a_refusal_the_server_is_asked_again_what_it_takes() -> None:
    here, far_side = daemon("x" * 500)
    _verify(here)
    far_side.most = 400
    with pytest.raises(Rejected, match="422: Validation failed: Text character limit of 400 exceeded"):
        _publish(here)
    assert here.session["server"]["text"] == 400


def test_a_text_with_links_is_taken_as_long_as_the_server_takes_it() -> None:
    link = f"https://example.com/{'y' * 100}"
    for text, problems in ((f"{'x' * 459} {link}", 0), (f"{'x' * 460} {link}", 1)):
        here, far_side = daemon(text)
        far_side.link = 40
        _verify(here)
        out = here.outgoing
        assert (
            len(parts.problems(out.content, out.options, network.at(here.session), account="a")) == problems
        )
        with pytest.raises(Rejected, match="422") if problems else nullcontext():
            _publish(here)


# The account


def test_an_account_is_verified_by_name_server_and_rights() -> None:
    here, far_side = daemon()
    profile = _verify(here)
    assert profile == Profile(handle="@alice@mastodon.example", url=f"{SERVER}/@alice", notes=())
    assert far_side.public() == []
    assert {"id", "app", "server", "home", "read_at"} == here.session.keys()


def test_missing_scopes_are_noted() -> None:
    here, far_side = daemon()
    far_side.scopes = ["read:accounts", "write:statuses"]
    media, reading = _verify(here).notes
    assert media == "The application lacks the scope write:media: posts with files will fail."
    assert reading.startswith("The application lacks the scope read:statuses: it cannot be looked up whether")


def test_the_coarse_scopes_are_enough() -> None:
    here, far_side = daemon()
    far_side.scopes = ["read", "write"]
    assert _verify(here).notes == ()


def test_a_token_that_may_not_even_say_whose_it_is_is_unauthorized() -> None:
    here, far_side = daemon()
    far_side.scopes = ["write"]
    with pytest.raises(Unauthorized, match=r"outside the authorized scopes.*read:accounts"):
        _verify(here)


def test_a_server_without_version_2_of_the_interface_is_asked_for_version_1() -> None:
    here, far_side = daemon()
    far_side.has_v2, far_side.most = False, 777
    assert _verify(here).handle == "@alice@mastodon.example"
    assert network.at(here.session).limits.text[0].most == 777


def test_a_server_without_nodeinfo_is_told_by_its_version() -> None:
    here, far_side = daemon()
    far_side.kind, far_side.version = None, "2.7.2 (compatible; Akkoma 3.13.2)"
    _verify(here)
    assert here.session["server"]["kind"] == "akkoma"


def test_a_server_that_does_not_name_the_application_is_fine() -> None:
    here, far_side = daemon()
    far_side.app = ""
    assert _verify(here).notes == ()
    assert here.session["app"] == ""


def test_a_token_is_not_sent_in_clear() -> None:
    here, far_side = daemon()
    here.outgoing = replace(
        here.outgoing, target=replace(here.outgoing.target, server="http://mastodon.example")
    )
    with pytest.raises(Unauthorized, match=r"mastodon\.example needs an address with https"):
        _publish(here)
    assert far_side.requests == []


# What is announced


def test_a_preview_names_what_is_not_known_yet(tmp_path: Path) -> None:
    outgoing = SUBJECT.outgoing(media=(picture(tmp_path),), options={"visibility": "private"})
    upload, post = network.preview(outgoing)
    assert (upload.url, post.url) == (f"{SERVER}/api/v2/media", f"{SERVER}/api/v1/statuses")
    assert post.body == {"status": "Good morning", "media_ids": ["<id of cat.png>"], "visibility": "private"}
    assert post.headers["idempotency-key"] == outgoing.key
    assert TOKEN not in str((upload, post))


def test_the_guide_names_every_scope() -> None:
    assert "read:accounts, read:search, read:statuses, write:media,\n   write:statuses" in network.guide
