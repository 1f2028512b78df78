"""Threads, by Meta.

A post is made in two steps: a container, and its publication. Only the second makes anything public, and how
far a container is can be asked: so a lost answer is looked up. (developers.facebook.com/docs/threads)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from postbell.domain import limits
from postbell.domain.content import Content
from postbell.domain.film import FilmLimit
from postbell.domain.lengths import threads_length
from postbell.domain.limits import Length
from postbell.domain.quota import Per, Quota
from postbell.errors import Problem
from postbell.publishing import chain, protocol
from postbell.publishing.faults import problems_of
from postbell.publishing.protocol import Call, Outgoing, Progress, Receipt, Target
from postbell.publishing.threads.api import API, Line
from postbell.publishing.threads.check import faults, unsendable
from postbell.publishing.threads.find import Found, find_post
from postbell.publishing.threads.oauth import OAUTH
from postbell.publishing.threads.options import Credentials, Options
from postbell.publishing.threads.post import child_form, form_of, shown_text
from postbell.publishing.threads.profile import QUOTA, learn
from postbell.publishing.threads.steps import Steps
from postbell.publishing.web.oauth import OAuth


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


#: Of videos (developers.facebook.com/docs/threads/posts, "Media specifications").
_FILM = FilmLimit(
    seconds=300,
    codecs=("h264", "hevc"),
    sounds=("aac",),
    width=1920,
    ratio=10,
    slowest=23,
    fastest=60,
    bits=25_000_000,
    channels=2,
    hertz=48_000,
)
_TOKEN = "<access token>"  # noqa: S105 - no token: what stands for one
_GUIDE = """\
Threads is open to programs of your own for your own account; nobody at Meta has to review anything.
1. At https://developers.facebook.com/apps create an app, with the use case "Access the Threads API".
2. At the use case, under Permissions, add: threads_content_publish, threads_manage_replies,
   threads_read_replies, threads_manage_insights, threads_delete, threads_location_tagging.
3. Under App roles > Roles add yourself as a Threads Tester. Accept that in the settings of Threads:
   Website permissions > Invites.
Then either give a token, which is less work:
4. At the use case, under Settings, the User Token Generator makes one for you as a tester. Copy it, and
   `postbell account add threads --name NAME --secret access_token`.
Or consent in a browser:
4. At the use case, under Settings, put an address of yours that begins with https:// under Redirect Callback
   URLs (and the two beside it). Nothing need answer there: you only copy what the browser shows at the end.
5. `postbell account add threads --name NAME` asks for that address, and for the Threads app ID and the
   Threads app secret (App settings > Basic; not those of the app itself).

A token lives 60 days and is renewed by itself long before. If the profile is private, Meta wants your consent
again after 90 days. A title is not used.
Threads fetches pictures and videos itself: for posts with files, config.toml (`postbell doctor` says where it
is) must name an address at which the world reaches this Postbell, under [api]:
  public_url = "https://postbell.example.org"
That is a name of yours with a reverse proxy (Caddy, nginx) with TLS, on this machine or one that reaches it,
that hands /public/ on to `api.listen` of the daemon, 127.0.0.1:2355; it need hand on nothing else. No
firewall, robots.txt or tunnel may keep Meta's programs away from it. Restart the daemon after a change.
An emoji counts as many characters as it has bytes. The link of a post is shown as a card; beside files it
becomes the last line of the text. There may be five different links at most. Posts cannot be changed once
they are public. Within 24 hours Threads takes 250 posts, and 1,000 answers besides: further parts of threads,
and first comments; and 100 posts can be taken away."""


@dataclass(frozen=True)
class MetaThreads:
    """Threads as a network; as it is for one account where `most` is what that may post in 24 hours."""

    most: int = 250

    key: ClassVar[str] = "threads"
    label: ClassVar[str] = "Threads"
    summary: ClassVar[str] = "Posts with pictures, videos, carousels, polls, links, topics and quotes."
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    server: ClassVar[str] = "none"
    default_server: ClassVar[str | None] = None
    guide: ClassVar[str] = _GUIDE
    resend: ClassVar[protocol.Resend] = protocol.Resend.LOOK_FIRST
    finds: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    threads: ClassVar[protocol.Threads] = protocol.Threads.CHAIN
    oauth: ClassVar[OAuth] = OAUTH
    fetches: ClassVar[bool] = True
    comments: ClassVar[bool] = True
    comment_files: ClassVar[bool] = True

    @property
    def limits(self) -> limits.Limits:
        """What Threads takes; a picture that is too wide it makes smaller itself."""
        pictures = dict.fromkeys(("image/jpeg", "image/png"), 8_000_000)
        videos = dict.fromkeys(("video/mp4", "video/quicktime"), 1_000_000_000)
        return limits.Limits(
            text=(limits.TextLimit(most=500, unit="characters", count=threads_length),),
            media=limits.MediaLimit(most=20, types=pictures | videos, ratio=10, film=_FILM),
            quotas=(Quota(most=self.most, per=Per.DAY),),
        )

    def at(self, session: Mapping[str, Any]) -> MetaThreads:
        """Return the network as it is for an account, by what it said when it was asked last."""
        return MetaThreads(most=session.get(QUOTA, self.most))

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what only Threads minds."""
        return problems_of(account, faults(content, options), unsendable(content, options))

    def lengths(self, content: Content, options: Any) -> Sequence[Length]:
        """Count the text with the link that is added to it where no card shows that."""
        return limits.count_shown(shown_text(content, options), content, self.limits.text)

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the containers, the publication and the question for the address. Pure."""
        return chain.preview(outgoing, _calls)

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Make containers, wait until they are ready, publish: one step at a time."""
        return await chain.publish(outgoing, progress, http, self._publish)

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        done = progress.data if progress else {}
        return await Steps(Line(outgoing.target, http), outgoing, done, http).take()

    async def find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Found | Progress:
        """Ask for the container, and look through what the account has posted since the first try."""
        return await chain.find(outgoing, progress, http, self._find)

    async def _find(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Found:
        return await find_post(Line(outgoing.target, http), outgoing, progress.data if progress else {})

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Delete the post; what is not there any more counts as deleted."""
        await chain.delete(receipt_id, Line(outgoing.target, http).delete)

    async def metrics(self, target: Target, receipt_id: str, http: Http) -> protocol.Counts:
        """Read the counts of a post, of a thread those of its first part."""
        return await Line(target, http).counts(chain.ids_of(receipt_id)[0])

    async def verify(self, target: Target, http: Http) -> protocol.Profile:
        """Ask who the account is, how long its token lives, and how much it may post."""
        return await learn(Line(target, http), target, http)

    def whose(self, session: Mapping[str, Any]) -> frozenset[str]:
        """Return the number and the name of a profile: one of them may change, such as in another app."""
        return frozenset(str(session[key]) for key in ("id", "name") if key in session)


def _calls(outgoing: Outgoing) -> list[Call]:
    media = outgoing.content.media
    urls = [f"<address of {item.name}>" for item in media]
    several = list(zip(media, urls, strict=True)) if len(media) > 1 else []
    forms = [child_form(item, url) for item, url in several]
    forms.append(
        form_of(outgoing, urls=urls, children=[f"<container of {item.name}>" for item, _ in several])
    )
    posts = [("me/threads", form) for form in forms]
    posts.append(("me/threads_publish", {"creation_id": "<id of the container>"}))
    return [
        *(
            Call(method="POST", url=f"{API}/{path}", body={**form, "access_token": _TOKEN})
            for path, form in posts
        ),
        Call(method="GET", url=f"{API}/<id of the post>?fields=id,permalink"),
    ]


network = MetaThreads()
