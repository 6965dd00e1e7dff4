"""Whoever may read logs or error reports finds tokens and passwords in them."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.app import App
from stopper.core.deployment.server_addresses import is_server_address
from stopper.core.edits.call_edits import calls_at
from stopper.core.edits.leaving_out_edits import stars_in
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import handed, named
from stopper.core.flow.written_alike import written_alike
from stopper.core.keys.keys_by_use import is_secret_by_use
from stopper.core.labels import CREDENTIALS, UNTRUSTED
from stopper.core.naming import VARIABLE, sensitive
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

_TELLS_NOTHING: Final = re.compile(
    r"(?i)(?:.*\.)?(?:bool|len|type|isinstance|hash|id|any|all|hexdigest|sha\d+|md5|mask\w*|redact\w*|scrub\w*|\w*fingerprint\w*|\w*saniti[sz]e\w*|obfuscat\w*|get_unverified_\w+)"
)
_MASKS: Final = re.compile(r"(?i)mask|redact|hide|censor|obfuscat|strip_?(?:secret|password|credential)")
_SETTING: Final = re.compile(r"[A-Za-z]+(?:[._][A-Za-z]+)+")
_MESSAGES: Final = re.compile(r"(?i)(?:^|_)(?:messages?|errors?|texts|strings|labels|msgs?)(?:_|$)")
_VAGUE: Final = frozenset({"token", "jwt", "tok"})
_NOT_WHOLE: Final = frozenset({"split", "partition", "rpartition", "rsplit"})
_OPEN_PARTS: Final = frozenset({"username", "type", "realm", "__class__", "__name__", "kind", "name"})


def detect(app: App) -> Iterator[Hit]:
    """A credential whose text becomes part of an exception's text, where it is raised or in its class."""
    facts = source_of(app)
    for flow in facts.flows("exception-message", label=tuple(sorted(CREDENTIALS))):
        certainty = _judged(facts, flow.value) or ("likely" if _shows_headers(flow.value) else None)
        if certainty is not None and not _words_itself(facts, flow.detail) and not _is_missing(facts, flow):
            yield _told(flow.span, certainty)
    told = {flow.span for flow in facts.flows("exception-message", label=tuple(sorted(CREDENTIALS)))}
    for flow in facts.flows("exception-message"):
        if flow.span not in told and any(is_secret_by_use(facts, one) for one in _shown(flow.value)):
            yield Hit("a secret becomes part of the text of an exception", flow.span, certainty="likely")
        elif flow.span not in told and any(map(is_server_address, _written(flow.value))):
            message = "the address of a server, in which a password most often stands, becomes part of the text of an exception"
            yield Hit(message, flow.span, certainty="likely", severity="medium")
        elif flow.span not in told and _shows_headers(flow.value):
            yield Hit(
                "headers with a credential become part of the text of an exception", flow.span, certainty="likely"
            )
    yield from _by_classes(facts)


_HEADERS: Final = re.compile(r"(?i)(?:proxy-)?authorization|(?:x-)?api-?key|x-[\w-]*token|cookie")


def _shows_headers(value: Value) -> bool:
    """``{"Authorization": f"Bearer {token}"}``, all of it, in the text."""
    return any(
        isinstance(part, Mapping)
        and any(_HEADERS.fullmatch(text_of(key) or "") and not isinstance(held, Constant) for key, held in part.items)
        for part in _written(value)
    )


def _written(value: Value, depth: int = 6) -> Iterator[Value]:
    """What stands in the text itself: what something else was made with, ``session(DB_URL).first().name``, does not."""
    yield value
    plain = isinstance(value, (Format, Unknown, Choice)) or (
        isinstance(value, Call) and value.callee in ("str", "repr", "format")
    )
    for part in parts(value) if plain and depth else ():
        yield from _written(part, depth - 1)


def _told(span: Span, certainty: Certainty) -> Hit:
    """What is a secret by its name alone may be the path of one, or its number: that has to be looked at."""
    message = "a secret becomes part of the text of an exception"
    if certainty != "possible":
        return Hit(message, span, certainty=certainty)
    return Hit(f"{message}, by its name: look what it holds", span, certainty="possible", severity="low")


def _is_missing(facts: SourceFacts, flow: Flow) -> bool:
    """``if password is None: raise Wrong("password", password)``: there is nothing that the text could show."""
    empty = [
        tested
        for one in facts.conditions_around(flow.span)
        for option in (one.value.options if isinstance(one.value, Choice) and one.value.every else (one.value,))
        if (tested := _tested_for_nothing(option, one.negated)) is not None
    ]
    return bool(empty) and any(written_alike(part, tested) for part in parts(flow.value) for tested in empty)


def _tested_for_nothing(test: Value, negated: bool) -> Value | None:
    """What is None or empty where the test holds."""
    match test:
        case Truth(parts=(tested, Constant(value=None | ""))) if not test.differs and not negated:
            return tested
        case Truth(parts=(tested,)) if not negated:
            return tested
        case Truth():
            return None
        case _:
            return test if negated else None


_BASE: Final = re.compile(r"(?:.*\.)?\w*(?:Error|Exception|Warning)")


def _by_classes(facts: SourceFacts) -> Iterator[Hit]:
    """``super().__init__(f"no access with {token}")`` in an exception of the project."""
    for call in facts.calls("*.__init__"):
        owner = call.function.removesuffix(".__init__")
        if (
            owner == call.function
            or call.span is None
            or not any(_BASE.fullmatch(one) for one in _with_bases(facts, owner))
        ):
            continue
        for value in call.args:
            certainty = _judged(facts, value, steps=1) if _is_text(value) else None
            if certainty is not None:
                yield _told(call.span, certainty)
                break
    raised = {flow.detail for flow in facts.flows("exception-message", label=tuple(sorted(CREDENTIALS)))}
    for found in facts.classes():
        if found.name in raised or not any(_BASE.fullmatch(one) for one in _with_bases(facts, found.name)):
            continue  # what is handed over by itself is judged where the exception is raised
        for said in facts.returns_of(f"{found.name}.__str__"):
            certainty = _judged(facts, said.value) if _is_text(said.value) else None
            if certainty is not None:
                yield _told(said.span, certainty)


def _words_itself(facts: SourceFacts, exception: str) -> bool:
    """That the class of the project says its own text, and the secret is not in it."""
    for name in _with_bases(facts, exception):
        said = [call for call in facts.calls_in(f"{name}.__init__") if call.method == "__init__"]
        if any(_is_text(value) or isinstance(value, Constant) for call in said for value in call.args):
            return True  # judged where the class puts its text together
        texts = facts.returns_of(f"{name}.__str__")
        if texts:
            return all(_judged(facts, one.value) is None for one in texts)
    return False


def _with_bases(facts: SourceFacts, name: str, depth: int = 4) -> Iterator[str]:
    yield name
    found = classes_by_name(facts).get(name)
    for base in found.bases if found is not None and depth else ():
        yield from _with_bases(facts, base, depth - 1)


def _is_text(value: Value) -> bool:
    """``f"no access with {token}"``, ``TEMPLATE.format(**values)``."""
    return isinstance(value, Format) or (isinstance(value, Call) and value.method in ("format", "format_map"))


def _judged(facts: SourceFacts, value: Value, steps: int = 0) -> Certainty | None:
    """How sure it is that the text shows a secret; over *steps* functions also by the names under which callers pass it."""
    found: Certainty | None = None
    for shown in _shown(value):
        labels = facts.labels(shown)
        if any(label.kind in CREDENTIALS and not label.by_name for label in labels):
            return "certain"
        name = next((said for said in (_name(shown), shown.name) if sensitive(said) is not None), "")
        if not name:
            several = _passed(facts, shown) if steps else ()
            passed = {one for given in several if (one := _judged(facts, given, steps - 1)) is not None}
            found = found or ("likely" if passed & {"certain", "likely"} else "possible" if passed else None)
            continue
        vague = name.lower() in _VAGUE
        if isinstance(shown, (ConfigValue, EnvironmentValue)) or any(label.kind in UNTRUSTED for label in labels):
            found = "likely"
        elif not vague:
            found = found or "possible"
    return found


def _passed(facts: SourceFacts, value: Value) -> Iterable[Value]:
    """What callers pass for a parameter, or under that name for ``**named``."""
    if isinstance(value, Item) and isinstance(value.owner, Parameter):
        return named(facts, value.owner, text_of(value.key) or "")
    return handed(facts, value) if isinstance(value, Parameter) else ()


def _name(value: Value) -> str:
    """The name of a setting, or that under which the value is read."""
    match value:
        case EnvironmentValue(variable=name) | ConfigValue(key=name):
            return name
        case _:
            return said_name(value)


def _is_list_of_names(value: Value) -> bool:
    """``REQUIRED = ["MAIL_PASSWORD", "API_KEY"]``, and lists made of it."""
    listed = [one for one in walk(value, 4) if isinstance(one, Sequence)]
    inside = [item for one in listed for item in one.items]
    return bool(inside) and all(
        isinstance(item, Constant) and isinstance(item.value, str) and VARIABLE.fullmatch(item.value) for item in inside
    )


def _shown(value: Value, depth: int = 10, seen: dict[int, int] | None = None) -> Iterator[Value]:
    """The values whose text is seen in the text of this one; *seen* says how deep was looked into parts that several others share."""
    known = {} if seen is None else seen
    if known.get(id(value), -1) >= depth:
        return
    known[id(value)] = depth
    match value:
        case Constant(name=name) if not name:
            return
        case Constant(value=str(text)) if " " in text.strip():
            return  # a sentence
        case Constant(value=str(text)) if _SETTING.fullmatch(text):
            return  # the name of a setting, not what stands in it
        case Truth():
            return
        case Call(callee=callee) if _TELLS_NOTHING.fullmatch(callee):
            return
        case Call(keywords=keywords) if any(_MASKS.search(name) and is_constant(one, True) for name, one in keywords):
            return  # ``shown(password_mask=True)``
        case Item(owner=owner) if _is_list_of_names(owner):
            return  # one of the names of what must be there
        case Item(owner=owner) if _MESSAGES.search(said_name(owner)):
            return  # one of the project's own sentences
        case Call(method="keys", args=()):
            return  # names of members, not what they hold
        case Member(attribute=attribute) if attribute in _OPEN_PARTS:
            return
        case Item(owner=Call() as made, key=Constant(value=0)) if made.method in _NOT_WHOLE:
            return
        case Item(key=Unknown(parts=(Constant(value=None | 0), _))):
            return
        case Call(callee="set" | "sorted" | "list" | "tuple" | "str" | "dict" | "?.join", args=args) if depth and args:
            for part in args:
                yield from _shown(part, depth - 1, known)
        case Format() | Sequence() | Choice() | Mapping() | Unknown() if depth:
            for part in parts(value):
                yield from _shown(part, depth - 1, known)
        case Call(receiver=receiver, args=args, keywords=keywords) if depth:
            inner = (*((receiver,) if receiver is not None else ()), *args, *(one for _, one in keywords))
            yield value
            for part in inner:
                yield from _shown(part, depth - 1, known)
        case _:
            yield value


def fix(app: App, hit: Hit) -> Edit | None:
    """Stars in place of the part of an f-string that shows the secret, where it is raised or handed to the class above."""
    facts = source_of(app)
    given = [flow.value for flow in facts.flows("exception-message") if flow.span == hit.span]
    given += [value for call in calls_at(facts, hit.span) for value in call.args]
    for value in dict.fromkeys(given):
        edit = stars_in(value, lambda part: _judged(facts, part, steps=1) is not None or is_secret_by_use(facts, part))
        if edit is not None:
            return edit
    return None


RULE = Rule(
    slug="secret-in-exception-message",
    family="leak",
    title="Secret in the text of an exception",
    harm="Whoever may read logs or error reports finds tokens and passwords in them.",
    severity="high",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="Stopper's `Secret` prints as `***`, also in the text of an exception.",
    detect=detect,
    fix=fix,
)
