from __future__ import annotations

import json
import shlex
from typing import Any, ClassVar

import click
import pytest
from pydantic import BaseModel, Field, SecretStr

from postbell import testing
from postbell.__main__ import main
from postbell.cli.main import COMMANDS, cli, load
from postbell.domain.film import FilmLimit, codec_name
from postbell.domain.limits import Limits, MediaLimit, TextLimit
from postbell.domain.quota import Per, Quota
from postbell.publishing import registry
from postbell.publishing.options import Strict
from postbell.publishing.protocol import Network, Resend, Threads
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.handover import handover_of
from postbell.sections import ApiSettings
from postbell.shapes.networks import example_of, fields_of


class Options(Strict):
    """One of each kind."""

    loud: bool = Field(default=False, description="Whether it shouts.")
    times: int = Field(default=3, description="How often.")
    pairs: dict[str, str] | None = Field(default=None, description="Which ones.")


class Credentials(Strict):
    """A needed one and one that may be left out."""

    token: SecretStr = Field(description="The token.")
    note: str = Field(default="none at all", description="A note.")


class Odd(testing.FakeNetwork):
    """A network with everything that the ones of today do not have."""

    key: ClassVar[str] = "odd"
    limits: ClassVar[Limits] = Limits(
        title=TextLimit(most=100, unit="characters", count=len),
        needs_title=True,
        needs_media=True,
        media=MediaLimit(most=1, types={"image/png": 1000}, pixels=5000),
        quotas=(Quota(most=25, per=Per.DAY), Quota(most=1500, per=Per.MONTH)),
    )
    server: ClassVar[str] = "required"
    Options: ClassVar[type[BaseModel]] = Options
    Credentials: ClassVar[type[BaseModel]] = Credentials
    resend: ClassVar[Resend] = Resend.NEVER
    deletes: ClassVar[bool] = False
    threads: ClassVar[Threads] = Threads.NONE


class Mute(Odd):
    """A network that takes no files and has no options."""

    limits: ClassVar[Limits] = Limits()
    Options: ClassVar[type[BaseModel]] = Strict


def one_network(monkeypatch: pytest.MonkeyPatch, network: testing.FakeNetwork) -> None:
    monkeypatch.setattr(registry, "get", lambda _key: network)


def parses(line: str) -> None:
    """Read a command line as click does, without doing what it says."""
    program, *words = shlex.split(line)
    assert program == "postbell"
    command: click.Command = load(COMMANDS[words.pop(0)][0])
    context = click.Context(cli)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found
        command = found
    command.make_context(command.name, words, parent=context)


def test_every_network_is_listed_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == registry.keys()
    assert "server, username, application_password" in rows[-1]


@pytest.mark.parametrize("key", registry.keys())
def test_a_network_tells_everything_that_a_person_must_know(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["networks", key]) == 0
    told = capsys.readouterr().out
    network = registry.get(key)
    assert network.guide.rstrip() in told
    for field in network.Credentials.model_fields:
        assert f"--set {field}" in told or f"--secret {field}" in told
    for name, option in network.Options.model_fields.items():
        assert f"{key}.{name}" in told
        assert option.description
        assert option.description in told


_ASKING = [each.key for each in map(registry.get, registry.keys()) if handover_of(each) or oauth_of(each)]


@pytest.mark.parametrize("key", _ASKING)
def test_a_guide_names_the_whole_command_that_asks_for_consent(key: str) -> None:
    server = " --server URL" if registry.get(key).server == "required" else ""
    assert f"`postbell account add {key} --name NAME{server}`" in registry.get(key).guide


class Filmed(Odd):
    """A network that takes these videos alone."""

    film: ClassVar[FilmLimit] = FilmLimit(codecs=("h264", "hevc"), sounds=("aac", "opus"))
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=1, types={"video/mp4": 1000}, film=film))


class Heard(Odd):
    """A network that takes all pictures, and these sounds alone."""

    film: ClassVar[FilmLimit] = FilmLimit(sounds=("aac",), channels=6)
    limits: ClassVar[Limits] = Limits(media=MediaLimit(most=1, types={"video/mp4": 1000}, film=film))


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (Filmed(), ["videos coded as H.264 or H.265", "their sound coded as AAC or opus"]),
        (Heard(), ["the sound of videos coded as AAC"]),
    ],
)
def test_how_pictures_and_sound_of_videos_are_coded_is_told_apart(
    network: Odd, told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_network(monkeypatch, network)
    assert main(["networks", network.key]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if "coded as" in line] == told


@pytest.mark.parametrize("key", registry.keys())
def test_everything_that_is_held_against_a_video_is_told(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    film = registry.get(key).limits.media.film.summary()
    assert main(["networks", key]) == 0
    told = capsys.readouterr().out
    words = {"bits": f"{film.get('bits', 0) / 1e6:g} Mbit", "channels": "two channels (stereo)"}
    names = {name: ", ".join(map(codec_name, film.get(name, ()))) for name in ("codecs", "sounds")}
    for name, value in film.items():
        said = (
            words.get(name) or names.get(name) or (f"{value:,} pixels" if name == "pixels" else f"{value:,}")
        )
        assert all(word in told for word in said.split(", ")), name


def test_channels_of_sound_are_told_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_network(monkeypatch, Heard())
    assert main(["networks", "heard"]) == 0
    assert "the sound of videos with at most 6 channels" in capsys.readouterr().out


def test_what_is_told_of_pictures_is_what_they_are_made_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "telegram"]) == 0
    told = capsys.readouterr().out
    assert "image/jpeg, image/png, image/webp: at most 10 MB each" in told
    assert "pictures at most 20 times as long as wide" in told
    assert main(["networks", "telegram", "--json"]) == 0
    media = json.loads(capsys.readouterr().out)["limits"]["media"]
    assert (media["types"]["image/png"], media["types"]["video/mp4"]) == (10_000_000, 50_000_000)


def test_a_network_tells_programs_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "bluesky", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["key"], found["server"], found["resend"]) == ("bluesky", "optional", "safe")
    assert found["deletes"] is True
    assert found["limits"]["text"] == {"graphemes": 300, "bytes": 3000}
    assert [(field["name"], field["type"], field["required"]) for field in found["credentials"]] == [
        ("identifier", "text", True),
        ("app_password", "secret", True),
    ]


def test_a_list_for_programs_is_a_line_for_each_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "networks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["key"] for line in lines] == registry.keys()


@pytest.mark.parametrize("key", registry.keys())
def test_the_example_is_a_command_that_exists(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", key, "--json"]) == 0
    for line in json.loads(capsys.readouterr().out)["example"]:
        parses(line)


_NETWORKS = ["bluesky", "mastodon", "telegram", "threads", "wordpress"]


@pytest.mark.parametrize("key", _NETWORKS)
def test_the_example_of_a_post_can_be_typed_as_it_stands(key: str) -> None:
    network = registry.get(key)
    *_, option = shlex.split(example_of(network)[1])
    name, _, value = option.removeprefix(f"{key}.").partition("=")
    assert network.Options.model_validate({name: value}) != network.Options()


def test_the_guide_of_threads_tells_how_an_address_for_its_files_is_had() -> None:
    guide = registry.get("threads").guide
    for said in ("config.toml", 'public_url = "https://', "reverse proxy", "/public/"):
        assert said in guide
    assert str(ApiSettings.model_fields["listen"].default) in guide


def test_what_may_be_chosen_of_who_answers_at_threads_is_told_whole() -> None:
    fields = fields_of(registry.get("threads").Options)
    (told,) = [field for field in fields if field["name"] == "reply_control"]
    choices = told["type"].removeprefix("one of ").split(", ")
    assert len(choices) == 5
    assert [each for each in choices if each not in told["description"]] == []


def test_an_unknown_network_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "blusky"]) == 3
    assert "Did you mean bluesky?" in capsys.readouterr().err


def test_titles_pixels_servers_and_kinds_of_values_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_network(monkeypatch, Odd())
    assert main(["networks", "odd"]) == 0
    told = capsys.readouterr().out
    for said in (
        "at most 100 characters",
        "pictures of at most 5,000 pixels",
        "a title         is needed",
        "a file          is needed",
        "(true or false; default false)",
        "(number; default 3)",
        "(value; default none)",
        "(text; default none at all)",
        "you look, then `postbell settle`",
        "--server https://example.org",
        "--secret token",
        '--title "A title"',
    ):
        assert said in told


@pytest.mark.parametrize(
    ("key", "told"), [("bluesky", "can be taken away again"), ("webhook", "cannot be taken away again")]
)
def test_it_is_told_whether_what_was_published_can_be_taken_away(
    key: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["networks", key]) == 0
    assert f"what is public  {told}" in capsys.readouterr().out


def test_quotas_are_told_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_network(monkeypatch, Odd())
    assert main(["networks", "odd"]) == 0
    told = capsys.readouterr().out
    assert "quota           25 posts in any 24 hours; `postbell account limits` sets another" in told
    assert "1,500 posts in any 30 days" in told


def test_a_network_without_files_and_options_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_network(monkeypatch, Mute())
    assert main(["networks", "mute"]) == 0
    told = capsys.readouterr().out
    assert "it has no options" in told
    assert "of any length" in told
    assert "none is known" in told


_EXAMPLES = [
    (network, field)
    for network in map(registry.get, registry.keys())
    for field in fields_of(network.Options)
    if field["example"] is not None
]


@pytest.mark.parametrize(
    ("network", "field"), _EXAMPLES, ids=[f"{network.key}.{field['name']}" for network, field in _EXAMPLES]
)
def test_an_example_of_an_option_is_taken(network: Network, field: dict[str, Any]) -> None:
    given = {field["name"]: str(field["example"])}
    assert network.Options.model_validate(given) != network.Options()


def test_examples_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "wordpress"]) == 0
    assert "default none; for example bell, tower)" in capsys.readouterr().out
