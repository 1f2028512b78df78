"""Which addresses may be asked when strangers or users have written them: the public ones, and no others.

Without this, who can put a link into a post could let this machine read what only it can reach: its own
services, the router, the passwords that clouds hand out to their machines. Pure: nobody is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from postbell.errors import OffLimits


Address = IPv4Address | IPv6Address

#: Where the web is served. At other ports are mail, databases and whatever else reads lines.
_WEB_PORTS = frozenset({80, 443, 8080, 8443})
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
#: How the last part of a name looks that some programs take for an IPv4 address (url.spec.whatwg.org, 3.5).
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

#: IANA's registry of special addresses, and what else is no single machine in public.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this machine
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers, and Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own service for its machines, though it looks public
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
#: What is public in IPv6, and the parts of it that are not.
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID and others
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address may be inside
        "3fff::/20",
    )
)
#: Networks without IPv4 reach it by these (RFC 6052): the last 32 bits say whom.
_NAT64 = IPv6Network("64:ff9b::/96")
#: The middle of an address that ends in an IPv4 address (ISATAP, RFC 5214).
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What may be reached although it is not public, by the user's own word."""

    #: By name, each with the one port that is meant, or None for all.
    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[IPv4Network | IPv6Network, int | None], ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Allowed:
        """Read `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS:PORT`, `[V6]:PORT` and `NETWORK/BITS`.

        Raises ValueError with what is wrong.
        """
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[IPv4Network | IPv6Network, int | None]] = []
        for entry in entries:
            try:
                networks.append((ip_network(entry), None))
                continue
            except ValueError:
                host, colon, digits = entry.lower().rpartition(":")
            port = int(digits) if colon and re.fullmatch(r"\d{1,5}", digits, re.ASCII) else None
            if port is None:
                host = entry.lower()
            try:
                networks.append((ip_network(host.removeprefix("[").removesuffix("]")), port))
            except ValueError:
                if not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
                    raise ValueError(f"neither a host nor an address nor a network: {entry}") from None
                names.add((host, port))
        return cls(names=frozenset(names), networks=tuple(networks))

    def __or__(self, other: Allowed) -> Allowed:
        """Return what is allowed by the one or the other."""
        return Allowed(names=self.names | other.names, networks=self.networks + other.networks)

    def takes(self, host: str, port: int, address: Address) -> bool:
        """Whether an address may be reached under a name, at a port."""
        if {(host, port), (host, None)} & self.names:
            return True
        return any(address in network and only in (port, None) for network, only in self.networks)


def check_host(host: str) -> None:
    """Raise OffLimits unless it is a name in small letters, or an IP address in its one plain form."""
    if is_address(host):
        if "%" in host:
            raise OffLimits(f"{host} is an address of one network card")
    elif not _NAME.fullmatch(host):
        raise OffLimits("the address names no host")
    elif _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise OffLimits(f"{host} is a number in disguise, not a name")


def is_address(host: str) -> bool:
    """Whether a host is an IP address as it is commonly written, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def check_addresses(host: str, port: int, addresses: Iterable[str], allowed: Allowed) -> None:
    """Raise OffLimits unless every one of the addresses that a host has may be reached at a port.

    Every one, because it is not said which of them is taken.
    """
    for text in addresses:
        address = ip_address(text)
        if allowed.takes(host, port, address):
            continue
        if not is_public(address):
            raise OffLimits(f"{host} leads to {address}, which is not on the public internet")
        if port not in _WEB_PORTS:
            raise OffLimits(f"{host}:{port} is no port at which the web is served")


def is_public(address: Address) -> bool:
    """Whether an address belongs to one machine on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.scope_id or address not in _PUBLIC_6 or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)
