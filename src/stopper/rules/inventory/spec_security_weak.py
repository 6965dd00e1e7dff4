"""The document tells clients to send a credential where others can read it, or in a form that is easily forged."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from stopper.core.app import App
from stopper.core.login_names import LOGIN
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import items, mapping, operations, place_of

_LOCAL: Final = re.compile(r"(?i)^(localhost|127(\.\d+){3}|\[?::1\]?|0\.0\.0\.0|.*\.(local|localhost|test|internal))$")
_WEAK_TOKEN: Final = re.compile(
    r"(?i)\balg\w*\W{0,12}(none|hs256)\b|\bunsigned\b|\bno signature\b|\bdoes not expire\b|\bnever expires\b|\bnon-expiring\b"
)
_BASIC: Final = "sends the password with every request (Basic)"
_FLOWS: Final = {
    "implicit": "hands the token to the browser in an address",
    "password": "gives the password to the client",
}


def detect(app: App) -> Iterator[Hit]:
    """Schemes and servers of the document that are weak by themselves."""
    if app.spec is None:
        return
    document = app.spec.document
    modern = mapping(mapping(document.get("components")).get("securitySchemes"))
    for name, node in (modern or mapping(document.get("securityDefinitions"))).items():
        for why in _weak(mapping(node)):
            if why == _BASIC and _only_log_ins(app, name):
                continue
            yield Hit(
                f"the scheme {name} {why}",
                place_of(app, "securitySchemes" if modern else "securityDefinitions", name),
                reader="spec",
            )
    for url in _open_servers(document):
        yield Hit(
            f"the server {url} is reached without TLS",
            place_of(app, "servers" if "servers" in document else "schemes"),
            reader="spec",
        )


def _only_log_ins(app: App, name: str) -> bool:
    """Whether the scheme stands at log-ins alone: there a password is sent once, whatever the form."""
    asking = [one for one in operations(app.spec) if name in one.schemes] if app.spec is not None else []
    return bool(asking) and all(one.method == "POST" and LOGIN.search(one.path) for one in asking)


def _weak(scheme: Mapping[str, object]) -> Iterator[str]:
    kind, form = str(scheme.get("type") or "").lower(), str(scheme.get("scheme") or "").lower()
    if kind == "basic" or (kind == "http" and form == "basic"):
        yield _BASIC
    if kind == "http" and form == "digest":
        yield "rests on MD5 (Digest)"
    if kind == "apikey" and scheme.get("in") == "query":
        yield "carries the key in the address, where logs keep it"
    if kind == "oauth2":
        flows = mapping(scheme.get("flows"))
        named = [*flows, *([str(scheme["flow"])] if "flow" in scheme else [])]
        for flow in named:
            if flow in _FLOWS:
                yield f"uses the {flow} flow, which {_FLOWS[flow]}"
        for details in flows.values():
            for url in (mapping(details).get("tokenUrl"), mapping(details).get("authorizationUrl")):
                if isinstance(url, str) and _is_open(url):
                    yield "gets its tokens without TLS"
    said = " ".join(
        str(value)
        for key, value in scheme.items()
        if key == "description" or key == "bearerFormat" or key.startswith("x-")
    )
    if _WEAK_TOKEN.search(said):
        yield "describes tokens that are unsigned, signed by a shared secret, or never expire"


def _open_servers(document: Mapping[str, object]) -> Iterator[str]:
    for server in items(document.get("servers")):
        url = mapping(server).get("url")
        if isinstance(url, str) and _is_open(url):
            yield url
    host = document.get("host")
    if isinstance(host, str) and "http" in items(document.get("schemes")) and _is_open(f"http://{host}"):
        yield f"http://{host}"


def _is_open(url: str) -> bool:
    try:
        whole = urlsplit(url)
        host = whole.hostname or "localhost"
        return whole.scheme == "http" and not _LOCAL.match(host) and "{{" not in host  # still to fill in
    except ValueError:
        return False


RULE = Rule(
    slug="spec-security-weak",
    family="inventory",
    title="The spec names a weak way to authenticate",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(522,),
    owasp="API8:2023",
    asvs=("V12.2.1",),
    surfaces=("source",),
    ends="`Stopper(app)` reads credentials from headers only, never from an address or by Basic.",
    detect=detect,
)
