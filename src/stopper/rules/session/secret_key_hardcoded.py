"""Everybody who can read the source can sign a session cookie as anybody."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange, Response
from stopper.core.fact import ConfigWrite
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import candidates
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.secret import Secret
from stopper.core.values import Constant

_FOR_TESTS: Final = re.compile(r"(?i)(?:^|[._])test|test(?:ing)?(?:config|settings)?$|testing")
_FOR_ONE_DESK: Final = re.compile(r"(?i)^(?:dev|local|debug|example|demo)|dev(?:elopment)?(?:config|settings)?$")
"""Settings that say they are not for production: somebody may still run them there."""
SALT: Final = b"cookie-session"
"""Flask's salt for the session cookie (``flask.sessions.SecureCookieSessionInterface``)."""


def detect(app: App) -> Iterator[Hit]:
    """A literal that is written to ``SECRET_KEY``, in any spelling, outside of settings for tests."""
    for write in _literal_writes(app):
        sure: Certainty | None = None if not _FOR_ONE_DESK.search(write.owner.rpartition(".")[2]) else "possible"
        yield Hit("the key that signs session cookies stands in the source", write.span, certainty=sure)


def _literal_writes(app: App) -> Iterator[ConfigWrite]:
    for write in source_of(app).config_writes("SECRET_KEY"):
        literal = (
            isinstance(write.value, Constant) and isinstance(write.value.value, (str, bytes)) and write.value.value
        )
        if literal and write.loaded is not False and not _FOR_TESTS.search(write.owner.rpartition(".")[2]):
            yield write


def probe(target: Target) -> Steps[Verdict]:
    """Take a session cookie that the application gave, and check its signature with the key that stands in the source."""
    keys = [_secret(write) for write in _literal_writes(target.app)]
    if not keys:
        return passed("no key stands in the source")
    control: Exchange | None = None
    name = _cookie_name(target.app)
    for route, method in candidates(target):
        try:
            exchange = yield from send(target.request_for(route, method))
        except Skipped:
            continue
        cookie = cookie_of(exchange.response, name)
        if cookie is None:
            control = control or exchange
            continue
        if not any(signs(key, cookie) for key in keys):
            return passed("the session cookie is not signed with a key that stands in the source")
        shown = Evidence(
            "exchange", "the signature of this session cookie was made with the key that stands in the source", exchange
        )
        return failed(
            f"{method} {route.path} gives a session cookie that the key in the source signs",
            [RouteRef(method, route.path)],
            [shown],
        )
    if control is None:
        return not_applicable("no route can be read")
    return unsure("a key stands in the source, but no answer gave a session cookie to check it with")


def _secret(write: ConfigWrite) -> Secret:
    value = write.value.value if isinstance(write.value, Constant) else ""
    return Secret(value if isinstance(value, (str, bytes)) else "")


def _cookie_name(app: App) -> str:
    fact = app.config.get("SESSION_COOKIE_NAME")
    return fact.value if fact is not None and isinstance(fact.value, str) else "session"


def cookie_of(response: Response, name: str) -> str | None:
    """The value of that cookie where the response sets it."""
    for header in response.all_headers("Set-Cookie"):
        said, _, rest = header.partition("=")
        value = rest.partition(";")[0].strip().strip('"')
        if said.strip() == name and value:
            return value
    return None


def signs(key: Secret, cookie: str) -> bool:
    """That *key* made the signature of a Flask session cookie: HMAC-SHA1 under a key derived by HMAC-SHA1 from key and salt."""
    value, _, signature = cookie.rpartition(".")
    derived = hmac.new(key.reveal_bytes(), SALT, hashlib.sha1).digest()
    made = hmac.new(derived, value.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    try:
        shown = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except (binascii.Error, ValueError):
        return False
    return bool(value) and hmac.compare_digest(made, shown)


RULE = Rule(
    slug="secret-key-hardcoded",
    family="session",
    title="`SECRET_KEY` in the source",
    harm="Everybody who can read the source can sign a session cookie as anybody.",
    severity="critical",
    check="authentication",
    cwe=(798,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source", "wsgi"),
    ends="`Stopper(app)` signs nothing with `SECRET_KEY`, so whoever knows it passes no policy.",
    detect=detect,
    probe=probe,
)
