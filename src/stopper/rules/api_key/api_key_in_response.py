"""Whoever reads one answer, or a copy of it in a cache or a log, can act as the client."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, cast

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.left_out import is_spread
from stopper.core.flow.shown_fields import (
    declared_fields,
    gives_text,
    is_dump,
)
from stopper.core.keys.api_key_names import is_of_browsers
from stopper.core.keys.keys_by_use import is_key_by_use
from stopper.core.keys.keys_in_objects import dumps_key, is_record_with_key
from stopper.core.keys.keys_in_whole_rows import is_key_column, key_columns, shows_key_of_row
from stopper.core.keys.rows_of_keys import KEY_ITSELF, is_kept_key, is_key_of_row, is_shown_by_key_model
from stopper.core.origins import UPSTREAM
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.answers import honest_answers
from stopper.core.rule import Hit, Rule
from stopper.core.stores.sql_tables import columns_read
from stopper.core.values import (
    Call,
    Caught,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    is_constant,
    options,
    parts,
    text_of,
    walk,
)

MESSAGE: Final = "a stored API key is given out in an answer"
_ONCE: Final = re.compile(
    r"(?i)create|issue|generate|new|rotate|regenerate|register|sign_?up|make|reset|roll|renew|login|add|mint|post"
)
_MASKS: Final = re.compile(r"(?i)mask|redact|hash|digest|prefix|last|short|preview|obscure|censor|sha|hide|partial")
_SECRET_SETTING: Final = re.compile(r"(?i)(?<!public)_(?:secret|api|access|private|signing)_?(?:key|token)$")
_VALUE: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9._~+/=-]{12,}")
_NAMES: Final = re.compile(r"(?i)(?:^|_)(?:name|label|title)$")
_NOTHING: Final = (Truth, Constant, Name, Parameter, Caught)
"""What gives no stored key away: it says yes or no, stands there in clear, or has nothing inside."""
ROUTES: Final = {"quick": 12, "standard": 30, "deep": 80}


def detect(app: App) -> Iterator[Hit]:
    """A member or setting that is called a key, in what a view returns, unless the view has just made it."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows("response", "response-header"):
        if (
            not _ONCE.search(flow.function.rpartition(".")[2])
            and (
                flow.sink == "response"
                or (flow.detail.lower() != "authorization" and facts.routes_reaching(flow.function))
            )
            and _gives(facts, flow.value, flow.function)
            and (flow.span.path, flow.span.line) not in seen
        ):
            seen.add((flow.span.path, flow.span.line))
            if _is_stored(facts, flow.value) or any(
                shows_key_of_row(facts, flow.function, one) for one in walk(flow.value, 3)
            ):
                yield Hit(MESSAGE, flow.span)
            else:
                message = f"{MESSAGE}, by its name: look whether it is stored, and whose it is"
                yield Hit(message, flow.span, certainty="possible", severity="low")
    lines = {span for span in (*_serialised(facts), *_by_schema(facts)) if (span.path, span.line) not in seen}
    for span in sorted(lines):
        yield Hit(MESSAGE, span)


def _is_stored(facts: SourceFacts, value: Value) -> bool:
    """That what is called a key stands in a setting, or in a column or field that a class of the project declares."""
    held = list(walk(value, 8))
    if any(isinstance(one, (ConfigValue, EnvironmentValue)) for one in held) or any(
        isinstance(one, Call) and (one.method in _ROWS or columns_read(one)) for one in held
    ):
        return True
    declared = facts.once("names of declared keys", lambda: _declared_keys(facts))
    words = {one.attribute for one in held if isinstance(one, Member)}
    words |= {text_of(one.key) or "" for one in held if isinstance(one, Item)}
    words |= {one.dotted.rpartition(".")[2] for one in held if isinstance(one, Name)}
    return not declared.isdisjoint(words)


def _declared_keys(facts: SourceFacts) -> frozenset[str]:
    found: set[str] = set()
    for one in facts.classes():
        found |= {name for name, held in one.attributes.items() if isinstance(held, Call)} | set(one.fields)
    return frozenset(name for name in found if is_key_column(name) or name in KEY_ITSELF)


_ROWS: Final = frozenset({"fetchone", "fetchall", "first", "one", "fetchmany"})
_NO_TEXT: Final = frozenset({"Function", "Method", "Nested", "List", "Boolean", "Bool", "Column", "mapped_column"})
_LEFT_OUT: Final = ("exclude", "load_only")
_MARSHALS: Final = frozenset({"marshal_with", "marshal_list_with"})
_ANSWERS_BY: Final = frozenset({"response", "output", "doc", *_MARSHALS})


def _by_schema(facts: SourceFacts) -> Iterator[Span]:
    """A field of a schema that answers are made by: ``api_key = fields.Str()`` without ``load_only``."""
    shown: set[str] = set()
    for call in facts.calls("*.dump", "*.dumps", "*.jsonify"):
        if call.receiver is not None and not _ONCE.search(call.function.rpartition(".")[2]):
            shown |= {one.callee for one in walk(call.receiver, 3) if isinstance(one, Call)}
    for function in facts.functions():
        if _ONCE.search(function.name.rpartition(".")[2]):
            continue
        for one in function.decorators:
            if one.call is None or one.call.method not in _ANSWERS_BY:
                continue
            for inner in walk(one.call, 3):
                shown.add(getattr(inner, "callee", "") or getattr(inner, "dotted", ""))
            for fields in one.call.args if one.call.method in _MARSHALS else ():
                yield from (
                    one.span for key, field in declared_fields(fields) if is_key_column(key) and gives_text(field)
                )
    shown |= {one.name for one in facts.classes("graphene.ObjectType", "graphene.types.objecttype.ObjectType")}
    for found in facts.classes() if shown else ():
        listed = classes_by_name(facts).get(f"{found.name}.Meta") if found.name in shown else None
        named = listed.attributes.get("fields") if listed is not None else None
        if isinstance(named, Sequence) and any(is_key_column(text_of(one) or "") for one in named.items):
            yield named.span or found.span
        if listed is not None and named is None and any(base.endswith("AutoSchema") for base in found.bases):
            model = listed.attributes.get("model")
            out = {text_of(one) for word in _LEFT_OUT for one in walk(listed.attributes.get(word), 2)}
            columns = classes_by_name(facts).get(model.dotted) if isinstance(model, Name) else None
            if key_columns(columns) - out - found.attributes.keys():
                yield found.span
        for name, field in found.attributes.items() if found.name in shown else ():
            if is_key_column(name) and isinstance(field, Call) and field.span is not None and _is_written(field):
                yield field.span


def _is_written(field: Call) -> bool:
    """That the field gives out what it holds: not one that is only read, made by a function, or a record of its own."""
    return field.method not in _NO_TEXT and not is_constant(field.keyword("load_only"), True)


_SHOWS: Final = re.compile(
    r"(?:(?:to|as|get|for)_)?(?:\w*dict|\w*json|serializ\w*|public\w*|represent\w*|describe\w*|summary|details?|info|view|payload|response)"
)


def _serialised(facts: SourceFacts) -> Iterator[Span]:
    """``"api_key": self.api_key`` in what a model makes of itself, and what views return as a plain dict."""
    for returned in facts.returns():
        last = returned.function.rpartition(".")[2]
        shows = _SHOWS.fullmatch(last) is not None or facts.is_view(returned.function)
        if not shows or _ONCE.search(last):
            continue
        function, value = returned.function, returned.value
        if _gives(facts, value, function) or is_shown_by_key_model(facts, function, value):
            yield returned.span


_LIKE_A_KEY: Final = re.compile(r"[\w.:+/=-]{12,}")


@lru_cache(maxsize=16384)
def _is_masked(name: str) -> bool:
    return _MASKS.search(name) is not None


def _gives(
    facts: SourceFacts, value: Value, function: str, depth: int = 8, name: str = "", met: "dict[tuple[int, str], tuple[int, Value]] | None" = None
) -> bool:  # fmt: skip
    """That a stored key is seen in the value; ``name`` is what it is called in the answer, ``met`` what was looked through in vain as deep."""
    met = {} if met is None else met
    if depth < 0 or met.get((id(value), name), (-1, value))[0] >= depth:
        return False
    met[id(value), name] = depth, value
    if isinstance(value, Name):
        return _is_of_somebody(value.dotted) or _is_declared(facts, value.dotted) or is_kept_key(facts, value.dotted)
    if isinstance(value, _NOTHING):
        # A literal that is read through a field or name which says that it is a key.
        return (
            isinstance(value, Constant)
            and is_key_column(value.name)
            and _LIKE_A_KEY.fullmatch(str(value.value)) is not None
        )
    match value:
        case Mapping(items=items):
            over = frozenset(said for key, _ in items if (said := text_of(key)) is not None)
            return shows_key_of_row(facts, function, value) or any(
                dumps_key(facts, inner, over)
                if is_spread(key) and is_dump(inner)
                else not _is_masked(said := text_of(key) or "") and _gives(facts, inner, function, depth - 1, said, met)
                for key, inner in items
            )
        case Member(attribute=attribute):
            return (is_key_column(attribute) or is_key_of_row(facts, value)) and not _is_fresh(facts, value)
        case ConfigValue(key=key, default=kept) | EnvironmentValue(variable=key, default=kept):
            return (
                not is_constant(kept, "{}", "[]")
                and not is_of_browsers(key)
                and (
                    is_key_column(key)
                    or is_key_column(value.name)
                    or _SECRET_SETTING.search(key) is not None
                    or is_key_by_use(facts, value)
                )
            )
        case Unknown(parts=(Call(method=method),)) if method in _ROWS:  # ``name, api_key = row``
            return is_key_column(name)
        case Call(method=method, callee=callee) if (method in _ROWS or facts.function(callee) is not None) and (
            columns := columns_read(value)
        ):  # ``SELECT owner, api_key FROM …``
            return any(map(is_key_column, columns))
        case Item(key=Constant(value=int(place)), owner=owner) if columns := columns_read(owner):
            return 0 <= place < len(columns) and is_key_column(columns[place])
        case Item(key=Constant(value=int()), owner=owner) if is_key_column(name):  # a column of a row
            return any(isinstance(one, Call) and one.method in _ROWS for one in walk(owner, 4))
        case Item(key=Item(), owner=owner) if is_dump(owner):  # ``for name, value in asdict(self).items()``
            return not _sifts(facts, function) and dumps_key(facts, owner)
        case Item(key=key):
            # ``user_name=event.get("api_key", "unknown")``: which one it was
            return (
                not _NAMES.search(name)
                and any(is_key_column(text_of(one) or "") for one in options(key))
                and not _is_sent(value)
            )
        case Call(method="Column" | "mapped_column" | "CharField" | "StringField" | "TextField"):
            return is_key_column(name)  # a column of the model, read through self
        case Call(callee="flask.jsonify" | "dict", keywords=keywords):
            named = any(
                not _is_masked(said) and _gives(facts, inner, function, depth - 1, said, met)
                for said, inner in keywords
            )
            return (
                named
                or any(_gives(facts, one, function, depth - 1, met=met) for one in value.args)
                or any(is_record_with_key(facts, one) for one in (*value.args, *(inner for _, inner in keywords)))
            )
        case Call(method="find_one" | "find", args=(_, Mapping(items=chosen), *_)):
            return any(is_key_column(text_of(said) or "") and is_constant(held, 1, True) for said, held in chosen)
        case Call() if is_dump(value) and dumps_key(facts, value):
            return True
        case Call(callee=callee) if (
            _is_masked(callee) or callee in ("bool", "len") or callee.startswith("flask.render")
        ):
            return False
        case Call(callee=callee) if _SIGNS.match(callee):
            return False  # a key that signs or encrypts is not in what it signed
        case Call(method=method) if method in ("get", "filter_by", "query", "execute", "first", "check", "verify"):
            return False
        case Call(callee=callee) if UPSTREAM.fullmatch(callee) or _asks_another(facts, callee):
            return False  # what another service answers, which may need the key
        case Choice(every=True, options=several):
            return _gives(
                facts, several[-1], function, depth - 1, name, met
            )  # ``row and row["owner"]`` is never the row
        case Call(callee=callee) if facts.function(callee) is not None:
            told = (*value.args, *(inner for _, inner in value.keywords))  # its object may hold a key that it uses
            return any(_gives(facts, part, function, depth - 1, name, met) for part in told)
        case _:
            return any(_gives(facts, part, function, depth - 1, name, met) for part in parts(value))


def _sifts(facts: SourceFacts, function: str) -> bool:
    """That the function looks at names, and may leave one out: ``if name != "api_key"``."""
    return any(one.operator in ("!=", "not in", "in", "==") for one in facts.comparisons_in(function))


def _asks_another(facts: SourceFacts, callee: str) -> bool:
    """``return requests.get(…).json()``: all that a function of the project gives back."""
    made = facts.function(callee)
    return (
        made is not None
        and bool(made.returns)
        and all(isinstance(one, Call) and one.method == "json" and one.receiver is not None for one in made.returns)
    )


_SIGNS: Final = re.compile(r"(?:jwt|jose|authlib|joserfc|hmac|hashlib|itsdangerous|cryptography|flask_jwt_extended)\.")
_SOMEBODY: Final = re.compile(
    r"(?:flask_login|flask_jwt_extended|flask_security(?:\.\w+)?|flask_praetorian)\.current_user|flask\.g\.\w+|flask_httpauth\.\w+\.current_user"
)


def _is_of_somebody(dotted: str) -> bool:
    """``current_user.api_key``: the key that the record of somebody holds."""
    owner, _, last = dotted.rpartition(".")
    return _SOMEBODY.fullmatch(owner) is not None and is_key_column(last)


def _is_declared(facts: SourceFacts, dotted: str) -> bool:
    """``self.api_key`` of a class that declares it by its type alone: ``api_key: Mapped[str]``."""
    owner, _, last = dotted.rpartition(".")
    known = classes_by_name(facts).get(owner) if is_key_column(last) else None
    return known is not None and last in known.fields


def _is_sent(value: Item) -> bool:
    """That the caller has sent it, and gets it back."""
    return any(isinstance(one, Name) and one.dotted.startswith("flask.request") for one in walk(value, 4))


def _is_fresh(facts: SourceFacts, value: Member) -> bool:
    """That the owner was made in the same breath: ``ApiKey(key=…).key``."""
    owner = value.owner
    return isinstance(owner, Call) and owner.function != "" and owner.callee in classes_by_name(facts)


def probe(target: Target) -> Steps[Verdict]:
    """Read what can be read, and look for a member that is called a key and holds one."""
    asked = 0
    for ref, exchange in (yield from honest_answers(target))[: ROUTES[target.depth]]:
        asked += 1
        held = exchange.response.json() if exchange.response.succeeded else None
        if name := _found(held) or (_listed(held) if _OF_KEYS.search(ref.path) else None):
            evidence = [Evidence("exchange", f"the member {name} holds a key", exchange)]
            return failed(f"{ref} gives out a key as {name}", [ref], evidence)
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"{asked} answers hold no member that is an API key")


_OF_KEYS: Final = re.compile(r"(?i)/(?:api[-_]?)?(?:keys|tokens)/?$")
_CALLED: Final = ("key", "value", "secret", "token")


def _listed(value: object) -> str | None:
    """The member of the things that a list of keys holds in which a whole one stands: ``GET /keys`` answers ``[{"key": "…"}]``."""
    held_in = [*cast("dict[str, object]", value).values()] if isinstance(value, dict) else [value]
    rows = next((cast("list[object]", one) for one in held_in if isinstance(one, list)), list[object]())
    for row in rows[:20]:
        for name, held in cast("dict[str, object]", row).items() if isinstance(row, dict) else ():
            if name.lower() in _CALLED and isinstance(held, str) and _VALUE.fullmatch(held) and "*" not in held:
                return name
    return None


def _found(value: object, depth: int = 6) -> str | None:
    """The name of a member that holds a key in clear."""
    if depth == 0:
        return None
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            if isinstance(inner, str) and is_key_column(name) and not _MASKS.search(name) and _VALUE.fullmatch(inner):
                return name
            if found := _found(inner, depth - 1):
                return found
    if isinstance(value, list):
        return next((found for one in cast("list[object]", value)[:20] if (found := _found(one, depth - 1))), None)
    return None


RULE = Rule(
    slug="api-key-in-response",
    family="api-key",
    title="API key in an answer",
    harm=__doc__ or "",
    severity="critical",
    check="data-exposure",
    cwe=(200,),
    owasp="API3:2023",
    asvs=("V14.2.6",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@api_key` stores only a hash, so that no route can give a key back.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
