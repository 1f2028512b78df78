"""Bluesky's own server takes what we send, and gives it back equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.media import Media
from postbell.errors import Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.bluesky.post import record_key
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Reply
from support import pictures
from support.bluesky_online import Postbell, new_account, online, value_of
from support.lexicon import lexicons
from support.lossy import lossy_proxy
from support.pds import Account, Pds


pytestmark = pytest.mark.real


@pytest.fixture
def account(pds: Pds) -> Account:
    return new_account(pds)


@pytest.fixture
def here(pds: Pds, account: Account) -> Iterator[Postbell]:
    with online(pds, account) as postbell:
        yield postbell


def _image(folder: Path, data: bytes, mime: str, alt: str) -> Media:
    return pictures.picture(folder, mime.replace("/", "."), alt, data, mime=mime)


def test_a_text_reads_back_equal(pds: Pds, account: Account, here: Postbell) -> None:
    text = "Grüße 日本語 👩‍👩‍👧‍👦 & <b>bold</b>"
    outgoing = here.outgoing(text, options={"langs": "de,ja", "labels": "nudity"})
    receipt = here.publish(outgoing)
    value = value_of(pds, account, outgoing)
    assert (value["text"], value["langs"], value["labels"]["values"]) == (
        text,
        ["de", "ja"],
        [{"val": "nudity"}],
    )
    assert receipt == Receipt(
        id=f"at://{account.did}/app.bsky.feed.post/{record_key(outgoing)}",
        url=f"https://bsky.app/profile/{account.did}/post/{record_key(outgoing)}",
    )


def test_a_text_as_long_as_it_may_be_is_taken(pds: Pds, account: Account, here: Postbell) -> None:
    outgoing = here.outgoing("é" * 280, link="https://a.example/b", options={"card": "off"})
    here.publish(outgoing)
    assert value_of(pds, account, outgoing)["text"].endswith("é\nhttps://a.example/b")


def test_a_text_that_is_too_long_is_rejected(pds: Pds, account: Account, here: Postbell) -> None:
    with pytest.raises(Rejected, match="grapheme too big"):
        here.publish(here.outgoing("é" * 301))


def test_links_mentions_and_hashtags_read_back_at_the_right_bytes(
    pds: Pds, account: Account, here: Postbell
) -> None:
    friend = new_account(pds)
    parts = [f"@{friend.handle}", "https://a.example/ä?b=c", "#tür"]
    outgoing = here.outgoing("✨ " + " 👨‍❤️‍👨 ".join(parts) + ".")
    here.publish(outgoing)
    value = value_of(pds, account, outgoing)
    written = value["text"].encode()
    read = [
        (written[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(), *facet["features"])
        for facet in value["facets"]
    ]
    kind = "app.bsky.richtext.facet#"
    assert read == [
        (parts[0], {"$type": f"{kind}mention", "did": friend.did}),
        (parts[1], {"$type": f"{kind}link", "uri": parts[1]}),
        (parts[2], {"$type": f"{kind}tag", "tag": "tür"}),
    ]


@pytest.mark.parametrize("handle", ["nobody.test", "nobody.example"])
def test_a_mention_of_nobody_stays_text(pds: Pds, account: Account, here: Postbell, handle: str) -> None:
    outgoing = here.outgoing(f"Hello @{handle}")
    assert here.publish(outgoing).warnings == (f"@{handle} was not found and stays plain text.",)
    assert "facets" not in value_of(pds, account, outgoing)


def test_pictures_read_back_with_their_bytes_and_alt_texts(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    media = (
        _image(tmp_path, pictures.png(40, 30), "image/png", 'A "red" boat'),
        _image(tmp_path, pictures.jpeg(40, 30), "image/jpeg", "Ein zweites Boot: ⛵"),
        _image(tmp_path, pictures.webp(40, 30), "image/webp", ""),
        _image(tmp_path, pictures.gif(40, 30, frames=3), "image/gif", ""),
    )
    outgoing = here.outgoing("Look", media=media)
    here.publish(outgoing)
    images = value_of(pds, account, outgoing)["embed"]["images"]
    blobs = [pds.get_blob(account.did, image["image"]["ref"]["$link"]) for image in images]
    assert blobs == [item.path.read_bytes() for item in media]
    assert [image["alt"] for image in images] == [item.alt for item in media]
    assert [image["image"]["mimeType"] for image in images] == [item.mime for item in media]
    assert images[0]["aspectRatio"] == {"width": 40, "height": 30}


def test_a_repeat_leaves_one_record(pds: Pds, account: Account, here: Postbell, tmp_path: Path) -> None:
    media = (_image(tmp_path, pictures.png(), "image/png", ""),)
    outgoing = here.outgoing(media=media)
    receipts = {here.publish(outgoing) for _ in range(3)}
    assert len(receipts) == 1
    assert len(pds.list_records(account.did)) == 1


def _thread(here: Postbell, folder: Path) -> Outgoing:
    """Return a thread of three parts, the second of which has a picture."""
    outgoing = here.outgoing(
        "One", media=(replace(_image(folder, pictures.png(), "image/png", "A"), part=2),)
    )
    return replace(outgoing, content=replace(outgoing.content, segments=("Two #tür", "Three")))


def _assert_thread(pds: Pds, account: Account) -> None:
    """Fail unless the account has that thread once, and nothing else."""
    third, second, first = pds.list_records(account.did)
    assert [record["value"]["text"] for record in (first, second, third)] == ["One", "Two #tür", "Three"]
    refs = [{"uri": record["uri"], "cid": record["cid"]} for record in (first, second)]
    assert "reply" not in first["value"]
    assert second["value"]["reply"] == {"root": refs[0], "parent": refs[0]}
    assert third["value"]["reply"] == {"root": refs[0], "parent": refs[1]}
    assert second["value"]["embed"]["images"][0]["alt"] == "A"
    for record in (first, second, third):
        lexicons().check_record("app.bsky.feed.post", record["value"], record["uri"].rpartition("/")[2])


def test_a_thread_reads_back_as_a_chain_and_is_taken_away_whole(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    outgoing = _thread(here, tmp_path)
    receipt = here.publish(outgoing)
    _assert_thread(pds, account)
    assert here.find(outgoing) == receipt
    for _ in range(2):
        here.delete(outgoing, receipt.id)
        assert pds.list_records(account.did) == []


def test_a_first_comment_answers_its_post_once_though_its_answer_was_lost(
    pds: Pds, account: Account, here: Postbell
) -> None:
    post = here.outgoing("One")
    name = here.publish(post).id
    begun_at = post.begun_at + timedelta(seconds=1)
    said = replace(here.outgoing("By the way"), begun_at=begun_at, reply=Reply(root=name, parent=name))
    with lossy_proxy(pds.url) as proxy:
        here.session |= {"pds": proxy.url}
        proxy.lose("POST", "putRecord")
        with pytest.raises(Unsure):
            here.publish(said)
        found = here.find(said)
        here.runner.run(here.clients.close())
    assert isinstance(found, Receipt)
    second, first = pds.list_records(account.did)
    ref = {"uri": first["uri"], "cid": first["cid"]}
    assert (second["uri"], second["value"]["reply"]) == (found.id, {"root": ref, "parent": ref})


@pytest.mark.parametrize("part", range(3))
def test_a_thread_goes_on_behind_a_part_whose_answer_was_lost(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path, part: int
) -> None:
    outgoing, stored = _thread(here, tmp_path), list[Progress]()
    here.verify()
    with lossy_proxy(pds.url) as proxy:
        here.session |= {"pds": proxy.url}
        here.go_on(outgoing, stored, until=2 * part)  # a part behind another one has a step of its own
        proxy.lose("POST", "putRecord")
        with pytest.raises(Unsure):
            here.go_on(outgoing, stored)
        assert here.go_on(outgoing, stored)
        here.runner.run(here.clients.close())
    _assert_thread(pds, account)


def test_ten_posts_of_one_millisecond_are_ten_records(pds: Pds, account: Account, here: Postbell) -> None:
    first = here.outgoing()
    for number in range(1020, 1030):
        here.publish(replace(first, number=number))
    assert len(pds.list_records(account.did)) == 10


def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(
    pds: Pds, account: Account, here: Postbell
) -> None:
    with lossy_proxy(pds.url) as proxy:
        here.server = proxy.url
        outgoing = here.outgoing()
        assert here.find(outgoing) == Absent()
        proxy.lose("POST", "putRecord")
        with pytest.raises(Unsure):
            here.publish(outgoing)
        assert here.find(outgoing) == here.publish(outgoing)
        here.runner.run(here.clients.close())
    assert len(pds.list_records(account.did)) == 1


def test_a_post_that_was_taken_away_is_gone_and_no_other(
    pds: Pds, account: Account, here: Postbell, tmp_path: Path
) -> None:
    outgoing = here.outgoing(media=(_image(tmp_path, pictures.png(), "image/png", ""),))
    kept = here.outgoing("Good evening", number=42)
    receipt, other = here.publish(outgoing), here.publish(kept)
    for _ in range(2):  # the second time there is nothing left to take away
        here.delete(outgoing, receipt.id)
        assert [record["uri"] for record in pds.list_records(account.did)] == [other.id]
    assert here.find(outgoing) == Absent()


def test_a_removal_whose_answer_was_lost_can_be_repeated(pds: Pds, account: Account, here: Postbell) -> None:
    with lossy_proxy(pds.url) as proxy:
        here.server = proxy.url
        outgoing = here.outgoing()
        receipt = here.publish(outgoing)
        proxy.lose("POST", "deleteRecord")
        with pytest.raises(Unavailable):
            here.delete(outgoing, receipt.id)
        assert pds.list_records(account.did) == []
        here.delete(outgoing, receipt.id)
        here.runner.run(here.clients.close())


def test_another_record_under_the_key_is_not_overwritten(pds: Pds, account: Account, here: Postbell) -> None:
    outgoing = here.outgoing("The first")
    here.publish(outgoing)
    other = replace(outgoing, content=replace(outgoing.content, text="The second"))
    with pytest.raises(Rejected, match="InvalidSwap"):
        here.publish(other)
    assert value_of(pds, account, outgoing)["text"] == "The first"


def test_a_wrong_password_is_the_account_s_trouble(here: Postbell) -> None:
    here.account = here.account._replace(app_password="abcd-efgh-ijkl-mnop")
    with pytest.raises(Unauthorized, match="Make a new app password"):
        here.verify()


def test_an_account_is_verified(here: Postbell) -> None:
    profile = here.verify()
    assert (profile.handle, profile.notes) == (here.account.handle, ())


_Spoil = Callable[[str], str]


def _garbage(_: str) -> str:
    return "garbage"


def _forged(token: str) -> str:
    return token.rpartition(".")[0] + "." + "A" * 43


@pytest.mark.parametrize("names", [("access_jwt",), ("access_jwt", "refresh_jwt")], ids=len)
@pytest.mark.parametrize("spoil", [_garbage, _forged])
def test_a_spoilt_session_mends_itself(
    pds: Pds, here: Postbell, tmp_path: Path, names: tuple[str, ...], spoil: _Spoil
) -> None:
    here.verify()
    spoilt = {name: spoil(here.session[name]) for name in names}
    here.session |= spoilt
    here.publish(here.outgoing(media=(_image(tmp_path, pictures.png(), "image/png", ""),)))
    assert len(pds.list_records(here.account.did)) == 1
    assert not set(spoilt.values()) & set(here.session.values())


def test_a_session_cannot_be_renewed_once_the_app_password_was_taken_back(here: Postbell) -> None:
    here.verify()
    here.session |= {"access_jwt": "garbage", "refresh_jwt": "garbage"}
    here.account = here.account._replace(app_password="abcd-efgh-ijkl-mnop")
    with pytest.raises(Unauthorized):
        here.publish(here.outgoing())


def test_a_post_whose_first_try_is_forgotten_is_found_among_others_by_its_number(
    pds: Pds, account: Account, here: Postbell
) -> None:
    since = here.outgoing().begun_at
    posted = here.outgoing("Of this one nothing is known any more", number=41)
    receipt = here.publish(posted)
    for number in range(42, 45):
        here.publish(here.outgoing(f"Afterwards {number}", number=number))
    forgotten = replace(posted, begun_at=since, forgotten=True)
    found = here.find(forgotten)
    assert isinstance(found, Receipt)
    assert (found.id, found.url) == (receipt.id, receipt.url)
    never = replace(forgotten, number=46, content=replace(posted.content, text="Never posted"))
    assert here.find(never) == Absent()
    assert len(pds.list_records(account.did)) == 4
