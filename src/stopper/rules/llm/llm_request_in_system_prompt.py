"""A caller writes a part of the instructions that the model trusts most."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.checked_input import is_checked
from stopper.core.labels import UNTRUSTED
from stopper.core.outgoing.llm_names import SYSTEM, messages, model_calls, said
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Name,
    Sequence,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)

_KINDS: Final = tuple(UNTRUSTED)
_ORDER: Final = re.compile(
    r"(?i)^\s*(you are|you're|act as|your (task|job|role)|instructions?:|system:|as an? (assistant|expert))"
)
_SYSTEM_NAME: Final = re.compile(r"(?i)system|instruction|persona")


def detect(app: App) -> Iterator[Hit]:
    """Text of the request in a message of the role ``system``, in a system setting, or behind the instructions in one text."""
    facts = source_of(app)
    found: set[Span | None] = set()
    for call in model_calls(facts):
        if call.span not in found and _is_mixed(facts, call):
            found.add(call.span)
            yield Hit("text from the request becomes part of the instructions to the model", call.span)
        elif call.span not in found and _takes_roles(facts, call):
            found.add(call.span)
            yield Hit("the caller sends whole messages, also such as give orders to the model", call.span)
    for call in _templates(facts):
        if call.span not in found:
            found.add(call.span)
            yield Hit("text from the request becomes part of the instructions to the model", call.span)
    for call in facts.calls("*.SystemMessage", "*.SystemMessagePromptTemplate"):
        content = call.argument(0, "content")
        if any(one is not None and call.span is not None and one.holds(call.span) for one in found):
            continue
        if content is not None and _tainted(facts, content, call.function):
            found.add(call.span)
            yield Hit("text from the request becomes part of the instructions to the model", call.span)


def _templates(facts: SourceFacts) -> Iterator[Call]:
    """Templates of LangChain that are made with text of the request, and calls that fill it into their instructions."""
    for made in facts.calls("*.from_messages", "*.ChatPromptTemplate"):
        if any(role == "system" and _tainted(facts, content, made.function) for role, content in messages(made)):
            yield made
    for call in facts.calls("*.invoke", "*.ainvoke", "*.stream", "*.astream", "*.format_messages", "*.format_prompt"):
        given = [(text_of(key), value) for one in call.args[:1] if isinstance(one, Mapping) for key, value in one.items]
        filled = {key for key, value in (*given, *call.keywords) if key and _tainted(facts, value, call.function)}
        for part in walk(call.receiver, 6) if filled else ():
            if isinstance(part, Call) and part.method in ("from_messages", "ChatPromptTemplate"):
                orders = [text_of(content) or "" for role, content in messages(part) if role == "system"]
                if any(f"{{{name}}}" in order for order in orders for name in filled):
                    yield call
                    break


def _is_mixed(facts: SourceFacts, call: Call) -> bool:
    if any(
        role in ("system", "developer") and _tainted(facts, content, call.function)
        for role, content in messages(call, facts)
    ):
        return True
    config = said(call, "config", "generation_config")
    for name in SYSTEM:
        value = said(call, name)
        if value is None and isinstance(config, (Call, Mapping)):
            value = config.keyword(name) if isinstance(config, Call) else config.get(name)
        if value is not None and not isinstance(value, Mapping) and _tainted(facts, value, call.function):
            return True
    if _is_made_with_it(facts, call):
        return True
    plain = said(call, "prompt", "input", "contents") or (call.args[0] if call.args else None)
    return any(
        _instructs(part) and _tainted(facts, part, call.function) for part in walk(plain, 4) if isinstance(part, Format)
    ) and not _has_roles(call)


def _is_made_with_it(facts: SourceFacts, call: Call) -> bool:
    """``GenerativeModel(name, system_instruction=text).generate_content(…)``, ``Runner.run(Agent(instructions=text), …)``"""
    makers = (one for one in walk(call, 4) if isinstance(one, Call) and one is not call)
    return any(
        not isinstance(value, Mapping) and _tainted(facts, value, made.function)
        for made in makers
        for name in SYSTEM
        if (value := made.keyword(name)) is not None
    )


def _takes_roles(facts: SourceFacts, call: Call) -> bool:
    """``messages=request.json["messages"]``, alone or behind our own: each says its role itself, and nobody asks for the role."""
    told = said(call, "messages")
    lists = [part for option in options(told) for part in (option.parts if isinstance(option, Unknown) else (option,))]
    sent = [one for one in lists if isinstance(one, Item) and text_of(one.key) is not None]
    sent += [one for part in walk(told, 5) if isinstance(part, Mapping) and isinstance(one := part.get("role"), Item)]
    if not any(facts.derives(one, *_KINDS, by_name=False) for one in sent):
        return False
    sides = (side for one in facts.comparisons_in(call.function) for side in (one.left, one.right))
    return not any(text_of(part.key) == "role" for side in sides for part in walk(side, 4) if isinstance(part, Item))


def _has_roles(call: Call) -> bool:
    return any(role for role, _ in messages(call))


def _instructs(value: Format) -> bool:
    first = value.parts[0] if value.parts else None
    text = text_of(first)
    return isinstance(first, Constant) and (bool(_SYSTEM_NAME.search(first.name)) or bool(text and _ORDER.search(text)))


def _tainted(facts: SourceFacts, value: Value, function: str) -> bool:
    if _holds_numbers(value):
        return False
    texts = [part for part in walk(value, 6) if isinstance(part, Format)]
    sent = [piece for text in texts for piece in text.parts if facts.derives(piece, *_KINDS)]
    if all(is_checked(facts, one, function) for one in sent or (value,)):
        return False  # what is asked about one piece of a text says nothing of the others
    return facts.derives(value, *_KINDS) or any(
        _is_of_a_field(facts, part) or _is_rendered_with_it(facts, part, function) for part in walk(value, 4)
    )


def _holds_numbers(value: Value) -> bool:
    """``int(level)``, also in a text of it and words of the code: no number gives an order."""
    match value:
        case Constant() | Call(callee="int" | "float" | "len" | "bool" | "round"):
            return True
        case Format(parts=inside) | Sequence(items=inside) | Choice(options=inside) | Call(method="join", args=inside):
            return all(map(_holds_numbers, inside))
        case Unknown(parts=inside):
            return all(map(_holds_numbers, inside))
        case _:
            return False


def _is_rendered_with_it(facts: SourceFacts, value: Value, function: str) -> bool:
    """``render_template("orders.txt", company=request.json["company"])``"""
    return (
        isinstance(value, Call)
        and value.method in ("render_template", "render_template_string", "render")
        and any(facts.derives(one, *_KINDS) and not is_checked(facts, one, function) for _, one in value.keywords)
    )


def _is_of_a_field(facts: SourceFacts, value: Value) -> bool:
    """``Persona(tone=…).system()``: the method gives back a field that the object was made with."""
    if not isinstance(value, Call) or not isinstance(value.receiver, Call) or facts.function(value.callee) is None:
        return False
    made = value.receiver
    fields = {f"{made.callee}.{word}" for word, given in made.keywords if _tainted(facts, given, made.function)}
    return bool(fields) and any(
        isinstance(part, Name) and part.dotted in fields
        for one in facts.returns_of(value.callee)
        for part in walk(one.value, 6)
    )


RULE = Rule(
    slug="llm-request-in-system-prompt",
    family="llm",
    title="Request text in the system prompt",
    harm=__doc__ or "",
    severity="high",
    check="llm",
    cwe=(1427,),
    owasp="API8:2023",
    asvs=("V2.2.1",),
    surfaces=("source",),
    ends="No setting of Stopper does; `Stopper(app)` limits who may ask.",
    detect=detect,
)
