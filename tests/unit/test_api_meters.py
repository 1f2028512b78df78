"""What Prometheus is told is what the database says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from postbell.api.application import build
from postbell.domain.states import DeliveryState, Outcome
from postbell.store import attempts, deliveries
from postbell.store.engine import Store
from postbell.store.tables.core import account
from support.api import Asked
from support.world import START, World, add_account, add_post, claim, delivery_in


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(api: Asked) -> Samples:
    answer = api.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def publish(store: Store, late: timedelta = timedelta()) -> None:
    for taken in claim(store, START + late):
        with store.write() as tx:
            now = START + late
            attempts.close_attempt(tx, taken.attempt_id, result="published", message=None, now=now)
            deliveries.record_published(tx, taken.delivery.id, receipt_id="r", url=None, warnings=(), now=now)


def test_how_much_there_is_of_what(world: World) -> None:
    delivery_in(world.store, DeliveryState.UNSURE)
    delivery_in(world.store, DeliveryState.PROCESSED, Outcome.FAILED)
    delivery_in(world.store, DeliveryState.DRAFT)
    add_post(world.store, at=START - timedelta(minutes=10))
    found = samples(Asked(world))
    assert value(found, "postbell_posts", state="processed") == 2
    assert value(found, "postbell_posts", state="draft") == 1
    assert value(found, "postbell_posts", state="cancelled") == 0
    assert value(found, "postbell_unsure") == 1
    assert value(found, "postbell_overdue") == 1
    assert value(found, "postbell_oldest_overdue_seconds") == 600
    assert value(found, "postbell_wal_bytes") > 0


def test_nothing_is_overdue_where_nothing_is(world: World) -> None:
    assert value(samples(Asked(world)), "postbell_oldest_overdue_seconds") == 0


def test_tries_are_counted_once_from_when_they_have_ended(world: World) -> None:
    api = Asked(world)
    add_post(world.store)
    publish(world.store)
    samples(api)  # from here on
    add_post(world.store, text="second")
    publish(world.store, timedelta(seconds=45))
    add_post(world.store, text="third")
    (under_way,) = claim(world.store, START + timedelta(minutes=1))
    how = {"network": "fake", "kind": "publish", "outcome": "published"}
    for _ in range(2):
        found = samples(api)
        assert value(found, "postbell_attempts_total", **how) == 1
    assert value(found, "postbell_lateness_seconds_bucket", network="fake", le="30.0") == 0
    assert value(found, "postbell_lateness_seconds_bucket", network="fake", le="60.0") == 1
    assert value(found, "postbell_lateness_seconds_sum", network="fake") == 45
    with world.store.write() as tx:
        attempts.close_attempt(tx, under_way.attempt_id, result="unsure", message=None, now=START)
        deliveries.lose_track(tx, under_way.delivery.id, "lost")
    found = samples(api)
    assert value(found, "postbell_attempts_total", **how | {"outcome": "unsure"}) == 1
    assert value(found, "postbell_lateness_seconds_count", network="fake") == 1


def test_much_is_counted_a_part_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Asked(world)
    samples(api)
    monkeypatch.setattr("postbell.api.meters._AT_ONCE", 2)
    for number in range(5):
        add_post(world.store, to=(f"a{number}",), text=str(number))
    publish(world.store)
    how = {"network": "fake", "kind": "publish", "outcome": "published"}
    assert value(samples(api), "postbell_attempts_total", **how) == 5


def test_logins_that_end_are_told_and_those_that_are_gone_are_not(world: World) -> None:
    api = Asked(world)
    ann = add_account(world.store)
    assert "postbell_token_expiry_seconds{" not in api.ask("GET", "/metrics").text
    ends = {"tokens_end_at": world.ctx.now() + timedelta(hours=1)}
    with world.store.write() as tx:
        tx.execute(account.update().where(account.c.id == ann.id).values(ends))
    told = value(samples(api), "postbell_token_expiry_seconds", account="ann", network="fake")
    assert told == pytest.approx(3600)
    with world.store.write() as tx:
        tx.execute(account.update().values(removed_at=START))
    assert "postbell_token_expiry_seconds{" not in api.ask("GET", "/metrics").text


def test_nothing_that_is_told_has_the_words_of_a_post_or_a_secret(world: World) -> None:
    add_post(world.store, text="canary")
    add_account(world.store, "eve", credentials={"token": "canary"})
    assert "canary" not in Asked(world).ask("GET", "/metrics").text


def test_the_contract_says_that_it_is_text() -> None:
    contract = build(lambda: None).state.contract  # type: ignore[arg-type, attr-defined, return-value]
    said = contract["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
    assert list(said) == ["text/plain"]
    events = contract["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
    assert set(events) == {"application/json", "text/event-stream"}
