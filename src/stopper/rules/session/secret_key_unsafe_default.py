"""The application starts without its key, and signs cookies with one that everybody knows or that changes with each process."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.answers.cookie_flags import own_session_stores
from stopper.core.app import App
from stopper.core.deployment.file_fallbacks import fallbacks_in_files
from stopper.core.deployment.filled_environment import filled_by_code
from stopper.core.deployment.setting_facts import (
    application_made,
    in_force,
    settings_out_of_sight,
    stands_in,
    uses_session,
    written,
)
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.environment_edits import without_fallback
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
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
    literals,
    options,
    walk,
)

_NEW: Final = frozenset(
    {
        "os.urandom", "os.getrandom", "secrets.token_hex", "secrets.token_bytes", "secrets.token_urlsafe", "uuid.uuid4", "uuid.uuid1", "random.random",
        "random.choices", "random.choice", "random.sample", "random.getrandbits", "random.SystemRandom.choices",
        "random.randint", "secrets.choice", "cryptography.fernet.Fernet.generate_key", "binascii.hexlify", "base64.b64encode",
    }
)  # fmt: skip

_ANEW: Final = "SECRET_KEY is made anew in each process, so sessions end at every restart and differ between workers"
_FALLS_BACK_TO_NEW: Final = "SECRET_KEY falls back to a new value in each process"
_KEEPS: Final = re.compile(r"(?:write|set|save|store|put|dump|persist|insert|create)(?:_\w+)?|setex|writelines")
"""Methods that put something where it stays: in a file, a database, settings that are saved."""


def detect(app: App) -> Iterator[Hit]:
    """A literal or new value behind the environment, a new value in every process, or no key where the session is used."""
    facts, seen = source_of(app), False
    for write in written(app, "SECRET_KEY"):
        seen = True
        if (found := _unsafe(facts, write)) is not None:
            message, sure = found
            if message in (_ANEW, _FALLS_BACK_TO_NEW) and not uses_session(app):
                said = f"{message}: look whether anything is signed with it"
                yield Hit(said, write.span, certainty="possible", severity="low")
            elif message == _ANEW and settings_out_of_sight(app, "SECRET_KEY"):  # a default that settings replace
                yield Hit(message, write.span, certainty="possible", severity="low")
            else:
                yield Hit(message, write.span, certainty="possible" if is_for_one_desk(write) else sure)
    variables = {
        part.variable
        for write in written(app, "SECRET_KEY")
        for part in walk(write.value, 4)
        if isinstance(part, EnvironmentValue)
    }
    filled = filled_by_code(facts) if variables else {}
    for _, span in (filled[one] for one in sorted(variables & filled.keys())):
        if not asked_for(facts, span):
            yield Hit("SECRET_KEY falls back to a literal in the source when the environment has none", span)
    for span in fallbacks_in_files(facts, variables):
        yield Hit("where SECRET_KEY is not set, it falls back to a literal of this file", span)
    if (
        seen
        or _is_kept_without_key(facts)
        or not (uses_session(app) or (app.wiring is not None and app.wiring.session_used))
    ):
        return
    if in_force(app, "SECRET_KEY") is None:
        yield Hit("SECRET_KEY is unset, and the session is used", application_made(app), reader="running")
    elif "running" not in app.readers and not settings_out_of_sight(app, "SECRET_KEY"):
        place = application_made(app)
        if place is not None:
            yield Hit("SECRET_KEY is never set, and the session is used", place, certainty="likely")


def _is_kept_without_key(facts: SourceFacts) -> bool:
    """A session store of the project's own that signs nothing: its cookie is a random id."""
    stores = list(own_session_stores(facts))
    return (
        bool(stores)
        and not facts.says("secret_key", "SECRET_KEY")
        and not facts.imports("flask.flash", "flask_wtf", "itsdangerous")
    )


def _unsafe(facts: SourceFacts, write: ConfigWrite) -> tuple[str, Certainty | None] | None:
    value = write.value
    if _is_kept(facts, write) or (_made_anew(value) and asked_for(facts, write.span)):
        return None
    if _made_anew(value):
        return _ANEW, None
    given = facts.returns_of(value.callee) if isinstance(value, Call) else ()
    if len(given) > 1 and any(
        isinstance(one.value, Constant) and isinstance(one.value.value, (str, bytes)) and one.value.value
        for one in given
    ):
        return "SECRET_KEY falls back to a literal in the source, in the function that looks for it", None
    if len(given) > 1 and isinstance(value, Call) and any(_made_anew(one.value) for one in given):
        return None if _puts_away(facts, value.callee) else (_FALLS_BACK_TO_NEW, "possible")
    if isinstance(value, Call) and value.callee == "next" and _falls_back(value):
        return "SECRET_KEY falls back to a literal in the source when the environment has none", None
    if isinstance(value, Call) and _is_handed_fallback(facts, value):
        return "SECRET_KEY falls back to a literal in the source, which the function that looks for it is given", None
    if isinstance(value, Constant) and value.value and (stands_in(facts, write) or _is_otherwise(facts, write)):
        return "SECRET_KEY falls back to a literal in the source when the environment has none", None
    if not isinstance(value, Constant):
        for one in options(value):
            if isinstance(one, (EnvironmentValue, ConfigValue, Item)) or isinstance(value, Choice):
                fallbacks = {
                    said.value for said in literals(one) if isinstance(said.value, (str, bytes)) and said.value
                }
                if fallbacks and not _is_refused(facts, fallbacks):
                    return "SECRET_KEY falls back to a literal in the source when the environment has none", None
                fallback = getattr(one, "default", None)
                if _made_anew(fallback) or (isinstance(value, Choice) and _made_anew(one)):
                    return _FALLS_BACK_TO_NEW, "possible"
    return None


def _falls_back(picked: Call) -> bool:
    """``next((environ[name] for name in NAMES if name in environ), "dev")``"""
    last = picked.argument(1, "default")
    literal = isinstance(last, Constant) and isinstance(last.value, (str, bytes)) and bool(last.value)
    return literal and any(map(_says_environment, walk(picked.argument(0), 5)))


def _is_handed_fallback(facts: SourceFacts, asked: Call) -> bool:
    """``setting("SECRET_KEY", "dev")``, whose function gives the second back where there is nothing else."""
    own = facts.function(asked.callee)
    for place, name in enumerate(own.parameters if own is not None else ()):
        passed = asked.argument(place, name)
        if not isinstance(passed, Constant) or not isinstance(passed.value, (str, bytes)) or not passed.value:
            continue
        for returned in own.returns if own is not None else ():
            last = [
                getattr(one, "default", None) if isinstance(one, (EnvironmentValue, ConfigValue, Item)) else one
                for one in options(returned)
            ]
            if any(isinstance(one, Parameter) and one.parameter == name for one in last):
                return True
    return False


def _is_otherwise(facts: SourceFacts, write: ConfigWrite) -> bool:
    """``if "SECRET_KEY" in os.environ: … else: app.secret_key = "…"``"""
    return any(
        condition.negated
        and any(
            isinstance(part, (EnvironmentValue, Name)) and _says_environment(part) for part in walk(condition.value, 4)
        )
        for condition in facts.conditions_around(write.span)
    ) and any(isinstance(other.value, EnvironmentValue) for other in facts.config_writes(write.key))


def _says_environment(value: Value) -> bool:
    return isinstance(value, EnvironmentValue) or (isinstance(value, Name) and value.dotted == "os.environ")


def _is_kept(facts: SourceFacts, write: ConfigWrite) -> bool:
    """``store.set("secretKey", key)``, ``file.write(key)``: the new key is put where the next process finds it."""
    new = {one.span for one in options(write.value) if isinstance(one, Call) and one.span and _made_anew(one)}
    return bool(new) and any(
        _KEEPS.fullmatch(call.method) is not None
        and not call.callee.startswith(("flask.", "app.config."))
        and any(isinstance(part, Call) and part.span in new for passed in call.args for part in walk(passed, 3))
        for call in facts.calls_in(write.function)
    )


def _puts_away(facts: SourceFacts, function: str) -> bool:
    """That the function which looks for the key, or one that it calls, keeps the new one for the next process."""
    called = list(facts.calls_in(function))
    called += [inner for call in called for inner in facts.calls_in(call.callee)]
    return any(_KEEPS.fullmatch(call.method) for call in called)


def _is_refused(facts: SourceFacts, fallbacks: Collection[str | bytes]) -> bool:
    """``if SECRET_KEY == "changeme": raise …``: nothing starts with the literal."""
    held = [
        one
        for one in facts.comparisons("==", "in")
        if any(
            isinstance(part, Constant) and part.value in fallbacks
            for side in (one.left, one.right)
            for part in walk(side, 2)
        )
    ]
    return any(
        one.refuses and not one.negated and any(one.span.holds(asked.span) for asked in held)
        for one in facts.conditions()
    )


def _made_anew(value: Value | None, depth: int = 4) -> bool:
    if isinstance(value, Member) and value.attribute in ("hex", "bytes", "int"):
        return _made_anew(value.owner, depth - 1)
    if isinstance(value, (Format, Unknown)) and depth:
        return any(_made_anew(part, depth - 1) for part in value.parts)  # ``"key" + str(random.random())``
    if not isinstance(value, Call) or depth == 0:
        return False
    if value.callee in (
        "binascii.hexlify",
        "base64.b64encode",
        "base64.urlsafe_b64encode",
        "str",
        "hashlib.sha256",
        "hashlib.md5",
    ):
        return any(_made_anew(argument, depth - 1) for argument in value.args)
    if value.method in ("hex", "decode", "hexdigest", "digest", "encode"):
        return _made_anew(value.receiver, depth - 1)
    return value.callee in _NEW


def fix(app: App, hit: Hit) -> Edit | None:
    """``os.environ["X"]`` without the fallback; where the variable is not set, the application does not start any more."""
    for write in written(app, "SECRET_KEY"):
        edit = without_fallback(write.value) if write.span == hit.span else None
        if edit is not None and write.span.holds(edit.span):
            return edit
    return None


RULE = Rule(
    slug="secret-key-unsafe-default",
    family="session",
    title="`SECRET_KEY` has a fallback in the source, is unset, or is made anew",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(798,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` signs nothing with `SECRET_KEY` and does not start without its own keys.",
    detect=detect,
    fix=fix,
)
