"""The size of rooms: files, functions and argument lists stay small, and the rule itself is seen to bite."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import grimp
import pytest


ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
MOST_POSITIONAL = 5

CLOCK = {
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.clock_gettime",
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}

SOURCES = sorted((ROOT / "src").rglob("*.py")) + sorted((ROOT / "tests").rglob("*.py"))


def faults(source: str) -> list[str]:
    """Return what breaks the rules in one file."""
    found = []
    if (lines := source.count("\n")) > LONGEST_FILE:
        found.append(f"{lines} lines in one file")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{node.name} has {length} lines")
            positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
            if len([name for name in positional if name not in ("self", "cls")]) > MOST_POSITIONAL:
                found.append(f"{node.name} has {len(positional)} positional arguments")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_functions_and_argument_lists_are_small(path: Path) -> None:
    # A test is given each of its fixtures and parameters by position; that is not a design.
    found = faults(path.read_text("utf-8"))
    in_tests = path.is_relative_to(ROOT / "tests")
    assert [fault for fault in found if not (in_tests and "positional" in fault)] == []


def test_the_rule_bites() -> None:
    long_function = "def f():\n" + "    x = 1\n" * 51
    assert faults(long_function) == ["f has 52 lines"]
    assert faults("x = 1\n" * 401) == ["401 lines in one file"]
    assert faults("def f(a, b, c, d, e, g): ...\n") == ["f has 6 positional arguments"]
    assert faults("class C:\n    def f(self, a, b, c, d, e, *, g): ...\n") == []


def reads_clock_or_env(source: str) -> list[str]:
    """Return where one file asks for the time of day or reads the environment, whatever it calls them."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.asname: alias.name for node in imports for alias in node.names if alias.asname}
    found = [
        f"{node.module}.{alias.name}"
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).rpartition(".")[2]
            found.append(f"{names.get(owner, owner)}.{node.attr}")
    return [name for name in found if name in CLOCK | ENVIRONMENT]


def test_only_the_clock_asks_for_the_time_and_only_settings_read_the_environment() -> None:
    allowed = {"clock.py": CLOCK, "settings.py": ENVIRONMENT}
    package = ROOT / "src/postbell"
    for path in package.rglob("*.py"):
        name = str(path.relative_to(package))
        wrong = set(reads_clock_or_env(path.read_text("utf-8"))) - allowed.get(name, set())
        assert wrong == set(), name


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("datetime.now(UTC)", ["datetime.now"]),
        ("import datetime as dt\ndt.datetime.now()", ["datetime.now"]),
        ("from datetime import datetime as when\nwhen.utcnow()", ["datetime.utcnow"]),
        ("date.today()", ["date.today"]),
        ("datetime.date.today()", ["date.today"]),
        ("time.time()", ["time.time"]),
        ("time.time_ns()", ["time.time_ns"]),
        ("from time import time", ["time.time"]),
        ("import time as t\nt.time()", ["time.time"]),
        ("os.environ['HOME']", ["os.environ"]),
        ("os.getenv('HOME')", ["os.getenv"]),
        ("from os import environ", ["os.environ"]),
        ("from os import getenv as ask", ["os.getenv"]),
        ("import os as system\nsystem.environ", ["os.environ"]),
        ("ctx.now(); time.monotonic(); os.getpid(); given.environ", []),
    ],
)
def test_the_rule_about_clock_and_environment_bites(source: str, found: list[str]) -> None:
    assert reads_clock_or_env(source) == found


def test_constraints_name_no_host() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line) for line in pins)
    assert "://" not in "\n".join(lines)


def circle(imports: dict[str, set[str]]) -> set[str]:
    """Return the modules that import one another in a circle, and those on the way between circles."""
    left = {module: set(imported) for module, imported in imports.items()}
    while True:
        imported = set().union(*left.values())
        ends = {module for module, named in left.items() if not named & left.keys() or module not in imported}
        if not ends:
            return set(left)
        left = {module: named for module, named in left.items() if module not in ends}


def test_no_module_imports_in_a_circle_not_even_for_a_type_or_in_a_function() -> None:
    graph = grimp.build_graph("postbell", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 400
    assert circle(imports) == set()


def test_a_circle_is_found() -> None:
    imports = {"top": {"a"}, "a": {"b"}, "b": {"c", "below"}, "c": {"a"}, "below": set[str]()}
    assert circle(imports) == {"a", "b", "c"}
