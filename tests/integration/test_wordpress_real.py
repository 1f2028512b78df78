"""The network `wordpress` against a WordPress that nobody here wrote."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.clock import SystemClock
from postbell.domain.content import Content
from postbell.errors import Rejected, Unauthorized
from postbell.networks.wordpress import network
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Reply
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.wordpress.handover import APP
from support import pictures
from support.command import with_accounts
from support.terminal import at_terminal
from support.wordpress import WordPress
from support.wordpress_posting import post_for, publish, stored, take_steps, two_pictures


pytestmark = pytest.mark.real


async def _find(outgoing: Outgoing, progress: Progress | None = None) -> object:
    clients = Clients()
    try:
        return await network.find(outgoing, progress, Http(clients, SystemClock()))
    finally:
        await clients.close()


def _delete(outgoing: Outgoing, name: str) -> None:
    async def delete() -> None:
        clients = Clients()
        try:
            await network.delete(outgoing, name, Http(clients, SystemClock()))
        finally:
            await clients.close()

    asyncio.run(delete())


def _counts(outgoing: Outgoing, name: str) -> object:
    async def count() -> object:
        clients = Clients()
        try:
            return await network.metrics(outgoing.target, name, Http(clients, SystemClock()))
        finally:
            await clients.close()

    return asyncio.run(count())


def _posts_with(site: WordPress, outgoing: Outgoing) -> list[dict[str, Any]]:
    return [post for post in site.posts() if outgoing.key in f"{post['slug']} {post['content']['raw']}"]


def test_a_text_reads_back_equal_and_is_shown(wordpress: WordPress) -> None:
    text = (
        'Ünïcode 日本語 👩‍👩‍👧 "quoted" & <b>bold</b> [gallery] \\ 5 %\n\nSee https://example.com/?a=1&b=2.'
    )
    outgoing = post_for(wordpress, text, title="Q&A <1>")
    receipt = publish(outgoing)
    assert receipt.warnings == ()
    post = wordpress.post(int(receipt.id))
    paragraphs = re.findall("<p>(.*?)</p>", post["content"]["raw"])
    assert "\n\n".join(html.unescape(re.sub("<[^>]*>", "", part)) for part in paragraphs) == text
    assert (post["status"], post["link"], html.unescape(post["title"]["raw"])) == (
        "publish",
        receipt.url,
        "Q&A <1>",
    )
    assert receipt.url
    page = wordpress.page(receipt.url)
    assert "[gallery]" in html.unescape(page)
    assert '<a href="https://example.com/?a=1&amp;b=2">' in page


def test_comments_are_counted_until_the_post_is_gone(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "What do you think?", title="A question")
    receipt = publish(outgoing)
    assert _counts(outgoing, receipt.id) == {"comments": 0}
    for text in ("Fine.", "Not so fine."):
        wordpress.create("comments", post=int(receipt.id), content=text)
    assert _counts(outgoing, receipt.id) == {"comments": 2}
    for _ in range(2):  # in the trash, and gone for good
        _delete(outgoing, receipt.id)
        assert _counts(outgoing, receipt.id) == Absent()


def test_two_pictures_read_back_with_bytes_and_alt_texts(wordpress: WordPress, tmp_path: Path) -> None:
    images = two_pictures(tmp_path)
    receipt = publish(post_for(wordpress, "Look", title="Two pictures", media=images))
    assert receipt.warnings == ()
    raw = wordpress.post(int(receipt.id))["content"]["raw"]
    shown = re.findall(r'<img src="([^"]*)" alt="([^"]*)" class="wp-image-(\d+)"', raw)
    assert [html.unescape(alt) for _, alt, _ in shown] == [image.alt for image in images]
    assert [wordpress.media_bytes(int(number)) for _, _, number in shown] == [
        image.path.read_bytes() for image in images
    ]
    for source, alt, number in shown:
        item = wordpress.media(int(number))
        assert item["source_url"] == html.unescape(source)
        assert html.unescape(item["alt_text"]) == html.unescape(alt)


def test_terms_excerpt_slug_status_and_featured_image_read_back_equal(
    wordpress: WordPress, tmp_path: Path
) -> None:
    known = wordpress.create("categories", name="R&D")["id"]
    options = {
        "categories": "r&d, Releases",
        "tags": "2026, Bells & whistles",
        "excerpt": "Short & <sweet>",
        "slug": "everything-at-once",
        "status": "private",
        "featured": True,
    }
    images = two_pictures(tmp_path)
    receipt = publish(post_for(wordpress, "All", title="All", media=images, options=options))
    assert receipt.warnings == ()
    post = wordpress.post(int(receipt.id))
    assert known in post["categories"]
    names = {kind: wordpress.term_names(kind, post[kind]) for kind in ("categories", "tags")}
    assert {html.unescape(name) for name in names["categories"]} == {"R&D", "Releases"}
    assert {html.unescape(name) for name in names["tags"]} == {"2026", "Bells & whistles"}
    assert (html.unescape(post["excerpt"]["raw"]), post["slug"], post["status"]) == (
        "Short & <sweet>",
        "everything-at-once",
        "private",
    )
    featured = wordpress.media(post["featured_media"])
    assert html.unescape(featured["alt_text"]) == images[0].alt
    assert wordpress.media_bytes(post["featured_media"]) == images[0].path.read_bytes()
    assert featured["source_url"] not in post["content"]["raw"]


def test_any_step_taken_again_leaves_one_post_and_each_file_once(
    wordpress: WordPress, tmp_path: Path
) -> None:
    outgoing = post_for(
        wordpress,
        "Once",
        title="Once",
        media=two_pictures(tmp_path),
        options={"tags": "once", "slug": "only-once"},
    )
    *steps, receipt = asyncio.run(take_steps(outgoing))
    for progress in (None, *steps):
        assert isinstance(progress, Progress | None)
        assert asyncio.run(take_steps(outgoing, progress))[-1] == receipt
    assert isinstance(receipt, Receipt)
    assert [str(post["id"]) for post in _posts_with(wordpress, outgoing)] == [receipt.id]
    assert wordpress.post(int(receipt.id))["slug"] == "only-once"
    files = [wordpress.get("media", slug=f"pb-{outgoing.key}-{number}") for number in (1, 2)]
    assert [len(found) for found in files] == [1, 1]


def test_a_post_is_found_when_it_is_public_and_not_before(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "Find me", title="Find me")
    assert asyncio.run(_find(outgoing)) == Absent()
    draft, receipt = asyncio.run(take_steps(outgoing))
    assert isinstance(draft, Progress)
    found = asyncio.run(_find(outgoing, draft))
    assert found == receipt
    assert isinstance(receipt, Receipt)
    assert asyncio.run(_find(outgoing)) == replace(receipt, warnings=())


def test_a_post_that_was_taken_away_is_in_the_trash_and_shown_to_nobody(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "For a while", title="For a while")
    receipt = publish(outgoing)
    assert receipt.url
    assert "For a while" in wordpress.page(receipt.url)
    for _ in range(2):
        _delete(outgoing, receipt.id)
        assert wordpress.post(int(receipt.id))["status"] == "trash"
        assert _posts_with(wordpress, outgoing) == []
        assert "For a while" not in wordpress.page(wordpress.url)
    assert asyncio.run(_find(outgoing)) == Absent()


def _edit(outgoing: Outgoing, name: str) -> Receipt:
    async def edit() -> Receipt:
        clients = Clients()
        try:
            return await network.edit(outgoing, name, Http(clients, SystemClock()))
        finally:
            await clients.close()

    return asyncio.run(edit())


def test_a_post_is_changed_under_its_address_with_the_files_that_it_has(
    wordpress: WordPress, tmp_path: Path
) -> None:
    outgoing = post_for(wordpress, "A text", title="Mine", media=two_pictures(tmp_path))
    receipt = publish(outgoing)
    before = wordpress.post(int(receipt.id))
    first, second = outgoing.content.media
    media = (first, replace(second, alt="Something else"))
    content = replace(outgoing.content, text="Another text", title="Other", media=media)
    for _ in range(2):
        changed = _edit(replace(outgoing, content=content), receipt.id)
        assert (changed.id, changed.url, changed.warnings) == (receipt.id, receipt.url, ())
    after = wordpress.post(int(receipt.id))
    same = ("slug", "link", "date_gmt", "status")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["title"]["raw"] == "Other"
    assert "Another text" in after["content"]["raw"]
    assert 'alt="Something else"' in after["content"]["raw"]
    files = [re.findall(r"wp-image-(\d+)", post["content"]["raw"]) for post in (before, after)]
    assert files[0] == files[1] != []
    _delete(outgoing, receipt.id)
    with pytest.raises(Rejected, match="not there any more"):
        _edit(outgoing, receipt.id)


def test_a_post_that_is_gone_for_good_counts_as_taken_away(wordpress: WordPress) -> None:
    _delete(post_for(wordpress, "Never", title="Never"), "999999")


def test_a_post_of_somebody_else_is_never_taken_away(wordpress: WordPress) -> None:
    theirs = wordpress.create("posts", title="Theirs", content="Theirs", status="publish")["id"]
    with pytest.raises(Rejected, match="is not the one that was published"):
        _delete(post_for(wordpress, "Ours"), str(theirs))
    assert wordpress.post(theirs)["status"] == "publish"


def test_a_first_comment_stands_below_its_post_once_and_is_taken_away(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "The post", title="The post")
    receipt = publish(outgoing)
    content, reply = Content(text='By "the" way: 1 < 2'), Reply(root=receipt.id, parent=receipt.id)
    said = replace(outgoing, content=content, options=outgoing.options.further(), reply=reply)
    first = publish(said)
    publish(said)  # refused as a second one, and taken for done
    (comment,) = wordpress.get("comments", post=receipt.id)
    assert (first.id, first.url) == (f"comment:{comment['id']}", comment["link"])
    shown = html.unescape(re.sub("<[^>]*>", "", comment["content"]["rendered"])).strip()
    assert re.sub("[“”″]", '"', shown) == 'By "the" way: 1 < 2'
    for _ in range(2):
        _delete(said, first.id)
    assert wordpress.get("comments", post=receipt.id) == []


def test_a_wrong_password_takes_nothing_away(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "Stays", title="Stays")
    receipt = publish(outgoing)
    wrong = network.Credentials.model_validate(
        {"username": wordpress.username, "application_password": "wrong wrong wrong"}
    )
    with pytest.raises(Unauthorized):
        _delete(replace(outgoing, target=replace(outgoing.target, credentials=wrong)), receipt.id)
    assert wordpress.post(int(receipt.id))["status"] == "publish"


def test_a_post_without_a_title_has_an_address(wordpress: WordPress) -> None:
    receipt = publish(post_for(wordpress, "No title"))
    assert receipt.url
    assert "No title" in wordpress.page(receipt.url)


def test_a_wrong_password_is_the_account_s_trouble(wordpress: WordPress) -> None:
    outgoing = post_for(wordpress, "Never", title="Never", password="wrong wrong wrong wrong")
    with pytest.raises(Unauthorized):
        publish(outgoing)
    with pytest.raises(Unauthorized):
        asyncio.run(_find(outgoing))
    assert _posts_with(wordpress, outgoing) == []


def test_a_file_that_the_site_does_not_take_is_refused(wordpress: WordPress, tmp_path: Path) -> None:
    media = (stored(tmp_path, "page.png", pictures.HTML, ""),)
    with pytest.raises(Rejected, match="rest_upload_sideload_error"):
        publish(post_for(wordpress, "Never", title="Never", media=media))


def test_the_account_is_verified(wordpress: WordPress) -> None:
    async def verify() -> tuple[str, tuple[str, ...]]:
        clients = Clients()
        try:
            target = post_for(wordpress, "x").target
            profile = await network.verify(target, Http(clients, SystemClock()))
            return profile.handle, profile.notes
        finally:
            await clients.close()

    assert asyncio.run(verify()) == (wordpress.username, ())


def test_a_password_is_handed_over_by_the_browser(wordpress: WordPress, tmp_path: Path) -> None:
    login = {"username": "a-writer", "password": secrets.token_hex(10)}
    wordpress.create("users", **login, email="c@example.com", roles=["author"])
    home = with_accounts(tmp_path)
    with at_terminal(
        home, "account", "add", "wordpress", "--name", "news", "--server", wordpress.url
    ) as person:
        person.expect(f"{APP['app_id']}\n\n")
        (page,) = re.findall(r"^  (http\S+success_url\S+)$", person.seen, re.MULTILINE)
        with httpx.Client(trust_env=False, timeout=30) as browser:
            said = {"log": login["username"], "pwd": login["password"], "testcookie": "1"}
            browser.cookies.set("wordpress_test_cookie", "WP%20Cookie%20check", domain="127.0.0.1")
            browser.post(f"{wordpress.url}/wp-login.php", data=said)
            shown = browser.get(page).text
            form = dict(re.findall(r'<input type="hidden"[^>]* name="(\w+)" value="([^"]*)"', shown))
            form = {name: html.unescape(value) for name, value in form.items()}
            sent = browser.post(
                f"{wordpress.url}/wp-admin/authorize-application.php",
                data={**form, "app_name": "Postbell", "approve": "yes"},
            )
            browser.get(sent.headers["location"])
        person.read_all()
    assert "Connected news to WordPress: a-writer" in person.seen
