"""`postbell networks`.

With `--json` each network is an object: {key, label, summary, server, default_server, guide, credentials:
[field], options: [field], limits, resend, deletes, edits, threads, comments,
comment_files, example: [command]}, where
server is required, optional or none, resend is safe, look_first or never, deletes says whether what was
published can be taken away, edits whether it can be changed there, threads is chain (a post for each part),
joined (one post), whole (handed on) or none (refused), comments says whether first comments are published,
comment_files whether with files,
and field is {name, type, required, default, description, example}, where example may be null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state
from postbell.domain.film import codec_name
from postbell.shapes.networks import example_of, fields_of, limits_of, network_json


if TYPE_CHECKING:
    from postbell.domain.film import FilmLimit
    from postbell.domain.limits import Limits, MediaLimit
    from postbell.domain.quota import Quota
    from postbell.publishing.protocol import Network

_RESEND = {
    "safe": "is settled by itself: sending again does no harm there, so nothing is published twice.",
    "look_first": "is settled by itself where the network can be asked; otherwise the delivery is unsure.",
    "never": "makes the delivery unsure, because nobody can be asked: you look, then `postbell settle`.",
}
_DELETES = {
    True: "can be taken away again (--delete-after).",
    False: "cannot be taken away again, so it refuses --delete-after.",
}
_EDITS = {
    True: "can be changed there (`postbell edit ID --published`).",
    False: "cannot be changed there.",
}
_THREADS = {
    "chain": "is published as a post for each part, which answers the one before it.",
    "joined": "is published as one post, the texts of its parts as paragraphs.",
    "whole": "is handed on as it is, with all its parts at once.",
    "none": "is refused; give the network a text of its own.",
}
_COMMENTS = {True: "is published below the post", False: "is left out"}
_COMMENT_FILES = {True: ", with files.", False: "; files for it are refused."}
_CHANNELS = {1: "one channel (mono)", 2: "two channels (stereo)"}
_WITHIN = {"day": "24 hours", "month": "30 days"}


@click.command()
@click.argument("name", required=False)
@pass_state
def networks(state: State, *, name: str | None) -> None:
    """Show the networks: what each needs, takes and offers.

    With the NAME of one: how to get its credentials, what a post can be told about it, and its limits.

    \b
    Example:
      postbell networks bluesky
    """  # noqa: D301 - click wants the character
    from postbell.publishing import registry

    found = [registry.get(key) for key in ([name] if name else registry.keys())]
    if state.json:
        for network in found:
            state.emit(network_json(network))
    elif name:
        _print_network(state, found[0])
    else:
        state.table(["NAME", "NEEDS", "WHAT IT IS"], [(n.key, _needs(n), n.summary) for n in found])
        state.note("`postbell networks NAME` tells everything about one.")


def _print_network(state: State, network: Network) -> None:
    from postbell.publishing.protocol import editor_of, shows_in_comments

    left_out = network.default_server or "found by itself"
    server = {"required": "needed", "optional": f"{left_out} if left out", "none": None}
    click.echo(f"{network.label}: {network.summary}\n\nHow to connect it\n")
    click.echo(network.guide.rstrip() + "\n")
    state.fields([("--server", server[network.server]), *map(_described, fields_of(network.Credentials))])
    click.echo("\nWhat a post can be told\n")
    options = [(f"{network.key}.{field['name']}", _about(field)) for field in fields_of(network.Options)]
    state.fields(options or [("nothing", "it has no options")])
    click.echo("\nWhat it takes\n")
    rules = [
        ("a thread", _THREADS[network.threads]),
        ("first comment", _COMMENTS[network.comments] + _COMMENT_FILES[shows_in_comments(network)]),
        ("a lost answer", _RESEND[network.resend]),
        ("what is public", f"{_DELETES[network.deletes]}\n{_EDITS[editor_of(network) is not None]}"),
    ]
    state.fields([*_limits(limits_of(network)), *rules])
    click.echo("\nFor example\n")
    for line in example_of(network):
        click.echo(f"  {line}")


def _described(field: Mapping[str, Any]) -> tuple[str, str]:
    option = "--secret" if field["type"] == "secret" else "--set"
    return f"{option} {field['name']}", _about(field)


def _about(field: Mapping[str, Any]) -> str:
    extra = "needed" if field["required"] else f"default {_plain(field['default'])}"
    example = f"; for example {_plain(field['example'])}" if field["example"] is not None else ""
    return f"{field['description']}\n({field['type']}; {extra}{example})"


def _plain(default: Any) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    return str(default) if default not in (None, "", []) else "none"


def _limits(limits: Limits) -> Iterator[tuple[str, str]]:
    text = " and ".join(f"{limit.most:,} {limit.unit}" for limit in limits.text)
    yield "text", f"at most {text}" if text else "of any length"
    if limits.title:
        yield "title", f"at most {limits.title.most:,} {limits.title.unit}"
    if limits.needs_title:
        yield "a title", "is needed"
    if limits.needs_media:
        yield "a file", "is needed"
    yield "files", _files(limits.media)
    yield "quota", "\n".join(map(_quota, limits.quotas)) or "none is known"


def _files(media: MediaLimit) -> str:
    if not media.most:
        return "none"
    sizes: dict[int, list[str]] = {}
    for mime, most in media.types.items():
        sizes.setdefault(most, []).append(mime)
    taken = [f"{', '.join(sorted(mimes))}: at most {most / 1e6:g} MB each" for most, mimes in sizes.items()]
    pixels = [f"pictures of at most {media.pixels:,} pixels"] if media.pixels else []
    side = [f"pictures of at most {media.side:,} pixels a side"] if media.side else []
    ratio = [f"pictures at most {media.ratio:g} times as long as wide"] if media.ratio else []
    return "\n".join([f"at most {media.most}", *taken, *pixels, *side, *ratio, *_films(media.film)])


def _either(codecs: Sequence[str]) -> str:
    return " or ".join(map(codec_name, codecs))


def _films(film: FilmLimit) -> Iterator[str]:
    """Yield what is said of videos."""
    if film.seconds:
        yield f"videos of at most {film.seconds:g} s"
    if film.codecs:
        yield f"videos coded as {_either(film.codecs)}"
    yield from _sounds(film)
    if film.pixels:
        yield f"videos of at most {film.pixels:,} pixels"
    if film.width:
        yield f"videos at most {film.width:,} pixels wide"
    if film.ratio:
        yield f"videos at most {film.ratio:g} times as long as wide"
    if film.fastest:
        least = f"{film.slowest:g} to " if film.slowest else "at most "
        yield f"videos with {least}{film.fastest:g} pictures a second"
    if film.bits:
        yield f"videos of at most {film.bits / 1e6:g} Mbit a second"


def _sounds(film: FilmLimit) -> Iterator[str]:
    """Yield what is said of the sound of videos."""
    if film.sounds:
        yield f"{'their sound' if film.codecs else 'the sound of videos'} coded as {_either(film.sounds)}"
    if film.channels:
        yield f"the sound of videos with at most {_CHANNELS.get(film.channels, f'{film.channels} channels')}"
    if film.hertz:
        yield f"the sound of videos with at most {film.hertz:,} Hz"


def _quota(quota: Quota) -> str:
    return f"{quota.most:,} posts in any {_WITHIN[quota.per]}; `postbell account limits` sets another"


def _needs(network: Network) -> str:
    server = ["server"] if network.server == "required" else []
    return ", ".join(
        server + [field["name"] for field in fields_of(network.Credentials) if field["required"]]
    )
