"""What is answered without a key: files by links that Postbell has given to a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import structlog
from fastapi import Request

from postbell.api.problems import Refusal
from postbell.api.ranges import file_response
from postbell.app import App
from postbell.domain.public_link import PublicLink
from postbell.errors import PostbellError
from postbell.services.media.fetched import note_fetch


if TYPE_CHECKING:
    from postbell.api.asgi import Receive, Scope, Send


async def answer_public(app: App, scope: Scope, receive: Receive, send: Send) -> bool:
    """Answer with the file that a link opens, and return whether it opens one; note that it was fetched."""
    public = app.ctx.public
    if public is None:
        return False
    if scope["method"] not in ("GET", "HEAD"):
        allowed = (("Allow", "GET, HEAD"),)
        detail = "It can only be read."
        raise Refusal(status=405, code="method_not_allowed", detail=detail, headers=allowed)
    found = await asyncio.to_thread(public.open, scope["path"])
    if found is None:
        return False
    link, media = found
    request = Request(scope, receive)
    response = file_response(request, media)
    await asyncio.to_thread(_note, app, request, link)
    await response(scope, receive, cast("Any", send))
    return True


def _note(app: App, request: Request, link: PublicLink) -> None:
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")
    log = structlog.get_logger()
    log.info("public_file_fetched", delivery=link.number, file=link.file, client=address, agent=agent[:200])
    try:
        note_fetch(app.ctx, link, address=address, agent=agent)
    except PostbellError as error:  # the network shall have it all the same
        log.warning("fetch_not_noted", delivery=link.number, reason=str(error))
