"""Whoever reads the table of hashes tries billions of passwords a second until they fit."""

import re
from collections.abc import Iterator
from typing import Final, TypeGuard

from stopper.core.account_names import is_clear_password, is_password_name, makes_password_hash, said_name
from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.followed_values import through
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import given
from stopper.core.labels import UNTRUSTED
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Item, Member, Name, Parameter, Value, text_of, walk

_HASHES: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s")  # fmt: skip
_DIRECT: Final = (
    *(f"hashlib.{name}" for name in _HASHES),
    *(f"Crypto.Hash.{name}.new" for name in ("MD4", "MD5", "SHA", "SHA1", "SHA256", "SHA512")),
    *(f"passlib.hash.hex_{name}.hash" for name in ("md4", "md5", "sha1", "sha256", "sha512")),
    *(f"passlib.hash.{name}.hash" for name in ("md5_crypt", "des_crypt", "ldap_md5", "ldap_sha1", "ldap_salted_md5", "ldap_salted_sha1", "ldap_salted_sha256", "ldap_salted_sha512", "nthash", "lmhash", "mysql323", "mysql41")),
    "zlib.crc32", "hashlib.new", "hmac.new", "hmac.digest",
)  # fmt: skip
_OF_DATABASE: Final = (
    r"(?:sqlalchemy|flask_sqlalchemy|peewee)(?:\.\w+)*\.(?:func|fn)\.(?:md5|MD5|sha1|SHA1|sha2|SHA2|sha256|sha512)"
)
_IN_SQL: Final = re.compile(
    r"(?i)\b(?:password|passwd|pwd)\w*[\"`]?\s*=\s*(?:md5|sha1?|sha2|sha256|old_password|password)\s*\("
)
_METHOD: Final = re.compile(r"(?i)(hmac:)?(plain|md5|sha1|sha224|sha256|sha384|sha512)(:.*)?")
_SLOW: Final = re.compile(r"(?i)bcrypt|argon2|scrypt|pbkdf2|generate_password_hash|PasswordHasher|CryptContext")
_PASSWORD_FUNCTION: Final = re.compile(
    r"(?i)(hash|encrypt|set|check|verify|make)_?(user_?)?(password|passwd|pwd|pw)\b|password_?hash"
)
_PASSWORD_PLACE: Final = re.compile(
    r"(?i)(password|passwd|pwd)[^.]*\.\w+$|(hash|check|verify|make|set)_?(password|passwd|pwd)$"
)
_SETTER: Final = re.compile(r"(?i)_?(plain_?|raw_?|new_?)?(password|passwd|pwd)")
_CONTEXT: Final = "passlib.context.CryptContext"
_DRAWS: Final = re.compile(r"os\.urandom|secrets\.\w+|uuid\.uuid[14]|random\.(?:SystemRandom\.)?\w+|time\.time(?:_ns)?")
_BREACHES: Final = re.compile(r"(?i)pwned|breach|hibp|leaked|compromised")
_SCHEMES: Final = re.compile(
    r"(?i)(hex_|ldap_)?(md4|md5|sha1|sha256|sha512)(_crypt)?|plaintext|nthash|lmhash|des_crypt"
)
_BASIC: Final = "flask.request.authorization.password"
_CLIENTS: Final = re.compile(r"(?i)client|service|device|machine|consumer")
"""What a table of programs and their secrets is called."""
_ROW_OF_CLIENT: Final = re.compile(
    r"(?:^|\.)(?!(?:Mongo|Async|Redis|Http|Test)\w*Client)\w*(?:Client|Device|Service|Consumer|Machine)\.(?:query|objects|get|find|select|filter)"
)
_SETS: Final = r"(?i).*\.set_?(?:user_?)?(?:password|passwd|pwd)"
_DIGESTS: Final = frozenset({"hexdigest", "digest", "finalize"})
_FAST_SCHEME: Final = frozenset({"sha256_crypt", "sha512_crypt"})


def detect(app: App) -> Iterator[Hit]:
    """A fast hash over a password, wherever a library takes one."""
    facts = source_of(app)
    slow: set[Span] | None = None
    told: set[str] = set()
    for call in sorted(facts.calls(*_DIRECT), key=lambda one: one.span.line if one.span else 0):
        certainty = _about_password(facts, call)
        if certainty is None or _asks_breaches(facts, call) or _is_of_a_client(facts, call):
            continue
        home = f"{call.function} {call.callee}"
        if call.function and home in told:
            continue  # one function that knows two old forms
        slow = _before_a_slow_hash(facts) if slow is None else slow
        if call.span not in slow and not _only_logged(facts, call):
            told.add(home)
            name = call.method if call.method not in ("new", "digest", "hash") else "a fast hash"
            if _is_sent_on(facts, call):
                message = f"a password is hashed with {name} for another service: look whether it wants it so"
                yield Hit(message, call.span, certainty="possible", severity="low")
            else:
                yield Hit(f"a password is hashed with {name}", call.span, certainty=certainty)
    for call in facts.calls("*.generate_password_hash"):
        method = text_of(call.argument(1, "method"))
        if method is not None and _METHOD.fullmatch(method):
            yield Hit(f"werkzeug is told to hash passwords with {method}", call.span)
    for call in facts.calls("*.update"):
        made = call.receiver
        if (
            isinstance(made, Call)
            and (made.callee in _DIRECT or made.callee.endswith("primitives.hashes.Hash"))
            and any(is_clear_password(facts, one) or _sets_password(facts, one) for one in call.args[:1])
        ):
            if not call.function or f"{call.function} update" not in told:
                yield Hit("a password is hashed with a fast hash", call.span)
            told.add(f"{call.function} update")
    for made in _given_to_setter(facts):
        if f"{made.function} {made.callee}" not in told and f"{made.function} update" not in told:
            yield Hit("a password is set to what a fast hash made", made.span)
    yield from _by_database(facts)
    yield from _settings(app, facts)


def _is_sent_on(facts: SourceFacts, call: Call) -> bool:
    """That the function asks another service, or that one does which it gives the hash back to."""
    asking = {flow.function for flow in facts.flows("outbound-url")} - {""}
    calling = {one.function for one in facts.calls(call.function)} if call.function else set[str]()
    given_back = any(part is call for one in facts.returns_of(call.function) for part in walk(one.value, 5))
    return call.function in asking or (given_back and not calling.isdisjoint(asking))


def _given_to_setter(facts: SourceFacts) -> Iterator[Call]:
    """``user.set_password(md5(typed).hexdigest())``, of a class that is not of the project."""
    for call in facts.calls_matching(_SETS):
        digest = call.argument(0) if facts.function(call.callee) is None else None
        made = digest.receiver if isinstance(digest, Call) and digest.method in _DIGESTS else None
        if isinstance(made, Call) and (made.callee in _DIRECT or made.callee.endswith("primitives.hashes.Hash")):
            yield made


def _by_database(facts: SourceFacts) -> Iterator[Hit]:
    """``func.md5(password)``, ``WHERE password = MD5(?)``"""
    for call in facts.calls_matching(_OF_DATABASE):
        if any(is_clear_password(facts, one) for one in call.args):
            yield Hit("the database hashes a password with a fast hash", call.span)
    for call in facts.calls("*.execute", "*.raw", "*.query", "*.fetch_one"):
        said = (text_of(one) for one in walk(call.argument(0), 4))
        if any(text and _IN_SQL.search(text) for text in said):
            yield Hit("the database hashes a password with a fast hash", call.span)


def _sets_password(facts: SourceFacts, value: Value) -> bool:
    """What the setter of a ``password`` is given, under whatever name, also where it hands that on to a function that hashes."""
    hashed = [one for one in walk(value, 3) if isinstance(one, Call) and makes_password_hash(one)]
    inside = {
        id(part) for one in hashed for part in walk(one, 3)
    }  # ``self.password_hash`` is what a slow hash has made
    held = [part for part in walk(value, 3) if isinstance(part, Parameter) and id(part) not in inside]
    held += [
        part for one in held for said in given(facts, one) for part in walk(said, 1) if isinstance(part, Parameter)
    ]
    return any(_SETTER.fullmatch(_word(one.function)) for one in held)


def _word(function: str) -> str:
    """The name of a function; the second of one name, as the setter of a property is, has a prime behind it."""
    return function.rpartition(".")[2].rstrip("'")


def _settings(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """Passlib's and Flask-Security's choice of scheme."""
    made = [*facts.calls(_CONTEXT)]
    foreign: set[Span | None] = _only_verify(facts) if made else set()
    for call in made:
        if call.span in foreign:
            continue
        first = call.argument(0, "schemes")
        names = [text for one in walk(first, 2) if (text := text_of(one)) is not None]
        names = [said] if (said := text_of(call.keyword("default"))) is not None else names
        if names and _SCHEMES.fullmatch(names[0]) and names[0] not in _FAST_SCHEME:
            yield Hit(f"passlib hashes new passwords with {names[0]}", call.span)
    for write in facts.config_writes("SECURITY_PASSWORD_HASH"):
        text = text_of(write.value)
        if text and text != "plaintext" and _SCHEMES.fullmatch(text) and text not in _FAST_SCHEME:
            yield Hit(f"Flask-Security hashes passwords with {text}", write.span)


def _only_verify(facts: SourceFacts) -> set[Span | None]:
    """Where contexts of passlib are made that are asked whether a password fits, and never for a new hash: they know the forms of
    foreign tables."""

    def asked(*methods: str) -> set[Span | None]:
        receivers = (part for call in facts.calls(*methods) for part in walk(call.receiver, 3))
        return {part.span for part in receivers if isinstance(part, Call) and part.callee == _CONTEXT}

    return asked("*.verify") - asked("*.hash", "*.encrypt", "*.verify_and_update")


def _writes_a_line(value: Value) -> bool:
    return isinstance(value, Call) and value.method in ("debug", "info", "warning", "error", "log")


def _only_logged(facts: SourceFacts, call: Call) -> bool:
    """That the hash is made for a line of a log, and kept nowhere."""
    if call.span is None:
        return False
    if any(flow.span.holds(call.span) for flow in facts.flows("log")):
        return True
    logged = any(part is call for flow in facts.flows("log") for part in walk(flow.value, 6))
    kept = [one.value for one in facts.assignments_in(call.function)]
    kept += [one.value for one in facts.returns_of(call.function) if not _writes_a_line(one.value)]
    return logged and not any(part is call for value in kept for part in walk(value, 6))


def _about_password(facts: SourceFacts, call: Call) -> Certainty | None:
    position = 1 if call.callee in ("hashlib.new", "hmac.new", "hmac.digest") else 0
    values = [*call.args[position : position + 1]]
    values += [value for name, value in call.keywords if name in ("data", "string", "msg", "secret")]
    if any(is_clear_password(facts, value) or _sets_password(facts, value) for value in values):
        # A helper that signs anything is given hashes of passwords too: what it is told to sign has to say that it is one.
        told = (
            any(_says_password(facts, value) for value in values) or _PASSWORD_PLACE.search(call.function) is not None
        )
        return "certain" if not call.callee.startswith("hmac.") or told else None
    if any(_is_drawn(value) for value in values):
        return None  # a salt
    if values and _PASSWORD_FUNCTION.search(_word(call.function)) and not any(isinstance(one, Name) for one in values):
        return "likely"
    return None


def _is_drawn(value: Value) -> bool:
    return any(isinstance(one, Call) and _DRAWS.fullmatch(one.callee) for one in walk(value, 4)) and not any(
        isinstance(one, Parameter) for one in walk(value, 4)
    )


def _says_password(facts: SourceFacts, value: Value) -> bool:
    """By its name. What stands under it in a row is a hash already: ``hmac.new(key, user["password"].encode(), …)`` makes a mark of it."""
    return any(
        is_password_name(said_name(one)) and not (isinstance(one, (Item, Member)) and _is_row(facts, one.owner))
        for one in walk(value, 3)
    )


def _is_row(facts: SourceFacts, owner: Value) -> bool:
    """That no caller wrote it, and no view is handed it."""
    return not any(label.kind in UNTRUSTED for label in labels_of(facts, owner)) and not any(
        isinstance(part, Parameter) and facts.is_view(part.function) for part in walk(owner, 2)
    )


def _asks_breaches(facts: SourceFacts, call: Call) -> bool:
    """The hash is what a service of leaked passwords is asked with: SHA-1 is its protocol and nothing is stored."""
    written_in = facts.function_around(call.span) if call.span is not None else ""  # else the only caller's
    if _BREACHES.search(call.function) or _BREACHES.search(written_in):
        return True
    return any(
        _BREACHES.search(text)
        for one in facts.calls_in(call.function)
        for value in one.args[:1]
        for part in walk(value, 4)
        if (text := text_of(part)) is not None
    )


def _is_of_a_client(facts: SourceFacts, call: Call) -> bool:
    """The secret of a program, which comes where a person's password would (RFC 6749 §2.3.1): it was drawn at random, and nobody guesses it."""
    basic = any(isinstance(part, Name) and part.dotted == _BASIC for value in call.args for part in walk(value, 4))
    if not basic:
        return False
    held = [side for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    if any(text_of(side) == "client_credentials" for side in held):
        return True
    held += [one for other in facts.calls_in(call.function) if other.method == "compare_digest" for one in other.args]
    kept = [side.owner if isinstance(side, (Item, Member)) else side.receiver for side in held if _is_looked_up(side)]
    return any(owner is not None and _is_of_programs(owner) for owner in kept)


def _is_looked_up(side: Value) -> TypeGuard[Item | Member | Call]:
    """``clients[name]``, ``client.secret_hash``, ``machines.get(name, "-")``"""
    return isinstance(side, (Item, Member)) or (isinstance(side, Call) and side.method == "get")


def _is_of_programs(owner: Value) -> bool:
    """A setting that is called after programs, or a row of a model that is; what a database is reached by is called a client too."""
    return any(
        (isinstance(part, EnvironmentValue) and _CLIENTS.search(part.variable))
        or (isinstance(part, ConfigValue) and _CLIENTS.search(part.key))
        or (isinstance(part, Call) and _ROW_OF_CLIENT.search(part.callee))
        for part in walk(owner, 6)
    )


def _before_a_slow_hash(facts: SourceFacts) -> set[Span]:
    """The places of calls whose result goes into a slow hash; a small function is read anew at each call of it."""
    found: set[Span] = set()
    for call in facts.calls_matching(
        r"(?i).*(hashpw|checkpw|gensalt|generate_password_hash|check_password_hash|pbkdf2_hmac|scrypt|\.hash|\.verify)"
    ):
        if _SLOW.search(call.callee) and facts.function(call.callee) is None:  # what is called so may be anything
            made = (part for value in call.args for part in through(facts, value, 2, 8) if isinstance(part, Call))
            found.update(part.span for part in made if part.span is not None)
    return found


def fix(app: App, hit: Hit) -> Edit | None:
    """PBKDF2 with today's rounds for werkzeug, whose hashes say how they were made: those that are stored still fit. Every version of it knows
    that, and ``scrypt`` only those from 2.3 on; a hash is longer than before, so the column has to be looked at."""
    for call in calls_at(source_of(app), hit.span):
        if call.method == "generate_password_hash":
            place = "1" if call.keyword("method") is None else "method"
            return passing(call, (place, '"pbkdf2:sha256:600000"'), safe=False)
    return None


RULE = Rule(
    slug="password-fast-hash",
    family="account",
    title="Password hashed with a fast hash",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(916,),
    owasp="API2:2023",
    asvs=("V11.4.2",),
    surfaces=("source",),
    ends="Stopper's service hashes every password with Argon2id.",
    repeats=("api-key-weak-hash",),
    detect=detect,
    fix=fix,
)
