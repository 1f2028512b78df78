"""WordPress behind the transport: users, posts, files and terms of one site.

It answers as WordPress 7.1 did when it was recorded, and raises Violation for a call that its REST index does
not allow, although WordPress itself would pass over much of that in silence.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

from postbell.networks import wordpress
from postbell.testing import FakeClock
from support.farside import START, Daemon, FarSide, Public, Subject, Violation
from support.wordpress_comments import Refused, Talk
from support.wordpress_words import as_public, as_read, filtered, slug_of
from support.wp_schema import routes


SERVER = "https://blog.example.org/news"
USERNAME, PASSWORD = "maria", "abcd EFGH 1234 ijkl MNOP 5678"
#: The start of a file of each type that the site takes.
_MAGIC = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
    b"RIFF": "webp",
    b"\0\0\0": "mp4",
}
_RIGHTS = {
    "contributor": {"edit_posts"},
    "author": {"edit_posts", "publish_posts", "upload_files", "delete_published_posts"},
}
_RIGHTS["editor"] = _RIGHTS["author"] | {"manage_categories", "unfiltered_html"}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message, "data": {"status": status, **data}}
        self.status = status


@dataclass
class FakeWordPress(FarSide):
    """One site and one user with an application password."""

    role: str = "editor"
    #: False when the password was revoked: calls run as nobody's.
    password_works: bool = True
    #: False where permalinks are plain: the interface is a parameter of the home page.
    pretty: bool = True
    posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    media: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: By kind (`categories`, `tags`).
    terms: dict[str, dict[int, str]] = field(
        default_factory=lambda: {"categories": {1: "Uncategorized"}, "tags": {}}
    )
    #: The post of each comment of others that is approved, and what was said by us.
    comments: dict[int, int] = field(default_factory=dict)
    talk: Talk = field(default_factory=Talk)
    #: Bytes of files by their address.
    files: dict[str, bytes] = field(default_factory=dict)
    #: The state in which a post ends that shall be public, if a plugin has its own mind.
    moderated: str | None = None
    #: False where deleting is for good (EMPTY_TRASH_DAYS is 0).
    has_trash: bool = True
    #: Where it says that it is reached.
    address: str = SERVER
    #: False where the host has switched application passwords off.
    hands_over: bool = True
    #: Fields, of posts and of files, that a plugin or the theme pays no heed to.
    heedless: frozenset[str] = frozenset()
    _last_id: int = 1

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        path, _ = self._path(request)
        says = (request.method, path) == ("POST", "/wp/v2/comments")
        return says or (bool(re.fullmatch(r"/wp/v2/posts/\d+", path)) and b'"status"' in body)

    def is_deleting(self, request: httpx.Request) -> bool:
        return request.method == "DELETE"

    def is_editing(self, request: httpx.Request, body: bytes) -> bool:
        path, _ = self._path(request)
        return bool(re.fullmatch(r"/wp/v2/posts/\d+", path)) and bool(body) and b'"status"' not in body

    def rate_limited(self) -> httpx.Response:
        return httpx.Response(429, text="<html>slow down</html>", headers={"Retry-After": "120"})

    def unauthorized(self) -> httpx.Response:
        return _refused(Refusal(401, "rest_cannot_edit", "Sorry, you are not allowed to edit this post."))

    def public(self) -> list[Public]:
        public = [post for post in self.posts.values() if post["status"] in ("publish", "private")]
        shown = [as_public(post, self.media, self.files) for post in public]
        return [*shown, *self.talk.public(self.posts)]

    def leftovers(self) -> list[dict[str, Any]]:
        """Every post that nobody sees."""
        return [post for post in self.posts.values() if post["status"] not in ("publish", "private")]

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path, query = self._path(request)
        if not path:
            page = (
                "<html>no such page</html>" if "wp-json" in request.url.path else "<html>the home page</html>"
            )
            return httpx.Response(404 if "wp-json" in request.url.path else 200, text=page)
        raw = path == "/wp/v2/media" and request.method == "POST"
        if body and not raw and request.headers.get("content-type") != "application/json":
            raise Violation(f"{path} was sent something other than JSON")
        values = json.loads(body) if body and not raw else {}
        found = (
            [] if path == "/" else routes().faults(request.method, path, values or query, typed=bool(values))
        )
        found += [f"{path} was sent arguments twice"] if values and query else []
        if found:
            raise Violation(f"{request.method} {path}: {'; '.join(found)}")
        if path.startswith("/wp/v2/comments"):
            return self._comment(request, path, query, values)
        try:
            status, said = self._serve(request, path, query, values, body)
        except Refusal as refusal:
            return _refused(refusal)
        return httpx.Response(status, json=said, request=request)

    def _comment(
        self, request: httpx.Request, path: str, query: dict[str, str], values: dict[str, Any]
    ) -> httpx.Response:
        counted = [number for number, post in self.comments.items() if str(post) == query.get("post")]
        headers = {"x-wp-total": str(len(counted))}
        try:
            knows = bool(self._rights(request))
            status, said = self.talk.serve(request.method, path, query, values, self.posts, knows=knows)
        except Refused as refused:
            return _refused(Refusal(*refused.args))
        return httpx.Response(status, json=said, headers=headers)

    def _path(self, request: httpx.Request) -> tuple[str, dict[str, str]]:
        """Return the path of a call and what is asked of it; no path where nobody listens."""
        home = httpx.URL(SERVER)
        if (request.url.scheme, request.url.host) != (home.scheme, home.host):
            raise Violation(f"a call to another server: {request.url}")
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        path = request.url.path.removeprefix(home.path)
        if path.startswith("/wp-json"):
            return (path.removeprefix("/wp-json") if self.pretty else ""), query
        return query.pop("rest_route", ""), query

    def _serve(
        self, request: httpx.Request, path: str, query: dict[str, str], values: dict[str, Any], body: bytes
    ) -> tuple[int, Any]:
        rights = self._rights(request)
        kind, _, number = path.removeprefix("/wp/v2/").partition("/")
        if path == "/" or kind == "users":
            return 200, self._index(query["_fields"]) if path == "/" else self._me(rights)
        if kind in self.terms:
            looks = request.method == "GET"
            return self._find_terms(kind, query) if looks else self._make_term(kind, values, rights)
        if number and request.method != "POST":
            do = self._get if request.method == "GET" else self._delete
            return 200, do(int(number), query, rights)
        if request.method == "GET":
            return 200, self._find(kind, query, rights)
        if kind == "media":
            return (
                (200, self._describe(int(number), values, rights))
                if number
                else (201, self._upload(request, body, rights))
            )
        return (
            (200, self._edit(int(number), values, rights)) if number else (201, self._create(values, rights))
        )

    def _rights(self, request: httpx.Request) -> set[str]:
        """Return what the caller may do: a wrong password is no error to WordPress, the call is nobody's."""
        expected = f"{USERNAME}:{PASSWORD.replace(' ', '')}".encode()
        given = request.headers.get("authorization", "")
        right = given == f"Basic {base64.b64encode(expected).decode()}"
        return _RIGHTS[self.role] if right and self.password_works else set()

    def _index(self, wanted: str) -> dict[str, Any]:
        said: dict[str, Any] = {"namespaces": ["oembed/1.0", "wp/v2"], "authentication": []}
        if self.hands_over:
            endpoints = {"authorization": f"{self.address}/wp-admin/authorize-application.php"}
            said["authentication"] = {"application-passwords": {"endpoints": endpoints}}
        return {name: said[name] for name in wanted.split(",")}

    def _me(self, rights: set[str]) -> dict[str, Any]:
        if not rights:
            raise Refusal(401, "rest_not_logged_in", "You are not currently logged in.")
        link = f"{SERVER}/author/{USERNAME}/"
        capabilities = dict.fromkeys(sorted(rights), True)
        return {"id": 2, "username": USERNAME, "name": "Maria M.", "link": link, "capabilities": capabilities}

    def _find_terms(self, kind: str, query: Mapping[str, str]) -> tuple[int, list[dict[str, Any]]]:
        found = [
            {"id": number, "name": name}
            for number, name in self.terms[kind].items()
            if query["search"].casefold() in name.casefold()
        ]
        return 200, found[: int(query["per_page"])]

    def _make_term(
        self, kind: str, values: Mapping[str, Any], rights: set[str]
    ) -> tuple[int, dict[str, Any]]:
        if not rights or (kind == "categories" and "manage_categories" not in rights):
            message = "Sorry, you are not allowed to create terms in this taxonomy."
            raise Refusal(403 if rights else 401, "rest_cannot_create", message)
        name = html.escape(values["name"], quote=False)
        for number, known in self.terms[kind].items():
            if slug_of(known) == slug_of(name):
                message = "A term with the name provided already exists in this taxonomy."
                raise Refusal(400, "term_exists", message, term_id=number)
        number = self._new_id()
        self.terms[kind][number] = name
        return 201, {"id": number, "name": name, "slug": slug_of(name)}

    def _find(self, kind: str, query: Mapping[str, str], rights: set[str]) -> list[dict[str, Any]]:
        if not rights and ("status" in query or query.get("context") == "edit"):
            details = {"status": {"code": "rest_forbidden_status", "message": "Status is forbidden."}}
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): status", details=details)
        things = (self.media if kind == "media" else self.posts).values()
        seen = [it for it in things if kind == "media" or _is_seen(it, query)]
        if "slug" in query:
            seen = [it for it in seen if it["slug"] in query["slug"].split(",")]
        if "include" in query:
            seen = [it for it in seen if str(it["id"]) in query["include"].split(",")]
        if "search" in query:
            seen = [it for it in seen if query["search"] in f"{it['title']['raw']} {it['content']['raw']}"]
        return seen[::-1][:10]

    def _get(self, number: int, query: Mapping[str, str], rights: set[str]) -> dict[str, Any]:
        """Return one post, whatever state it is in, to somebody who may edit it; or as readers see it."""
        if number not in self.posts:
            raise Refusal(404, "rest_post_invalid_id", "Invalid post ID.")
        post = self.posts[number]
        if query == {"_fields": "id,status"} and (rights or post["status"] == "publish"):
            return {name: post[name] for name in ("id", "status")}
        if not rights:
            raise Refusal(401, "rest_forbidden_context", "Sorry, you are not allowed to edit this post.")
        return post if query.get("context") == "edit" else as_read(post)

    def _delete(self, number: int, query: Mapping[str, str], rights: set[str]) -> dict[str, Any]:
        post, force = self.posts.get(number), query.get("force") == "true"
        if post is None:
            raise Refusal(404, "rest_post_invalid_id", "Invalid post ID.")
        if "delete_published_posts" not in rights:
            message = "Sorry, you are not allowed to delete this post."
            raise Refusal(403 if rights else 401, "rest_cannot_delete", message)
        if force:
            return {"deleted": True, "previous": self.posts.pop(number)}
        if not self.has_trash:
            message = "The post does not support trashing. Set 'force=true' to delete."
            raise Refusal(501, "rest_trash_not_supported", message)
        if post["status"] == "trash":
            raise Refusal(410, "rest_already_trashed", "The post has already been deleted.")
        post |= {"status": "trash", "slug": f"{post['slug']}__trashed"}
        return post

    def _upload(self, request: httpx.Request, body: bytes, rights: set[str]) -> dict[str, Any]:
        if "upload_files" not in rights:
            message = "Sorry, you are not allowed to create posts as this user."
            raise Refusal(403 if rights else 401, "rest_cannot_create", message)
        given = re.fullmatch(
            r'attachment; filename="([\w-]+)\.(\w+)"', request.headers.get("content-disposition", "")
        )
        if not given:
            raise Refusal(400, "rest_upload_no_content_disposition", "No Content-Disposition supplied.")
        kind = next((kind for magic, kind in _MAGIC.items() if body.startswith(magic)), None)
        if kind != given[2]:
            message = "Sorry, you are not allowed to upload this file type."
            raise Refusal(500, "rest_upload_sideload_error", message)
        number, slug = self._new_id(), self._free_slug(given[1])
        address = f"{SERVER}/wp-content/uploads/2026/11/{slug}.{kind}"
        self.files[address] = body
        self.media[number] = {
            "id": number,
            "slug": slug,
            "source_url": address,
            "alt_text": "",
            "status": "inherit",
        }
        return self.media[number]

    def _describe(self, number: int, values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        if not rights:
            raise Refusal(401, "rest_cannot_edit", "Sorry, you are not allowed to edit this post.")
        if "alt_text" in self.heedless:
            return self.media[number]
        self.media[number] |= {"alt_text": re.sub("<[^>]*>", "", values["alt_text"]).strip()}
        return self.media[number]

    def _create(self, values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        if not rights:
            message = "Sorry, you are not allowed to create posts as this user."
            raise Refusal(401, "rest_cannot_create", message)
        if not any(values.get(name, {}).get("raw") for name in ("title", "content", "excerpt")):
            raise Refusal(400, "empty_content", "Content, title, and excerpt are empty.")
        number = self._new_id()
        empty = {name: {"raw": ""} for name in ("title", "content", "excerpt")}
        post = {
            "id": number,
            "slug": "",
            "status": "draft",
            "featured_media": 0,
            "categories": [1],
            "tags": [],
            "password": "",
            "sticky": False,
            "format": "standard",
            "comment_status": "open",
        }
        self.posts[number] = {**post, **empty}
        return self._write(self.posts[number], values, rights)

    def _edit(self, number: int, values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        if number not in self.posts:
            raise Refusal(404, "rest_post_invalid_id", "Invalid post ID.")
        if not rights:
            raise Refusal(401, "rest_cannot_edit", "Sorry, you are not allowed to edit this post.")
        return self._write(self.posts[number], values, rights)

    def _write(self, post: dict[str, Any], values: Mapping[str, Any], rights: set[str]) -> dict[str, Any]:
        status = values.get("status", post["status"])
        if values.get("sticky") and "publish_posts" not in rights:
            raise Refusal(
                403, "rest_cannot_assign_sticky", "Sorry, you are not allowed to make posts sticky."
            )
        if status in ("publish", "private") and "publish_posts" not in rights:
            message = "Sorry, you are not allowed to publish posts in this post type."
            raise Refusal(403, "rest_cannot_publish", message)
        if values.get("sticky") and values.get("password"):
            raise Refusal(400, "rest_invalid_field", "A post can not be sticky and have a password.")
        post |= {name: value for name, value in values.items() if name not in self.heedless}
        if self.moderated and status in ("publish", "private"):
            post["status"] = self.moderated
        if "unfiltered_html" not in rights:
            post["content"] = {"raw": filtered(post["content"]["raw"])}
        for kind, known in self.terms.items():
            post[kind] = [number for number in post[kind] if number in known]
        if post["featured_media"] not in self.media:
            post["featured_media"] = 0
        if post["slug"] or post["status"] != "draft":
            wanted = slug_of(post["slug"] or post["title"]["raw"]) or str(post["id"])
            post["slug"] = self._free_slug(wanted, post)
        ends = f"{post['slug']}/" if post["status"] in ("publish", "private") else f"?p={post['id']}"
        post["link"] = f"{SERVER}/{ends}"
        return post

    def _free_slug(self, wanted: str, thing: Mapping[str, Any] | None = None) -> str:
        taken = {it["slug"] for it in (*self.posts.values(), *self.media.values()) if it is not thing}
        numbered = (f"{wanted}-{number}" for number in range(2, 100))
        return next(slug for slug in (wanted, *numbered) if slug not in taken)

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _is_seen(post: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether a look-up of a state sees a post; `any` leaves out the bin."""
    wanted = query.get("status", "publish")
    return bool(post["status"] != "trash" if wanted == "any" else post["status"] == wanted)


def _refused(refusal: Refusal) -> httpx.Response:
    return httpx.Response(refusal.status, json=refusal.body)


SUBJECT = Subject(
    network=wordpress.network,
    far_side=FakeWordPress,
    server=SERVER,
    credentials={"username": USERNAME, "application_password": PASSWORD},
    title="A morning",
    renews=False,
)


def blog(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeWordPress]:
    """Return a daemon with one post for a new site, and the site."""
    far_side = FakeWordPress(FakeClock(START))
    return Daemon(SUBJECT, SUBJECT.outgoing(text, **more), far_side), far_side
