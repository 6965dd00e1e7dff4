"""What an application's settings are: written in its source, in force where it runs, or left at a library's default."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from stopper.core.app import App
from stopper.core.deployment.served_heirs import inherited_from_tests
from stopper.core.deployment.stages_of_settings import is_for_one_desk, is_for_tests, is_in_a_branch_for_tests
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.compared_sides import compared
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.passing import passed
from stopper.core.flow.spread_fields import is_seen_record
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    is_constant,
    literals,
    options,
    text_of,
    walk,
)

YES: Final = frozenset({"1", "true", "yes", "on", "t", "y"})
"""Words that programs read as yes."""
NO: Final = frozenset({"0", "false", "no", "off", "f", "n"})
"""And those that they read as no."""
_CASTS: Final = frozenset({"int", "float", "str", "bool"})
MISSING: Final = object()
"""Stands where a setting is not known."""


def written(app: App, *keys: str) -> Iterator[ConfigWrite]:
    """The writes of these settings that can be in force: not in tests, not in a class that is seen not to be loaded. What a class that
    serves people has from one for tests counts as written where that class begins."""
    facts = source_of(app)
    for write in facts.config_writes(*keys):
        if write.loaded is not False and is_in_a_branch_for_tests(facts, write):
            continue
        if write.loaded is not False and not is_for_tests(write):
            yield write
        elif write.loaded is not False:
            yield from inherited_from_tests(facts, write)


def switched_to_true(app: App, hit: Hit, *keys: str) -> Edit | None:
    """The edit that switches the setting of *hit* on, where a literal False stands there."""
    for write in written(app, *keys):
        if write.span == hit.span and is_constant(write.value, False) and write.value.span is not None:
            return Edit(write.value.span, "True", safe=False)
    return None


def in_force(app: App, key: str) -> object:
    """The value in force where the application was imported, else MISSING."""
    fact = app.config.get(key)
    return fact.value if fact is not None and fact.reader == "running" else MISSING


def plain(facts: SourceFacts, value: Value | None, depth: int = 6) -> tuple[object, ...]:
    """The plain values it may have, fallbacks of the environment and of other settings followed; lists come as tuples."""
    if depth == 0 or value is None:
        return ()
    match value:
        case Constant():
            return (value.value,)
        case Sequence(items=items):
            return (tuple(one for item in items for one in plain(facts, item, depth - 1)),)
        case Item(owner=Mapping(open=False) as table, key=key):
            return tuple(one for held in under_key(table, key) for one in plain(facts, held, depth - 1))
        case EnvironmentValue(default=default) | Item(default=default) if default is not None:
            return plain(facts, default, depth - 1)
        case (
            Member(attribute="debug" | "testing", owner=Call(callee="flask.Flask"))
            | Name(dotted="flask.Flask.debug" | "flask.current_app.debug" | "flask.current_app.testing")
        ):
            return (False,)  # as it is where the application serves people
        case ConfigValue(key="DEBUG" | "TESTING") if not facts.config_values(value.key):
            return (False,)
        case ConfigValue():
            return tuple(
                one for found in facts.followed(value) if found is not value for one in plain(facts, found, depth - 1)
            )
        case Choice(options=choices):
            return tuple(
                one
                for choice in choices
                for one in plain(facts, choice, depth - 1)
                if one or choice is choices[-1] or not isinstance(choice, Call)  # ``emptied(said) or "Lax"``
            )
        case Member(owner=owner, attribute=attribute):  # ``Settings.load().session_days``
            return tuple(
                one for held, _ in held_under(facts, owner, attribute) for one in plain(facts, held, depth - 1)
            )
        case Call(callee="pydantic.Field" | "dataclasses.field"):
            return plain(facts, value.argument(0, "default"), depth - 1)
        case Call(callee=callee, args=args) if callee in _CASTS and args:
            return tuple(_cast(callee, one) for one in plain(facts, args[0], depth - 1))
        case Call(method="split", receiver=receiver, args=(Constant(value=str(mark)), *_)) if (
            mark and receiver is not None
        ):
            return tuple(tuple(one.split(mark)) for one in plain(facts, receiver, depth - 1) if isinstance(one, str))
        case Call(method="lower" | "upper" | "strip", receiver=receiver) if receiver is not None:
            return plain(facts, receiver, depth - 1)
        case Call(callee=callee) if (made := facts.function(callee)) is not None:  # ``flag("SECURE_COOKIES", False)``
            backs = [one for one in made.returns if isinstance(one, Parameter) and one.function == callee]
            told = [given for one in backs for given in (passed(facts, one, value) or options(one.default))]
            return tuple(one for given in told for one in plain(facts, given, depth - 1))
        case Truth(parts=(inner,)):
            return tuple(not one for one in plain(facts, inner, depth - 1))
        case Truth(parts=(left, right)):
            said, wanted = plain(facts, left, depth - 1), plain(facts, right, depth - 1)
            if isinstance(left, Constant) and isinstance(right, Constant):  # ``SCHEME == "https"``
                found = compared(facts, left, right)
                same = left.value == right.value
                return (same is not value.differs,) if found is not None and found.operator in ("==", "!=") else ()
            if is_constant(right, None):  # ``os.environ.get("HTTPS") is not None``
                return tuple((one is None) is not value.differs for one in said)
            alike = _compared(wanted, said) if isinstance(left, Constant) else _compared(said, wanted)
            return tuple(not one for one in alike) if value.differs else alike
        case _:
            return ()


def under_key(table: Mapping, key: Value) -> tuple[Value, ...]:
    """What a table gives for a key: of one that falls back to a literal what stands under that, else all that it holds."""
    texts = {one.value for one in literals(key) if isinstance(one.value, str)}
    kept = tuple(held for name, held in table.items if text_of(name) in texts)
    return kept or tuple(held for _, held in table.items)


def is_read_as(facts: SourceFacts, call: Call, wanted: bool) -> bool:
    """``as_bool(os.environ.get("X", "no"))``: what a function of the project that says yes or no makes of the word that the variable falls back to."""
    made = facts.function(call.callee)
    word = next((one.default for one in call.args[:1] if isinstance(one, EnvironmentValue)), None)
    if made is None or not made.returns or not isinstance(word, Constant) or not isinstance(word.value, str):
        return False
    says = all(
        isinstance(one, Truth) or is_constant(one, True, False) for held in made.returns for one in options(held)
    )
    return says and word.value.strip().lower() in (YES if wanted else NO)


def _cast(callee: str, value: object) -> object:
    try:
        if callee in ("int", "float") and isinstance(value, (str, int, float)):
            return float(value) if callee == "float" else int(value)
    except ValueError:
        return MISSING
    return bool(value) if callee == "bool" else value


def is_list(value: object) -> bool:
    """That the setting is a list, tuple or set."""
    return isinstance(value, (list, tuple, set, frozenset))


def members(value: object) -> tuple[object, ...]:
    """The members of a list, tuple or set; anything else is its own only member."""
    return tuple(cast("Iterable[object]", value)) if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def _compared(left: tuple[object, ...], right: tuple[object, ...]) -> tuple[object, ...]:
    """``os.environ.get("X", "false").lower() == "true"``: what the fallback comes to, where the other side means yes or no."""
    wanted = [one for found in right for one in members(found)]
    if not left or not wanted or not all(isinstance(one, str) and one.lower() in YES | NO for one in wanted):
        return ()
    names = {str(one).lower() for one in wanted}
    return tuple(str(one).lower() in names for one in left if isinstance(one, str) or one is None)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One value of a setting that may be in force, with where it was written (no place: the running application has it)."""

    value: object
    span: Span | None
    desk: bool = False


def switches(app: App, key: str) -> tuple[Doubt, ...]:
    """The plain values of a setting: those in the source, else the one in force."""
    facts = source_of(app)
    said = [
        Doubt(one, write.span, is_for_one_desk(write))
        for write in written(app, key)
        for one in plain(facts, write.value)
    ]
    if said:
        return tuple(said)
    force = in_force(app, key)
    return () if force is MISSING or any(True for _ in written(app, key)) else (Doubt(force, None),)


def is_always_set(facts: SourceFacts, value: Value) -> bool:
    """That a setting is looked up for which the project itself writes a value, so that what stands behind it is never taken."""
    key = value.key if isinstance(value, ConfigValue) else text_of(value.key) if isinstance(value, Item) else None
    if key is None or not key.isupper():
        return False
    return any(
        write.loaded is not False and isinstance(write.value, Constant) and write.value.value not in (None, "")
        for write in facts.config_writes(key)
        if not is_for_one_desk(write) and not is_for_tests(write)
    )


def is_written(app: App, key: str) -> bool:
    """That the source gives the setting any value, in an environment file too, or loads settings that cannot be seen."""
    return any(True for _ in written(app, key)) or settings_out_of_sight(app, key)


def settings_out_of_sight(app: App, key: str) -> bool:
    """Settings come from elsewhere and may hold this one: ``from_prefixed_env``, ``from_envvar``, a file of settings, a class that was not read, or a file of that name."""
    facts = source_of(app)
    elsewhere = ("*.from_prefixed_env", "*.from_envvar", "*.from_pyfile", "*.from_file", "*.from_json")
    read = {write.span.path.rpartition("/")[2] for write in facts.config_writes() if write.how == "class"}
    for call in facts.calls(*elsewhere):
        named = (text_of(call.argument(0, "filename")) or "").rpartition("/")[2]
        if named not in read and not is_constant(call.keyword("silent"), True):
            return True
    loads = list(facts.calls("*.from_object"))
    if loads and not any(write.how == "class" for write in facts.config_writes()):
        return True
    if any(call.args and not _names_settings(facts, call.args[0]) for call in loads):
        return True
    if any(_is_unseen(facts, one) for call in facts.calls(*_TAKES_MAPPING) for one in call.args):
        return True
    files = facts.files_of("env", "compose", "config")
    return any(key in line and not _LEFT_EMPTY.search(line) for file in files for line in file.lines)


_LEFT_EMPTY: Final = re.compile(r"(?i)[:=]\s*(?:null|none|~|\"\"|'')?\s*,?\s*$")
"""A line that names a setting and gives it nothing."""
_TAKES_MAPPING: Final = ("*.from_mapping", "flask.Flask.config.update", "flask.current_app.config.update")


def _is_unseen(facts: SourceFacts, value: Value) -> bool:
    """A mapping that a file, a library or the environment fills, or a function of the project that is not seen to the end."""
    if not isinstance(value, Call) or is_seen_record(facts, value):
        return False
    made = [option for one in facts.returns_of(value.callee) for option in options(one.value)]
    if not made or any(not isinstance(one, Mapping) or one.open or not one.items for one in made):
        return True
    return any(
        isinstance(one, Call) for call in facts.calls_in(value.callee) if call.method == "update" for one in call.args
    )


def _names_settings(facts: SourceFacts, value: Value) -> bool:
    """That a text, a class or a table of them is seen among what ``from_object`` may be given: a parameter's default, what callers
    pass for it, the fallback of a variable."""
    if isinstance(value, Member) and isinstance(value.owner, (Parameter, Call)):
        return False  # what a caller hands over keeps them
    inside = [part for part in walk(value, 4) if not is_constant(part, None)]
    passed_on = [
        given
        for part in inside
        if isinstance(part, Parameter)
        for given in (part.default, *(one for call in facts.calls(part.function) for one in passed(facts, part, call)))
        if given is not None and not is_constant(given, None)
    ]
    return any(isinstance(part, (Name, Constant, Call)) for part in (*inside, *passed_on))


APPLICATIONS: Final = (
    "flask.Flask",
    "apiflask.APIFlask",
    "connexion.FlaskApp",
    "connexion.App",
    "flask_openapi3.OpenAPI",
    "flask_api.FlaskAPI",
)


_BESIDE: Final = re.compile(r"(?i)(?:^|/)(?:examples?|samples?|demos?|docs?|tests?|bench(?:mark)?s?)/")
"""Folders of what lies beside a project's own application."""


_SERVES: Final = frozenset({"run", "run_simple", "serve", "serve_forever", "make_server", "WSGIServer"})


def _is_for_a_context(made: Call) -> bool:
    """``Flask("worker")``: beside an application of its own module, one that only lends its context."""
    return text_of(made.argument(0, "import_name")) is not None


def _is_of_a_script(app: App, place: Span) -> bool:
    """That the file serves nothing itself, and no server can import it for the dot in its name: ``migrate_1.3.py``."""
    stem = place.path.rpartition("/")[2].removesuffix(".py")
    return "." in stem and not any(
        call.span is not None and call.span.path == place.path and call.method in _SERVES
        for call in source_of(app).calls()
    )


def application_made(app: App) -> Span | None:
    """Where the source makes its application, also one of a class of its own: the place of what is not there."""
    facts = source_of(app)
    heirs = (one.name for one in facts.classes(*APPLICATIONS))
    calls = sorted(facts.calls(*APPLICATIONS, *heirs), key=_is_for_a_context)
    places = [call.span for call in calls if call.span is not None and not _is_of_a_script(app, call.span)]
    return next((place for place in places if not _BESIDE.search(place.path)), places[0] if places else None)


def stands_in(facts: SourceFacts, write: ConfigWrite) -> bool:
    """That a setting is written where the environment had none: ``except KeyError: app.secret_key = "…"``."""
    return any(
        handler.span.holds(write.span)
        and any(name.rpartition(".")[2] in ("KeyError", "LookupError", "Exception") for name in handler.catches)
        for handler in facts.handlers()
    ) and any(
        isinstance(other.value, EnvironmentValue) and other.function == write.function
        for other in facts.config_writes(write.key)
    )


def uses_session(app: App) -> bool:
    """That the application keeps something in Flask's session, itself or through a library."""
    facts = source_of(app)
    if facts.imports("flask.session", "flask.flash", "flask_login") or any(True for _ in facts.flows("session")):
        return True
    return facts.imports("flask_wtf") and not _forms_keep_nothing(facts)


def _forms_keep_nothing(facts: SourceFacts) -> bool:
    """That Flask-WTF is told to make no tokens, in all settings but those for tests: then it only reads forms."""
    said = [one for one in facts.config_writes("WTF_CSRF_ENABLED") if one.loaded is not False and not is_for_tests(one)]
    return bool(said) and all(is_constant(one.value, False) for one in said)
