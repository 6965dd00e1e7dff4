"""A key that leaked stays good, and nobody can tell whose it is."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import ClassFact, TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.keys.api_key_names import is_key_name, is_shown_key, reads_keys
from stopper.core.keys.new_keys import collection_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Mapping,
    Name,
    Value,
    options,
    text_of,
    walk,
)

_MODEL: Final = re.compile(
    r"(?:\w*_?)?(?:API|Api|Access|Client|Service)_?(?:Key|Token)s?(?:Models?|Records?|Entity|Rows?|Table|Orm)?"
)
_ANY_KEY: Final = re.compile(r"[A-Z][A-Za-z]*Keys?")
_OTHER_KEY: Final = re.compile(
    r"(?i)public|private|ssh|gpg|pgp|sign|encrypt|host|foreign|primary|idempot|cache|recovery|reset|trans|license"
)
_DIGEST: Final = re.compile(r"(?i)hash|digest|hmac")
_PARTS: Final[dict[str, re.Pattern[str]]] = {
    "an owner": re.compile(
        r"(?i)owner|user|client|account|tenant|org|customer|merchant|company|shop|member|project|team|created_by|service|partner|operator|device|branch|site|depot|station|consumer|holder|vendor|supplier|label|issued_to|name|[a-z]_id$"
    ),
    "an expiry": re.compile(r"(?i)expir|valid_?(?:until|to)|not_after|ttl|ends?_at"),
    "a revoked flag": re.compile(r"(?i)revoked|active|enabled|disabled|status|deleted|blocked"),
    "a scope": re.compile(r"(?i)scope|permission|role|grant|capabilit|allowed"),
    "a last use": re.compile(r"(?i)last_?(?:used|seen|use|access)|used_at"),
}
_HASHED: Final = re.compile(r"(?i)(?:api|access|client)_?key_?(?:hash|digest|hmac)|hashed_(?:api_?)?key")
_KEPT_BESIDE: Final = re.compile(
    r"(?i)(?:(?:api|access|client|device|service|partner|consumer)_?)?key_?(?:hash|digest|hmac|fingerprint|sha_?\d+)|hashed_(?:api_?)?key"
)
"""The digest of a key in the row of whoever has it."""
_OF_PEOPLE: Final = re.compile(r"(?i)user|account|person|member|employee|admin|profile")
_HOLDS: Final = re.compile(r"(?i)key|token|hash|digest|secret")
_NEEDED: Final = ("an owner", "an expiry", "a revoked flag")
_STEP: Final = re.compile(r"(?:^|/)(?:migrations?|alembic)/")
"""Where steps of a database lie, with a copy of what models were once."""
_NAMED: Final = re.compile(r"(?i)(?:\w+_)?(?:api|access|client)_?(?:keys?|tokens?)")
_TABLE: Final = re.compile(
    r"(?is)create\s+table\s+(?:if\s+not\s+exists\s+)?[\"`]?(?:\w+_)?(?:api|access|client)_?(?:keys?|tokens?)[\"`]?\s*\((.*)\)"
)


_ADDED: Final = re.compile(r"(?i)\badd\s+column\s+(?:if\s+not\s+exists\s+)?[\"`]?(\w+)")
"""A column that a later step gives to some table."""


def detect(app: App) -> Iterator[Hit]:
    """Models and tables of keys without a life, and one key for everybody."""
    facts = source_of(app)
    stored = False
    for found in facts.classes():
        if _is_model_of_keys(facts, found) and _is_record(found) and not _STEP.search(found.span.path):
            stored = True
            if lacks := _lacks(_columns(facts, found), found.name):
                yield Hit(f"the model of keys has no place for {', '.join(lacks)}", found.span)
        elif lacks := _lacks_with_its_holder(facts, found):
            yield Hit(f"the model that keeps a key for each client has no place for {', '.join(lacks)}", found.span)
    for call in facts.calls("*.execute", "*.executescript"):
        table = _TABLE.search(text_of(call.args[0]) or "") if call.args else None
        if table is not None:
            stored = True
            if lacks := _lacks(tuple(re.findall(r"(?:^|,)\s*[\"`]?(\w+)", table[1])), table[0]):
                yield Hit(f"the table of keys has no place for {', '.join(lacks)}", call.span)
    added = tuple(name for file in facts.files_of("sql") for line in file.lines for name in _ADDED.findall(line))
    for file in facts.files_of("sql"):
        for number, statement in _statements(file):
            table = _TABLE.search(statement)
            if table is not None:
                stored = True
                if lacks := _lacks((*re.findall(r"(?:^|,)\s*[\"`]?(\w+)", table[1]), *added), table[0]):
                    place = Span(file.path, number, number, 1, len(file.lines[number - 1]) + 1)
                    yield Hit(f"the table of keys has no place for {', '.join(lacks)}", place)
    for call in facts.calls("*.Table"):
        name = text_of(call.args[0]) if call.args else None
        if name and _NAMED.fullmatch(name) and call.span is not None and not _STEP.search(call.span.path):
            stored = True
            columns = [text_of(one.args[0]) or "" for one in call.args if isinstance(one, Call) and one.args]
            if lacks := _lacks(tuple(columns), name):
                yield Hit(f"the table of keys has no place for {', '.join(lacks)}", call.span)
    for call, names in _documents(facts):
        stored = True
        if lacks := _lacks(names, collection_of(call)):
            yield Hit(f"the documents of keys have no place for {', '.join(lacks)}", call.span)
    stored = stored or any(_keeps_hash(found) for found in facts.classes())
    if not stored and reads_keys(facts):
        yield from _global_key(facts)


def _documents(facts: SourceFacts) -> Iterator[tuple[Call, tuple[str, ...]]]:
    """``db.api_keys.insert_one({…})`` with the names of its fields, where all of them stand there and one holds a key or its digest."""
    for call in facts.calls("*.insert_one"):
        if call.args and isinstance(call.args[0], Mapping) and _NAMED.fullmatch(collection_of(call)):
            names = tuple(text_of(key) or "" for key, _ in call.args[0].items)
            if not call.args[0].open and any(_HOLDS.search(name) for name in names):
                yield call, names


def _statements(file: TextFile) -> Iterator[tuple[int, str]]:
    """Each statement that makes a table, with the line that it begins in."""
    for number, line in file.lines_with("create"):
        if line.lstrip().startswith("--"):
            continue
        yield number, "\n".join(file.lines[number - 1 :]).partition(";")[0]


def _is_model_of_keys(facts: SourceFacts, found: ClassFact) -> bool:
    """``ApiKey`` by its name; ``PartnerKey`` where it holds a digest and the application reads keys from requests."""
    name = found.name.rpartition(".")[2]
    if _MODEL.fullmatch(name) or _NAMED.fullmatch(_table(found)):
        return True
    if not _ANY_KEY.fullmatch(name) or _OTHER_KEY.search(name):
        return False
    return any(_DIGEST.search(column) for column in _columns(facts, found)) and reads_keys(facts)


def _table(found: ClassFact) -> str:
    """``__tablename__ = "api_keys"``, ``meta = {"collection": "api_keys"}``"""
    meta = found.attributes.get("meta")
    said = found.attributes.get("__tablename__") or (meta.get("collection") if isinstance(meta, Mapping) else None)
    return text_of(said) or ""


def _lacks_with_its_holder(facts: SourceFacts, found: ClassFact) -> list[str]:
    """What a row of a client lacks that has the digest of its key beside it: neither the key nor the client can be ended."""
    name = found.name.rpartition(".")[2]
    if not found.bases or _OF_PEOPLE.search(name) or _STEP.search(found.span.path) or not reads_keys(facts):
        return []
    columns = _columns(facts, found)
    if not any(map(_KEPT_BESIDE.fullmatch, columns)) or not _is_record(found):
        return []
    ends = ("an expiry", "a revoked flag")
    return list(ends) if not any(_PARTS[part].search(one) for part in ends for one in columns) else []


def _columns(facts: SourceFacts, found: ClassFact, depth: int = 4) -> tuple[str, ...]:
    """The columns of a model, with those of the project's classes that it comes from."""
    above = [one for base in found.bases if depth and (one := classes_by_name(facts).get(base)) is not None]
    inherited = [name for one in above for name in _columns(facts, one, depth - 1)]
    return (*found.attributes, *found.fields, *inherited)


def _keeps_hash(found: ClassFact) -> bool:
    """That rows of another name, of clients say, have a key each."""
    return bool(found.bases) and any(_HASHED.search(name) for name in (*found.attributes, *found.fields))


def _is_record(found: ClassFact) -> bool:
    """That the class holds a key, or its hash, among other columns."""
    if any(
        base.endswith(("Schema", "Error", "Exception", "Resource", "MethodView", "Form", "Enum"))
        for base in found.bases
    ):
        return False
    return bool(found.bases or found.decorators) and any(
        _HOLDS.search(name) and (name in found.fields or not isinstance(value, Constant))  # a literal is no column
        for name, value in (*found.attributes.items(), *((name, None) for name in _declared(found)))
    )


def _declared(found: ClassFact) -> Iterator[str]:
    """Fields that their type alone declares: of a data class, or as ``Mapped``. What is only annotated is filled from elsewhere."""
    for name, said in found.fields.items():
        if found.decorators or any(isinstance(one, Name) and one.dotted.endswith(".Mapped") for one in walk(said, 2)):
            yield name


_OF_A_LOGIN: Final = re.compile(r"(?i)access_?tokens?\b")
"""What a log-in gives out, and a log-out deletes: it needs an end, and no more."""


def _lacks(names: tuple[str, ...], what: str) -> list[str]:
    """The parts of a key's life for which what is called so has no place."""
    if _OF_A_LOGIN.search(what.partition("(")[0]) and any(map(_PARTS["an expiry"].search, names)):
        return []
    lacking = [part for part, pattern in _PARTS.items() if not any(pattern.search(name) for name in names)]
    return lacking if any(part in _NEEDED for part in lacking) else []


def _global_key(facts: SourceFacts) -> Iterator[Hit]:
    """One setting that every caller's key is held against."""
    pairs = [(one.left, one.right, one.span) for one in facts.comparisons("==", "!=")]
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest"):
        pairs += [(call.args[0], call.args[1], call.span)] if len(call.args) == 2 and call.span is not None else []
    told: set[str] = set()
    for left, right, span in pairs:
        for shown, wanted in ((left, right), (right, left)):
            bearer = _is_of_keys(wanted) and facts.derives(_bare(shown), "authorization-header", by_name=False)
            if _is_setting(wanted) and (bearer or is_shown_key(facts, _bare(shown))):
                name = _name(wanted)
                if name and name in told:
                    break  # the same key, compared in another place
                told.add(name)
                yield Hit(
                    "one key serves every caller: it has no owner, no scope and no end", span, certainty="possible"
                )
                break


def _is_of_keys(value: Value) -> bool:
    """``os.environ["API_TOKEN"]``: a setting that is called a key."""
    return is_key_name(_name(value))


def _name(value: Value) -> str:
    """The variable or setting that a value is read from."""
    bare = _bare(value)
    return bare.variable if isinstance(bare, EnvironmentValue) else bare.key if isinstance(bare, ConfigValue) else ""


def _is_setting(value: Value) -> bool:
    bare = _bare(value)
    return any(
        isinstance(one, (EnvironmentValue, ConfigValue)) or (isinstance(one, Constant) and is_key_name(one.name))
        for one in options(bare)
    )


def _bare(value: Value) -> Value:
    receiver = getattr(value, "receiver", None)
    return receiver if receiver is not None and getattr(value, "method", "") in ("encode", "strip") else value


RULE = Rule(
    slug="api-key-lifecycle-missing",
    family="api-key",
    title="API keys that nobody can tell apart, end or revoke",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V13.3.4",),
    surfaces=("source",),
    ends="Stopper's keys have owner, scopes, expiry and last use, and `@api_key` refuses revoked ones.",
    certainty="likely",
    detect=detect,
)
