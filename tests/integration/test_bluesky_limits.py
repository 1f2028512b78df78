"""Bluesky's own server with its own rate limiter: how often it may be asked is read from its answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.errors import RateLimited
from support.bluesky_choices import assert_thirty, post_thirty
from support.bluesky_online import Postbell, new_account, online
from support.pds import Pds, pds_server


pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def limited(pds: Pds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """Another server; where none is installed, `pds` has told so."""
    with pds_server(tmp_path_factory.mktemp("limited"), limited=True) as running:
        yield running


def _log_in_too_often(here: Postbell) -> None:
    for _ in range(31):  # thirty in five minutes are allowed
        here.verify()


def test_thirty_posts_across_all_options_are_written_within_the_limits_and_one_login(
    limited: Pds, tmp_path: Path
) -> None:
    account = new_account(limited)
    with online(limited, account) as here:
        made = post_thirty(here, account, tmp_path)
        assert_thirty(limited, account, made)


def test_too_many_logins_say_until_when_to_wait_and_leave_nothing_behind(limited: Pds) -> None:
    account = new_account(limited)
    with online(limited, account) as here:
        begun = datetime.now(UTC)
        with pytest.raises(RateLimited) as caught:
            _log_in_too_often(here)
        here.session = {}
        with pytest.raises(RateLimited):
            here.publish(here.outgoing("Later"))
    assert caught.value.until
    assert begun < caught.value.until <= begun + timedelta(minutes=6)
    assert limited.list_records(account.did) == []
