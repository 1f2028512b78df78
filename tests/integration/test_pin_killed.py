"""A daemon that is killed while it pins what is public: the next one pins it, and sends nothing again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from postbell.clock import SystemClock
from postbell.domain.content import Override
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.testing import FakeClock
from support.fake_telegram import CHANNEL, TOKEN, FakeTelegram
from support.home import Home, make_home
from support.served import served


@dataclass
class _Telegram(httpx.AsyncBaseTransport):
    """Telegram at another address, which does not answer who wants to pin until it `pins`."""

    bot: FakeTelegram
    pins: bool = False
    #: How often it was asked to pin.
    asked: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/pinChatMessage"):
            self.asked += 1
            if not self.pins:
                await asyncio.Event().wait()
        meant = f"https://api.telegram.org{request.url.raw_path.decode()}"
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        return await self.bot.handle_async_request(
            httpx.Request(request.method, meant, headers=headers, content=await request.aread())
        )


def _add(home: Home) -> str:
    pinned = {"bells": Override(options={"pin": True})}
    with home.app() as app:
        wanted = Wanted(text="Pinned", to=("bells",), when=home.when(app, "now"), overrides=pinned)
        return add_post(app.ctx, wanted).post.id


def _kill(home: Home, when: Callable[[], bool]) -> None:
    """Let a daemon live until then."""
    daemon = home.start()
    home.wait_for(when)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait(30)


def test_it_is_never_unsure_and_pinned_by_the_next_daemon(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    far_side = _Telegram(FakeTelegram(FakeClock(SystemClock().now())))
    with served(far_side) as address:
        home.connect("telegram", "bells", {"bot_token": TOKEN, "chat": "@bell_tower"}, server=address)
        post_id = _add(home)
        _kill(home, lambda: far_side.asked == 1)
        _kill(home, lambda: far_side.asked == 2)
        far_side.pins = True
        with home.daemon():
            home.wait_for(lambda: home.states() == {"processed": 1})
    (delivery,) = home.post(post_id).deliveries
    assert (delivery.url, delivery.warnings) == ("https://t.me/bell_tower/17", ())
    assert [post.text for post in far_side.bot.public()] == ["Pinned"]
    assert far_side.bot.pinned == [(CHANNEL, 17)]
