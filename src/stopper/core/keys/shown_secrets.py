"""What somebody who logs in shows, also as a digest, beside what the database has."""

from stopper.core.account_names import is_password_name, said_name
from stopper.core.facts import SourceFacts
from stopper.core.stores.found_rows import FINDS
from stopper.core.values import Call, Item, Member, Value, walk


def is_shown(facts: SourceFacts, side: Value) -> bool:
    """That one side of a comparison is what the request says, or a digest of it; a row's member is none, whatever the row was asked by."""
    if _is_of_a_row(facts, side):
        return False
    return facts.derives(side, "request-data") or any(
        facts.derives(given, "request-data") for digest in _digests(facts, side) for given in digest.args
    )


def says_password(facts: SourceFacts, value: Value) -> bool:
    """A password, or a digest of one: ``WHERE name = ? AND password = ?`` with ``md5(password)``."""
    if facts.derives(value, "password"):
        return True
    return any(facts.derives(given, "password") for digest in _digests(facts, value) for given in digest.args)


def is_secret(facts: SourceFacts, side: Value) -> bool:
    """A password by its label, or by what the column or member is called: ``row["pw"]``."""
    return facts.derives(side, "password") or is_password_name(said_name(side))


def says_secret(facts: SourceFacts, side: Value) -> bool:
    """The same, or a digest of it: ``scrypt(password, salt=salt)``."""
    return is_secret(facts, side) or says_password(facts, side)


def runs_statement(facts: SourceFacts, name: str) -> bool:
    """``one("SELECT … WHERE pw = ?", digest)``: a function of the project that hands a statement on."""
    return facts.function(name) is not None and any(call.method == "execute" for call in facts.calls_in(name))


def _digests(facts: SourceFacts, value: Value) -> list[Call]:
    return [part for part in walk(value, 8) if isinstance(part, Call) and _is_digest(facts, part)]


def _is_digest(facts: SourceFacts, call: Call) -> bool:
    if call.callee.startswith("hashlib."):
        return True
    made = facts.returns_of(call.callee) if facts.function(call.callee) is not None else ()
    return any(
        isinstance(part, Call) and part.callee.startswith("hashlib.") for one in made for part in walk(one.value, 4)
    )


def _is_of_a_row(facts: SourceFacts, side: Value) -> bool:
    """``row["password"]`` of ``row = execute(f"… {name}").fetchone()``."""
    inner: Value | None = side
    while isinstance(inner, (Item, Member)):
        inner = inner.owner
    if inner is side or not isinstance(inner, Call):
        return False
    return inner.method in FINDS or runs_statement(facts, inner.callee)
