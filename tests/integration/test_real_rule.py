"""The rule that CI leaves out no test against a real server, proved on small runs of pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.disk import needs_root
from support.home import make_home
from support.loopback import VARIABLE


_TESTS = Path(__file__).parents[1]
#: How several processes share the tests, each taking whole files.
_SHARED = ("-n", "2", "--dist", "loadfile")

_ALL = """\
import pytest

@pytest.fixture
def pds():
    return None

@pytest.fixture
def wordpress():
    return None

@pytest.fixture
def mastodon():
    return None

@pytest.fixture
def ffmpeg():
    return None

@pytest.fixture
def unicode():
    return None

@pytest.mark.real
def test_pds(pds):
    pass

@pytest.mark.real
def test_mastodon(mastodon):
    pass

@pytest.mark.real
def test_ffmpeg(ffmpeg):
    pass

@pytest.mark.real
def test_unicode(unicode):
    pass

@pytest.mark.real
def test_wordpress(wordpress):
    {body}
"""


def _run(folder: Path, tests: str, *options: str, ci: str = "true") -> subprocess.CompletedProcess[str]:
    """Run pytest over one file of tests under a copy of our conftest."""
    shutil.copy(_TESTS / "conftest.py", folder)
    (folder / "test_sample.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    real: needs a real server\n")
    env = {**os.environ, "CI": ci, "PYTHONPATH": str(_TESTS), "POSTBELL_SERVERS": str(folder)}
    for name in ("PYTEST_ADDOPTS", VARIABLE):  # it is our conftest that shall guard
        env.pop(name, None)
    # Named, so that it is no whole run: one of those looks for secrets, or fails.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_sample.py"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_a_run_that_used_every_real_server_passes(tmp_path: Path) -> None:
    done = _run(tmp_path, _ALL.format(body="pass"))
    assert done.returncode == 0, done.stdout


def test_a_skipped_real_test_fails_the_run_on_ci(tmp_path: Path) -> None:
    done = _run(tmp_path, _ALL.format(body="pytest.skip('no time')"))
    assert done.returncode == 1
    assert "test_wordpress was left out" in done.stdout


def test_a_deselected_real_test_fails_the_run_on_ci(tmp_path: Path) -> None:
    done = _run(tmp_path, _ALL.format(body="pass"), "-k", "test_pds")
    assert done.returncode == 1
    assert "no test passed against wordpress" in done.stdout


def test_the_rule_holds_where_several_processes_share_the_tests(tmp_path: Path) -> None:
    assert _run(tmp_path, _ALL.format(body="pass"), *_SHARED).returncode == 0
    done = _run(tmp_path, _ALL.format(body="pytest.skip('no time')"), *_SHARED)
    assert done.returncode == 1
    assert "test_wordpress was left out" in done.stdout
    done = _run(tmp_path, _ALL.format(body="pass"), *_SHARED, "-k", "not test_pds")
    assert done.returncode == 1
    assert "test_pds was left out" in done.stdout


def test_a_run_without_real_tests_fails_on_ci(tmp_path: Path) -> None:
    assert _run(tmp_path, "def test_something():\n    pass\n").returncode == 1


def test_a_server_that_is_not_installed_fails_the_run_on_ci(tmp_path: Path) -> None:
    done = _run(tmp_path, "def test_something(pds):\n    pass\n")
    assert done.returncode == 1
    assert "support.servers install" in done.stdout


def test_elsewhere_a_server_that_is_not_installed_skips_its_tests(tmp_path: Path) -> None:
    done = _run(tmp_path, "def test_something(pds):\n    pass\n", ci="")
    assert done.returncode == 0
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(
    "reach",
    [
        "socket.create_connection(('192.0.2.1', 80))",
        "socket.getaddrinfo('example.com', 80)",
        "socket.gethostbyname('example.com')",
        "socket.gethostbyname_ex('example.com')",
        "socket.socket().connect_ex(('192.0.2.1', 80))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
        "urllib.request.urlopen('http://example.com')",
    ],
)
def test_a_test_that_reaches_outside_this_machine_fails(tmp_path: Path, reach: str) -> None:
    done = _run(tmp_path, f"import socket, urllib.request\ndef test_it():\n    {reach}\n", ci="")
    assert done.returncode == 1
    assert "only addresses of this machine are allowed" in done.stdout


def test_names_that_never_resolve_need_nobody_to_be_asked(tmp_path: Path) -> None:
    tests = """\
import socket, pytest
def test_it():
    with pytest.raises(socket.gaierror):
        socket.create_connection(('nowhere.invalid', 80))
"""
    assert _run(tmp_path, tests, ci="").returncode == 0


def test_a_python_process_that_a_test_starts_cannot_reach_outside_this_machine_either() -> None:
    reach = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", reach], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "OutsideLoopback: a test tried to reach 192.0.2.1" in done.stderr


def test_a_daemon_that_a_test_starts_cannot_reach_outside_this_machine_either(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    reach = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert home.start("-c", reach).wait(20) == 1
    assert "OutsideLoopback: a test tried to reach 192.0.2.1" in home.tail()


@pytest.mark.parametrize(("ci", "end"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_test_that_needs_root_fails_on_ci_and_is_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch, ci: str, end: type[BaseException]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception), match="only root can") as ended:
        needs_root("only root can")
    assert ended.type is end


_WITHOUT_FILES = """\
import pytest
from support import specs

@pytest.mark.parametrize("name", ["one", "another"])
def test_official(name):
    specs.spec("no such folder/" + name, "the file")

def test_other():
    {body}
"""


@pytest.mark.parametrize("shared", [(), _SHARED])
def test_a_run_ends_with_how_many_tests_had_no_official_file(tmp_path: Path, shared: tuple[str, ...]) -> None:
    done = _run(
        tmp_path, _WITHOUT_FILES.format(body="pytest.skip('for a reason of its own')"), *shared, ci=""
    )
    assert "2 tests were not held against an official file" in done.stdout
    assert "3 skipped" in done.stdout


def test_a_run_whose_tests_had_their_files_says_nothing_of_them(tmp_path: Path) -> None:
    done = _run(tmp_path, "def test_other():\n    pass\n", ci="")
    assert "official file" not in done.stdout
