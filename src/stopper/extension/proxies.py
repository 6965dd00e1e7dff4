"""Where a request came from, as far as proxies that we trust can tell. What anybody else forwards is ignored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, NamedTuple, cast

from flask import Flask, Request, current_app, has_app_context

from stopper.core.errors import SettingError
from stopper.core.settings import Setting, Settings, declare, text

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Peers = Network | Literal["unix"]
Trusted = int | tuple[Peers, ...]
"""How many stand in a row, or their networks; ``unix`` among them: whoever connects over a socket of this machine."""

MAX_HOPS: Final = 16
MAX_HEADER: Final = 4096
_NAME: Final = "stopper.proxies"
_PORTED: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?")
# RFC 7239 §4: pairs of a token and a token or quoted string, ";" between them, "," between the hops.
_PAIR: Final = re.compile(r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*([;,]|\Z)")  # fmt: skip
_HOST: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def _parse_trusted(value: object) -> Trusted:
    """A number of hops, or networks."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAX_HOPS:
            raise ValueError(f"a number of proxies from 0 to {MAX_HOPS}, or their networks")
        return value
    said: object = value.split(",") if isinstance(value, str) else value
    if not isinstance(said, (list, tuple, set, frozenset)):
        raise ValueError("the networks of your proxies, such as 10.0.0.0/8, or their number")
    found: list[Peers] = [_network(shown) for item in cast("list[object]", said) if (shown := str(item).strip())]
    return tuple(found)


def _network(said: str) -> Peers:
    if said == "unix":
        return "unix"
    try:
        found = ip_network(said)
    except ValueError:
        raise ValueError("networks such as 10.0.0.0/8, or unix") from None
    if found.prefixlen == 0:
        raise ValueError("the networks of your own proxies; everybody is no proxy")
    return found


TRUSTED_PROXIES: Final[Setting[Trusted]] = declare(
    Setting(
        "TRUSTED_PROXIES",
        cast("Trusted", ()),
        "Your reverse proxies: their networks, such as `10.0.0.0/8, 192.168.7.2` (`unix` for a socket), or how many stand in a row. Without it every forwarded header is"
        " ignored.",
        "list of networks or whole number",
        _parse_trusted,
    )
)
FORWARDED_HEADER: Final = text(
    "FORWARDED_HEADER",
    "X-Forwarded-For",
    "The header that your proxies write. The other one is ignored: a client may send it through them.",
    choices=("X-Forwarded-For", "Forwarded"),
)


class Caller(NamedTuple):
    """Who called and how: the address of the client, and the scheme and host that it used. ``by_proxy``: a trusted proxy handed it on."""

    address: str | None
    scheme: str
    host: str
    by_proxy: bool = False


class _Hop(NamedTuple):
    address: Address | None
    scheme: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of one application. ``trusted``: networks, or how many stand in a row; 0 or none: no proxy at all."""

    trusted: Trusted = ()
    header: str = "X-Forwarded-For"

    def caller(self, environ: Mapping[str, object]) -> Caller:
        """Who called.

        From the right, every address of a trusted proxy is passed over; the first other one is the client, whatever stands left of it.
        What cannot be read ends the walk: nobody knows the address then. It is never taken for that of a proxy, for whose network
        more may be open.
        """
        peer = _peer(environ)
        direct = Caller(peer, str(environ.get("wsgi.url_scheme", "http")), _direct_host(environ))
        if not self.trusted:
            return direct
        hops = self._hops(environ)
        if hops is None:
            return direct._replace(address=None) if self._hands_on(peer) else direct
        index = self._counted(hops) if isinstance(self.trusted, int) else self._walked(peer, hops)
        if index is None:
            return direct
        hop = hops[index]
        address = None if hop.address is None else str(hop.address)
        return Caller(address, hop.scheme or direct.scheme, hop.host or direct.host, by_proxy=True)

    def is_proxy(self, environ: Mapping[str, object]) -> bool:
        """Whether the connection itself came from a trusted proxy, so that the headers it sets are its own words.

        False where only the number of proxies is known: nobody can tell who connected then.
        """
        return self._is_trusted_peer(_peer(environ))

    def _hands_on(self, peer: str | None) -> bool:
        """Whether what the connection forwards is the word of a proxy, as far as can be told."""
        return isinstance(self.trusted, int) or self._is_trusted_peer(peer)

    def _is_trusted_peer(self, peer: str | None) -> bool:
        if peer is None:
            return not isinstance(self.trusted, int) and "unix" in self.trusted
        return self._is_trusted(_address(peer))

    def _is_trusted(self, address: Address | None) -> bool:
        if address is None or isinstance(self.trusted, int):
            return False
        return any(
            address.version == network.version and address in network for network in self.trusted if network != "unix"
        )

    def _counted(self, hops: list[_Hop]) -> int | None:
        """The place of the client; None where fewer proxies handed the request on than stand in the row: it came around them."""
        wanted = cast("int", self.trusted)
        return len(hops) - wanted if len(hops) >= wanted else None

    def _walked(self, peer: str | None, hops: list[_Hop]) -> int | None:
        if not self._is_trusted_peer(peer) or not hops:
            return None
        for index in range(len(hops) - 1, -1, -1):
            address = hops[index].address
            if address is None or not self._is_trusted(address):
                return index
        return 0

    def _hops(self, environ: Mapping[str, object]) -> list[_Hop] | None:
        """What the header says, the nearest last; empty where it is missing, None where it cannot be read."""
        if self.header == "Forwarded":
            said = environ.get("HTTP_FORWARDED")
            return _read_forwarded(_header(environ, "HTTP_FORWARDED")) or None if said else []
        addresses = _listed(_right_end(environ.get("HTTP_X_FORWARDED_FOR")))
        schemes, hosts = (
            _listed(_header(environ, name)) for name in ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")
        )
        size = len(addresses)
        return [
            _Hop(_address(said), _scheme(_at(schemes, size - index)), _host(_at(hosts, size - index)))
            for index, said in enumerate(addresses)
        ]


def proxies_from(settings: Settings) -> Proxies:
    """What the settings declare. Raises SettingError where the header is named and no proxy is."""
    trusted, header = settings.get(TRUSTED_PROXIES), settings.get(FORWARDED_HEADER)
    if header != FORWARDED_HEADER.default and not trusted:
        raise SettingError("STOPPER_FORWARDED_HEADER says what proxies write, but STOPPER_TRUSTED_PROXIES names none")
    return Proxies(trusted, header)


def install(app: Flask, proxies: Proxies) -> None:
    """Make *proxies* those of *app*."""
    app.extensions[_NAME] = proxies


def caller_of(asked: Request) -> Caller:
    """Who called in the request *asked*, by the trusted proxies of the application that answers it."""
    found = current_app.extensions.get(_NAME) if has_app_context() else None
    return (found if isinstance(found, Proxies) else Proxies()).caller(asked.environ)


def client_address(asked: Request) -> str | None:
    """The client's address in the request *asked*: the one that throttles, address lists and audit lines go by."""
    return caller_of(asked).address


def _peer(environ: Mapping[str, object]) -> str | None:
    # Where Werkzeug's ProxyFix stands before us, this is the address that really connected.
    original = environ.get("werkzeug.proxy_fix.orig")
    said = cast("Mapping[str, object]", original).get("REMOTE_ADDR") if isinstance(original, Mapping) else None
    found = said if isinstance(said, str) else environ.get("REMOTE_ADDR")
    if not isinstance(found, str) or not found:
        return None
    address = _address(found)
    return found if address is None else str(address)


def _direct_host(environ: Mapping[str, object]) -> str:
    found = environ.get("HTTP_HOST")
    return found if isinstance(found, str) else str(environ.get("SERVER_NAME", ""))


def _header(environ: Mapping[str, object], name: str) -> str:
    found = environ.get(name)
    return found if isinstance(found, str) and len(found) <= MAX_HEADER else ""


def _right_end(said: object) -> str:
    """What proxies wrote of a list: its right end, however much a client has put before it."""
    if not isinstance(said, str) or len(said) <= MAX_HEADER:
        return said if isinstance(said, str) else ""
    return said[-MAX_HEADER:].partition(",")[2]


def _listed(said: str) -> list[str]:
    return [part.strip(" \t") for part in said.split(",")] if said else []


def _at(values: list[str], from_right: int) -> str | None:
    """The value that the same proxy wrote; where only one was written, that one."""
    if len(values) == 1:
        return values[0]
    return values[-from_right] if from_right <= len(values) else None


def _address(said: str) -> Address | None:
    ported = _PORTED.fullmatch(said)
    if ported is not None:
        said = ported[1] or ported[2]
    try:
        found = ip_address(said) if "%" not in said else None
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _scheme(said: str | None) -> str | None:
    lowered = (said or "").lower()
    return lowered if lowered in ("http", "https") else None


def _host(said: str | None) -> str | None:
    return said if said is not None and _HOST.fullmatch(said) else None


def _read_forwarded(said: str) -> list[_Hop]:
    hops: list[_Hop] = []
    members: dict[str, str] = {}
    at = 0
    while at < len(said):
        pair = _PAIR.match(said, at)
        if pair is None or pair[1].lower() in members:
            return []  # nobody can say where one hop ends and the next begins
        members[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        at = pair.end()
        if pair[4] != ";":
            hops.append(
                _Hop(_address(members.get("for", "")), _scheme(members.get("proto")), _host(members.get("host")))
            )
            members = {}
    return hops if not members else []
