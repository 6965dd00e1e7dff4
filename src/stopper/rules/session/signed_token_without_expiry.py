"""A link from an old mail resets the password years later, or a token for one thing opens another."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.app import App
from stopper.core.deployment.lifetimes_of_settings import seconds
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.ages_by_hand import looks_at_age
from stopper.core.values import Call, Choice, ConfigValue, Name, Parameter, Value, is_constant

_HOMES: Final = (
    "itsdangerous",
    "itsdangerous.url_safe",
    "itsdangerous.timed",
    "itsdangerous.serializer",
    "itsdangerous.signer",
)
_TIMED: Final = frozenset(
    f"{home}.{name}" for home in _HOMES for name in ("URLSafeTimedSerializer", "TimedSerializer", "TimestampSigner")
)
_PLAIN: Final = frozenset(f"{home}.{name}" for home in _HOMES for name in ("URLSafeSerializer", "Serializer", "Signer"))
_NONE: Final = frozenset(f"{home}.NoneAlgorithm" for home in _HOMES)
_LONGEST: Final = 31 * 86400.0
_ID: Final = re.compile(r"(?i)_?(?:sid|(?:session_?)?id|session_?key)")
_MAKES_ID: Final = re.compile(r"(?i)(?:sid|session_?id)$")
_PURPOSE: Final = re.compile(
    r"(?i)reset|confirm|verif|activat|invit|magic|recover|unsubscribe|password|email|token|login|auth"
)


def detect(app: App) -> Iterator[Hit]:
    """A load without ``max_age`` (or with a very long one), a serializer without a salt, one without a signature."""
    facts = source_of(app)
    if not facts.imports("itsdangerous"):
        return
    told: set[str] = set()
    timed = _TIMED | {found.name for found in facts.classes(*_TIMED)}  # ``class ResetTokens(URLSafeTimedSerializer)``
    for word in ("loads", "unsign", "load", "loads_unsafe"):
        for call in facts.calls(*(f"{home}.{word}" for home in timed), f"?.{word}"):
            if not _of(call, timed):
                continue
            place = 0 if call.method == "_" else 1
            age = call.argument(place, "max_age")
            if call.lacks(place, "max_age") or is_constant(age, None) or _is_left_out(facts, age):
                if call.function in told:
                    continue  # what one function reads twice, two halves of one token, is one thing to mend
                if word == "loads_unsafe" and _reads_again(facts, call, timed):
                    continue
                if not _names_a_kept_session(facts, call) and not looks_at_age(facts, call):
                    told |= {call.function} - {""}
                    yield Hit("the token's age is not looked at, so it is good for ever", call.span)
            elif (length := seconds(facts, call.argument(place, "max_age"))) is not None and length > _LONGEST:
                yield Hit("the token is good for more than a month", call.span, certainty="likely")
        for call in facts.calls(*(f"{home}.{word}" for home in _PLAIN)):
            if _is_for_entry(facts, call) and not looks_at_age(facts, call):
                yield Hit(
                    "this serializer writes no time, so its tokens are good for ever", call.span, certainty="likely"
                )
    if not any(
        True for _ in facts.calls(*(f"{home}.{word}" for home in _PLAIN for word in ("loads", "unsign", "load")))
    ):
        for call in facts.calls(*(f"{home}.{word}" for home in _PLAIN for word in ("dumps", "sign"))):
            if _is_for_entry(facts, call):  # whoever loads it reads no time
                yield Hit(
                    "this serializer writes no time, so its tokens are good for ever", call.span, certainty="likely"
                )
    for call in facts.calls(*_NONE):
        yield Hit("NoneAlgorithm signs nothing", call.span)
    yield from _without_salt(facts)


def _reads_again(facts: SourceFacts, peek: Call, timed: Collection[str]) -> bool:
    """``loads_unsafe`` only looks whether there is a signature: the same function reads the token once more, with its age."""
    return any(
        call is not peek and call.method == "loads" and _of(call, timed) and call.keyword("max_age") is not None
        for call in facts.calls_in(peek.function)
    )


def _is_left_out(facts: SourceFacts, age: Value | None) -> bool:
    """``def read(token, age=None)``, where somebody who calls it says no age, and a setting or a field of a class that is None."""
    if isinstance(age, ConfigValue):
        said = facts.config_values(age.key)
        return bool(said) and all(is_constant(one, None) for one in said)
    if isinstance(age, Name):
        home, _, word = age.dotted.rpartition(".")
        known = classes_by_name(facts).get(home)
        family = (known, *facts.classes(home)) if known is not None else ()
        put = any(one.attribute == word and "." in one.target and one.function for one in facts.assignments())
        said = tuple(one.attributes[word] for one in family if word in one.attributes)
        return bool(said) and not put and all(is_constant(one, None) for one in said)
    return (
        isinstance(age, Parameter)
        and is_constant(age.default, None)
        and any(call.lacks(age.index, age.parameter) for call in facts.calls(age.function.removesuffix(".__init__")))
    )


def _without_salt(facts: SourceFacts) -> Iterator[Hit]:
    """Serializers without a salt, where tokens of such are read in two functions, or one makes them for whoever asks: what is read in one
    place alone has nothing to be told from."""
    bare = [
        call
        for call in facts.calls(*(name for name in _TIMED | _PLAIN if "Serializer" in name))
        if _unsalted(call) and not _salted_later(facts.calls("*.dumps", "*.loads"), call)
    ]
    reads = {
        call.function
        for call in facts.calls("*.loads", "*.load")
        if call.receiver is not None and any(_same(call.receiver, made) for made in bare)
    }
    handed_out = any(_is_given_back(facts, made) for made in bare)
    for call in bare if len(reads) > 1 or handed_out else ():
        yield Hit(
            "no salt tells this token's purpose from others of the same key",
            call.span,
            certainty="possible",
            severity="low",
        )


def _is_given_back(facts: SourceFacts, made: Call) -> bool:
    own = facts.function(facts.function_around(made.span)) if made.span is not None else None
    return own is not None and any(_same(one, made) for one in own.returns)


def _is_for_entry(facts: SourceFacts, call: Call) -> bool:
    """That the function, or one that calls it, says by its name or its path that what is signed lets somebody do something."""
    names = [call.function, *(caller.function for caller in facts.calls(call.function) if call.function)]
    paths = [route.path for name in names for route in facts.routes_of_view(name)]
    return any(_PURPOSE.search(text) for text in (*(name.rpartition(".")[2] for name in names), *paths))


def _names_a_kept_session(facts: SourceFacts, loaded: Call) -> bool:
    """That it is the id of a session which the project keeps and ends itself: ``open_session`` reads what the same class signed, and
    that was an id."""
    home, _, word = loaded.function.rpartition(".")
    signed = [
        given
        for call in facts.calls("*.dumps", "*.sign")
        if home and call.function.startswith(f"{home}.") and _of(call, _TIMED)
        for given in call.args[:1]
    ]
    whole = any(isinstance(one, Call) and one.callee == "dict" for one in signed)
    return word == "open_session" and not whole and any(map(_is_id, signed))


def _is_id(value: Value) -> bool:
    if isinstance(value, Choice):
        return all(is_constant(one, None) or _is_id(one) for one in value.options)
    if isinstance(value, Call):
        makes = value.callee.startswith(("secrets.", "uuid.")) or _MAKES_ID.search(value.method)
        return bool(makes) or _of(value, _TIMED)
    return _ID.fullmatch(said_name(value)) is not None


def _unsalted(call: Call) -> bool:
    return call.lacks(1, "salt")


def _salted_later(uses: Iterator[Call], made: Call) -> bool:
    """``dumps(data, salt="…")``: the purpose is said where the token is made."""
    return any(
        use.receiver is not None
        and _same(use.receiver, made)
        and use.argument(1 if use.method == "dumps" else None, "salt") is not None
        for use in uses
    )


def _same(value: Value, made: Call) -> bool:
    return isinstance(value, Call) and value.span == made.span


def _of(call: Call, makers: Collection[str]) -> bool:
    owner = call.callee.rpartition(".")[0]
    if owner in makers:
        return True
    receiver = call.receiver
    return (isinstance(receiver, Call) and receiver.callee in makers) or (
        isinstance(receiver, Name) and receiver.dotted in makers
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``max_age=3600`` where no age is looked at; links that people still hold after an hour are refused then."""
    reads = [
        call
        for call in source_of(app).calls("*.loads", "*.unsign", "*.load")
        if _of(call, _TIMED) and len(call.args) < 2
    ]
    for call in reads:
        if call.span == hit.span and sum(one.function == call.function for one in reads) == 1:
            return passing(call, ("max_age", "3600"), safe=False) if "age" in hit.message else None
    return None


RULE = Rule(
    slug="signed-token-without-expiry",
    family="session",
    title="A signed link or token never expires, fits every purpose, or has no signature",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V6.5.5",),
    surfaces=("source",),
    ends="Stopper's tokens all end; access tokens after the seconds of `STOPPER_ACCESS_TOKEN_LIFETIME`.",
    detect=detect,
    fix=fix,
)
