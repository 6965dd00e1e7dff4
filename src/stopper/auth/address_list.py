"""Lists of networks from which a credential may be used."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from stopper.core.errors import SettingError

Network = IPv4Network | IPv6Network


def checked_networks(said: Iterable[str]) -> tuple[str, ...]:
    """*said* in its shortest spelling, without repetitions. Raises SettingError for what is no network, and for all of the internet."""
    return tuple(dict.fromkeys(str(_network(text)) for text in said))


def is_within(address: str | None, networks: tuple[str, ...]) -> bool:
    """Whether *address* lies in one of *networks*; an address that nobody knows lies in none."""
    if address is None:
        return False
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _parsed(networks))


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in networks)


def _network(text: str) -> Network:
    try:
        found = ip_network(text.strip())
    except ValueError:
        raise SettingError(
            f"{text[:60]!r} is no network; write an address such as 192.0.2.7 or a network such as 10.0.0.0/8, whose host bits are zero"
        ) from None
    if isinstance(found, IPv6Network) and found.network_address.ipv4_mapped is not None:
        raise SettingError(f"{text[:60]!r} is an IPv4 network in IPv6 clothes; write it as IPv4")
    if found.prefixlen == 0:
        raise SettingError(f"{text[:60]!r} is every address; leave the list out to allow all of them")
    return found
