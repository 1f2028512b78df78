"""Posts of which the networks decide whether they take them: their limits are told, and refuse nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from postbell.domain.content import Comment, Override, Split
from postbell.domain.media import COMMENT
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, Rejected
from postbell.publishing.protocol import Outgoing, Threads
from postbell.services.context import Context
from postbell.services.plan.virtual import Engine, virtual_context
from postbell.services.posts.actions import reschedule
from postbell.services.posts.compose import add_post, edit_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Saved, Terms, Wanted
from postbell.testing import FakeNetwork, Mode
from support import pictures
from support.editing import texts
from support.stage import fate, ring
from support.world import START, World, add_account, build_world, post_of


LONG = "word " * 120
UNCHECKED = Terms(unchecked=True)
DECIDES = "Unchecked: Fake decides."
MOOD = {"ann": Override(options={"mod": "gay", "mood": "gay"})}


class Choosy(FakeNetwork):
    """A network without threads, files in comments and deletions."""

    key = "choosy"
    label = "Choosy"
    threads = Threads.NONE
    comment_files = False
    deletes = False


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Choosy()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "bob", network="choosy")
        yield made


def wanted(text: str = LONG, **more: object) -> Wanted:
    when = When(at=START, local=wall_at(START, ZoneInfo("UTC")), zone="UTC")
    given = {"to": ("ann",), "when": when, "terms": UNCHECKED} | more
    return Wanted(text=text, **given)  # type: ignore[arg-type]


def write(world: World, text: str = LONG, **more: object) -> Saved:
    return add_post(world.ctx, wanted(text, **more))


def refused(world: World, text: str = LONG, **more: object) -> list[str]:
    with pytest.raises(Invalid) as caught:
        write(world, text, **more)
    return [str(problem) for problem in caught.value.problems]


def told(saved: Saved) -> list[str]:
    return [str(warning) for warning in saved.warnings]


def test_what_is_beyond_limits_is_told_stored_and_sent_as_it_is(world: World) -> None:
    saved = write(world)
    assert told(saved) == [f"text (for ann): 600 characters, the limit is 500; shorten it by 100. {DECIDES}"]
    assert (post_of(world.store, saved.post.id).unchecked, saved.post.state) == (True, PostState.SCHEDULED)
    ring(world)
    assert texts(world.fake) == [LONG]


def test_without_that_it_is_refused(world: World) -> None:
    assert refused(world, terms=Terms()) == [
        "text (for ann): 600 characters, the limit is 500; shorten it by 100."
    ]


def test_what_a_network_minds_besides_is_told_too(world: World) -> None:
    assert told(write(world, "unfit")) == [f"text (for ann): it is unfit; write another one. {DECIDES}"]


def test_what_the_network_refuses_then_is_told_as_any_refusal(world: World) -> None:
    world.fake.modes = [Mode.REJECT]
    post = write(world).post
    ring(world)
    assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.FAILED)


def test_options_that_there_are_not_are_kept_told_and_left_out(world: World) -> None:
    saved = write(world, "Hello", overrides=MOOD)
    assert told(saved) == [
        "ann.mod (for ann): there is no such option. Did you mean mood? Unchecked: it is left out."
    ]
    assert saved.post.overrides["ann"].options == {"mod": "gay", "mood": "gay"}
    ring(world)
    assert [sent.options.model_dump() for sent in world.fake.posts] == [{"mood": "gay"}]


def test_options_of_a_wrong_type_and_of_a_name_that_there_is_not_stay_wrong(world: World) -> None:
    assert refused(world, "Hello", overrides={"ann": Override(options={"mood": 7, "mod": 1})})[0] == (
        "ann.mood (for ann): it should be a valid string."
    )
    (said,) = refused(world, "Hello", overrides={"fakes": Override(options={"mood": "gay"})})
    assert said.startswith("[fakes]: there is no network or account of that name.")


@pytest.mark.parametrize(
    "options",
    [
        {"at": "now"},
        {"text": "x"},
        {"a b": "x"},
        {"": 1},
        {"mod": None},
        {"mod": {"a": 1}},
        {"mod": 10**5000},
    ],
)
def test_options_that_no_file_could_say_stay_wrong(world: World, options: dict[str, object]) -> None:
    (said,) = refused(world, "Hello", overrides={"ann": Override(options=options)})
    assert "there is no such option." in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"text": " "}, "text (for ann): the post is empty"),
        ({"segments": ("and on",), "to": ("bob",)}, "text (for bob): Choosy has no threads"),
        ({"to": ("nobody",)}, "--to: there is no account named nobody."),
        ({"link": "ftp://x"}, "--link: 'ftp://x' is not a web address"),
        ({"text": "a\x00b"}, "text: "),
        (
            {"to": ("bob",), "terms": replace(UNCHECKED, delete_after=timedelta(1))},
            "--delete-after (for bob)",
        ),
    ],
)
def test_nothing_else_is_left_to_the_network(world: World, more: dict[str, object], says: str) -> None:
    assert any(each.startswith(says) for each in refused(world, **{"text": "Hello", **more}))  # type: ignore[arg-type]


def test_files_in_a_comment_that_takes_none_stay_wrong(world: World, tmp_path: Path) -> None:
    pictures.picture(tmp_path)
    source = (tmp_path / "cat.png", "A cat", COMMENT)
    said = refused(world, "Hello", to=("bob",), media=(source,), comment=Comment(text="By the way"))
    assert said[0].startswith("comment: media (for bob): Choosy puts no files into a first comment")


def test_pictures_are_made_to_fit_and_too_many_are_told(world: World, tmp_path: Path) -> None:
    for number in range(5):
        pictures.picture(tmp_path, f"{number}.png", data=pictures.png(40 + number, 30))
    media = tuple((tmp_path / f"{number}.png", "A cat") for number in range(5))
    assert told(write(world, "Hello", media=media)) == [
        f"media (for ann): 5 files, the limit is 4. {DECIDES}"
    ]
    ring(world)
    assert [len(sent.content.media) for sent in world.fake.posts] == [5]


def test_a_comment_may_be_too_long_as_well(world: World) -> None:
    (said,) = told(write(world, "Hello", comment=Comment(text=LONG)))
    assert said.startswith("comment: text (for ann): 600 characters")


def test_a_change_keeps_it_until_it_is_taken_back(world: World) -> None:
    post = write(world).post
    saved = edit_post(world.ctx, post, Changes(text=f"{LONG}!"))
    assert (saved.post.unchecked, len(saved.warnings)) == (True, 1)
    with pytest.raises(Invalid):
        edit_post(world.ctx, saved.post, Changes(terms=Terms()))
    mended = edit_post(world.ctx, saved.post, Changes(text="Hello", terms=Terms()))
    assert (mended.post.unchecked, mended.warnings) == (False, ())


def test_a_post_becomes_unchecked_by_a_change(world: World) -> None:
    post = write(world, "Hello", terms=Terms()).post
    saved = edit_post(world.ctx, post, Changes(text=LONG, terms=UNCHECKED))
    assert (saved.post.unchecked, len(saved.warnings)) == (True, 1)


def test_a_draft_tells_what_it_lacks_and_what_the_network_decides(world: World) -> None:
    assert told(write(world, when=None, to=("ann",)))[0].endswith(DECIDES)


def test_it_is_told_again_when_a_draft_is_given_its_time(world: World) -> None:
    draft = write(world, when=None).post
    when = When(at=START, local=wall_at(START, ZoneInfo("UTC")), zone="UTC")
    assert told(reschedule(world.ctx, draft, when))[0].endswith(DECIDES)


def test_a_text_is_still_split_where_that_is_wanted(world: World) -> None:
    saved = write(world, overrides=MOOD, split=Split.PLAIN)
    assert [each.where for each in saved.warnings] == ["ann.mod"]
    assert len(saved.post.overrides["ann"].segments) == 1


def test_a_preview_tells_it_and_shows_what_would_be_sent(world: World) -> None:
    (shown,) = preview_post(world.ctx, wanted(overrides=MOOD))
    assert shown.problems == ()
    assert [each.where for each in shown.warnings] == ["ann.mod", "text"]
    assert shown.calls[0].body == {"text": LONG}


def test_a_preview_refuses_what_stays_wrong(world: World) -> None:
    with pytest.raises(Invalid):
        preview_post(world.ctx, wanted(terms=Terms(), overrides=MOOD))
    (shown,) = preview_post(world.ctx, wanted("Hello", to=("bob",), segments=("and on",)))
    assert [each.where for each in shown.problems] == ["text"]


def test_a_rehearsal_takes_it_as_the_network_may(world: World, tmp_path: Path) -> None:
    post = write(world).post
    (tmp_path / "copy").mkdir()
    with virtual_context(world.ctx, tmp_path / "copy", START) as ctx, capture_logs():
        assert _lived(ctx, post) is Outcome.PUBLISHED


def test_a_rehearsal_refuses_what_could_not_be_sent(world: World, tmp_path: Path) -> None:
    post = write(world, "Hello").post
    out = _outgoing(world, post)
    (tmp_path / "copy").mkdir()
    with virtual_context(world.ctx, tmp_path / "copy", START) as ctx, capture_logs():
        recorder = ctx.network("choosy")
        threaded = replace(out, content=replace(out.content, segments=("and on",)))
        with pytest.raises(Rejected, match="has no threads"):
            asyncio.run(recorder.publish(threaded, None, None))  # type: ignore[arg-type]


def _outgoing(world: World, post: Post) -> Outgoing:
    ring(world)
    (out,) = world.fake.posts
    assert out.post_id == post.id
    return out


def _lived(ctx: Context, post: Post) -> Outcome | None:
    engine = Engine(ctx=ctx, slots=2)
    try:
        asyncio.run(engine.run(START + timedelta(hours=1)))
    finally:
        engine.close()
    return post_of(ctx.store, post.id).outcome
