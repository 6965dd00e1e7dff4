"""Whoever gets one secret, or one kind of token, has all the others as well."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import settings_out_of_sight
from stopper.core.deployment.variables_in_files import set_in_files
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_extended import manager, registers, stands_on_stopper
from stopper.core.tokens.jwt_keys import is_hmac, key_bytes, key_uses
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.tokens.jwt_purposes import marks, plain_key, signings
from stopper.core.values import Call, ConfigValue, Constant, Format, Member, Name, Parameter, Value, options, walk

SIGNERS: Final = re.compile(r"itsdangerous\.(\w+\.)?\w*(Serializer|Signer)")
_APPLICATION: Final = re.compile(
    r"(?i)(?:^|[._])(?:\w*_)?(?:app|application|flask|self)$|[._]create_app$|Flask|current_app"
)
SESSIONS: Final = "SECRET_KEY"
TOKENS: Final = ("JWT_SECRET_KEY", "JWT_SECRET", "JWT_KEY")


_TOGETHER: Final = 3
"""From so many places on that sign links they are told together."""


def detect(app: App) -> Iterator[Hit]:
    """The key of tokens that also signs sessions, links or tokens of another purpose."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    linked = list(_links(app, facts))
    sessions = list(_as_session_key(app, facts))
    if sessions:  # a key of its own for tokens ends both
        own = _session_marks(facts)
        links = [hit for hit, signed in linked if own.isdisjoint(signed)]
    else:
        links = [hit for hit, _ in linked]
    links = links[:1] if len(links) >= _TOGETHER else links  # one key, however many links it signs
    others = (
        *sessions,
        *_settings(app, facts),
        *_by_default(app, facts),
        *_purposes(app, facts),
        *_in_files(app, facts),
    )
    for hit in (*others, *links, *_elsewhere(app, facts)):
        if hit.span is None or hit.span not in seen:
            seen.add(hit.span)
            yield hit


def _as_session_key(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """One hit, at the first call that signs (else verifies) with Flask's own secret."""
    sessions = _session_marks(facts) - {f"config:{SESSIONS}"}
    for call, key, algorithms in key_uses(app, facts):
        if is_hmac(algorithms) and any(
            _is_session_key(one) or sessions & marks(facts, one)
            for option in options(plain_key(key))
            for one in (option, *facts.followed(option))
        ):
            yield Hit("tokens are signed with SECRET_KEY, which signs the sessions too", call.span)
            return


def _is_session_key(value: Value) -> bool:
    if isinstance(value, ConfigValue):
        return value.key == SESSIONS
    if isinstance(value, Name):
        return value.dotted.endswith((".Flask.secret_key", "current_app.secret_key"))
    return isinstance(value, Member) and value.attribute == "secret_key" and _is_application(value.owner)


def _is_application(value: Value) -> bool:
    """That it is called like one: a row of a table may have a ``secret_key`` as well."""
    called = value.callee if isinstance(value, Call) else value.dotted if isinstance(value, Name) else ""
    named = value.parameter if isinstance(value, Parameter) else value.name
    return any(_APPLICATION.search(one) for one in (called.rpartition(".")[2], called, named) if one)


def _settings(app: App, facts: SourceFacts) -> Iterator[Hit]:
    sessions = {
        mark
        for write in facts.config_writes(SESSIONS)
        if write.loaded is not False
        for mark in marks(facts, write.value)
    }
    for write in facts.config_writes(*TOKENS):
        if write.loaded is not False and (
            not sessions.isdisjoint((f"config:{write.key}", *marks(facts, write.value)))
            or f"config:{SESSIONS}" in marks(facts, write.value)
        ):
            yield Hit(f"{write.key} is the same secret as SECRET_KEY", write.span)
    own = app.config.get(SESSIONS)
    for name in TOKENS:
        fact = app.config.get(name)
        if fact is None or own is None or fact.reader != "running":
            continue
        key = key_bytes(fact.value)
        if key and key == key_bytes(own.value):
            yield Hit(f"{name} of the running application is the same secret as SECRET_KEY", reader="running")


def _in_files(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """Two variables, to which one file of the environment gives the same text: ``SECRET_KEY: ${APP_SECRET}`` above ``JWT_KEY: ${APP_SECRET}``."""
    tokens = {mark for _, key, algorithms in key_uses(app, facts) if is_hmac(algorithms) for mark in marks(facts, key)}
    tokens |= {mark for write in facts.config_writes(*TOKENS) for mark in marks(facts, write.value)}
    of_sessions, of_tokens = _variables(_session_marks(facts)), _variables(tokens)
    if not of_sessions or not of_tokens or of_sessions & of_tokens:
        return  # one variable for both is told where it is read
    said = list(set_in_files(facts, of_sessions | of_tokens))
    sessions = {(place.path, text) for name, text, place in said if name in of_sessions}
    for name, text, place in said:
        drawn = "$(" in text or text[:1] == "<"  # anew for each, or a place that is to be filled in
        if name in of_tokens and (place.path, text) in sessions and not drawn:
            yield Hit(f"{name} is the same secret as the one of the sessions", place)


def _variables(found: set[str]) -> set[str]:
    return {mark.removeprefix("env:") for mark in found if mark.startswith("env:")}


def _by_default(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """Flask-JWT-Extended signs with SECRET_KEY where no setting names another key."""
    place = manager(app)
    if place is None or stands_on_stopper(app) or registers(facts, ("encode_key_loader", "decode_key_loader")):
        return
    named = any(
        True
        for _ in facts.config_writes(*TOKENS, "JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "JWT_ALGORITHM", "JWT_ENCODE_KEY")
    )
    outside = any(True for _ in facts.calls(*(f"*.{name}" for name in _FROM_OUTSIDE)))
    own = [write for write in facts.config_writes(SESSIONS) if write.loaded is not False]
    if own and not named and not outside and not settings_out_of_sight(app, "JWT_SECRET_KEY"):
        yield Hit("no key of its own is set for tokens, so SECRET_KEY signs them and the sessions", own[0].span)


def _elsewhere(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """The key of tokens that encrypts, or signs something else by hand; a key that is derived from it is another one."""
    if not any(True for _ in facts.calls("hmac.new", "hmac.digest", "*.Fernet")):
        return
    keys = {mark for _, key, algorithms in key_uses(app, facts) if is_hmac(algorithms) for mark in marks(facts, key)}
    keys |= {f"config:{name}" for name in TOKENS}
    for call in facts.calls("hmac.new", "hmac.digest", "*.Fernet"):
        key = call.argument(0, "key")
        parts = list(walk(key, 6))
        message = call.argument(1, "msg")
        derives = _is_set_apart(message) or any(
            isinstance(part, Call) and (part.method in _DERIVES or part.callee.startswith("hashlib.")) for part in parts
        )
        of_token = any(isinstance(part, Call) and part.method in ("split", "rsplit") for part in walk(message, 8))
        if not derives and not of_token and any(keys & marks(facts, part) for part in parts):
            what = "encrypts" if call.method == "Fernet" else "signs something else"
            yield Hit(f"the key that signs tokens {what} too", call.span, certainty="likely")


def _is_set_apart(message: Value | None) -> bool:
    """A text that begins by saying what it is for, or one that was just drawn: the outcome fits nothing else."""
    while isinstance(message, Call) and message.method == "encode" and message.receiver is not None:
        message = message.receiver
    first = message.parts[0] if isinstance(message, Format) and message.parts else message
    drawn = any(
        isinstance(part, Call) and part.callee.startswith(("os.urandom", "secrets.")) for part in walk(message, 6)
    )
    return drawn or isinstance(first, Constant)


_DERIVES: Final = frozenset({"derive", "digest", "hexdigest", "pbkdf2_hmac", "scrypt"})
_FROM_OUTSIDE: Final = ("from_envvar", "from_prefixed_env", "from_file", "from_json")


def _purposes(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """The second purpose that signs with a key which another purpose has already."""
    used: dict[str, set[str]] = {}
    for call, key, algorithms in key_uses(app, facts):
        if call.callee not in ENCODING or not is_hmac(algorithms):
            continue
        for signing, held, purposes in signings(facts, call, key):
            for mark in marks(facts, held):
                others = used.setdefault(mark, set())
                known = sorted(others | purposes)
                if purposes and (len(purposes) > 1 or (others and not purposes <= others)):
                    # That a refresh token opens nothing else is asked by whoever reads it, which another rule looks at.
                    low = {"access", "refresh"}.issuperset(known)
                    message = f"one key signs tokens for {', '.join(known)}"
                    yield Hit(message, signing.span, certainty="likely", severity="low" if low else None)
                others |= purposes or {"access"}


def _session_marks(facts: SourceFacts) -> set[str]:
    """What tells that a key is the one that signs sessions."""
    return {
        f"config:{SESSIONS}",
        *(
            mark
            for write in facts.config_writes(SESSIONS)
            if write.loaded is not False
            for mark in marks(facts, write.value)
        ),
    }


def _links(app: App, facts: SourceFacts) -> Iterator[tuple[Hit, set[str]]]:
    """Signers of links with a key of tokens, and what tells that key."""
    keys = {mark for _, key, algorithms in key_uses(app, facts) if is_hmac(algorithms) for mark in marks(facts, key)}
    keys |= {f"config:{name}" for name in TOKENS}
    for call in facts.calls_matching(SIGNERS.pattern) if facts.imports("itsdangerous") else ():
        if keys & (own := marks(facts, call.argument(0, "secret_key"))):
            yield Hit("the key that signs tokens signs links too", call.span, certainty="likely"), own


RULE = Rule(
    slug="jwt-secret-reused",
    family="jwt",
    title="One secret serves several purposes",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(653,),
    owasp="API2:2023",
    asvs=("V9.2.2",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses a `SECRET_KEY` that is also a key of tokens.",
    detect=detect,
)
