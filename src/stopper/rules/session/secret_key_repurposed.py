"""What leaks of the key in one place breaks sessions and the other thing alike."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import given as given_for
from stopper.core.labels import UNTRUSTED
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Member,
    Name,
    Parameter,
    Value,
    options,
    parts,
    walk,
)

_USES: Final = {
    re.compile(r"hashids\.Hashids|flask_hashids\.\w+|sqids\.Sqids"): "salts ids that are shown to everybody",
    re.compile(r"cryptography\.fernet\.(Multi)?Fernet"): "encrypts other data",
    re.compile(r"(Crypto|Cryptodome)\.Cipher\.\w+\.new"): "encrypts other data",
    re.compile(
        r"cryptography\.hazmat\.primitives\.ciphers\.(aead\.\w+|Cipher|algorithms\.\w+|base\.Cipher)"
    ): "encrypts other data",
    re.compile(
        r"nacl\.secret\.(SecretBox|Aead)|jwcrypto\.jwe\.JWE|(jose|joserfc)\.jwe\.encrypt\w*"
    ): "encrypts other data",
    re.compile(r"sqlalchemy_utils(\.\w+)*\.(String)?EncryptedType"): "encrypts other data",
    re.compile(r"simplecrypt\.(en|de)crypt|cryptocode\.(en|de)crypt"): "encrypts other data",
    re.compile(r"hashlib\.(pbkdf2_hmac|scrypt|sha\d+|md5|blake2\w)"): "is hashed into something else",
    re.compile(r"cryptography\.hazmat\.primitives\.kdf\.\w+(\.\w+)?\.derive"): "is made into another key",
    re.compile(
        r"(werkzeug\.security|flask_bcrypt(\.Bcrypt)?|passlib\.hash\.\w+|argon2(\.PasswordHasher)?|bcrypt)\.(generate_password_hash|check_password_hash|hash|hashpw|verify)"
    ): "is mixed into passwords",
    re.compile(r"(hmac\.new|hmac\.digest|hmac\.HMAC)"): "signs something that is no session",
}
_ANY_USE: Final = re.compile("|".join(f"(?:{one.pattern})" for one in _USES))
_DERIVES: Final = re.compile(r"\.primitives\.kdf\.")
_CHANCE: Final = re.compile(r"os\.urandom|secrets\.token_|uuid\.uuid4|secrets\.randbits")
_SPELL: Final = frozenset(
    {"encode", "bytes", "bytearray", "str", "ljust", "digest", "hexdigest", "format", "join", "get"}
)
"""Calls that give the key in another form."""


def detect(app: App) -> Iterator[Hit]:
    """The key, read from the settings, as an argument of a call that has nothing to do with the session."""
    facts = source_of(app)
    if not any(True for _ in facts.config_writes("SECRET_KEY")) and not facts.imports("flask"):
        return
    found = list(_uses(facts))
    for call, what in found:
        on_the_way = what.startswith(("is hashed", "is made")) and any(
            other is not call and other.function == call.function and not said.startswith(("is hashed", "is made"))
            for other, said in found
        )
        if not on_the_way:  # the key of a cipher is told where the cipher is made
            sure: Certainty | None = "certain" if "salts" in what or "encrypts" in what else None
            yield Hit(f"SECRET_KEY also {what}", call.span, certainty=sure)


def _uses(facts: SourceFacts) -> Iterator[tuple[Call, str]]:
    for call in facts.calls("?.derive"):
        made = call.receiver
        if not isinstance(made, Call) or not _DERIVES.search(made.callee):
            continue
        if any(_is_key(part) for value in call.args for part in _made_from(value, facts)):
            yield call, "is made into another key"
    used = any(True for _ in facts.calls_matching(_ANY_USE.pattern))
    for pattern, what in _USES.items() if used else ():
        for call in facts.calls_matching(pattern.pattern):
            given: list[Value] = [*call.args, *(value for _, value in call.keywords)]
            if pattern.pattern.startswith("(hmac") and _is_label(call.argument(1, "msg", "message")):
                continue  # one key for each purpose, derived by its name
            if pattern.pattern.startswith("(hmac") and _is_of_chance(facts, call):
                continue
            if any(_is_key(part) for value in given for part in _made_from(value, facts)):
                yield call, what
    for call in _opens_doors(facts):
        yield call, "lets callers in"


def _opens_doors(facts: SourceFacts) -> Iterator[Call]:
    """``compare_digest(request.headers.get("X-Admin"), app.secret_key)``: whoever calls with the key that signs sessions comes in."""
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest"):
        for one, other in (call.args, call.args[::-1]) if len(call.args) == 2 else ():
            sent = facts.derives(other, "authorization-header", *UNTRUSTED, by_name=False)
            if sent and any(map(_is_key, _made_from(one, facts))):
                yield call


def _is_of_chance(facts: SourceFacts, call: Call) -> bool:
    """``hmac.new(key, os.urandom(32))`` whose message nobody sees: it makes a key of chance, which never has to be made again."""
    message = call.argument(1, "msg", "message")
    drawn = [one for one in walk(message, 4) if isinstance(one, Call) and _CHANCE.match(one.callee)]
    others = [one for one in facts.calls_in(call.function) if one is not call and one.method not in _SPELL]
    shown = [value for one in others for value in (*one.args, *dict(one.keywords).values())]
    shown += [one.value for one in facts.assignments_in(call.function)]
    shown += [one.value for one in facts.returns_of(call.function)]
    return bool(drawn) and not any(_goes_out(value, drawn, call) for value in shown)


def _goes_out(value: Value, drawn: list[Call], but: Call) -> bool:
    """That the value has one of those in it by another way than through that call, or a way to write it."""
    level = [value]
    for _ in range(8):
        level = [one for one in level if one is not but and not (isinstance(one, Call) and one.method in _SPELL)]
        if any(one is drawn_one for one in level for drawn_one in drawn):
            return True
        level = [inner for one in level for inner in parts(one)]
    return False


def _is_label(value: Value | None) -> bool:
    """A text of the code, in whatever bytes it is written."""
    while isinstance(value, Call) and value.method in ("bytearray", "bytes", "encode"):
        value = value.receiver if value.receiver is not None else value.argument(0)
    return isinstance(value, Constant) and bool(value.value)


def _made_from(value: Value, facts: SourceFacts, depth: int = 5) -> Iterator[Value]:
    """The value and what it is written with, or what callers pass for it; what another function worked out with the key is not the key."""
    yield value
    if depth and isinstance(value, Parameter):
        for passed in given_for(facts, value):
            if passed is not value:
                yield from _made_from(passed, facts, depth - 1)
    if depth and isinstance(value, Name) and (made := facts.function(value.dotted)) is not None:
        for returned in made.returns:  # ``StringEncryptedType(String, column_key)``, which calls it
            yield from _made_from(returned, facts, depth - 1)
    if depth and (
        not isinstance(value, Call) or value.method in _SPELL or value.callee.startswith(("hashlib.", "base64."))
    ):
        for part in parts(value):
            yield from _made_from(part, facts, depth - 1)


def _is_key(value: Value) -> bool:
    match value:
        case ConfigValue(key="SECRET_KEY") | EnvironmentValue(variable="SECRET_KEY" | "FLASK_SECRET_KEY"):
            return True
        case Member(attribute="secret_key", owner=owner):
            return any(
                not isinstance(one, Call) or one.method in ("Flask", "create_app", "get_current_object")
                for one in options(owner)
            )
        case _:
            return getattr(value, "dotted", "").endswith((".SECRET_KEY", "current_app.secret_key", "app.secret_key"))


RULE = Rule(
    slug="secret-key-repurposed",
    family="session",
    title="`SECRET_KEY` is used for something else too",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(327,),
    owasp="API8:2023",
    asvs=("V11.2.1",),
    surfaces=("source",),
    ends="`Stopper(app)` refuses a key of its own that equals `SECRET_KEY`.",
    certainty="likely",
    detect=detect,
)
