"""A mail server on 127.0.0.1 that keeps what it is sent, from those who know its password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.children import free_port


@dataclass
class Mailbox:
    """What came."""

    password: str
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    #: How many did not know the password.
    refused: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's names
        """Take a mail from who has said the password."""
        if not session.authenticated:
            return "530 Authentication required"
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 Taken"

    def knows(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
    ) -> AuthResult:
        """Whether somebody may send."""
        known = isinstance(given, LoginPassword) and given.password == self.password.encode()
        self.refused += not known
        return AuthResult(success=known, handled=False)


@contextmanager
def mailbox(password: str) -> Iterator[Mailbox]:
    """Run a mail server until the block ends."""
    box = Mailbox(password=password, port=free_port())
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        authenticator=box.knows,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
