"""How soon `postbell add --now` reaches a webhook: `python tests/benchmarks/bench_wake.py`.

Twenty times, while the daemon idles, the command stores a post in a process of its own, and the receiver
notes when the request came. The span begins just before the commit. The promise: 100 ms in the median.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


sys.path.insert(0, str(Path(__file__).parents[1]))

from support.home import make_home
from support.sink import sink


RUNS = 20
PROMISE_MS = 100

#: The installed command, which also tells on standard error when its writing transaction was about to commit.
_COMMAND = """
import sys, time
from sqlalchemy import Engine, event
from postbell.__main__ import main

commits = []
def note(connection):
    if connection.connection.dbapi_connection.total_changes:
        commits.append(time.time())
event.listen(Engine, "commit", note)
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(f"{commits[0]}")
"""


def main() -> None:
    """Measure, and print one line of JSON."""
    spans = []
    with tempfile.TemporaryDirectory() as folder, sink() as far_side:
        home = make_home(Path(folder))
        home.connect("webhook", "hook", {"url": far_side.url})
        with home.daemon():
            for number in range(RUNS):
                words = ["--quiet", *home.options, "add", f"post {number}", "--to", "hook", "--now"]
                command = [sys.executable, "-c", _COMMAND, *words]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                far_side.wait_for(number + 1)
                spans.append((far_side.received[-1].at - float(done.stderr)) * 1000)
    spans.sort()
    found = {"runs": RUNS, "min_ms": spans[0], "median_ms": statistics.median(spans), "max_ms": spans[-1]}
    sys.stdout.write(json.dumps({key: round(value, 1) for key, value in found.items()}) + "\n")
    sys.exit(found["median_ms"] > PROMISE_MS)


if __name__ == "__main__":
    main()
