"""Which addresses are public, and what the user may allow besides."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbell.domain.reach import Allowed, check_addresses, check_host, is_public
from postbell.errors import OffLimits


NOBODY = Allowed()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.1.2.3",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:7f00:1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_no_single_machine_in_public_is_off_limits(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(OffLimits, match=r"name\.example leads to .*not on the public internet"):
        check_addresses("name.example", 443, [address], NOBODY)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:830::200e",
        "64:ff9b::8.8.8.8",
    ],
)
def test_what_is_public_may_be_asked(address: str) -> None:
    assert is_public(ip_address(address))
    check_addresses("name.example", 443, [address], NOBODY)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_public_that_python_does_not_call_global(address: IPv4Address | IPv6Address) -> None:
    assert address.is_global or not is_public(address)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    for addresses in (["1.1.1.1", "127.0.0.1"], ["fd00::1", "1.1.1.1"]):
        with pytest.raises(OffLimits):
            check_addresses("name.example", 443, addresses, NOBODY)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
def test_the_web_is_served_at_four_ports(port: int) -> None:
    check_addresses("name.example", port, ["1.1.1.1"], NOBODY)


@pytest.mark.parametrize("port", [22, 25, 3306, 6379, 11211, 65535])
def test_another_port_is_off_limits(port: int) -> None:
    with pytest.raises(OffLimits, match=f"name.example:{port} is no port at which the web is served"):
        check_addresses("name.example", port, ["1.1.1.1"], NOBODY)


# What the user allows


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1", "127.0.0.1", 80, "127.0.0.1"),
        ("127.0.0.1", "any.example", 6379, "127.0.0.1"),
        ("127.0.0.1:8000", "any.example", 8000, "127.0.0.1"),
        ("192.168.0.0/16", "nas.lan", 5000, "192.168.7.7"),
        ("::1", "localhost", 80, "::1"),
        ("[::1]:8000", "localhost", 8000, "::1"),
        ("fd00::/8", "nas.lan", 80, "fd12::1"),
        ("wiki.lan", "wiki.lan", 3000, "10.0.0.9"),
        ("Wiki.LAN:3000", "wiki.lan", 3000, "10.0.0.9"),
        ("localhost", "localhost", 80, "127.0.0.1"),
    ],
)
def test_what_the_user_allows_may_be_asked(entry: str, host: str, port: int, address: str) -> None:
    check_addresses(host, port, [address], Allowed.parse(["other.lan", entry]))


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("127.0.0.1", "any.example", 80, "127.0.0.2"),
        ("127.0.0.1:8000", "any.example", 8001, "127.0.0.1"),
        ("wiki.lan:3000", "wiki.lan", 22, "10.0.0.9"),
        ("wiki.lan", "evil.wiki.lan", 80, "10.0.0.9"),
        ("10.0.0.0/24", "any.example", 80, "10.0.1.1"),
    ],
)
def test_nothing_else_is_allowed_by_it(entry: str, host: str, port: int, address: str) -> None:
    with pytest.raises(OffLimits):
        check_addresses(host, port, [address], Allowed.parse([entry]))


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.0/33", "10.0.0.1/8", "http://wiki.lan", "a b", "*.lan", "0x7f.1", "wiki.lan:"]
)
def test_an_entry_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host nor an address nor a network"):
        Allowed.parse([entry])


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "a.example",
        "localhost",
        "xn--mnchen-3ya.example",
        "a_b.example",
        "1.1.1.1",
        "2606:4700::1",
        "1e100.net",
        "4.example",
    ],
)
def test_a_name_and_a_plain_address_are_hosts(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "0x7f.1",
        "0x7f000001",
        "0x7f.0.0.0x1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.1.1",
        "256.0.0.1",
        "a.example.7",
        "0x",
        "",
        ".",
        "a..example",
        "-a.example",
        "a.example-",
        "127%2e0.0.1",
        "a b",
        "fe80::1%25eth0",
        "fe80::1%eth0",
        "[::1",
        "a" * 64,
        "a." * 127 + "example",
    ],
)
def test_what_programs_read_differently_is_no_host(host: str) -> None:
    with pytest.raises(OffLimits):
        check_host(host)
