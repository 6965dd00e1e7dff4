"""Who reads a log or a page's source reads what people told the model, or asks it on the owner's account."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import callers
from stopper.core.flow.passing import passed as passed_for
from stopper.core.flow.read_parts import origins
from stopper.core.outgoing.llm_names import KEY_NAME, PROVIDER_KEY, model_calls, prompts, talks_to_models
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import answered, attempt
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    parts,
    text_of,
    walk,
)

_PASSING: Final = frozenset(
    {
        "str",
        "repr",
        "format",
        "join",
        "jsonify",
        "make_response",
        "Response",
        "dumps",
        "dict",
        "list",
        "get",
        "strip",
        "encode",
    }
)
_METADATA: Final = frozenset({
    "usage", "id", "model", "total_tokens", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "finish_reason",
    "stop_reason", "status", "created", "created_at", "object", "system_fingerprint", "service_tier", "incomplete_details",
    "status_code", "reason", "reason_phrase", "ok", "is_error", "is_success", "elapsed",
})  # fmt: skip
_LOGGED: Final = "what was said to the model, or what it answered, is logged: look whether people's words are in it"
_TRACKERS: Final = tuple(
    f"sentry_sdk.{name}" for name in ("set_context", "set_extra", "set_tag", "add_breadcrumb", "capture_message")
)
"""What is sent to whoever collects errors, with the next one."""
_IN_A_BROWSER: Final = re.compile(r"\bdangerouslyAllowBrowser\s*:\s*true\b")
_CHAINS: Final = ("langchain", "langchain.globals", "langchain_core.globals", "langchain_core")
_PAGES: Final = {"quick": 4, "standard": 8, "deep": 20}


_OF_A_PAGE: Final = re.compile(
    r"(?i)map|places|firebase|youtube|analytics|fonts|\bcalendar|customsearch|sheets|apiKey[\"']?\s*:\s*[\"']$"
)
"""What stands before a key of Google's that pages carry openly; Google gives the keys of its model the same look."""


def _of_a_provider(line: str) -> bool:
    return any(
        not (one.group().startswith("AIza") and _OF_A_PAGE.search(line[max(0, one.start() - 40) : one.start()]))
        for one in PROVIDER_KEY.finditer(line)
    )


def detect(app: App) -> Iterator[Hit]:
    """Prompts and answers in a log, the provider's key in a log, an answer or a template, and keys in scripts of the browser."""
    facts = source_of(app)
    for file in facts.files_of("script", "template"):
        for number, line in file.lines_with("sk-", "gsk_", "aiza", "hf_", "r8_"):
            if _of_a_provider(line):
                yield Hit(
                    "the key of a model's provider is in code that the browser gets",
                    Span(file.path, number, number, 1, len(line) + 1),
                    certainty="certain",
                )
        for number, line in file.lines_with("dangerouslyallowbrowser"):
            if _IN_A_BROWSER.search(line):
                said = "the browser asks the model's provider itself, so it has the provider's key"
                yield Hit(said, Span(file.path, number, number, 1, len(line) + 1), certainty="likely")
    for flow in facts.flows("response", "template", "log", "print"):
        if _carries_key(flow.value):
            yield Hit("the key of a model's provider leaves the application", flow.span, certainty="certain")
    if talks_to_models(facts):
        yield from _logged(facts)
        yield from _told_by_library(facts)


def _told_by_library(facts: SourceFacts) -> Iterator[Hit]:
    """``langchain.debug = True``, ``set_debug(True)``: LangChain writes every prompt and answer."""
    places = [
        one.span
        for one in facts.assignments()
        if one.attribute in ("debug", "verbose")
        and isinstance(one.into, Name)
        and one.into.dotted in _CHAINS
        and is_on(facts, one.value)
    ]
    places += [
        call.span
        for call in facts.calls("*.set_debug", "*.set_verbose")
        if call.callee.startswith(_CHAINS) and call.span is not None and is_on(facts, call.argument(0, "value"))
    ]
    for span in places:
        if not asked_for(facts, span):
            yield Hit(f"LangChain writes all of it: {_LOGGED}", span, certainty="possible", severity="low")


def _carries_key(value: Value, depth: int = 8, met: dict[int, int] | None = None) -> bool:
    """That a key goes along with a value: neither with what a call was told nor with what a question was about. What is in ``met`` was
    looked through as deep in vain: many values share their parts."""
    if isinstance(value, Constant):
        return isinstance(value.value, str) and PROVIDER_KEY.fullmatch(value.value) is not None
    if isinstance(value, (EnvironmentValue, ConfigValue)):
        name = value.variable if isinstance(value, EnvironmentValue) else value.key
        if KEY_NAME.search(name):
            return True
    if isinstance(value, Item) and isinstance(value.key, Unknown):
        return False  # ``key[-4:]``, a part by which people know it again
    if depth == 0 or isinstance(value, (Name, Truth)) or (isinstance(value, Call) and value.method not in _PASSING):
        return False
    met = {} if met is None else met
    if met.get(id(value), 0) >= depth:
        return False
    met[id(value)] = depth
    return any(_carries_key(part, depth - 1, met) for part in parts(value))


def _logged(facts: SourceFacts) -> Iterator[Hit]:
    """What was said to a model, or what it answered, in a log line."""
    calls = list(model_calls(facts))
    if not calls:
        return
    asked = {id(call) for call in calls}
    told: dict[str, set[object]] = {}
    for call in calls:
        told.setdefault(call.function, set()).update(origin for prompt in prompts(call) for origin in _sources(prompt))
    fields = {field for call in calls for prompt in prompts(call) for field in _fields(facts, prompt)}
    lines = [(flow.function, flow.value, flow.span) for flow in facts.flows("log", "print")]
    lines += [
        (call.function, given, call.span)
        for call in facts.calls(*_TRACKERS)
        if call.span is not None
        for given in (*call.args, *(held for _, held in call.keywords))
    ]
    for function, value, place in lines:
        mine = told.get(function, set()) | _told_through(facts, function, told)
        said = [one for one in _told(value) if not (_is_measure(one) or _is_metadata(one) or _is_number(one))]
        answer = any(isinstance(part, Call) and id(part) in asked for one in said for part in walk(one))
        answer = answer or any(_is_answer(facts, one) for one in said)
        answer = answer or (bool(fields) and any(not fields.isdisjoint(_fields(facts, one)) for one in said))
        if answer or any(_sources(one) & mine for one in said):
            yield Hit(_LOGGED, place, certainty="possible", severity="low")
            continue
        for span in dict.fromkeys(place for one in said for place in _handed_over(facts, one, told)):
            yield Hit(_LOGGED, span, certainty="possible", severity="low")


def _sources(value: Value | None) -> frozenset[object]:
    """What of the request, or of a function's parameters, a value is made of; also by the field of what was just made of the body:
    ``Question.model_validate(request.get_json()).text``."""
    fields = {
        ("field", part.owner.span, part.attribute)
        for part in walk(value)
        if isinstance(part, Member) and isinstance(part.owner, Call) and part.owner.span is not None
    }
    return frozenset({*origins(value), *fields})


def _fields(facts: SourceFacts, value: Value) -> Iterator[tuple[str, str]]:
    """The fields of objects of the project that are in a value, where a function is handed such an object: ``question.messages``."""
    for part in walk(value, 4):
        if (
            isinstance(part, Member)
            and isinstance(part.owner, Parameter)
            and part.owner.typed in classes_by_name(facts)
        ):
            yield part.owner.typed, part.attribute


def _told_through(facts: SourceFacts, function: str, told: dict[str, set[object]]) -> set[object]:
    """What a function hands to another one that tells it to a model: ``ask(question)``."""
    return {
        origin
        for call in facts.calls_in(function)
        if (asking := told.get(call.callee)) and (called := facts.function(call.callee)) is not None
        for place, name in enumerate(called.parameters)
        if ("parameter", (called.name, name)) in asking
        for origin in _sources(call.argument(place, name))
    }


def _handed_over(facts: SourceFacts, value: Value, told: dict[str, set[object]]) -> Iterator[Span]:
    """``self.note("asked", messages=messages)``: where a function that only writes it down is handed what was said."""
    for call in callers(facts, value.function) if isinstance(value, Parameter) else ():
        if call.function in told and call.span is not None and isinstance(value, Parameter):
            given = [inner for one in passed_for(facts, value, call) for inner in _told(one)]
            if any(
                _sources(one) & told[call.function]
                for one in given
                if not (_is_metadata(one) or _is_measure(one) or _is_number(one))
            ):
                yield call.span


def _is_answer(facts: SourceFacts, value: Value) -> bool:
    """What a function of the project gives back that asks a model."""
    return isinstance(value, Call) and facts.function(value.callee) is not None and facts.derives(value, "model-output")


def _told(value: Value, depth: int = 3) -> tuple[Value, ...]:
    """The parts of a log line, each for itself."""
    inside: tuple[Value, ...] = ()
    if isinstance(value, Call) and value.method == "dumps":
        inside = value.args[:1]
    elif isinstance(value, Mapping):
        inside = tuple([one for _, one in value.items])
    elif isinstance(value, (Unknown, Format)):
        inside = value.parts
    return tuple([part for one in inside for part in _told(one, depth - 1)]) if inside and depth else (value,)


def _is_number(value: Value) -> bool:
    """``cell["engine_id"]``: by its name the number of a record, whatever else stands in the record."""
    last = (
        text_of(value.key) if isinstance(value, Item) else value.attribute if isinstance(value, Member) else value.name
    )
    return re.search(r"(?i)(?:^|_)(?:id|uuid|pk)$", last or "") is not None


def _is_measure(value: Value) -> bool:
    """How much it was, and not what."""
    return isinstance(value, Call) and value.callee in ("len", "hash", "type", "bool")


def _is_metadata(value: Value) -> bool:
    """Counts of tokens, ids and how it ended, not words: by the way from the completion to what is read."""
    if isinstance(value, Choice):  # ``answer.usage.total_tokens if answer.usage else 0``
        return all(isinstance(one, Constant) or _is_metadata(one) for one in value.options)
    while isinstance(value, Call) and value.callee in ("str", "int", "round", "repr") and value.args:
        value = value.args[0]
    while isinstance(value, (Member, Item)):
        if (value.attribute if isinstance(value, Member) else text_of(value.key)) in _METADATA:
            return True
        value = value.owner
    return False


def probe(target: Target) -> Steps[Verdict]:
    """Pages and scripts that everybody gets must not hold a provider's key."""
    routes = [route for route in target.app.routes if "GET" in route.methods and not route.parameters][
        : _PAGES[target.depth] * 2
    ]
    asked = 0
    for route in routes:
        answer = yield from attempt(answered(target, target.request_for(route, "GET")))
        if answer is None or not answer.response.succeeded:
            continue
        asked += 1
        if PROVIDER_KEY.search(answer.response.text):
            ref = RouteRef("GET", route.path)
            return failed(
                f"{ref} holds the key of a model's provider",
                [ref],
                [Evidence("exchange", "the answer holds a provider's key", answer)],
            )
    return passed(f"{asked} answers hold no provider's key") if asked else not_applicable("no page is in reach")


RULE = Rule(
    slug="llm-prompt-or-key-exposed",
    family="llm",
    title="Prompts or the provider's key leave the application",
    harm=__doc__ or "",
    severity="medium",
    check="llm",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source", "wsgi"),
    ends="The redactor of `Stopper(app)` masks keys of model providers in every log line.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
