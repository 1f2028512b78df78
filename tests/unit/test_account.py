from __future__ import annotations

from datetime import UTC, datetime

from postbell.domain.account import Account, Health


def test_an_account_shows_nothing_secret_of_itself() -> None:
    account = Account(
        id=1,
        name="sky",
        network="bluesky",
        credentials={"password": "hunter2"},
        session={"accessJwt": "token-1"},
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    assert account.health is Health.OK
    assert "hunter2" not in repr(account)
    assert "token-1" not in repr(account)
