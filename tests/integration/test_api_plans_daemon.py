"""Series, queues and rehearsals of a real daemon, asked for through real sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key
from support.home import make_home, served


def test_a_program_plans_and_the_daemon_carries_it_out(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    home.env["POSTBELL_API__LISTEN"] = "127.0.0.1:0"
    (tmp_path / "out").mkdir()
    home.connect("folder", "out", {"path": str(tmp_path / "out")})
    with home.app() as app:
        bearer = {"Authorization": f"Bearer {add_key(app.ctx, name='key', scopes=[Scope.ADMIN])[1]}"}
    asked = {"text": "again", "to": ["out"], "repeat": {"cron": "0 3 * * *"}}
    until = (datetime.now(UTC) + timedelta(days=5)).isoformat(timespec="seconds")
    with served(home) as base, httpx.Client(base_url=f"{base}/api/v1/", headers=bearer, timeout=60) as client:
        series = client.post("series", json=asked).json()["id"]
        first = client.get(f"series/{series}/next?count=1").json()["next"][0]
        client.put("accounts/out/slots", json={"times": ["daily 00:00,12:00"]})
        queued = client.post("posts", json={"text": "in its turn", "to": ["out"], "queue": "free"}).json()
        seats = client.get("accounts/out/queue?count=1").json()["seats"]
        assert [post["id"] for seat in seats if seat["slot"] for post in seat["posts"]] == [queued["id"]]
        rehearsed = client.post("rehearsal", json={"until": until}).json()
        assert rehearsed["summary"]["published"] >= 4
        assert {each["series"] for each in rehearsed["deliveries"]} == {series, None}
        wrong = client.post("rehearsal", json={"until": "2020-01-01T00:00:00Z"})
        assert wrong.status_code == 422
        assert [each["pointer"] for each in wrong.json()["problems"]] == ["/until"]
        assert client.post("backups").json()["rows"]["account"] == 1
        client.post(f"posts/{first['post']}/publish")
        ended = client.get(f"posts/{first['post']}?wait=30").json()
        assert ended["outcome"] == "published"
        assert client.post(f"series/{series}/end").json()["state"] == "ended"
        assert client.get("status").json()["troubles"] == []
    assert any("again" in file.read_text() for file in (tmp_path / "out").rglob("*.md"))
