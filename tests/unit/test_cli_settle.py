"""Saying how an unsure delivery ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, german, with_accounts
from support.endings import Ending, ended, failed, lost, outcome_of, published, put_off


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def test_an_unsure_delivery_is_settled_as_published_with_its_address(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    ran = cli.done("settle", post_id, "--published", "https://example.org/2")
    assert ran.out == f"Settled {post_id}: published, to site.\n"
    assert cli.post(post_id)["deliveries"][0]["url"] == "https://example.org/2"


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (published, "published, to site, sky"),
        (failed, "partial (site: published, sky: failed)"),
        (put_off, "waiting (site: published, sky: scheduled)"),
    ],
)
def test_who_settles_one_of_several_accounts_is_told_which_and_how_each_does(
    cli: Command, ending: Ending, told: str
) -> None:
    post_id = ended(cli, site=lost, sky=ending)
    assert cli.done("settle", post_id, "--published").out == f"Settled {post_id} for site: {told}.\n"


@pytest.mark.parametrize(
    ("ending", "word"), [(put_off, "waiting"), (lambda _tx, _delivery: None, "processing")]
)
def test_a_post_that_only_waits_for_another_try_is_not_listed_as_being_sent(
    cli: Command, ending: Ending, word: str
) -> None:
    post_id = ended(cli, site=ending)
    assert cli.done("list", "--state", "processing").out.splitlines()[1].split()[:2] == [post_id, word]


def test_an_unsure_delivery_is_settled_as_failed(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    cli.done("settle", post_id, "--failed")
    assert outcome_of(cli, post_id) == "failed"


def test_an_unsure_delivery_is_sent_again(cli: Command) -> None:
    post_id = ended(cli, site=lost)
    cli.done("settle", post_id, "--resend")
    assert cli.post(post_id)["deliveries"][0]["state"] == "scheduled"


def test_of_two_unsure_deliveries_one_must_be_named(cli: Command) -> None:
    post_id = ended(cli, site=lost, sky=lost)
    ran = cli("settle", post_id, "--failed")
    assert ran.code == 5
    assert "--account (site, sky)" in ran.err
    cli.done("settle", post_id, "--failed", "--account", "sky")
    assert cli.post(post_id)["deliveries"][1]["outcome"] == "failed"


def test_nothing_to_settle_is_a_conflict(cli: Command) -> None:
    assert cli("settle", ended(cli, site=published), "--failed").code == 5


@pytest.mark.parametrize("words", [(), ("https://example.org", "--failed")])
def test_settling_says_how_it_ended_and_a_url_belongs_to_published(
    cli: Command, words: tuple[str, ...]
) -> None:
    assert cli("settle", "abc", *words).code == 2
