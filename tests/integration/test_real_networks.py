"""From the command line to the real networks: the installed command, the running daemon, what readers see."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.home import Home, make_home
from support.lossy import lossy_proxy
from support.pds import Account, Pds
from support.pictures import jpeg, png
from support.wordpress import WordPress


pytestmark = pytest.mark.real

_numbers = itertools.count()
_COMMAND = Path(sys.executable).parent / "postbell"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


@pytest.fixture
def profile(pds: Pds) -> Account:
    return pds.create_account(f"acceptance{next(_numbers)}.test")


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = {"dawn.png": png(320, 200, (200, 80, 40)), "dusk.jpg": jpeg(240, 300, (30, 40, 120))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in files]


def _postbell(home: Home, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(_COMMAND), "--json", *home.options, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def _connect(home: Home, network: str, name: str, server: str, **values: str) -> None:
    """Add an account as a user does: the secret comes from a file that only its owner can read."""
    ((setting, public), (key, secret)) = values.items()
    file = home.places.config.with_name(f"{name}.secret")
    file.write_text(secret)
    file.chmod(0o600)
    words = ("account", "add", network, "--name", name, "--server", server)
    _postbell(home, *words, "--set", f"{setting}={public}", "--secret", f"{key}=@{file}")


def _bluesky(home: Home, profile: Account, server: str) -> None:
    _connect(home, "bluesky", "sky", server, identifier=profile.handle, app_password=profile.app_password)


def _wordpress(home: Home, site: WordPress, server: str) -> None:
    _connect(
        home, "wordpress", "blog", server, username=site.username, application_password=site.app_password
    )


def _publish(home: Home, *words: str) -> dict[str, Any]:
    """Schedule a post 3 s ahead and return its delivery when it is published."""
    post = _postbell(home, "add", *words, "--at", "in 3 s")
    subprocess.run(
        [str(_COMMAND), *home.options, "wait", post["id"], "--timeout", "60"],
        check=False,
        capture_output=True,
    )
    return _delivery(home, post["id"])


def _delivery(home: Home, post_id: str) -> dict[str, Any]:
    post = _postbell(home, "show", post_id)
    assert (post["state"], post["outcome"]) == ("processed", "published"), (post, home.tail())
    (delivery,) = post["deliveries"]
    found: dict[str, Any] = delivery
    return found


def _record(pds: Pds, profile: Account, delivery: dict[str, Any]) -> dict[str, Any]:
    rkey = delivery["url"].rpartition("/")[2]
    assert delivery["url"] == f"https://bsky.app/profile/{profile.did}/post/{rkey}"
    found = pds.get_record(profile.did, rkey)
    assert found is not None
    value: dict[str, Any] = found["value"]
    return value


def test_a_text_reaches_bluesky_on_time(home: Home, pds: Pds, profile: Account) -> None:
    _bluesky(home, profile, pds.url)
    with home.daemon():
        delivery = _publish(home, "Grüße vom Kirchturm 🔔", "--to", "sky")
    assert _record(pds, profile, delivery)["text"] == "Grüße vom Kirchturm 🔔"
    assert len(pds.list_records(profile.did)) == 1


def test_two_pictures_reach_bluesky_with_their_descriptions(
    home: Home, pds: Pds, profile: Account, pictures: Sequence[Path]
) -> None:
    _bluesky(home, profile, pds.url)
    media = (
        "--media",
        f"{pictures[0]}=Dawn over roofs",
        "--media",
        f"{pictures[1]}=Dusk, from the same place",
    )
    with home.daemon():
        delivery = _publish(home, "Two skies", "--to", "sky", *media)
    images = _record(pds, profile, delivery)["embed"]["images"]
    assert [image["alt"] for image in images] == ["Dawn over roofs", "Dusk, from the same place"]
    assert [image["aspectRatio"] for image in images] == [
        {"width": 320, "height": 200},
        {"width": 240, "height": 300},
    ]
    read = [pds.get_blob(profile.did, image["image"]["ref"]["$link"]) for image in images]
    assert read == [picture.read_bytes() for picture in pictures]


def test_link_mention_and_hashtag_work_on_bluesky(home: Home, pds: Pds, profile: Account) -> None:
    friend = pds.create_account(f"friend{next(_numbers)}.test")
    _bluesky(home, profile, pds.url)
    text = f"🔔 for @{friend.handle}: https://bell.invalid/ä?b=c #Glocke"
    with home.daemon():
        delivery = _publish(home, text, "--to", "sky")
    record = _record(pds, profile, delivery)
    written = record["text"].encode()
    kind = "app.bsky.richtext.facet#"
    assert [
        (written[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), *f["features"])
        for f in record["facets"]
    ] == [
        (f"@{friend.handle}", {"$type": f"{kind}mention", "did": friend.did}),
        ("https://bell.invalid/ä?b=c", {"$type": f"{kind}link", "uri": "https://bell.invalid/ä?b=c"}),
        ("#Glocke", {"$type": f"{kind}tag", "tag": "Glocke"}),
    ]


def test_a_daemon_killed_while_bluesky_answers_leaves_exactly_one_post(
    home: Home, pds: Pds, profile: Account
) -> None:
    with lossy_proxy(pds.url) as proxy:
        _bluesky(home, profile, proxy.url)
        trap = proxy.hold("POST", "com.atproto.repo.putRecord")
        with home.daemon() as process:
            post = _postbell(home, "add", "Only once", "--to", "sky", "--at", "in 3 s")["id"]
            trap.wait()  # the server has accepted it, and nobody here knows
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with home.daemon():
            home.wait_for(lambda: home.states() == {"processed": 1})
        delivery = _delivery(home, post)
        assert proxy.count("POST", "com.atproto.repo.putRecord") == 1
    assert [record["value"]["text"] for record in pds.list_records(profile.did)] == ["Only once"]
    assert _record(pds, profile, delivery)["text"] == "Only once"
    assert _tries(home, post) == [("publish", "interrupted"), ("find", "published")]


def test_what_shall_be_public_for_a_while_only_is_taken_away_from_bluesky(
    home: Home, pds: Pds, profile: Account
) -> None:
    _bluesky(home, profile, pds.url)
    with home.daemon():
        delivery = _publish(home, "For a second", "--to", "sky", "--delete-after", "1 s")
        assert delivery["receipt_id"].startswith(f"at://{profile.did}/")
    with home.daemon():  # which looks at once; a running one looks every half minute
        home.wait_for(lambda: pds.list_records(profile.did) == [])


def test_what_shall_be_public_for_a_while_only_is_taken_away_from_wordpress(
    home: Home, wordpress: WordPress
) -> None:
    _wordpress(home, wordpress, wordpress.url)
    with home.daemon():
        words = ("--to", "blog", "--title", "For a second", "--delete-after", "1 s")
        number = _publish(home, "Soon gone", *words)["receipt_id"]
    with home.daemon():
        home.wait_for(lambda: wordpress.post(int(number))["status"] == "trash")


def test_a_text_reaches_wordpress_with_its_terms(home: Home, wordpress: WordPress) -> None:
    _wordpress(home, wordpress, wordpress.url)
    options = ("--set", "wordpress.categories=News,Bells", "--set", "wordpress.tags=tower,noon")
    with home.daemon():
        delivery = _publish(
            home, "First.\n\nSecond & <last>.", "--to", "blog", "--title", "The bell rings", *options
        )
    (post,) = [each for each in wordpress.posts() if each["link"] == delivery["url"]]
    assert post["status"] == "publish"
    assert post["title"]["raw"] == "The bell rings"
    assert "<p>First.</p>" in post["content"]["raw"]
    assert "<p>Second &amp; &lt;last&gt;.</p>" in post["content"]["raw"]
    assert sorted(wordpress.term_names("categories", post["categories"])) == ["Bells", "News"]
    assert sorted(wordpress.term_names("tags", post["tags"])) == ["noon", "tower"]
    assert "The bell rings" in wordpress.page(delivery["url"])


def test_two_pictures_reach_wordpress_with_their_descriptions(
    home: Home, wordpress: WordPress, pictures: Sequence[Path]
) -> None:
    _wordpress(home, wordpress, wordpress.url)
    media = ("--media", f"{pictures[0]}=Dawn over roofs", "--media", f"{pictures[1]}=Dusk, same place")
    with home.daemon():
        delivery = _publish(home, "Two skies", "--to", "blog", "--title", "Skies", *media)
    (post,) = [each for each in wordpress.posts() if each["link"] == delivery["url"]]
    shown = re.findall(r'alt="([^"]*)" class="wp-image-(\d+)"', post["content"]["raw"])
    assert [alt for alt, _ in shown] == ["Dawn over roofs", "Dusk, same place"]
    assert [wordpress.media(int(number))["alt_text"] for _, number in shown] == [alt for alt, _ in shown]
    stored = [wordpress.media_bytes(int(number)) for _, number in shown]
    assert stored == [picture.read_bytes() for picture in pictures]


def test_the_first_picture_can_be_the_featured_image_on_wordpress(
    home: Home, wordpress: WordPress, pictures: Sequence[Path]
) -> None:
    _wordpress(home, wordpress, wordpress.url)
    words = ("--media", f"{pictures[0]}=Dawn over roofs", "--set", "wordpress.featured=true")
    with home.daemon():
        delivery = _publish(home, "One sky", "--to", "blog", "--title", "A sky", *words)
    (post,) = [each for each in wordpress.posts() if each["link"] == delivery["url"]]
    assert wordpress.media(post["featured_media"])["alt_text"] == "Dawn over roofs"
    assert wordpress.media_bytes(post["featured_media"]) == pictures[0].read_bytes()
    assert "<img" not in post["content"]["raw"]


def test_link_mention_and_hashtag_stay_what_they_are_on_wordpress(home: Home, wordpress: WordPress) -> None:
    _wordpress(home, wordpress, wordpress.url)
    with home.daemon():
        delivery = _publish(
            home, "For @friend.test: #Glocke", "--to", "blog", "--link", "https://example.com/a?b=c&d=e"
        )
    (post,) = [each for each in wordpress.posts() if each["link"] == delivery["url"]]
    assert "For @friend.test: #Glocke" in post["content"]["raw"]
    assert 'href="https://example.com/a?b=c&amp;d=e"' in post["content"]["raw"]


def test_a_daemon_killed_while_wordpress_answers_leaves_exactly_one_post(
    home: Home, wordpress: WordPress
) -> None:
    with lossy_proxy(wordpress.url) as proxy:
        _wordpress(home, wordpress, proxy.url)
        words = ("add", "Only once here", "--to", "blog", "--title", "Rung once", "--at", "in 3 s")
        trap = proxy.hold("POST", "/wp/v2/posts/")  # with an id: the step that makes the draft public
        with home.daemon() as process:
            post = _postbell(home, *words)["id"]
            trap.wait()
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with home.daemon():
            home.wait_for(lambda: home.states() == {"processed": 1})
        delivery = _delivery(home, post)
    found = [each for each in wordpress.posts(status="any") if each["title"]["raw"] == "Rung once"]
    assert [(each["status"], each["link"]) for each in found] == [("publish", delivery["url"])]
    assert _tries(home, post) == [("publish", "interrupted"), ("find", "published")]


def _tries(home: Home, post_id: str) -> list[tuple[str, str]]:
    done = subprocess.run(
        [str(_COMMAND), "--json", *home.options, "log", post_id], capture_output=True, text=True, check=True
    )
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    return [(each["kind"], each["result"]) for each in tries]
