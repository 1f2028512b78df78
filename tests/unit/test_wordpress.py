from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.media import MediaKind
from postbell.errors import Unauthorized
from postbell.networks.wordpress import network
from postbell.publishing.protocol import Receipt
from support.fake_wordpress import PASSWORD, SERVER, SUBJECT, USERNAME, blog
from support.farside import Daemon
from support.pictures import mp4, picture


_KEY = "k7m2p9q4r8s3t6v5w2x9"


def _publish(daemon: Daemon) -> Receipt:
    return asyncio.run(daemon.publish())


def _post(text: str = "Good morning", **more: Any) -> dict[str, Any]:
    """Return the post as the site has it."""
    daemon, far_side = blog(text, **more)
    _publish(daemon)
    (post,) = far_side.posts.values()
    return post


def _body(text: str = "Good morning", **more: Any) -> str:
    """Return the body as the site has it, without the comment by which we know it."""
    raw: str = _post(text, **more)["content"]["raw"]
    body, comment = raw.rsplit("\n\n", 1) if "\n\n" in raw else ("", raw)
    assert comment == f"<!-- postbell {_KEY} -->"
    return body


# What is published


def test_paragraphs_lines_and_links_become_blocks() -> None:
    assert _body("One & <two>\nlines\n\nSee https://a.example/?b=1&c=2.") == (
        "<!-- wp:paragraph -->\n<p>One &amp; &lt;two&gt;<br>lines</p>\n<!-- /wp:paragraph -->\n\n"
        '<!-- wp:paragraph -->\n<p>See <a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a>.'
        "</p>\n<!-- /wp:paragraph -->"
    )


def test_html_is_stored_as_it_is() -> None:
    assert _body(" <h2>Hi</h2>\n<p>[gallery]</p>\n", options={"markup": "html"}) == (
        "<h2>Hi</h2>\n<p>[gallery]</p>"
    )


def test_the_link_is_the_last_paragraph() -> None:
    assert _body("Look", link="https://a.example/?b&c").endswith(
        '<p><a href="https://a.example/?b&amp;c">https://a.example/?b&amp;c</a></p>\n<!-- /wp:paragraph -->'
    )


def test_a_link_that_the_text_has_is_not_added() -> None:
    assert _body("Look: https://a.example", link="https://a.example").count("<p>") == 1


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("text", "https://a.example/b/c"),
        ("html", "<p><a href='https://a.example/b/c'>Look</a></p>"),
        ("markdown", "[Look](https://a.example/b/c)"),
    ],
)
def test_a_link_that_only_begins_another_one_is_added(markup: str, text: str) -> None:
    body = _body(text, link="https://a.example/b", options={"markup": markup})
    assert body.count('href="https://a.example/b">') == 1


def test_title_and_excerpt_are_plain_text() -> None:
    daemon, far_side = blog(options={"excerpt": "1 < 2"})
    content = replace(daemon.outgoing.content, title="Q&A <b>")
    daemon.outgoing = replace(daemon.outgoing, content=content)
    _publish(daemon)
    (post,) = far_side.posts.values()
    assert (post["title"]["raw"], post["excerpt"]["raw"]) == ("Q&amp;A &lt;b&gt;", "1 &lt; 2")


def test_a_title_alone_is_a_post() -> None:
    assert _body("") == ""


def test_one_picture_is_an_image_block_with_its_id_address_and_alt_text(tmp_path: Path) -> None:
    daemon, far_side = blog("", media=(picture(tmp_path, alt='A "cat" & <dog>'),))
    _publish(daemon)
    (post,), (item,) = far_side.posts.values(), far_side.media.values()
    assert post["content"]["raw"].partition("\n\n")[0] == (
        f'<!-- wp:image {{"id":{item["id"]},"sizeSlug":"full","linkDestination":"none"}} -->\n'
        f'<figure class="wp-block-image size-full"><img src="{item["source_url"]}" '
        f'alt="A &quot;cat&quot; &amp; &lt;dog&gt;" class="wp-image-{item["id"]}"/></figure>\n'
        "<!-- /wp:image -->"
    )
    assert item["alt_text"] == 'A "cat" & &lt;dog>'


def test_several_pictures_are_a_gallery_in_their_order(tmp_path: Path) -> None:
    body = _body("", media=(picture(tmp_path, "a.png", "first"), picture(tmp_path, "b.png", "second")))
    assert body.startswith('<!-- wp:gallery {"linkTo":"none"} -->\n<figure class="wp-block-gallery ')
    assert re.findall('alt="([^"]*)"', body) == ["first", "second"]


def test_a_picture_without_alt_text_is_sent_none(tmp_path: Path) -> None:
    daemon, far_side = blog(media=(picture(tmp_path, alt=""),))
    _publish(daemon)
    (number,) = far_side.media
    assert [each for each in far_side.requests if each.url.path.endswith(f"media/{number}")] == []


def test_the_featured_image_is_the_first_picture_and_not_in_the_body(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "first"), picture(tmp_path, "b.png", "second"))
    daemon, far_side = blog(media=media, options={"featured": True})
    assert _publish(daemon).warnings == ()
    (post,) = far_side.posts.values()
    assert far_side.media[post["featured_media"]]["alt_text"] == "first"
    assert re.findall('alt="([^"]*)"', post["content"]["raw"]) == ["second"]


def test_a_featured_image_needs_a_picture() -> None:
    outgoing = SUBJECT.outgoing(options={"featured": True})
    (problem,) = network.check(outgoing.content, outgoing.options, account="blog")
    assert str(problem) == "[wordpress] featured (for blog): add a picture (--media)."


def test_categories_and_tags_that_exist_are_used_and_others_made() -> None:
    daemon, far_side = blog(options={"categories": "r&d, Releases", "tags": "2026, bell"})
    far_side.terms = {
        "categories": {1: "Uncategorized", 20: "R&amp;D notes", 21: "R&amp;D"},
        "tags": {30: "Bell"},
    }
    assert _publish(daemon).warnings == ()
    (post,) = far_side.posts.values()
    assert [far_side.terms["categories"][each] for each in post["categories"]] == ["R&amp;D", "Releases"]
    assert [far_side.terms["tags"][each] for each in post["tags"]] == ["2026", "Bell"]


def test_a_term_that_a_search_does_not_show_is_taken_from_the_refusal_to_make_it_again() -> None:
    daemon, far_side = blog(options={"tags": "News!"})
    far_side.terms["tags"] = {30: "News"}
    _publish(daemon)
    (post,) = far_side.posts.values()
    assert post["tags"] == [30]


def test_a_number_is_the_id_of_a_category() -> None:
    daemon, far_side = blog(options={"categories": "7"})
    far_side.terms["categories"][7] = "Seven"
    assert _publish(daemon).warnings == ()
    (post,) = far_side.posts.values()
    assert post["categories"] == [7]


def test_tags_alone_leave_the_default_category() -> None:
    assert _post(options={"tags": "a"})["categories"] == [1]


def test_an_author_uses_a_category_but_makes_none() -> None:
    daemon, far_side = blog(options={"categories": "Releases, Bells"})
    far_side.role = "author"
    far_side.terms["categories"][7] = "releases"
    assert _publish(daemon).warnings == (
        "It has no category Bells: the site does not know it, and this user may not make it (an Editor may).",
    )
    (post,) = far_side.posts.values()
    assert post["categories"] == [7]


def test_slug_and_status_are_the_user_s() -> None:
    post = _post(options={"slug": "hello", "status": "private"})
    assert (post["slug"], post["status"]) == ("hello", "private")


def test_the_slug_comes_from_the_title_where_none_is_given() -> None:
    assert _post()["link"] == f"{SERVER}/a-morning/"


def test_markdown_becomes_blocks_with_pictures_where_they_are_named(tmp_path: Path) -> None:
    media = (picture(tmp_path, "a.png", "first"), picture(tmp_path, "b.png", "second"))
    text = "## Hi\n\n![](b.png)\n\n- x"
    body = _body(text, media=media, link="https://a.example/", options={"markup": "markdown"})
    assert re.findall("<!-- wp:([a-z-]+)", body) == [
        "heading", "image", "list", "list-item", "paragraph", "image"
    ]  # fmt: skip
    assert re.findall('alt="([^"]*)"', body) == ["second", "first"]


def test_markdown_gives_a_post_without_a_title_its_first_heading() -> None:
    daemon, far_side = blog("# Q&A\n\nText", options={"markup": "markdown"})
    daemon.outgoing = replace(daemon.outgoing, content=replace(daemon.outgoing.content, title=None))
    _publish(daemon)
    (post,) = far_side.posts.values()
    assert post["title"]["raw"] == "Q&amp;A"
    assert "Q" not in post["content"]["raw"]
    assert "Q&amp;A" in _body("# Q&A\n\nText", options={"markup": "markdown"})  # it has a title


@pytest.mark.parametrize(("markup", "text"), [("markdown", "![x](a.png)"), ("html", '<img src="a.png">')])
def test_a_picture_that_the_text_shows_and_the_post_has_not_is_told_before(
    markup: str, text: str, tmp_path: Path
) -> None:
    outgoing = SUBJECT.outgoing(text, options={"markup": markup})
    (problem,) = network.check(outgoing.content, outgoing.options, account="blog")
    assert str(problem) == "text (for blog): it shows a.png, which is no file of the post; add it (--media)."
    content = replace(outgoing.content, media=(picture(tmp_path, "a.png"),))
    assert network.check(content, outgoing.options, account="blog") == []


def test_html_shows_files_of_the_post_by_their_names(tmp_path: Path) -> None:
    daemon, far_side = blog('<img src="cat.png">', media=(picture(tmp_path),), options={"markup": "html"})
    _publish(daemon)
    (post,), (item,) = far_side.posts.values(), far_side.media.values()
    assert post["content"]["raw"].startswith(f'<img src="{item["source_url"]}">\n\n<!-- postbell')


def test_without_blocks_a_body_is_plain_html(tmp_path: Path) -> None:
    body = _body("Hi", media=(picture(tmp_path),), options={"blocks": False})
    assert re.sub('src="[^"]*"', "", body) == (
        '<p>Hi</p>\n\n<figure class="wp-block-image size-full">'
        '<img  alt="A cat" class="wp-image-2"/></figure>'
    )


def test_a_video_is_shown_behind_the_pictures_and_is_never_the_featured_image(tmp_path: Path) -> None:
    video = replace(picture(tmp_path, "v.mp4", data=mp4()), kind=MediaKind.VIDEO, mime="video/mp4")
    media = (video, picture(tmp_path, "a.png", "first"), picture(tmp_path, "b.png", "second"))
    daemon, far_side = blog(media=media, options={"featured": True})
    _publish(daemon)
    (post,) = far_side.posts.values()
    assert re.findall("<!-- wp:([a-z-]+)", post["content"]["raw"]) == ["paragraph", "image", "video"]
    assert far_side.media[post["featured_media"]]["alt_text"] == "first"
    outgoing = SUBJECT.outgoing(media=(video,), options={"featured": True})
    assert len(network.check(outgoing.content, outgoing.options, account="blog")) == 1


def test_format_password_and_comments_are_the_user_s() -> None:
    options = {"format": "aside", "password": "open sesame", "comments": "closed"}
    post = _post(options=options)
    assert (post["format"], post["password"], post["comment_status"]) == ("aside", "open sesame", "closed")


def test_a_sticky_post_is_sticky() -> None:
    assert _post(options={"sticky": True})["sticky"] is True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"password": "x", "sticky": True},
            "[wordpress] sticky (for blog): a post with a password cannot be",
        ),
        ({"password": "x", "status": "private"}, "[wordpress] password (for blog): a private post has none;"),
    ],
)
def test_what_wordpress_does_not_have_together_is_told_before(options: dict[str, Any], said: str) -> None:
    outgoing = SUBJECT.outgoing(options=options)
    (problem,) = network.check(outgoing.content, outgoing.options, account="blog")
    assert str(problem).startswith(said)


# The account


def test_an_account_is_verified_by_name_and_rights() -> None:
    daemon, _ = blog()
    profile = asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))
    assert (profile.handle, profile.url, profile.notes) == (USERNAME, f"{SERVER}/author/{USERNAME}/", ())


def test_missing_rights_are_noted() -> None:
    daemon, far_side = blog()
    far_side.role = "contributor"
    profile = asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))
    assert [note.partition(";")[0] for note in profile.notes] == [
        "This user may not publish posts",
        "This user may not upload files",
    ]


def test_a_wrong_password_is_unauthorized() -> None:
    daemon, far_side = blog()
    far_side.password_works = False
    with pytest.raises(Unauthorized):
        asyncio.run(network.verify(daemon.outgoing.target, daemon._http(None)))


def test_the_spaces_of_an_application_password_do_not_matter() -> None:
    given = {"username": USERNAME, "application_password": PASSWORD}
    credentials = network.Credentials.model_validate(given)
    assert credentials == network.Credentials.model_validate(
        given | {"application_password": PASSWORD.replace(" ", "")}
    )
    assert "abcd" not in repr(credentials)


# What is announced


def test_a_preview_names_what_is_not_known_yet(tmp_path: Path) -> None:
    options = {"categories": "7, News", "tags": "a", "featured": True}
    media = (picture(tmp_path), picture(tmp_path, "dog.png", ""))
    outgoing = SUBJECT.outgoing(media=media, options=options)
    calls = network.preview(outgoing)
    assert [call.url.partition("/wp/v2/")[2] for call in calls] == [
        "categories",
        "tags",
        "media",
        "media/<media id of cat.png>",
        "media",
        "posts",
        "posts/<id of the draft>",
    ]
    draft = calls[-2].body
    assert (draft["categories"], draft["tags"]) == ([7, "<id of category News>"], ["<id of tag a>"])
    assert draft["featured_media"] == "<media id of cat.png>"
    assert calls[-1].body == {"status": "publish", "slug": ""}
    assert {call.headers["authorization"] for call in calls} == {"Basic ***"}
