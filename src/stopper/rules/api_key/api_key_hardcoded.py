"""Everybody who can read the code, or its history, has the key."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.desk_files import MADE_UP
from stopper.core.edits.environment_edits import named_from_environment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.flow.passing import given
from stopper.core.keys.api_key_names import is_key_name, is_of_browsers, is_shown_key, reads_keys
from stopper.core.keys.key_shapes import FAKE, STANDS_IN, is_drawn, is_marked_key, key_in
from stopper.core.keys.keys_by_use import is_key_by_use, sent_credentials
from stopper.core.naming import may_be_key, sensitive
from stopper.core.place import Span
from stopper.core.redaction.providers import first_format
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Parameter,
    Sequence,
    Value,
    literals,
    options,
    text_of,
)

MESSAGE: Final = "an API key is written in the code"
SHORTEST: Final = 8
_DRAWN: Final = 16
_FAKE: Final = re.compile(
    rf"(?i){STANDS_IN}|<.*>|\{{|\.\.\.|^(?:none|null|todo|test|secret|x-[\w-]+|api[_-]?key|key|string|header|query)$|not.?set|insert|^(?:my|auth|some)[_-](?:api[_-]|secret[_-])?(?:key|token|secret)$|redacted|^(?:test|sample)(?:[-_][a-z]+)+$|^aws4_request$"
)
_COLLECTION: Final = re.compile(
    r"(?i)(?:.*_)?(?:api|access|service|client|valid|partner|allowed|admin|internal|master|root)_?keys(?:_.*)?"
)
_OF_ANYTHING: Final = re.compile(r"(?i)(?:.*_)?(?:valid|allowed)_?keys(?:_.*)?")
_FIELD: Final = re.compile(r"_?[a-z]+(?:_[a-z]+)*|[A-Z]+(?:_[A-Z]+)*")
"""What a field, a column or a setting is called."""
_PACKED: Final = frozenset(
    {
        "base64.b64decode",
        "base64.urlsafe_b64decode",
        "base64.b32decode",
        "base64.b16decode",
        "bytes.fromhex",
        "binascii.unhexlify",
        "codecs.decode",
    }
)
_ADDRESS: Final = re.compile(r"https?://")
_URL: Final = re.compile(r"^(?:https?|redis|postgres\w*)://|^[\w.-]+/[\w./-]*$|^\w+\.\w+(?:\.\w+)*$|\s")


def detect(app: App) -> Iterator[Hit]:
    """Literals in settings, constants, defaults and comparisons, and texts that carry a provider's mark."""
    facts = source_of(app)
    places: dict[tuple[str, int], tuple[Span, Certainty]] = {}
    for span, certainty in _places(facts):
        if not MADE_UP.search(span.path):
            places.setdefault((span.path, span.line), (span, certainty))
    keys = _keys_of_lines(facts) if places else {}
    known: dict[str, str] = {}
    for line, (span, certainty) in places.items():
        again = [known.setdefault(key, span.path) != span.path for key in keys.get(line, ())]
        if again and all(again):
            continue  # the same key once more, in another file
        yield Hit(MESSAGE, span, certainty=certainty)


def _keys_of_lines(facts: SourceFacts) -> dict[tuple[str, int], list[str]]:
    """The texts of each line that may be keys; a header's name is none, and two keys may come under one name."""
    found: dict[tuple[str, int], list[str]] = {}
    for text in facts.texts():
        if not _FAKE.search(text.value) and not is_key_name(text.value):
            found.setdefault((text.span.path, text.span.line), []).append(text.value)
    return found


def _has_mark(text: str) -> bool:
    """That a key of a known provider stands in it. Signs of one kind alone are no key, nor is a part of an address that looks like one."""
    found = first_format(text)
    if found is None or _FAKE.search(text) or FAKE.search(found.group()) or not is_marked_key(found.group()):
        return False
    return _ADDRESS.match(text) is None or key_in(text) is not None


def _places(facts: SourceFacts) -> Iterator[tuple[Span, Certainty]]:
    for text in facts.texts():
        if not text.value.startswith("eyJ") and _has_mark(text.value):
            yield text.span, "certain"
    for write in facts.config_writes():
        if write.loaded is not False and "test" not in write.owner.rpartition(".")[2].lower():
            yield from _held(write.key, write.value, write.span)
            by_use = is_key_by_use(facts, ConfigValue(write.key)) and not _is_about_key(write.key)
            if by_use and any(_is_key(one) for one in literals(write.value)):
                yield write.span, "likely"
    met: dict[int, int] = {}
    for one in facts.assignments():
        table = one.value if not one.function and isinstance(one.value, Mapping) else None
        named = _is_about_key(one.attribute) or _is_collection(one.attribute) or may_be_key(one.attribute)
        if table is None and not named:
            continue  # most have other names
        if _is_used_again(one.value, one.span):
            continue
        yield from _held(one.attribute, one.value, one.span)
        if table is not None:
            yield from _in_table(table, met)
    yield from _in_comparisons(facts)
    yield from _in_collections(facts)
    yield from _in_calls(facts)


def _is_used_again(value: Value, place: Span) -> bool:
    """``key = API_KEY``: the literal stands elsewhere, under a name that is told there."""
    said = literals(value)
    return bool(said) and all(
        one.span is not None and not place.holds(one.span) and one.name != "" and _is_about_key(one.name)
        for one in said
    )


def _held(name: str, value: Value, span: Span) -> Iterator[tuple[Span, Certainty]]:
    if isinstance(value, Parameter) and isinstance(value.default, Constant):
        value = value.default
    value = _unpacked(value)
    if _is_about_key(name) and any(
        _is_key(one) and not _repeats(one, name) for one in literals(value) if not isinstance(value, Item)
    ):
        yield span, "certain" if isinstance(value, Constant) else "likely"
    elif may_be_key(name) and not is_of_browsers(name) and any(_is_drawn(one) for one in options(value)):
        yield span, "likely"
    elif _is_collection(name):
        for option in options(value):
            if _holds(option) and not (_OF_ANYTHING.fullmatch(name) and _names_fields(option)):
                yield span, "likely"
                return


def _is_drawn(value: Value) -> bool:
    """That a generator made the text, by its look: what a name leaves open is told by it."""
    return isinstance(value, Constant) and _is_key(value) and len(text := str(value.value)) >= _DRAWN and is_drawn(text)


def _unpacked(value: Value) -> Value:
    """The literal in ``base64.b64decode("…").decode()``, which whoever reads the code unpacks too, and in ``Field(default="…")``."""
    inner = value
    while isinstance(inner, Call):
        if inner.callee in _PACKED and inner.args:
            inner = inner.args[0]
        elif inner.method in ("Field", "field") and (default := inner.argument(0, "default")) is not None:
            inner = default
        elif inner.method in ("decode", "strip", "encode") and inner.receiver is not None:
            inner = inner.receiver
        else:
            return value
    return inner if isinstance(inner, Constant) else value


def _in_table(table: Mapping, met: dict[int, int], depth: int = 4) -> Iterator[tuple[Span, Certainty]]:
    """``HEADERS = {"X-API-Key": "…"}`` of a module or class, and tables in tables. What is in ``met`` was looked through as deep."""
    if met.get(id(table), 0) >= depth:
        return
    met[id(table)] = depth
    for key, value in table.items:
        name = text_of(key) or ""
        if isinstance(value, Mapping):
            yield from _in_table(value, met, depth - 1)
        elif is_key_name(name) and _is_about_key(name) and isinstance(value, (Constant, EnvironmentValue)):
            for one in literals(value):
                if one.span is not None and _is_key(one) and not _repeats(one, name):
                    yield one.span, "likely"


_WORDS: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")


@lru_cache(maxsize=16384)
def _is_collection(name: str) -> bool:
    return _COLLECTION.fullmatch(name) is not None


def _repeats(literal: Constant, name: str) -> bool:
    """That the text is the name again, as in a list of permissions, or with something before it: it names a thing, it opens none."""
    said = str(literal.value).lower().replace("-", "_")
    return (
        said in name.lower()
        or said.endswith(f"_{name.lower()}")
        or (_WORDS.fullmatch(said) is not None and said.replace("_", "").startswith(name.lower().replace("_", "")))
    )


def _holds(value: Value) -> bool:
    """That a collection holds literal keys: as items, as names of a dict, or as its values."""
    if isinstance(value, Sequence):
        return any(isinstance(one, Constant) and _is_key(one) for one in value.items)
    if isinstance(value, Mapping):
        return any(isinstance(one, Constant) and _is_key(one) for pair in value.items for one in pair)
    return False


def _names_fields(value: Value) -> bool:
    """That all that is listed are names of fields or settings: the keys that a mapping may have."""
    return isinstance(value, Sequence) and all(_FIELD.fullmatch(text_of(one) or "") for one in value.items)


@lru_cache(maxsize=16384)
def _is_about_key(name: str) -> bool:
    return sensitive(name) == "api-key" or (
        is_key_name(name) and not re.search(r"(?i)auth_?key|access_?key_?id|header|name", name)
    )


def _is_key_in_use(name: str) -> bool:
    return _is_about_key(name) or name.lower() in ("key", "appid", "app_id")


def _is_key(literal: Constant) -> bool:
    text = literal.value.decode("latin-1") if isinstance(literal.value, bytes) else literal.value
    if not isinstance(text, str) or len(text) < SHORTEST or not any(map(str.isalnum, text)):
        return False
    if _FAKE.search(text) or _URL.search(text):
        return False
    return any(char.isdigit() for char in text) or "-" in text or "_" in text or len(text) >= 20


def _in_comparisons(facts: SourceFacts) -> Iterator[tuple[Span, Certainty]]:
    for comparison in facts.comparisons("==", "!=", "in", "not in"):
        for shown, wanted in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
            held = (
                isinstance(wanted, Constant)
                and wanted.span is not None
                and comparison.span.holds(wanted.span)
                and _is_key(wanted)
            )
            if (
                held
                or (
                    isinstance(wanted, Sequence)
                    and wanted.span
                    and comparison.span.holds(wanted.span)
                    and _holds(wanted)
                )
            ) and is_shown_key(facts, shown):
                yield comparison.span, "certain"
        if comparison.operator in ("==", "!="):
            yield from _from_elsewhere(facts, (comparison.left, comparison.right), comparison.span)


def _in_collections(facts: SourceFacts) -> Iterator[tuple[Span, Certainty]]:
    """``KEYS.get(key)``, ``key in KEYS``: literals that stand elsewhere in a collection of any name, and that a shown key is looked for among."""
    handed = facts.imports("flask_httpauth", "apiflask")
    asks = handed or reads_keys(facts)
    asked = [(one.left, one.right) for one in facts.comparisons("in", "not in")] if asks else []
    asked += [(one.key, one.owner) for one in facts.all_lookups] if asks else []
    for shown, kept in asked:
        several = (
            kept.items
            if isinstance(kept, Sequence)
            else [key for key, _ in kept.items]
            if isinstance(kept, Mapping)
            else ()
        )
        keys = [one for one in several if isinstance(one, Constant) and _is_key(one)]
        if not keys or len(keys) < len(several) or kept.span is None or facts.is_test(kept.span):
            continue
        if is_shown_key(facts, shown) or (handed and _is_handed_token(facts, shown)):
            yield kept.span, "likely"


def _is_handed_token(facts: SourceFacts, value: Value) -> bool:
    """The token that Flask-HTTPAuth has taken from the header for ``@auth.verify_token``."""
    function = facts.function(value.function) if isinstance(value, Parameter) and value.index == 0 else None
    return function is not None and any(one.name.endswith(".verify_token") for one in function.decorators)


def _in_calls(facts: SourceFacts) -> Iterator[tuple[Span, Certainty]]:
    """``hmac.compare_digest(key, "literal")``, a keyword ``api_key="literal"``, a variable that is set where nobody did, a header of an
    outbound call."""
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest"):
        if (
            len(call.args) == 2
            and call.span
            and any(is_shown_key(facts, one) for one in call.args)
            and any(
                isinstance(one, Constant) and one.span and call.span.holds(one.span) and _is_key(one)
                for one in call.args
            )
        ):
            yield call.span, "certain"
        elif len(call.args) == 2 and call.span:
            yield from _from_elsewhere(facts, call.args, call.span)
    for call, name, value in passed_as(facts, is_key_name):
        if (
            isinstance(value, Constant)
            and value.span
            and call.span
            and call.span.holds(value.span)
            and _is_key(value)
            and not _repeats(value, name)
        ):
            yield call.span, "likely"
    for call in facts.calls("os.environ.setdefault"):
        if len(call.args) == 2 and call.span is not None:
            yield from _held(text_of(call.args[0]) or "", call.args[1], call.span)
    for name, held in sent_credentials(facts):
        for literal in _literals_of(facts, held) if _is_key_in_use(name) else ():
            if literal.span is not None and _is_key(literal) and not facts.is_test(literal.span):
                yield literal.span, "likely"
    for flow in facts.flows("outbound-headers"):
        pair = flow.value.items if isinstance(flow.value, Sequence) else ()
        if len(pair) > 1 and is_key_name(text_of(pair[0]) or ""):  # ``auth=("apikey", "…")``
            for one in literals(pair[1]):
                if one.span is not None and _is_key(one):
                    yield one.span, "likely"
        for option in options(flow.value):
            if isinstance(option, Mapping):
                for key, value in option.items:
                    if (
                        is_key_name(text_of(key) or "")
                        and isinstance(value, Constant)
                        and value.span
                        and flow.span.holds(value.span)
                        and _is_key(value)
                    ):
                        yield flow.span, "certain"


def _literals_of(facts: SourceFacts, value: Value) -> list[Constant]:
    """The literals that it may be, also those that a function of the project gives back for it: ``key_for(tenant)``."""
    made = (one for one in options(value) if isinstance(one, Call))
    return [
        *literals(value),
        *(text for one in made for given in facts.returns_of(one.callee) for text in literals(given.value)),
    ]


def _from_elsewhere(facts: SourceFacts, compared: tuple[Value, ...], place: Span) -> Iterator[tuple[Span, Certainty]]:
    """Literals that stand elsewhere under names that do not say it: members of an enumeration, rows of a table, what a parameter is
    by its default or by a caller."""
    for shown, wanted in (compared, compared[::-1]):
        while isinstance(wanted, Call) and wanted.method in ("encode", "strip") and wanted.receiver is not None:
            wanted = wanted.receiver
        meant = given(facts, wanted) if isinstance(wanted, Parameter) else (wanted,)
        found = [one for said in meant for one in options(said) if isinstance(one, Constant) and _is_key(one)]
        if found and (is_shown_key(facts, shown) or _is_sent_key(facts, shown)):
            for span in (one.span or place for one in found):
                if not facts.is_test(span):
                    yield span, "likely"


def _is_sent_key(facts: SourceFacts, value: Value) -> bool:
    return any(label.kind == "request-header" and is_key_name(label.source) for label in facts.labels(value))


def fix(app: App, hit: Hit) -> Edit | None:
    """The key out of the environment, where it is one literal; the environment must have a new one then."""
    return named_from_environment(source_of(app), hit.span)


RULE = Rule(
    slug="api-key-hardcoded",
    family="api-key",
    title="API key written in the code",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(798,),
    owasp="API2:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="Stopper's `STOPPER_SECRETS` names a file, a vault or a variable, and the code holds no key.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
