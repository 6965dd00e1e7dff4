"""Everybody who may read the logs can act as the caller."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.settings_shown import shows_settings_whole
from stopper.core.answers.shown_as_text import mappings_in, shown_in
from stopper.core.app import App
from stopper.core.deployment.behind_settings import is_behind_setting
from stopper.core.deployment.echoed_variables import echoed_variables
from stopper.core.edits.call_edits import calls_at
from stopper.core.edits.leaving_out_edits import stars_in
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import is_record
from stopper.core.flow.passing import callers as running
from stopper.core.flow.passing import passed
from stopper.core.flow.shown_fields import secret_fields
from stopper.core.flow.told_once import OF_SEVERAL, handed_in, told_once
from stopper.core.keys.keys_by_use import is_secret_by_use
from stopper.core.keys.told_by_text import told_at
from stopper.core.labels import CREDENTIALS, UNTRUSTED, Label, LabelKind
from stopper.core.naming import sensitive
from stopper.core.outgoing.held_headers import Put, carried, credential_kind
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.claims_by_use import is_read_as_claims
from stopper.core.tokens.jwt_names import written_in
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
    Value,
    text_of,
    walk,
)

_OPEN_PARTS: Final = frozenset({"username", "type", "realm"})
"""Parts of ``request.authorization`` that open nothing."""
_ID_OF: Final = re.compile(
    r"(?i)(?:token|key|jwt|credential|secret)_(?:id|name)$|(?:^|_)user_?name$|^(?:raw_|client_|remote_)?(?:user|e?mail|user_e?mail|login)$|^(?:\w+_)?(?:ip|port|protocol)$"
)
"""Names of the id of a credential, of what a token was about, or of the half of a pair that is no secret."""
_NO_GOOD: Final = frozenset(
    {
        "SignatureExpired",
        "BadSignature",
        "BadTimeSignature",
        "BadData",
        "ExpiredSignatureError",
        "InvalidSignatureError",
    }
)
"""Exceptions that say so; that a token is for somebody else, as others may say, does not make it worthless."""
_MAKERS: Final = frozenset({"secrets.token_urlsafe", "secrets.token_hex"})
_LONG_ENOUGH: Final = 16
_OF_KEYS: Final = re.compile(
    r"(?i)(?:api|access|client|service)_?keys?|(?:^|[._])(?:new_)?keys?(?=$|[._])|tokens?(?=$|[._])"
)
"""Functions, and modules of them, that are called after what they make."""
_SESSION: Final = re.compile(r"(?i)session(?:_?id)?|sid|sess|connect\.sid|remember(?:_me|_token)?")
_VAGUE: Final = frozenset({"token", "jwt"})
"""Names that other things have too: a challenge for a certificate, a word of a parser."""
_WORDS: Final[dict[LabelKind, str]] = {
    "authorization-header": "the Authorization header",
    "token": "a token",
    "api-key": "an API key",
    "password": "a password",
    "config-secret": "a secret of the settings",
}


def detect(app: App) -> Iterator[Hit]:
    """A credential that reaches a logger or ``print`` as it is."""
    facts = source_of(app)
    yield from told_once((hit, handed_in(facts, flow)) for hit, flow in _logged(facts))
    for kind, span in echoed_variables(facts):
        yield Hit(f"{_WORDS[kind]} is printed when the script runs", span, certainty="likely")


def _logged(facts: SourceFacts) -> Iterator[tuple[Hit, Flow]]:
    asking = _Asking(facts)
    for flow in facts.flows("log", "print"):
        every = flow.has("whole-config") and flow.sink == "log"
        if every and (
            any(_is_all_settings(facts, one) for one in shown_in(flow.value)) or _goes_through_all(facts, flow)
        ):
            if not is_behind_setting(facts, flow.span, "DEBUG".__eq__):
                yield Hit("all settings are written to a log, secrets with them", flow.span, certainty="likely"), flow
            continue
        by_text = told_at(facts, flow)
        if (
            not flow.has(*CREDENTIALS)
            and not by_text
            and not any(_is_record_or_link(facts, one) or _is_session_cookie(one) for one in shown_in(flow.value))
            and not any(True for one in mappings_in(flow.value) for _ in _sent(one))
            and not any(
                (isinstance(one, Call) and one.callee in _MAKERS) or is_secret_by_use(facts, one)
                for one in shown_in(flow.value)
            )
        ):
            continue
        labels = asking.of(flow.value) | by_text
        found: list[LabelKind] = [kind for kind in _WORDS if any(label.kind == kind for label in labels)]
        told = any(label.kind in found and not label.by_name for label in labels)
        shown = _is_shown_to_operator(facts, flow) and (not told or _is_of_a_command(facts, flow))
        if not found or shown or _is_known(facts, flow) or _is_for_a_shell(flow):
            continue
        if is_behind_setting(facts, flow.span, "DEBUG".__eq__):
            continue  # off until somebody starts the application so
        if not _is_refused(facts, flow, found) and not _is_a_path(facts, flow):
            certainty: Certainty = "certain" if told and flow.detail != "record" else "likely"
            yield Hit(f"{_WORDS[found[0]]} is written to a log", flow.span, certainty=certainty), flow


def _is_all_settings(facts: SourceFacts, value: Value) -> bool:
    """``app.config`` or ``os.environ`` as a whole."""
    while isinstance(value, Call) and value.callee in ("dict", "copy.copy", "copy.deepcopy") and len(value.args) == 1:
        value = value.args[0]
    if not isinstance(value, (Name, Member)):
        return False
    return any(label.kind == "whole-config" for label in facts.labels(value))


def _goes_through_all(facts: SourceFacts, flow: Flow) -> bool:
    """``{name: held for name, held in app.config.items()}``"""
    through = any(isinstance(one, Mapping) and one.open for one in walk(flow.value, 3))
    return through and shows_settings_whole(facts, flow)


def _is_for_a_shell(flow: Flow) -> bool:
    """``print('export DBPASSWORD="' + …)``: a shell reads the output, and nobody keeps it."""
    first = flow.value.parts[0] if isinstance(flow.value, Format) and flow.value.parts else flow.value
    return flow.sink == "print" and (text_of(first) or "").startswith("export ")


def _is_record_or_link(facts: SourceFacts, value: Value) -> bool:
    return isinstance(value, Call) and (value.callee == "flask.url_for" or is_record(facts, value.callee))


def _is_session_cookie(value: Value) -> bool:
    """``request.cookies.get("session")``, which opens what the log-in opened."""
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.request.cookies"
        and isinstance(value.key, Constant)
        and _SESSION.fullmatch(str(value.key.value)) is not None
    )


def _fields_shown(facts: SourceFacts, made: Call) -> Iterator[Value]:
    """What the text of a data class shows of secrets."""
    for place, name, declared in secret_fields(facts, made.callee):
        value = made.argument(place, name) or declared
        if value is not None:
            yield value


def _sent(mapping: Mapping) -> Iterator[Put]:
    """What is carried under a name that headers have; ``{"token": token}`` may be of anything, and is judged by its value."""
    return ((name, held) for name, held in carried(mapping) if name.lower() not in _VAGUE)


def _is_shown_to_operator(facts: SourceFacts, flow: Flow) -> bool:
    """That a command prints what it was given or has made: no request runs it, and somebody waits for the text."""
    stored = any(isinstance(value, (EnvironmentValue, ConfigValue)) for value in shown_in(flow.value))
    return flow.sink == "print" and bool(flow.function) and not stored and not facts.routes_reaching(flow.function)


def _is_of_a_command(facts: SourceFacts, flow: Flow) -> bool:
    """``@app.cli.command()``, ``@click.command()``, or called by such functions only: what it makes for its operator is what it was
    called for."""
    called = [call.function for call in facts.calls(flow.function)]
    return _is_command(facts, flow.function) or (bool(called) and all(_is_command(facts, one) for one in called))


def _is_command(facts: SourceFacts, name: str) -> bool:
    own = facts.function(name)
    return own is not None and any(one.name.endswith((".command", "cli.command")) for one in own.decorators)


def _is_known(facts: SourceFacts, flow: Flow) -> bool:
    """That the place is reached only where what is written equals a literal: ``if key == "public": log(key)``."""
    shown = [
        part for part in walk(flow.value, 3) if isinstance(part, (Name, Parameter, Item, Member, Constant, ConfigValue))
    ]
    return any(
        condition.body is not None
        and condition.body.holds(flow.span)
        and not condition.negated
        and condition.span.holds(one.span)
        and any(isinstance(side, Constant) and isinstance(side.value, str) for side in (one.left, one.right))
        and any(side == part for side in (one.left, one.right) for part in shown)
        for condition in facts.conditions_in(flow.function)
        for one in facts.comparisons_in(flow.function)
        if one.operator == "=="
    )


def _is_refused(facts: SourceFacts, flow: Flow, found: list[LabelKind]) -> bool:
    """That a token is written where it has just been found to be expired or forged: it opens nothing."""
    return found == ["token"] and any(
        all(name.rpartition(".")[2] in _NO_GOOD for name in one.catches) and one.span.holds(flow.span)
        for one in facts.handlers_in(flow.function)
    )


_OF_PATHS: Final = frozenset(
    {
        "open",
        "os.path.exists",
        "os.path.isfile",
        "os.path.isdir",
        "os.path.abspath",
        "os.stat",
        "os.access",
        "pathlib.Path",
    }
)


def _is_a_path(facts: SourceFacts, flow: Flow) -> bool:
    """That what is written is looked for as a file in the same function: it says where a key lies."""
    parts = [part for part in walk(flow.value, 3) if isinstance(part, (Name, Parameter, Item, Member, ConfigValue))]
    return any(
        call.callee in _OF_PATHS and call.args and any(call.args[0] == part for part in parts)
        for call in facts.calls_in(flow.function)
    )


class _Asking:
    """What of a value is seen when it is written as text."""

    def __init__(self, facts: SourceFacts) -> None:
        self.facts = facts

    def of(self, value: Value, callers: int = 2) -> frozenset[Label]:
        """The credentials whose text is seen. A name counts only for the value that bears it, and through parameters."""
        found = {
            Label(kind, True, name)
            for headers in mappings_in(value)
            for name, held in _sent(headers)
            if (kind := credential_kind(name)) is not None and any(not _is_open_part(one) for one in shown_in(held))
        }
        for shown in shown_in(value):
            if _is_open_part(shown):
                continue
            if _is_session_cookie(shown):
                found.add(Label("token", source="session"))
            if isinstance(shown, Call) and callers:
                inside = [one for _, one in shown.keywords] if shown.callee == "flask.url_for" else []
                for held in inside or _fields_shown(self.facts, shown):
                    found |= self.of(held, callers - 1)
            labels = self.facts.labels(shown)
            found |= {label for label in labels if label.kind in CREDENTIALS and not label.by_name}
            found |= self._named(shown, labels)
            if isinstance(shown, Parameter) and callers:
                for call in running(self.facts, shown.function):
                    for given in passed(self.facts, shown, call):
                        found |= self.of(given, callers - 1)
        return frozenset(found)

    def _named(self, value: Value, labels: frozenset[Label]) -> set[Label]:
        """The label that the value's own name gives it; a bare "token" only where a caller of the API sends it."""
        if isinstance(value, Call) and value.callee in _MAKERS and self._is_given_out(value):
            return {Label("api-key", True, value.function)}
        if isinstance(value, Call) and value.callee in _MAKERS and (kind := self._drawn_as(value)) is not None:
            return {Label(kind, True, value.function)}
        if is_secret_by_use(self.facts, value):
            return {Label("api-key", True, value.name)}
        for name in _names(value):
            kind = sensitive(name)
            if kind == "token" and isinstance(value, Parameter) and is_read_as_claims(self.facts, value):
                continue  # what the token said
            if kind == "token" and _is_a_number(value):
                continue  # a counter by which the newest is known
            if kind is not None and (name.lower() not in _VAGUE or self._is_sent(value, labels)):
                return {Label(kind, True, name)}
        return set()

    def _is_given_out(self, made: Call) -> bool:
        """That a function which is called after keys or tokens gives back what it has drawn here: a new one."""
        if _is_short(made):
            return False
        home = written_in(self.facts, made)
        return _OF_KEYS.search(".".join(home.split(".")[-2:])) is not None and any(
            part is made for one in self.facts.returns_of(home) for part in walk(one.value, 6)
        )

    def _drawn_as(self, made: Call) -> LabelKind | None:
        """What a text that was just drawn is by the variable that it is kept in: ``token = token_urlsafe(32)``; a key of any name where
        its digest is made beside it."""
        if _is_short(made):
            return None
        kept = (
            one for one in self.facts.assignments_in(made.function) if any(part is made for part in walk(one.value, 3))
        )
        for one in kept:
            if (kind := sensitive(one.attribute)) is not None:
                return kind
        return "api-key" if self._is_hashed(made) else None

    def _is_hashed(self, made: Call) -> bool:
        calls = (call for call in self.facts.calls_in(made.function) if call.callee.startswith("hashlib."))
        return any(part is made for call in calls for given in call.args for part in walk(given, 4))

    def _is_sent(self, value: Value, labels: frozenset[Label]) -> bool:
        """That a caller of the API sends it."""
        of_view = isinstance(value, Parameter) and self.facts.is_view(value.function)
        return of_view or any(label.kind in UNTRUSTED for label in labels)


def _is_short(made: Call) -> bool:
    """That it is too short for more than the part of a credential that names it."""
    size = made.argument(0, "nbytes")
    return isinstance(size, Constant) and isinstance(size.value, int) and size.value < _LONG_ENOUGH


def _is_a_number(value: Value) -> bool:
    """``int(…)``, or a parameter that is declared as one: no token of a caller is so short or so plain."""
    return (isinstance(value, Parameter) and value.typed in ("int", "float")) or (
        isinstance(value, Call) and value.callee in ("int", "float", "len")
    )


def _is_open_part(value: Value) -> bool:
    match value:
        case Member(attribute=name) | Parameter(parameter=name):
            return name in _OPEN_PARTS or _ID_OF.search(name) is not None
        case Name(dotted=dotted):
            return dotted.rpartition(".")[2] in _OPEN_PARTS
        case Constant(value=str(text)) if value.name:
            # ``DATABASE_KEY = "shop_database_key"`` names a place where a key lies.
            return text.lower().replace("-", "_").endswith(value.name.rpartition(".")[2].strip("_").lower())
        case _:
            return False


def _names(value: Value) -> Iterator[str]:
    yield value.name
    match value:
        case (
            Member(attribute=name) | Parameter(parameter=name) | EnvironmentValue(variable=name) | ConfigValue(key=name)
        ):
            yield name
        case Item(key=Constant(value=str(name))):
            yield name
        case _:
            return


def fix(app: App, hit: Hit) -> Edit | None:
    """``"***"`` in place of an argument that carries the credential, or stars in place of the part of an f-string that does."""
    facts, asking = source_of(app), _Asking(source_of(app))
    for call in calls_at(facts, hit.span):
        if call.span is None or call.open or hit.message.endswith(OF_SEVERAL):
            continue
        carrying = [(place, value) for place, value in enumerate(call.args) if asking.of(value)]
        if len(carrying) == 1 and isinstance(carrying[0][1], Format):
            return stars_in(carrying[0][1], lambda part: bool(asking.of(part)))
        named = any(place and isinstance(value, Mapping) for place, value in carrying)  # ``"%(name)s", {"name": …}``
        if carrying and not named and not any(isinstance(value, Format) for _, value in carrying):
            masked = tuple((str(place), '"***"') for place, _ in carrying)
            return Edit(call.span, "", safe=False, arguments=masked)
    return None


RULE = Rule(
    slug="credential-logged",
    family="api-key",
    title="Credential written to a log",
    harm="Everybody who may read the logs can act as the caller.",
    severity="high",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="`Stopper(app)` masks credentials in what every logger writes.",
    detect=detect,
    fix=fix,
)
