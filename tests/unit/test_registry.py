from __future__ import annotations

import subprocess
import sys

import pytest

from postbell.errors import NotFound
from postbell.publishing import registry


def test_the_networks_are_the_files_in_the_order_of_the_alphabet() -> None:
    found = registry.keys()
    assert found == sorted(found)
    assert {"folder", "webhook"} <= set(found)


def test_a_network_is_found_by_its_key() -> None:
    assert registry.get("webhook").label == "Webhook"


def test_an_unknown_network_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotFound, match=r"no network named 'webhok'. Did you mean webhook\?"):
        registry.get("webhok")


def test_an_unknown_network_like_no_other_is_refused_with_all_names() -> None:
    with pytest.raises(NotFound, match=f"There are: {', '.join(registry.keys())}"):
        registry.get("zzz")


@pytest.mark.parametrize("name", ["", "..", "webhook.network", "os"])
def test_only_files_of_the_package_are_networks(name: str) -> None:
    with pytest.raises(NotFound):
        registry.get(name)


def test_the_names_are_known_without_loading_a_network() -> None:
    program = (
        "import sys; from postbell.publishing import registry; registry.keys();"
        "print([name for name in sys.modules if name.startswith('postbell.networks.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
