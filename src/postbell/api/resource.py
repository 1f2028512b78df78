"""How a kind of thing is served: its routes, each with what it needs, answers and refuses.

    resource = Resource("posts", "Posts: what is published, for whom and when.")

    @resource.get("/{id}", "Read a post", returns=post_models.Post, refuses=(404,))
    def read(call: Call, id: PostId) -> Answer:
        ...

A route is a plain function, run on a thread of its own; what it asks of the services is one piece of work,
durable as a whole before it is answered. It raises PostbellError or Refusal.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from postbell.api.call import Answer, Running, begin, conclude
from postbell.api.headers import sending, with_headers
from postbell.api.problems import Refusal, asked_wrongly, invalid
from postbell.api.texts import require_texts
from postbell.domain.access import Scope, opens
from postbell.domain.ids import LETTERS


#: What ids of posts and series look like: no word is one, for they have no vowels.
ID = f"[{LETTERS}]{{8}}"


class _Id(StringConvertor):
    """Such an id as a part of a path, `{id:id}`: what is none is at no path."""

    regex = ID


class _Sha256(StringConvertor):
    """The name of a file as a part of a path, `{sha256:sha256}`."""

    regex = "[0-9a-f]{64}"


register_url_convertor("id", _Id())
register_url_convertor("sha256", _Sha256())

#: A request on its way through a route.
Call = Annotated[Running, Depends(begin)]
Work = Callable[..., Answer]
Reply = TypeVar("Reply", bound=Callable[..., Awaitable[Response]])

#: What every route may answer besides, with what that means.
ALWAYS = {
    400: "It is malformed: no JSON, no Host, a body that says it is something else.",
    401: "It has no key, or one that is unknown, was revoked or has expired.",
    403: "The key does not open this; or a page of another site asked.",
    408: "It did not arrive in time.",
    413: "The body is too long.",
    421: "Postbell is not known by the name in Host.",
    422: "What is asked for is not valid; every problem is told.",
    429: "The key has asked too often; Retry-After says how many seconds to wait.",
    503: "The database is locked by another program, or a network cannot be asked; ask again.",
}
MEANINGS = {
    **ALWAYS,
    304: "It is as it was when it had the ETag in If-None-Match.",
    404: "There is no such thing.",
    409: "The present state does not allow it. If it was changed at the same moment, or a request with this "
    "Idempotency-Key is under way, Retry-After says when to ask again.",
    412: "It was changed since: its ETag is not the one in If-Match; or another version of tus is wanted.",
    415: "The body is not of the type that is taken here.",
    416: "The file has no such range of bytes.",
    460: "The part is not what was sent: its checksum is another one; nothing of it was kept.",
    507: "The disk is full; nothing was stored.",
}
#: What changes nothing.
SAFE = ("GET", "HEAD", "OPTIONS")
#: What every route that changes something may answer besides.
_UNSAFE = (409, 415, 507)


class Resource:
    """Routes to one kind of thing, below one path."""

    def __init__(self, name: str, about: str, *, path: str | None = None) -> None:
        """Take its name, a sentence about it, and its path where that is not /api/v1/NAME."""
        self.name, self.about = name, about
        prefix = f"/api/v1/{name}" if path is None else path
        self.router = APIRouter(prefix=prefix, tags=[name], route_class=Route)

    def get(self, path: str, summary: str, **how: Any) -> Callable[[Work], Work]:
        """Serve a function that reads; see `serve`."""
        return self.serve("GET", path, summary, needs=how.pop("needs", Scope.READ), **how)

    def serve(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        needs: Scope,
        returns: Any = None,
        status: int = 200,
        refuses: Sequence[int] = (),
        unchanged: bool = False,
        also: dict[int | str, dict[str, Any]] | None = None,
        sends: Sequence[str] = (),
        **more: Any,
    ) -> Callable[[Work], Work]:
        """Serve a function for one method of one path, to who holds a scope.

        `returns` is the model of what it answers with `status`; `refuses` what it may answer besides what
        every route does, `unchanged` whether it has an ETag to ask with; `also` describes other answers, and
        `sends` names the headers of those that are no refusals. `more` goes to FastAPI.
        """
        unsafe = method not in SAFE
        codes = sorted({*ALWAYS, *refuses, *(_UNSAFE if unsafe else ()), *((304,) if unchanged else ())})
        good = sending([*(("ETag",) if unchanged else ()), *sends], also or {}, status)

        def register(work: Work) -> Work:
            @functools.wraps(work)
            def carry_out(**given: Any) -> Response:
                running: Running = given["call"]
                return conclude(running, lambda: work(**given), remembered=unsafe)

            self.router.add_api_route(
                path,
                carry_out,
                methods=[method],
                summary=summary,
                response_model=returns,
                status_code=status,
                operation_id=f"{self.name}_{work.__name__}",
                responses={code: with_headers(MEANINGS[code], code) for code in codes} | good,
                openapi_extra={"x-scope": needs.value, **more.pop("openapi_extra", {})},
                **more,
            )
            return work

        return register

    def answer(
        self, path: str, summary: str, *, needs: Scope, returns: Any = None, **more: Any
    ) -> Callable[[Reply], Reply]:
        """Serve a coroutine that makes the answer itself, and changes nothing: a stream, or no JSON."""

        def register(work: Reply) -> Reply:
            self.router.add_api_route(
                path,
                work,
                methods=["GET"],
                summary=summary,
                response_model=returns,
                status_code=200,
                operation_id=f"{self.name}_{work.__name__}",
                responses={code: with_headers(MEANINGS[code], code) for code in ALWAYS}
                | more.pop("also", {}),
                openapi_extra={"x-scope": needs.value},
                **more,
            )
            return work

        return register


class Route(APIRoute):
    """A route that looks at the key, and at the type of the body, before anything is read."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return what answers a request."""
        handle = super().get_route_handler()
        needed = Scope((self.openapi_extra or {})["x-scope"])
        takes = self.body_field.field_info.media_type if self.body_field else None  # type: ignore[attr-defined]

        async def answer(request: Request) -> Response:
            caller = request.state.caller
            if not opens(caller.scopes, needed):
                raise Refusal(
                    status=403,
                    code="scope",
                    detail=f"This key does not open that; it needs the scope {needed}.",
                )
            is_json = takes == "application/json"
            # It is read here, because FastAPI tells every fault of it as its own.
            if is_json and (await request.body() or "content-type" in request.headers):
                _require_json(request)
            await require_texts(request, json=is_json)
            await _require_known(request, self)
            return await handle(request)

        return answer


async def _require_known(request: Request, route: APIRoute) -> None:
    """Raise Refusal for what the description does not know: it may be mistyped, or mean more than is done."""
    paths = request.app.state.contract["paths"]
    operation = paths.get(route.path_format, {}).get(request.method.lower(), {})
    known = {where: _named(operation, where) for where in ("query", "header")}
    told_of = [
        asked_wrongly(
            None,
            f"query {name}",
            f"There is no such parameter; known here: {', '.join(known['query']) or 'none'}.",
        )
        for name in request.query_params
        if name not in known["query"]
    ]
    if request.method not in SAFE:
        if "if-match" in request.headers and "if-match" not in known["header"]:
            told_of.append(
                asked_wrongly(None, "header If-Match", "This has no versions, so there is none to compare.")
            )
        if "requestBody" not in operation and (await request.body()).strip() not in (b"", b"{}"):
            told_of.append(asked_wrongly(None, "body", "This takes no body."))
    if told_of:
        raise invalid(told_of)


def _named(operation: dict[str, Any], where: str) -> list[str]:
    """Return the parameters of an operation that are in a query, or, in small letters, in a header."""
    found = (each["name"] for each in operation.get("parameters", ()) if each["in"] == where)
    return sorted(name.lower() if where == "header" else name for name in found)


def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/merge-patch+json"):
        raise Refusal(
            status=415, code="media_type", detail="The body must be JSON: Content-Type application/json."
        )


def found_at(base: str, name: str) -> dict[str, str]:
    """Return the header that says where something new is found."""
    return {"Location": f"/api/v1/{base}/{name}"}


def page_link(request: Request, **changed: str | None) -> dict[str, str]:
    """Return the header that links to the next page of a list (RFC 8288), if there is one."""
    if not any(changed.values()):
        return {}
    url = request.url.include_query_params(**changed)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}
