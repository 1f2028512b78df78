"""What one POST costs, by client: `python tests/benchmarks/bench_client.py [runs] [posts]`.

280 characters of JSON go to a receiver in a process of its own, 10 and 50 at a time: through one httpx
client, through httpx clients of one connection each, and through Postbell's own way (`Http.request`). The
runs of the three alternate, so that what else the machine does falls on all. Prints the medians as
one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx

from postbell.clock import SystemClock
from postbell.publishing.http import Clients, Http


Post = Callable[[], Awaitable[object]]

_RECEIVER = r"""
import asyncio

class Receiver(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.got = transport, b""

    def data_received(self, data):
        self.got += data
        while (end := self.got.find(b"\r\n\r\n") + 4) > 3:
            head = self.got[:end].lower()
            end += int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self.got) < end:
                return
            self.got = self.got[end:]
            self.transport.write(b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n"
                                 b"content-length: 9\r\n\r\n{\"id\": 1}")

async def main():
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
_BODY = {"text": "x" * 280}


async def one_client(url: str, in_flight: int, stack: AsyncExitStack) -> Post:
    """One httpx client with a pool, as most programs use it."""
    limits = httpx.Limits(max_connections=in_flight)
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, limits=limits))
    return lambda: client.post(url, json=_BODY)


async def client_each(url: str, in_flight: int, stack: AsyncExitStack) -> Post:
    """As many httpx clients as requests in flight."""
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


async def postbell(url: str, _in_flight: int, stack: AsyncExitStack) -> Post:
    """What a network's code uses."""
    clients = Clients()
    stack.push_async_callback(clients.close)
    http = Http(clients, SystemClock(), secrets=["a secret"])
    return lambda: http.request("POST", url, publishes=True, json=_BODY)


CLIENTS = (one_client, client_each, postbell)


async def _measure(name: int, url: str, in_flight: int, posts: int) -> tuple[float, float]:
    async with AsyncExitStack() as stack:
        post = await CLIENTS[name](url, in_flight, stack)
        todo = iter(range(0))

        async def work() -> None:
            for _ in todo:
                await post()

        for count in (posts // 10, posts):  # the first opens the connections
            todo = iter(range(count))
            began, used = time.perf_counter(), time.process_time()
            await asyncio.gather(*(work() for _ in range(in_flight)))
        return posts / (time.perf_counter() - began), (time.process_time() - used) / posts * 1000


def main() -> None:
    """Measure, and print one line of JSON."""
    runs, posts = (int(word) for word in [*sys.argv[1:], "5", "2000"][:2])
    command = [sys.executable, "-c", _RECEIVER]
    found = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout
        url = f"http://127.0.0.1:{receiver.stdout.readline().strip()}/hook"
        for in_flight in (10, 50):
            seen: list[list[tuple[float, float]]] = [[] for _ in CLIENTS]
            for _ in range(runs):
                for number, results in enumerate(seen):
                    results.append(asyncio.run(_measure(number, url, in_flight, posts)))
            for client, results in zip(CLIENTS, seen, strict=True):
                rate, cpu = (statistics.median(values) for values in zip(*results, strict=True))
                found[f"{client.__name__}_{in_flight}"] = {"per_s": round(rate), "cpu_ms": round(cpu, 3)}
        receiver.kill()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
