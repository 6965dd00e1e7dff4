"""Whoever has one token can find the secret at home and then sign tokens for everybody."""

from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.settings_set_aside import is_set_aside
from stopper.core.deployment.variables_in_files import bytes_of_command, set_in_files
from stopper.core.edits.environment_edits import from_environment
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.glimpses import most_characters
from stopper.core.flow.passing import given
from stopper.core.flow.whole_numbers import least_number
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_keys import (
    is_asymmetric,
    is_hmac,
    key_bytes,
    key_settings,
    key_uses,
    needed,
    reached,
    weakness,
)
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Member,
    Parameter,
    Value,
    is_constant,
    literals,
    options,
    text_of,
    walk,
)

_BYTES = {"os.urandom": 1.0, "secrets.token_bytes": 1.0, "secrets.token_hex": 2.0, "secrets.token_urlsafe": 4 / 3,
          "Crypto.Random.get_random_bytes": 1.0}  # fmt: skip
"""Characters of the key for each byte that is asked of the generator."""


def detect(app: App) -> Iterator[Hit]:
    """Secrets that are literals, fallbacks or made too short, and the effective settings of the running application."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for call, key, algorithms in key_uses(app, facts):
        if not is_hmac(algorithms):
            continue
        # What stands in a setting is judged where the setting is written.
        here = [one for one in options(key) if not isinstance(one, ConfigValue) or not facts.config_values(one.key)]
        if is_constant(key, "", b"") and call.method == "encode":
            yield Hit("the secret that signs tokens is empty", call.span)
        for value in (found for one in here for found in reached(facts, one)):
            yield from _once(value, _judged(facts, value, call.span, algorithms), seen)
    settings = key_settings(app, facts)
    for write in _writes(facts, settings):
        if write.loaded is not False and "test" not in write.owner.lower() and not is_set_aside(facts, write):
            for value in reached(facts, write.value):
                yield from _once(value, _judged(facts, value, write.span, settings[write.key], prefer=write.span), seen)
    yield from _in_files(app, facts)
    yield from _asked_for_too_few(app, facts)
    yield from _running(app, settings)


def _writes(facts: SourceFacts, settings: Iterable[str]) -> Iterator[ConfigWrite]:
    """Where the secrets of tokens are set; nowhere, where no setting holds one."""
    names = tuple(settings)
    return facts.config_writes(*names) if names else iter(())


def _once(value: Value, hit: Hit | None, seen: set[Span | None]) -> Iterator[Hit]:
    """One hit for each literal, where it is used first, and one for each place."""
    said = value.default if isinstance(value, EnvironmentValue) else value
    literal = said.span if isinstance(said, (Constant, Item)) else None
    if hit is not None and hit.span not in seen and (literal is None or literal not in seen):
        seen |= {hit.span, literal}
        yield hit


def _judged(
    facts: SourceFacts, value: Value, span: Span | None, algorithms: tuple[str, ...], prefer: Span | None = None
) -> Hit | None:
    if isinstance(value, EnvironmentValue) and isinstance(value.default, Call):
        value = value.default
    if isinstance(value, Call) and value.callee in _BYTES:
        return _made(facts, value, algorithms, prefer or span)
    if (size := _bytes_made(facts, value)) is not None and size < needed(algorithms):
        return Hit(f"the secret that signs tokens has {size} bytes, and needs {needed(algorithms)}", prefer or span)
    if isinstance(value, Call) and value.method == "hex" and isinstance(drawn := value.receiver, Call):
        return _made(facts, drawn, algorithms, prefer or span, 2.0) if drawn.callee in _BYTES else None
    if isinstance(value, Item) and _is_cut_short(value, needed(algorithms)):
        return Hit("the secret that signs tokens is the beginning of another text, and too short", prefer or span)
    found = literals(value) if isinstance(value, (Constant, EnvironmentValue, ConfigValue, Item)) else _reshaped(value)
    for literal in found:
        key = key_bytes(literal)
        if not key or is_asymmetric(key) or key.startswith((b"http://", b"https://")):
            continue
        if reason := weakness(key, algorithms):
            # Whoever reads the source has it, however long it is: that is told for itself, and weighs more.
            known = not isinstance(value, EnvironmentValue)
            return Hit(f"the secret that signs tokens is {reason}", prefer or span, severity="low" if known else None)
    return None


def _bytes_made(facts: SourceFacts, value: Value) -> int | None:
    """How many bytes a key has that is made here: a digest, a UUID, a key of so many bits, characters that are picked one by one."""
    if isinstance(value, Member) and value.attribute == "bytes" and isinstance(value.owner, Call):
        return 16 if value.owner.method in ("uuid4", "uuid1") else None
    if not isinstance(value, Call):
        return _picked(facts, value)
    if value.callee == "str" and value.args and isinstance(drawn := value.args[0], Call):
        most = drawn.args[-1] if drawn.args and drawn.method in ("randint", "randrange", "randbelow") else None
        return len(str(most.value)) if isinstance(most, Constant) and isinstance(most.value, int) else None
    if (asked := _size_asked(value)) is not None:
        sizes = [
            one
            for found in options(asked)
            for one in (given(facts, found) if isinstance(found, Parameter) else (found,))
        ]
        known = [one.value for one in sizes if isinstance(one, Constant) and isinstance(one.value, int)]
        return max(known) if known and len(known) == len(sizes) else None
    if value.method == "digest" and isinstance(value.receiver, Call):
        return _DIGESTS.get(value.receiver.method)
    if value.method in ("generate_key", "generate"):
        owner = value.callee.rpartition(".")[0].rpartition(".")[2]
        of_secrets = owner == "OctKey" or text_of(value.argument(0, "kty", "key_type")) == "oct"
        bits = value.argument(0 if owner == "OctKey" else 1, "key_size", "crv_or_size", "size")
        if of_secrets and isinstance(bits, Constant) and isinstance(bits.value, int):
            return bits.value // 8
    return None


def _size_asked(value: Call) -> Value | None:
    """How many bytes a function that makes keys is asked for: ``blake2b(…, digest_size=16).digest()``, ``HKDF(SHA256(), 16, …).derive(…)``."""
    made = value.receiver if isinstance(value.receiver, Call) else None
    if value.method in ("pbkdf2_hmac", "scrypt"):
        return value.keyword("dklen") or (value.argument(4) if value.method == "pbkdf2_hmac" else None)
    if made is not None and value.method == "digest" and made.method.startswith("shake_"):
        return value.argument(0, "length")
    if made is not None and value.method == "digest" and made.method.startswith("blake2"):
        return made.keyword("digest_size")
    is_kdf = made is not None and made.callee.startswith("cryptography.hazmat.primitives.kdf.")
    return made.argument(1, "length") if made is not None and value.method == "derive" and is_kdf else None


def _picked(facts: SourceFacts, value: Value) -> int | None:
    """``"".join(secrets.choice(LETTERS) for _ in range(12))``: the number of letters."""
    picks = [part for part in walk(value, 4) if isinstance(part, Call)] if isinstance(value, Format) else []
    if not any(one.method in ("choice", "choices", "sample") for one in picks):
        return None
    whole = value.span  # the loop stands beside what it picks
    loops = (
        one for one in facts.calls("range") if one.span is not None and whole is not None and whole.holds(one.span)
    )
    sizes = [one.args[-1] for one in (*picks, *loops) if one.callee == "range" and one.args]
    sizes += [said for one in picks if (said := one.keyword("k")) is not None]
    found = [one.value for one in sizes if isinstance(one, Constant) and isinstance(one.value, int)]
    return found[0] if len(found) == 1 else None


_DIGESTS: Final = {"md5": 16, "sha1": 20, "blake2s": 32, "sha224": 28}


def _is_cut_short(value: Item, least: int) -> bool:
    """``sha256(…).hexdigest()[:16]``: fewer characters of a digest than the key must have bytes."""
    owner = value.owner.receiver if isinstance(value.owner, Call) and value.owner.method == "encode" else value.owner
    hashed = isinstance(value.owner, Call) and value.owner.method in ("digest", "hexdigest")
    drawn = isinstance(owner, Member) and owner.attribute == "hex"  # of a UUID
    if not hashed and not drawn and not isinstance(owner, (EnvironmentValue, ConfigValue)):
        return False
    size = most_characters(value)
    return size is not None and size < least


def _in_files(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """A variable that is the key, and that a file of the environment beside the code sets."""
    wanted: dict[str, tuple[str, ...]] = {}
    uses = [(key, algorithms) for _, key, algorithms in key_uses(app, facts) if is_hmac(algorithms)]
    settings = key_settings(app, facts)
    uses += [(write.value, settings[write.key]) for write in _writes(facts, settings)]
    for key, algorithms in uses:
        for value in reached(facts, key):
            if isinstance(value, EnvironmentValue):
                wanted[value.variable] = algorithms
    for name, said, span in set_in_files(facts, wanted) if wanted else ():
        secret = said.encode()
        filled_in = b"$" not in secret and not (secret[:1] == b"<" and secret[-1:] == b">")
        made = bytes_of_command(said)
        weak = filled_in and not is_asymmetric(secret) and weakness(secret, wanted[name])
        if weak or (made is not None and made < needed(wanted[name])):
            yield Hit(f"{name} is too short or too easily guessed", span)


def _asked_for_too_few(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """``if len(KEY) < 8: raise``: shorter secrets than the algorithm needs are let through on purpose."""
    asked: dict[str, list[tuple[int, Span]]] = {}
    refused = [one.span for one in facts.conditions() if one.stops or one.refuses]
    for one in facts.comparisons("<", "<="):
        least = one.right.value if isinstance(one.right, Constant) else None
        if not isinstance(one.left, Call) or one.left.callee != "len" or not isinstance(least, int):
            continue
        if any(span.holds(one.span) for span in refused):
            for value in (found for given in one.left.args for found in reached(facts, given)):
                for part in walk(value, 3):
                    if isinstance(part, EnvironmentValue):
                        asked.setdefault(part.variable, []).append((least + (one.operator == "<="), one.span))
    for _, key, algorithms in key_uses(app, facts) if asked else ():
        for part in reached(facts, key) if is_hmac(algorithms) else ():
            found = asked.pop(part.variable, []) if isinstance(part, EnvironmentValue) else []
            if found and 0 < (most := max(least for least, _ in found)) < needed(algorithms):
                yield Hit(
                    f"a secret of {most} characters is let through, and {needed(algorithms)} are needed", found[0][1]
                )


def _reshaped(value: Value) -> tuple[Constant, ...]:
    """``"…".encode()`` and ``bytes("…", "utf-8")`` are the literal itself."""
    if isinstance(value, Call) and value.method == "encode" and value.receiver is not None:
        return literals(value.receiver)
    if isinstance(value, Call) and value.callee in ("bytes", "str", "bytearray") and value.args:
        return literals(value.args[0])
    if isinstance(value, Call) and value.method in ("import_key", "OctKey") and value.args:
        return literals(value.args[0])
    return ()


def _made(
    facts: SourceFacts, call: Call, algorithms: tuple[str, ...], span: Span | None, factor: float = 1.0
) -> Hit | None:
    size = least_number(facts, call.argument(0, "n", "nbytes"))
    if size is None:
        return None
    if size < 16 or size * _BYTES[call.callee] * factor < needed(algorithms):
        return Hit("the secret that signs tokens is made of too few random bytes", span)
    return None


def _running(app: App, settings: dict[str, tuple[str, ...]]) -> Iterator[Hit]:
    for name, algorithms in settings.items():
        fact = app.config.get(name)
        key = key_bytes(fact.value) if fact is not None and fact.reader == "running" else None
        if key and not is_asymmetric(key) and (reason := weakness(key, algorithms)):
            yield Hit(f"{name} of the running application is {reason}", reader="running")


def fix(app: App, hit: Hit) -> Edit | None:
    """The secret of a setting out of the environment, or 64 random bytes; the environment must have a new secret then."""
    facts = source_of(app)
    for write in _writes(facts, key_settings(app, facts)):
        value = write.value
        if write.span != hit.span:
            continue
        if isinstance(value, Constant):
            return from_environment(value, write.key)
        size = value.argument(0, "n", "nbytes") if isinstance(value, Call) and value.callee in _BYTES else None
        if isinstance(size, Constant) and size.span is not None and write.span.holds(size.span):
            return Edit(size.span, "64", safe=False)
    return None


RULE = Rule(
    slug="jwt-secret-too-short",
    family="jwt",
    title="The HMAC secret is shorter than the hash output, or has low entropy",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(326,),
    owasp="API2:2023",
    asvs=("V11.2.3",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses a secret under 256 bits when it is made.",
    repeats=("jwt-secret-literal-fallback",),
    detect=detect,
    fix=fix,
)
