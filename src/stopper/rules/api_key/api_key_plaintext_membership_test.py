"""Whoever reads the code, the settings or the memory has every key, and the look-up's time tells about them."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.edits.comparing_edits import each_in_constant_time
from stopper.core.facts import SourceFacts, source_of
from stopper.core.keys.api_key_names import is_shown_key, reads_keys
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Sequence,
    Unknown,
    Value,
    inner_unmet,
    options,
    walk,
)

_LOADED: Final = re.compile(r"(?:json|yaml|tomllib|toml|tomli|rtoml|orjson|ujson)\.(?:safe_)?loads?")
_KEYS: Final = re.compile(r"(?i)(?:^|_)(?:api_?)?(?:keys|tokens)$")
SHORTEST: Final = 8
LONG: Final = 16
"""A literal of this length among the names of a mapping may be a token."""
MESSAGE = "the key of the caller is looked up among keys in clear"


def detect(app: App) -> Iterator[Hit]:
    """``key in KEYS``, ``KEYS.get(key)`` and ``KEYS[key]`` with the key as the caller wrote it."""
    facts = source_of(app)
    if not reads_keys(facts):
        return
    seen: set[Span] = set()
    for comparison in facts.comparisons("in", "not in"):
        certainty = _kept(facts, comparison.right)
        if (
            certainty is not None
            and not _are_words(comparison.right)
            and _is_shown(facts, comparison.left, comparison.right)
        ):
            seen.add(comparison.span)
            yield Hit(MESSAGE, comparison.span, certainty=certainty)
    lines = {(span.path, span.line) for span in seen}
    for span in (*_asked(facts), *_counted(facts)):
        if (span.path, span.line) not in lines:
            lines.add((span.path, span.line))
            yield Hit(MESSAGE, span)
    if not any(_is_shown(facts, one.key, one.owner) for one in facts.all_lookups):
        return
    for item, place in _look_ups(facts):
        span = item.span or place
        if (span.path, span.line) in lines or not _is_shown(facts, item.key, item.owner):
            continue
        if any((one.path, one.line) in lines for one in (span, place)) or _after_membership(facts, item, seen):
            continue
        lines.add((span.path, span.line))
        yield Hit(MESSAGE, span)


def _asked(facts: SourceFacts) -> Iterator[Span]:
    """``app.config["PARTNERS"].get(key)``, ``load_keys().get(key)``"""
    for call in facts.calls("?.get"):
        if not call.args or call.span is None or call.receiver is None:
            continue
        if not _is_shown(facts, call.args[0], call.receiver):
            continue
        held = [one for owner in options(call.receiver) for one in facts.followed(owner)]
        if any(not isinstance(one, ConfigValue) and _is_table(facts, one) for one in held):
            yield call.span


def _counted(facts: SourceFacts) -> Iterator[Span]:
    """``KEYS.index(key)``, ``KEYS.count(key)`` and ``KEYS.issuperset({key})``, which ask the same as ``in``."""
    for call in facts.calls("?.index", "?.count", "?.__contains__"):
        asked = call.args and call.receiver is not None and is_shown_key(facts, call.args[0])
        if asked and call.span is not None and call.receiver is not None and _kept(facts, call.receiver) is not None:
            yield call.span
    for call in facts.calls("?.issuperset", "?.issubset", "?.isdisjoint", "?.intersection"):
        if call.span is None or call.receiver is None or not call.args:
            continue
        for one, kept in ((call.receiver, call.args[0]), (call.args[0], call.receiver)):
            shown = one.items if isinstance(one, Sequence) and not one.open else ()
            if any(is_shown_key(facts, key) for key in shown) and _kept(facts, kept) is not None:
                yield call.span


def _is_shown(facts: SourceFacts, shown: Value, kept: Value) -> bool:
    """That it is the key of the caller, held against what is kept."""
    return is_shown_key(facts, shown) or _is_of_header(facts, shown, kept)


def _is_of_header(facts: SourceFacts, shown: Value, kept: Value) -> bool:
    """What came in ``Authorization`` or in a header of its own for tokens, where the collection is called one of keys or tokens."""
    labels = facts.labels(shown)
    if not any(one.kind == "authorization-header" or (one.kind == "token" and not one.by_name) for one in labels):
        return False
    inside = [_whole(option) for option in options(kept)]
    if any(isinstance(one, Mapping) and any(map(_may_be_key, (key for key, _ in one.items))) for one in inside):
        return True
    named = (
        one for option in inside for one in (option.name, getattr(option, "variable", ""), getattr(option, "key", ""))
    )
    return any(isinstance(name, str) and _KEYS.search(name) for name in named)


def _whole(value: Value) -> Value:
    """The mapping of which these are the keys or values."""
    views = isinstance(value, Call) and value.method in ("values", "keys") and not value.args
    return value.receiver if isinstance(value, Call) and views and value.receiver is not None else value


def _may_be_key(value: Value) -> bool:
    """A setting, or a literal that is long enough, among the names of a mapping."""
    if isinstance(value, Constant):
        return isinstance(value.value, str) and len(value.value) >= LONG
    return isinstance(value, (EnvironmentValue, ConfigValue))


def _are_words(value: Value) -> bool:
    """``in ("true", "1", "yes")``: literals that are too short for a key."""
    return (
        isinstance(value, Sequence)
        and bool(value.items)
        and not value.open
        and all(isinstance(one, Constant) and len(str(one.value)) < SHORTEST for one in value.items)
    )


def _after_membership(facts: SourceFacts, item: Item, seen: set[Span]) -> bool:
    """That the same function has already tested membership: one cause, one place."""
    return item.span is not None and any(
        facts.function_around(span) == facts.function_around(item.span) for span in seen
    )


def _kept(facts: SourceFacts, value: Value) -> Certainty | None:
    """How sure it is that the collection holds keys in clear; None when it is no such collection."""
    for option in options(value):
        for followed in facts.followed(option):
            match followed:
                case Sequence() | Mapping() | EnvironmentValue() | ConfigValue():
                    return "certain"
                case Call(callee=callee) if callee.startswith("flask.request"):
                    return None
                case Call() | Unknown() if any(
                    isinstance(one, (EnvironmentValue, ConfigValue)) for one in walk(followed, 6)
                ):
                    return "certain"
                case Call(callee=callee) if _LOADED.fullmatch(callee) or _reads_settings(facts, callee):
                    return "certain"
                case Item() if _is_of_a_file(followed):
                    return "certain"
                case Call(callee="set" | "list" | "frozenset" | "tuple" | "dict"):
                    return "certain"
                case Name(dotted=dotted) if not dotted.startswith("flask.") and "key" in dotted.lower():
                    return "likely"
                case Member(attribute=name) if "key" in name.lower():
                    return "likely"
                case _:
                    pass
    return None


def _is_of_a_file(value: Value) -> bool:
    """``yaml.safe_load(file)["clients"]``: what stands in a file under a literal name."""
    while isinstance(value, Item) and isinstance(value.key, Constant):
        value = value.owner
    return isinstance(value, Call) and _LOADED.fullmatch(value.callee) is not None


def _reads_settings(facts: SourceFacts, function: str) -> bool:
    """That a function of the project makes what it gives back of variables of the environment, whichever: ``split_of("KEYS")``."""
    return any(
        isinstance(part, EnvironmentValue) or (isinstance(part, Name) and part.dotted == "os.environ")
        for one in facts.returns_of(function)
        for part in walk(one.value, 6)
    )


def _look_ups(facts: SourceFacts) -> Iterator[tuple[Item, Span]]:
    """Items of a dict of the project under a key that is no literal."""
    seen: set[int] = set()
    met: dict[int, int] = {}
    for value, span in _values(facts):
        for inner in inner_unmet(value, Item, met, 8):
            if id(inner) not in seen:
                seen.add(id(inner))
                if any(_is_table(facts, one) for owner in options(inner.owner) for one in facts.followed(owner)):
                    yield inner, span


def _is_table(facts: SourceFacts, value: Value, steps: int = 2) -> bool:
    """That it is a dict of the project or of a file, or what a function of the project makes one of."""
    match value:
        case Mapping() | ConfigValue():
            return True
        case Call(callee=callee) if _LOADED.fullmatch(callee) or callee == "dict":
            return True
        case Item() if _is_of_a_file(value):
            return True
        case Call(callee=callee) if steps:
            made = (option for one in facts.returns_of(callee) for option in options(one.value))
            return any(_is_table(facts, one, steps - 1) for one in made)
        case _:
            return False


def _values(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    for assignment in facts.assignments():
        yield assignment.value, assignment.span
    for condition in facts.conditions():
        yield condition.value, condition.span
    for returned in facts.returns():
        yield returned.value, returned.span
    for comparison in facts.comparisons("==", "!=", "is", "is not"):
        yield comparison.left, comparison.span
        yield comparison.right, comparison.span


def fix(app: App, hit: Hit) -> Edit | None:
    """Each key held against what was sent in constant time; to be looked at, because the keys still lie there as they are."""
    facts = source_of(app)
    found = next((one for one in facts.comparisons("in", "not in") if one.span == hit.span), None)
    if found is None or any(item.owner == found.right for item in facts.all_lookups):
        return None  # ``if key in KEYS: return KEYS[key]`` looks it up again
    return each_in_constant_time(found)


RULE = Rule(
    slug="api-key-plaintext-membership-test",
    family="api-key",
    title="API key tested by membership in a collection of plaintext keys",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(
        208,
        256,
    ),
    owasp="API2:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="Stopper's `@api_key` finds a key by its id and compares keyed hashes in constant time.",
    certainty="certain",
    detect=detect,
    fix=fix,
)
