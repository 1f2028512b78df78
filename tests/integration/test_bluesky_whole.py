"""Bluesky's own server takes everything that a post can be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image

from postbell.domain.media import Media, MediaKind
from postbell.errors import Rejected, Unsure
from postbell.publishing.bluesky.api import Line
from postbell.publishing.bluesky.gates import THREADGATE
from postbell.publishing.bluesky.prepare import prepare
from postbell.publishing.bluesky.video import LIMITS, UPLOAD, WHO
from postbell.publishing.protocol import Progress, Receipt
from support import pictures
from support.bluesky_choices import assert_thirty, beside, post_thirty
from support.bluesky_online import Postbell, new_account, online, value_of
from support.content_ids import claims_of
from support.lossy import lossy_proxy
from support.pds import Account, Pds
from support.served import served
from support.sounds import SUBTITLES


pytestmark = pytest.mark.real


@pytest.fixture
def account(pds: Pds) -> Account:
    return new_account(pds)


@pytest.fixture
def here(pds: Pds, account: Account) -> Iterator[Postbell]:
    with online(pds, account) as postbell:
        yield postbell


def _site(folder: Path) -> httpx.MockTransport:
    """Return a site whose page names a picture of more than a million bytes."""
    path = folder / "noise.png"
    Image.effect_noise((1400, 1000), 90).save(path)
    assert path.stat().st_size > 1_000_000

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/picture":
            return httpx.Response(200, headers={"content-type": "image/png"}, content=path.read_bytes())
        head = "<title>Türme</title><meta name=description content=Hohe>"
        return httpx.Response(200, html=head + "<meta property=og:image content=/picture>")

    return httpx.MockTransport(answer)


def _pictures(folder: Path, count: int) -> tuple[Media, ...]:
    return tuple(
        pictures.picture(folder, f"{number}.png", f"Picture {number}", pictures.png(40, 30 + number))
        for number in range(count)
    )


# Cards


def test_a_link_is_a_card_with_a_picture_that_is_small_enough(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    with served(_site(tmp_path)) as site:
        outgoing = here.outgoing("", link=f"{site}/page")
        assert here.publish(outgoing).warnings == ()
    card = value_of(pds, account, outgoing)["embed"]["external"]
    assert (card["uri"], card["title"], card["description"]) == (f"{site}/page", "Türme", "Hohe")
    assert len(pds.get_blob(account.did, card["thumb"]["ref"]["$link"])) <= 1_000_000


def test_a_link_to_nowhere_is_a_card_without_a_picture(pds: Pds, account: Account, here: Postbell) -> None:
    outgoing = here.outgoing("Read https://nowhere.example/a")
    (warning,) = here.publish(outgoing).warnings
    assert "nobody knows nowhere.example" in warning
    card = {"uri": "https://nowhere.example/a", "title": "nowhere.example", "description": ""}
    assert value_of(pds, account, outgoing)["embed"]["external"] == card


# Quotes, galleries, and who may answer


def test_a_quote_with_pictures_reads_back(pds: Pds, account: Account, here: Postbell, tmp_path: Path) -> None:
    friend = new_account(pds)
    with online(pds, friend) as theirs:
        quoted = theirs.publish(theirs.outgoing("Quote me"))
    rkey = quoted.id.rpartition("/")[2]
    address = f"https://bsky.app/profile/{friend.handle}/post/{rkey}"
    outgoing = here.outgoing(media=_pictures(tmp_path, 1), options={"quote": address})
    here.publish(outgoing)
    embed = value_of(pds, account, outgoing)["embed"]
    found = pds.get_record(friend.did, rkey)
    assert found
    assert embed["record"]["record"] == {"uri": quoted.id, "cid": found["cid"]}
    assert len(embed["media"]["images"]) == 1


def test_a_quote_of_what_is_gone_is_rejected(pds: Pds, account: Account, here: Postbell) -> None:
    gone = f"at://{account.did}/app.bsky.feed.post/3ltc2vx5pbk2n"
    with pytest.raises(Rejected, match="the quoted post is not there any more"):
        here.publish(here.outgoing(options={"quote": gone}))
    assert pds.list_records(account.did) == []


@pytest.mark.parametrize("count", [5, 10])
def test_a_gallery_reads_back(pds: Pds, account: Account, here: Postbell, tmp_path: Path, count: int) -> None:
    outgoing = here.outgoing(media=_pictures(tmp_path, count))
    here.publish(outgoing)
    embed = value_of(pds, account, outgoing)["embed"]
    assert embed["$type"] == "app.bsky.embed.gallery"
    assert [item["alt"] for item in embed["items"]] == [f"Picture {number}" for number in range(count)]


def test_gates_are_written_with_the_post_and_taken_away_with_it(
    pds: Pds, account: Account, here: Postbell
) -> None:
    outgoing = here.outgoing(options={"replies": "mentioned,followers", "quotes": "off"})
    receipt = here.publish(outgoing)
    gates = beside(pds, account, outgoing)
    assert {gate["post"] for gate in gates.values()} == {receipt.id}
    assert len(gates[THREADGATE]["allow"]) == 2
    assert here.publish(outgoing) == receipt  # a repeat finds it
    assert len(pds.list_records(account.did)) == 1
    here.delete(outgoing, receipt.id)
    assert beside(pds, account, outgoing) == {}
    assert pds.list_records(account.did) == []


def test_a_gated_post_whose_answer_was_lost_is_found_with_its_gates(
    pds: Pds, account: Account, here: Postbell
) -> None:
    with lossy_proxy(pds.url) as proxy:
        here.server = proxy.url
        outgoing = here.outgoing(options={"replies": "nobody"})
        proxy.lose("POST", "applyWrites")
        with pytest.raises(Unsure):
            here.publish(outgoing)
        assert here.find(outgoing) == here.publish(outgoing)
        here.runner.run(here.clients.close())
    assert beside(pds, account, outgoing)[THREADGATE]["allow"] == []
    assert len(pds.list_records(account.did)) == 1


def test_thirty_posts_across_all_options_read_back(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    assert_thirty(pds, account, post_thirty(here, account, tmp_path))


# Video


def test_a_video_reads_back_and_the_server_lets_its_service_upload(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    clip = pictures.picture(tmp_path, "clip.mp4", "A bell", pictures.mp4(), mime="video/mp4")
    outgoing = here.outgoing(media=(replace(clip, kind=MediaKind.VIDEO),))
    http = here.http()
    line = Line(outgoing.target, http)
    until = http.now() + timedelta(minutes=30)
    token = here.runner.run(line.service_token("did:web:localhost", UPLOAD, until))
    assert claims_of(token)["lxm"] == UPLOAD
    assert claims_of(token)["exp"] == int(until.timestamp())
    # The service itself runs nowhere but at Bluesky: what it would have made is uploaded here.
    blob = here.runner.run(line.upload_bytes("video/mp4", clip.path.read_bytes()))
    ready = Progress(step="the video is ready", data={"warnings": [], "blobs": [], "video": blob})
    assert isinstance(here.runner.run(here.subject.network.publish(outgoing, ready, http)), Receipt)
    embed = value_of(pds, account, outgoing)["embed"]
    assert (embed["$type"], embed["video"], embed["alt"]) == ("app.bsky.embed.video", blob, "A bell")


def test_the_subtitles_of_a_video_read_back(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    clip = pictures.picture(tmp_path, "clip.mp4", "A bell", pictures.mp4(), mime="video/mp4")
    files = [
        pictures.picture(tmp_path, f"clip.{language}.vtt", "", SUBTITLES + language.encode(), mime="text/vtt")
        for language in ("en", "pt-BR")
    ]
    media = [replace(clip, kind=MediaKind.VIDEO), *(replace(it, kind=MediaKind.DOCUMENT) for it in files)]
    outgoing = here.outgoing(media=tuple(media), options={"presentation": "gif"})
    http = here.http()
    line = Line(outgoing.target, http)
    token = here.runner.run(line.service_token(WHO, LIMITS, http.now() + timedelta(minutes=30)))
    assert (claims_of(token)["aud"], claims_of(token)["lxm"]) == (WHO, LIMITS)
    blob = here.runner.run(line.upload_bytes("video/mp4", clip.path.read_bytes()))
    known = here.runner.run(prepare(line, outgoing, http))
    ready = Progress(step="the video is ready", data={**known, "video": blob})
    assert isinstance(here.runner.run(here.subject.network.publish(outgoing, ready, http)), Receipt)
    embed = value_of(pds, account, outgoing)["embed"]
    assert [(each["lang"], each["file"]["mimeType"]) for each in embed["captions"]] == [
        ("en", "text/vtt"),
        ("pt-BR", "text/vtt"),
    ]
    assert embed["presentation"] == "gif"
