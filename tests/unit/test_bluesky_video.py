"""A video at Bluesky: uploaded once, waited for, and only then public."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.errors import Rejected, Unauthorized, Unavailable
from postbell.networks.bluesky import network
from postbell.publishing import parts
from postbell.publishing.bluesky.video import languages_of
from postbell.publishing.protocol import Progress, Receipt
from support import pictures
from support.announced import shows
from support.fake_bluesky import FakeBluesky, daemon
from support.farside import Between, Daemon, FarSide, Fault, Killed, die_after, die_before
from support.pictures import picture
from support.sounds import SUBTITLES


def _video(folder: Path) -> Media:
    data = pictures.mp4()
    facts: dict[str, Any] = {"mime": "video/mp4", "width": 640, "height": 360}
    clip = picture(folder, "clip.mp4", "A bell rings", data, **facts)
    return replace(clip, kind=MediaKind.VIDEO)


def _here(folder: Path, *states: str, **more: Any) -> tuple[Daemon, FakeBluesky]:
    here, far_side = daemon("Listen", media=(_video(folder),), **more)
    far_side.videos.states = list(states)
    return here, far_side


def _publish(here: Daemon) -> Receipt:
    return asyncio.run(here.publish())


ENCODING, FAILED = "JOB_STATE_ENCODING", "JOB_STATE_FAILED"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_video_is_made_ready_before_the_post_is_public(tmp_path: Path, wrapped: bool) -> None:  # noqa: FBT001
    here, far_side = _here(tmp_path, ENCODING, "JOB_STATE_SOMETHING_NEW")
    far_side.videos.wrapped = wrapped
    _publish(here)
    assert far_side.calls() == [
        "createSession",
        "getServiceAuth",
        "getUploadLimits",
        "getServiceAuth",
        "uploadVideo",
        *["getJobStatus"] * 3,
        "putRecord",
    ]
    (record,) = far_side.records.values()
    embed = record["embed"]
    assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "A bell rings")
    assert embed["aspectRatio"] == {"width": 640, "height": 360}
    assert far_side.blobs[embed["video"]["ref"]["$link"]][1] == pictures.mp4() + b"ready"


def test_between_two_looks_the_delivery_waits(tmp_path: Path) -> None:
    here, _ = _here(tmp_path, ENCODING)
    _publish(here)
    assert [step.step for step in here.stored] == [
        "prepared",
        "the video may be uploaded",
        "the video is made ready",
        "the video is made ready",
        "the video is ready",
    ]


def test_a_video_may_stand_in_a_quote_and_behind_gates(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path, options={"replies": "nobody", "labels": "nudity"})
    _publish(here)
    assert len(far_side.beside) == 1


def test_a_video_is_not_uploaded_again_by_the_next_try(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    far_side.faults = [Fault.UNAVAILABLE]
    with pytest.raises(Unavailable):
        _publish(here)
    _publish(here)
    assert (far_side.videos.uploads, far_side.commits) == (1, 1)


@pytest.mark.parametrize("strike", [die_before, die_after])
@pytest.mark.parametrize("at", range(8))
def test_a_death_at_any_request_leads_to_exactly_one_post(tmp_path: Path, strike: Any, at: int) -> None:
    here, far_side = _here(tmp_path, ENCODING)
    with pytest.raises(Killed):
        asyncio.run(here.publish(Between(far_side, at, strike)))
    _publish(here)
    assert (far_side.videos.uploads, far_side.commits, len(far_side.records)) == (1, 1, 1)


def test_a_video_that_the_service_has_already_is_taken_at_once(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    _publish(here)
    again, _ = _here(tmp_path, number=42)
    _publish(Daemon(again.subject, again.outgoing, far_side, session=here.session))
    assert far_side.calls()[-3:] == ["getServiceAuth", "uploadVideo", "putRecord"]
    assert len(far_side.records) == 2


def test_a_video_that_the_server_threw_away_is_made_ready_again(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    far_side.faults = [Fault.UNAVAILABLE]
    with pytest.raises(Unavailable):
        _publish(here)
    far_side.blobs.clear()
    _publish(here)
    assert len(far_side.records) == 1


def test_a_job_that_failed_is_tried_once_more(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path, ENCODING, FAILED)
    _publish(here)
    assert (far_side.videos.uploads, len(far_side.records)) == (2, 1)


def test_a_job_that_failed_twice_fails_the_post(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path, FAILED, FAILED)
    with pytest.raises(Rejected, match="Bluesky could not make the video ready: no sound"):
        _publish(here)
    assert far_side.records == {}


def test_a_job_that_the_service_has_forgotten_is_begun_anew(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    here.stored = [Progress(step="x", data={"warnings": [], "blobs": [], "dids": {}, "job": "gone"})]
    _publish(here)
    assert len(far_side.records) == 1


def test_a_job_that_never_ends_fails_the_post(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path, *[ENCODING] * 40)

    async def go() -> Receipt:
        for _ in range(12):
            far_side.clock.advance(timedelta(minutes=20))
            result = await network.publish(here._outgoing(), here._progress(), here._http(None))
            assert isinstance(result, Progress)
            here.stored.append(result)
        raise AssertionError("it waits for ever")

    with pytest.raises(Rejected, match="it took too long"):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ({"error": "unconfirmed_email", "message": "Confirm your e-mail"}, "unconfirmed_email: Confirm your"),
        ({"message": "too large"}, "answered 400 : too large"),
    ],
)
def test_a_video_that_is_refused_fails_the_post_and_not_the_account(
    tmp_path: Path, refusal: dict[str, str], told: str
) -> None:
    here, far_side = _here(tmp_path)
    far_side.videos.refusal = refusal
    with pytest.raises(Rejected, match=told) as caught:
        _publish(here)
    assert not isinstance(caught.value, Unauthorized)


@pytest.mark.parametrize("said", [[], {"jobStatus": []}, {"jobStatus": {"state": "x"}}])
def test_an_answer_without_a_job_is_no_answer(tmp_path: Path, said: Any) -> None:
    async def nonsense(_: FarSide, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=said, request=request)

    here, far_side = _here(tmp_path)
    with pytest.raises(Unavailable, match=r"video\.bsky\.app answered without a job"):
        asyncio.run(here.publish(Between(far_side, 4, nonsense)))


@pytest.mark.parametrize(
    "answer", [httpx.Response(503, text="later"), httpx.Response(400, json={"jobStatus": 7})]
)
def test_an_error_of_no_known_form_is_read_by_its_status(tmp_path: Path, answer: httpx.Response) -> None:
    async def strike(_: FarSide, _request: httpx.Request) -> httpx.Response:
        return answer

    here, far_side = _here(tmp_path)
    with pytest.raises(Rejected if answer.status_code == 400 else Unavailable):
        asyncio.run(here.publish(Between(far_side, 4, strike)))


def test_a_preview_shows_the_way_of_the_video(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    calls = network.preview(here.outgoing)
    _publish(here)
    sent = iter(far_side.requests)
    for call in calls:
        assert any(shows(call, request) for request in sent), call


def test_a_video_stands_alone(tmp_path: Path) -> None:
    told = "media (for mine): a post has one video, or pictures; leave the others out."
    for other in (_video(tmp_path), picture(tmp_path)):
        content = Content(text="Listen", media=(_video(tmp_path), other))
        problems = network.check(content, network.Options(), account="mine")
        assert [str(problem) for problem in problems] == [told]


# What may be uploaded


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"canUpload": False, "message": "Confirm your e-mail."}, "now: Confirm your e-mail"),
        ({"canUpload": False, "error": "banned"}, "now: banned"),
        ({"canUpload": False}, "is the e-mail address of the account confirmed"),
        ({"canUpload": True, "remainingDailyVideos": 0}, "no more videos of this account today"),
        ({"canUpload": True, "remainingDailyBytes": 7}, "only 7 more bytes .* and clip.mp4 has"),
    ],
)
def test_a_video_for_which_there_is_no_room_is_refused_before_it_is_uploaded(
    tmp_path: Path, said: dict[str, Any], told: str
) -> None:
    here, far_side = _here(tmp_path)
    far_side.videos.limits = said
    with pytest.raises(Rejected, match=told):
        _publish(here)
    assert (far_side.videos.uploads, far_side.records) == (0, {})


@pytest.mark.parametrize("said", [{"canUpload": True}, {"refused": 404}, {"raw": []}, {"raw": {}}])
def test_where_nobody_says_what_may_be_uploaded_the_upload_tells(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    here, far_side = _here(tmp_path)
    far_side.videos.limits = said
    _publish(here)
    assert len(far_side.records) == 1


def test_an_upload_that_has_used_the_last_of_the_room_is_found_again(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    with pytest.raises(Killed):
        asyncio.run(here.publish(Between(far_side, 4, die_after)))
    far_side.videos.limits = {"canUpload": True, "remainingDailyVideos": 0}
    _publish(here)
    assert (far_side.videos.uploads, len(far_side.records)) == (1, 1)


# Subtitles


def _subtitles(folder: Path, name: str = "clip.en.vtt") -> Media:
    made = picture(folder, name, "", SUBTITLES, mime="text/vtt", width=None, height=None)
    return replace(made, kind=MediaKind.DOCUMENT)


def _told(folder: Path, *media: Media, **options: Any) -> list[str]:
    content, read = Content(text="Listen", media=media), network.Options.model_validate(options)
    return [str(problem.where) for problem in parts.problems(content, read, network, account="mine")]


def test_a_video_has_subtitles_in_several_languages(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path)
    others = (_subtitles(tmp_path), _subtitles(tmp_path, "clip.pt-BR.vtt"))
    content = replace(here.outgoing.content, media=(*here.outgoing.content.media, *others))
    here.outgoing = replace(here.outgoing, content=content)
    calls = network.preview(here.outgoing)
    _publish(here)
    (record,) = far_side.records.values()
    said = [(each["lang"], each["file"]["mimeType"]) for each in record["embed"]["captions"]]
    assert said == [("en", "text/vtt"), ("pt-BR", "text/vtt")]
    sent = iter(far_side.requests)
    for call in calls:
        assert any(shows(call, request) for request in sent), call


@pytest.mark.parametrize(
    ("names", "options", "languages"),
    [
        (["a.vtt"], {"captions": "de"}, ["de"]),
        (["a.vtt"], {"langs": "de, en"}, ["de"]),
        (["a.en.vtt", "b.fr.vtt"], {"captions": "de"}, ["de", "fr"]),
        (["a.vtt", "b.vtt"], {"langs": "de"}, ["", ""]),
        (["one-by-one.vtt"], {}, [""]),
    ],
)
def test_a_language_is_said_or_stands_in_the_name(
    tmp_path: Path, names: list[str], options: dict[str, Any], languages: list[str]
) -> None:
    files = [_subtitles(tmp_path, name) for name in names]
    assert languages_of(files, network.Options.model_validate(options)) == languages
    untold = [f"media {name}" for name, said in zip(names, languages, strict=True) if not said]
    assert _told(tmp_path, _video(tmp_path), *files, **options) == untold


def test_subtitles_that_belong_to_nothing_are_refused(tmp_path: Path) -> None:
    clip, words = _video(tmp_path), _subtitles(tmp_path)
    assert _told(tmp_path, words) == ["media"]
    assert _told(tmp_path, picture(tmp_path), words) == ["media"]
    assert _told(tmp_path, clip, words, _subtitles(tmp_path, "other.en.vtt")) == ["[bluesky] captions"]
    assert _told(tmp_path, clip, captions="en") == ["[bluesky] captions"]
    assert _told(tmp_path, clip, replace(words, size=20_001)) == [f"media {words.name}"]


def test_a_video_can_be_shown_as_a_gif(tmp_path: Path) -> None:
    here, far_side = _here(tmp_path, options={"presentation": "gif"})
    _publish(here)
    (record,) = far_side.records.values()
    assert record["embed"]["presentation"] == "gif"
    assert _told(tmp_path, picture(tmp_path), presentation="gif") == ["[bluesky] presentation"]
