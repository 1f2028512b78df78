"""Thirty posts across all options at a WordPress that nobody here wrote, each read back and compared."""

from __future__ import annotations

import html
import itertools
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.publishing.protocol import Receipt, Reply
from support.wordpress import WordPress
from support.wordpress_posting import post_for, publish, two_pictures


pytestmark = pytest.mark.real

_MARKDOWN = """\
## A heading with [a link](https://example.com/?a=1&b=2)

A paragraph, *leaning* and **bold**, ~~struck~~, with `code [gallery] <b>` in it.

![](boats.jpg "Two \\[boats\\]")

- one
- two
  1. first
  2. second

> A quotation

| a | b |
|---|--:|
| 1 | 2 |

```python
a = [1] < 2  # & "so on"
```

---

<div>HTML of its own</div>
"""
_HTML = '<h2>A heading</h2>\n<p>A paragraph</p>\n<img src="harbour.png" alt="Harbour">'
_TEXTS = {"text": 'A text with "quotes", [brackets] & an address: https://example.com/?a=1&b=2'}
_TEXTS |= {"markdown": _MARKDOWN, "html": _HTML}
_FORMATS = ("standard", "aside", "chat", "gallery", "link", "image", "quote", "status", "video", "audio")
#: What differs from post to post besides its markup and its format.
_MORE: tuple[dict[str, Any], ...] = (
    {"sticky": True, "categories": "Bells, Rope & wheel", "comments": "open"},
    {"password": "open sesame", "tags": "bell, Q&A", "excerpt": "Short & <sweet>"},
    {"status": "private", "featured": True, "comments": "closed", "blocks": False},
)


def _all_options() -> Iterator[dict[str, Any]]:
    """Yield the options of thirty posts: each form with each markup, and what else there is in turn."""
    for at, (form, markup) in enumerate(itertools.product(_FORMATS, _TEXTS)):
        slug = {"slug": f"post-number-{at}"} if at % 2 else {}
        yield {"format": form, "markup": markup, **_MORE[(at + at // 3) % 3], **slug}


def _unlike(site: WordPress, post: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    """Yield what a site has that differs from what its post was told."""
    wanted = {"status": "publish", "sticky": False, "password": "", **options}
    for name in ("status", "format", "sticky", "password"):
        if post[name] != wanted[name]:
            yield f"{name} is {post[name]}"
    if options.get("comments") not in (None, post["comment_status"]):
        yield f"comments are {post['comment_status']}"
    if options.get("slug") not in (None, post["slug"]):
        yield f"slug is {post['slug']}"
    if html.unescape(post["excerpt"]["raw"]) != options.get("excerpt", ""):
        yield f"excerpt is {post['excerpt']['raw']}"
    for kind in ("categories", "tags"):
        names = sorted(map(html.unescape, site.term_names(kind, post[kind])))
        given = sorted(name.strip() for name in options.get(kind, "").split(",") if name)
        if names != (given or (["Uncategorized"] if kind == "categories" else [])):
            yield f"{kind} are {names}"
    if bool(post["featured_media"]) is not bool(options.get("featured")):
        yield f"featured image is {post['featured_media']}"
    if ("<!-- wp:" in post["content"]["raw"]) is not options.get("blocks", True):
        yield "blocks are not as wanted"


def test_thirty_posts_across_all_options_read_back_as_they_were_told(
    wordpress: WordPress, tmp_path: Path
) -> None:
    media, found = two_pictures(tmp_path), []
    for number, options in enumerate(_all_options()):
        text = _TEXTS[options["markup"]]
        receipt = publish(post_for(wordpress, text, title=f"Post {number}", media=media, options=options))
        post = wordpress.post(int(receipt.id))
        found.append((options, [*receipt.warnings, *_unlike(wordpress, post, options)]))
    assert len(found) == 30
    assert [(options, faults) for options, faults in found if faults] == []


def test_markdown_is_shown_as_it_is_meant_with_the_picture_where_it_is_named(
    wordpress: WordPress, tmp_path: Path
) -> None:
    options = {"markup": "markdown"}
    receipt = publish(
        post_for(wordpress, _MARKDOWN, title="Markdown", media=two_pictures(tmp_path), options=options)
    )
    assert receipt.url
    page = wordpress.page(receipt.url)
    shown = [
        '<h2 class="wp-block-heading">A heading with <a href="https://example.com/?a=1&amp;b=2">',
        "<em>leaning</em> and <strong>bold</strong>, <s>struck</s>",
        "<code>code &#91;gallery&#93; &lt;b&gt;</code>",
        "pb-",
        "Two &#91;boats&#93;</figcaption>",
        "<li>two",
        '<ol class="wp-block-list">',
        "<blockquote",
        '<th class="has-text-align-right" data-align="right">b</th>',
        "a = &#91;1&#93; &lt; 2  # &amp; &quot;so on&quot;</code>",
        "<hr",
        "<div>HTML of its own</div>",
        "A harbour, ",
    ]
    places = [page.find(part) for part in shown]
    assert [part for part, place in zip(shown, places, strict=True) if place < 0] == []
    assert places == sorted(places)
    assert "<!-- wp:" not in page


@pytest.fixture(scope="module")
def author(wordpress: WordPress) -> WordPress:
    """The site as an author sees it, who may not make categories and use any HTML."""
    who = {"username": "an-author", "email": "author@example.com", "password": secrets.token_hex(10)}
    user = wordpress.create("users", **who, roles=["author"])
    made = wordpress.create(f"users/{user['id']}/application-passwords", name="postbell")
    return replace(wordpress, username="an-author", app_password=made["password"])


def test_what_an_author_may_not_do_is_left_out_and_told(wordpress: WordPress, author: WordPress) -> None:
    text = "Text\n\n<script>alert(1)</script>\n\n<iframe src='https://example.com'></iframe>"
    options = {"markup": "markdown", "sticky": True, "categories": "Made by nobody", "tags": "made-by-author"}
    receipt = publish(post_for(author, text, title="By an author", options=options))
    assert sorted(warning.partition(":")[0] for warning in receipt.warnings) == [
        "It has no category Made by nobody",
        "WordPress changed the body",
    ]
    post = wordpress.post(int(receipt.id))
    assert (post["status"], post["sticky"]) == ("publish", True)
    assert re.search("script>|iframe", post["content"]["raw"]) is None


def test_an_author_s_markdown_is_stored_as_it_was_sent(author: WordPress, tmp_path: Path) -> None:
    options, media = {"markup": "markdown"}, two_pictures(tmp_path)
    receipt = publish(post_for(author, _MARKDOWN, title="Plain", media=media, options=options))
    assert receipt.warnings == ()


def test_a_first_comment_stands_below_a_post_of_markdown(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "*Hi*", title="Commented", options={"markup": "markdown"})
    receipt = publish(outgoing)
    reply = Reply(root=receipt.id, parent=receipt.id)
    said = replace(outgoing, content=replace(outgoing.content, text="First", title=None), reply=reply)
    assert isinstance(publish(said), Receipt)
    (comment,) = wordpress.get("comments", post=receipt.id)
    assert "First" in comment["content"]["rendered"]
