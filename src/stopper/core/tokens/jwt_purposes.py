"""What a token is for, and which key signs it, as far as names and literals tell."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.kept_by_application import kept_by_application
from stopper.core.flow.module_values import bound_to
from stopper.core.flow.passing import callers, given, passed
from stopper.core.place import Span
from stopper.core.tokens.jwt_keys import is_asymmetric, key_bytes
from stopper.core.tokens.jwt_names import ENCODING, written_in
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
)

PURPOSES: Final = re.compile(
    r"(?i)(refresh|reset|forgot|recover|verif|confirm|activat|invit|access|magic|unsubscribe|e?mail)"
)
_FOR_WHOM: Final = re.compile(
    r"(?i)[a-z]*[_-]?(refresh|reset|recover|verif|confirm|activat|invit|magic|unsubscribe)[a-z_-]*"
)
"""An audience that is no service but a purpose: ``"aud": "password-reset"``."""
_KEY_ENTRY: Final = re.compile(r"(?i)(?:^|_)(?:secret|(?:secret|access|jwt|token|signing|refresh)_?(?:key|secret))$")
"""What the entry of a table of settings is called that holds a key."""
_PAIR: Final = re.compile(r"(?i)^(access|refresh)(?=$|[_-]|T)")
_HALF: Final = re.compile(
    r"(?i)(?:^|(?<=[._]))(?:private|priv|public|pub|sign(?:ing)?|verify(?:ing)?|verification)(?:_|(?=[.]|$))"
)
_GIVES_HALF: Final = frozenset(
    {
        "private_bytes",
        "public_key",
        "public_bytes",
        "publickey",
        "export_key",
        "exportKey",
        "to_pem",
        "as_pem",
        "export_to_pem",
        "decode",
        "encode",
    }
)
"""What a key object gives of itself."""
_HALF_WAY: Final = re.compile(r"(?i)(?:^|_)(mfa|2fa|otp|totp|two_?factor|pre_?auth)(?=$|_)")
"""A token for the second step of a log-in, as a claim or a function says."""
_NOT_KINDS: Final = frozenset({"sub", "aud", "iss", "exp", "iat", "nbf", "jti"})
KINDS: Final = ("type", "typ", "token_type", "purpose", "use", "token_use", "scope", "action", "kind")
"""Claims that say what a token is for."""


def plain_key(value: Value) -> Value:
    """A key without what only reshapes it."""
    if isinstance(value, Call) and value.method in ("encode", "str", "bytes"):
        return value.receiver or (value.args[0] if value.args else value)
    return value


def marks(facts: SourceFacts, value: Value | None, steps: int = 3) -> set[str]:
    """What tells two keys to be one: the literal, the variable, the setting or the name they come from. A parameter is the key that every
    caller passes, where that is one and the same."""
    found: set[str] = set()
    for one in options(value):
        one = plain_key(one)
        one = bound_to(facts, one) or one
        if isinstance(one, EnvironmentValue):
            found |= {f"env:{one.variable}", f"env:{_of_pair(one.variable)}"}
        elif isinstance(one, ConfigValue):
            found |= {f"config:{one.key}", f"config:{_of_pair(one.key)}"}
        elif isinstance(one, Name):
            found |= {f"name:{one.dotted}", f"name:{_of_pair(one.dotted)}"}
            for held in kept_by_application(facts, one) if steps else ():
                found |= marks(facts, held, steps - 1)
        elif isinstance(one, Item) and _KEY_ENTRY.search(said := text_of(one.key) or ""):
            found.add(f"entry:{said}")
            for passed in given(facts, one.owner) if isinstance(one.owner, Parameter) else ():
                entry = passed.get(said) if isinstance(passed, Mapping) else None
                found |= marks(facts, entry) if entry is not None else set()
                if _is_settings(passed):  # ``Tokens(app.config)``
                    found |= {f"config:{said}", f"config:{_of_pair(said)}"}
        elif isinstance(one, Parameter) and steps:
            first, *others = [marks(facts, held, steps - 1) for held in given(facts, one) if held is not one] or [found]
            found |= first.intersection(*others)
        elif isinstance(one, Member):
            several = [held for held, _ in held_under(facts, one.owner, one.attribute) if held is not one]
            found |= {mark for held in several for mark in marks(facts, held)}
        elif isinstance(one, Call) and one.span is not None:
            found |= {f"call:{made.path}:{made.line}:{made.column}" for made in _made_at(one)}
        elif isinstance(one, Constant) and (key := key_bytes(one)) and not is_asymmetric(key):
            found.add(f"text:{hash(key)}")
    return found


def _is_settings(value: Value) -> bool:
    if isinstance(value, Member):
        return value.attribute == "config"
    return isinstance(value, Name) and value.dotted in ("flask.current_app.config", "flask.Flask.config")


def _of_pair(name: str) -> str:
    """The name without its word for one half of a pair: ``JWT_PRIVATE_KEY`` signs what ``JWT_PUBLIC_KEY`` verifies."""
    return _HALF.sub("", name)


def _made_at(key: Call) -> Iterator[Span]:
    """Where it is made; of what a key gives (``key.private_bytes()``, ``key.public_key()``), where that key is."""
    inner: Value | None = key
    while isinstance(inner, Call) and inner.span is not None:
        yield inner.span
        inner = inner.receiver if inner.method in _GIVES_HALF else None


def signings(facts: SourceFacts, call: Call, key: Value) -> Iterator[tuple[Call, Value, set[str]]]:
    """Where tokens are signed by this call, with which key and for what: itself, or each call of the function that is handed the key."""
    told = plain_key(key)
    asking = list(callers(facts, told.function)) if isinstance(told, Parameter) else []
    if not isinstance(told, Parameter) or not asking:
        own_kinds = purposes_of(facts, call)
        yield call, key, own_kinds
        for caller in facts.calls(call.function) if call.function and not own_kinds else ():
            maker = facts.function_around(caller.span) if caller.span is not None else ""
            gives = getattr(facts.function(maker), "returns", ())  # ``def refresh(uid): return _encode(uid, …)``
            if any(one.span == caller.span for one in gives) and not facts.is_view(maker) and (kind := _said_by(maker)):
                yield caller, key, {kind}
        return
    for caller in asking:
        for held in passed(facts, told, caller):
            texts = [text for one in caller.args if (text := text_of(one)) and _FOR_WHOM.fullmatch(text)]
            own = next((word for text in (written_in(facts, caller), *texts) if (word := _said_by(text))), None)
            yield caller, held, {own} if own is not None else set()


def purposes_of(facts: SourceFacts, call: Call) -> set[str]:
    """The purposes of the tokens that this call signs; several where it stands in a function that is told the purpose."""
    claims = call.argument(ENCODING[call.callee].claims, "payload", "claims")
    told = {
        kind
        for one in options(claims)
        if isinstance(one, Mapping)
        for name in _told_by_parameter(one)
        for kind in _kinds_passed(facts, one.get(name))
    }
    own = purpose_of(call) or handed_out_as(facts, call) or _said_by(written_in(facts, call))
    return told or ({own} if own is not None else set())


def _told_by_parameter(claims: Mapping) -> list[str]:
    """The claims that a function fills with what it is told, those about time and people left out."""
    return [key for key in claims.keys() if key not in _NOT_KINDS and isinstance(claims.get(key), Parameter)]  # noqa: SIM118


def _kinds_passed(facts: SourceFacts, said: Value | None) -> set[str]:
    """The purposes among what callers pass for a claim."""
    return {
        found.group(1).lower()
        for passed in (given(facts, said) if isinstance(said, Parameter) else ())
        for inner in (passed.items if isinstance(passed, Sequence) else (passed,))
        if (found := PURPOSES.search(text_of(inner) or "")) is not None
    }


def kind_claims(facts: SourceFacts, call: Call) -> set[str]:
    """The claims of a token signed here that say what it is for, under names of the application's own."""
    claims = call.argument(ENCODING[call.callee].claims, "payload", "claims")
    found: set[str] = set()
    for one in options(claims):
        if isinstance(one, Mapping):
            found |= {key for key in one.keys() if _HALF_WAY.search(key)}  # noqa: SIM118
            found |= {key for key in one.keys() if _FOR_WHOM.fullmatch(key) and is_constant(one.get(key), True, 1)}  # noqa: SIM118
            found |= {name for name in _told_by_parameter(one) if _kinds_passed(facts, one.get(name))}
    return found


def handed_out_as(facts: SourceFacts, call: Call) -> str | None:
    """``jsonify(access=…, refresh=…)``: the name under which the function that signs it gives it out."""
    pairs: list[tuple[str, Value]] = []
    for one in facts.calls_in(call.function) if call.function else ():
        pairs += one.keywords
        pairs += [pair for given in one.args if isinstance(given, Mapping) for pair in _named(given)]
    for returned in facts.returns_of(call.function) if call.function else ():
        pairs += [pair for one in options(returned.value) if isinstance(one, Mapping) for pair in _named(one)]
    for name, value in pairs:
        if isinstance(value, Call) and value.span == call.span and (found := _PAIR.search(name)) is not None:
            return found.group(1).lower()
    return None


def _named(value: Mapping) -> list[tuple[str, Value]]:
    return [(text_of(key) or "", held) for key, held in value.items]


def purpose_of(call: Call) -> str | None:
    """The purpose of the token that this call signs; None where nothing says one."""
    claims = call.argument(ENCODING[call.callee].claims, "payload", "claims")
    said: list[str] = []
    for one in options(claims):
        if isinstance(one, Mapping):
            said += [text_of(one.get(name)) or "" for name in KINDS]
            said += [text for text in (text_of(one.get("aud")),) if text and _FOR_WHOM.fullmatch(text)]
            if any(_HALF_WAY.search(key) and is_constant(one.get(key), True) for key in one.keys()):  # noqa: SIM118
                return "mfa"
    if _HALF_WAY.search(call.function.rpartition(".")[2]) and "verify" not in call.function.lower():
        return "mfa"
    return next((word for text in (*said, call.function, call.name) if (word := _said_by(text))), None)


def _said_by(text: str) -> str | None:
    """The purpose that a text or the last word of a name says."""
    found = PURPOSES.search(text.rpartition(".")[2])
    word = found.group(1).lower() if found else None
    return "reset" if word in ("forgot", "recover") else word
