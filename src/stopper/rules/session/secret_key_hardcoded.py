"""Everybody who can read the source can sign a session cookie as anybody."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.cookie_flags import set_cookies
from stopper.core.exchange import Exchange
from stopper.core.fact import ConfigWrite
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flask_cookie import session_cookie_name, signs_cookie
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import candidates
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.secret import Secret
from stopper.core.values import Constant

_FOR_TESTS: Final = re.compile(r"(?i)(?:^|[._])test|test(?:ing)?(?:config|settings)?$|testing")
_FOR_ONE_DESK: Final = re.compile(r"(?i)^(?:dev|local|debug|example|demo)|dev(?:elopment)?(?:config|settings)?$")
"""Settings that say they are not for production: somebody may still run them there."""


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
    name = session_cookie_name(target.app)
    for route, method in candidates(target):
        try:
            exchange = yield from send(target.request_for(route, method))
        except Skipped:
            continue
        cookie = next((one.value for one in set_cookies(exchange.response) if one.name == name and one.value), None)
        if cookie is None:
            control = control or exchange
            continue
        if not any(signs_cookie(key, cookie) for key in keys):
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
