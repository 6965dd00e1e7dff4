"""One forgotten variable, and tokens are signed with a text that everybody can read in the code."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.file_fallbacks import fallbacks_in_files
from stopper.core.deployment.filled_environment import filled_by_code
from stopper.core.deployment.setting_facts import stands_in
from stopper.core.deployment.settings_set_aside import is_set_aside, taken
from stopper.core.edits.environment_edits import without_fallback
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.module_values import bound_to
from stopper.core.flow.passing import callers, passed
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_keys import is_asymmetric, key_bytes, key_settings, key_uses, reached
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Member,
    Name,
    Parameter,
    Value,
    options,
    walk,
)

_READERS: Final = re.compile(
    r"(decouple|environs|environ|starlette\.config|dynaconf|prettyconf|os)\..*|\?\.(str|get|config|env)"
)
_KEYS: Final = ("JWT_SECRET_KEY", "JWT_PRIVATE_KEY", "JWT_SECRET", "JWT_ENCODE_KEY", "JWT_DECODE_KEY")


def detect(app: App) -> Iterator[Hit]:
    """Keys that come from outside with a literal to fall back to, where they sign or verify, or where the setting is written."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    filled = filled_by_code(facts)
    for call, key, _ in key_uses(app, facts):
        for outside in options(key) if filled else ():
            put = filled.get(outside.variable) if isinstance(outside, EnvironmentValue) else None
            if put is not None:
                yield from _hit(app, facts, outside, put[0], put[1], seen)
        for value, literal in _fallbacks(facts, key):
            span = getattr(value, "span", None) or literal.span or call.span
            if span is not None and literal.span is not None and _is_passed_in(facts, literal.span, span):
                span = literal.span  # a reader of the environment serves many settings
            yield from _hit(app, facts, value, literal, span, seen)
    for write in facts.config_writes(*dict.fromkeys((*_KEYS, *key_settings(app, facts)))):
        if write.loaded is not False and "test" not in write.owner.lower() and not is_set_aside(facts, write):
            for value, literal in _fallbacks(facts, write.value):
                if getattr(value, "span", None) not in seen - {None}:  # told where the variable is read
                    yield from _hit(app, facts, value, literal, write.span, seen)
            if isinstance(write.value, Constant) and stands_in(facts, write):
                yield from _hit(app, facts, write.value, write.value, write.span, seen)
    yield from _beside(app, facts)


def _is_passed_in(facts: SourceFacts, literal: Span, read: Span) -> bool:
    """That the literal stands in another file, or in another function, which calls the one that reads."""
    around = facts.function_around(literal)
    return literal.path != read.path or (around != "" and around != facts.function_around(read))


def _beside(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``JWT_SECRET: ${JWT_SECRET:-changeme}`` in a file that starts the application, of a variable that is a key."""
    if not any(True for _ in facts.files_of("compose", "shell", "procfile", "workflow")):
        return
    values = [key for _, key, _ in key_uses(app, facts)]
    values += [write.value for write in facts.config_writes(*_KEYS, *key_settings(app, facts))]
    wanted = {one.variable for value in values for one in reached(facts, value) if isinstance(one, EnvironmentValue)}
    for span in fallbacks_in_files(facts, wanted):
        yield Hit("where the secret is not set, tokens are signed with a literal of this file", span)


def _hit(
    app: App, facts: SourceFacts, value: Value, literal: Constant, span: Span | None, seen: set[Span | None]
) -> Iterator[Hit]:
    if any(one is not None and span is not None and one.path == span.path and one.line == span.line for one in seen):
        return
    key = key_bytes(literal)
    if not key or not key.strip() or is_asymmetric(key) or _is_refused(facts, literal):
        return
    seen.add(span)
    yield Hit("where the secret is not set, tokens are signed with a literal of the code", span)
    if any(fact.reader == "running" and key_bytes(fact.value) == key for fact in app.config.values()):
        yield Hit(
            "the running application signs with the literal, because the secret is not set", span, reader="running"
        )


def _fallbacks(facts: SourceFacts, value: Value | None, depth: int = 3) -> Iterator[tuple[Value, Constant]]:
    """The values that may come from outside, each with the literal that stands in for them."""
    match value:
        case Choice(options=several):
            outside = [one for one in several if isinstance(one, (EnvironmentValue, ConfigValue, Item, Call))]
            for one in several:
                if isinstance(one, Constant) and outside:
                    yield (outside[0] if getattr(outside[0], "span", None) else one), one
                else:
                    yield from _fallbacks(facts, one, depth)
        case EnvironmentValue(default=inner) | Item(default=inner) | ConfigValue(default=inner) if inner is not None:
            for one in options(inner):
                if isinstance(one, Constant):
                    yield value, one
                else:
                    yield from _fallbacks(facts, one, depth)
            if isinstance(value, ConfigValue) and depth > 0:
                for written in taken(facts, value.key):
                    yield from _fallbacks(facts, written, depth - 1)
        case ConfigValue(key=key) if depth > 0 and key not in _KEYS:
            for written in taken(facts, key):
                yield from _fallbacks(facts, written, depth - 1)
        case Parameter() if depth > 0:
            position = value.index if value.index >= 0 else None
            for call in callers(facts, value.function):
                yield from _fallbacks(facts, call.argument(position, value.parameter), depth - 1)
        case Call():
            yield from _of_call(facts, value, depth)
        case Member(owner=owner, attribute=attribute) if depth > 0:
            for held, _ in held_under(facts, owner, attribute):
                yield from _fallbacks(facts, held, depth - 1)
        case Name() if depth > 0:
            yield from _fallbacks(facts, bound_to(facts, value), depth - 1)
        case _:
            return


def _of_call(facts: SourceFacts, call: Call, depth: int) -> Iterator[tuple[Value, Constant]]:
    if _READERS.fullmatch(call.callee):
        said = call.keyword("default") or call.argument(1)
        for one in options(said):
            if isinstance(one, Constant) and isinstance(one.value, (str, bytes)):
                yield call, one
    if call.method in ("encode", "strip", "str", "bytes") and depth > 0:
        yield from _fallbacks(facts, call.receiver or call.argument(0), depth - 1)
    if call.method in ("import_key", "OctKey", "construct") and depth > 0:
        yield from _fallbacks(facts, call.argument(0, "raw", "key", "key_data"), depth)
    function = facts.function(call.callee) if depth > 0 else None
    if function is not None:
        found = [
            told
            for one in function.returns
            for told in (
                passed(facts, one, call) if isinstance(one, Parameter) and one.function == call.callee else (one,)
            )
        ]  # what this call names, where the function gives a parameter back
        several = Choice(tuple(found)) if len(found) > 1 else (*found, None)[0]
        yield from _fallbacks(facts, several, depth - 1)


def _is_refused(facts: SourceFacts, literal: Constant) -> bool:
    """The application compares its secret with that literal somewhere, which it does to refuse it."""
    return any(
        isinstance(part, Constant) and part.value == literal.value and part.span != literal.span
        for comparison in facts.comparisons("==", "in", "!=", "not in")
        for part in (*walk(comparison.right, 3), *walk(comparison.left, 3))
    ) or any(
        isinstance(part, Constant) and part.value == literal.value
        for comparison in facts.comparisons("==", "in")
        for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left))
        for part in walk(other, 3)
        if isinstance(side, (EnvironmentValue, ConfigValue, Choice))
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``os.environ["X"]`` without the literal; where the variable is not set, the application does not start any more."""
    facts = source_of(app)
    values = [value for _, key, _ in key_uses(app, facts) for value, _ in _fallbacks(facts, key)]
    values += [
        value
        for write in facts.config_writes()
        if write.span == hit.span
        for value, _ in _fallbacks(facts, write.value)
    ]
    for value in values:
        edit = without_fallback(value)
        if edit is not None and hit.span is not None and hit.span.holds(edit.span):
            return edit
    return None


RULE = Rule(
    slug="jwt-secret-literal-fallback",
    family="jwt",
    title="The signing secret falls back to a literal",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(798,),
    owasp="API2:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="Stopper's settings have no fallback for keys: `Stopper(app)` refuses to start without them.",
    detect=detect,
    fix=fix,
)
