"""Commands in this process, run on the machine of a daemon and, by --remote, at another one."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postbell.__main__ import main
from postbell.api.resource import ID
from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key
from support.command import Ran
from support.home import Home, make_home, served


#: The daemon is hurried by its environment; what a command rehearses for itself is to be so, too.
_HURRIED = "[retry]\ncatch_up_seconds = 0\nmost_per_minute = 1000000\n"


def run_here(*words: str) -> Ran:
    """Run a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


@dataclass
class Two:
    """One daemon, asked on its machine and from another one."""

    home: Home
    url: str
    key_file: Path

    def here(self, *words: str) -> Ran:
        """Run a command on the machine."""
        return run_here(*self.home.options, *words)

    def there(self, *words: str) -> Ran:
        """Run a command from another machine."""
        return run_here("--remote", self.url, "--key-file", str(self.key_file), *words)

    def same(self, *words: str) -> str:
        """Run a command that changes nothing in both ways, which must be the same; return what it prints."""
        here, there = self.here(*words), self.there(*words)
        assert told(here) == told(there), f"{words}:\n{told(here)}\n{told(there)}"
        return here.out


def told(ran: Ran, post: str = "no post") -> tuple[int, str, str]:
    """Return what a command said, without what the passing of a second changes, and ids."""
    return ran.code, _steady(ran.out.replace(post, "ID")), _steady(ran.err.replace(post, "ID"))


def _steady(text: str) -> str:
    text = re.sub(r"\bin \d+ (s|min|h|d)( \d+ (s|min|h))?", "in a while", text)
    text = re.sub(r"\b(now|\d+ s ago)\)", "a moment ago)", text)
    text = re.sub(r"\b(\d\d:\d\d):\d\d(?=Z?\b)", r"\1", text)  # seconds are told where there are any
    text = re.sub(r"\d+\.\d MB|\"(log_)?bytes\": \d+", "size", text)
    text = re.sub(r"whsec_[\w+/=]+", "a secret", text)
    text = re.sub(r'"rests_until": [^,]*, "rest_reason": [^,]*', "rests", text)  # a pause leaves that
    text = re.sub(
        r"\b(Good (day|night)|Hello|Another text)\b *", "one of its texts", text
    )  # chance has chosen
    # The daemon may have changed within a moment what is public.
    text = re.sub(r'"(edit_at|edited_at)": ("[^"]*"|null)', "edited", text)
    text = re.sub(r"\b\d+ (s|min|h)( \d+ (s|min))* +", "late ", text)  # by chance, after a downtime,
    text = re.sub(r"  +", "  ", text)  # and columns are as wide as that
    return re.sub(rf"\b(\w*\d\w*|{ID})\b", "_", text)


@contextlib.contextmanager
def two_in(folder: Path) -> Iterator[Two]:
    """Run a daemon with two accounts of the network folder, and a key to it, until the block ends."""
    home = make_home(folder, f'timezone = "Europe/Berlin"\n{_HURRIED}')
    home.env["POSTBELL_API__LISTEN"] = "127.0.0.1:0"
    home.env["POSTBELL_API__REQUESTS_PER_MINUTE"] = "0"
    (folder / "out").mkdir()
    for name in ("out", "other"):
        home.connect("folder", name, {"path": str(folder / "out")})
    with home.app() as app:
        key = add_key(app.ctx, name="laptop", scopes=[Scope.ADMIN])[1]
    key_file = folder / "key"
    key_file.write_text(f"{key}\n")
    key_file.chmod(0o600)
    with served(home) as url:
        yield Two(home, url, key_file)
