"""What WordPress did other than it was asked is told at the post."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content
from postbell.errors import Rejected, Unavailable
from postbell.publishing.protocol import Receipt
from postbell.publishing.wordpress.post import receipt_of
from support.fake_wordpress import blog
from support.farside import Daemon, Fault
from support.pictures import picture


def _publish(daemon: Daemon) -> Receipt:
    return asyncio.run(daemon.publish())


def _warning(daemon: Daemon) -> str:
    (warning,) = _publish(daemon).warnings
    return warning


def test_a_slug_that_was_taken_is_told() -> None:
    daemon, far_side = blog(options={"slug": "hello"})
    far_side.media[9] = {"id": 9, "slug": "hello"}
    assert _warning(daemon) == "The slug 'hello' was taken or not allowed; it became 'hello-2'."


def test_a_category_that_there_is_not_is_told() -> None:
    daemon, _ = blog(options={"categories": "99"})
    assert _warning(daemon) == "WordPress left out categories that it does not have: [99]."


def test_html_that_was_taken_out_is_told() -> None:
    daemon, far_side = blog("<p>a</p><script>b()</script>", options={"markup": "html"})
    far_side.role = "author"
    assert _warning(daemon).startswith("WordPress changed the body: ")


def test_another_way_of_writing_the_same_html_is_not_told(tmp_path: Path) -> None:
    daemon, far_side = blog("1 < 2 [x] 'y' &", media=(picture(tmp_path, alt='"&"'),))
    far_side.role = "author"
    assert _publish(daemon).warnings == ()


def test_a_featured_image_that_was_not_set_is_told(tmp_path: Path) -> None:
    daemon, far_side = blog(media=(picture(tmp_path),), options={"featured": True})
    far_side.faults.append(Fault.UNAVAILABLE)
    with pytest.raises(Unavailable):
        _publish(daemon)
    far_side.media.clear()
    assert _warning(daemon) == "WordPress did not set the featured image."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": "x"}, "ask readers for the password"),
        ({"sticky": True}, "make it sticky"),
        ({"format": "aside"}, "give it the format; the theme may not have it"),
        ({"comments": "closed"}, "open or close it for comments"),
    ],
)
def test_what_came_to_nothing_is_told(options: dict[str, Any], said: str) -> None:
    daemon, far_side = blog(options=options)
    far_side.heedless = frozenset({"password", "sticky", "format", "comment_status"})
    assert _warning(daemon) == f"WordPress did not {said}."


@pytest.mark.parametrize("name", ["title", "excerpt"])
def test_a_title_and_an_excerpt_that_were_not_kept_are_told(name: str) -> None:
    daemon, far_side = blog(content=Content(text="Hi", title="Bells & <b>"), options={"excerpt": "1 < 2"})
    far_side.heedless = frozenset({name})
    assert _warning(daemon) == f"WordPress did not keep the {name} as it is."


def test_where_there_is_no_title_and_no_excerpt_none_is_missed() -> None:
    daemon, far_side = blog(content=Content(text="Hi"))
    far_side.heedless = frozenset({"title", "excerpt"})
    assert _publish(daemon).warnings == ()


def test_a_title_and_an_excerpt_that_a_site_writes_in_its_own_way_are_kept() -> None:
    content = Content(text="Hi", title="Bells & <b> 'x'")
    daemon, far_side = blog(content=content, options={"excerpt": '1 < 2 & "y"'})
    post = far_side.posts[int(_publish(daemon).id)]
    excerpt = {"raw": "1 &lt; 2 &amp; &quot;y&quot;"}

    def warnings_of(title: object) -> tuple[str, ...]:
        stored, done = post | {"title": title, "excerpt": excerpt}, {"post": post["id"]}
        return receipt_of(stored, daemon.outgoing, done).warnings

    assert warnings_of({"raw": "Bells &#038; &lt;b&gt; &#039;x&#039;"}) == ()
    for cut in ({"raw": "Bells &amp;  'x'"}, {"rendered": "Bells"}, None):
        assert warnings_of(cut) == ("WordPress did not keep the title as it is.",)


def test_an_alt_text_that_was_not_kept_is_told_and_which(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", alt=""), picture(tmp_path, "b.png", alt="A bell"))
    daemon, far_side = blog(media=media)
    far_side.heedless = frozenset({"alt_text"})
    assert (
        _warning(daemon) == "WordPress did not keep the alt text of b.png as it is; look at it in wp-admin."
    )


def test_an_alt_text_that_a_site_writes_in_its_own_way_is_kept(tmp_path: Path) -> None:
    daemon, _ = blog(media=(picture(tmp_path, alt=" A bell & 1 < 2\nof 'bronze' "),))
    assert _publish(daemon).warnings == ()


def test_a_post_that_a_plugin_holds_back_has_failed() -> None:
    daemon, far_side = blog()
    far_side.moderated = "pending"
    with pytest.raises(Rejected, match="keeps post 2 as 'pending'; publish it there"):
        _publish(daemon)
