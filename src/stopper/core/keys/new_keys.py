"""Where a key that was just made is kept as it is: in a column by default, in a row, in a document, under a name in a store."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Item, Mapping, Member, Name, Value, text_of, walk

MAKERS: Final = re.compile(r"(?:secrets\.token_(?:hex|urlsafe|bytes)|uuid\.uuid[14]|os\.urandom|random\..*)")
HASH: Final = re.compile(r"(?i)hash|digest|hmac|sha|prefix|fingerprint")
MODEL: Final = re.compile(
    r"(?i)(?:api|access|client|service|machine|integration|device|partner|agent)_?(?:keys?|accounts?|tokens?|credentials?)|api_?(?:token|client)s?"
)
"""What a model or a table of keys is called."""
_IN_DIGEST: Final = re.compile(r"(?i)(?:^|_)key_?(?:hash(?:ed)?|digest|fingerprint|sha\d+)$")
_OF_LINKS: Final = re.compile(r"(?i)reset|invit|verif|confirm|activat|magic|session|otp|etag|upload|download|file")
"""Functions of what opens one thing once, and of things that are no credentials."""
_SOFT: Final = frozenset({"key", "token", "value", "secret"})
"""What a key is called in a table of keys."""
_COLUMNS: Final = frozenset({"Column", "mapped_column", "CharField", "TextField", "StringField", "Field", "field"})
_DOCUMENTS: Final = tuple(
    f"*.{word}"
    for word in (
        "insert_one", "insert_many", "insert", "update_one", "replace_one", "find_one_and_update", "put_item", "update_item", "hset", "hmset", "hsetnx",
        "set", "setex", "add", "sadd", "document",
    )
)  # fmt: skip
_STORES: Final = (
    "pymongo",
    "flask_pymongo",
    "mongoengine",
    "boto3",
    "redis",
    "flask_redis",
    "valkey",
    "google.cloud.firestore",
    "firebase_admin",
    "tinydb",
)


def is_new(value: Value) -> bool:
    """That the value is a random text as it was made, perhaps with a prefix."""
    for one in walk(value, 4):
        if isinstance(one, Call):
            if re.search(r"hashlib|hmac|hash|digest|encrypt", one.callee):
                return False
            if MAKERS.fullmatch(one.callee):
                return True
    return False


def names_key(name: str, table: str = "") -> bool:
    """That a column or field of that name, in a table of that name, holds a key."""
    return not HASH.search(name) and (is_key_name(name) or (name.lower() in _SOFT and MODEL.search(table) is not None))


def kept_as_made(facts: SourceFacts) -> Iterator[Span]:
    """The places where a new key is kept in clear, other than a statement in SQL and an attribute of a model."""
    for found in facts.classes():
        for name, column in found.attributes.items():
            if isinstance(column, Call) and column.method in _COLUMNS and column.span is not None:
                made = column.keyword("default", "default_factory", "insert_default")
                if made is not None and names_key(name, found.name.rpartition(".")[2]) and _makes(facts, made):
                    yield column.span
    for call in facts.calls("*.values"):
        table = table_of(call.receiver)
        if (
            table
            and call.span is not None
            and any(names_key(name, table) and is_new(one) for name, one in call.keywords)
        ):
            yield call.span
    for call in facts.calls(*_DOCUMENTS) if facts.imports(*_STORES) else ():
        if call.span is not None and call.function and _keeps(call):
            yield call.span


def digests_kept(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    """What is kept as the digest of a key, by a name or in a model that says so: ``ApiKey(digest=hashed(raw))``, ``{"key_hash": hashed(raw)}``."""
    for call, name, value in passed_as(facts, HASH.search):
        if "prefix" in name.lower():
            continue  # its first letters, by which people know it again
        if call.span is not None and (_IN_DIGEST.search(name) or MODEL.fullmatch(call.callee.rpartition(".")[2])):
            yield value, call.span
    for one in facts.assignments():
        if _IN_DIGEST.search(one.attribute):
            yield one.value, one.span
    for call in facts.calls(*_DOCUMENTS) if facts.imports(*_STORES) else ():
        for part in (part for given in call.args for part in walk(given, 3) if isinstance(part, Mapping)):
            said = ((text_of(key) or "", held) for key, held in part.items)
            yield from ((held, call.span) for name, held in said if call.span and _IN_DIGEST.search(name))


def given_out_with_digest(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    """``add(name, sha256(key.encode()).hexdigest())`` with ``return key`` below it, whatever the function is called: what is given out once,
    and known again by its digest."""
    for call in facts.calls_matching(r"hashlib\.(?:sha\d\w*|blake2\w|md5|new)|hmac\.(?:new|digest)"):
        if call.span is None or not call.function or _OF_LINKS.search(call.function):
            continue
        answered = {id(part) for one in facts.returns_of(call.function) for part in walk(one.value, 4)}
        for given in call.args:
            bare = given.receiver if isinstance(given, Call) and given.method == "encode" else given
            if isinstance(bare, (Call, Format)) and id(bare) in answered:
                yield bare, call.span


def _makes(facts: SourceFacts, value: Value) -> bool:
    """That a default is a random text, or a function that gives one."""
    function = facts.function(value.dotted) if isinstance(value, Name) else None
    return is_new(value) or (function is not None and any(map(is_new, function.returns)))


def table_of(value: Value | None) -> str:
    """What the table of a statement of SQLAlchemy Core is called; ``""`` where there is none."""
    for one in walk(value, 8):
        if isinstance(one, Call) and one.method == "Table" and one.args:
            return text_of(one.args[0]) or ""
    return ""


def _keeps(call: Call) -> bool:
    """``update_one({…}, {"$set": {"apiKey": fresh}})``, ``hset("apikeys", fresh, …)``, ``set(f"apikey:{fresh}", …)``."""
    table = collection_of(call)
    for value in (*call.args, *(one for _, one in call.keywords)):
        for part in walk(value, 4):
            if isinstance(part, Mapping):
                pairs = ((text_of(key) or "", held) for key, held in part.items)
                if any(names_key(name, table) and is_new(held) for name, held in pairs):
                    return True
    if call.method == "document":  # ``db.collection("api_keys").document(key)``
        named = (text_of(part) or "" for part in walk(call.receiver, 4))
        return any(map(MODEL.search, named)) and any(map(is_new, call.args))
    said = " ".join(str(part.value) for one in call.args[:2] for part in _words(one))
    return MODEL.search(said) is not None and not HASH.search(said) and any(map(is_new, call.args[:2]))


def collection_of(call: Call) -> str:
    """``api_keys`` of ``db.api_keys.insert_one(…)``, ``db["api_keys"]`` and ``dynamodb.Table("api_keys")``."""
    match call.receiver:
        case Member(attribute=name):
            return name
        case Name(dotted=dotted):
            return dotted.rpartition(".")[2]
        case Item(key=key):
            return text_of(key) or ""
        case Call(args=(first, *_)):
            return text_of(first) or ""
        case _:
            return ""


def _words(value: Value) -> Iterator[Constant]:
    for part in value.parts if isinstance(value, Format) else (value,):
        if isinstance(part, Constant) and isinstance(part.value, str):
            yield part


def column_of_keys(value: Value) -> bool:
    """``machine_keys.c.secret``: a column of a table of keys, called like one."""
    if (
        not isinstance(value, Member)
        or not isinstance(value.owner, Member)
        or value.owner.attribute not in ("c", "columns")
    ):
        return False
    return names_key(value.attribute, table_of(value.owner.owner))
