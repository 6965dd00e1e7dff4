"""Somebody who asks often enough finds the key character by character from the time of the answers."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import is_password_name, said_name
from stopper.core.app import App
from stopper.core.edits.comparing_edits import in_constant_time
from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name, is_kept_here
from stopper.core.flow.enumerations import is_enumerated
from stopper.core.guards.asked_before import is_of_absent_ones
from stopper.core.keys.api_key_names import READ_FROM, SHOWN, is_key_name
from stopper.core.labels import Label, LabelKind
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
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    text_of,
    walk,
)

SHORTEST: Final = 8
"""A literal under this length is a mark or a scheme, not a key."""
_KEY_KINDS: Final = ("api-key", "token", "config-secret")
_NO_KEY: Final = re.compile(
    r"(?i)(?:bearer|basic|digest|token|jwt|api[-_ ]?key|undefined|null|none|anonymous)?(?:[-_ ]?v\d+)?\s*(?:undefined|null|none)?"
)
_USER_NAME: Final = re.compile(r"(?i)user_?name$")
_DIGEST: Final = re.compile(r"(?i)hash|digest|hmac|prefix|fingerprint")
_HINT: Final = re.compile(r"(?i)key|token|secret|auth|credential")
_KEY_HEADER: Final = re.compile(
    r"(?i)(?!sec-|.*(?:idempot|csrf|xsrf|cache|surrogate|sort|primary|foreign|partition|public|websocket|sync|page|cursor))[\w-]+-(?:key|token|secret)"
)
"""Of headers that end so, what is no credential is left out."""
_TEXTS_IN: Final = frozenset(f"flask.request.{where}" for where in ("headers", "args", "form", "values", "cookies"))
_SETTINGS: Final = re.compile(r"(?i)config|settings|const|env|secret|\.(?-i:[A-Z][A-Z0-9_]+)$")
_SHOWN_KINDS: Final[tuple[LabelKind, ...]] = (
    "request-header",
    "authorization-header",
    "request-data",
    "query-string",
    "cookie",
)
_NO_SECRET: Final = re.compile(r"(?i)(?:^|_)(?:type|scheme|kind|(?<!session_)id)$")
"""Names of what says which credential this is, and opens nothing."""
_FIELD: Final = re.compile(r"(?i)k|key|secret|auth|access|token|code|pass")
_ANY_KEY: Final = re.compile(r"(?i)_(?:key|token|secret)$")
_CLASS_MEMBER: Final = re.compile(r"(?:.*\.)?[A-Z]\w*\.\w+")


def detect(app: App) -> Iterator[Hit]:
    """A key that a caller showed, held against the right one with ``==`` or ``!=``."""
    facts = source_of(app)
    for comparison in facts.comparisons("==", "!="):
        sides = (comparison.left, comparison.right)
        if any(is_enumerated(facts, side) for side in sides):
            continue
        if any(is_password_name(said_name(side)) for side in sides):
            continue  # a password in clear is worse, and told by its own rule
        if any(_is_no_key(side) or _NO_SECRET.search(said_name(_bare(side))) for side in sides) or not any(
            _may_be_about_keys(side) or _is_column(side) for side in sides
        ):
            continue
        certainty = _judged(facts, comparison) or _of_this_row(facts, comparison)
        if certainty is None or is_of_absent_ones(facts, comparison.span, comparison.function):
            continue  # nothing is no key, and has no beginning that could be guessed
        if not is_query(facts, comparison):
            yield Hit(
                "the time of this comparison tells how much of a guessed key is right",
                comparison.span,
                certainty=certainty,
            )


def _bare(value: Value) -> Value:
    """What ``str(…)`` is about."""
    return value.args[0] if isinstance(value, Call) and value.callee == "str" and value.args else value


def _is_no_key(value: Value) -> bool:
    """That it is a literal, and one that cannot be a key."""
    if not isinstance(value, Constant):
        return False
    text = value.value
    return not isinstance(text, str) or len(text) < SHORTEST or _NO_KEY.fullmatch(text) is not None


def _may_be_about_keys(value: Value) -> bool:
    """That a name inside says so. It is asked first because following what a value derives from costs more."""
    for inner in walk(value):
        match inner:
            case Item(key=Constant(value=str(name))) | Parameter(parameter=name) | Member(attribute=name):
                pass
            case EnvironmentValue(variable=name) | ConfigValue(key=name) | Name(dotted=name) | Call(callee=name):
                pass
            case _:
                name = inner.name
        if _HINT.search(name) or _HINT.search(inner.name):
            return True
    return False


def _is_column(value: Value) -> bool:
    return isinstance(value, Call) and value.method in ("Column", "mapped_column")


def _of_this_row(facts: SourceFacts, comparison: Comparison) -> Certainty | None:
    """``self.device_key == shown`` in a method of the model: what the row has, and no query."""
    function = facts.function(comparison.function)
    owner = classes_by_name(facts).get(function.owner) if function is not None and function.owner else None
    if function is None or owner is None or function.decorators:
        return None
    for column, shown in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        names = [name for name, held in owner.attributes.items() if held is column and isinstance(held, Call)]
        if any(map(_HINT.search, names)) and not any(map(_DIGEST.search, names)) and _is_shown_key(facts, shown):
            return "certain"
    return None


def _judged(facts: SourceFacts, comparison: Comparison) -> Certainty | None:
    for shown, wanted in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        if _is_shown_key(facts, shown) and (found := _as_stored(facts, wanted)) is not None:
            return found
        if isinstance(wanted, (EnvironmentValue, ConfigValue)) and _is_in_key_header(facts, shown):
            return "likely"
        if isinstance(wanted, (EnvironmentValue, ConfigValue)) and _ends_as_key(wanted) and _is_in_key_field(shown):
            return "likely"
        if (
            _is_secret_of_row(facts, wanted)
            and _is_in_secret_field(facts, shown)
            and not _is_written_then(facts, comparison, wanted)
        ):
            return "certain"
        if isinstance(shown, Parameter) and isinstance(wanted, (EnvironmentValue, ConfigValue)) and _named_key(wanted):
            return "likely"
    return None


def _is_shown_key(facts: SourceFacts, value: Value) -> bool:
    """That the value is a whole key from the request, not a part, a count or a hash of one."""
    if isinstance(value, (Constant, Format)) or (isinstance(value, Item) and _is_part(value)):
        return False
    if _USER_NAME.search(_spelled(value)) or _is_field_name(value):
        return False
    labels = facts.labels(value)
    return any(label.kind in SHOWN for label in labels) and any(_says_key(label) for label in labels)


def _spelled(value: Value) -> str:
    """What a value is called, also where its letters are made alike: ``auth.username.lower()``."""
    if isinstance(value, Call) and value.method in ("lower", "upper", "casefold", "strip"):
        return (
            said_name(value.receiver) if value.receiver is not None else value.callee.removesuffix(f".{value.method}")
        )
    return said_name(value)


def _is_field_name(value: Value) -> bool:
    """One of ``data.keys()``: the name of a field, and not what stands in it."""
    return any(
        isinstance(part, Call) and part.method == "keys" and part.receiver is not None for part in walk(value, 4)
    )


def _is_in_key_header(facts: SourceFacts, value: Value) -> bool:
    """That the value came in a header of the project's own whose name ends in key, token or secret: ``X-Partner-Key``."""
    if isinstance(value, (Constant, Format)) or (isinstance(value, Item) and _is_part(value)):
        return False
    labels = facts.labels(value)
    return any(label.kind == "request-header" and _KEY_HEADER.fullmatch(label.source) is not None for label in labels)


def _is_in_key_field(value: Value) -> bool:
    """``request.args["key"]``: a word that says little, and enough where the setting beside it is called a key."""
    match value:
        case Item(owner=Name(dotted=place), key=Constant(value=str(word))):
            return place in (*READ_FROM, "flask.request.json") and _FIELD.fullmatch(word) is not None
        case Item(owner=Call(callee="flask.request.get_json"), key=Constant(value=str(word))):
            return _FIELD.fullmatch(word) is not None
        case _:
            return False


def _is_secret_of_row(facts: SourceFacts, value: Value) -> bool:
    """``client.client_secret``, ``row["secret"]``: what is kept of somebody, under a name that says it. What a session keeps is the caller's own."""
    if isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.session":
        return False
    named = (
        value.attribute if isinstance(value, Member) else text_of(value.key) if isinstance(value, Item) else ""
    ) or ""
    return _is_secret_name(named) and not facts.derives(value, *_SHOWN_KINDS, by_name=False)


def _is_in_secret_field(facts: SourceFacts, value: Value) -> bool:
    """``request.form["client_secret"]``, ``body.get("secret")``"""
    named = (text_of(value.key) if isinstance(value, Item) else "") or ""
    return _is_secret_name(named) and facts.derives(value, *_SHOWN_KINDS, by_name=False)


def _is_secret_name(name: str) -> bool:
    return sensitive(name) == "config-secret" and not _DIGEST.search(name)


def _is_written_then(facts: SourceFacts, comparison: Comparison, kept: Value) -> bool:
    """``if account.secret != sent: account.secret = sent``: it is asked whether there is something to write."""
    named = kept.attribute if isinstance(kept, Member) else ""
    return bool(named) and any(one.attribute == named for one in facts.assignments_in(comparison.function))


def _is_part(value: Item) -> bool:
    """That the value is the beginning of a credential, as ``key[:4]`` or the scheme of ``header.split()[0]``."""
    match value.key:
        case Constant(value=0) | Unknown(parts=(Constant(value=None | 0), _)):
            return True
        case _:
            return False


def _says_key(label: Label) -> bool:
    if label.kind in ("api-key", "authorization-header"):
        return True
    return label.kind == "request-header" and sensitive(label.source) in _KEY_KINDS


def _as_stored(facts: SourceFacts, value: Value) -> Certainty | None:
    """How sure it is that the value is the right key; None when it is surely none."""
    match value:
        case Constant():
            return None if _is_no_key(value) else "certain"
        case EnvironmentValue() | ConfigValue():
            return "certain"
        case Name(dotted=dotted) if _is_key_of_record(facts, dotted):
            return "certain"
        case Name(dotted=dotted) if _CLASS_MEMBER.fullmatch(dotted) and not _SETTINGS.search(dotted):
            return None  # Model.api_key == shown builds a query, it compares nothing here
        case Call(method=method) if _is_column(value) or method in ("len", "hash", "type"):
            return None
        case _:
            pass
    labels = facts.labels(value)
    if any(label.kind in ("environment", "config", "config-secret", "api-key") for label in labels):
        return "certain"
    return None if any(label.kind in SHOWN for label in labels) else "likely"


def _is_key_of_record(facts: SourceFacts, dotted: str) -> bool:
    """``self.key`` in a method of a data class, which asks no database."""
    owner, _, word = dotted.rpartition(".")
    return is_kept_here(facts, owner) and _HINT.search(word) is not None and _DIGEST.search(word) is None


def _named_key(value: EnvironmentValue | ConfigValue) -> bool:
    name = value.variable if isinstance(value, EnvironmentValue) else value.key
    return sensitive(name) == "api-key" or is_key_name(name)


def _ends_as_key(value: EnvironmentValue | ConfigValue) -> bool:
    """``DEPLOY_KEY``, whatever it is for: what a caller writes into a field that is called a key is held against it."""
    name = value.variable if isinstance(value, EnvironmentValue) else value.key
    return _named_key(value) or _ANY_KEY.search(name) is not None


def fix(app: App, hit: Hit) -> Edit | None:
    """``hmac.compare_digest`` over bytes, where both sides are seen to be texts."""
    found = next((one for one in source_of(app).comparisons("==", "!=") if one.span == hit.span), None)
    if found is None or found.texts is None or not (_is_text(found.left) and _is_text(found.right)):
        return None  # a missing key has to be refused first, by hand
    return in_constant_time(found)


def _is_text(value: Value) -> bool:
    """That the value is surely a text, never None."""
    match value:
        case Format() | Constant(value=str()):
            return True
        case EnvironmentValue(default=default):
            return default is None or text_of(default) is not None
        case Item(owner=Name(dotted=owner), default=default) if owner in _TEXTS_IN:
            return default is None or text_of(default) is not None
        case _:
            return False


RULE = Rule(
    slug="api-key-compared-with-equals",
    family="api-key",
    title="API key compared with `==`",
    harm="Somebody who asks often enough finds the key character by character from the time of the answers.",
    severity="medium",
    check="authentication",
    cwe=(208,),
    owasp="API2:2023",
    asvs=("V11.2.4",),
    surfaces=("source",),
    ends="Stopper's `@api_key` looks a key up by its id and compares hashes in constant time.",
    detect=detect,
    fix=fix,
)
