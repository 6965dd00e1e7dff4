"""Who is counted: short keys of one form, whatever a client sent; nothing of it can be read in a store of counters."""

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=4096)
def network(address: str | None) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: a household has that many to itself."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else found.exploded[:19]
    return str(found)


def digest_of(*parts: str) -> str:
    """32 letters for *parts*, in this order and with these borders; of any length and of any characters."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        piece = part.encode("utf-8", "surrogatepass")
        found.update(b"%d:" % len(piece))
        found.update(piece)
    return found.hexdigest()
