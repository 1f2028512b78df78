"""What every use case needs, gathered once by `postbell.app`."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from postbell.clock import Clock
from postbell.domain.account import Account
from postbell.domain.budget import RetryBudget
from postbell.domain.content import Content, Override, resolve
from postbell.domain.ids import Random
from postbell.domain.media import COMMENT
from postbell.domain.metrics import AGES
from postbell.domain.post import Delivery, Post
from postbell.domain.retry import RetryPolicy
from postbell.domain.tagging import completed
from postbell.errors import (
    BadConfig,
    BrokenOff,
    Invalid,
    NoKey,
    NotFound,
    PostbellError,
    Problem,
    Rejected,
    Unauthorized,
    Unavailable,
)
from postbell.publishing import registry
from postbell.publishing.parts import taken
from postbell.publishing.protocol import (
    Counter,
    Network,
    Outgoing,
    Progress,
    Receipt,
    Target,
    at_server,
    counter_of,
    fit_limit,
    read_options,
    shows_in_comments,
)
from postbell.services.accounts.vault import Vault
from postbell.services.media.file_types import renamed
from postbell.services.media.media_store import MediaStore
from postbell.store.engine import Store


if TYPE_CHECKING:
    from postbell.publishing.web.http import Clients, Http, SessionKeeper
    from postbell.services.media.public_media import PublicMedia


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a network is asked with about one delivery."""

    network: Network
    outgoing: Outgoing
    http: Http

    def require_files(self) -> None:
        """Raise Rejected if stored files that are to be sent are gone."""
        if gone := [item.name for item in self.outgoing.content.media if not item.path.exists()]:
            raise Rejected(f"its stored files are gone: {', '.join(gone)}; restore the folder `media`")


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts that use cases are made of."""

    store: Store
    clock: Clock
    random: Random
    #: Opens what accounts keep secret.
    vault: Vault
    media: MediaStore
    #: Returns the network of a key; raises NotFound.
    network: Callable[[str], Network]
    #: The zone of times that name none.
    zone: ZoneInfo
    retry: RetryPolicy
    budget: RetryBudget
    #: How far apart an account publishes what is late after an outage.
    catch_up_gap: timedelta
    #: How long a post may be overdue and still be published.
    late_limit: timedelta
    #: For how long what was published is not published again; nothing at all where that is allowed.
    duplicate_window: timedelta
    #: Whether a picture without an alt text is refused.
    require_alt: bool
    #: For how long after its publication it is read how people respond to a post; nothing: never.
    metrics_for: timedelta
    #: How far ahead series make their posts, and libraries fill empty posting times.
    horizon: timedelta
    fill_ahead: timedelta
    #: Makes what asks networks; called once, where the first network is asked.
    clients: Callable[[], Clients]
    #: Seconds that one request may take.
    http_deadline: float
    #: Wakes the daemon, if one runs.
    ring: Callable[[], None]
    #: What networks may fetch themselves; None where Postbell has no public address.
    public: PublicMedia | None = None

    def now(self) -> datetime:
        """Return this instant (aware UTC)."""
        return self.clock.now()

    def known(self, key: str) -> Network | None:
        """Return the network of a key; None for one of another version, of which accounts may be left."""
        try:
            return self.network(key)
        except NotFound:
            return None

    def can_ask(self, key: str) -> bool:
        """Whether the network of a key can be asked what is public."""
        return registry.can_ask(key, self.network)

    def network_of(self, account: Account) -> Network:
        """Return the network of an account as the account's own server has it; raises NotFound, NoKey."""
        network = self.network(account.network)
        # Most have one server, and what is encrypted need not be read for them.
        return at_server(network, self.vault.session(account)) if hasattr(network, "at") else network

    def counter(self, key: str) -> Counter | None:
        """Return what counts the responses at the network of a key; None if nobody does, or shall."""
        network = self.known(key)
        return counter_of(network) if network and self.metrics_for else None

    def comment_after(self, post: Post, account: Account) -> timedelta | None:
        """Return how long after its publication a post is commented on; None if nobody says anything."""
        said = post.content.comment or any(override.comment for override in post.overrides.values())
        network = self.known(account.network)
        if not said or not network or not network.comments:
            return None
        content, _ = resolve(post.content, post.overrides, network=account.network, account=account.name)
        return content.comment.after if content.comment else None

    def first_reading(self, key: str) -> timedelta | None:
        """Return how long after its publication the network of a key is first asked how people respond."""
        return AGES[0] if self.counter(key) and self.metrics_for >= AGES[0] else None

    def target(self, account: Account) -> Target:
        """Return an account as its network needs it.

        Raises BadConfig if its credentials are incomplete, or NoKey if they cannot be read.
        """
        network = self.network(account.network)
        try:
            credentials = network.Credentials.model_validate(dict(self.vault.credentials(account)))
        except ValidationError as error:
            raise BadConfig(
                f"Account {account.name}: {_places(error)} is missing or wrong. "
                f"Give it again with `postbell account reconnect {account.name}`."
            ) from None
        return Target(
            name=account.name,
            server=account.server or network.default_server,
            credentials=credentials,
            session=self.vault.session(account),
            tokens=self.vault.tokens(account),
        )

    def fit(
        self,
        content: Content,
        overrides: Mapping[str, Override],
        account: Account,
        *,
        foretold: bool = False,
    ) -> tuple[Content, list[Problem]]:
        """Return a content with its files as the account's network takes them with its options.

        Those of a first comment that the account does not publish stay as they are. With it come the reasons
        why some cannot be made to fit; those stay as they are, too. May take seconds, and with videos
        minutes; for `foretold` see `MediaStore.fit`. Raises PostbellError where nothing can be made to fit at
        all, or not be stored.
        """
        if not content.media:
            return content, []
        said, options = resolve(content, overrides, network=account.network, account=account.name)
        network = self.network_of(account)
        limit, comments = fit_limit(network, options), bool(said.comment) and shows_in_comments(network)
        media, problems = list(content.media), []
        for index, item in enumerate(content.media):
            if item.part == COMMENT and not comments:
                continue
            try:
                media[index] = self.media.fit(item, limit, foretold=foretold)
            except Invalid as error:
                problems += [replace(each, account=account.name, file=index) for each in error.problems]
        return replace(content, media=tuple(media)), problems

    def outgoing(
        self, post: Post, delivery: Delivery, account: Account, *, since: datetime | None = None
    ) -> Outgoing:
        """Return a delivery as its network sees it, without the files of its first comment.

        If its first try is forgotten, `since` is the earliest instant (aware) at which it can have been.
        Raises Invalid for pictures that cannot be made to fit, and what `fit` raises.
        """
        network = self.network(account.network)
        base, unfit = self.fit(post.content.as_post(), post.overrides, account)
        if unfit:
            raise Invalid(unfit)
        if base.media:
            base = replace(base, media=tuple(map(renamed, base.media)))
        said, options = resolve(base, post.overrides, network=account.network, account=account.name)
        content = completed(said, post.overrides, account=account.name)
        begun_at = delivery.begun_at or since or self.now()
        return Outgoing(
            target=self.target(account),
            content=taken(content, network),
            options=read_options(network, options, unchecked=post.unchecked),
            key=delivery.key,
            number=delivery.id,
            begun_at=begun_at,
            due_at=delivery.due_at or begun_at,
            post_id=post.id,
            external_id=post.external_id,
            written=None if content is said else taken(said, network),
            unchecked=post.unchecked,
            forgotten=delivery.begun_at is None and since is not None,
            links=self.public.links(delivery.id) if self.public else None,
        )

    async def prepare(
        self,
        post: Post,
        delivery: Delivery,
        account: Account,
        keeper: SessionKeeper,
        *,
        since: datetime | None = None,
    ) -> Prepared:
        """Return what its network is asked with about a delivery; nothing is sent yet.

        For `since` see `outgoing`. Raises Unauthorized where the account cannot be used as it is: what is
        meant for it shall wait, not fail. Raises Rejected where the options or pictures of the post do not
        fit its network any more, and Unavailable if that cannot be found out now: BrokenOff where Postbell is
        being stopped.
        """
        try:
            network = self.network(account.network)
            make = functools.partial(self.outgoing, post, delivery, account, since=since)
            # What was made of pictures may be gone, and takes seconds to make.
            outgoing = await asyncio.to_thread(make) if post.content.media else make()
        except NoKey as error:  # nothing is wrong with the account
            raise Unavailable(str(error)) from None
        except (BadConfig, NotFound) as error:
            raise Unauthorized(str(error)) from None
        except Invalid as error:
            raise Rejected("; ".join(map(str, error.problems))) from None
        except BrokenOff:
            raise
        except PostbellError as error:
            raise Unavailable(str(error)) from None
        except ValidationError as error:
            raise Rejected(f"its option {_places(error)} does not fit {network.label} any more") from None
        return Prepared(network=network, outgoing=outgoing, http=self.http(outgoing.target, keeper))

    def http(
        self, target: Target, keeper: SessionKeeper | None = None, *, secrets: Iterable[str] = ()
    ) -> Http:
        """Return what reaches the network on behalf of one account.

        None of its errors shows the account's secrets, or these.
        """
        from postbell.publishing.web.http import Http, secrets_of

        return Http(
            self.clients(),
            self.clock,
            account=target.name,
            session=target.session,
            tokens=target.tokens,
            keeper=keeper,
            secrets=(*secrets_of(target.credentials), *secrets),
            deadline=self.http_deadline,
        )


def _places(error: ValidationError) -> str:
    """Return the names of the fields that are missing or wrong; never their values."""
    problems = error.errors(include_input=False, include_url=False)
    return ", ".join(".".join(map(str, problem["loc"])) or "a value" for problem in problems)


def progress_of(stored: Mapping[str, Any] | None) -> Progress | None:
    """Return what a network had stored between two steps."""
    if stored is None:
        return None
    receipt = Receipt.of(stored["receipt"]) if "receipt" in stored else None
    return Progress(step=stored["step"], data=stored["data"], public=stored.get("public"), receipt=receipt)


def stored_progress(progress: Progress) -> dict[str, Any]:
    """Return what is stored of that."""
    public = {"public": progress.public} if progress.public else {}
    receipt = {"receipt": vars(progress.receipt)} if progress.receipt else {}
    return {"step": progress.step, "data": dict(progress.data), **public, **receipt}
