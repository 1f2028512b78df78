"""What is found of an account's posts on Threads, taken away, and counted."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Receipt, Reply, Unknown
from postbell.publishing.threads.errors import read_error
from postbell.publishing.web.answer import Answer
from support import pictures
from support.fake_threads import FakeThreads, Refusal, daemon
from support.farside import START, Daemon


def found(sender: Daemon) -> Any:
    return asyncio.run(sender.find())


def at(seconds: float) -> str:
    return f"{START + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}+0000"


# Look-ups


def test_a_post_is_known_by_its_text_its_kind_and_what_it_answers(tmp_path: Path) -> None:
    sender, far_side = daemon()
    far_side.write("Good evening")
    far_side.write("Good morning", media_type="IMAGE")
    far_side.write("Good morning", replied_to={"id": "1"})
    far_side.write("Good morning", media_type="REPOST_FACADE")
    assert found(sender) == Absent()
    wanted = far_side.write("Good morning ")
    assert found(sender) == Receipt(id=wanted["id"], url=wanted["permalink"])
    sender, far_side = daemon("", media=(pictures.picture(tmp_path),))
    wanted = far_side.write("", media_type="IMAGE")
    assert found(sender).id == wanted["id"]


def test_the_sign_of_a_tag_that_became_the_topic_makes_no_difference() -> None:
    sender, far_side = daemon("Good morning #bells")
    wanted = far_side.write("Good morning bells")
    assert found(sender).id == wanted["id"]


def test_answers_are_looked_for_among_answers() -> None:
    sender, far_side = daemon()
    root = far_side.write("Hello")
    far_side.write("Good morning")
    sender.outgoing = replace(sender.outgoing, reply=Reply(root=root["id"], parent=root["id"]))
    assert found(sender) == Absent()
    wanted = far_side.write("Good morning", replied_to={"id": root["id"]})
    assert found(sender).id == wanted["id"]
    far_side.rights.remove("threads_read_replies")
    doubt = found(sender)
    assert isinstance(doubt, Unknown)
    assert "The login lacks threads_read_replies: add it to the permissions of your app" in doubt.reason


def test_of_two_the_first_since_the_first_try_is_it_and_known_ones_are_others() -> None:
    sender, far_side = daemon()
    first = far_side.write("Good morning")
    far_side.clock.advance(60)
    second = far_side.write("Good morning")
    assert found(sender).id == first["id"]
    sender.outgoing = replace(sender.outgoing, known=frozenset({first["id"]}))
    assert found(sender).id == second["id"]


def test_what_is_a_little_older_than_the_first_try_is_doubtful_and_much_older_another() -> None:
    sender, far_side = daemon()
    far_side.write("Good morning", timestamp=at(-2000))
    assert found(sender) == Absent()
    older = far_side.write("Good morning", timestamp=at(-600))
    assert found(sender) == Unknown(reason=f"{older['permalink']} may be it, or another one")


def test_of_two_that_nobody_remembers_none_is_taken() -> None:
    sender, far_side = daemon()
    sender.outgoing = replace(sender.outgoing, forgotten=True)
    wanted = far_side.write("Good morning")
    assert found(sender).id == wanted["id"]
    far_side.write("Good morning")
    assert isinstance(found(sender), Unknown)


def test_many_posts_are_looked_through_page_by_page_and_not_without_end() -> None:
    sender, far_side = daemon()
    wanted = far_side.write("Good morning")
    for number in range(120):
        far_side.write(f"Post {number}")
    assert found(sender).id == wanted["id"]
    assert len(far_side.requests) == 4
    for number in range(1000):
        far_side.write(f"Post {number}")
    with pytest.raises(Unavailable, match="more than 1000 posts"):
        found(sender)


@pytest.mark.parametrize(
    "said",
    [{"posts": []}, {"data": ["a"]}, {"data": [{"id": "1", "media_type": "TEXT_POST", "timestamp": "now"}]}],
)
def test_a_list_that_is_none_is_no_answer(said: dict[str, Any]) -> None:
    sender, _ = answering(said)
    with pytest.raises(Unavailable):
        found(sender)


@pytest.mark.parametrize("paging", [None, {}, {"cursors": {}}, {"cursors": {"after": 7}}])
def test_a_list_without_a_next_page_has_an_end(paging: Any) -> None:
    post = {"id": "1", "media_type": "TEXT_POST", "timestamp": at(0), "text": "Hello"}
    sender, _ = answering({"data": [post], "paging": paging})
    assert found(sender) == Absent()


def answering(said: Any, status: int = 200) -> tuple[Daemon, FakeThreads]:
    """Return a daemon whose far side says the same to everything."""
    sender, far_side = daemon()
    far_side.answer = lambda request, body: httpx.Response(status, json=said)  # type: ignore[method-assign]
    return sender, far_side


def test_what_is_older_than_it_can_be_ends_the_look_through() -> None:
    old = {"id": "1", "media_type": "TEXT_POST", "timestamp": at(-3000), "text": "Good morning"}
    sender, far_side = answering({"data": [old], "paging": {"cursors": {"after": "a"}}})
    assert found(sender) == Absent()
    assert len(far_side.requests) == 1


# Removal


def test_what_may_not_be_deleted_is_not_taken_for_deleted() -> None:
    sender, far_side = daemon()
    post = far_side.write("Hello")
    far_side.rights.remove("threads_delete")
    with pytest.raises(Rejected, match="does not exist, or is not allowed"):
        asyncio.run(sender.delete(post["id"]))
    assert far_side.posts == [post]
    asyncio.run(sender.delete("17"))


def test_a_right_that_only_a_removal_needs_is_no_trouble_of_the_account() -> None:
    sender, _ = answering({"error": {"code": 10, "message": "No permission"}}, 400)
    with pytest.raises(Rejected, match="The login lacks threads_delete: add it"):
        asyncio.run(sender.delete("17"))


def test_whether_a_post_is_there_is_not_known_where_that_is_refused() -> None:
    sender, far_side = daemon()
    served = far_side._of_post

    def refuse(method: str, *rest: Any) -> dict[str, Any]:
        if method == "GET":
            raise Refusal(9_000, "Something else")
        return served(method, *rest)

    far_side._of_post = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(Rejected, match="Something else"):
        asyncio.run(sender.delete("17"))


# Counts


def test_it_is_counted_what_people_do_and_not_how_often_it_is_seen() -> None:
    sender, far_side = daemon()
    far_side.counts = {"views": 90, "likes": 3, "reposts": 2, "replies": 1, "quotes": 0}
    post = far_side.write("Hello")
    counts = asyncio.run(sender.metrics(post["id"]))
    assert counts == {"likes": 3, "reposts": 2, "replies": 1, "quotes": 0}
    assert far_side.requests[-1].url.params["metric"] == "likes,reposts,replies,quotes"


def test_of_a_thread_the_first_part_is_counted_and_what_is_gone_is_absent() -> None:
    sender, far_side = daemon()
    post = far_side.write("Hello")
    assert asyncio.run(sender.metrics(f"{post['id']},17")) == dict.fromkeys(
        ("likes", "reposts", "replies", "quotes"), 0
    )
    assert asyncio.run(sender.metrics("17")) == Absent()


def test_without_the_right_to_count_nothing_else_suffers() -> None:
    sender, far_side = daemon()
    post = far_side.write("Hello")
    far_side.rights.remove("threads_manage_insights")
    with pytest.raises(Rejected, match="The login lacks threads_manage_insights"):
        asyncio.run(sender.metrics(post["id"]))


def test_what_is_no_count_is_passed_over() -> None:
    likes = {"name": "likes", "values": [{"value": 3}]}
    others = [{"name": "views", "values": [{"value": 9}]}, {"name": "quotes", "values": []}, "a"]
    sender, _ = answering({"data": [likes, {"name": "reposts", "values": [{"value": "2"}]}, *others]})
    assert asyncio.run(sender.metrics("17")) == {"likes": 3}


@pytest.mark.parametrize(
    ("status", "said"), [(200, {"message": "a page"}), (400, {"error": "No"}), (503, {})]
)
def test_an_answer_that_is_not_threads_s_is_no_count(status: int, said: dict[str, str]) -> None:
    sender, _ = answering(said, status)
    with pytest.raises(Unavailable):
        asyncio.run(sender.metrics("17"))


# Errors


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        ({"code": 190}, Unauthorized, "it does not say why (code 190, 0). Connect the account again."),
        ({"code": 10, "message": "a."}, Unauthorized, "a (code 10, 0). Add threads_basic and"),
        ({"code": 1, "error_subcode": 4_279_013}, Unauthorized, "The account is restricted"),
        ({"code": 2, "error_user_msg": "Bald"}, Unavailable, "Bald (code 2, 0)"),
        ({"code": 77, "is_transient": True}, Unavailable, "(code 77, 0)"),
        ({"code": 9, "error_subcode": 2_207_052}, Rejected, "Threads fetches files from `api.public_url`"),
        ({"code": "x"}, Rejected, "(code 0, 0)"),
    ],
)
def test_an_error_says_what_to_do_now(error: dict[str, Any], kind: type[Exception], told: str) -> None:
    sender, _ = answering({"error": error}, 400)
    with pytest.raises(kind) as caught:
        asyncio.run(sender.publish())
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("publishes", "kind"), [(False, RateLimited), (True, Unsure)], ids=["asking", "publishing"]
)
def test_a_server_that_is_busy_is_left_alone_unless_a_post_may_be_public(
    *, publishes: bool, kind: type[PublishError]
) -> None:
    said = {"error": {"code": 2, "message": "Service temporarily unavailable", "is_transient": True}}
    answer = Answer(
        status=503, headers={"retry-after": "600"}, body=json.dumps(said).encode(), publishes=publishes
    )
    error = read_error(answer, now=START)
    assert type(error) is kind
    assert getattr(error, "until", None) == (None if publishes else START + timedelta(minutes=10))


@pytest.mark.parametrize("status", [408, 500, 302])
def test_what_is_not_said_by_threads_is_read_by_its_status(status: int) -> None:
    sender, _ = answering("a page", status)
    with pytest.raises((Unavailable, Rejected), match=str(status)):
        asyncio.run(sender.publish())
