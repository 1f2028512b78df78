"""A real daemon keeps what its OpenAPI document says, whatever it is asked.

`POSTBELL_EXAMPLES=2000 pytest tests/integration/test_api_contract.py` asks as often for each operation.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.coverage._schema import UNKNOWN_PROPERTY_KEY

from postbell.api.application import build
from postbell.api.tus import PART
from postbell.domain.access import Scope
from postbell.publishing import registry
from postbell.services.accounts.keys import add_key
from postbell.testing import FakeNetwork
from support.api import Asked, configured
from support.canaries import WATCH
from support.home import Home, make_home, served
from support.pictures import png
from support.plausible import ACCOUNT, plausible
from support.stock import Stock
from support.world import add_account, build_world


Case = schemathesis.Case[Any]

EXAMPLES = int(os.environ.get("POSTBELL_EXAMPLES", "4"))
#: So many requests follow one another, each with what the ones before it were answered,
_STEPS = 12
#: and so often that is done before it is begun anew, from other beginnings.
_SCENARIOS = 25

#: Seconds for which an answer is waited for at most. A wait beyond the client's patience fails, and then the
#: shortest that fails is searched for: one that fails now and then, which is called flaky.
_LONGEST_WAIT = 0.1
#: Seconds for an answer of a daemon on a busy machine; but a stream of events is heard no longer than usual.
_PATIENCE = 60
_STREAM = "GET /api/v1/events"
#: So many of the requests that may be for something that is there are.
_THERE = 0.3

_CONFIG = SchemathesisConfig.from_dict(
    {
        # Every boundary of every value: for the long run.
        "phases": {
            "coverage": {"enabled": EXAMPLES > 100},
            # What leads where the document says.
            "stateful": {"inference": {"algorithms": []}},
        },
        "checks": {
            # What has the right shape may be wrong all the same: an account that there is not.
            "positive_data_acceptance": {"enabled": False},
            # 503 is described: a network cannot be asked.
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
            "negative_data_rejection": {"expected-statuses": ["4xx", "503"]},
            # 412: by tus that is a version of it which is not spoken here.
            "missing_required_header": {"expected-statuses": [400, 401, 403, 406, 412, 415, 422]},
        },
    }
)
# Every route is asked without a key elsewhere; so many wrong ones are answered with 429.
CONTRACT = schemathesis.openapi.from_dict(
    cast("Any", build(cast("Any", None))).state.contract | {"security": []}, config=_CONFIG
)


@schemathesis.serializer(PART)
def as_it_is(_ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    """Send a part as the bytes that it is."""
    return value if isinstance(value, bytes) else str(value).encode()


_SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=_STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A daemon, where it answers, what it is asked with, and what there is to be asked for."""

    base: str
    home: Home
    headers: dict[str, str]
    stock: Stock
    session: requests.Session

    def ask(self, case: Case) -> None:
        """Ask it once, often enough for a thing that is there; require that it is in order after that."""
        chance = random.Random(repr(case))
        path = case.meta and case.meta.components.get(ParameterLocation.PATH)
        if path and path.mode.is_positive and chance.random() < _THERE:
            case.path_parameters |= self.stock.path(case.method, case.path, chance)
        how: dict[str, Any] = {} if case.operation.label == _STREAM else {"timeout": _PATIENCE}
        answer = case.call_and_validate(base_url=self.base, session=self.session, headers=self.headers, **how)
        assert answer.status_code < 500 or answer.status_code == 503, self.home.tail()
        told = answer.content.decode("utf-8", "replace")
        WATCH.look_at_answer(case.operation.label, f"{answer.headers}\n{told}")
        self.stock.look_at(case.method, case.path_parameters, answer.status_code)
        if answer.status_code == 204 and case.operation.label == "DELETE /api/v1/accounts/{name}":
            self.stock.connect()
        if answer.status_code == 204 and case.operation.label == "DELETE /api/v1/media/{sha256}":
            self.stock.upload()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("contract")
    home = make_home(folder)
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0", "POSTBELL_API__REQUESTS_PER_MINUTE": "0"}
    with home.app() as app:
        key = add_key(app.ctx, name="all", scopes=[Scope.ADMIN])[1]
    with served(home) as base:
        headers = {"Authorization": f"Bearer {key}"}
        stock = Stock(base, headers, folder)
        stock.connect()
        stock.upload()
        with requests.Session() as session:
            session.trust_env = False  # to look for proxies takes as long as to ask
            yield Daemon(base=base, home=home, headers=headers, stock=stock, session=session)
    WATCH.look_into(folder)


@CONTRACT.hook
def filter_case(_context: schemathesis.HookContext, case: Case) -> bool:
    """Leave out what is called wrong and is right as it is sent.

    An empty list has no place in a query, and a header that nobody knows is nobody's business.
    """
    if UNKNOWN_PROPERTY_KEY in case.headers:
        return False
    if not case.query:
        return True
    asked = case.as_transport_kwargs(base_url="http://localhost")
    url = requests.Request("GET", "http://localhost", params=asked.get("params")).prepare().url or ""
    sent = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return {name for name, _value in sent} >= set(case.query or {})


@CONTRACT.hook
def map_case(_context: schemathesis.HookContext, case: Case) -> Case:
    """Let half of what is in order make sense too; nobody waits as long as could be asked for."""
    if isinstance(case.query.get("wait"), int | float) and case.query["wait"] > _LONGEST_WAIT:
        case.query["wait"] = _LONGEST_WAIT
    if case.meta and case.meta.generation.mode.is_positive:
        made = plausible(case.operation.label, case.body)
        if made is not case.body:  # what is put there is judged again, and null would be found wrong
            case.body = made
    return case


@CONTRACT.parametrize()
@_SETTINGS
def test_every_operation_answers_as_it_says(case: Case, daemon: Daemon) -> None:
    daemon.ask(case)


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=request)


def test_what_was_answered_leads_on_by_the_links(tmp_path: Path) -> None:
    class Following(CONTRACT.as_state_machine()):  # type: ignore[misc]
        """Requests one after the other, to a Postbell of their own: so they can be repeated."""

        def setup(self) -> None:
            self.opened = ExitStack()
            folder = self.opened.enter_context(tempfile.TemporaryDirectory(dir=tmp_path))
            world = build_world(
                Path(folder),
                networks=[FakeNetwork(), registry.get("webhook")],
                settings=configured(requests_per_minute=0),
                transport=httpx.MockTransport(_refuse),
            )
            self.opened.enter_context(world)
            add_account(world.store, ACCOUNT)
            self.api = Asked(world)
            self.headers = {"Authorization": f"Bearer {self.api.key(Scope.ADMIN)}"}
            upload = self.api.ask("POST", "/api/v1/media", files={"file": ("cat.png", png())})
            assert upload.status_code == 201

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"app": self.api.served(), "base_url": "http://localhost", "headers": self.headers}

        def teardown(self) -> None:
            self.opened.close()

    for done in range(0, EXAMPLES, _SCENARIOS):
        few = settings(_SETTINGS, max_examples=min(_SCENARIOS, EXAMPLES - done), derandomize=False)
        seed(done)(Following).run(settings=few)
