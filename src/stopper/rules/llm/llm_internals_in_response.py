"""A caller learns the instructions, the model and the price of each answer, and shapes attacks by them."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.passing import handed
from stopper.core.outgoing.llm_names import SYSTEM, messages, model_calls, said, talks_to_models
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.llm import models
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    options,
    parts,
    text_of,
    walk,
)

_INTERNAL: Final = frozenset(
    {
        "usage",
        "total_tokens",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "system_fingerprint",
        "usage_metadata",
        "response_cost",
        "llm_output",
        "response_metadata",
        "generation_info",
        "_hidden_params",
    }
)
_COUNTED: Final = frozenset(
    {"total_cost", "total_tokens", "prompt_tokens", "completion_tokens", "successful_requests", "usage_metadata"}
)
_NAMED: Final = frozenset({"model", "model_name", "system_prompt", "prompt_template", "cost", "cost_usd", *_INTERNAL})
_WHOLE: Final = frozenset({"model_dump", "model_dump_json", "to_dict", "dict", "json", "to_json", "to_dict_recursive"})
_PROMPT: Final = "the system prompt"
_PROMPT_NAME: Final = re.compile(
    r"(?i)(^|_)(system_?(prompt|message|instructions?)|instructions|prompt_template|preamble)$"
)
_MODEL_NAME: Final = re.compile(
    r"(?i)^(gpt-|o[134](-|$)|claude|gemini|llama|mistral|mixtral|command-r|deepseek|qwen|phi-)"
)


Asked: TypeAlias = set[Span | None]
"""Where a model is asked: a call is known by its place, since one that a function only hands on may be read as another object."""


def detect(app: App) -> Iterator[Hit]:
    """A response with the whole completion, its usage or model, or the system prompt."""
    facts = source_of(app)
    if not talks_to_models(facts):
        return
    calls = list(model_calls(facts))
    asked = {call.span for call in calls}
    makers = [call.function for call in calls if call.function and _gives_all(facts, call.function, asked)]
    asked |= {call.span for call in facts.calls(*makers)} if makers else set()
    around = {call.function for call in calls if call.function and call.function not in makers}
    # a function that one place calls stands there, and is called by its own name
    around |= {facts.function_around(call.span) for call in calls if call.span is not None} - {"", *makers}
    through = frozenset(call.span for call in facts.calls(*around)) if around else frozenset[Span | None]()
    orders = {
        text
        for call in calls
        for role, content in messages(call)
        if role in ("system", "developer") and (text := text_of(content))
    }
    orders |= {text for call in calls for name in SYSTEM if (text := text_of(said(call, name)))}
    flows = list(facts.flows("response", "response-header"))
    own = {flow.span for flow in flows}
    for flow in flows:
        what = _internal(facts, flow.value, asked, orders, through)
        what = what or _made_elsewhere(facts, flow.value, asked, orders, own, through)
        what = what or (_PROMPT if _holds_order(facts, flow.value, asked) else "")
        if what and not (what == _PROMPT and _leaves_out(facts, flow.function)):
            yield Hit(f"the answer holds {what}", flow.span)


def _is_asked(value: Value | None, asked: Asked) -> bool:
    return isinstance(value, Call) and value.span in asked


def _is_piece(value: Value | None, asked: Asked) -> bool:
    """``for piece in client.chat.completions.create(stream=True)``: it names the model, and the last one counts the tokens."""
    return isinstance(value, Item) and _is_asked(value.owner, asked)


def _gives_all(facts: SourceFacts, function: str, asked: Asked) -> bool:
    """That the function gives back the whole completion and leaves it to its caller what to take of it."""
    return any(
        _is_asked(option, asked)
        or (isinstance(option, Call) and option.method == "json" and _is_asked(option.receiver, asked))
        for one in facts.returns_of(function)
        for option in options(one.value)
    )


def _made_elsewhere(
    facts: SourceFacts, value: Value, asked: Asked, orders: set[str], own: set[Span], through: frozenset[Span | None]
) -> str:
    """What a function of the project puts together for the answer: ``return to_answer(ask(question))``; not where that is an answer itself,
    and not a record of which the answer takes a field."""
    inside = list(walk(value, 3))
    taken = {id(part.owner) for part in inside if isinstance(part, Member) and _inside(facts, part) != (part.owner,)}
    makers = {
        part.callee for part in inside if isinstance(part, Call) and part.span not in asked and id(part) not in taken
    }
    made = (
        one.value
        for name in sorted(makers)
        if facts.function(name) is not None
        for one in facts.returns_of(name)
        if one.span not in own
    )
    return next((what for one in made if (what := _internal(facts, one, asked, orders, through))), "")


def _holds_order(facts: SourceFacts, value: Value, asked: Asked) -> bool:
    """A message of the role ``system`` among what is sent back, as a history of the talk has one."""
    return any(
        isinstance(part, Mapping)
        and text_of(part.get("role")) in ("system", "developer")
        and part.get("content") is not None
        for part in _sent_back(facts, value, asked)
    )


def _sent_back(facts: SourceFacts, value: Value, asked: Asked) -> Iterator[Value]:
    """The value and everything inside, but nothing of what a model was asked: the answer to a question does not hold it."""
    level, seen = [value], {id(value)}
    for _ in range(9):
        yield from level
        inner = [part for one in level if not _is_asked(one, asked) for part in _inside(facts, one)]
        level = list({id(part): part for part in inner if id(part) not in seen}.values())
        seen.update(id(part) for part in level)


def _inside(facts: SourceFacts, value: Value) -> tuple[Value, ...]:
    """The parts of a value; of ``talk[1:]`` what comes after the first message, of ``reply.text`` what the record holds there, and of
    ``len(talk)`` nothing."""
    if isinstance(value, Call) and value.callee in ("len", "bool", "type", "hash", "id", "isinstance"):
        return ()
    if isinstance(value, Member) and isinstance(value.owner, Call):
        held = tuple([one for one, _ in held_under(facts, value.owner, value.attribute)])
        if held:
            return held
    if isinstance(value, Item) and isinstance(value.owner, Sequence) and isinstance(value.key, Unknown):
        first = value.key.parts[0] if value.key.parts else None
        if isinstance(first, Constant) and isinstance(first.value, int) and first.value > 0:
            return value.owner.items[first.value :]
    return parts(value)


def _leaves_out(facts: SourceFacts, function: str) -> bool:
    """That the function asks which message is the system's."""
    return any(
        is_constant(side, "system", "developer")
        for comparison in facts.comparisons_in(function)
        for side in (comparison.left, comparison.right)
    )


def _internal(
    facts: SourceFacts, value: Value, asked: Asked, orders: set[str], through: frozenset[Span | None] = frozenset()
) -> str:
    """What it holds; nothing of what the calls at these places, that ask a model in their turn, are handed."""
    sent = list(_sent_back(facts, value, asked | through))
    read = {id(part.owner) for part in sent if isinstance(part, (Item, Member))}
    for part in sent:
        if isinstance(part, Member) and part.attribute in _COUNTED and _is_counter(part.owner):
            return f"{part.attribute} of what was asked"
        if isinstance(part, Member) and part.attribute in (*_INTERNAL, "model") and _of_model(facts, part.owner, asked):
            return f"{part.attribute} of the completion"
        said = [text_of(one) for one in options(part.key)] if isinstance(part, Item) else []
        told = next((one for one in said if one in _INTERNAL or one == "model"), None)
        if told is not None and isinstance(part, Item) and _of_model(facts, part.owner, asked):
            return f"{told} of the completion"
        if (
            isinstance(part, Call)
            and part.method in _WHOLE
            and id(part) not in read
            and not _is_asked(part, asked)
            and (_is_asked(part.receiver, asked) or _is_piece(part.receiver, asked))
        ):
            return "the whole completion"
        if isinstance(part, Constant) and isinstance(part.value, str) and len(part.value) > 15:
            if part.value not in orders and not _PROMPT_NAME.search(part.name):
                continue
            return _PROMPT
    if _is_asked(value, asked):
        return "the whole completion"
    return ""


def _is_counter(value: Value) -> bool:
    """The callback of LangChain that adds up what a chain has used."""
    return isinstance(value, Call) and value.method in ("get_openai_callback", "get_usage_metadata_callback")


def _of_model(facts: SourceFacts, value: Value, asked: Asked) -> bool:
    return any(
        _is_asked(part, asked)
        or (isinstance(part, Parameter) and any(_is_asked(one, asked) for one in handed(facts, part)))
        for part in walk(value, 6)
    )


def probe(target: Target) -> Steps[Verdict]:
    """An honest question's answer must hold nothing but the answer."""
    found = yield from models(target)
    if not found:
        return not_applicable("no endpoint of a language model answers in this mode")
    for model in found:
        what = _told(model.honest.response.json(), 5)
        if what:
            evidence = [Evidence("exchange", f"the answer to an honest question holds {what}", model.honest)]
            return failed(f"{model.ref} tells {what} with its answer", [model.ref], evidence)
    return passed(f"{len(found)} model endpoints answer with the answer alone")


def _told(value: object, depth: int) -> str:
    if depth == 0:
        return ""
    if isinstance(value, list):
        return next((what for one in cast("list[object]", value)[:10] if (what := _told(one, depth - 1))), "")
    if not isinstance(value, dict):
        return ""
    for name, inner in cast("dict[str, object]", value).items():
        lowered = name.lower()
        if lowered in ("model", "model_name"):
            if isinstance(inner, str) and _MODEL_NAME.search(inner):
                return f"{name} ({inner[:30]})"
        elif lowered in _NAMED and inner not in (None, "", {}, []):
            return name
        if what := _told(inner, depth - 1):
            return what
    return ""


RULE = Rule(
    slug="llm-internals-in-response",
    family="llm",
    title="A reply tells of the model's inside",
    harm=__doc__ or "",
    severity="medium",
    check="llm",
    cwe=(200,),
    owasp="API3:2023",
    asvs=("V14.2.6",),
    surfaces=("source", "wsgi", "http"),
    ends="No setting of Stopper does; `leak_guard` of its tests sees secrets in answers.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
