"""Posts of a WordPress site, through the REST interface of WordPress itself (wp/v2).

Exactly once: a draft is made under a slug of our own, its id is stored, and only then is it published: to do
that again changes nothing. A comment in the body marks the post for good, should even the id get lost.
Facts from developer.wordpress.org/rest-api/reference and from the answers of WordPress 6.1 and 7.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.media import MediaKind
from postbell.errors import Problem, Rejected
from postbell.publishing import protocol
from postbell.publishing.faults import Fault, problems_of
from postbell.publishing.protocol import Call, Outgoing, Profile, Progress, Receipt, Target
from postbell.publishing.web.answer import Refused
from postbell.publishing.web.handover import Handover
from postbell.publishing.wordpress import comments as wp_comments
from postbell.publishing.wordpress.body import fields_of, missing_files
from postbell.publishing.wordpress.handover import BrowserHandover
from postbell.publishing.wordpress.options import Credentials, Options
from postbell.publishing.wordpress.post import (
    KINDS,
    PUBLIC,
    MayBeOurs,
    begin_anew,
    edit_post,
    file_headers,
    find_public,
    find_terms,
    held,
    make_draft,
    receipt_of,
    slug_of,
    upload_files,
)
from postbell.publishing.wordpress.site import Site, address_of, roots, things


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

#: WordPress has no limits and its server does not tell its own: these are ours.
_MEDIA = {
    **dict.fromkeys(("image/gif", "image/jpeg", "image/png", "image/webp"), 50_000_000),
    **dict.fromkeys(("video/mp4", "video/quicktime"), 100_000_000),
}
#: Rights that posting needs, and what the user is told where one is missing.
_RIGHTS = {
    "publish_posts": "This user may not publish posts; give it the role Author or higher.",
    "upload_files": "This user may not upload files; posts with pictures will fail.",
}
_GUIDE = """\
The server is the address of your site's home page, as the browser shows it once the page has loaded. What is
hosted at WordPress.com has that interface only where plugins may be installed.
At a terminal `postbell account add wordpress --name NAME --server URL`, without the other two, names a page
of your site. Log in there as the user who shall be the author (role Author or higher) and say yes: the site
makes a password for Postbell alone. By hand:
1. Log in to your site's wp-admin as that user.
2. Open Users > Profile and go to the section Application Passwords. It needs https and WordPress 5.6;
   where it is missing, the host or a security plugin has switched it off.
3. Type a name, such as Postbell, and press Add. The password is shown once; copy it. Revoke it there, too.
If a password that is right is refused, the web server drops the header Authorization: with Apache,
`CGIPassAuth On` or `SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=$1` lets it through.

A post has a title (--title); with markup=markdown it is else the heading with which the text begins. A link
that the text does not contain is its last paragraph. Files that the text does not show by their names stand
below it. How large they may be the site does not tell: what stands below is ours, and it may take less. What
the author's role may not use, such as scripts and frames, the site takes out of html, and you are told."""


class WordPress:
    """A site that runs WordPress."""

    key: ClassVar[str] = "wordpress"
    label: ClassVar[str] = "WordPress"
    summary: ClassVar[str] = "Posts on a WordPress site: Markdown, categories, tags, pictures, videos."
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=20, types=_MEDIA))
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "required"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = _GUIDE
    resend: ClassVar[protocol.Resend] = protocol.Resend.SAFE
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[protocol.Threads] = protocol.Threads.JOINED
    comments: ClassVar[bool] = True
    handover: ClassVar[Handover] = BrowserHandover()

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what cannot be together, and the files that the text shows and the post does not have."""
        return problems_of(account, _faults(content, options))

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the requests that `publish` makes where its look-ups, which are left out, find nothing."""
        if outgoing.reply:
            return wp_comments.preview(outgoing, address_of(roots(outgoing.target)[0], "wp/v2/comments"))
        content, options = outgoing.content, outgoing.options
        root = outgoing.target.session.get("root") or roots(outgoing.target)[0]
        calls: list[Call] = []
        done: dict[str, Any] = {"terms": {}, "media": []}

        def call(path: str, body: Any, **headers: str) -> None:
            headers |= {"authorization": "Basic ***"}
            url = address_of(root, f"wp/v2/{path}")
            calls.append(Call(method="POST", url=url, headers=headers, body=body))

        for kind, one in KINDS.items():
            for name in getattr(options, kind):
                known = kind == "categories" and name.isdecimal()
                done["terms"].setdefault(kind, []).append(int(name) if known else f"<id of {one} {name}>")
                if not known:
                    call(kind, {"name": name})
        for index, item in enumerate(content.media):
            done["media"].append({"id": f"<media id of {item.name}>", "url": f"<address of {item.name}>"})
            call("media", f"<{item.name}, {item.size:,} bytes>", **file_headers(outgoing, index))
            if item.alt:
                call(f"media/<media id of {item.name}>", {"alt_text": item.alt.replace("<", "&lt;")})
        call("posts", {"status": "draft", "slug": slug_of(outgoing), **fields_of(outgoing, done)})
        call("posts/<id of the draft>", {"status": options.status, "slug": options.slug})
        return calls

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Find or make the terms, upload each picture, make the draft, publish it: one step at a time."""
        if outgoing.reply:
            return await wp_comments.publish(Site(outgoing.target, http).ask, outgoing, now=http.now())
        done = dict(progress.data) if progress else {}
        options, media, uploaded = outgoing.options, outgoing.content.media, done.get("media", [])
        site = Site(outgoing.target, http)
        if (options.categories or options.tags) and "terms" not in done:
            return Progress(step="terms", data=done | await find_terms(site, options))
        if len(uploaded) < len(media):
            more = await upload_files(site, outgoing, len(uploaded))
            uploaded = [*uploaded, *more.done]
            step, data = f"media {len(uploaded)}", done | {"media": uploaded}
            return Progress(step=step, data=data, again_at=more.again_at)
        if "post" not in done:
            return Progress(step="draft", data=done | {"post": await make_draft(site, outgoing, done)})
        return await _release(site, outgoing, done)

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | protocol.Absent | protocol.Unknown:
        """Ask for the post by its id, and where none was stored by what is ours about it."""
        if outgoing.reply:
            return protocol.Unknown(reason="WordPress only refuses a second comment like it")
        done = dict(progress.data) if progress else {}
        site, stored = Site(outgoing.target, http), done.get("post")
        try:
            post = await (held(site, outgoing, stored) if stored else find_public(site, outgoing))
        except MayBeOurs as doubt:
            return protocol.Unknown(reason=str(doubt))
        if post and post.get("status") in PUBLIC:
            return receipt_of(post, outgoing, done)
        return protocol.Absent()

    async def edit(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Write the post anew; its address and its state stay."""
        return await edit_post(Site(outgoing.target, http), outgoing, receipt_id)

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Move the post to the trash, where wp-admin can restore it; for good where there is no trash."""
        site, path = Site(outgoing.target, http), f"posts/{receipt_id}"
        if receipt_id.startswith(wp_comments.MARK):
            return await wp_comments.delete(site.ask, receipt_id)
        try:
            post = (await site.ask("GET", f"{path}?context=edit")).field("content", dict)
            if outgoing.key not in str(post):  # the account may have another site by now
                raise Rejected(f"post {receipt_id} at {site.place} is not the one that was published")
            (await site.ask("DELETE", path)).field("id", int)
        except Refused as refusal:
            if refusal.code == "rest_trash_not_supported":
                (await site.ask("DELETE", f"{path}?force=true")).field("previous", dict)
            elif refusal.code not in ("rest_already_trashed", "rest_post_invalid_id"):
                raise

    async def metrics(
        self, target: Target, receipt_id: str, http: Http
    ) -> Mapping[str, int] | protocol.Absent:
        """Count the comments that are approved: WordPress itself counts nothing else."""
        return await wp_comments.count_comments(Site(target, http).ask, receipt_id)

    async def verify(self, target: Target, http: Http) -> Profile:
        """Find the REST interface afresh, and ask who the user is and what it may do."""
        site = Site(target, http)
        await site.find_root()
        me = things(await site.ask("GET", "users/me?context=edit"))[0]
        rights = me.get("capabilities") or {}
        notes = tuple(note for right, note in _RIGHTS.items() if not rights.get(right))
        return Profile(handle=str(me.get("username")), url=me.get("link"), notes=notes)


async def _release(site: Site, outgoing: Outgoing, done: Mapping[str, Any]) -> Receipt | Progress:
    """Make the draft public, unless an earlier try has done so whose answer was lost."""
    options, made = outgoing.options, await held(site, outgoing, done["post"])
    if made is None:
        return begin_anew(site, done)
    if made.get("status") in PUBLIC:
        return receipt_of(made, outgoing, done)
    release = {"status": options.status, "slug": options.slug}
    post = await site.change(f"posts/{done['post']}", release, publishes=True)
    if (state := post.get("status")) == options.status:
        return receipt_of(post, outgoing, done)
    raise Rejected(f"{site.place} keeps post {post['id']} as {state!r}; publish it there, in wp-admin.")


def _faults(content: Content, options: Any) -> Iterator[Fault]:
    if options.featured and all(item.kind is not MediaKind.IMAGE for item in content.media):
        yield "[wordpress] featured", "add a picture (--media)."
    if options.password and options.sticky:
        yield "[wordpress] sticky", "a post with a password cannot be sticky; leave one of both out."
    if options.password and options.status == "private":
        yield "[wordpress] password", "a private post has none; leave one of both out."
    for name in missing_files(content, options):
        yield "text", f"it shows {name}, which is no file of the post; add it (--media)."


network = WordPress()
