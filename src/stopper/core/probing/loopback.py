"""Whether a target stands on this machine, where rules about the way to it have nothing to say."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """That the address names the loopback."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
