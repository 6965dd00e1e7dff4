"""Whoever writes into the session store runs code in the application, or guesses other people's sessions."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.effective_settings import answered, open_place
from stopper.core.deployment.setting_facts import in_force, plain, switches, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import given
from stopper.core.guards.named_by_cookies import named_by_cookies
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, is_constant, text_of, walk

_PICKLES: Final = re.compile(r"(pickle|_pickle|cPickle|dill|cloudpickle|joblib|jsonpickle)(\.|$).*")
_LIBRARIES: Final = ("flask_session.", "flask_sessionstore.", "flask_kvsession.")
_FILES: Final = re.compile(r"^(cachelib|werkzeug\.contrib\.cache)\b.*\.FileSystemCache$")
_OF_SOMEBODY: Final = re.compile(r"(?i)sess|user|auth|log_?in|account|identity|profile")
_SESSIONS: Final = re.compile(r"(?i)sess(?:ion)?s?(?:_|$)")
_STORES: Final = re.compile(r"Session")
"""A class for sessions: ``SessionStore``."""
_PROVES: Final = re.compile(r"(?i)unsign|verif|compare_digest|decrypt|hmac|signature|jwt|jws|check_")
_FORMATS: Final = frozenset({"pickle", "dill"})


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    """A function that reads the id from a cookie, and unpickles what is kept under it."""
    if not facts.says("cookies"):
        return
    shown = {one.function for one in facts.readings("flask.request.cookies") if one.function}
    for call in facts.calls("pickle.load", "pickle.loads", "dill.load", "dill.loads", "shelve.open"):
        if call.args and isinstance(file := call.args[0], Call) and file.method == "open" and text_of(file.argument(0)):
            continue  # a file of the application's own
        if call.span is not None and (call.function in shown or _opens_sessions(facts, call.function, shown)):
            yield Hit("sessions are kept as pickles", call.span)
    for call in facts.calls("json.loads", "flask.json.loads"):
        if (
            call.function in shown
            and any(map(_is_session_cookie, walk(call.argument(0), 6)))
            and not _verifies(facts, call.function)
        ):
            yield Hit("the session is read from a cookie that nobody signed", call.span, certainty="likely")


def _opens_sessions(facts: SourceFacts, function: str, shown: set[str]) -> bool:
    """``session_of(request.cookies["sid"])``: a function for sessions, which one that reads a cookie calls."""
    owner, _, word = function.rpartition(".")
    for_sessions = _SESSIONS.search(word) is not None or _STORES.search(owner.rpartition(".")[2]) is not None
    return for_sessions and any(call.function in shown for call in facts.calls(function))


def _is_session_cookie(value: Value) -> bool:
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.request.cookies"
        and _OF_SOMEBODY.search(text_of(value.key) or "") is not None
    )


def _verifies(facts: SourceFacts, function: str) -> bool:
    return any(_PROVES.search(call.callee) for call in facts.calls_in(function))


def detect(app: App) -> Iterator[Hit]:
    """Flask-Session before 0.6 (it pickles), a pickling serializer, the signer switched off, an interface of one's own with pickle."""
    facts = source_of(app)
    yield from _serializers(app)
    yield from _by_hand(facts)
    yield from _plain_names(facts)
    yield from _where_it_runs(app)
    if not facts.imports("flask_session", "flask_sessionstore", "flask_kvsession") and "SESSION_TYPE" not in app.config:
        return
    for doubt in switches(app, "SESSION_SERIALIZATION_FORMAT"):
        if doubt.span is not None and str(doubt.value).lower() in _FORMATS:
            yield Hit("sessions are kept as pickles", doubt.span)
    key = "SESSION_SERIALIZATION_FORMAT"
    if str(answered(app, key)).lower() in _FORMATS:
        yield Hit("sessions are kept as pickles", open_place(app, key), reader="running")
    for doubt in switches(app, "SESSION_USE_SIGNER"):
        if doubt.span is not None and not doubt.value:
            yield Hit(
                "SESSION_USE_SIGNER is off, so the session's id is unsigned",
                doubt.span,
                certainty="possible" if doubt.desk else _sure(app),
            )
    if answered(app, "SESSION_USE_SIGNER") is False:
        said = "SESSION_USE_SIGNER is off, so the session's id is unsigned"
        yield Hit(said, open_place(app, "SESSION_USE_SIGNER"), certainty="likely", reader="running")
    version = tuple(int(part) for part in re.findall(r"\d+", app.dependencies.get("flask-session", ""))[:2])
    made = next((call.span for call in facts.calls("flask_session.Session", "flask_session.Session.init_app")), None)
    if made is None:
        return
    if version and version < (0, 6):
        yield Hit("this version of Flask-Session keeps sessions as pickles", made)
    old = ("cachelib",) if version >= (0, 6) else ("filesystem", "cachelib")
    in_files = [write for write in written(app, "SESSION_TYPE") if any(one in old for one in plain(facts, write.value))]
    if in_files and not (version and version < (0, 6)):
        write = min(in_files, key=is_for_one_desk)  # written twice, it is one choice
        yield Hit(
            "sessions are kept in files as pickles",
            write.span,
            certainty="possible" if is_for_one_desk(write) else "likely",
        )
    signer = list(written(app, "SESSION_USE_SIGNER"))
    if not signer and in_force(app, "SESSION_USE_SIGNER") is not True and not (version and version >= (0, 7)):
        yield Hit("SESSION_USE_SIGNER is left off, so the session's id is unsigned", made, certainty="possible")


def _where_it_runs(app: App) -> Iterator[Hit]:
    """The interface that the application has: what it serialises with, and a cache of files, which pickles."""
    known = app.extensions.sessions
    if known is None:
        return
    files = known.interface.startswith(_LIBRARIES) and _FILES.search(known.store)
    if _PICKLES.fullmatch(known.serializer) or files:
        facts = source_of(app)
        types = next((write.span for write in written(app, "SESSION_TYPE")), None)
        made = next(
            (call.span for call in facts.calls("flask_session.Session", "flask_session.Session.init_app")), None
        )
        said = "sessions are kept in files as pickles" if files else "sessions are kept as pickles"
        yield Hit(said, types or made, certainty="likely", reader="running")


def _sure(app: App) -> Certainty:
    return "likely" if app.dependencies.get("flask-session", "") else "certain"


def _unpickles(facts: SourceFacts, call: Call) -> bool:
    """``pickle.loads(…)``, and ``self.codec.loads(…)`` where the codec is handed in and is pickle."""
    handed = given(facts, call.receiver) if isinstance(call.receiver, Parameter) else ()
    return _PICKLES.fullmatch(call.callee) is not None or any(
        isinstance(one, Name) and _PICKLES.fullmatch(one.dotted) for one in handed
    )


_SERIALIZERS: Final = re.compile(r"^(?:cachelib|flask_session)\.(?:\w+\.)*\w*Serializer$")
"""Classes that a session's serializer of the project's own stands on."""


def _serializers(app: App) -> Iterator[Hit]:
    facts = source_of(app)
    for found in facts.classes(
        "flask.sessions.SessionInterface", "flask.sessions.SecureCookieSessionInterface", "flask.sessions.SessionMixin"
    ):
        said = found.attributes.get("serializer")
        own = facts.calls_in(f"{said.callee}.loads") if isinstance(said, Call) else ()
        if (isinstance(said, Name) and _PICKLES.fullmatch(said.dotted)) or any(_unpickles(facts, one) for one in own):
            yield Hit(
                "the session interface pickles its sessions", (said.span if said is not None else None) or found.span
            )
        for method in found.methods:
            for call in facts.calls_in(f"{found.name}.{method}"):
                if call.method in ("loads", "load", "decode") and _unpickles(facts, call):
                    yield Hit("the session interface unpickles what its store holds", call.span)
    for found in facts.classes():
        if _SESSIONS.search(found.name.rpartition(".")[2]):
            for column in (one for one in found.attributes.values() if isinstance(one, Call)):
                if any(map(_is_pickled, column.args)):
                    yield Hit("sessions are kept as pickles", column.span or found.span, certainty="likely")
        if any(_SERIALIZERS.search(base) for base in found.bases):
            for call in (one for method in found.methods for one in facts.calls_in(f"{found.name}.{method}")):
                if _PICKLES.match(call.callee) and call.method in ("loads", "load", "decode"):
                    yield Hit("the serializer of the sessions unpickles what its store holds", call.span)
    for assigned in facts.assignments():
        if (
            assigned.attribute == "serializer"
            and isinstance(assigned.value, Name)
            and _PICKLES.fullmatch(assigned.value.dotted)
            and "session" in assigned.target
        ):
            yield Hit("sessions are serialised as pickles", assigned.span)


def _is_pickled(kind: Value) -> bool:
    """``db.PickleType``, made or not."""
    if isinstance(kind, Member):
        return kind.attribute == "PickleType"
    said = kind.callee if isinstance(kind, Call) else kind.dotted if isinstance(kind, Name) else ""
    return said.endswith(".PickleType")


_WHOSE: Final = re.compile(
    r"(?i)^(?:(?:current_?)?(?:user|account|member|customer|client|employee)(?:_?(?:id|name|email))?|uid|e?mail)$"
)
_NAMES: Final = frozenset({"id", "uid", "user_id", "username", "name", "email"})
_LOGS_IN: Final = re.compile(r"(?i)log[-_]?in|sign[-_]?in")


def _plain_names(facts: SourceFacts) -> Iterator[Hit]:
    """``set_cookie("user_id", str(user.id))``, where a guard believes whatever the cookie says: anybody writes another number into it."""
    sent = {
        key
        for call in facts.calls("*.set_cookie")
        if (key := text_of(call.argument(0, "key"))) and _WHOSE.match(key) and _is_plain(call.argument(1, "value"))
    }
    seen: set[str] = {name for name, _ in named_by_cookies(facts)} if sent else set()  # told where people are looked up
    for one in facts.readings("flask.request.cookies") if sent else ():
        if one.key not in sent - seen or not one.function or _LOGS_IN.search(one.function.rpartition(".")[2]):
            continue
        hook = any(one.function in route.hooks for route in facts.routes)
        refuses = any(test.refuses for test in facts.conditions_in(one.function))
        if (hook or refuses) and not _verifies(facts, one.function):
            seen.add(one.key)
            yield Hit("who somebody is is read from a cookie that nobody signed", one.span, certainty="likely")


def _is_plain(value: Value | None) -> bool:
    while isinstance(value, Call) and value.callee in ("str", "int") and value.args:
        value = value.args[0]
    if isinstance(value, Item):
        return (text_of(value.key) or "") in _NAMES
    return isinstance(value, Member) and value.attribute in _NAMES


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal switched: an id with a signature, and msgpack in place of pickle. Whoever is logged in has to log in again."""
    for key, wrong, right in (
        ("SESSION_USE_SIGNER", (False,), "True"),
        ("SESSION_SERIALIZATION_FORMAT", tuple(_FORMATS), '"msgpack"'),
    ):
        for write in written(app, key):
            span = write.value.span if isinstance(write.value, Constant) else None
            if span is not None and hit.span in (span, write.span) and is_constant(write.value, *wrong):
                return Edit(span, right, safe=False)
    return None


RULE = Rule(
    slug="session-pickled-or-unsigned",
    family="session",
    title="Server-side sessions are pickled, or their id is unsigned",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(502,),
    owasp="API8:2023",
    asvs=("V1.5.2",),
    surfaces=("source", "running"),
    ends="Stopper keeps sessions as plain rows, pickles nothing, and takes no session that it did not issue.",
    detect=detect,
    fix=fix,
)
