"""Which addresses may be asked: a registered URL must not reach what only we can reach."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# These carry an IPv4 address in their last bits and reach it through a gateway.
_TRANSLATED: Final = ip_network("64:ff9b::/96")


class PrivateAddress(OSError):
    """An address is private and no network that the operator allows holds it."""

    def __init__(self, address: str) -> None:
        # The same words for each of a host's addresses: only then are several of them told as one.
        super().__init__("a private address")
        self.address = address


@dataclass(frozen=True)
class Policy:
    """Public addresses may be asked, and those of the networks that the operator allows."""

    networks: Sequence[Network] = ()

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Read networks separated by commas; raise ``ValueError`` with a sentence when one is none."""
        names = [name.strip() for name in text.split(",") if name.strip()]
        try:
            return cls(tuple(ip_network(name) for name in names))
        except ValueError as error:
            message = f"PROBE_NETWORKS names networks such as 10.0.0.0/8,fd00::/8: {error}"
            raise ValueError(message) from None

    def allows(self, address: str) -> bool:
        """Tell whether an address may be asked."""
        found = _reached(ip_address(address.partition("%")[0]))
        return _is_public(found) or any(found in network for network in self.networks)

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket of a connection that is about to be made; after this no name is looked up any more."""
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0])):
            raise PrivateAddress(str(address[0]))
        return socket.socket(family, kind, protocol)


PUBLIC_ONLY: Final = Policy()


def _reached(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast
