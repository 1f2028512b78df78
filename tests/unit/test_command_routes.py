"""Whatever a command can do, a program can do at the HTTP API, or a reason stands here why not."""

from __future__ import annotations

import pytest

from postbell.api.commands import ROUTES, in_words_of_the_api
from postbell.cli.only_there import WHY
from support.api import served_paths
from support.leaves import COMMANDS


def test_every_command_has_a_route_or_a_reason() -> None:
    assert not ROUTES.keys() & WHY.keys()
    assert ROUTES.keys() | WHY.keys() == COMMANDS.keys()


def test_every_route_that_is_named_is_there() -> None:
    served = {f"{method} {path.removeprefix('/api/v1/')}" for method, path in served_paths()}
    assert sorted(set(ROUTES.values()) - served) == []


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("name one with --to.", "name one with `to`."),
        ("change the text, or say --allow-duplicate.", "change the text, or say `allow_duplicate`."),
        ("say what it shows: --media FILE='What it shows'.", "say what it shows: `alt` of `media`."),
        ("say which with --account (a-b, c).", "say which with `account` (a-b, c)."),
        ("`--account` names one of the others.", "`account` names one of the others."),
        (
            'give it some: `postbell queue slots sky "mon-fri 09:00"`.',
            "give it some: `PUT /api/v1/accounts/sky/slots`.",
        ),
        ("`postbell publish k7f2` tries it now.", "`POST /api/v1/posts/k7f2/publish` tries it now."),
        ("see `postbell list --state failed`.", "see `GET /api/v1/posts?state=failed`."),
        ("`postbell edit k7f2 --published` does.", "`POST /api/v1/posts/k7f2/edit` does."),
        ("add one with `postbell account add`.", "add one with `POST /api/v1/accounts`."),
        ("`postbell reschedule ID --queue` gives one.", "`PATCH /api/v1/posts/ID` gives one."),
        (
            "`postbell reschedule k7 WHEN --account a` moves it, `postbell edit k7 --set a.text=…` does.",
            "`PATCH /api/v1/posts/k7` with `times` moves it, with `overrides` does.",
        ),
        (
            "`postbell edit k7f2 --set sky.text=…` does.",
            "`PATCH /api/v1/posts/k7f2` with `overrides` does.",
        ),
        ("`postbell account check` asks.", "`POST /api/v1/accounts/NAME/verify` asks."),
        ("restore with `postbell db restore latest`.", "restore with `postbell db restore latest`."),
        ("`postbell secrets --help` says how.", "`postbell secrets --help` says how."),
        ("2026-01-01--2026-01-02 and a--b stay.", "2026-01-01--2026-01-02 and a--b stay."),
    ],
)
def test_advice_is_given_in_the_words_of_the_api(said: str, here: str) -> None:
    assert in_words_of_the_api(said) == here
