"""A real daemon keeps what its OpenAPI document says, whatever it is asked.

`POSTBELL_EXAMPLES=2000 pytest tests/integration/test_api_contract.py` asks as often for each operation.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from postbell.api.application import build
from postbell.domain.access import Scope
from postbell.services.keys import add_key
from support.home import Home, make_home, served


#: Where a daemon answers, its home, and a key that opens everything.
Running = tuple[str, Home, str]

EXAMPLES = int(os.environ.get("POSTBELL_EXAMPLES", "4"))

_CONFIG = SchemathesisConfig.from_dict(
    {
        # Every boundary of every value: for the long run.
        "phases": {"coverage": {"enabled": EXAMPLES > 100}},
        "checks": {
            # What has the right shape may be wrong all the same: an account that there is not.
            "positive_data_acceptance": {"enabled": False},
            # Every route is asked without a key elsewhere; so many wrong ones are answered with 429.
            "ignored_auth": {"enabled": False},
            "missing_required_header": {"enabled": False},
            "negative_data_rejection": {"expected-statuses": ["4xx", "503"]},
        },
    }
)
CONTRACT = schemathesis.openapi.from_dict(
    cast("Any", build(cast("Any", None))).state.contract, config=_CONFIG
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("contract")
    home = make_home(folder)
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0", "POSTBELL_API__REQUESTS_PER_MINUTE": "0"}
    (folder / "out").mkdir()
    home.connect("folder", "sky", {"path": str(folder / "out")})
    with home.app() as app:
        key = add_key(app.ctx, name="all", scopes=[Scope.ADMIN])[1]
    with served(home) as base:
        yield base, home, key


@CONTRACT.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_every_operation_answers_as_it_says(
    case: schemathesis.Case[Any], asked: tuple[str, Home, str]
) -> None:
    base, home, key = asked
    answer = case.call_and_validate(base_url=base, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code < 500 or answer.status_code == 503, home.tail()
