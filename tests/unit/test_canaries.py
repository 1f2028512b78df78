"""A test that shows a secret fails: seen with secrets that are shown on purpose."""

from __future__ import annotations

import os
import re
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


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in a folder as those of this project are run."""
    tests = Path(__file__).parents[1]
    settings = [f"--rootdir={tests.parent}", f"-c{tests.parent}/pyproject.toml", f"--confcutdir={tests}"]
    how = ["-q", "-rA", "-p", "no:cacheprovider", "-p", "conftest"]
    # What the outer run is told, to measure coverage or to share the tests, is not meant for this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *how, *words],
        cwd=folder,
        env=env | {"PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shared", [[], ["-n2"]], ids=["alone", "by two processes"])
def test_whatever_way_a_secret_gets_out_its_test_fails(tmp_path: Path, shared: list[str]) -> None:
    file = tmp_path / "test_leaks.py"
    file.write_text(TESTS + "".join(TEST.format(name=name, does=does) for name, does in LEAKS.items()))
    ran = run(tmp_path, *shared)
    told = [line for line in ran.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]
    kept = {line.partition("::test_")[2].partition(" ")[0] for line in told if line.startswith("PASSED")}
    got_out = {
        line.partition("::test_")[2].partition(" ")[0] for line in told if not line.startswith("PASSED")
    }
    assert got_out == set(LEAKS), ran.stdout
    assert "keeps_it" in kept
    counted = re.search(r"(\d+) secrets were looked for in (\d+) texts and (\d+) files", ran.stdout)
    assert counted, ran.stdout
    assert int(counted[1]) > len(LEAKS), "each test has one at least, whichever process it ran in"
    assert all(int(count) for count in counted.groups())


@pytest.mark.parametrize("shared", [[], ["-n2"]], ids=["alone", "by two processes"])
def test_a_whole_run_that_looked_for_nothing_fails(tmp_path: Path, shared: list[str]) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    ran = run(tmp_path, *shared)
    assert "0 secrets were looked for in 0 texts and 0 files" in ran.stdout
    assert "1 passed" in ran.stdout
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED
    assert run(tmp_path, "test_nothing.py").returncode == pytest.ExitCode.OK, "only some were meant to run"


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
