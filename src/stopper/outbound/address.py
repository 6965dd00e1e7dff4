"""Which addresses may be connected to. What an address carries inside another one is judged as well."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
AddressRule = Callable[[Address], bool]
"""Says whether an address may be connected to."""

# Own lists and not `ipaddress.is_global`, whose answers differ between patch releases of Python.
# IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast, and the host address of Azure's platform services.
_NOT_PUBLIC: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        ),
    )
)  # fmt: skip
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291 §2.4; everything else is special
# IANA IPv6 Special-Purpose Address Registry: protocol assignments (Teredo too), documentation, 6to4.
_NOT_PUBLIC_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

# Never, even for a service that the developer named: no service lives there but the machine's own metadata.
_NEVER: Final = tuple(
    map(
        IPv4Network,
        ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32", "100.100.100.200/32",
         "192.0.0.192/32"),
    )
)  # fmt: skip
_NEVER_6: Final = tuple(map(IPv6Network, ("::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32")))

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_COMPATIBLE: Final = IPv6Network("::/96")  # RFC 4291 §2.5.5.1
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")  # RFC 3056 §2
_ISATAP: Final = (0x00005EFE, 0x02005EFE)  # RFC 5214 §6.1


def is_public(address: Address) -> bool:
    """Whether *address* is one of the open internet: not private, loopback, link-local, reserved, or a cloud's metadata."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if _interface_id(address) in _ISATAP:
        return False
    return address in _GLOBAL_UNICAST and not any(address in net for net in _NOT_PUBLIC_6)


def is_reachable(address: Address) -> bool:
    """Whether a service that the developer named may live at *address*: anywhere but at metadata, link-local and multicast ones."""
    inner = _embedded(address)
    if inner is not None and any(inner in net for net in _NEVER):
        return False
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NEVER)
    return address.scope_id is None and not any(address in net for net in _NEVER_6)


def is_loopback(address: Address) -> bool:
    """Whether *address* is this machine itself: 127.0.0.0/8 or ::1, written as such."""
    return address.is_loopback and (isinstance(address, IPv4Address) or address.ipv4_mapped is None)


def is_public_or_loopback(address: Address) -> bool:
    """Whether *address* is of the open internet, or this machine itself."""
    return is_public(address) or is_loopback(address)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, as far as some machine on the way might read it so."""
    if isinstance(address, IPv4Address):
        return None
    whole = int(address)
    if address in _SIX_TO_FOUR:
        return IPv4Address(whole >> 80 & 0xFFFFFFFF)
    if (
        address.ipv4_mapped is not None
        or address in _NAT64
        or address in _LOCAL_NAT64
        or _interface_id(address) in _ISATAP
    ):
        return IPv4Address(whole & 0xFFFFFFFF)
    return IPv4Address(whole & 0xFFFFFFFF) if address in _COMPATIBLE and whole > 1 else None


def _interface_id(address: IPv6Address) -> int:
    return int(address) >> 32 & 0xFFFFFFFF
