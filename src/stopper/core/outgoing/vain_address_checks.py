"""Checks of addresses that let every host pass: they ask for a scheme, for any host at all, or refuse a few names of this machine."""

import re
from typing import Final

from stopper.core.fact import Comparison, Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.flow.overriding import written_anew
from stopper.core.outgoing.asked_host import HOSTED
from stopper.core.values import Call, Constant, Item, Member, Name, Sequence, Value, is_constant, text_of, walk

_LOCAL: Final = re.compile(
    r"(?i)localhost(?:\.localdomain)?\.?|\[?::1?\]?|0|0\.0\.0\.0|(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d*)*|"
    r"(?:fc00|fd00|fe80|fd00:ec2).*|metadata(?:\.google(?:\.internal)?)?|(?:.*\.)?(?:internal|local|localhost|localdomain)"
)
"""Names and beginnings of addresses that only a machine itself or its network has."""
_LOOSE: Final = re.compile(r"(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
"""``host.endswith("shop.example")``, which ``evil-shop.example`` does too."""
_DENIES: Final = re.compile(r"(?i)(?:^|_)(?:block|den(?:y|ied)|forbid|black|ban|disallow|prohibit|reject)")
_PLAIN: Final = frozenset({
    "urlparse", "urlsplit", "urljoin", "bool", "len", "str", "all", "any", "list", "tuple", "set", "isinstance", "strip", "lstrip", "rstrip", "lower",
    "upper", "casefold", "split", "rsplit", "partition", "rpartition", "get", "decode", "encode", "format", "join", "replace", "removeprefix",
    "removesuffix", "debug", "info", "warning", "error", "exception", "print", "jsonify", "compile", "getLogger", "unquote", "geturl", "lru_cache", "cache",
})  # fmt: skip
"""What is done with a text on the way, and says nothing about where it leads."""
_ERROR: Final = re.compile(
    r"(?:.*\.)?(?:[A-Z]\w*(?:Error|Exception|Invalid\w*|Request|Refused|Denied)|abort)|.*\.exceptions\.\w+"
)
_SCHEMES: Final = frozenset({"http", "https", "http://", "https://"})
_RESOLVES: Final = frozenset(
    {"socket.gethostbyname", "socket.getaddrinfo", "ipaddress.ip_address", "urllib.parse.urlparse"}
)
"""What makes an address of a name; that it is the machine's own is no answer for the network behind it."""
_RANGES: Final = frozenset({"is_private", "is_global", "is_link_local", "is_reserved", "is_site_local", "is_multicast"})
_LOCAL_PLACES: Final = (
    "http://169.254.169.254/latest/meta-data/",
    "http://localhost:8080/admin",
    "http://10.0.0.5/",
    "https://192.168.1.1/a?b=c",
    "http://metadata.internal/a/b",
)
"""Addresses that a check of hosts refuses."""
_LONGEST: Final = 300
_NESTED: Final = re.compile(r"[+*}]\)+[+*{]")
"""Patterns that may take for ever: they are not tried."""


def is_vain(facts: SourceFacts, call: Call) -> bool:
    """That the call asks nothing which decides about the host: ``url.startswith("https://")``, ``validators.url(url)``, a pattern that
    ``http://localhost/`` matches, or a function of the project that asks for such things alone."""
    return _is_vain(facts, call, 3)


def asks_nothing(facts: SourceFacts, name: str, depth: int = 3, *, of_text: bool = False) -> bool:
    """That a function of the project, whatever it is called, looks only at such things, or whether something is there and how it looks.
    *of_text* takes every beginning, end and pattern for a question: what is asked about need be no address."""
    known = facts.function(name)
    if known is None or depth <= 0:
        return False
    what = f"{name} asks nothing of a {'text' if of_text else 'host'}"
    return facts.once(what, lambda: _asks_nothing(facts, known, depth - 1, of_text))


def is_vain_comparison(one: Comparison) -> bool:
    """That a comparison lets every host pass: it asks for a scheme, whether something is there, or refuses names of this machine."""
    sides = (one.left, one.right)
    if any(isinstance(side, Member) and side.attribute in ("scheme", "port", "path", "fragment") for side in sides):
        return True
    if any(isinstance(side, Constant) and not isinstance(side.value, str) for side in sides) or is_constant(
        one.right, ""
    ):
        return True
    if one.operator in ("in", "not in"):
        return isinstance(one.left, Constant) or _refuses_local(one.right) or _are_schemes(one.right)
    said = text_of(one.right) or text_of(one.left)
    return (
        one.operator not in ("==", "!=")
        or said in _SCHEMES
        or (said is not None and _LOCAL.fullmatch(said) is not None)
    )


def _are_schemes(value: Value) -> bool:
    """``protocol in ("http", "https")``, however the protocol was cut out of the address."""
    items = value.items if isinstance(value, Sequence) and not value.open else ()
    return bool(items) and all(text_of(one) in _SCHEMES for one in items)


def _refuses_local(value: Value) -> bool:
    """``BLOCKED = {"localhost", "127.0.0.1"}``: a list of names that may not be asked, which other names of the same place are not in."""
    if not isinstance(value, Sequence) or value.open or not value.items:
        return False
    texts = [text_of(one) for one in value.items]
    return all(text is not None for text in texts) and (
        _DENIES.search(value.name) is not None or all(_LOCAL.fullmatch(text or "") for text in texts)
    )


def _is_vain(facts: SourceFacts, call: Call, depth: int, of_text: bool = False) -> bool:
    if facts.function(call.callee) is not None:
        return asks_nothing(facts, call.callee, depth, of_text=of_text)
    if of_text and call.method in ("startswith", "endswith", "match", "fullmatch", "search"):
        return False
    if call.callee.startswith("validators.") and not call.keywords:
        return True  # that it is an address, whatever it leads to
    if call.method in ("startswith", "endswith"):
        return _only_beginnings(call)
    if call.method in ("match", "fullmatch", "search"):
        return _matches_local(call)
    return call.method in _PLAIN or call.callee in _RESOLVES or _ERROR.fullmatch(call.callee) is not None


def _asks_nothing(facts: SourceFacts, function: Function, depth: int, of_text: bool) -> bool:
    """That each thing the function asks is such a one. A function in which nothing is seen may be anything."""
    if written_anew(facts, function.name):
        return False
    calls = list(calls_between(facts, function.span.path, function.span.line, function.span.end_line))
    compared = [one for one in facts.comparisons_in(function.name) if function.span.holds(one.span)]
    if not calls and not compared and not any(is_constant(one, True) for one in function.returns):
        return False
    asked = [one.value for one in facts.conditions_in(function.name) if function.span.holds(one.span)]
    return (
        all(is_vain_comparison(one) for one in compared)
        and all(_is_vain(facts, one, depth, of_text) for one in calls)
        and not any(
            _is_looked_up(part) or (isinstance(part, Member) and part.attribute in _RANGES)
            for value in (*function.returns, *asked)
            for part in walk(value, 6)
        )
    )


def _is_looked_up(value: Value) -> bool:
    """``ALLOWED[parsed.hostname]``."""
    return isinstance(value, Item) and not isinstance(value.key, Constant)


def ends_loosely(call: Call) -> bool:
    """``host.endswith("shop.example")``, ``theirs.netloc.endswith(ours.netloc)``: whoever registers a name that ends so passes as well."""
    if call.method != "endswith" or not isinstance(call.receiver, Member):
        return False
    if call.args and isinstance(ours := call.args[0], (Member, Name)):
        return (ours.attribute if isinstance(ours, Member) else ours.dotted.rpartition(".")[2]) in (
            "netloc",
            "hostname",
            "host",
        )
    said = [text_of(one) for arg in call.args[:1] for one in (arg.items if isinstance(arg, Sequence) else (arg,))]
    return any(one is not None and _LOOSE.fullmatch(one) for one in said)


def _only_beginnings(call: Call) -> bool:
    """``url.startswith(("http://", "https://"))``, ``host.endswith(".local")``, ``host.endswith("shop.example")``: no host is fixed."""
    said = [text_of(one) for arg in call.args[:1] for one in (arg.items if isinstance(arg, Sequence) else (arg,))]
    if call.method == "endswith":
        return ends_loosely(call) or (bool(said) and all(one is not None and _LOCAL.fullmatch(one) for one in said))
    return bool(said) and all(one is not None and not HOSTED.match(one) for one in said)


def _matches_local(call: Call) -> bool:
    """A pattern that is known, and that a place which only the server can reach matches as well."""
    made = call.receiver if isinstance(call.receiver, Call) and call.receiver.callee == "re.compile" else call
    pattern = text_of(made.argument(0, "pattern")) if made.callee.startswith("re.") else None
    if pattern is None or len(pattern) > _LONGEST or _NESTED.search(pattern):
        return False
    try:
        known = re.compile(pattern, re.IGNORECASE)
    except re.error:
        return False
    tried = {"match": known.match, "fullmatch": known.fullmatch}.get(call.method, known.search)
    return any(tried(place) for place in _LOCAL_PLACES)
