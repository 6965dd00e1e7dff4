"""Everybody who can read the source can sign a session cookie as anybody."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.cookie_flags import set_cookies
from stopper.core.app import App
from stopper.core.deployment.setting_facts import stands_in, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk, is_said_anew_for_people
from stopper.core.exchange import Exchange
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.held_attributes import held_under
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import candidates
from stopper.core.rule import Certainty, Edit, Hit, Rule, Severity
from stopper.core.secret import Secret
from stopper.core.tokens.flask_cookie import session_cookie_name, signs_cookie
from stopper.core.values import Call, Choice, ConfigValue, Constant, Member, Parameter, Sequence, Value, text_of, walk


def detect(app: App) -> Iterator[Hit]:
    """A literal that is written to ``SECRET_KEY``, in any spelling, outside of settings for tests."""
    facts = source_of(app)
    for write in _literal_writes(app):
        sure: Certainty | None = "possible" if is_for_one_desk(write) else None
        job = _JOB.match(write.span.path)
        if job is not None and not any(one.span.path.startswith(job[0]) for one in facts.routes):
            message = (
                "a key for sessions stands in the source of a job without routes: look whether others take it over"
            )
            yield Hit(message, write.span, certainty="possible", severity="low")
        elif _is_refused(facts, write):
            message = (
                "a key for sessions stands in the source: look that nobody is served where the start does not refuse it"
            )
            yield Hit(message, write.span, certainty="possible", severity="low")
        elif is_said_anew_for_people(facts, write):
            message = "a key for sessions stands in the source: look that nobody is served without the settings that say it anew"
            yield Hit(message, write.span, certainty="possible", severity="low")
        else:
            light: Severity | None = "low" if sure == "possible" else None
            yield Hit(
                "the key that signs session cookies stands in the source", write.span, certainty=sure, severity=light
            )

    for write in written(app, "SECRET_KEY_FALLBACKS"):
        if isinstance(write.value, Sequence) and any(map(_is_literal, write.value.items)):
            yield Hit("a key that session cookies are still taken under stands in the source", write.span)


def _is_refused(facts: SourceFacts, write: ConfigWrite) -> bool:
    """``if app.config["PRODUCTION"] and app.secret_key == "replace-me": raise …``"""
    said = text_of(write.value)
    held = [
        one
        for one in facts.comparisons("==", "in")
        for key, other in ((one.left, one.right), (one.right, one.left))
        if said and _is_the_key(key) and any(text_of(part) == said for part in walk(other, 1))
    ]
    raised = [one.span for one in facts.raises()]
    return any(
        asked.span.holds(one.span) and asked.body is not None and any(map(asked.body.holds, raised))
        for one in held
        for asked in facts.conditions_in(one.function)
    )


def _is_the_key(value: Value) -> bool:
    """``app.config["SECRET_KEY"]``, ``app.secret_key``"""
    return (isinstance(value, ConfigValue) and value.key == "SECRET_KEY") or (
        isinstance(value, Member) and value.attribute == "secret_key"
    )


_JOB: Final = re.compile(r"(?i)(?:.*/)?(?:jobs?|cron(?:[_-]?jobs?)?|batch(?:es)?)/[^/]+/")


def _literal_writes(app: App) -> Iterator[ConfigWrite]:
    for write in written(app, "SECRET_KEY"):
        named = text_of(write.value) == "SECRET_KEY"  # a class of the names that settings have
        facts = source_of(app)
        literal = (
            _is_literal(write.value) or _is_worked_out(facts, write.value) or _is_made_with_one(facts, write.value)
        )
        if literal and not named and not stands_in(source_of(app), write):
            yield write  # what stands in for an unset variable is ``secret-key-unsafe-default``


_REWRITES: Final = re.compile(
    r"base64\.\w+|binascii\.\w+|codecs\.(?:de|en)code|bytes\.fromhex|bytes|bytearray|str|hashlib\.\w+|.*\.(?:encode|decode|hexdigest|digest|hex|strip|lower|upper|replace)"
)


_PLACE: Final = re.compile(r"\$\{\w+(?::?\?[^}]*)?\}|\$\w+|\{\{.*\}\}|%\(\w+\)s")
"""Where a file of settings has its variable written in: ``${SECRET_KEY}``. One with a fallback is a literal."""


def _is_made_with_one(facts: SourceFacts, value: Value) -> bool:
    """``settings.secret_key`` of ``Settings(secret_key="…")``; what a class of settings says by default, the environment may say anew."""
    if not isinstance(value, Member):
        return False
    defaults = [known.attributes.get(value.attribute) for known in facts.classes()]
    by_default = {one.span for one in defaults if isinstance(one, Constant)}
    held = [one for one, _ in held_under(facts, value.owner, value.attribute)]
    return bool(held) and all(
        isinstance(one, Constant) and one.span not in by_default and _is_literal(one) for one in held
    )


def _is_worked_out(facts: SourceFacts, value: Value) -> bool:
    """``derive("shop")`` of a function of the project that only writes what it is told in another way."""
    made = facts.function(value.callee) if isinstance(value, Call) and value.args else None
    if made is None or not isinstance(value, Call) or len(made.returns) != 1:
        return False
    told = all(isinstance(one, Constant) for one in (*value.args, *(held for _, held in value.keywords)))
    return told and _is_literal(made.returns[0], told=made.name)


def _is_literal(value: Value | None, depth: int = 4, told: str = "") -> bool:
    """A text or bytes of the code, also rewritten: ``base64.b64decode("…")``, ``hashlib.sha256(b"…").hexdigest()``. *told* is a function whose
    parameters are literals."""
    if isinstance(value, Constant):
        return isinstance(value.value, (str, bytes)) and bool(value.value) and not _PLACE.fullmatch(str(value.value))
    if isinstance(value, Parameter):
        return bool(told) and value.function == told
    if isinstance(value, Choice):  # one of a table of stages, each with a literal
        return not value.every and depth > 0 and all(_is_literal(one, depth - 1, told) for one in value.options)
    if not isinstance(value, Call) or depth == 0 or not _REWRITES.fullmatch(value.callee):
        return False
    inside = (*value.args, *((value.receiver,) if value.receiver is not None else ()))
    return any(_is_literal(one, depth - 1, told) for one in inside) and all(
        isinstance(one, Constant) or _is_literal(one, depth - 1, told) for one in inside
    )


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


def fix(app: App, hit: Hit) -> Edit | None:
    """The key out of the environment, where the literal stands in the setting itself; the environment must have one then, a new one."""
    for write in _literal_writes(app):
        span = write.value.span if isinstance(write.value, Constant) else None
        if write.span == hit.span and span is not None and write.span.holds(span) and span.path.endswith(".py"):
            return Edit(span, 'os.environ["SECRET_KEY"]', safe=False, imports=("os",))
    return None


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
    fix=fix,
    probe=probe,
)
