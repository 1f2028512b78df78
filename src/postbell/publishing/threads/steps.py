"""Publishing on Threads, one step at a time: containers, waiting until Threads has made them ready, the post.

Containers can be made again and again: what is not published is thrown away after a day. Only the last step
makes anything public, and the container is stored before it. Threads fetches the files itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from postbell.errors import PublishError, RateLimited, Rejected, Unavailable, Unsure
from postbell.publishing.protocol import Outgoing, Progress, Receipt, Unknown
from postbell.publishing.public_links import public_url
from postbell.publishing.threads.errors import FETCHING, concerns_another
from postbell.publishing.threads.find import listed
from postbell.publishing.threads.post import child_form, form_of
from postbell.publishing.together import Reached, as_far_as
from postbell.publishing.web.answer import Refused


if TYPE_CHECKING:
    from postbell.publishing.threads.api import Line, State
    from postbell.publishing.web.http import Http


#: Of how many files containers are made side by side.
_AT_ONCE = 4
#: Threads knows a container everywhere only after some seconds, with files later.
_TEXT_READY, _FILES_READY = timedelta(seconds=3), timedelta(seconds=5)
#: The longest wait between two looks, and for how long it is looked.
_MOST_WAIT, _LONGEST = timedelta(minutes=1), timedelta(hours=1)
#: How often containers are made anew, and after which wait.
_MOST_ROUNDS, _ANEW = 3, timedelta(seconds=30)
#: How often one that Threads does not find is published again, and after which wait.
_MOST_MISSES, _MISSED = 2, timedelta(seconds=10)
#: How long to wait where everything is used that may be published within 24 hours.
_FULL = timedelta(hours=1)
#: How far a post is of which only the address is missing.
_PUBLIC = "public, its address not known yet"
#: For how long Threads is asked for the address of what is public.
_ADDRESS_WAIT = timedelta(minutes=2)
#: What is wrong with a file, by Threads' word for it (…/docs/threads/troubleshooting).
_WRONG = {
    "INVALID_ASPEC_RATIO": "the shape of a file is beyond 10 to 1",
    "INVALID_BIT_RATE": "the video has more than 25 megabits a second",
    "INVALID_DURATION": "the video is empty, or longer than 5 minutes",
    "INVALID_FRAME_RATE": "the video has not 23 to 60 frames a second",
    "INVALID_AUDIO_CHANNELS": "the sound of the video has more than 2 channels",
    "INVALID_AUDIO_CHANNEL_LAYOUT": "the channels of the video's sound are not those of mono or stereo",
}


class Steps:
    """The way of one post to the public."""

    def __init__(self, line: Line, outgoing: Outgoing, done: Mapping[str, Any], http: Http) -> None:
        self._line, self._outgoing, self._http = line, outgoing, http
        #: What was done so far, as JSON can say it.
        self._done = dict(done)

    async def take(self) -> Receipt | Progress:
        """Take the next step. Raises a PublishError."""
        if "id" in self._done:
            return await self._told()
        if "container" in self._done:
            return await self._publish()
        media, children = self._outgoing.content.media, self._done.get("children", [])
        urls = [public_url(self._outgoing.links, item) for item in media]
        if len(media) > 1:
            if len(children) < len(media):
                made = await self._more_children(urls, len(children))
                children = [*children, *made.done]
                return self._progress(f"file {len(children)}", made.again_at, children=children)
            if wait := await self._children(children):
                return wait
        try:
            container = await self._line.create(
                form_of(self._outgoing, urls=urls, children=children), right=self._right
            )
        except Refused as refusal:
            if wait := self._unknown_parent(refusal):
                return wait
            raise
        now = self._http.now()
        again_at = now + (_FILES_READY if media else _TEXT_READY)
        more = {"container": container, "looks": 0, "since": now.isoformat()}
        return self._progress("container", again_at, **more)

    def _unknown_parent(self, refusal: Refused) -> Progress | None:
        """Wait a little for the post that is answered: Threads may not know of it everywhere yet."""
        asked = self._done.get("asked", 0) + 1
        if self._outgoing.reply is None or not concerns_another(refusal) or asked > _MOST_MISSES:
            return None
        return self._progress("what it answers is not found", self._http.now() + _MISSED, asked=asked)

    @property
    def _right(self) -> str | None:
        """What this post needs beside what every post needs."""
        if self._outgoing.reply:
            return "threads_manage_replies"
        return "threads_location_tagging" if self._outgoing.options.location_id else None

    def _progress(self, step: str, again_at: datetime | None = None, **more: Any) -> Progress:
        return Progress(step=step, data={**self._done, **more}, again_at=again_at)

    async def _more_children(self, urls: list[str], start: int) -> Reached[str]:
        """Make containers of the next files, side by side."""
        media = self._outgoing.content.media

        async def one(at: int) -> str:
            return await self._line.create(child_form(media[at], urls[at]))

        return await as_far_as(range(start, min(start + _AT_ONCE, len(media))), one, most=_AT_ONCE)

    async def _children(self, children: list[str]) -> Progress | None:
        """Wait until the containers of all files are ready; None if they are."""
        self._done.setdefault("since", self._http.now().isoformat())
        for at in range(self._done.get("ready", 0), len(children)):
            state = await self._line.state(children[at])
            if state.word == "IN_PROGRESS":
                return self._wait(f"file {at + 1} is fetched")
            if state.word != "FINISHED":
                return self._anew(state, self._outgoing.content.media[at].name)
            self._done["ready"] = at + 1
        return None

    async def _publish(self) -> Receipt | Progress:
        """Publish the container if it is ready, and was not published."""
        state = await self._line.state(self._done["container"])
        if state.word == "IN_PROGRESS":
            return self._wait("Threads makes it ready")
        if state.word in ("PUBLISHED", "POST"):
            return await self._known()
        # The list may know more than a container that was not found, be it this one or one before it.
        doubt = state.word != "FINISHED" or self._done.get("misses") or self._done.get("rounds")
        if doubt and (found := await self._sought()):
            return found
        return await self._send(state) if state.word == "FINISHED" else self._anew(state, "the post")

    async def _send(self, state: State) -> Receipt | Progress:
        container: str = self._done["container"]
        try:
            made = await self._line.publish(container, right=self._right)
        except Refused as refusal:
            if refusal.code != "no container":
                raise
            return await self._missed(state)
        except RateLimited as limit:
            # What is taken for spam may have been published all the same.
            if (await self._line.state(container)).word == "PUBLISHED":
                return await self._known()
            raise await self._explained(limit) from None
        data = {"id": made, "at": self._http.now().isoformat()}
        return Progress(step=_PUBLIC, data=data, receipt=Receipt(id=made))

    async def _explained(self, limit: RateLimited) -> RateLimited:
        """Say so where it is that the account has published as much as it may."""
        answers = self._outgoing.reply is not None
        try:
            used, most = await self._line.quota(answers=answers)
        except PublishError:
            return limit
        if used < most:
            return limit
        what = "answers" if answers else "posts"
        told = f"{used} of the {most} {what} that Threads takes within 24 hours are used"
        return RateLimited(told, until=limit.until or self._http.now() + _FULL)

    async def _sought(self) -> Receipt | None:
        """Return what Threads lists of it. Raises Unsure where what is listed may be it, or another one."""
        found = await listed(self._line, self._outgoing)
        if isinstance(found, Unknown):
            raise Unsure(found.reason)
        return found if isinstance(found, Receipt) else None

    async def _known(self) -> Receipt:
        """Return the receipt of what Threads has published already."""
        if found := await self._sought():
            return found
        raise Unsure("Threads has published it, but does not list it yet")

    async def _told(self) -> Receipt | Progress:
        """Ask for the address of what is public; without one where that takes too long."""
        post: str = self._done["id"]
        over = self._http.now() >= datetime.fromisoformat(self._done["at"]) + _ADDRESS_WAIT
        try:
            return Receipt(id=post, url=await self._line.address(post))
        except PublishError as error:
            if isinstance(error, Unavailable | RateLimited) and not over:
                raise
            if isinstance(error, Refused) and not over:  # it is not known everywhere yet
                again_at = self._http.now() + _MISSED
                return Progress(step=_PUBLIC, data=self._done, again_at=again_at, receipt=Receipt(id=post))
            return Receipt(id=post, warnings=(f"Threads did not say where people find it: {error}",))

    def _wait(self, step: str) -> Progress:
        """Look again a little later each time."""
        now, looks = self._http.now(), self._done.get("looks", 0)
        if now >= datetime.fromisoformat(self._done["since"]) + _LONGEST:
            raise Rejected(f"Threads did not make it ready within an hour. {FETCHING}")
        again_at = now + min(_FILES_READY * 2 ** min(looks, 10), _MOST_WAIT)
        return self._progress(step, again_at, looks=looks + 1)

    async def _missed(self, state: State) -> Receipt | Progress:
        """Try again with a container that Threads does not find: it may not know of it everywhere yet."""
        misses = self._done.get("misses", 0) + 1
        if misses > _MOST_MISSES:
            return await self._sought() or self._anew(state, "the post")
        return self._progress("Threads does not find it", self._http.now() + _MISSED, misses=misses)

    def _anew(self, state: State, what: str) -> Progress:
        """Begin again with containers, unless that is of no use."""
        if wrong := _WRONG.get(state.message):
            raise Rejected(f"Threads does not take {what}: {wrong}. Change it, and try again")
        # What has only waited for too long is none the worse for it.
        rounds = self._done.get("rounds", 0) + (state.word != "EXPIRED")
        if rounds >= _MOST_ROUNDS:
            told = f"{state.word} {state.message}".strip()
            mend = f". {FETCHING}" if self._outgoing.content.media else ""
            raise Rejected(f"Threads could not make {what} ready, {rounds} times: {told}{mend}")
        return Progress(step="made anew", data={"rounds": rounds}, again_at=self._http.now() + _ANEW)
