"""When the other side is taken over, or only broken, it decides what this application does."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.desk_files import is_of_a_script
from stopper.core.fact import SinkKind
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.outgoing.outbound_names import asks_this_machine
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, listen, not_applicable, passed, unsure
from stopper.core.probing.address_fields import MOST, address_fields, aimed
from stopper.core.probing.baseline import answered, attempt
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Item, Member, Parameter, Value, options, text_of, walk

SINKS: Final[tuple[SinkKind, ...]] = (
    "sql",
    "file-path",
    "subprocess",
    "code",
    "html",
    "redirect",
    "deserialisation",
    "session",
)
_CALL: Final = re.compile(
    r"(?:requests|httpx)(?:\.(?:Session|Client|AsyncClient))?\.(?:get|post|put|patch|delete|request)|urllib\.request\.urlopen"
)
_CHECKS: Final = re.compile(
    r"(?i)_{0,2}(?:raise_for_status|validate\w*|model_validate\w*|parse_obj\w*|load|loads_checked|check_\w+|verify\w*|ensure\w*|is_valid\w*|isinstance|iter_content|iter_bytes|from_dict|\w*schema\w*|TypeAdapter\w*|conlist|cast_to)"
)
_NO_JSON: Final = frozenset({"ValueError", "JSONDecodeError"})
_OTHER_FORM: Final = frozenset({"KeyError", "TypeError", "LookupError", "IndexError", "AttributeError"})
"""Who catches one of each by name has thought of an answer that is no JSON, and of one that has another form."""
_ANYTHING: Final = frozenset({"*", "Exception", "BaseException"})
_READING: Final = frozenset({"json", "loads", "load"})
_FAILED: Final = 500
"""What nobody answers who has thought of the case: 502 and 504 are for answers of others that are no good (RFC 9110 §15.6)."""
_LOOKED_AT: Final = frozenset({"status_code", "ok", "is_success", "headers", "is_error", "status"})


def detect(app: App) -> Iterator[Hit]:
    """An answer that reaches a dangerous place, and one that is read as JSON with nothing that looks at it before."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows(*SINKS, label="upstream", by_name=False):
        if flow.sink == "redirect" and _is_of_discovery(flow.value):
            continue
        if not any(label.kind == "request-data" for label in flow.labels) and not _is_checked(facts, flow.function):
            seen.add((flow.span.path, flow.span.line))
            # A service of one's own, and a provider of log-ins, are asked for just that.
            message = (
                f"what another service answered reaches {_PLACES[flow.sink]}: look who answers, and what is kept of it"
            )
            yield Hit(message, flow.span, certainty="possible", severity="low")
    for flow in facts.flows("response", label="upstream", by_name=False):
        handed = not facts.is_view(flow.function)
        if _is_whole(flow.value) and not _is_checked(facts, flow.function, handed=handed):
            seen.add((flow.span.path, flow.span.line))
            yield Hit("what another service answered is sent on as it is, whatever its size and type", flow.span)
    for call in facts.calls("*.model_construct", "*.construct"):
        if call.span is not None and any(_is_read_answer(given) for _, given in call.keywords):
            seen.add((call.span.path, call.span.line))
            yield Hit("the answer of another service becomes an object of a model that checks nothing of it", call.span)
    told: set[str] = set()
    for call in facts.calls("*.json", "json.load", "json.loads", *_XML):
        if call.span is None or (call.span.path, call.span.line) in seen or not call.function or call.function in told:
            continue
        if not _is_answer(call) or is_of_a_script(facts, call) or _is_of_this_machine(call):
            continue
        if not _is_checked(facts, call.function, call) and not _is_checked_by_callers(facts, call.function):
            seen.add((call.span.path, call.span.line))
            told.add(call.function)
            yield Hit("the answer of another service is used without a look at its status, size or form", call.span)


_XML: Final = (
    "xml.etree.ElementTree.fromstring",
    "xml.etree.ElementTree.parse",
    "lxml.etree.fromstring",
    "xmltodict.parse",
    "xml.dom.minidom.parseString",
)
_HOST_SAID: Final = re.compile(r"https?://[^/{]+/")
_ENDPOINT: Final = re.compile(r"(?:authorization|end_session|logout|device_authorization)_endpoint")


def _is_of_discovery(value: Value) -> bool:
    """Where the provider's own document says that people log in and out (OpenID Connect Discovery 1.0 §3): to be sent there is what it is for."""
    if isinstance(value, Call) and value.method == "format" and _HOST_SAID.match(text_of(value.receiver) or ""):
        return True  # what was answered fills in the path
    return any(isinstance(part, Item) and _ENDPOINT.fullmatch(text_of(part.key) or "") for part in walk(value, 6))


_PLACES: Final[dict[str, str]] = {
    "sql": "a query",
    "file-path": "a path",
    "subprocess": "a command",
    "code": "a place where it runs as code",
    "html": "a page as HTML",
    "redirect": "a redirect",
    "deserialisation": "a reader that can run code",
    "session": "the session",
}


def _is_answer(call: Call) -> bool:
    """``requests.get(…).json()``, also through a name."""
    for value in (call.receiver, *call.args[:1]):
        if value is not None and any(isinstance(one, Call) and _CALL.fullmatch(one.callee) for one in _chain(value)):
            return True
    return False


def _is_read_answer(value: Value) -> bool:
    """``requests.get(…).json()``"""
    return any(isinstance(part, Call) and part.method in _READING and _is_answer(part) for part in walk(value, 4))


def _is_of_this_machine(call: Call) -> bool:
    """``requests.get("http://localhost:4080/fees").json()``: who answers there runs beside the application."""
    return any(
        isinstance(one, Call) and _CALL.fullmatch(one.callee) is not None and asks_this_machine(one)
        for value in (call.receiver, *call.args[:1])
        if value is not None
        for one in _chain(value)
    )


def _is_whole(value: Value) -> bool:
    """The bytes of an answer as they came: ``answer.content``, ``urlopen(…).read()``."""
    return any(
        (isinstance(one, Member) and one.attribute in ("content", "text", "raw"))
        or (isinstance(one, Call) and one.method == "read" and not one.args)
        for option in options(value)
        for one in (option,)
        if any(isinstance(part, Call) and _CALL.fullmatch(part.callee) for part in _chain(one))
    )


def _chain(value: Value) -> Iterator[Value]:
    """The value and what it was read from: ``urlopen(…).read()`` leads to ``urlopen(…)``."""
    for _ in range(4):
        yield value
        if isinstance(value, Call) and value.receiver is not None and not _CALL.fullmatch(value.callee):
            value = value.receiver
        elif isinstance(value, (Member, Item)):
            value = value.owner
        else:
            return


def _is_checked(facts: SourceFacts, function: str, read: Call | None = None, *, handed: bool = True) -> bool:
    """That the function, or one inside, looks at the status, the size or the form of an answer. Where the answer is *read* in a function that
    is read as a part of its one caller, what the caller holds against schemas is something else, unless it is the answer. *handed* says that
    who gets the status beside the body may look at it, which the visitors of a view do not."""
    apart = read is not None and read.span is not None and facts.function_around(read.span) != function

    def of_answer(span: Span | None, *given: Value) -> bool:
        if not apart or span is None or facts.function_around(span) != function:
            return True
        return read is not None and any(
            isinstance(part, Call) and part.span == read.span for value in given for part in walk(value, 5)
        )

    if any(
        _CHECKS.fullmatch(call.method) and not _only_loads(facts, call) and of_answer(call.span, *call.args)
        for call in facts.calls_in(function)
    ):
        return True
    if any(_raises_of_answer(facts, call) for call in facts.calls_in(function)):
        return True
    if any(
        _is_given_answer(call) and _is_checked(facts, call.callee)
        for call in facts.calls_in(function)
        if call.callee != function and facts.function(call.callee) is not None
    ):
        return True
    if any(
        _looks(one)
        for comparison in facts.comparisons_in(function)
        for side in (comparison.left, comparison.right)
        for one in walk(side, 5)
    ):
        return True
    if any(
        one.operator in ("in", "not in") and text_of(one.left) is not None and _is_read_answer(one.right)
        for one in facts.comparisons_in(function)
    ):
        return True  # ``if "state" not in answer:``
    conditions = facts.conditions_in(function)
    if any(_looks(one) for condition in conditions for one in walk(condition.value, 5)):
        return True
    if any(isinstance(one.value, Call) and _CALL.fullmatch(one.value.callee) for one in conditions):
        return True  # ``if answer:`` of requests asks for the status
    if handed and any(_hands_status_on(one.value) for one in facts.returns_of(function)):
        return True
    handlers = [one for one in facts.handlers_in(function) if one.function == function]
    if any(
        _ANYTHING & set(one.catches)
        and one.action != "raise"
        and _READING & {tried.rpartition(".")[2] for tried in one.tried}
        for one in handlers
    ) and _picks_one(facts, function):
        return True  # whatever was wrong with it, the answer is none
    caught = {name.rpartition(".")[2] for one in handlers for name in one.catches}
    return bool(caught & _NO_JSON) and bool(caught & _OTHER_FORM)


def _is_given_answer(call: Call) -> bool:
    """``refuse_failures(answer)``"""
    return any(isinstance(value, Call) and _CALL.fullmatch(value.callee) for value in call.args)


def _raises_of_answer(facts: SourceFacts, call: Call) -> bool:
    """``ServiceError.raise_if_error(answer.json())``, a function of the project that raises where a test of what it is given holds."""
    if facts.function(call.callee) is None or not any(map(_is_read_answer, call.args)):
        return False
    return any(
        one.body is not None
        and any(isinstance(part, Parameter) for part in walk(one.value, 5))
        and any(one.body.holds(raised.span) for raised in facts.raises() if raised.function == call.callee)
        for one in facts.conditions_in(call.callee)
    )


def _only_loads(facts: SourceFacts, call: Call) -> bool:
    """``json.load(answer)``, or a function of the project that is called so: no schema is held against it."""
    return call.method == "load" and (
        call.callee in ("json.load", "pickle.load", "marshal.load") or facts.function(call.callee) is not None
    )


def _picks_one(facts: SourceFacts, function: str) -> bool:
    """``return answer.json().get("access_token")``: one member, or none, is all that comes of it."""
    back = [one.value for one in facts.returns_of(function)]
    read = [
        value for value in back if any(isinstance(part, Call) and part.method in _READING for part in walk(value, 5))
    ]
    return bool(read) and all(
        (isinstance(one, Item) and one.default is not None) or (isinstance(one, Call) and one.method == "get")
        for one in read
    )


def _is_checked_by_callers(facts: SourceFacts, function: str) -> bool:
    """That whoever calls the function holds what it gives back against a form: ``Answer.model_validate(look_up(number))``."""
    asking = list(facts.calls(function)) if function else []
    return bool(asking) and all(
        any(
            _CHECKS.fullmatch(one.method)
            and any(isinstance(part, Call) and part.callee == function for given in one.args for part in walk(given, 3))
            for one in facts.calls_in(call.function)
        )
        for call in asking
    )


def _looks(value: Value) -> bool:
    return isinstance(value, Member) and value.attribute in _LOOKED_AT


def _hands_status_on(value: Value) -> bool:
    """Who gets the status beside the body is who looks at it: ``return answer.status_code, answer.json()``."""
    return any(isinstance(one, Member) and one.attribute in ("status_code", "ok") for one in walk(value, 5))


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Where the server asks an address that it is given, an answer of ours that is no JSON must not make it fail; one that is, does not."""
    wanted = list(address_fields(target))[:MOST]
    if not wanted:
        return not_applicable("no route reads a field that is called like an address")
    listener = yield from listen()
    came, taken = 0, 0
    for number, (route, method, name, where) in enumerate(wanted):
        stem = f"{listener.url}/{target.canary or 'stopper'}-{number}"
        request = target.request_for(route, method)
        good = yield from attempt(answered(target, aimed(request, name, where, f"{stem}.json")))
        if good is None or not any(f"-{number}.json" in one.target for one in listener.hits()):
            continue
        came += 1
        if not good.response.succeeded:
            continue
        taken += 1
        empty = yield from attempt(answered(target, aimed(request, name, where, f"{stem}-empty")))
        asked = any(f"-{number}-empty" in one.target for one in listener.hits())
        if empty is not None and asked and empty.response.status == _FAILED:
            ref = RouteRef(method, route.path)
            text = f"{ref} fails when the address in {name} answers with something else than JSON"
            control = Evidence("exchange", f"control: a listener of ours, named in {name}, answers with JSON", good)
            return failed(text, [ref], [control, Evidence("exchange", "the same listener answers with nothing", empty)])
    if not came:
        return not_applicable("no route asks an address that it is given")
    if not taken:
        return unsure("a route asks the address that it is given, and takes no answer of ours for a good one")
    return passed("what another service answers is looked at before it is used")


RULE = Rule(
    slug="upstream-response-trusted",
    family="ssrf",
    title="Another service's answer used without a check",
    harm=__doc__ or "",
    severity="medium",
    check="unsafe-consumption",
    cwe=(20,),
    owasp="API10:2023",
    asvs=("V13.2.4",),
    surfaces=("source", "wsgi", "http"),
    ends="`stopper.outbound.Client` bounds an answer's size and time and judges its type before it is read.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
