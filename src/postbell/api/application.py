"""The application behind the wall: every resource that there is, and how their errors are told."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from postbell import __version__
from postbell.api import routes
from postbell.api.call import states_wanted
from postbell.api.consents import Consents
from postbell.api.contract import describe
from postbell.api.feed import Feed
from postbell.api.problems import FAULT, MEDIA_TYPE, Refusal, document, refusal_of, refusal_of_schema
from postbell.api.resource import Resource
from postbell.app import App
from postbell.errors import PostbellError, Stale


if TYPE_CHECKING:
    from postbell.api.asgi import Asgi

_CODES = {
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "It cannot be done here."),
}


def build(
    app: Callable[[], App], feed: Feed | None = None, *, wake: Callable[[], None] = lambda: None
) -> Asgi:
    """Return the application; `app` returns Postbell as it is configured now, `feed` tells what happens.

    `wake` is called, on any thread, when there is a new job, or a video to be made to fit.
    """
    made = FastAPI(
        title="Postbell",
        version=__version__,
        docs_url=None,  # they are fetched from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    made.state.postbell = app
    made.state.wake = wake
    #: Who has asked with which Idempotency-Key, and has no answer yet. There is one daemon.
    made.state.under_way = set()
    #: Who is sending a part of which upload.
    made.state.ways = {}
    #: Pages that persons have been asked to open.
    made.state.consents = Consents()
    made.state.feed = feed or Feed(app)
    for resource in resources():
        # Not as routers in a router, each of which would be asked whether the path is one of its own.
        made.router.routes.extend(resource.router.routes)
    made.state.contract = describe(made, list(resources()))
    made.add_exception_handler(Refusal, _tell)
    made.add_exception_handler(PostbellError, _tell)
    made.add_exception_handler(RequestValidationError, _tell)
    made.add_exception_handler(HTTPException, _tell)
    made.add_exception_handler(Exception, _tell)  # which goes on, to whoever writes the log
    return made  # type: ignore[return-value]


def resources() -> Iterator[Resource]:
    """Return the resource of every file in `postbell.api.routes`."""
    for found in pkgutil.iter_modules(routes.__path__):
        yield importlib.import_module(f"{routes.__name__}.{found.name}").resource


async def _tell(request: Request, error: Exception) -> Response:
    refusal = _refusal(request, error)
    if refusal.status == 405:
        refusal.headers = (("Allow", _allowed(request)),)
    return Response(document(refusal), refusal.status, dict(refusal.headers), media_type=MEDIA_TYPE)


def _allowed(request: Request) -> str:
    """Return what can be done at a path, of all routes; Starlette tells what the first of them can."""
    path = request.url.path
    methods = {
        method
        for resource in resources()
        for route in resource.router.routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods))


def _refusal(request: Request, error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Stale) and states_wanted(request) is not None:
        # It was changed after it was looked at; to ask once more for a state that has gone would not help.
        return replace(refusal_of(error), status=412, code="changed", headers=())
    if isinstance(error, PostbellError):
        return refusal_of(error)
    if isinstance(error, RequestValidationError):
        return refusal_of_schema(error.errors())
    if not isinstance(error, HTTPException):
        return FAULT
    code, detail = _CODES.get(error.status_code, ("malformed", "The request cannot be read."))
    headers: dict[str, Any] = dict(error.headers or {})
    return Refusal(status=error.status_code, code=code, detail=detail, headers=tuple(headers.items()))
