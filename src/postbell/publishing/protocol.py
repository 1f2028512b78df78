"""What a network is. Each file in `postbell.networks` holds one object that fulfils `Network`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from pydantic import BaseModel

from postbell.domain import limits
from postbell.domain.content import Content
from postbell.domain.limits import Length, Limits, MediaLimit
from postbell.errors import Problem
from postbell.publishing.public_links import Links
from postbell.publishing.web.tokens import Tokens


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


class Resend(StrEnum):
    """What a repeat does when the answer to the publishing call was lost."""

    #: An idempotency key, or an identity of our own, makes it harmless.
    SAFE = "safe"
    #: It may publish twice: `find` must be asked first.
    LOOK_FIRST = "look_first"
    #: It may publish twice, and nobody can be asked.
    NEVER = "never"


class Threads(StrEnum):
    """What a network makes of a post that is a thread."""

    #: A post for each part, which answers the one before it.
    CHAIN = "chain"
    #: One post: it is given the texts as paragraphs of one text, with all files.
    JOINED = "joined"
    #: One post: it is given the parts, and hands them on as they are.
    WHOLE = "whole"
    #: It refuses threads.
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Target:
    """An account as its network needs it."""

    name: str
    #: The base address that the user gave, without a slash at the end; None where the network has just one.
    server: str | None
    #: Validated by the network's own `Credentials`. Secrets are SecretStr.
    credentials: Any
    #: What the network stored for itself (tokens, the account's own id). Never shown.
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: What OAuth has given for it, if it has.
    tokens: Tokens | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a post answers, by the ids of receipts."""

    #: With what it all began.
    root: str
    #: What is answered itself.
    parent: str


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One delivery as its network sees it. The same at every try."""

    target: Target
    content: Content
    #: Validated by the network's own `Options`.
    options: Any
    #: Names this delivery at the far side: 20 characters of [a-z0-9], unique, stored before the first try; of
    #: a further part of a thread with a hyphen and its number behind it, of a first comment with `-c`.
    key: str
    #: Counts up over all deliveries of the database.
    number: int
    #: The instant of the first try (aware UTC, whole milliseconds), stored before it. If that is `forgotten`,
    #: the earliest at which it can have been, and what is derived from it identifies nothing.
    begun_at: datetime
    #: When it was meant to be published (aware UTC).
    due_at: datetime
    #: The id of the post, for people.
    post_id: str
    #: What another program calls the post.
    external_id: str | None = None
    #: The content without what the account adds to it; None where it adds nothing.
    written: Content | None = None
    #: Whether the network decides about its limits: what it is given may be beyond them.
    unchecked: bool = False
    #: What a further part of a thread, or a first comment, answers.
    reply: Reply | None = None
    #: Whether nobody knows any more if and when there was a first try. Only `find` is ever asked about such.
    forgotten: bool = False
    #: What `find` passes over: the account's posts that are known to be others, as their receipts name them.
    known: frozenset[str] = frozenset()
    #: Makes addresses by which the network fetches files, if Postbell has a public one: see `public_url`.
    links: Links | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """It is public."""

    #: The network's own id of the post.
    id: str
    #: Where a person finds it, if the network says.
    url: str | None = None
    #: What went other than asked without failing the post.
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Receipt:
        """Return what was stored as the JSON of its `vars`."""
        return cls(**{**stored, "warnings": tuple(stored["warnings"])})


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What was done so far; stored durably before the next step is taken."""

    step: str
    data: Mapping[str, Any] = field(default_factory=dict)
    #: When to go on; None means at once.
    again_at: datetime | None = None
    #: What is public already, where that is a part of it only: words for the user.
    public: str | None = None
    #: Its receipt, where all of it is public already: then what is left makes nothing public, may be repeated
    #: and, where that is of no use, left out. `step` reads on from "It is" then.
    receipt: Receipt | None = None


@dataclass(frozen=True, kw_only=True)
class Absent:
    """The network was asked, and it is not public."""


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The network cannot tell."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the network says about an account whose credentials it accepts."""

    #: The name at the network: a handle, a login, a folder.
    handle: str
    url: str | None = None
    #: What the user should know: a missing right, a limit.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that `publish` would make, for people to read. Nothing secret is in it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What JSON can say; `<…>` stands for what only the network's answers can tell, and for files.
    body: Any = None


class Network(Protocol):
    """One supported platform. `postbell.networks.NAME.network` is its one instance.

    Where servers differ in what they take, `at(session)` returns the network as an account's own server has
    it, with that server's `limits` and `check`; see `at_server`. Where it tells how people respond to a post,
    it has `metrics`; see `Counter`. Where a text is sent with more than itself, it has `lengths`; see
    `lengths_of`. Where a part may become several messages, it has `messages`; see `messages_of`. Where what
    is public can be changed, it has `edit`; see `Editor`. Where a person consents in a browser, `oauth` says
    how; see `postbell.publishing.web.consent`. Where it fetches files itself it has a `fetches` that is true;
    see `Links`. Where first comments take files it has a `comment_files` that is true; see
    `shows_in_comments`. Where it tells whose profile an account is, it has `whose`; see `whose_of`.
    """

    #: The file's name.
    key: ClassVar[str]
    #: The name that people know.
    label: ClassVar[str]
    #: One sentence for the list of networks.
    summary: ClassVar[str]
    #: What a post can be told about this network. Unknown keys are refused; every field has a description.
    Options: ClassVar[type[BaseModel]]
    #: What an account needs. Fields of type SecretStr are secrets, which are given anew where another field
    #: changes that is not among its `placeless`; every field has a description.
    Credentials: ClassVar[type[BaseModel]]
    #: "required", "optional" or "none": whether an account has a base address of its own.
    server: ClassVar[str]
    #: The address used where the user gives none.
    default_server: ClassVar[str | None]
    #: How to get the credentials, in steps.
    guide: ClassVar[str]
    resend: ClassVar[Resend]
    #: Whether `find` can tell at all, also of what is `forgotten`.
    finds: ClassVar[bool]
    #: Whether what was published can be taken away again.
    deletes: ClassVar[bool]
    threads: ClassVar[Threads]
    #: Whether it publishes a first comment: an Outgoing with a `reply`, by `publish`.
    comments: ClassVar[bool]

    @property
    def limits(self) -> Limits:
        """What it takes, for as long as no server has said otherwise."""
        ...

    def check(self, content: Content, options: Any, *, account: str) -> list[Problem]:
        """Return what only this network minds, beyond `limits`. Pure."""
        ...

    def preview(self, outgoing: Outgoing) -> list[Call]:
        """Return the requests that `publish` would make, in order. Pure."""
        ...

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Make it public, or take one step towards it. Raises a PublishError.

        A returned Progress is stored durably before `publish` is called again with it. It must be harmless
        to repeat the step after the last stored Progress, whatever had been sent, if `resend` is safe.
        """
        ...

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Progress | Absent | Unknown:
        """Ask whether it is public. Raises a PublishError if the question could not be asked.

        A returned Progress says that a part of it is public that was not known to be, and that the rest is
        not; it is stored, and `publish` goes on behind it.
        """
        ...

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        """Take away what was published; `receipt_id` is the `id` of its Receipt. Raises a PublishError.

        Harmless to repeat: what is not there any more counts as taken away. Where `deletes` is false, it
        raises Rejected and asks nobody.
        """
        ...

    async def verify(self, target: Target, http: Http) -> Profile:
        """Ask the network whether it accepts the account. Raises a PublishError."""
        ...


#: How many there are, by what, in these words: likes, reposts, replies, quotes, comments. Absent if the post
#: is not public any more.
Counts: TypeAlias = Mapping[str, int] | Absent


class Counter(Protocol):
    """How a network counts the responses to what is public: its method `metrics`, if it has one."""

    async def __call__(self, target: Target, receipt_id: str, http: Http) -> Counts:
        """Return the counts of one post; `receipt_id` is the `id` of its Receipt. Raises a PublishError."""
        ...


def counter_of(network: Network) -> Counter | None:
    """Return what counts the responses to what a network has published, if it tells."""
    count: Counter | None = getattr(network, "metrics", None)
    return count


def fetches(network: Network) -> bool:
    """Whether a network fetches files itself, so that Postbell must be at a public address."""
    return bool(getattr(network, "fetches", False))


def shows_in_comments(network: Network) -> bool:
    """Whether a network puts files into a first comment: an Outgoing with a `reply` and files."""
    return network.comments and bool(getattr(network, "comment_files", False))


def whose_of(network: Network, session: Mapping[str, Any]) -> frozenset[str]:
    """Return what a profile is known by, from what a network has stored for an account.

    Its method `whose` tells, if a network has one; nothing, where that is not known. What two accounts have
    nothing of in common belongs to two profiles.
    """
    tell: Callable[[Mapping[str, Any]], frozenset[str]] | None = getattr(network, "whose", None)
    return tell(session) if tell else frozenset()


def fit_limit(network: Network, options: Mapping[str, Any]) -> MediaLimit:
    """Return what files are made to fit with some options: its method `fits` tells, if a network has one.

    It is given options as they were written, and tells of those that it understands.
    """
    fits: Callable[[Mapping[str, Any]], MediaLimit] | None = getattr(network, "fits", None)
    return fits(options) if fits else network.limits.media


def read_options(network: Network, given: Mapping[str, Any], *, unchecked: bool = False) -> Any:
    """Return the options of a post as its network reads them; raises ValidationError.

    Those of an unchecked post may have names that the network does not know: they are left out.
    """
    known = network.Options.model_fields
    taken = {name: value for name, value in given.items() if name in known} if unchecked else given
    return network.Options.model_validate(taken)


def lengths_of(network: Network, content: Content, options: Any) -> Sequence[Length]:
    """Return how long the text of a post is as it is sent, with what is sent in it or counts with it.

    Its method `lengths` tells, if a network has one; otherwise a text is sent as it is. Nothing else counts a
    text: what is shown of it before and what is judged are the same. Pure.
    """
    tell: Callable[[Content, Any], Sequence[Length]] | None = getattr(network, "lengths", None)
    return tell(content, options) if tell else limits.count(content.text, network.limits.text)


def messages_of(network: Network, part: Content, options: Any) -> int:
    """Return how many messages a part becomes: one, unless the method `messages` of its network tells."""
    tell: Callable[[Content, Any], int] | None = getattr(network, "messages", None)
    return tell(part, options) if tell else 1


class Editor(Protocol):
    """How a network changes what is public: its method `edit`, if it has one."""

    async def __call__(self, outgoing: Outgoing, receipt_id: str, http: Http) -> Receipt:
        """Let a post say what `outgoing` says; `receipt_id` is the `id` of its Receipt.

        Files stay what they are; their alt texts may be others, and so may options that are not `lasting`. A
        thread has as many parts as before. Harmless to repeat: what says that already counts as changed.
        Raises a PublishError; what is not there any more is Gone.
        """
        ...


def editor_of(network: Network) -> Editor | None:
    """Return what changes what a network has published, if that is possible."""
    edit: Editor | None = getattr(network, "edit", None)
    return edit


def at_server(network: Network, session: Mapping[str, Any]) -> Network:
    """Return a network as an account's own server has it, by what it has stored in the account's session."""
    at: Callable[[Mapping[str, Any]], Network] | None = getattr(network, "at", None)
    return at(session) if at else network
