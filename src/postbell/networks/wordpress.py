"""Posts of a WordPress site, through the REST interface of WordPress itself (wp/v2).

Exactly once: a draft is made under a slug of our own, its id is stored, and only then is it published: to do
that again changes nothing. A comment in the body marks the post for good, should even the id get lost.
Facts from developer.wordpress.org/rest-api/reference and from the answers of WordPress 6.1 and 7.1.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from postbell.domain.content import Content
from postbell.domain.limits import Limits, MediaLimit
from postbell.domain.markup import anchor, escape, paragraphs
from postbell.domain.media import SUFFIXES
from postbell.errors import Problem, PublishError, Rejected, Unauthorized, Unavailable
from postbell.publishing import protocol, wp_comments
from postbell.publishing.addresses import keeps_secrets
from postbell.publishing.answer import Answer, Refused, lost
from postbell.publishing.blocks import block, essence, picture
from postbell.publishing.options import Strict, Words
from postbell.publishing.protocol import Call, Outgoing, Profile, Progress, Receipt, Target
from postbell.publishing.wp_comments import things


if TYPE_CHECKING:
    from postbell.publishing.http import Http

#: Seconds for a file of more than a million bytes, all sizes of which are made before the answer comes.
_UPLOAD_DEADLINE = 180.0
#: WordPress has no limits and its server does not tell its own: these are ours.
_MEDIA = dict.fromkeys(("image/gif", "image/jpeg", "image/png", "image/webp"), 50_000_000)
#: Rights that posting needs, and what the user is told where one is missing.
_RIGHTS = {
    "publish_posts": "This user may not publish posts; give it the role Author or higher.",
    "upload_files": "This user may not upload files; posts with pictures will fail.",
}
_GUIDE = """\
1. Log in to your site's wp-admin as the user who shall be the author (role Author or higher).
2. Open Users > Profile and go to the section Application Passwords. It needs https and WordPress 5.6;
   where it is missing, the host or a security plugin has switched it off.
3. Type a name, such as Postbell, and press Add. The password is shown once; copy it. Revoke it there, too.
4. The server is the address of your site's home page, as the browser shows it once the page has loaded."""


class Credentials(Strict):
    """Who posts."""

    username: str = Field(min_length=1, description="The login name, not the name shown on posts.")
    application_password: SecretStr = Field(min_length=1, description="Of that user; spaces do not matter.")

    @field_validator("application_password")
    @classmethod
    def _without_spaces(cls, value: SecretStr) -> SecretStr:
        return SecretStr("".join(value.get_secret_value().split()))


class Options(Strict):
    """What a post can be told about WordPress."""

    first_only = frozenset({"featured"})

    status: Literal["publish", "private"] = Field("publish", description="private: for the site's editors.")
    slug: str = Field("", description="The last part of the post's address; made from the title if empty.")
    excerpt: str = Field("", description="A short summary in plain text, for lists and feeds.")
    categories: Words = Field([], description="Names, made where they do not exist; or ids.")
    tags: Words = Field([], description="Names, made where they do not exist.")
    featured: bool = Field(default=False, description="Take the first picture out of the body for it.")
    markup: Literal["text", "html"] = Field("text", description="html: the text is HTML or blocks already.")


class WordPress:
    """A site that runs WordPress."""

    key: ClassVar[str] = "wordpress"
    label: ClassVar[str] = "WordPress"
    summary: ClassVar[str] = "Posts on a WordPress site: categories, tags, pictures, a featured image."
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

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return a problem if there shall be a featured image and there is no picture."""
        problem = Problem(where="[wordpress] featured", account=account, message="add a picture (--media).")
        return [problem] if options.featured and not content.media else []

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the requests that `publish` makes where its look-ups, which are left out, find nothing."""
        if outgoing.reply:
            return wp_comments.preview(outgoing, _address(_roots(outgoing.target)[0], "wp/v2/comments"))
        content, options = outgoing.content, outgoing.options
        root = outgoing.target.session.get("root") or _roots(outgoing.target)[0]
        calls: list[Call] = []
        done: dict[str, Any] = {"terms": {}, "media": []}

        def call(path: str, body: Any, **headers: str) -> None:
            headers |= {"authorization": "Basic ***"}
            url = _address(root, f"wp/v2/{path}")
            calls.append(Call(method="POST", url=url, headers=headers, body=body))

        for kind, one in _KINDS.items():
            for name in getattr(options, kind):
                known = kind == "categories" and name.isdecimal()
                done["terms"].setdefault(kind, []).append(int(name) if known else f"<id of {one} {name}>")
                if not known:
                    call(kind, {"name": name})
        for index, item in enumerate(content.media):
            done["media"].append({"id": f"<media id of {item.name}>", "url": f"<address of {item.name}>"})
            call("media", f"<{item.name}, {item.size:,} bytes>", **_file_headers(outgoing, index))
            if item.alt:
                call(f"media/<media id of {item.name}>", {"alt_text": item.alt.replace("<", "&lt;")})
        call("posts", {"status": "draft", "slug": _slug(outgoing), **_fields(outgoing, done)})
        call("posts/<id of the draft>", {"status": options.status, "slug": options.slug})
        return calls

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Find or make the terms, upload each picture, make the draft, publish it: one step at a time."""
        if outgoing.reply:
            return await wp_comments.publish(_Site(outgoing.target, http).ask, outgoing, now=http.now())
        done = dict(progress.data) if progress else {}
        options, media, uploaded = outgoing.options, outgoing.content.media, done.get("media", [])
        site = _Site(outgoing.target, http)
        if (options.categories or options.tags) and "terms" not in done:
            terms = {kind: [await _term(site, kind, n) for n in getattr(options, kind)] for kind in _KINDS}
            return Progress(step="terms", data=done | {"terms": terms})
        if len(uploaded) < len(media):
            picture = await _upload(site, outgoing, len(uploaded))
            return Progress(step=f"media {len(uploaded) + 1}", data=done | {"media": [*uploaded, picture]})
        if "post" not in done:
            return Progress(step="draft", data=done | {"post": await _draft(site, outgoing, done)})
        release = {"status": options.status, "slug": options.slug}
        post = await site.change(f"posts/{done['post']}", release, publishes=True)
        if (state := post.get("status")) == options.status:
            return _receipt(post, outgoing, done)
        raise Rejected(f"{site.place} keeps post {post['id']} as {state!r}; publish it there, in wp-admin.")

    async def find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> _Found:
        """Ask for the post by its id, and where none was stored by what is ours about it."""
        if outgoing.reply:
            return protocol.Unknown(reason="WordPress only refuses a second comment like it")
        done = dict(progress.data) if progress else {}
        site, key, stored = _Site(outgoing.target, http), outgoing.key, done.get("post")
        post = await (site.find("posts", key, include=stored, **_ANY) if stored else _made(site, outgoing))
        if post and post.get("status") in _PUBLIC:
            return _receipt(post, outgoing, done)
        return protocol.Absent()

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Move the post to the trash, where wp-admin can restore it; for good where there is no trash."""
        site, path = _Site(outgoing.target, http), f"posts/{receipt_id}"
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
        return await wp_comments.count_comments(_Site(target, http).ask, receipt_id)

    async def verify(self, target: Target, http: Http) -> Profile:
        """Find the REST interface afresh, and ask who the user is and what it may do."""
        site = _Site(target, http)
        await site.find_root()
        me = things(await site.ask("GET", "users/me?context=edit"))[0]
        rights = me.get("capabilities") or {}
        notes = tuple(note for right, note in _RIGHTS.items() if not rights.get(right))
        return Profile(handle=str(me.get("username")), url=me.get("link"), notes=notes)


class _NotThere(Unavailable):
    """No REST interface answers at this address."""


#: What a page says that does not come from WordPress but from something in front of it.
_PAGES: Mapping[int, tuple[type[PublishError], str]] = {
    300: (_NotThere, "it sends requests on to <location>; connect the account with that address."),
    403: (Unavailable, "a firewall in front of WordPress refuses Postbell; allow it there, or ask the host."),
    404: (_NotThere, "the REST interface of WordPress is not there."),
    413: (Rejected, "the file is too large for the web server there."),
    503: (Unavailable, "it is overloaded, or in maintenance."),
    0: (Unavailable, "the answer is none of WordPress."),
}
_PUBLIC = ("publish", "private")
_Found = Receipt | protocol.Absent | protocol.Unknown
_KINDS = {"categories": "category", "tags": "tag"}
#: Look-ups that see drafts; they need a login.
_ANY = {"status": "any", "context": "edit"}


class _Site:
    """The REST interface of one site, asked on behalf of one account."""

    def __init__(self, target: Target, http: Http) -> None:
        self._target, self._http = target, http
        credentials = target.credentials
        self._auth = (credentials.username, credentials.application_password.get_secret_value())
        self.place = urlsplit(str(target.server)).netloc.rpartition("@")[2]

    async def ask(self, method: str, path: str, **how: Any) -> Answer:
        """Send a request to a path, with its query, below wp/v2."""
        root = self._http.session.get("root") or await self.find_root()
        address = _address(root, f"wp/v2/{path}")
        return await self._http.request(method, address, auth=self._auth, judge=self._judge, **how)

    async def find(self, kind: str, key: str, **query: Any) -> dict[str, Any] | None:
        """Return what a query finds, but only with our key in it: something in between may drop the query."""
        found = things(await self.ask("GET", f"{kind}?{urlencode(query)}"), least=0)
        ours = (it for it in found if key in str(it) and query.get("slug") in (None, it.get("slug")))
        return next(ours, None)

    async def change(self, path: str, fields: Mapping[str, Any], **how: Any) -> dict[str, Any]:
        """Make or change one thing and return what it is now."""
        return things(await self.ask("POST", path, json=fields, **how))[0]

    async def find_root(self) -> str:
        """Return the address of the interface, and remember it."""
        if not keeps_secrets(str(self._target.server)):
            raise Unauthorized(f"{self.place} needs an address with https: a password is not sent in clear.")
        why = "it answers with something else."
        for root in _roots(self._target):
            address = _address(root, "?_fields=namespaces")
            try:
                answer = await self._http.request("GET", address, auth=self._auth, judge=self._judge)
            except _NotThere as error:
                why = str(error)
                continue
            if "wp/v2" in str(answer.error_json().get("namespaces")):
                await self._http.save_session({**self._http.session, "root": root})
                return root
        message = f"No WordPress was found at {self._target.server}: {why} Give the address of its home page."
        raise Unavailable(message)

    def _judge(self, answer: Answer) -> PublishError | None:
        """Read an error of WordPress ({code, message, data}), or a page of something in front of it."""
        said, status = answer.error_json(), answer.status
        code = said.get("code")
        if status in (408, 425, 429):
            return None
        # A dead password does not fail a look-up: it runs logged out, and is refused `status=any` with 400.
        if status == 401 or "rest_forbidden_status" in answer.text:
            return Unauthorized(
                f"{self.place} does not accept the application password of this user ({code or status}). "
                "Make a new one; if it is right, the web server there drops the Authorization header."
            )
        if not isinstance(code, str):
            kind, why = _PAGES.get(300 if 300 <= status < 400 else status, _PAGES[0])
            why = why.replace("<location>", answer.headers.get("location", "another address"))
            message = f"{self.place} answered {status}: {why}"
            return lost(message, answer.publishes) if status in (500, 502, 504) else kind(message)
        message = f"{self.place}: {html.unescape(re.sub('<[^>]*>', '', str(said.get('message'))))} ({code})"
        # A file of a type that is not allowed there, or no trash, is a 5xx and stays one.
        final = status < 500 or code in ("rest_upload_sideload_error", "rest_trash_not_supported")
        return Refused(message, code=code, data=said.get("data")) if final else None


async def _term(site: _Site, kind: str, name: str) -> int:
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
        raise


async def _upload(site: _Site, outgoing: Outgoing, index: int) -> dict[str, Any]:
    """Return id and address of an uploaded picture, which an earlier try may have uploaded already."""
    item = outgoing.content.media[index]
    found = await site.find("media", outgoing.key, slug=_slug(outgoing, index))
    if not found:
        # As the body, not in a form: PHP's upload_max_filesize, often 2 MB, is about forms.
        data, headers = await asyncio.to_thread(item.path.read_bytes), _file_headers(outgoing, index)
        deadline = _UPLOAD_DEADLINE if item.size > 1_000_000 else None
        found = things(await site.ask("POST", "media", content=data, headers=headers, deadline=deadline))[0]
    alt = item.alt.replace("<", "&lt;")  # what looks like a tag is taken out there, even of plain text
    if alt and found.get("alt_text") != alt:
        found = await site.change(f"media/{found['id']}", {"alt_text": alt})
    return {"id": found["id"], "url": escape(str(found.get("source_url")))}


async def _made(site: _Site, outgoing: Outgoing) -> dict[str, Any] | None:
    """Return the post of an earlier try: a draft has a slug of ours, afterwards only the comment tells."""
    found = await site.find("posts", outgoing.key, slug=_slug(outgoing), **_ANY)
    return found or await site.find("posts", outgoing.key, search=outgoing.key, **_ANY)


async def _draft(site: _Site, outgoing: Outgoing, done: Mapping[str, Any]) -> int:
    """Return the id of the draft. One whose making broke off may lack its terms, so it is written again."""
    post, fields = await _made(site, outgoing), _fields(outgoing, done)
    if not post:
        # No date: a draft without one takes the moment at which it is published.
        post = await site.change("posts", {"status": "draft", "slug": _slug(outgoing), **fields})
    elif post.get("status") not in _PUBLIC:
        post = await site.change(f"posts/{post['id']}", fields)
    return int(post["id"])


def _receipt(post: Mapping[str, Any], outgoing: Outgoing, done: Mapping[str, Any]) -> Receipt:
    """Compare: WordPress leaves out without a word what it does not know or does not allow."""
    warnings, slug, content = [], outgoing.options.slug, post.get("content")
    sent = _fields(outgoing, done) if "post" in done else {}
    stored = content.get("raw") if isinstance(content, dict) else None
    if sent and isinstance(stored, str) and essence(stored) != essence(sent["content"]["raw"]):
        warnings.append("WordPress changed the body: this user may not use all of its HTML (an Editor may).")
    if "featured_media" in sent and post.get("featured_media") != sent["featured_media"]:
        warnings.append("WordPress did not set the featured image.")
    for kind in _KINDS:
        missing = sorted(set(sent.get(kind, ())) - set(post.get(kind) or ()))
        warnings += [f"WordPress left out {kind} that it does not have: {missing}."] if missing else []
    if slug and post.get("slug") != slug:
        warnings.append(f"The slug {slug!r} was taken or not allowed; it became {post.get('slug')!r}.")
    return Receipt(id=str(post["id"]), url=post.get("link"), warnings=tuple(warnings))


def _slug(outgoing: Outgoing, index: int | None = None) -> str:
    """Return what the draft, or one of its files, is called at the site; nobody else uses such a name."""
    return f"pb-{outgoing.key}" if index is None else f"pb-{outgoing.key}-{index + 1}"


def _file_headers(outgoing: Outgoing, index: int) -> dict[str, str]:
    mime = outgoing.content.media[index].mime
    name = _slug(outgoing, index) + SUFFIXES[mime]
    return {"content-type": mime, "content-disposition": f'attachment; filename="{name}"'}


def _fields(outgoing: Outgoing, done: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the post says. Title and excerpt are plain text, which WordPress would read as HTML."""
    content, options = outgoing.content, outgoing.options
    plain = {"title": html.escape(content.title or "", quote=False)}
    plain |= {"excerpt": html.escape(options.excerpt, quote=False), "content": _body(outgoing, done)}
    fields: dict[str, Any] = {name: {"raw": text} for name, text in plain.items()}
    # An empty list would take away the site's own default category.
    fields |= {kind: ids for kind, ids in done.get("terms", {}).items() if ids}
    return fields | ({"featured_media": done["media"][0]["id"]} if options.featured and content.media else {})


def _body(outgoing: Outgoing, done: Mapping[str, Any]) -> str:
    """Return text, link and pictures in the form in which the editor of WordPress stores them."""
    content, options = outgoing.content, outgoing.options
    blocks = [content.text.strip()]
    if options.markup == "text":
        blocks = [block("paragraph", f"<p>{part}</p>") for part in paragraphs(content.text)]
    if content.link and content.link not in content.text:
        blocks.append(block("paragraph", f"<p>{anchor(content.link)}</p>"))
    stored = zip(done.get("media", ()), content.media, strict=True)
    pictures = [picture(each["id"], each["url"], item.alt) for each, item in stored]
    pictures = pictures[1:] if options.featured else pictures
    if len(pictures) > 1:
        kind = "wp-block-gallery has-nested-images columns-default is-cropped"
        figure = f'<figure class="{kind}">{"".join(pictures)}</figure>'
        pictures = [block("gallery", figure, ' {"linkTo":"none"}')]
    return "\n\n".join([*blocks, *pictures, f"<!-- postbell {outgoing.key} -->"]).strip()


def _roots(target: Target) -> tuple[str, str]:
    """Return where the interface can be: the second where permalinks are plain."""
    return f"{target.server}/wp-json/", f"{target.server}/?rest_route=/"


def _address(root: str, path: str) -> str:
    # Below the second root the path is a parameter already, so its query goes on with `&`.
    return root + (path.replace("?", "&") if "?" in root else path)


network = WordPress()
