"""Where an application publishes its keys, and what stands there; asked once a scan."""

import re
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.shared import found_once
from stopper.core.tokens.jwt_keys import is_public, key_bytes

_PLACES: Final = re.compile(r"(?i)jwks|public[-_]?key|\.pem$|/certs?$|/keys$|/jwk|openid-configuration|/pubkey")
WELL_KNOWN: Final = "/.well-known/jwks.json"
MOST: Final = 4


def published(target: Target) -> Steps[list[tuple[RouteRef, Exchange]]]:
    """The answers of the places where keys are published, where there are keys in them."""
    return (yield from found_once(target, "published-keys", lambda: _published(target)))


def _published(target: Target) -> Steps[list[tuple[RouteRef, Exchange]]]:
    routes = [r for r in target.app.routes if "GET" in r.methods and not r.parameters and _PLACES.search(r.path)]
    requests = [(RouteRef("GET", r.path), target.request_for(r, "GET")) for r in routes[:MOST]]
    if not any(ref.path == WELL_KNOWN for ref, _ in requests):
        requests.append((RouteRef("GET", WELL_KNOWN), Request("GET", WELL_KNOWN)))
    found: list[tuple[RouteRef, Exchange]] = []
    for ref, request in requests:
        exchange = yield from attempt(send(request))
        if exchange is None or not exchange.response.succeeded:
            continue
        if "-----BEGIN" in exchange.response.text or '"kty"' in exchange.response.text:
            found.append((ref, exchange))
    return found


def public_texts(target: Target) -> Steps[tuple[str, ...]]:
    """Public keys in reach: what is published, and in process what the settings hold."""
    answers = yield from published(target)
    texts = [exchange.response.text for _, exchange in answers]
    for fact in target.app.config.values():
        key = key_bytes(fact.value)
        if key is not None and is_public(key):
            texts.append(key.decode("utf-8", "replace"))
    return tuple(dict.fromkeys(texts))
