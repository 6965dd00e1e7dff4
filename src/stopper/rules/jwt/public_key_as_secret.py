"""What everybody may know is the secret, so everybody can sign tokens."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_keys import is_public, key_bytes, key_uses, reached
from stopper.core.tokens.jwt_names import HMAC, PUBLIC_KEY, encodings
from stopper.core.tokens.jwt_purposes import plain_key
from stopper.core.values import Call, ConfigValue, Constant, EnvironmentValue, Mapping, Value, literals, text_of, walk

SECRETS: Final = ("JWT_SECRET_KEY", "SECRET_KEY", "JWT_SECRET")
_PUBLIC_FILE: Final = re.compile(
    r"(?i)(^|[/_.-])(pub|public|id_rsa\.pub|jwt[-_]?public|cert)([/_.-]|key|$)|\.(pub|crt|cer)$"
)
_READERS: Final = ("open", "Path", "read_text", "read_bytes", "join")
_PUBLIC_PATH: Final = re.compile(r"(?i)(^|_)(public|pub)(_?(key|pem|cert))?(_?(file(_?(name|path))?|path|location))?$")
"""Settings and variables that say where the file of such a key lies."""
_PUBLIC_NAME: Final = re.compile(r"(?i)(^|_)(public|pub)_?(key|pem)$|^publickey$")


def detect(app: App) -> Iterator[Hit]:
    """HMAC under a text, file or JWK that is a public key, and settings of secrets that hold one."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for call, key, algorithms in key_uses(app, facts):
        if not HMAC & set(algorithms) and (algorithms or not _is_default(facts, call)):
            continue
        public = any(_is_public(facts, value) for value in (key, *reached(facts, key)))
        public = public or any(_reads_public_file(facts, value) for value in facts.followed(key))
        if public and call.span not in seen:
            seen.add(call.span)
            mixed = " (both kinds of algorithm are allowed)" if PUBLIC_KEY & set(algorithms) else ""
            yield Hit(f"a public key is used as the secret of an HMAC{mixed}", call.span)
    for call in facts.calls("hmac.new", "hmac.digest"):
        secret = call.argument(0, "key")
        if call.span not in seen and any(_is_public(facts, plain_key(one)) for one in facts.followed(secret)):
            seen.add(call.span)
            yield Hit("a public key is used as the secret of an HMAC", call.span)
    for write in facts.config_writes(*SECRETS):
        if write.loaded is not False and any(_is_public(facts, value) for value in reached(facts, write.value)):
            yield Hit(f"{write.key} is a public key", write.span)
    for name in SECRETS:
        fact = app.config.get(name)
        key_in_force = key_bytes(fact.value) if fact is not None and fact.reader == "running" else None
        if key_in_force and is_public(key_in_force):
            yield Hit(f"{name} of the running application is a public key", reader="running")


def _is_default(facts: SourceFacts, call: Call) -> bool:
    """A call that signs without naming an algorithm signs by HS256."""
    return any(other is call for other, _ in encodings(facts))


def _is_public(facts: SourceFacts, value: Value) -> bool:
    if any((key := key_bytes(literal)) is not None and is_public(key) for literal in literals(value)):
        return True
    if isinstance(value, Mapping):
        return text_of(value.get("kty")) in ("RSA", "EC", "OKP") and value.get("d") is None
    if isinstance(value, ConfigValue) and _PUBLIC_NAME.search(value.key):
        return True
    for part in walk(value, 6):
        if isinstance(part, Call) and part.method in ("public_key", "public_bytes", "publickey", "read_public_key"):
            return True
        if isinstance(part, Call) and part.method in _READERS and any(map(_names_public_file, _named(facts, part))):
            return True
        if isinstance(part, Constant) and (key := key_bytes(part)) is not None and is_public(key):
            return True
        if _PUBLIC_NAME.search(part.name or ""):
            return True
        if isinstance(variable := getattr(part, "variable", None), str) and _PUBLIC_NAME.search(variable):
            return True
    return False


def _reads_public_file(facts: SourceFacts, value: Value) -> bool:
    """``load_key("authority.pub.pem")``, where a function of the project reads the file that it is handed."""
    return (
        isinstance(value, Call)
        and facts.function(value.callee) is not None
        and any(_names_public_file(part) for one in value.args for part in _named(facts, one))
        and any(call.method in _READERS for call in facts.calls_in(value.callee))
    )


def _named(facts: SourceFacts, value: Value) -> Iterator[Value]:
    """What a file that is read may be called, also where a setting says it."""
    for part in walk(value, 4):
        yield part
        for held in facts.followed(part) if isinstance(part, ConfigValue) else ():
            yield from walk(held, 4)


def _names_public_file(value: Value) -> bool:
    match value:
        case ConfigValue(key=name) | EnvironmentValue(variable=name):
            return _PUBLIC_PATH.search(name) is not None
        case _:
            return (text := text_of(value)) is not None and bool(_PUBLIC_FILE.search(text))


RULE = Rule(
    slug="public-key-as-secret",
    family="jwt",
    title="A public key is configured or passed as an HMAC secret",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses a public key as a secret when it is made.",
    detect=detect,
)
