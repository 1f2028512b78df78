"""A post of WordPress: how it is made step by step, and what the site has made of it."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from postbell.domain.markup import escape
from postbell.domain.media import SUFFIXES
from postbell.errors import Gone, RateLimited, Rejected
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.together import Reached, as_far_as, next_files
from postbell.publishing.web.answer import Refused
from postbell.publishing.wordpress.blocks import essence
from postbell.publishing.wordpress.body import fields_of
from postbell.publishing.wordpress.site import Site, things


#: Seconds for a file of more than a million bytes, all sizes of which are made before the answer comes.
_UPLOAD_DEADLINE = 180.0
#: How many pictures are uploaded side by side: a site makes all sizes of each meanwhile, which takes memory.
_AT_ONCE = 2
#: The states in which a post is done.
PUBLIC = ("publish", "private")
#: The kinds of terms, and what one of them is called.
KINDS = {"categories": "category", "tags": "tag"}
#: Fields that can come to nothing, and what was not done then.
_TOLD = {
    "featured_media": "set the featured image",
    "password": "ask readers for the password",
    "sticky": "make it sticky",
    "format": "give it the format; the theme may not have it",
    "comment_status": "open or close it for comments",
}
#: How often a draft that is not there any more is made again.
_MOST_ANEW = 2
#: Look-ups that see drafts; they need a login.
ANY = {"status": "any", "context": "edit"}


async def find_terms(site: Site, options: Any) -> dict[str, Any]:
    """Return the ids of categories and tags by kind, and the names of those `without` which it must be."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    without = []
    for kind, one in KINDS.items():
        for name in getattr(options, kind):
            number = await _term(site, kind, name)
            if number is None:
                without.append(f"{one} {name}")
            else:
                found[kind].append(number)
    return {"terms": found, "without": without}


async def _term(site: Site, kind: str, name: str) -> int | None:
    """Return the id of a category or tag. Look before making: not everybody who may use it may make it."""
    if kind == "categories" and name.isdecimal():
        return int(name)
    # Names are stored with their entities, and searched as they are stored.
    query = {"search": html.escape(name, quote=False), "per_page": 100, "_fields": "id,name"}
    for term in things(await site.ask("GET", f"{kind}?{urlencode(query)}"), least=0):
        if html.unescape(str(term.get("name"))).casefold() == name.casefold():
            return int(term["id"])
    try:
        return int((await site.change(kind, {"name": name}))["id"])
    except Refused as refusal:
        if isinstance(known := refusal.data.get("term_id"), int):  # somebody was faster
            return known
        if refusal.code == "rest_cannot_create":  # the post is worth more than its term
            return None
        raise


async def upload_files(site: Site, outgoing: Outgoing, start: int) -> Reached[dict[str, Any]]:
    """Upload the next files, side by side; return id and address of those that have come."""

    async def one(index: int) -> dict[str, Any]:
        return await _upload_file(site, outgoing, index)

    files = next_files(outgoing.content.media, start, most=_AT_ONCE)
    try:
        return await as_far_as(files, one, most=_AT_ONCE)
    except Refused:
        if len(files) == 1:
            raise
        # Two may be in each other's way: of two that make the folder of a new month one is refused.
        return await as_far_as(files[:1], one, most=1)


async def _upload_file(site: Site, outgoing: Outgoing, index: int) -> dict[str, Any]:
    """Return id and address of an uploaded picture, which an earlier try may have uploaded already.

    `alt` is false with it where the site has not kept its alt text.
    """
    item = outgoing.content.media[index]
    found = await site.find("media", outgoing.key, slug=slug_of(outgoing, index))
    if not found:
        # As the body, not in a form: PHP's upload_max_filesize, often 2 MB, is about forms.
        data, headers = await asyncio.to_thread(item.path.read_bytes), file_headers(outgoing, index)
        deadline = _UPLOAD_DEADLINE if item.size > 1_000_000 else None
        found = things(await site.ask("POST", "media", content=data, headers=headers, deadline=deadline))[0]
    alt = item.alt.replace("<", "&lt;")  # what looks like a tag is taken out there, even of plain text
    if alt and found.get("alt_text") != alt:
        found = await site.change(f"media/{found['id']}", {"alt_text": alt})
    known = {"id": found["id"], "url": escape(str(found.get("source_url")))}
    kept = not alt or essence(str(found.get("alt_text") or "")) == essence(alt)
    return known if kept else known | {"alt": False}


async def find_made(site: Site, outgoing: Outgoing) -> dict[str, Any] | None:
    """Return the post of an earlier try: a draft has a slug of ours, afterwards only the comment tells."""
    found = await site.find("posts", outgoing.key, slug=slug_of(outgoing), **ANY)
    return found or await site.find("posts", outgoing.key, search=outgoing.key, **ANY)


async def find_public(site: Site, outgoing: Outgoing) -> dict[str, Any] | None:
    """Return the post of an earlier try, also to a user who may not edit what is public."""
    return await find_made(site, outgoing) or await site.find("posts", outgoing.key, search=outgoing.key)


async def make_draft(site: Site, outgoing: Outgoing, done: Mapping[str, Any]) -> int:
    """Return the id of the draft. One whose making broke off may lack its terms, so it is written again."""
    post, fields = await find_made(site, outgoing), fields_of(outgoing, done)
    if not post:
        # No date: a draft without one takes the moment at which it is published.
        post = await site.change("posts", {"status": "draft", "slug": slug_of(outgoing), **fields})
    elif post.get("status") not in PUBLIC:
        post = await site.change(f"posts/{post['id']}", fields)
    return int(post["id"])


class MayBeOurs(Rejected):
    """What a site has under the number of the draft may be the post, public already."""


async def held(site: Site, outgoing: Outgoing, number: int) -> dict[str, Any] | None:
    """Return the post under the number of the draft; None where that is gone, or somebody else's draft.

    The account may have another site by now; what somebody else has written there must not be made public.
    What is no draft any more may be ours without our key: the slug that had it is replaced when a post is
    released, and a site may take comments out of the body. Raises MayBeOurs for such.
    """
    try:
        found = things(await site.ask("GET", f"posts/{number}?context=edit"))[0]
    except Refused as refusal:
        if refusal.code == "rest_post_invalid_id":
            return None
        if refusal.code != "rest_forbidden_context":
            raise
        found = await _read_only(site, number)
    if outgoing.key in str(found):
        return found
    if (state := found.get("status")) == "draft":
        return None
    raise _may_be_ours(site, number, "is public" if state in PUBLIC else f"is in the state {state!r}")


async def _read_only(site: Site, number: int) -> dict[str, Any]:
    """Return a post as its readers see it: not everybody who may publish may edit what is public."""
    try:
        return things(await site.ask("GET", f"posts/{number}"))[0]
    except Refused:
        raise _may_be_ours(site, number, "may not be read by this user") from None


def _may_be_ours(site: Site, number: int, what: str) -> MayBeOurs:
    return MayBeOurs(f"post {number} of {site.place} {what} and may be this one: look there")


def begin_anew(site: Site, done: Mapping[str, Any]) -> Progress:
    """Forget the draft, its files and its terms: their numbers mean other things there now."""
    times = done.get("anew", 0) + 1
    if times > _MOST_ANEW:
        raise Rejected(f"{site.place} has lost the draft {times} times; it does not keep what is made there")
    return Progress(step="the draft was lost", data={"anew": times})


async def edit_post(site: Site, outgoing: Outgoing, number: str) -> Receipt:
    """Let a post say what it says now. Its files are those that were uploaded; one that is gone is anew."""
    try:
        post = (await site.ask("GET", f"posts/{number}?context=edit")).json()
    except Refused as refusal:
        if refusal.code == "rest_post_invalid_id":
            raise Gone from None
        raise
    if not isinstance(post, dict) or outgoing.key not in str(post.get("content")):
        raise Rejected(f"post {number} at {site.place} is not the one that was published")
    if post.get("status") not in PUBLIC:
        raise Gone
    done = await find_terms(site, outgoing.options)
    media = list[dict[str, Any]]()
    while len(media) < len(outgoing.content.media):
        more = await upload_files(site, outgoing, len(media))
        if more.again_at:
            raise RateLimited(f"{site.place} asks to wait", until=more.again_at)
        media += more.done
    done |= {"media": media, "post": int(number)}
    fields = _bare(outgoing.options) | fields_of(outgoing, done)
    return receipt_of(await site.change(f"posts/{number}", fields), outgoing, done)


def _bare(options: Any) -> dict[str, Any]:
    """Return what a post is that was told nothing: what it is not told any more is taken from it."""
    fields = {"password": options.password, "sticky": options.sticky, "format": options.format}
    return fields | {"featured_media": 0, "tags": []}


def receipt_of(post: Mapping[str, Any], outgoing: Outgoing, done: Mapping[str, Any]) -> Receipt:
    """Compare: WordPress leaves out without a word what it does not know or does not allow."""
    warnings, slug = list(_unlike(post, outgoing, done)) if "post" in done else [], outgoing.options.slug
    if slug and post.get("slug") != slug:
        warnings.append(f"The slug {slug!r} was taken or not allowed; it became {post.get('slug')!r}.")
    return Receipt(id=str(post["id"]), url=post.get("link"), warnings=tuple(warnings))


def _unlike(post: Mapping[str, Any], outgoing: Outgoing, done: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as it was sent."""
    sent = fields_of(outgoing, done)
    yield from _changed_texts(post, sent)
    for name, told in _TOLD.items():
        if name in sent and post.get(name) != sent[name]:
            yield f"WordPress did not {told}."
    for item, known in zip(outgoing.content.media, done.get("media", ()), strict=False):
        if not known.get("alt", True):
            yield f"WordPress did not keep the alt text of {item.name} as it is; look at it in wp-admin."
    for name in done.get("without", ()):
        yield f"It has no {name}: the site does not know it, and this user may not make it (an Editor may)."
    for kind in KINDS:
        if missing := sorted(set(sent.get(kind, ())) - set(post.get(kind) or ())):
            yield f"WordPress left out {kind} that it does not have: {missing}."


def _changed_texts(post: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    """Yield which texts are not as they were sent; nothing where the answer tells none."""
    body = _raw(post, "content")
    if not isinstance(body, str):
        return
    if essence(body) != essence(sent["content"]["raw"]):
        yield "WordPress changed the body: this user may not use all of its HTML (an Editor may)."
    for name in ("title", "excerpt"):  # the site leaves out of its answer what its posts do not have
        if (text := sent[name]["raw"]) and essence(_raw(post, name) or "") != essence(text):
            yield f"WordPress did not keep the {name} as it is."


def _raw(post: Mapping[str, Any], name: str) -> Any:
    """Return a text as it is stored; None where the answer does not have it."""
    field = post.get(name)
    return field.get("raw") if isinstance(field, dict) else None


def slug_of(outgoing: Outgoing, index: int | None = None) -> str:
    """Return what the draft, or one of its files, is called at the site; nobody else uses such a name."""
    return f"pb-{outgoing.key}" if index is None else f"pb-{outgoing.key}-{index + 1}"


def file_headers(outgoing: Outgoing, index: int) -> dict[str, str]:
    """Return what says of which type a file is, and how it is called there."""
    mime = outgoing.content.media[index].mime
    name = slug_of(outgoing, index) + SUFFIXES[mime]
    return {"content-type": mime, "content-disposition": f'attachment; filename="{name}"'}
