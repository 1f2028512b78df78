"""The real WordPress of the system's packages, with MariaDB and PHP's own web server, on 127.0.0.1.

Every run has its own database, site and port; the administrator's application password is made by a script,
because the permission to do so over plain http is given only to local sites (WP_ENVIRONMENT_TYPE).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from support import servers
from support.children import ServerFailed, child, free_port, run


_USER = "editor-in-chief"

# A site without a theme answers its own posts' addresses with an empty page.
_THEME = """\
<?php while (have_posts()) { the_post(); ?>
<article><h1><?php the_title(); ?></h1><?php the_content(); ?></article>
<?php }
"""
# PHP's server gives every address to this file: false means "serve the file itself".
_ROUTER = """\
<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$file = $_SERVER['DOCUMENT_ROOT'] . $path;
if ($path !== '/' && is_file($file)) { return false; }
$_SERVER['SCRIPT_NAME'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
"""
_CONFIG = """\
<?php
define('DB_NAME', 'site');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:%(socket)s');
define('DB_CHARSET', 'utf8mb4');
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HOME', '%(url)s');
define('WP_SITEURL', '%(url)s');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
  define("{$name}_KEY", '%(salt)s' . $name);
  define("{$name}_SALT", $name . '%(salt)s');
}
$table_prefix = 'wp_';
if (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); }
require_once ABSPATH . 'wp-settings.php';
"""
_SETUP = """\
<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url($argv[2], PHP_URL_HOST);
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
$made = wp_install('Test site', $argv[3], 'editor@example.com', true, '', wp_generate_password());
wp_delete_post(1, true);
update_option('permalink_structure', '/%year%/%postname%/');
switch_theme('plain');
$user = $made['user_id'];
[$password] = WP_Application_Passwords::create_new_application_password($user, ['name' => 'postbell']);
file_put_contents($argv[4], $password);
"""


@dataclass(frozen=True, kw_only=True)
class WordPress:
    """A running site, and what its REST interface says about what was posted there."""

    url: str
    username: str
    app_password: str = field(repr=False)

    def get(self, path: str, **params: str | int) -> Any:
        """Return what the REST interface answers as JSON; `path` is like `posts/3` or `media`."""
        return _ok(self._ask("GET", f"{self.url}/wp-json/wp/v2/{path}", params=params)).json()

    def create(self, path: str, **fields: Any) -> dict[str, Any]:
        """Make a post, a term or a comment through the REST interface."""
        return dict(_ok(self._ask("POST", f"{self.url}/wp-json/wp/v2/{path}", json=fields)).json())

    def posts(self, **params: str | int) -> list[dict[str, Any]]:
        """Return posts of every status with their raw fields, newest first; `slug=` narrows it."""
        return list(self.get("posts", **{"status": "any", "context": "edit", "per_page": 100, **params}))

    def post(self, post_id: int) -> dict[str, Any]:
        """Return one post with its raw fields."""
        return dict(self.get(f"posts/{post_id}", context="edit"))

    def media(self, media_id: int) -> dict[str, Any]:
        """Return what is known of an uploaded file: source_url, alt_text, mime_type."""
        return dict(self.get(f"media/{media_id}", context="edit"))

    def media_bytes(self, media_id: int) -> bytes:
        """Return an uploaded file as anybody can fetch it."""
        return _ok(self._ask("GET", self.media(media_id)["source_url"])).content

    def term_names(self, kind: str, ids: list[int]) -> list[str]:
        """Return the names of terms in the order of their ids; `kind` is `categories` or `tags`."""
        return [str(self.get(f"{kind}/{number}")["name"]) for number in ids]

    def page(self, url: str) -> str:
        """Return what a visitor is shown at an address of the site."""
        with httpx.Client(trust_env=False, timeout=30) as client:
            return _ok(client.get(url)).text

    def _ask(self, method: str, url: str, **how: Any) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=30, auth=(self.username, self.app_password)) as client:
            return client.request(method, url, **how)


@contextmanager
def wordpress_server(folder: Path) -> Iterator[WordPress]:
    """Run a new site with its data and logs in `folder`, on a free port."""
    servers.check_wordpress()
    url = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        database = stack.enter_context(_database(folder))
        site = _site(folder, url=url, database=database)
        password = folder / "app-password"
        run(["php", _write(folder / "setup.php", _SETUP), site, url, _USER, password], folder / "setup.log")
        server = ["php", "-d", "upload_max_filesize=16M", "-d", "post_max_size=20M"]
        server += ["-S", url.removeprefix("http://"), "-t", str(site), str(folder / "router.php")]
        stack.enter_context(
            child(
                server,
                folder / "php.log",
                env={"PHP_CLI_SERVER_WORKERS": "4"},  # uploads ask the site itself for more
                ready=lambda: _answers(f"{url}/wp-json/"),
            )
        )
        yield WordPress(url=url, username=_USER, app_password=password.read_text())


@contextmanager
def _database(folder: Path) -> Iterator[Path]:
    """Run a database without a network, and give its socket."""
    data, socket = folder / "database", folder / "db.sock"
    # Servers like these refuse to run as root unless they are told that it is meant.
    user = ["--user=root"] if os.geteuid() == 0 else []
    path = {"PATH": servers.system_path()}
    options = ["--no-defaults", *user, f"--datadir={data}"]
    setup = ["mariadb-install-db", *options, "--skip-test-db", "--auth-root-authentication-method=normal"]
    run(setup, folder / "database-setup.log", env=path)
    ask = ["mariadb", "--no-defaults", "-uroot", f"--socket={socket}", "-e"]
    server = [
        "mariadbd",
        *options,
        f"--socket={socket}",
        "--skip-networking",
        "--innodb-buffer-pool-size=32M",
    ]
    with child(server, folder / "database.log", env=path, ready=socket.is_socket):
        run([*ask, "create database site"], folder / "database-create.log")
        yield socket


def _site(folder: Path, *, url: str, database: Path) -> Path:
    site = folder / "site"
    ignored = shutil.ignore_patterns("wp-config.php", "wp-content", ".htaccess")
    shutil.copytree(servers.WORDPRESS, site, ignore=ignored)  # WordPress finds its own folder by real paths
    theme = site / "wp-content/themes/plain"
    theme.mkdir(parents=True)
    _write(theme / "style.css", "/* Theme Name: plain */\n")
    _write(theme / "index.php", _THEME)
    (site / "wp-content/uploads").mkdir()
    config = _CONFIG % {"socket": database, "url": url, "salt": secrets.token_hex(16)}
    _write(site / "wp-config.php", config)
    _write(folder / "router.php", _ROUTER)
    return site


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=30).is_success
    except httpx.TransportError:
        return False


def _ok(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise ServerFailed(f"{answer.request.url} answered {answer.status_code}: {answer.text[:500]}")
    return answer
