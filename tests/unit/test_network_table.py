"""What the README says of the networks is what they say of themselves."""

from __future__ import annotations

from postbell.publishing import registry
from support import network_table


def test_the_table_of_networks_is_that_of_the_registry() -> None:
    readme = network_table.README.read_text("utf-8")
    mend = "write it anew: cd tests && python -m support.network_table"
    assert network_table.put_into(readme) == readme, mend


def test_every_network_has_a_row() -> None:
    assert network_table.table().count("\n") == len(registry.keys()) + 2
