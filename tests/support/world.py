"""A database to test with, short ways to fill it, and a whole Postbell around it.

For the store: `open_store(folder)` opens a fresh database (migrated once for all tests, then copied, so it
costs a few milliseconds). `add_account`, `add_post` and `delivery_in` fill it, by the verbs of the store and
nothing else; `claim` claims; `post_of`, `delivery_of` and `tries_of` read back.

    with open_store(tmp_path) as store:
        post = add_post(store, to=("ann", "bob"))       # scheduled for START; the accounts are made
        draft = add_post(store, to=("ann",), at=None)   # without a time: a draft
        lost = delivery_in(store, DeliveryState.UNSURE)  # a delivery that has come that far

For services: `build_world(tmp_path, networks=[...])` gives an App with a FakeClock that stands at START,
seeded random and a FakeNetwork; nothing in it reaches a real network.

    with build_world(tmp_path) as world:
        add_post(world.store, to=("ann",), at=world.clock.now())
        world.app, world.ctx, world.fake, world.clock
"""

from __future__ import annotations

import functools
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy import Connection, func, select

from postbell.app import App, build_app
from postbell.domain.account import Account
from postbell.domain.content import Comment, Content, Override
from postbell.domain.ids import new_delivery_key, new_post_id
from postbell.domain.media import Media, MediaKind
from postbell.domain.post import Attempt, Delivery, Post
from postbell.domain.states import DeliveryState, Outcome, PostEvent, PostState
from postbell.durable import create_file
from postbell.publishing import registry
from postbell.publishing.protocol import Network
from postbell.services.context import Context
from postbell.settings import Places, RetrySettings, Settings
from postbell.store import accounts, attempts, deliveries, media, overdue, posts, queue, schema
from postbell.store.deliveries import Planned
from postbell.store.engine import Store
from postbell.store.queue import Claim
from postbell.store.tables.core import delivery
from postbell.testing import FakeClock, FakeNetwork


#: Where the clock of `build_world` stands, and when posts of `add_post` are due. A Monday.
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

#: The settings of a world for which a test names none: what is late is sent without gaps.
HURRIED = Settings(timezone="UTC", retry=RetrySettings(catch_up_seconds=0))

_random = random.Random(1)


def after(seconds: float) -> datetime:
    """Return the time so long after the start."""
    return START + timedelta(seconds=seconds)


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "postbell.db"
        schema.migrate(path)
        return path.read_bytes()


def make_database(folder: Path) -> Path:
    """Put an empty database of the present schema into a folder; return its path."""
    path = folder / "postbell.db"
    create_file(path)
    path.write_bytes(_template())
    return path


@contextmanager
def open_store(folder: Path, *, lock_wait: float = 10.0) -> Iterator[Store]:
    """Open a fresh database in a folder, or the one that is there, until the block ends."""
    path = folder / "postbell.db"
    store = Store(path if path.exists() else make_database(folder), lock_wait=lock_wait)
    try:
        yield store
    finally:
        store.close()


def locate(sha256: str, mime: str) -> Path:
    """Tell where the stored copy of a file would lie."""
    return Path("/stored") / f"{sha256}.{mime.rpartition('/')[2]}"


def picture(number: int = 1, *, name: str = "cat.jpg", alt: str = "A cat.") -> Media:
    """Return what is known of a picture; there are no bytes behind it."""
    sha256 = f"{number:064x}"
    return Media(
        sha256=sha256,
        kind=MediaKind.IMAGE,
        mime="image/jpeg",
        size=1000 + number,
        width=640,
        height=480,
        name=name,
        path=locate(sha256, "image/jpeg"),
        alt=alt,
    )


def add_account(
    store: Store,
    name: str = "ann",
    *,
    network: str = "fake",
    server: str | None = None,
    credentials: dict[str, Any] | None = None,
) -> Account:
    """Store an account that is well."""
    with store.write() as tx:
        return accounts.add_account(
            tx,
            name=name,
            network=network,
            server=server,
            credentials=credentials or {},
            session={},
            handle=None,
            now=START,
        )


def add_post(
    store: Store,
    *,
    to: Sequence[str] = ("ann",),
    at: datetime | None = START,
    text: str = "hello",
    segments: Sequence[str] = (),
    comment: Comment | None = None,
    files: Sequence[Media] = (),
    overrides: dict[str, Override] | None = None,
    network: str = "fake",
    made_at: datetime = START,
) -> Post:
    """Store a post for these accounts, which are made on `network` where they are missing.

    Scheduled for `at`; a draft where that is None.
    """
    new = Post(
        id=new_post_id(_random),
        state=PostState.DRAFT,
        content=Content(text=text, segments=tuple(segments), media=tuple(files), comment=comment),
        overrides=overrides or {},
        created_at=made_at,
        updated_at=made_at,
    )
    with store.read() as tx:
        known = accounts.accounts_named(tx, to)
    for name in to:
        if name not in known:
            known[name] = add_account(store, name, network=network)
    with store.write() as tx:
        media.record_media(tx, files, START)
        posts.insert_post(tx, new)
        keys = [(known[name].id, new_delivery_key(_random)) for name in to]
        deliveries.add_deliveries(tx, new.id, keys)
        if at is not None:
            _schedule(tx, new, at, [known[name].id for name in to])
    return post_of(store, new.id)


def planned(account_ids: Sequence[int], at: datetime = START, **more: Any) -> list[Planned]:
    """Return the plan of a post that these accounts publish at `at`."""
    return [Planned(account_id=account_id, at=at, **more) for account_id in account_ids]


def _schedule(tx: Connection, new: Post, at: datetime, account_ids: Sequence[int]) -> None:
    posts.update_post(tx, replace(new, at=at), PostEvent.SCHEDULE)
    deliveries.schedule_deliveries(tx, new.id, planned(account_ids, at))


def claim(store: Store, now: datetime = START, *, limit: int = 100) -> list[Claim]:
    """Claim what is due."""
    with store.write() as tx:
        return queue.claim_due(tx, now, limit, locate)


def delivery_in(store: Store, state: DeliveryState, result: Outcome = Outcome.PUBLISHED) -> Delivery:
    """Store a post for an account of its own, and bring its one delivery to a state by legal steps.

    `result` is how a processed one ended. It was due an hour before START, or a second before whatever was
    the earliest until now.
    """
    with store.read() as tx:
        earliest = tx.execute(select(func.min(delivery.c.due_at))).scalar_one() or START
    due = min(earliest - timedelta(seconds=1), START - timedelta(hours=1))
    name = f"to-{new_post_id(_random)}"
    (made,) = add_post(store, to=(name,), at=None if state is DeliveryState.DRAFT else due).deliveries
    if state in (DeliveryState.PROCESSING, DeliveryState.UNSURE, DeliveryState.PROCESSED):
        claimed = claim(store, due, limit=1)
        assert [found.delivery.id for found in claimed] == [made.id], "something else was due earlier"
    with store.write() as tx:
        if state is DeliveryState.UNSURE:
            deliveries.lose_track(tx, made.id, "the answer was lost")
        elif state is DeliveryState.CANCELLED:
            (found,) = posts.load_posts(tx, [made.post_id], locate)
            posts.update_post(tx, found, PostEvent.CANCEL)
            deliveries.cancel_waiting(tx, made.post_id, START)
        elif state is DeliveryState.MISSED:
            overdue.miss(tx, [made.id], "it was due for too long", START)
        elif state is DeliveryState.PROCESSED and result is Outcome.PUBLISHED:
            deliveries.record_published(
                tx, made.id, receipt_id="r1", url="memory://r1", warnings=(), now=START
            )
        elif state is DeliveryState.PROCESSED:
            deliveries.record_failed(tx, made.id, "refused", START)
    return delivery_of(store, made.id)


def post_of(store: Store, post_id: str) -> Post:
    """Return a post as it is now."""
    with store.read() as tx:
        (found,) = posts.load_posts(tx, [post_id], locate)
    return found


def delivery_of(store: Store, delivery_id: int) -> Delivery:
    """Return a delivery as it is now."""
    with store.read() as tx:
        (found,) = deliveries.list_deliveries(tx, delivery.c.id == delivery_id)
    return found


def account_of(store: Store, name: str) -> Account:
    """Return an account as it is now."""
    with store.read() as tx:
        return accounts.get_account(tx, name)


def tries_of(store: Store, delivery_id: int) -> list[Attempt]:
    """Return the log of tries of a delivery."""
    with store.read() as tx:
        return attempts.list_attempts(tx, [delivery_id])


def account_row(n: int) -> dict[str, Any]:
    """Return the row of an account; with `post_row` and `delivery_row`, for tables filled by the thousand."""
    return {
        "id": n + 1,
        "name": f"a{n}",
        "network": "fake",
        "credentials": {},
        "session": {},
        "health": "ok",
        "setbacks": 0,
        "created_at": START,
    }


def post_row(number: int, state: str) -> dict[str, Any]:
    """Return the row of a post, due `number` seconds after START."""
    row = {"id": f"p{number:06}", "state": state, "text": "x", "overrides": {}, "version": 1}
    return row | {"at": START + timedelta(seconds=number), "created_at": START, "updated_at": START}


def delivery_row(number: int, n: int, **more: Any) -> dict[str, Any]:
    """Return the row of a delivery of post `number` for account `n`; `more` names at least its state."""
    row = {"post_id": f"p{number:06}", "account_id": n + 1, "key": f"k{number}", "tries": 0, "warnings": []}
    row |= {
        "begun_at": START,
        "result": None,
        "due_at": START + timedelta(seconds=number),
        "try_at": START + timedelta(seconds=number),
    }
    return row | more


@dataclass(frozen=True, kw_only=True)
class World:
    """A whole Postbell with nothing real around it; a context manager that closes it."""

    app: App
    clock: FakeClock
    #: The first of the networks, where it is a FakeNetwork; else one that nothing reaches.
    fake: FakeNetwork

    @property
    def ctx(self) -> Context:
        """What services are given."""
        return self.app.ctx

    @property
    def store(self) -> Store:
        """The database."""
        return self.app.ctx.store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.app.close()


def _no_request(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"a test asked {request.url} without a transport of its own")


def build_world(
    folder: Path,
    *,
    networks: Sequence[Network] | None = None,
    settings: Settings | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> World:
    """Build a Postbell in `folder`/data with an empty database; times that name no zone are UTC.

    `networks` stand before those of the package; without any there is one FakeNetwork.
    """
    given: Sequence[Network] = [FakeNetwork()] if networks is None else networks
    named = {network.key: network for network in given}
    places = Places(data_dir=folder / "data", config=folder / "config.toml")
    for made in (places.data_dir, places.media, places.backups):
        made.mkdir(mode=0o700, exist_ok=True)
    if not places.database.exists():
        make_database(places.data_dir)
    clock = FakeClock(START)
    app = build_app(
        places,
        settings or HURRIED,
        clock=clock,
        rng=random.Random(7),
        network=lambda key: named[key] if key in named else registry.get(key),
        transport=transport or httpx.MockTransport(_no_request),
        by_user=False,  # most of what is done in it is the daemon's
    )
    fakes = [network for network in given if isinstance(network, FakeNetwork)]
    return World(app=app, clock=clock, fake=fakes[0] if fakes else FakeNetwork())


def only(world: World, post: Post) -> Delivery:
    """Return the first delivery of a post as it is now."""
    return delivery_of(world.store, post.deliveries[0].id)
