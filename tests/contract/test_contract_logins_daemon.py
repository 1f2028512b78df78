"""What every network promises whose logins are renewed, of a whole daemon: killed, refused, and let down."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.harness import LabHome, fast_clock, make_lab_home
from postbell.domain.account import Account, Health
from postbell.domain.states import DeliveryState, Outcome
from postbell.services.accounts import accounts
from support.logins import NAMES, There, at


@pytest.fixture
def lab(tmp_path: Path) -> LabHome:
    home = make_lab_home(tmp_path)
    home.env |= {"POSTBELL_RETRY__FIRST_WAIT_SECONDS": "0.2"}
    return home


@pytest.fixture(params=NAMES)
def there(request: pytest.FixtureRequest, lab: LabHome, tmp_path: Path) -> Iterator[There]:
    """A network with the account `ann`, which works."""
    with at(request.param, tmp_path) as running:
        running.connect(lab)
        yield running


def _account(lab: LabHome) -> Account:
    with lab.app() as app:
        return accounts.get_account(app.ctx, "ann")


def _outcomes(lab: LabHome, *posts: str) -> set[Outcome | None]:
    return {lab.post(post).outcome for post in posts}


def _open(lab: LabHome, *posts: str) -> dict[str, int]:
    """Return how often each was tried that waits."""
    found = {post: lab.post(post).deliveries for post in posts}
    return {
        post: sum(each.tries for each in made)
        for post, made in found.items()
        if any(each.state is not DeliveryState.PROCESSED for each in made)
    }


def test_a_kill_between_new_tokens_and_their_commit_loses_no_post_and_leaves_no_account_silently_dead(
    lab: LabHome, there: There
) -> None:
    there.end()
    there.lock(lab.places.database)
    post = lab.add("Across the kill", to="ann")
    process = lab.start()
    lab.wait_for(lambda: b"database_not_written_yet" in lab.log.read_bytes())
    assert (there.renewals(), there.texts()) == (1, []), "they are used before they are stored"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there.unlock()
    lab.env |= fast_clock(40)  # some networks may be at work for a while on what they were sent
    with lab.daemon():
        if there.spent:  # the old ones are, and the new ones are lost: that is told, and the post waits
            lab.wait_for(lambda: _account(lab).health is Health.UNAUTHORIZED)
            assert post in _open(lab, post)
            there.reconnect(lab)
        lab.wait_for(lambda: not _open(lab, post))
    assert _outcomes(lab, post) == {Outcome.PUBLISHED}
    assert _account(lab).health is Health.OK
    assert there.texts() == ["Across the kill"]


def test_what_only_a_person_can_renew_holds_the_account_its_posts_wait_and_a_new_consent_lets_them_go(
    lab: LabHome, there: There
) -> None:
    there.revoke()
    posts = [lab.add(text, to="ann") for text in ("First", "Second")]
    with lab.daemon():
        lab.wait_for(lambda: _account(lab).health is Health.UNAUTHORIZED)
        lab.wait_for(lambda: _open(lab, *posts) == dict.fromkeys(posts, 0))
    asked = there.renewals()
    with lab.daemon():  # nor is it asked again by the next one
        assert _open(lab, *posts) == dict.fromkeys(posts, 0)
        assert there.renewals() == asked
        there.reconnect(lab)
        lab.wait_for(lambda: not _open(lab, *posts))
    assert _outcomes(lab, *posts) == {Outcome.PUBLISHED}
    assert there.texts() == ["First", "Second"]


def test_a_bad_day_of_who_gives_out_tokens_disconnects_nobody(lab: LabHome, there: There) -> None:
    there.end()
    there.fail(500, 503, 502)
    post = lab.add("Patience", to="ann")
    with lab.daemon():
        lab.wait_for(lambda: there.renewals() > 0)
        assert _account(lab).health is Health.OK
        lab.wait_for(lambda: not _open(lab, post))
    assert _outcomes(lab, post) == {Outcome.PUBLISHED}
    assert _account(lab).health is Health.OK
    assert there.texts() == ["Patience"]
