"""A caller writes their own address: limits and lists of addresses stop working, and logs name the wrong one."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import plain
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.spread_fields import given_as
from stopper.core.flow.view_functions import index_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Name, Value, is_constant, walk

_FIX: Final = ("werkzeug.middleware.proxy_fix.ProxyFix", "werkzeug.contrib.fixers.ProxyFix")
_ORDER: Final = ("x_for", "x_proto", "x_host", "x_port", "x_prefix")
_MOST: Final = 2
"""Hops that are usual: one proxy, or a load balancer before it."""
_HEADERS: Final = frozenset(
    {
        "x-forwarded-for",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "forwarded",
        "http_x_forwarded_for",
        "http_x_real_ip",
    }
)
_TOGETHER: Final = 3
"""From so many places on that read one header they are told together."""
_AS_IT_COMES: Final = "is read as it comes, and nobody says which proxy may set it"
_SHOWN: Final = re.compile(r"(?i)dump|debug|describe")
"""Functions that show a request as it came: the header stands there under its own name."""
_ALL: Final = re.compile(r"""(?:forwarded[-_]allow[-_]ips|trusted-proxy)["'\s=,:]*["']?\*""", re.IGNORECASE)
_OVERWRITES: Final = re.compile(
    r"(?i)^\s*(?:proxy_set_header\s+([\w-]+)\s+\$(?:remote_addr|realip_remote_addr)\s*;|RequestHeader\s+set\s+([\w-]+)\s+[\"']?(?:%\{REMOTE_ADDR\}[se]|expr=%\{REMOTE_ADDR\}))"
)
"""nginx and Apache; ``$proxy_add_x_forwarded_for`` leaves at the front what the caller wrote."""
_SAYS_CALLER: Final = re.compile(r"(?i)^\s*proxy_set_header\s+X-(?:Forwarded-For|Real-IP)\s")
_PROXY: Final = re.compile(
    r"(?i)proxy_pass\s|image:\s*[\"']?(\w+/)?(nginx|traefik|haproxy|caddy|envoy)|reverse_proxy\s|ProxyPass\s|^kind:\s*Ingress"
)


def detect(app: App) -> Iterator[Hit]:
    """More hops than are usual, headers read by hand where no ProxyFix says whom to trust, or a proxy nobody told of."""
    facts = source_of(app)
    fixes = list(facts.calls(*_FIX))
    for call in fixes:
        yield from _hops(facts, call)
    for trust in app.extensions.proxies:
        if (most := max(trust.hops.values(), default=0)) > _MOST:
            yield Hit(_many(most), next((call.span for call in fixes), None), reader="running")
    if not fixes and not app.extensions.proxies:
        yield from _by_hand(facts)
        yield from _untold(facts)
    for file in facts.files_of("dockerfile", "compose", "procfile", "config", "script"):
        for number, line in file.lines_with("forwarded-allow-ips", "forwarded_allow_ips", "trusted-proxy"):
            if _ALL.search(line):
                yield Hit(
                    "every address may say that it is the proxy", Span(file.path, number, number, 1, len(line) + 1)
                )
    for call in facts.calls("waitress.serve", "waitress.create_server"):
        if any("*" in plain(facts, said) for said in given_as(facts, call, "trusted_proxy", None)):
            yield Hit("every address may say that it is the proxy", call.span)
    for assigned in facts.assignments():
        if assigned.attribute == "forwarded_allow_ips" and "*" in plain(facts, assigned.value):
            yield Hit("every address may say that it is the proxy", assigned.span)


def _hops(facts: SourceFacts, call: Call) -> Iterator[Hit]:
    counts: dict[str, int] = {}
    for place, word in enumerate(_ORDER, 1):
        for value in (one for said in given_as(facts, call, word, place) for one in plain(facts, said)):
            if isinstance(value, int):
                counts[word] = int(value)
    for value in plain(facts, call.keyword("num_proxies")):
        if isinstance(value, int):
            counts["num_proxies"] = value
    trusted = {count for count in counts.values() if count > 0}
    if trusted and max(trusted) > _MOST:
        yield Hit(_many(max(trusted)), call.span)
    elif len(trusted) > 1:
        said = ", ".join(f"{word}={count}" for word, count in counts.items())
        yield Hit(f"ProxyFix trusts a different number of hops for each header ({said})", call.span)


def _many(hops: int) -> str:
    return f"ProxyFix trusts {hops} hops, more than usually exist"


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    overwritten = frozenset(_overwritten(facts))
    told: set[str] = set()
    places: dict[str, list[Span]] = {}
    asked = [call.span for call in facts.calls("bool") if call.span is not None]
    for one in facts.readings("flask.request.headers", "flask.request.environ"):
        if one.function and one.function in told:
            continue  # one address is looked for in several headers
        if one.key.lower() not in _HEADERS or any(span.holds(one.span) for span in asked):
            continue  # another, or whether it is there
        if one.key.lower() in overwritten:
            continue  # whatever a caller writes there, the proxy writes anew
        if one.function and _looks_at_peer(facts, one.function):
            continue
        if not _SHOWN.search(facts.function_around(one.span).rpartition(".")[2]):
            told.add(one.function)
            places.setdefault(one.key, []).append(one.span)
    for compared in facts.comparisons() if facts.says("access_route") else ():
        if compared.function not in told and any(_is_first_hop(part) for part in walk(compared.left, 4)):
            told.add(compared.function)
            places.setdefault("X-Forwarded-For, as access_route has it,", []).append(compared.span)
    for key, spans in places.items():
        if len(spans) < _TOGETHER:
            yield from (Hit(f"{key} {_AS_IT_COMES}", span) for span in spans)
        else:  # one thing is missing, wherever the header is read
            yield Hit(f"{key}, here and in {len(spans) - 1} other places, {_AS_IT_COMES}", spans[0])


def _overwritten(facts: SourceFacts) -> Iterator[str]:
    """The headers into which the proxy that the project ships puts the address of whoever is connected to it."""
    for file in facts.files_of("config", "deployment"):
        for line in file.lines:
            if found := _OVERWRITES.match(line):
                yield (found[1] or found[2]).lower()


def _looks_at_peer(facts: SourceFacts, function: str) -> bool:
    """``if request.remote_addr in TRUSTED:`` beside it: the header counts only where a proxy that is known has sent it."""
    compared = facts.comparisons_in(function)
    return any(
        one.operator in ("in", "not in", "==", "!=") and (_is_peer(one.left) or _is_peer(one.right)) for one in compared
    ) or any(
        re.search(r"(?i)trusted|is_proxy", call.callee.rpartition(".")[2]) is not None
        and any(_is_peer(part) for passed in call.args for part in walk(passed, 4))
        for call in facts.calls_in(function)
    )


def _is_peer(value: Value) -> bool:
    """The address of whoever holds the connection."""
    match value:
        case Name(dotted="flask.request.remote_addr"):
            return True
        case Item(owner=Name(dotted="flask.request.environ"), key=Constant(value=str(name))):
            return name.endswith("REMOTE_ADDR")
        case Call(receiver=inner) if inner is not None:
            return _is_peer(inner)
        case _:
            return False


def _is_first_hop(value: Value) -> bool:
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.request.access_route"
        and is_constant(value.key, 0)
    )


def _untold(facts: SourceFacts) -> Iterator[Hit]:
    """A proxy stands in the files, the caller's address matters, and there is no ProxyFix."""
    lines = [line for file in facts.files_of("compose", "config") for line in file.lines]
    if any("uwsgi_pass" in line or "fastcgi_pass" in line for line in lines):
        return  # these hand the caller's address on, and no header says it
    if any(map(_PROXY.search, lines)):
        for call in facts.calls("flask_limiter.Limiter"):
            if _counts_by_header(facts, call.argument(0, "key_func")):
                continue
            yield Hit(
                "a proxy stands in front, there is no ProxyFix, and the limit counts the proxy's address", call.span
            )
            return
        for one in facts.comparisons():
            if any(_is_peer(part) for side in (one.left, one.right) for part in walk(side, 4)):
                yield Hit("a proxy stands in front, there is no ProxyFix, and its address is compared here", one.span)
                return
    if any("proxy_pass" in line for line in lines) and any(map(_SAYS_CALLER.match, lines)):
        place = next(_peers_asked(facts), None)
        if place is not None:
            message = "a proxy stands in front, there is no ProxyFix, and what is taken for the caller's address is the proxy's"
            yield Hit(message, place, severity="medium")


def _peers_asked(facts: SourceFacts) -> Iterator[Span]:
    """Where ``request.remote_addr`` is handed on."""
    read = facts.readings("flask.request.headers", "flask.request.environ")
    if not facts.says("remote_addr") or any(one.key.lower() in _HEADERS for one in read):
        return
    for call in facts.calls():
        given = (*call.args, *(value for _, value in call.keywords))
        if call.span is not None and any(_is_peer(part) for value in given for part in walk(value, 4)):
            yield call.span


def _counts_by_header(facts: SourceFacts, key: Value | None) -> bool:
    """That a function of the project gives the key and reads what the proxy wrote: what the connection says counts for nothing then."""
    names = [key.dotted] if isinstance(key, Name) else [key.callee] if isinstance(key, Call) else []
    behind = set(index_of(facts).calling(names, 2)) if names else set[str]()
    read = facts.readings("flask.request.headers", "flask.request.environ")
    return any(one.function in behind and one.key.lower() in _HEADERS for one in read)


RULE = Rule(
    slug="proxy-trust-misconfigured",
    family="transport",
    title="The proxy in front is trusted too much, or not told of",
    harm=__doc__ or "",
    severity="high",
    check="transport",
    cwe=(348,),
    owasp="API8:2023",
    asvs=("V15.3.4",),
    surfaces=("source", "running"),
    ends="Stopper takes the caller's address from the connection unless the application says otherwise.",
    certainty="likely",
    detect=detect,
)
