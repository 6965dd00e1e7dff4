"""Somebody who asks often enough forges a signature character by character from the time of the answers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.edits.comparing_edits import in_constant_time
from stopper.core.fact import ClassFact, Comparison
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.enumerations import is_enumerated
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.labels import UNTRUSTED
from stopper.core.naming import sensitive
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.stores.query_comparisons import is_query
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_MACS: Final = re.compile(
    r"hmac\.(?:new|digest|HMAC)(?:\.\w+)?|.*\.?hmac\.HMAC(?:\.\w+)?|cryptography\.hazmat\.primitives\.hmac\..*|itsdangerous\.\w*Signer\.(?:get_signature|sign)"
)
_VERIFIED: Final = re.compile(r"itsdangerous\.(?:\w+\.)*\w+Serializer\.loads")
_HASHES: Final = re.compile(r"hashlib\.\w+(?:\.\w+)*")
_SIGNATURE: Final = re.compile(
    r"(?i)(?:^|[_\W])(?:\w*signature(?:_?256)?|sig|sign(?!_(?:convention|up|in|out|off|on)\b)|hmac|mac|digest|x[-_]hub[-_]signature(?:[-_]256)?|h?mac[-_]?sha\d*)(?:$|[_\W])"
)
_TOKEN: Final = re.compile(
    r"(?i)(?:^|[._-])(?:\w*(?:reset|verify|verification|webhook|csrf|confirm\w*|invite|unsubscribe|activation|access|auth|hook|secret)[_.-]?(?:token|code|secret)|token|otp|one_time_code)$"
)
_OPEN: Final = re.compile(r"(?i)type|name|url|addr|expir|header|_id$|algorithm|version|len|valid")
_MAC_WORD: Final = re.compile(r"(?i)sign|hmac|mac(?:$|_)")
_DRAWN: Final = re.compile(r"secrets\.|random\.|os\.urandom|uuid\.|.*\.generate")
_SPENT: Final = re.compile(r"(?i)(?:^|_)(?:last|previous|used)_")
"""What was used before: it is compared so that it is not taken again."""
_ACTING: Final = re.compile(r"(?:.*\.)?current_user(?:\._get_current_object)?")
"""Whoever is logged in: an object, which is held against another to see whose a thing is."""
_SECRET: Final = re.compile(r"(?i)secret|key|salt|token|password")
_MODEL: Final = re.compile(r"(?:.*\.)?[A-Z]\w*\.\w+")
_PASSES: Final = re.compile(r"(?:^|\.)(?:\w*b64encode|hexlify|str|bytes|b16encode|encode|decode|join|quote)$")
_DATA_CLASSES: Final = frozenset({
    "dataclasses.dataclass", "attr.s", "attr.attrs", "attr.define", "attr.frozen", "attrs.define", "attrs.frozen",
    "pydantic.dataclasses.dataclass",
})  # fmt: skip
_LENGTHS: Final = frozenset({"len", "type", "int", "bool"})
_PIECES: Final = frozenset({"split", "partition", "rpartition", "rsplit"})
_KEPT: Final = (EnvironmentValue, ConfigValue, Member, Item, Call, Name, Constant, Parameter)
SHORTEST: Final = 8
_STATE: Final = re.compile(
    r"(?i)[a-z]*(?:complete|succe|fail|pend|process|progress|activ|expir|cancel|approv|reject|confirm|verif|valid|accept|declin|finish|author|connect|(?:en|dis)able|revok|available)[a-z]*"
)
"""A word for how far something is; nobody guesses it."""


def detect(app: App) -> Iterator[Hit]:
    """A signature that was made here, or a token that is kept here, held against what a caller sent, with ``==`` or ``!=``."""
    facts = source_of(app)
    told: set[tuple[str, tuple[str, str]]] = set()
    for one in facts.comparisons("==", "!="):
        if any(map(_is_of_session, (one.left, one.right))):
            continue  # whoever guesses it guesses what their own session holds
        certainty: Certainty | None = None
        for pair in _pairs(facts, one):
            certainty = certainty or _judged(facts, pair)
        if certainty is not None and not is_query(facts, one):
            if one.texts is not None and (one.function, one.texts) in told:
                continue  # the same two are compared once more
            told |= {(one.function, one.texts)} if one.texts is not None else set()
            yield Hit("the time of this comparison tells how much of a guess is right", one.span, certainty=certainty)

    for one in facts.comparisons("in", "not in"):
        several = one.right.items if isinstance(one.right, Sequence) else ()
        turned = bool(several) and is_mac(facts, one.left) and any(_is_sent(facts, sent) for sent in several)
        if turned or (_is_sent(facts, one.left) and any(is_mac(facts, made) for made in several)):
            yield Hit("the time of this comparison tells how much of a guess is right", one.span, certainty="certain")
        elif _is_shown_token(facts, one.left) and any(map(_lists_secrets, facts.followed(one.right))):
            yield Hit(
                "a list is gone through with ==, whose time tells how much of a guess is right",
                one.span,
                certainty="likely",
            )


def _is_of_session(value: Value) -> bool:
    """``session.get("made_token")``"""
    return isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.session"


def _is_shown_token(facts: SourceFacts, value: Value) -> bool:
    """What a caller shows in a header that is called a token or key, as it came."""
    return isinstance(value, Item) and any(
        label.kind in ("request-header", "authorization-header", "api-key")
        and not label.by_name
        and (is_key_name(label.source) or sensitive(label.source) in ("token", "config-secret", "api-key"))
        for label in facts.labels(value)
    )


def _lists_secrets(value: Value) -> bool:
    """``os.environ["TOKENS"].split(",")``, a list of settings; a set looks for the hash of a text."""
    if isinstance(value, Call) and value.method == "split" and value.receiver is not None:
        return isinstance(value.receiver, (EnvironmentValue, ConfigValue))
    return (
        isinstance(value, Sequence)
        and value.kind != "set"
        and bool(value.items)
        and all(any(isinstance(part, (EnvironmentValue, ConfigValue)) for part in walk(one, 3)) for one in value.items)
    )


def _pairs(facts: SourceFacts, one: Comparison) -> Iterator[Comparison]:
    """The comparison; where two tuples or two objects of one data class are held against each other, that of each of their parts."""
    left, right = one.left, one.right
    if isinstance(left, Sequence) and isinstance(right, Sequence) and len(left.items) == len(right.items) > 0:
        for pair in zip(left.items, right.items, strict=True):
            yield replace(one, left=pair[0], right=pair[1])
    elif isinstance(left, Call) and isinstance(right, Call) and (made := _made_by_both(facts, left, right)) is not None:
        for index, name in enumerate(_compared_fields(made)):
            mine, other = left.argument(index, name), right.argument(index, name)
            if mine is not None and other is not None:
                yield replace(one, left=mine, right=other)
    else:
        yield one


def _made_by_both(facts: SourceFacts, left: Call, right: Call) -> ClassFact | None:
    """The class of the project of which both calls make an object."""
    return None if left.callee != right.callee else classes_by_name(facts).get(left.callee)


def _compared_fields(made: ClassFact) -> tuple[str, ...]:
    """The fields by which objects of the class are compared; none where it compares them itself, or by what they are."""
    decorators = [one for one in made.decorators if one.name in _DATA_CLASSES]
    told_not_to = any(one.call is not None and is_constant(one.call.keyword("eq"), False) for one in decorators)
    by_field = bool(decorators) or "typing.NamedTuple" in made.bases
    return tuple(made.fields) if by_field and not told_not_to and "__eq__" not in made.methods else ()


def _judged(facts: SourceFacts, one: Comparison) -> Certainty | None:
    sides = (one.left, one.right)
    if any((isinstance(side, (Constant, Truth)) and not _is_long(side)) or _is_no_secret(side) for side in sides):
        return None
    if any(is_enumerated(facts, side) or _is_of_a_signed_text(facts, side) for side in sides):
        return None
    if all(isinstance(side, Call) and is_mac(facts, side) and not _is_sent(facts, _key_of(side)) for side in sides):
        return None  # both are made here with a key: how much of them is alike says nothing of the guess
    for made, shown in (sides, sides[::-1]):
        if is_mac(facts, made):
            if _is_sent(facts, shown):
                return "certain"
            return None if _is_of_the_session(shown) else "likely"
        if _is_keyed_hash(facts, made) and (_is_sent(facts, shown) or _says(_SIGNATURE, shown)):
            return "likely"
        if _is_named(facts, shown) and _is_sent(facts, shown) and not _is_sent(facts, made):
            if (
                any(_SPENT.search(word) for word in _words(made))
                or _is_known_digest(made, shown)
                or _is_plain_digest(facts, made)
            ):
                continue
            if isinstance(made, (Item, Member)) and any(part == shown for part in walk(made.owner, 6)):
                continue  # what is compared was looked up by the very value: there is nothing left to guess
            told = [option for option in options(made) if option is made or not isinstance(option, Constant)]
            if any(isinstance(option, _KEPT) for option in told):  # ``store.get(…) or ""``
                return "likely"
    return None


def _key_of(made: Value) -> Value:
    """What an HMAC is made with; the whole value where that cannot be seen."""
    for one in _made_of(made):
        if _MACS.fullmatch(one.callee) and one.args:
            return one.args[0]
    return made


def _is_long(value: Value) -> bool:
    text = text_of(value) or ""
    return len(text) >= SHORTEST and not _STATE.fullmatch(text)


def _is_no_secret(value: Value) -> bool:
    match value:
        case Name(dotted=dotted) | Call(callee=dotted) if _ACTING.fullmatch(dotted):
            return True
        case Name(dotted=dotted):
            return bool(_MODEL.fullmatch(dotted)) and not dotted.rpartition(".")[2].isupper()
        case Member(owner=Name(dotted=dotted)):
            return dotted.rpartition(".")[2][:1].isupper()
        case Call(callee=callee):
            return callee in _LENGTHS or value.method in ("Column", "mapped_column", "relationship")
        case Item(owner=Call() as made, key=Constant(value=0)):
            return made.method in _PIECES
        case _:
            return False


def is_mac(facts: SourceFacts, value: Value, depth: int = 2) -> bool:
    """That the value is an HMAC, also one that a function of the project made."""
    for inner in _made_of(value):
        if _MACS.fullmatch(inner.callee):
            return True
        function = facts.function(inner.callee) if depth else None
        if function is not None and any(is_mac(facts, returned, depth - 1) for returned in function.returns):
            return True
    return False


def _is_keyed_hash(facts: SourceFacts, value: Value, depth: int = 1) -> bool:
    """That the value is a digest over something secret and something else."""
    for inner in _made_of(value):
        if _HASHES.fullmatch(inner.callee):
            return any(_is_key(one) for one in walk(value, 10))
        function = facts.function(inner.callee) if depth else None
        if function is not None and any(_is_keyed_hash(facts, one, depth - 1) for one in function.returns):
            return True
    return False


def _made_of(value: Value, depth: int = 8) -> Iterator[Call]:
    """The calls whose result the value is, in another spelling; not what stands in an object that a call gave."""
    match value:
        case Call(receiver=receiver, args=args) if depth:
            yield value
            if receiver is not None:
                yield from _made_of(receiver, depth - 1)
            for one in args[:1] if _PASSES.search(value.callee) else ():
                yield from _made_of(one, depth - 1)
        case Format(parts=inner) | Unknown(parts=inner) if depth:
            for one in inner:
                yield from _made_of(one, depth - 1)
        case Item(owner=owner) if depth:
            yield from _made_of(owner, depth - 1)
        case _:
            return


def _is_key(value: Value) -> bool:
    match value:
        case EnvironmentValue(variable=name) | ConfigValue(key=name) | Parameter(parameter=name):
            return bool(_SECRET.search(name))
        case Constant(name=name) | Member(attribute=name):
            return bool(name and _SECRET.search(name))
        case _:
            return False


def _is_sent(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Constant):
        return False
    return any(label.kind in (*UNTRUSTED, "authorization-header") for label in facts.labels(value))


def _is_known_digest(kept: Value, shown: Value) -> bool:
    """``digest == EMPTY_DIGEST``: the hash of a content that stands in the code tells content apart, and no caller."""
    fixed = kept.dotted.rpartition(".")[2].isupper() if isinstance(kept, Name) else isinstance(kept, Constant)
    return fixed and any("digest" in word.lower() for word in _words(shown)) and not _says(_MAC_WORD, shown)


def _is_plain_digest(facts: SourceFacts, kept: Value, depth: int = 3) -> bool:
    """``self.to_dict()["confirmation_token"]``, the hash of what stands in the list itself, with no key: whoever is shown the list can work it out."""
    if isinstance(kept, Item) and isinstance(kept.owner, Call):
        given = [one.value for one in facts.returns_of(kept.owner.callee)]
        word = text_of(kept.key)
        held = [value for one in given if isinstance(one, Mapping) for key, value in one.items if text_of(key) == word]
        return depth > 0 and bool(held) and all(_is_plain_digest(facts, one, depth - 1) for one in held)
    if isinstance(kept, Call) and (own := facts.function(kept.callee)) is not None:
        made = [one for one in own.returns if not is_constant(one, None)]
        return depth > 0 and bool(made) and all(_is_plain_digest(facts, one, depth - 1) for one in made)
    hashed = [one for one in _made_of(kept) if _HASHES.fullmatch(one.callee)]
    parts = [part for one in hashed for part in walk(one, 10)]
    keyed = any(
        isinstance(part, (ConfigValue, EnvironmentValue)) or _is_key(part) or _says(_SECRET, part) for part in parts
    )
    drawn = any(isinstance(part, Call) and _DRAWN.match(part.callee) for part in parts)
    return bool(hashed) and not keyed and not drawn


def _is_of_the_session(value: Value) -> bool:
    """That the value was kept in the session: a caller cannot write there, so he cannot try one guess after the other."""
    return isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.session"


def _is_of_a_signed_text(facts: SourceFacts, value: Value) -> bool:
    """``serializer.loads(code)["v"]``: the signature was looked at before, so nobody can try one guess after the other."""
    while isinstance(value, (Item, Member)):
        value = value.owner
        if isinstance(value, Call):
            made = [value, *(one.value for one in facts.returns_of(value.callee))]
            if any(isinstance(one, Call) and _VERIFIED.fullmatch(one.callee) for one in made):
                return True
    return False


def _words(value: Value) -> Iterator[str]:
    for inner in walk(value, 3):
        match inner:
            case Item(key=Constant(value=str(name))) | Parameter(parameter=name) | Member(attribute=name):
                yield name
            case _:
                pass
        if inner.name:
            yield inner.name


def _says(pattern: re.Pattern[str], value: Value) -> bool:
    if isinstance(value, (Item, Member)) and _OPEN.search(
        value.attribute if isinstance(value, Member) else text_of(value.key) or ""
    ):
        return False  # ``token["group_id"]``: what is taken out of it is no secret
    return any(pattern.search(word) and not _OPEN.search(word) for word in _words(value))


def _is_named(facts: SourceFacts, value: Value) -> bool:
    """That its name says a signature, or a token that is used once; what a caller shows as his credential is an API key's matter."""
    if _says(_SIGNATURE, value):
        return True
    return _says(_TOKEN, value) and not any(label.kind == "authorization-header" for label in facts.labels(value))


def fix(app: App, hit: Hit) -> Edit | None:
    """``hmac.compare_digest`` over bytes, where both sides are seen to be texts."""
    found = next((one for one in source_of(app).comparisons("==", "!=") if one.span == hit.span), None)
    if found is None or found.texts is None or not (_is_text(found.left) and _is_text(found.right)):
        return None  # a missing key has to be refused first, by hand
    return in_constant_time(found)


def _is_text(value: Value) -> bool:
    match value:
        case Format():
            return True
        case Call(method="hexdigest"):
            return True
        case Item(owner=Name(dotted=owner), default=default):
            return owner.startswith("flask.request.") and (default is None or text_of(default) is not None)
        case _:
            return False


RULE = Rule(
    slug="signature-compared-with-equals",
    family="crypto",
    title="Signature compared with `==`",
    harm="Somebody who asks often enough forges a signature character by character from the time of the answers.",
    severity="medium",
    check="authentication",
    cwe=(208,),
    owasp="API2:2023",
    asvs=("V11.2.4",),
    surfaces=("source",),
    ends="Stopper's `@bearer` and `@api_key` compare signatures and hashes in constant time.",
    repeats=("api-key-compared-with-equals",),
    detect=detect,
    fix=fix,
)
