"""A test that shows a secret fails: seen with secrets that are shown on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.canaries import Watch


#: What each of the tests below does with a password of an account.
LEAKS = {
    "prints_it": "print(secret)",
    "logs_it": "structlog.get_logger().info('asked', words=f'Basic {secret}')",
    "records_it": "record(world, f'The password {secret} is wrong.')",
    "writes_it_into_a_log": "(tmp_path / 'daemon.log').write_text(f'asked with {secret}')",
    "exports_it": "(tmp_path / 'data' / 'export.json').write_text(json.dumps({'password': secret}))",
    "lets_the_api_answer_it": "add_post(world.store, text=secret); Asked(world).ask('GET', '/api/v1/posts')",
    "logs_a_traceback": "log_fault(secret)",
}
TESTS = """
import json

import structlog

from support.api import Asked
from support.world import add_account, add_post, build_world


def pass_one(world, number):
    secret = f"canary-{number}-canary"
    account = add_account(world.store, "bob")
    world.ctx.vault.encrypt({"app_password": secret}, account, "credentials")
    return secret


def record(world, message):
    add_post(world.store)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET message = ?", (message,))


def log_fault(secret):
    try:
        int(secret)
    except ValueError:
        structlog.get_logger().exception("failed")


def test_keeps_it(tmp_path):
    with build_world(tmp_path) as world:
        pass_one(world, "kept")
"""
TEST = """

def test_{name}(tmp_path):
    with build_world(tmp_path) as world:
        secret = pass_one(world, "{name}")
        {does}
"""


def test_whatever_way_a_secret_gets_out_its_test_fails(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    file = tmp_path / "test_leaks.py"
    file.write_text(TESTS + "".join(TEST.format(name=name, does=does) for name, does in LEAKS.items()))
    words = [
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tests.parent}",
        f"-c{tests.parent}/pyproject.toml",
    ]
    command = [sys.executable, "-m", "pytest", *words, f"--confcutdir={tests}", "-p", "conftest", str(file)]
    # What the outer run is told, to measure coverage or to share the tests, is not meant for this one.
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    ran = subprocess.run(command, cwd=tests, env=env, capture_output=True, text=True, check=False)
    told = [line for line in ran.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]
    kept = {line.partition("::test_")[2].partition(" ")[0] for line in told if line.startswith("PASSED")}
    got_out = {
        line.partition("::test_")[2].partition(" ")[0] for line in told if not line.startswith("PASSED")
    }
    assert got_out == set(LEAKS), ran.stdout
    assert "keeps_it" in kept


def test_a_new_secret_may_be_shown_once() -> None:
    watch = Watch()
    watch.note("postbell_key")
    watch.new.add("postbell_key")
    watch.look_at_answer("key add", "postbell_key")
    assert watch.hits == []
    watch.look_at_answer("key list", "its key is postbell_key")
    assert watch.hits == ["key list: …its key is <SECRET>…"]


@pytest.mark.parametrize("secret", ["", "pw", "secret"])
def test_what_is_too_short_is_not_looked_for(secret: str) -> None:
    watch = Watch()
    watch.note(secret)
    watch.look("log", f"a {secret} word")
    assert watch.hits == []
