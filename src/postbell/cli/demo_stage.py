"""What `postbell demo` shows: a real Postbell in a folder of its own, with its daemon as a child process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from postbell.app import App, open_app
from postbell.domain.post import Post
from postbell.domain.states import PostState
from postbell.domain.when import parse_when
from postbell.errors import PostbellError
from postbell.services.accounts import accounts
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.wanted import Wanted
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store.lock import DaemonLock


#: Seconds.
_START_WITHIN = 10.0
_STOP_WITHIN = 3.0
_CONFIG = "# The demo works with the defaults.\n"


@dataclass(frozen=True, kw_only=True)
class Act:
    """One post of the demo, and how it must end."""

    title: str
    text: str
    account: str
    #: A time in the words of `domain.when`; None makes a draft.
    at: str | None = "now"
    picture: bool = False
    #: The outcome, or the state of a post that stays where it is.
    expected: str = "published"


ACTS = (
    Act(title="now", text="Hello from the Postbell demo.", account="site"),
    Act(title="in 4 seconds", text="This one had to wait for its time.", account="site", at="in 4 s"),
    Act(title="with a picture", text="A bell, drawn a moment ago.", account="site", picture=True),
    Act(title="a draft", text="An idea that stays an idea.", account="site", at=None, expected="draft"),
    Act(title="fails on purpose", text="No way in.", account="broken", expected="failed"),
)


@dataclass
class Stage:
    """The demo while it runs."""

    app: App
    folder: Path
    daemon: subprocess.Popen[bytes]
    #: The ids of the posts, in the order of `ACTS`.
    ids: list[str] = field(default_factory=list)

    @property
    def site(self) -> Path:
        """The folder that the posts are published into."""
        return self.folder / "site"

    def begin(self) -> None:
        """Write the posts."""
        picture = self.folder / "bell.png"
        _draw(picture)
        ctx = self.app.ctx
        for act in ACTS:
            wanted = Wanted(
                text=act.text,
                to=(act.account,),
                when=parse_when(act.at, now=ctx.now(), zone=ctx.zone) if act.at else None,
                media=((picture, "A golden bell in front of a blue evening sky"),) if act.picture else (),
            )
            self.ids.append(add_post(ctx, wanted).post.id)

    def posts(self) -> list[Post]:
        """Return the posts as they are now, in the order of `ACTS`."""
        return [load_post(self.app.ctx, post_id) for post_id in self.ids]

    def faults(self, posts: Sequence[Post]) -> list[str]:
        """Return what is not as it should be, once the daemon has ended."""
        wrong = [
            f"{act.title}: it is {word_of(post)}, not {act.expected}"
            for act, post in zip(ACTS, posts, strict=True)
            if word_of(post) != act.expected
        ]
        pages = [path for path in self.site.rglob("*.md") if path.is_file()]
        due = [post for post in posts if word_of(post) == "published"]
        wrong += [f"post {post.id}: its file is missing" for post in due if not _file_of(post).is_file()]
        if len(pages) != len(due):
            wrong.append(f"{len(pages)} pages were published, not {len(due)}")
        if self.daemon.poll() != 0:
            wrong.append(f"the daemon ended with {self.daemon.poll()}: see {self.folder / 'daemon.log'}")
        return wrong


@contextmanager
def set_stage(folder: Path) -> Iterator[Stage]:
    """Make a Postbell in `folder` and run its daemon until the block ends.

    Raises PostbellError, naming the daemon's log, if the daemon does not start.
    """
    places = Places(data_dir=folder / "data", config=folder / "config.toml")
    upkeep.make_places(places, _CONFIG)
    app = open_app(places)
    try:
        for name in ("site", "broken"):
            values = {"path": str(folder / name), "feed_title": "The demo"}
            accounts.add_account(app.ctx, network="folder", name=name, server=None, values=values)
        # Somebody puts a file where the account's folder was: nothing can be published there any more.
        (folder / "broken").rmdir()
        (folder / "broken").write_text("This is not a folder.\n", "utf-8")
        with _daemon(places, folder / "daemon.log") as daemon:
            yield Stage(app, folder, daemon)
    finally:
        app.close()


def word_of(post: Post) -> str:
    """Return the outcome of a post, or its state while it has none."""
    return str(post.outcome or post.state)


def history(post: Post) -> list[tuple[datetime, str]]:
    """Return through which states a post has gone and when (aware UTC), as they were recorded."""
    steps: list[tuple[datetime, str]] = [
        (post.created_at, PostState.SCHEDULED if post.at else PostState.DRAFT)
    ]
    for delivery in post.deliveries:
        if delivery.begun_at:
            steps.append((delivery.begun_at, PostState.PROCESSING))
        if delivery.ended_at and delivery.outcome:
            steps.append((delivery.ended_at, delivery.outcome))
    return steps


@contextmanager
def _daemon(places: Places, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--data-dir", str(places.data_dir), "--config", str(places.config)]
    command = [sys.executable, "-m", "postbell", *options, "run", "--no-http"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)  # noqa: S603
    try:
        _wait_for(process, DaemonLock(places.data_dir), log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], lock: DaemonLock, log: Path) -> None:
    until = time.monotonic() + _START_WITHIN
    while lock.holder() is None:
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text("utf-8", "replace").strip()[-1000:]
            raise PostbellError(f"The daemon did not start; {log} says:\n{said}")
        time.sleep(0.05)


def _file_of(post: Post) -> Path:
    return Path(unquote(urlsplit(post.deliveries[0].url or "").path))


def _draw(path: Path) -> None:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (640, 360), (24, 34, 72))
    pen = ImageDraw.Draw(image)
    gold = (236, 180, 60)
    pen.pieslice((250, 90, 390, 290), 180, 360, fill=gold)
    pen.polygon([(250, 190), (390, 190), (420, 250), (220, 250)], fill=gold)
    pen.ellipse((302, 246, 338, 282), fill=gold)
    image.save(path)
