"""API keys that a project reads from requests and that nothing in it ever judges: compares, looks up or gives to somebody who might."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.fact import Decorator, Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import HANDS_BODY, classes_by_name
from stopper.core.flow.parameter_origins import names_said
from stopper.core.flow.raising import raised_in
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.keys.api_key_names import READ_FROM, is_key_name
from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Member,
    Name,
    Sequence,
    Truth,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

FORMS: Final = re.compile(
    r"(?:re|zlib|binascii|base64|uuid|string|math|time)\.\w+|logging(?:\.\w+)+|\?\.(?:fullmatch|match|search|startswith|endswith|isalnum|isdigit|isprintable|isascii"
    r"|strip|lower|upper|encode|decode|split|rsplit|partition|rpartition|removeprefix|removesuffix|replace|count|debug|info|warning|error|exception|critical|log)"
    r"|flask\.\w+(?:\.\w+)*|len|bool|isinstance|str|int|bytes|any|all|min|max|print|repr|sum|ord|set|list|tuple|sorted|format|enumerate|zip"
    r"|(?:.*\.)?(?:logger|log|limiter|limit|limits)\.\w+"
)
"""Calls that say no more of a key than how it looks, or that write it down."""
_SCHEMES: Final = ("apikey", "apikey ", "api-key", "api-key ", "api_key ", "key ")
"""The scheme of an Authorization header that carries a key, in small letters."""
_READS_TOKENS: Final = re.compile(
    r"(?i)auth|jwt|oidc|login|security|keycloak|cognito|okta|saml|praetorian|principal|stopper|identity"
)
_IS_GIVEN_TOKENS: Final = re.compile(r"(?:jwt|jose|joserfc|jwcrypto|authlib\.jose)(?:\.|$)")
"""Libraries that read the token which they are given, and no header."""
_MARK: Final = 8
"""A text shorter than this is the mark of a key and not a key."""
_LOOKUPS: Final = frozenset({"filter_by", "filter", "where", "find_one", "get_or_none", "hget", "get"})
_FIRSTS: Final = frozenset({"first", "one_or_none", "scalar", "scalar_one_or_none", "scalars", "all", "count"})
"""What asks for the result of a look-up and raises nothing where there is none."""
_CHECKS: Final = re.compile(r"(?i)valid|check|verif|auth|match|known|allow|lookup|is_|has_")
_STEPS: Final = 3
_ENDS_REQUEST: Final = frozenset({"abort", "exit"})
_NAME_SIGNS: Final = str.maketrans({"-": "_"})


def never_judged(facts: SourceFacts) -> frozenset[str]:
    """The names, in small letters, of the keys that are read and never judged."""
    return facts.once("keys that nothing judges", lambda: _never_judged(facts))


def names_in(facts: SourceFacts, value: Value, names: frozenset[str], depth: int = 6) -> Iterator[str]:
    """Which of these keys a value says something of: it holds the look-up of one, derives from one, or asks for its presence."""
    if type(value) is Constant:
        return
    for part in walk(value, depth):
        if isinstance(part, Item):
            for name in names_said(facts, part.key):
                yield from _among(name, names)
        elif isinstance(part, Member):
            yield from _among(part.attribute, names)
        elif isinstance(part, Truth) and len(part.parts) == 2 and _is_of_request(part.parts[1]):
            for said in options(part.parts[0]):
                yield from _among(text_of(said), names)
    labels = facts.labels(value)
    sent = any(label.kind in ("query-string", "request-data", "cookie") for label in labels)
    for label in labels:  # of what is no header only the name says that it is a key
        if label.kind in ("request-header", "api-key", "authorization-header", "token") and (not label.by_name or sent):
            yield from _among(label.source, names)


def _among(name: str | None, names: frozenset[str]) -> Iterator[str]:
    lowered = (name or "").lower().translate(_NAME_SIGNS)
    if lowered in names:
        yield lowered


def _is_of_request(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted in READ_FROM


def _read(facts: SourceFacts) -> frozenset[str]:
    """The names of all keys that some line reads or asks for."""
    found = {one.key for one in facts.readings() if one.source in READ_FROM and is_key_name(one.key)}
    for one in facts.comparisons("in", "not in"):
        if _is_of_request(one.right):
            found.update(text for said in options(one.left) if (text := text_of(said)) and is_key_name(text))
    for item in facts.all_lookups:
        if _is_of_request(item.owner) and not facts.is_test(item.span):
            found.update(name for name in names_said(facts, item.key) if is_key_name(name))
    for _, name in declared_headers(facts):
        found.add(name)
    for call in facts.calls("*.add_argument"):
        wanted = text_of(call.argument(0, "name"))
        if wanted and is_key_name(wanted) and is_constant(call.keyword("location"), "headers"):
            found.add(wanted)
    read = facts.readings("flask.request.headers")
    elsewhere = _are_tokens_read_elsewhere(facts)
    said = {one.key for one in read} | set(_asked_of_headers(facts))
    if facts.says_anyhow(*_SCHEMES) or not elsewhere:
        found.update(name for name in said if name.lower() == "authorization")
    if not elsewhere:
        found.update(name for name in said if name.lower().startswith("x-") and sensitive(name) == "token")
    return frozenset(name.lower().translate(_NAME_SIGNS) for name in found)


def _asked_of_headers(facts: SourceFacts) -> Iterator[str]:
    """``"Authorization" not in request.headers``"""
    for one in facts.comparisons("in", "not in"):
        if isinstance(one.right, Name) and one.right.dotted == "flask.request.headers":
            yield from (text for said in options(one.left) if (text := text_of(said)))


def _are_tokens_read_elsewhere(facts: SourceFacts) -> bool:
    """That a library, or something around the application, may read the Authorization header by itself."""
    own = {name.partition(".")[0] for name in facts.modules}
    beside = (name for name in facts.imported if name.partition(".")[0] not in own)
    return facts.says("HTTP_AUTHORIZATION") or any(
        _READS_TOKENS.search(name) and not _IS_GIVEN_TOKENS.match(name) for name in beside
    )


def declared_headers(facts: SourceFacts) -> Iterator[tuple[Decorator, str]]:
    """The keys that ``@blp.arguments(Schema, location="headers")`` wants, each with its decorator."""
    return ((decorator, said) for _, decorator, _, said in _declared(facts))


def _declared(facts: SourceFacts) -> Iterator[tuple[Function, Decorator, str, str]]:
    """The view, its decorator, and the key, as the schema's field and as the header are called."""
    if not facts.imports("webargs", "flask_smorest", "apiflask"):
        return
    for function in facts.functions():
        for one in function.decorators:
            if (
                one.call is None
                or one.call.method not in HANDS_BODY
                or not is_constant(one.call.keyword("location"), "headers")
            ):
                continue
            schema = one.call.argument(0, "argmap", "schema")
            named = schema.callee if isinstance(schema, Call) else schema.dotted if isinstance(schema, Name) else ""
            known = classes_by_name(facts).get(named)
            for field, declared in known.attributes.items() if known is not None else ():
                said = (text_of(declared.keyword("data_key")) if isinstance(declared, Call) else None) or field
                if is_key_name(said):
                    yield function, one, field, said


def _never_judged(facts: SourceFacts) -> frozenset[str]:
    names = _read(facts)
    if not names:
        return names
    judged: set[str] = set()
    for found in _judgements(facts, names):
        judged.update(found)
        if judged >= names:  # of most keys it is known soon
            return frozenset()
    names -= judged
    return names - frozenset(_kept(facts, names)) - frozenset(_looked_at_by_field(facts))


def _looked_at_by_field(facts: SourceFacts) -> Iterator[str]:
    """The headers that a view gets as a field of a schema, ``headers["key"]``, and compares or hands on."""
    for function, _, field, said in _declared(facts):
        given = [
            one for call in facts.calls_in(function.name) for one in (*call.args, *(held for _, held in call.keywords))
        ]
        given += [side for one in facts.comparisons_in(function.name) for side in (one.left, one.right)]
        parts = (part for value in given for part in walk(value, 4))
        if any(isinstance(part, Item) and text_of(part.key) == field for part in parts):
            yield said.lower().translate(_NAME_SIGNS)


def _judgements(facts: SourceFacts, names: frozenset[str]) -> Iterator[Iterable[str]]:
    """The keys that single comparisons, calls and look-ups judge."""
    dropped = facts.once("functions whose answer nobody takes", lambda: _answering_nobody(facts))
    for comparison in facts.comparisons():
        if not dropped or facts.function_around(comparison.span) not in dropped:
            yield _compared(facts, comparison.left, comparison.right, comparison.operator, names)
    lookups = facts.calls(*(f"*.{name}" for name in _LOOKUPS))
    vain = [one for one in lookups if _is_for_nothing(facts, one, names)]
    inside = {id(part) for one in vain for part in walk(one)}
    for call in facts.calls():
        idle = bool(dropped) and call.span is not None and facts.function_around(call.span) in dropped
        if call.method != "add_argument" and id(call) not in inside and not idle:
            yield _given(facts, call, names)
    for lookup in facts.all_lookups:
        if not facts.is_test(lookup.span) and not _is_of_request(lookup.owner):
            yield names_in(facts, lookup.key, names)


def _answering_nobody(facts: SourceFacts) -> frozenset[str]:
    """The functions that are called as statements of their own, ``is_valid(key)``, and that say what they find by their answer alone; those
    that only such a one asks, too."""
    found: set[str] = set()
    for _ in range(_STEPS if facts.imports("flask") else 0):
        before = len(found)
        for one in facts.functions():
            calls = list(facts.calls(one.name)) if one.returns and one.name not in found else []
            if not calls or not _says_by_its_answer(facts, one.name):
                continue
            within = [each.span is not None and facts.function_around(each.span) in found for each in calls]
            checks = _CHECKS.search(_what_it_gives(facts, one).rpartition(".")[2]) is not None
            if all(
                inside or (checks and stands_alone(facts, each)) for inside, each in zip(within, calls, strict=True)
            ):
                found.add(one.name)
        if len(found) == before:
            break
    return frozenset(found)


def _what_it_gives(facts: SourceFacts, function: Function) -> str:
    """The function, or the one of the project whose answer it hands on and does nothing else."""
    alone = function.calls[0] if len(function.calls) == 1 and len(function.returns) == 1 else ""
    return alone if alone and facts.function(alone) is not None else function.name


def _says_by_its_answer(facts: SourceFacts, function: str, depth: int = 2) -> bool:
    """That it turns nobody away by itself, nor has another function of the project do so."""
    if raised_in(facts, function):
        return False
    own = facts.function(function)
    called = [(each.method, each.callee) for each in facts.calls_in(function)]
    called += [(callee.rpartition(".")[2], callee) for callee in (own.calls if own is not None else ())]
    return not any(
        method in _ENDS_REQUEST
        or (depth and facts.function(callee) is not None and not _says_by_its_answer(facts, callee, depth - 1))
        for method, callee in called
    )


def _compared(facts: SourceFacts, left: Value, right: Value, operator: str, names: frozenset[str]) -> Iterator[str]:
    """The keys that a comparison judges: not against nothing, a mark, a number, or another part of the same key."""
    if operator in ("in", "not in") and _is_of_request(right):
        return
    first, second = frozenset(names_in(facts, left, names)), frozenset(names_in(facts, right, names))
    for mine, other, against in ((first, second, right), (second, first, left)):
        if mine and not mine & other and not _says_only_form(against):
            yield from mine


def _is_for_nothing(facts: SourceFacts, call: Call, names: frozenset[str]) -> bool:
    """That a look-up by a key is a statement of its own: nothing takes what it finds."""
    if not any(
        True for given in (*call.args, *(one for _, one in call.keywords)) for _ in names_in(facts, given, names)
    ):
        return False
    taken: list[Value] = [one.value for one in facts.assignments_in(call.function)]
    taken += [one.value for one in facts.returns_of(call.function)]
    taken += [one.value for one in facts.conditions_in(call.function)]
    taken += [side for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    for other in facts.calls_in(call.function):
        taken += [*other.args, *(one for _, one in other.keywords)]
        asks = other.method in _FIRSTS or other.method in _LOOKUPS
        if not asks and other.receiver is not None and any(part is call for part in walk(other.receiver)):
            return False
    return not any(part is call for value in taken for part in walk(value))


def _says_only_form(value: Value) -> bool:
    if isinstance(value, Sequence) and value.items:
        return all(map(_says_only_form, value.items))
    return isinstance(value, Constant) and (not isinstance(value.value, (str, bytes)) or len(value.value) < _MARK)


def _given(facts: SourceFacts, call: Call, names: frozenset[str]) -> Iterator[str]:
    """The keys that are given to somebody who may judge them: any function that is neither the project's nor known to look at forms."""
    if call.method == "compare_digest" and len(call.args) == 2:
        yield from _compared(facts, call.args[0], call.args[1], "==", names)
        for shown, known in (call.args, call.args[::-1]):  # the whole of it, with however short a text: no form
            if isinstance(known, Constant) and isinstance(shown, Item) and not isinstance(shown.key, Unknown):
                yield from names_in(facts, shown, names, 2)
        return
    if FORMS.fullmatch(call.callee) or (call.callee[:1] != "?" and facts.function(call.callee) is not None):
        return
    if _is_row_of_a_part(facts, call, names):
        return
    if call.method == "get" and call.receiver is not None and _is_of_request(call.receiver):
        return
    for value in (*call.args, *(given for _, given in call.keywords)):
        if isinstance(value, Name) and value.dotted in ("flask.request", "flask.request.headers", "flask.g"):
            yield from names
        yield from names_in(facts, value, names)


def _is_row_of_a_part(facts: SourceFacts, call: Call, names: frozenset[str]) -> bool:
    """``Client(name=key[3:9])``: a row that is made up of a part of the key; a whole key may be looked at by the class."""
    if call.callee not in classes_by_name(facts):
        return False
    given = [*call.args, *(value for _, value in call.keywords)]
    keyed = [one for one in given if any(True for _ in names_in(facts, one, names))]
    return all(isinstance(one, Item) and isinstance(one.key, Unknown) and len(one.key.parts) > 1 for one in keyed)


def _kept(facts: SourceFacts, names: frozenset[str]) -> Iterator[str]:
    """The keys that are put where the reader does not follow them: on an object, or in ``g`` where something is done with it."""
    if not names:
        return
    kept: dict[str, frozenset[str]] = {}
    for one in facts.assignments():
        if "." not in one.target and "[" not in one.target:
            continue
        whole = [option for option in options(one.value) if not isinstance(option, (Truth, Constant))]
        found = frozenset(
            name for option in whole if not _is_form(option) for name in names_in(facts, option, names, 3)
        )
        if found and not one.target.startswith("g."):
            if not _says_same(one.target, found):
                yield from found
        elif found:
            kept[f"flask.{one.target}"] = kept.get(f"flask.{one.target}", frozenset()) | found
    if not kept:
        return
    for call in facts.calls():
        if not FORMS.fullmatch(call.callee):
            for value in (*call.args, *(given for _, given in call.keywords)):
                yield from _named(value, kept)
    for comparison in facts.comparisons():
        if not _says_only_form(comparison.right):
            yield from _named(comparison.left, kept)
        if not _says_only_form(comparison.left):
            yield from _named(comparison.right, kept)


def _says_same(target: str, found: frozenset[str]) -> bool:
    """A name of a module or class that was made of the name of a header, and not of what was sent under it."""
    return target.rpartition(".")[2].isupper() and bool(found)


def _is_form(value: Value) -> bool:
    return isinstance(value, Call) and FORMS.fullmatch(value.callee) is not None and value.method in ("bool", "len")


def _named(value: Value, kept: dict[str, frozenset[str]]) -> Iterator[str]:
    for part in walk(value, 4):
        if isinstance(part, Name) and part.dotted in kept:
            yield from kept[part.dotted]


def asks_absence(value: Value, negated: bool) -> bool:
    """That a test holds where a key is missing or looks wrong: ``not key``, ``key is None``, ``"X-API-Key" not in request.headers``."""
    if isinstance(value, Choice):
        return any(asks_absence(one, negated) for one in value.options)
    if isinstance(value, Truth) and len(value.parts) == 1:
        return asks_absence(value.parts[0], not negated)
    if isinstance(value, Truth) and len(value.parts) == 2:
        first, second = value.parts
        if _is_of_request(second):
            return value.differs != negated
        if is_constant(second, None, "") or is_constant(first, None, ""):
            return value.differs == negated
        return True
    return negated
