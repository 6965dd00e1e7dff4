"""One caller with a loop runs up a bill that nobody planned."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.flow.bounded_fields import is_bounded
from stopper.core.flow.passing import handed
from stopper.core.flow.read_parts import origins
from stopper.core.flow.view_functions import index_of
from stopper.core.labels import UNTRUSTED
from stopper.core.outgoing.llm_names import LENGTHS, model_calls, payload, said
from stopper.core.people.limiter_facts import LIMITERS, default_a_day, has_default, is_limited
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.llm import broken, models
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_LIMITERS: Final = ("flask_limiter", "limits", "slowapi", "ratelimit", "pyrate_limiter", "tiktoken")
_CHAT_MODELS: Final = r"langchain\w*(?:\.\w+)*\.(?:\w*Chat\w+|init_chat_model|OpenAI|Ollama)"
_HOLDS: Final = frozenset({"<", "<=", ">", ">=", "in", "not in"})
"""How a number is held against a most; ``type(wanted) is not int`` asks only what it is."""
_LARGE: Final = 32_000
"""Tokens of one answer above which a bound is none."""
_HOW_MANY: Final = "the caller says how many answers are made"
_MANY: Final = 10_000
"""Requests a day above which a limit is none for what each costs."""


def detect(app: App) -> Iterator[Hit]:
    """Calls of a model that a route reaches and that bound neither the answer nor the caller."""
    facts = source_of(app)
    for call in model_calls(facts):
        if not call.function or not facts.routes_reaching(call.function):
            continue
        many = said(call, "n", "best_of", "candidate_count")
        if many is not None and _is_callers_choice(facts, many, call.function):
            yield Hit(_HOW_MANY, call.span, certainty="likely")
            continue
        if _is_bounded(facts, call):
            continue
        if not _limits_callers(facts, call.function) and not _asks_for_length(facts, call.function):
            yield Hit("neither the length of the answer nor what a caller may spend is bounded", call.span)
        elif _only_slows(facts, call.function):
            told = f"the answer has no most, and the limit for every route lets a caller ask {default_a_day(facts):,} times a day"
            yield Hit(told, call.span, certainty="possible", severity="low")
        elif said(call, *LENGTHS) is not None:
            yield Hit("the caller says how long each answer is", call.span, certainty="possible", severity="low")


def _is_bounded(facts: SourceFacts, call: Call) -> bool:
    length = said(call, *LENGTHS)
    if isinstance(length, Constant) and isinstance(length.value, int):
        return length.value <= _LARGE
    if length is not None:
        return not _is_callers_choice(facts, length, call.function)
    if call.method in ("invoke", "ainvoke") and _made_without_length(facts):
        return False
    body = payload(call)
    return (
        call.open
        or (body is not None and not isinstance(body, Mapping))
        or call.method in ("embed", "invoke", "predict", "run")
    )


def _is_callers_choice(facts: SourceFacts, length: Value, function: str) -> bool:
    """A length that the request says, and that nothing holds against a most of our own."""
    if any(isinstance(one, Call) and one.method in ("min", "clamp", "clip") for one in walk(length, 6)):
        return False
    if _is_field_with_a_most(facts, length):
        return False
    return facts.derives(length, *UNTRUSTED) and not any(
        origins(length) & origins(side)
        for one in facts.comparisons_in(function)
        for side in (one.left, one.right)
        if one.operator in _HOLDS and not any(is_constant(end, 0, 1) for end in (one.left, one.right))
    )


def _is_field_with_a_most(facts: SourceFacts, length: Value, steps: int = 2) -> bool:
    """``question.length`` of a class that declares ``length: int = Field(ge=50, le=800)``, also handed on by a function's callers."""
    match length:
        case Member(owner=owner, attribute=word):
            return is_bounded(facts, owner, word, _LARGE)
        case Item(owner=owner, key=key):
            return is_bounded(facts, owner, text_of(key) or "", _LARGE)
        case Choice(options=several):
            return all(isinstance(one, Constant) or _is_field_with_a_most(facts, one, steps) for one in several)
        case Parameter() if steps:
            given = list(handed(facts, length))
            return bool(given) and all(
                isinstance(one, Constant) or _is_field_with_a_most(facts, one, steps - 1) for one in given
            )
        case _:
            return False


def _limits_callers(facts: SourceFacts, function: str) -> bool:
    """A limiter for every route, or on a way that leads to the call; a limiter that stands on other routes bounds nothing here."""
    if not facts.imports(*_LIMITERS):
        return False
    if not facts.imports("flask_limiter") or not any(True for _ in facts.calls(*LIMITERS)):
        return True
    if has_default(facts) and not _is_exempt(facts, function):
        return True
    guards = [one for one in facts.functions() if is_limited(one)]
    placed = {id(decorator.call) for one in guards for decorator in one.decorators}
    if any(id(call) not in placed for call in facts.calls("*.limit", "*.shared_limit", "*.check", "*.hit", "*.test")):
        return True
    index = index_of(facts)
    return any(function in index.calling([one.name], 4) for one in guards)


def _is_exempt(facts: SourceFacts, function: str) -> bool:
    """That a view on the way is taken out of the limit for every route: ``@limiter.exempt``."""
    index = index_of(facts)
    views = [one for one in facts.functions() if any(mark.name.endswith(".exempt") for mark in one.decorators)]
    return any(function in index.calling([one.name], 4) for one in views)


def _only_slows(facts: SourceFacts, function: str) -> bool:
    """That all that holds callers is a limit for every route which keeps a server alive, and nothing on the way measures a text."""
    a_day = default_a_day(facts)
    if a_day is None or a_day < _MANY or facts.says("quota", "budget"):
        return False
    index = index_of(facts)
    ways = [one for one in index.by_name.values() if function in index.calling([one.name], 4)]
    if any(is_limited(one) or _asks_for_length(facts, one.name) for one in ways):
        return False
    return not facts.says("max_length", "Length") or _takes_any_length(facts, {one.name for one in ways})


def _takes_any_length(facts: SourceFacts, ways: set[str]) -> bool:
    """That every field which is handed on towards the model has no most, in the classes and models that the way reads the request by."""
    calls = [call for name in ways for call in facts.calls_in(name)]
    handed = {
        name
        for call in calls
        if call.callee in ways or call.method in ("create", "invoke", "ainvoke")
        for passed_on in (*call.args, *(value for _, value in call.keywords))
        for part in _parts(passed_on)
        if (
            name := part.attribute
            if isinstance(part, Member)
            else text_of(part.key)
            if isinstance(part, Item)
            else None
        )
    }
    tables = list(_fields(facts))
    read_by = [fields for name, fields in tables if any(call.callee.startswith(f"{name}.") for call in calls if name)]
    known = [
        fields[name] for fields in read_by or [fields for _, fields in tables] for name in handed if name in fields
    ]
    return bool(known) and not any(_has_a_most(one) for one in known)


def _parts(value: Value) -> Iterator[Value]:
    """What a text or a list of messages is put together of, and not what its parts were looked up by."""
    for option in options(value):
        match option:
            case Mapping(items=pairs):
                yield from (part for _, one in pairs for part in _parts(one))
            case Sequence(items=parts) | Format(parts=parts):
                yield from (part for one in parts for part in _parts(one))
            case _:
                yield option


def _fields(facts: SourceFacts) -> Iterator[tuple[str, MappingType[str, Value]]]:
    """What classes and models say of the fields of a request, with the name of the class."""
    for one in facts.classes():
        yield one.name, {**one.fields, **one.attributes}
    for call in facts.calls("*.model"):
        if len(call.args) > 1 and isinstance(call.args[1], Mapping):
            yield "", {name: value for key, value in call.args[1].items if (name := text_of(key)) is not None}


def _has_a_most(field: Value) -> bool:
    return any(
        isinstance(one, Call) and (one.keyword("max_length", "max") is not None or one.method == "Length")
        for one in (field, *walk(field, 6))
    )


def _made_without_length(facts: SourceFacts) -> bool:
    """That the models of LangChain are made here, in so many words, and none of them with a bound."""
    made = list(facts.calls_matching(_CHAT_MODELS))
    return bool(made) and not any(one.open or one.keyword(*LENGTHS) is not None for one in made)


def _asks_for_length(facts: SourceFacts, function: str) -> bool:
    """That the function holds the measure of something against a bound: of the question, or of what the caller has used. A length in a
    line of the log holds nobody."""
    asked = [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    asked += [one.value for one in facts.conditions_in(function)]
    measured = any(isinstance(part, Call) and part.callee == "len" for value in asked for part in walk(value, 6))
    return measured or any(
        "quota" in call.callee.lower() or "budget" in call.callee.lower() or "limit" in call.callee.lower()
        for call in facts.calls_in(function)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """A thousand tokens for one answer, in a call that has the form of OpenAI's or Anthropic's; whoever needs more must say so."""
    for call in model_calls(source_of(app)):
        if call.span == hit.span and call.method == "create" and payload(call) is None and hit.message != _HOW_MANY:
            if call.callee.endswith("responses.create"):
                return passing(call, ("max_output_tokens", "1024"), safe=False)
            if call.keyword("messages") is not None:
                return passing(call, ("max_tokens", "1024"), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """A request for a few hundred words of nothing must not be served in full; more is never asked for."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "cost")
    if found is None:
        return (
            passed("a long answer was cut or refused")
            if target.depth == "deep"
            else not_applicable("long answers are asked for from --depth deep")
        )
    return failed(f"{found.model.ref} writes as much as a caller asks for", [found.model.ref], found.evidence)


RULE = Rule(
    slug="llm-cost-unlimited",
    family="llm",
    title="A caller can run up the model's cost",
    harm=__doc__ or "",
    severity="medium",
    check="llm",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V15.2.2",),
    surfaces=("source", "wsgi", "http"),
    ends="No setting of Stopper does yet; `Stopper(app)` limits who may ask.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
)
