"""Stolen hashes are guessed many times faster than they need be."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import is_clear_password, said_name
from stopper.core.app import App
from stopper.core.deployment.served_heirs import is_said_anew
from stopper.core.deployment.setting_facts import plain, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.whole_numbers import least_number
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, ConfigValue, Constant, Mapping, Name, Value, text_of, walk

BCRYPT: Final = 10
"""The least cost of bcrypt (OWASP Password Storage Cheat Sheet)."""
KDF: Final = 50
"""Rounds of ``bcrypt.kdf`` below which the library itself warns: they are no cost, of which each step doubles the work."""
FEW: Final = 100_000
"""PBKDF2 rounds that no recommendation of the last ten years allows; what is between this and today's is a possible hit."""
TODAY: Final = {"sha1": 1_300_000, "sha256": 600_000, "sha512": 210_000}
_PASSLIB: Final = re.compile(
    r"(?:\w+__)?(bcrypt|bcrypt_sha256|pbkdf2_sha1|pbkdf2_sha256|pbkdf2_sha512)__(?:default_)?(?:min_)?rounds"
)
_TAIL: Final = re.compile(r"(?i)_(?:string|str|text|value|bytes)$")
_ABOUT: Final = re.compile(r"(?i)pass|pwd|user|account|login|register|credential")


def detect(app: App) -> Iterator[Hit]:
    """Cost parameters below what is recommended, by library; the setting of the running application too."""
    facts = source_of(app)
    yield from _bcrypt(facts)
    told: set[str] = set()
    for hit in sorted(_pbkdf2(facts), key=lambda hit: (hit.span.path, hit.span.line) if hit.span else ("", 0)):
        if hit.message not in told:  # whoever hashes and whoever checks say the same number
            told.add(hit.message)
            yield hit
    yield from _werkzeug(facts)
    yield from _argon_and_scrypt(facts)
    yield from _passlib(facts)
    low = [write for write in written(app, "BCRYPT_LOG_ROUNDS") if _below(facts, write.value, BCRYPT)]
    for write in low:
        if not is_said_anew(facts, write) and not is_for_one_desk(write):
            yield Hit("BCRYPT_LOG_ROUNDS is below 10", write.span)
    for write in written(app, "SECURITY_PASSWORD_HASH_OPTIONS"):
        for scheme in _few_of_security(facts, write.value):
            yield Hit(f"Flask-Security runs {scheme} with too few rounds", write.span)
    running = app.config.get("BCRYPT_LOG_ROUNDS")
    if not low and running is not None and isinstance(running.value, int) and 0 < running.value < BCRYPT:
        yield Hit(f"BCRYPT_LOG_ROUNDS is {running.value} in the running application", reader="running")


def _few_of_security(facts: SourceFacts, value: Value) -> Iterator[str]:
    """``{"pbkdf2_sha512": {"rounds": 1000}}``"""
    for key, options in value.items if isinstance(value, Mapping) else ():
        scheme = text_of(key) or ""
        rounds = (
            [held for word, held in options.items if text_of(word) == "rounds"] if isinstance(options, Mapping) else []
        )
        least = BCRYPT if scheme.startswith("bcrypt") else FEW if scheme.startswith("pbkdf2") else 0
        if any(_below(facts, one, least) for one in rounds):
            yield scheme


def _below(facts: SourceFacts, value: Value | None, least: int) -> bool:
    number = least_number(facts, value)
    return number is not None and number < least


def _bcrypt(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("bcrypt.gensalt"):
        if _below(facts, call.argument(0, "rounds"), BCRYPT):
            yield Hit("bcrypt runs with a cost below 10", call.span)
    for call in facts.calls("bcrypt.kdf"):
        of_people = is_clear_password(facts, call.argument(0, "password")) or _ABOUT.search(call.function) is not None
        if of_people and _below(facts, call.argument(3, "rounds"), KDF):
            yield Hit("bcrypt's key derivation runs with too few rounds", call.span)
    if facts.imports("flask_bcrypt"):
        for call in facts.calls("*.generate_password_hash"):
            rounds = call.argument(1, "rounds")
            set_elsewhere = isinstance(rounds, ConfigValue) and bool(facts.config_values(rounds.key))
            if "werkzeug" not in call.callee and not set_elsewhere and _below(facts, rounds, BCRYPT):
                yield Hit("bcrypt runs with a cost below 10", call.span)


def _pbkdf2(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("hashlib.pbkdf2_hmac"):
        name = (text_of(call.argument(0, "hash_name")) or "").lower().replace("-", "")
        if not (is_clear_password(facts, call.argument(1, "password")) or _ABOUT.search(call.function)):
            continue
        yield from _rounds(call, name, least_number(facts, call.argument(3, "iterations")))
    for call in facts.calls("*.PBKDF2HMAC"):
        chosen = call.argument(0, "algorithm")
        name = chosen.method.lower() if isinstance(chosen, Call) else ""
        derived = [one.argument(0) for one in facts.calls_in(call.function) if one.method == "derive"]
        if _ABOUT.search(call.function) or any(is_clear_password(facts, one) for one in derived):
            yield from _rounds(call, name, least_number(facts, call.argument(3, "iterations")))
    for call in facts.calls("*.PBKDF2"):
        chosen = call.keyword("hmac_hash_module")
        name = "sha1" if chosen is None else ""
        if is_clear_password(facts, call.argument(0, "password")):
            yield from _rounds(
                call, name, least_number(facts, call.argument(3, "count")) or (1000 if call.lacks(3, "count") else None)
            )


def _rounds(call: Call, name: str, rounds: int | None) -> Iterator[Hit]:
    if name in ("sha1", "md5"):
        yield Hit(f"a password is hashed by PBKDF2 with {name.upper()}", call.span)
    elif rounds is not None and rounds < FEW:
        yield Hit(f"PBKDF2 runs only {rounds} rounds", call.span)
    elif rounds is not None and rounds < TODAY.get(name, 0):
        yield Hit(f"PBKDF2 runs {rounds} rounds; {TODAY[name]} are recommended today", call.span, certainty="possible")


def _werkzeug(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("*.generate_password_hash"):
        for said in sorted({one for one in plain(facts, call.argument(1, "method")) if isinstance(one, str)}):
            kind, _, rest = said.partition(":")
            name, _, number = rest.partition(":")
            if kind == "pbkdf2":
                yield from _rounds(call, name, int(number) if number.isdigit() else None)
            elif kind == "scrypt" and name.isdigit() and int(name) < 2**14:
                yield Hit(f"scrypt runs with N = {name}", call.span)


def _argon_and_scrypt(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("argon2.PasswordHasher", "*.PasswordHasher"):
        if _has_little_memory(facts, call.argument(1, "memory_cost"), call.argument(0, "time_cost")):
            yield Hit("Argon2 runs with too little memory", call.span)
    for call in facts.calls("argon2.PasswordHasher.from_parameters"):
        said = call.argument(0, "params")
        if _is_cheapest(said):
            yield Hit("Argon2 runs with parameters that are there for tests", call.span)
        elif (
            isinstance(said, Call)
            and said.method == "Parameters"
            and _has_little_memory(facts, said.argument(5, "memory_cost"), said.argument(4, "time_cost"))
        ):
            yield Hit("Argon2 runs with too little memory", call.span)
    for call in facts.calls("argon2.low_level.hash_secret", "argon2.low_level.hash_secret_raw", "argon2.hash_password"):
        secret = call.argument(0, "secret", "password")
        of_people = is_clear_password(facts, secret) or _ABOUT.search(call.function) is not None
        if of_people and _has_little_memory(facts, call.argument(3, "memory_cost"), call.argument(2, "time_cost")):
            yield Hit("Argon2 runs with too little memory", call.span)
    for call in facts.calls("hashlib.scrypt"):
        hashed = call.argument(0, "password")
        if _below(facts, call.keyword("n"), 2**14) and not _is_drawn_key(facts, hashed):
            yield Hit("scrypt runs with N below 16384", call.span)
    for call in facts.calls("*.Scrypt"):
        derived = [one.argument(0) for one in facts.calls_in(call.function) if one.method in ("derive", "verify")]
        about = _ABOUT.search(call.function) or any(is_clear_password(facts, one) for one in derived)
        if about and _below(facts, call.argument(2, "n"), 2**14):
            yield Hit("scrypt runs with N below 16384", call.span)


def _is_cheapest(value: Value | None) -> bool:
    return isinstance(value, Name) and value.dotted.endswith("profiles.CHEAPEST")


def _has_little_memory(facts: SourceFacts, memory: Value | None, passes: Value | None) -> bool:
    """Below the least that OWASP's Password Storage Cheat Sheet has for any number of passes, or for one."""
    kilobytes = least_number(facts, memory)
    return kilobytes is not None and (kilobytes < 7168 or (least_number(facts, passes) == 1 and kilobytes < 47104))


def _is_drawn_key(facts: SourceFacts, value: Value | None) -> bool:
    """That it is an API key or token, and no password: nobody guesses what was drawn at random, whatever the cost."""
    inside = [*walk(value, 3)]
    named = any(sensitive(_TAIL.sub("", said_name(one))) in ("api-key", "token") for one in inside)
    drawn = any(isinstance(one, Call) and one.callee.startswith("secrets.token_") for one in inside)
    return (named or drawn) and not any(is_clear_password(facts, one) for one in inside)


def _passlib(facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports("passlib"):
        return
    for call in facts.calls("*.CryptContext"):
        for keyword, value in call.keywords:
            told = _PASSLIB.fullmatch(keyword)
            if told and _below(facts, value, BCRYPT if told[1].startswith("bcrypt") else FEW):
                yield Hit(f"passlib's {told[1]} runs with too few rounds", call.span)
    for call in facts.calls("*.using"):
        scheme = call.callee.split(".")[-2]
        if scheme.startswith(("bcrypt", "pbkdf2")) and _below(
            facts, call.keyword("rounds"), BCRYPT if scheme.startswith("b") else FEW
        ):
            yield Hit(f"passlib's {scheme} runs with too few rounds", call.span)
        elif scheme == "scrypt" and _below(facts, call.keyword("rounds"), 14):  # passlib takes the exponent of N
            yield Hit("passlib's scrypt runs with N below 16384", call.span)
        elif scheme == "argon2" and _has_little_memory(
            facts, call.keyword("memory_cost"), call.keyword("time_cost", "rounds")
        ):
            yield Hit("passlib's argon2 runs with too little memory", call.span)


def fix(app: App, hit: Hit) -> Edit | None:
    """Today's cost, where the low one is a literal of the call or setting. Hashes that say their own cost stay good."""
    facts = source_of(app)
    for write in written(app, "BCRYPT_LOG_ROUNDS"):
        if write.span == hit.span:
            return _raised(write.value, "12", write.span, safe=True)
    for call in facts.calls():
        if call.span is None or call.span != hit.span:
            continue
        if call.callee == "bcrypt.gensalt":
            return _raised(call.argument(0, "rounds"), "12", call.span, safe=True)
        if call.method == "generate_password_hash":
            if "werkzeug" in call.callee:
                return _raised(call.argument(1, "method"), '"scrypt"', call.span, safe=True)
            return _raised(call.argument(1, "rounds"), "12", call.span, safe=True)
        if call.callee == "hashlib.pbkdf2_hmac":
            name = (text_of(call.argument(0, "hash_name")) or "").lower().replace("-", "")
            # Of several, whoever checks must change with whoever hashes.
            alone = len(list(facts.calls("hashlib.pbkdf2_hmac"))) == 1
            rounds = TODAY.get(name) if name != "sha1" and alone else None
            return _raised(call.argument(3, "iterations"), str(rounds), call.span, safe=False) if rounds else None
        if call.method == "PasswordHasher" and not call.args:
            return passing(call, ("time_cost", "2"), ("memory_cost", "19456"), safe=True)
        if call.method == "CryptContext":
            low = [(told[1], name) for name, _ in call.keywords if (told := _PASSLIB.fullmatch(name))]
            raised = [
                (name, "12" if kind.startswith("bcrypt") else str(TODAY[kind.rpartition("_")[2]])) for kind, name in low
            ]
            return passing(call, *raised, safe=True)
    return None


def _raised(value: Value | None, text: str, place: Span, *, safe: bool) -> Edit | None:
    inside = isinstance(value, Constant) and value.span is not None and place.holds(value.span)
    return Edit(value.span, text, safe) if inside and isinstance(value, Constant) and value.span is not None else None


RULE = Rule(
    slug="password-hash-cost-low",
    family="account",
    title="Password hash with too low a cost",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(916,),
    owasp="API2:2023",
    asvs=("V11.4.4",),
    surfaces=("source", "running"),
    ends="Stopper's service hashes with Argon2id at a cost that is recommended today.",
    detect=detect,
    fix=fix,
)
