"""A stranger reads every key and password that the application has."""

import html
import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.fact import Flow, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.followed_values import through
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_answers import honest_answers
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    parts,
    walk,
)

ENOUGH: Final = 4
"""So many of Flask's own settings, each with a value, are no coincidence."""
_SETTINGS: Final = (
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_SAMESITE", "SESSION_REFRESH_EACH_REQUEST",
    "PERMANENT_SESSION_LIFETIME", "PROPAGATE_EXCEPTIONS", "PREFERRED_URL_SCHEME", "TEMPLATES_AUTO_RELOAD", "EXPLAIN_TEMPLATE_LOADING",
    "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS", "MAX_CONTENT_LENGTH", "MAX_COOKIE_SIZE", "SEND_FILE_MAX_AGE_DEFAULT",
    "APPLICATION_ROOT", "SERVER_NAME", "USE_X_SENDFILE",
)  # fmt: skip
_VARIABLES: Final = (
    "HOME",
    "PWD",
    "OLDPWD",
    "SHELL",
    "USER",
    "LOGNAME",
    "HOSTNAME",
    "SHLVL",
    "LANG",
    "TERM",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
)
_CHOOSES: Final = re.compile(r"(?i)visible|public|front_?end|client_?side|safe|filter|redact|mask|scrub|saniti")
_WHOLE: Final = (".items", ".values", ".copy")
_LITERAL: Final = r"(?:[\"'/<\[{(\d]|b'|(?:None|True|False|null|true|false)\b|datetime\.)"
_SEARCH_PATH: Final = re.compile(r"[\"']?\bPATH[\"']?\s*[:=]\s*[\"']?/[^\s\"',]{0,2000}?/bin\b")


def detect(app: App) -> Iterator[Hit]:
    """All settings or all environment variables that reach a response with their values."""
    facts = source_of(app)
    for flow in facts.flows("response", label="whole-config"):
        if _shows_all(facts, flow.value) and not _picked(facts, flow) and not _for_the_browser(flow.value):
            yield Hit("every setting of the application is in this response, its keys included", flow.span)


def _for_the_browser(value: Value) -> bool:
    """That the settings went through a function which says that it keeps what may be seen."""
    given = [one for one in walk(value, 6) if isinstance(one, Call) and _CHOOSES.search(one.method)]
    return any(call.args for call in given)


def _shows_all(facts: SourceFacts, value: Value, depth: int = 12) -> bool:
    """That the settings are in the value as a whole: not one by its name, not the names alone."""
    if depth < 0:
        return False
    match value:
        case Item(owner=owner, key=key):
            return key == Unknown() and facts.derives(owner, "whole-config")
        case Call(callee="sorted" | "list" | "set" | "tuple" | "len" | "bool", args=(inner, *_)) if not _is_paired(
            inner
        ):
            return False
        case Truth() | Call(method="keys" | "get_namespace"):
            return False
        case Sequence(items=(Item(key=Unknown(parts=())),), open=True, span=span):
            return span is not None and any(
                call.span is not None and span.holds(call.span) for call in facts.calls("*.items", "*.values")
            )
        case Name() | Member() | Parameter():
            return facts.derives(value, "whole-config")
        case Call(receiver=None, callee=callee) if (made := facts.function(callee)) is not None and made.returns:
            return facts.derives(value, "whole-config") and not all(_is_one(one) for one in _ends(facts, made, 3))
        case Call(receiver=None, callee=callee) if facts.function(callee) is not None or callee.endswith(_WHOLE):
            return facts.derives(value, "whole-config")
        case _:
            return any(_shows_all(facts, part, depth - 1) for part in parts(value))


def _ends(facts: SourceFacts, made: Function, steps: int) -> Iterator[Value]:
    """What a function gives back, through those of the project that it hands on."""
    for one in made.returns:
        inner = facts.function(one.callee) if isinstance(one, Call) and one.receiver is None else None
        if inner is not None and inner.returns and steps:
            yield from _ends(facts, inner, steps - 1)
        elif isinstance(one, Sequence) and not one.open:
            yield from one.items
        else:
            yield one


def _is_one(value: Value) -> bool:
    """A literal, or one setting by a name, which a parameter may give."""
    if isinstance(value, Item):
        return isinstance(value.key, (Constant, Parameter))
    return isinstance(value, (Constant, ConfigValue))


def _is_paired(value: Value) -> bool:
    return isinstance(value, Call) and value.method in ("items", "values")


def _picked(facts: SourceFacts, flow: Flow) -> bool:
    """That settings are chosen by name on the way."""
    made_at = [value.span for value in walk(flow.value) if value.span is not None]
    for value in through(facts, flow.value, 2):
        made = facts.function(value.callee) if isinstance(value, Call) else None
        if made is not None:
            made_at.append(made.span)
    tests = [found.span for found in facts.comparisons("in", "not in")]
    tests += [call.span for call in facts.calls("*.startswith") if call.span is not None]
    return any(span.holds(test) for span in made_at for test in tests)


def probe(target: Target) -> Steps[Verdict]:
    """Read every route that may be read and look for the names of Flask's settings with their values."""
    asked = 0
    control: Exchange | None = None
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for ref, exchange in (yield from honest_answers(target)):
        asked += 1
        if not dumps(exchange.response):
            continue
        if control is None:
            control = yield from send(Request("GET", f"/stopper-{target.canary}"))
            evidence.append(Evidence("exchange", "control: an address that does not exist", control))
        places.append(ref)
        evidence.append(Evidence("exchange", f"{ref.path} shows the settings of the process", exchange))
    if places:
        return failed(f"{places[0]} shows the whole configuration", places, evidence)
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"none of {asked} answers shows the configuration")


def dumps(response: Response) -> bool:
    """That the answer holds several of Flask's settings, or the search path with other variables of the environment, with values."""
    text = html.unescape(response.text)
    if sum(_has(text, name) for name in _SETTINGS) >= ENOUGH:
        return True
    return bool(_SEARCH_PATH.search(text)) and sum(_has(text, name) for name in _VARIABLES) >= 2


def _has(text: str, name: str) -> bool:
    """That the name stands with a value: a literal of Python or JSON, not a sentence about it."""
    return re.search(rf"\b{name}\b[\"']?\s*(?:[:=]\s*{_LITERAL}|</t[dh]>\s*<td)", text) is not None


RULE = Rule(
    slug="config-dump-in-response",
    family="api-key",
    title="Whole configuration in a response",
    harm="A stranger reads every key and password that the application has.",
    severity="critical",
    check="data-exposure",
    cwe=(200,),
    owasp="API8:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `Secret` prints as `***`, also in a dump of `app.config`.",
    detect=detect,
    probe=probe,
)
