"""Tokens, keys and passwords of every caller lie in the log."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.shown_as_text import MASK
from stopper.core.app import App
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.call_edits import calls_at
from stopper.core.edits.leaving_out_edits import stars_in
from stopper.core.fact import Comparison, Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import class_of
from stopper.core.flow.left_out import left_out
from stopper.core.flow.passing import callers, passed
from stopper.core.flow.shown_fields import secret_fields
from stopper.core.flow.written_alike import written_alike
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    options,
    parts,
    text_of,
    walk,
)

WHOLE: Final[dict[str, str]] = {
    "flask.request.headers": "all headers",
    "flask.request.environ": "all headers",
    "flask.request.url": "the whole URL",
    "flask.request.full_path": "the whole URL",
    "flask.request.query_string": "the whole query",
    "flask.request.args": "the whole query",
    "flask.request.values": "the whole query and form",
    "flask.request.data": "the whole body",
    "flask.request.json": "the whole body",
    "flask.request.form": "the whole form",
    "flask.request.cookies": "all cookies",
    "flask.request.get_json": "the whole body",
    "flask.request.get_data": "the whole body",
    "flask.request.__dict__": "the whole request",
}
_VIEWS: Final = re.compile(r"\.(?:items|values|to_dict|to_wsgi_list|copy|lists|decode)$")
_MASKS: Final = re.compile(
    r"(?i)mask|redact|scrub|obfuscat|hash|digest|saniti[sz]e|censor|filter|safe|clean|strip_|allow"
)
_SHOWS: Final = frozenset(
    {
        "str",
        "repr",
        "dict",
        "list",
        "tuple",
        "sorted",
        "format",
        "json.dumps",
        "flask.json.dumps",
        "pprint.pformat",
        "vars",
    }
)
_TEXT: Final = frozenset({"format", "join", "decode", "copy", "items", "to_dict", "strip", "dumps"})
_CREDENTIAL_HEADERS: Final = frozenset({"authorization", "cookie"})
_MAY_HOLD_NONE: Final = frozenset(
    {"the whole URL", "the whole query", "the whole query and form", "the whole body", "the whole form"}
)
"""What holds credentials of some callers; headers and cookies hold those of all."""
_DOOR: Final = re.compile(
    r"(?i)log-?_?in|sign-?_?(?:in|up)|auth(?:enticate|orize)?(?:/|$)|token|password|passwd|regist|session|(?:^|/)keys?(?:/|$)|secret|2fa|mfa|otp|oauth|saml|sso"
)
_AUDIT: Final = re.compile(
    r"(?i)audit(?:_?(?:log|trail|entry|event|record)s?)?|(?:access|request|api|http|call|activity)_?(?:log|trail|journal)(?:_?(?:entry|line|record))?s?|log_?(?:entry|line|record)s?"
)
"""What a table of such lines is called."""
_FEW: Final = 3
_TELLS_NOTHING: Final = frozenset({"len", "bool", "type", "isinstance", "hash", "sorted_keys"})


def detect(app: App) -> Iterator[Hit]:
    """All headers, the URL with its query, or the body as a whole, in a logger or ``print``."""
    facts = source_of(app)
    places: dict[tuple[str, str, Span | None], list[tuple[str, Flow]]] = {}
    for flow in (*facts.flows("log", "print"), *_kept_in_audits(facts)):
        what = _whole(facts, flow.value)
        if what is not None and not _only_debugging(facts, flow.span):
            # One thing that a function logs wherever it ends is one finding, and so is all that it notes in a record.
            kept = "" if flow.detail == "record" else what
            places.setdefault((flow.function, kept, None if flow.function else flow.span), []).append((what, flow))
    for flows in places.values():
        kinds = list(dict.fromkeys(what for what, _ in flows))
        told = next((one for what, one in flows if what not in _MAY_HOLD_NONE), flows[0][1])
        several = len(kinds) > 1 or kinds[0].startswith("all")
        listed = f"{', '.join(kinds[:-1])} and {kinds[-1]}" if len(kinds) > 1 else kinds[0]
        said = f"{listed} of the request {'are' if several else 'is'} written to a log"
        if len(flows) > len(kinds):
            said = f"{said}, in {len(flows)} places of this function"
        if all(what in _MAY_HOLD_NONE and _is_of_a_look(facts, flow) for what, flow in flows):
            message = f"{said}: look whether a credential is ever in it"
            yield Hit(message, told.span, certainty="possible", severity="low")
        else:
            yield Hit(said, told.span)


def _kept_in_audits(facts: SourceFacts) -> Iterator[Flow]:
    """``AuditEntry(path=request.path, headers=str(dict(request.headers)))``: a log that is a table."""
    for model in facts.classes():
        if not _AUDIT.fullmatch(model.name.rpartition(".")[2]) or not model.bases:
            continue
        for call in facts.calls(model.name):
            for _, held in call.keywords if call.span is not None else ():
                if call.span is not None and _whole(facts, held) not in (None, *_MAY_HOLD_NONE):
                    yield Flow("log", held, frozenset(), call.span, call.function, "record")


def _is_of_a_look(facts: SourceFacts, flow: Flow) -> bool:
    """A line for whoever looks for an error, ``logger.debug(…)``, or that of one or a few views; where nobody logs in, and no function reads
    a credential out of what is sent, by the name of a field."""
    paths = {one.path for one in facts.routes_reaching(flow.function)} if flow.function else set[str]()
    if any(map(_DOOR.search, paths)) or any(
        one.function == flow.function and sensitive(one.key) for one in facts.readings()
    ):
        return False
    return flow.detail.endswith(".debug") or 0 < len(paths) <= _FEW


def _only_debugging(facts: SourceFacts, span: Span) -> bool:
    """``if current_app.debug:`` around it, or another flag that a look at the inside turns on."""
    return asked_for(facts, span) or any(
        not one.negated
        and isinstance(one.value, Name)
        and one.value.dotted in ("flask.current_app.debug", "flask.Flask.debug")
        for one in facts.conditions_around(span)
    )


def _whole(facts: SourceFacts, value: Value, depth: int = 10, met: dict[int, int] | None = None) -> str | None:
    """What of the request is seen as a whole in that value. *met* holds how deep it was looked into what a text says in several places."""
    met = {} if met is None else met
    if depth <= met.get(id(value), -1):
        return None
    met[id(value)] = depth
    match value:
        case Name(dotted=dotted):
            return WHOLE.get(_VIEWS.sub("", dotted)) if dotted.startswith("flask.request.") else None
        case Item(owner=Call() as owner, key=Unknown(parts=(_, _))):
            return _whole(facts, owner, depth - 1, met)  # its beginning: ``request.get_data()[:2000]``
        case Item(owner=owner, key=Unknown(parts=())) if _gives_names(owner):
            return None
        case Item(owner=owner, key=Unknown(parts=()) | Item(key=Unknown(parts=()))):
            return _whole(facts, owner, depth - 1, met)  # one after the other, in a loop
        case Member(owner=Parameter() as owner, attribute=name) | Call(receiver=Parameter() as owner, callee=name) if (
            _is_request(facts, owner)
        ):
            return WHOLE.get(f"flask.request.{name.rpartition('.')[2]}")
        case Item() | Truth() | Member():
            return None
        case Choice(options=several) if any(MASK.search(text_of(one) or "") for one in several):
            return None  # ``shown = "***" if "KEY" in name else value``
        case Call(callee=callee) if callee in _TELLS_NOTHING or _MASKS.search(callee.rpartition(".")[2]):
            return None
        case Call(callee="vars", args=(Name(dotted="flask.request"), *_)):
            return WHOLE["flask.request.__dict__"]
        case Call(callee="sorted" | "list" | "set" | "tuple" | "frozenset", args=(inner, *_)) if _gives_names(inner):
            return None
        case Call(callee=callee) if callee.startswith("flask.request."):
            return WHOLE.get(_VIEWS.sub("", callee))
        case Call(callee=callee) if facts.function(callee) is not None:
            made = facts.returns_of(callee)
            return next((found for one in made if (found := _whole(facts, one.value, depth - 3))), None)
        case Call(method="get" | "pop" | "keys" | "startswith" | "endswith"):
            return None
        case Call(args=args) if (filled := class_of(facts, value)) is not None:
            shows = any(True for _ in secret_fields(facts, filled))
            return next((found for one in args if (found := _whole(facts, one, depth - 1))), None) if shows else None
        case Call(callee=callee, method=method) if callee not in _SHOWS and method not in _TEXT:
            return None  # what another function makes of it is another thing
        case Mapping(open=True) if _is_sifted(facts, value):
            return None
        case Sequence(open=True) | Format(parts=(_,)) if _is_picked(facts, value.span):
            return None
        case Format() if _is_picked_by_name(facts, value):
            return None
        case Mapping(open=True) if gone := left_out(facts, value):
            found = next((one for part in parts(value) if (one := _whole(facts, part, depth - 1))), None)
            return found if found == "all headers" and "authorization-header" not in gone else None
        case Parameter():
            return _passed(facts, value, depth)
        case _:
            if _MASKS.search(value.name):
                return None
            return next((found for part in parts(value) if (found := _whole(facts, part, depth - 1, met))), None)


def _is_request(facts: SourceFacts, value: Parameter) -> bool:
    """That callers hand the request itself over."""
    return any(
        isinstance(one, Name) and one.dotted == "flask.request"
        for call in callers(facts, value.function)
        for one in passed(facts, value, call)
    )


def _is_sifted(facts: SourceFacts, value: Mapping) -> bool:
    """``{name: … for name, … in request.headers.items() if name.lower() not in HIDDEN}``, where HIDDEN knows of credentials."""
    span = value.span
    names = [part for key, _ in value.items for part in walk(key, 3) if isinstance(part, Item)]
    for one in facts.comparisons("in", "not in") if names else ():
        if span is None or not span.holds(one.span) or not _asks_for(one, names):
            continue
        hidden = [text.lower() for part in walk(one.right, 3) if (text := text_of(part)) is not None]
        masked = any(isinstance(part, Choice) for _, held in value.items for part in walk(held, 2))
        if one.operator == "in" and not masked and not _CREDENTIAL_HEADERS.isdisjoint(hidden):
            return False  # just those are shown
        if one.operator == "in" or not hidden or "authorization" in hidden:
            return True
    return False


def _is_picked(facts: SourceFacts, span: Span | None) -> bool:
    """``[f"{name}: {held}" for name, held in request.headers if "X-Forwarded" in name]``, ``… if name in ("city", "street")``: those
    of one name, or of a few, which are no credential's."""
    if span is None:
        return False
    inside = [one for one in facts.comparisons("in") if span.holds(one.span)]
    asked = [text_of(one.left) for one in inside]
    asked += [text_of(word) for one in inside if isinstance(one.right, Sequence) for word in one.right.items]
    asked += [text_of(call.argument(0)) for call in facts.calls("*.startswith") if call.span and span.holds(call.span)]
    said = [text.lower() for text in asked if text]
    return bool(said) and not any(
        sensitive(text) is not None or any(text in header for header in _CREDENTIAL_HEADERS) for text in said
    )


def _is_picked_by_name(facts: SourceFacts, value: Format) -> bool:
    """A line that was put together before of a few fields, which a list names: the name in it is what was asked for."""
    names = {id(part) for part in walk(value, 4) if isinstance(part, Item) and isinstance(part.key, Unknown)}
    for one in facts.comparisons("in") if names else ():
        left = one.left
        while isinstance(left, Call) and left.receiver is not None:
            left = left.receiver
        words = one.right.items if isinstance(one.right, Sequence) and not one.right.open else ()
        said = [text.lower() for word in words if (text := text_of(word)) is not None]
        if id(left) in names and said and _CREDENTIAL_HEADERS.isdisjoint(said) and not any(map(sensitive, said)):
            return True
    return False


def _asks_for(comparison: Comparison, names: list[Item]) -> bool:
    """That one of the names is held against something, and not the path or a setting."""
    sides = [part for side in (comparison.left, comparison.right) for part in walk(side, 3) if isinstance(part, Item)]
    return any(written_alike(side, name) for side in sides for name in names)


def _gives_names(value: Value) -> bool:
    """That going through it gives names alone: a body, a form or a query, not headers, which give pairs."""
    said = [one for one in options(value) if not (isinstance(one, Mapping) and not one.items)]  # ``or {}``
    return bool(said) and all(
        WHOLE.get(one.callee if isinstance(one, Call) else one.dotted if isinstance(one, Name) else "")
        in ("the whole body", "the whole form", "the whole query", "the whole query and form", "all cookies")
        for one in said
    )


def _passed(facts: SourceFacts, value: Parameter, depth: int) -> str | None:
    for call in callers(facts, value.function):
        for given in passed(facts, value, call):
            if given is not value and (found := _whole(facts, given, depth - 4)):
                return found
    return None


def fix(app: App, hit: Hit) -> Edit | None:
    """``"***"`` in place of what shows the whole request, or stars in the f-string that does."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        showing = [(place, value) for place, value in enumerate(call.args) if _whole(facts, value) is not None]
        if call.span is None or call.open or " places of this function" in hit.message or not showing:
            continue
        if len(showing) == 1 and isinstance(showing[0][1], Format):
            return stars_in(showing[0][1], lambda part: _whole(facts, part) is not None)
        if not any(isinstance(value, Format) for _, value in showing):
            return Edit(call.span, "", safe=False, arguments=tuple((str(place), '"***"') for place, _ in showing))
    return None


RULE = Rule(
    slug="whole-request-logged",
    family="api-key",
    title="Whole headers, URL or body of a request in a log",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="`Stopper(app)` masks credentials in what every logger writes.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
