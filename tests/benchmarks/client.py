"""What one request costs, by client: 280 characters of JSON, 10 and 50 at a time, without anything around it.

Through one httpx client with its pool, through httpx clients of one connection each, and through what
networks are given in Postbell. Each gets its turn before anybody has a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx

from benchmarks.measuring import Figure, Options, median
from postbell.clock import SystemClock
from postbell.publishing.web.http import Clients, Http


Post = Callable[[], Awaitable[object]]

_BODY = {"text": "x" * 280}


def run(options: Options) -> Iterator[Figure]:
    """Compare the clients at 10 and at 50 requests in flight."""
    runs, posts = options.pick(5, 3), options.pick(3000, 1000)
    for in_flight in (10, 50):
        rates: dict[str, list[float]] = {}
        costs: dict[str, list[float]] = {}
        for _ in range(runs):
            for name, client in _CLIENTS.items():
                options.sink.reset()
                rate, cpu = asyncio.run(_measure(client, options.sink.url, in_flight, posts))
                rates.setdefault(name, []).append(rate)
                costs.setdefault(name, []).append(cpu)
        for other, gate, stretch in (("one client", 1.6, 2.0), ("a client each", 1.3, 1.8)):
            yield Figure(
                name=f"client, {in_flight} in flight, rate against httpx, {other}",
                told=f"requests a second with {in_flight} in flight against httpx, {other}",
                value=median(rates["postbell"]) / median(rates[other]),
                gate=gate,
                stretch=stretch,
                runs=rates,
            )
        yield Figure(
            name=f"client, {in_flight} in flight, cpu",
            told=f"CPU for each request with {in_flight} in flight",
            value=median(costs["postbell"]),
            unit="ms",
            gate=0.45,
            less=True,
            runs=costs,
        )


async def _one_client(url: str, in_flight: int, stack: AsyncExitStack) -> Post:
    limits = httpx.Limits(max_connections=in_flight)
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, limits=limits))
    return lambda: client.post(url, json=_BODY)


async def _client_each(url: str, in_flight: int, stack: AsyncExitStack) -> Post:
    verify = httpx.create_ssl_context(trust_env=False)
    free = [
        await stack.enter_async_context(httpx.AsyncClient(verify=verify, trust_env=False))
        for _ in range(in_flight)
    ]

    async def post() -> None:
        client = free.pop()
        await client.post(url, json=_BODY)
        free.append(client)

    return post


async def _postbell(url: str, _in_flight: int, stack: AsyncExitStack) -> Post:
    clients = Clients()
    stack.push_async_callback(clients.close)
    http = Http(clients, SystemClock(), secrets=["a secret"])
    return lambda: http.request("POST", url, publishes=True, json=_BODY)


_CLIENTS = {"one client": _one_client, "a client each": _client_each, "postbell": _postbell}


async def _measure(
    client: Callable[[str, int, AsyncExitStack], Awaitable[Post]], url: str, in_flight: int, posts: int
) -> tuple[float, float]:
    """Return requests a second, and milliseconds of CPU for each."""
    async with AsyncExitStack() as stack:
        post = await client(url, in_flight, stack)
        todo = iter(range(0))

        async def work() -> None:
            for _ in todo:
                await post()

        for count in (in_flight, posts):  # the first opens the connections
            todo = iter(range(count))
            began, used = time.perf_counter(), time.process_time()
            await asyncio.gather(*(work() for _ in range(in_flight)))
        return posts / (time.perf_counter() - began), (time.process_time() - used) / posts * 1000
