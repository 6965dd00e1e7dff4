"""Where a switch of Flask's settings is on: by a literal, by an environment default, in a config class, unless somebody asks for it."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.served_heirs import served_heirs
from stopper.core.deployment.setting_facts import YES, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk, is_live
from stopper.core.deployment.typed_options import options_of_command, untyped
from stopper.core.deployment.unasked_tests import goes_there, holds_unasked, surely_on, under_default
from stopper.core.deployment.unset_variables import default_text, holds_unset, is_unset, literal_words
from stopper.core.fact import Condition, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.compared_sides import compared
from stopper.core.flow.passing import callers, passed
from stopper.core.place import Span
from stopper.core.rule import Certainty
from stopper.core.values import (
    Call,
    Caught,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_FOR_TOOLS: Final = re.compile(r"(?i)profil|toolbar|verbose")
"""Settings that are loaded for a look at the inside, and by nobody else."""
FLAG: Final = re.compile(
    r"(?i)debug|(?:^|_)trac(?:e|ing)|(?:^|_)dev(?:$|_|elop)|local|(?:^|_)test|\.testing$|pytest|profil|toolbar|verbose|(?:^|_)echo$"
)
"""What a test says that is for a desk or a test run."""
_LOCAL_START: Final = re.compile(r"(?i)(?:run|start|serve|main)_(?:local\w*|dev\w*|debug)|(?:local|dev|debug)_(?:main|server|run|start|serve)")  # fmt: skip
"""Functions that start the application on one desk."""
_SETS_FLAG: Final = re.compile(r"(?i)(?:set_|enable_|switch_on_|turn_on_)?(?:debug|verbose)(?:_mode|_level|_logging)?")
"""Functions that turn debugging on, or a property of that name that is set."""
_ASKS_FLAG: Final = re.compile(r"(?i)(?:is_|get_)?(?:debug|verbose)(?:_(?:enabled|mode|on))?")
_LIVE: Final = frozenset({"production", "prod", "live"})
_OFF_FLAG: Final = re.compile(r"(?i)prod")
_ALWAYS_THERE: Final = frozenset({"DEBUG", "TESTING"})
"""Settings that every Flask application has from its start, and off."""
_DESK_FILE: Final = re.compile(r"(?i)(?:^|/)(?:\w*_)?(?:dev(?:elopment)?|debug|local|demo|example\w*)(?:_\w*)?(?:\.py$|/)")  # fmt: skip
"""Files that are for one desk by their name."""
_NOTHING_TOLD: Final[MappingType[str, Value]] = {}
_MAKES_BOOL: Final = frozenset({"bool", "int", "str", "distutils.util.strtobool", "lower", "strip", "title", "upper", "casefold"})  # fmt: skip
_READS_DEFAULT: Final = frozenset({"decouple.config", "bool", "getenv_bool", "get_bool", "env_bool"})


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """One setting that is on: where, how sure, and whether only the environment's absence makes it so."""

    key: str
    span: Span
    certainty: Certainty
    by_default: bool = False


def switched_on(app: App, *keys: str) -> Iterator[SwitchedOn]:
    """The writes of these settings that turn them on, outside of settings for tests and of branches for development."""
    facts = source_of(app)
    for key in keys:
        for write in written(app, key):
            by_default = not isinstance(write.value, Constant)
            if not is_on(facts, write.value) or _FOR_TOOLS.search(_owner(write.owner)):
                continue
            if asked_for(facts, write.span) or (write.how == "class" and _overridden(facts, key, write.owner)):
                continue
            sure: Certainty = "likely" if by_default or write.loaded is None else "certain"
            of_desk = write.how == "class" and is_for_one_desk(write)
            heirs = served_heirs(facts, write) if of_desk else ()
            if of_desk and not any(is_live(one) or is_only_choice(facts, one) for one in heirs):
                if not is_only_choice(facts, write.owner):
                    continue
                sure = "possible"
            yield SwitchedOn(key, write.span, sure, by_default)


def is_on(
    facts: SourceFacts, value: Value | None, told: MappingType[str, Value] = _NOTHING_TOLD, depth: int = 6
) -> bool:
    """That the value is true, or is true where the environment says nothing; *told* is what parameters were given."""
    if depth == 0:
        return False
    match value:
        case Constant(value=bool() | int() as flag):
            return bool(flag)
        case Constant(value=str(word)):
            return word.strip().lower() in YES
        case ConfigValue(key=key) if key in _ALWAYS_THERE:
            return False  # the default is never taken
        case ConfigValue(key=key) if kept := list(facts.config_writes(key)):
            return all(one.how != "class" and is_on(facts, one.value, told, depth - 1) for one in kept)
        case Item(owner=Mapping() as table, key=key) if (held := under_default(facts, table, key)) is not None:
            return is_on(facts, held, told, depth - 1)
        case EnvironmentValue(default=default) | ConfigValue(default=default) | Item(default=default):
            return default is not None and is_on(facts, default, told, depth - 1)
        case Choice(options=several, every=False):
            return _chosen(facts, several, told, depth)
        case Call(callee="typer.Option" | "typer.Argument" | "typer.params.Option"):
            return is_on(facts, value.argument(0, "default"), told, depth - 1)  # a parameter's default
        case Call(callee="bool", args=(EnvironmentValue(default=Constant(value=str(word))), *_)):
            return word != ""  # any text is true, "False" too
        case Call(callee=callee, args=(inner, *_)) if callee in _MAKES_BOOL or callee.rpartition(".")[2] == "strtobool":
            return is_on(facts, inner, told, depth - 1)
        case Call(receiver=inner, method=method) if method in _MAKES_BOOL and inner is not None and not value.args:
            return is_on(facts, inner, told, depth - 1)
        case Call(callee=callee) if (made := facts.function(callee)) is not None and made.returns:
            return _given_back(facts, value, made, told, depth)
        case Call(callee=callee) if callee in _READS_DEFAULT or value.method in _READS_DEFAULT:
            return is_on(facts, value.argument(1, "default"), told, depth - 1)
        case Parameter(parameter=name) if name in told:
            return is_on(facts, told[name], depth=depth - 1)
        case Parameter():
            return not _is_option(facts, value) and any(
                is_on(facts, one, depth=depth - 1) for one in _handed(facts, value) if one is not value
            )
        case Truth(parts=(_, typed)) if _is_typed(typed):
            return value.differs  # ``"--production" not in sys.argv``: until it is typed
        case Truth(parts=(Truth(parts=(_, typed)) as inner,)) if _is_typed(typed):
            return not inner.differs
        case Truth(parts=(left, right)):
            return _holds(facts, left, right, told) or holds_unasked(facts, value) is True
        case Truth(parts=(Truth(parts=(left, right)),)):
            return _is_denied(left, right) or holds_unasked(facts, value) is True
        case Truth(parts=(EnvironmentValue(default=Constant(value=None | "" | False)),)):
            return True  # ``not os.environ.get("LOCKED")``
        case Member(attribute=name, owner=Call(method="parse_args", receiver=parser)) if parser is not None:
            return is_on(facts, untyped(facts, name, parser))
        case _:
            return False


def _is_typed(value: Value) -> bool:
    """``sys.argv``, ``sys.argv[1:]``, and what stands in for it where a test calls: ``argv = sys.argv[1:] if argv is None else argv``."""
    inner = next((one for one in options(value) if not isinstance(one, Parameter)), value)
    owner = inner.owner if isinstance(inner, Item) else inner
    return isinstance(owner, Name) and owner.dotted == "sys.argv"


def _given_back(facts: SourceFacts, call: Call, made: Function, told: MappingType[str, Value], depth: int) -> bool:
    """That a function of the project gives back yes to this call. One of several literals says nothing: a test chose it."""
    given = {name: call.argument(place, name) for place, name in enumerate(made.parameters)}
    bound = {
        name: told.get(value.parameter, value) if isinstance(value, Parameter) else value
        for name, value in given.items()
        if value is not None
    }
    ways = [
        one for one in facts.returns_of(call.callee) if goes_there(facts, one.span) and isinstance(one.value, Constant)
    ]
    if ways and any(True for _ in facts.conditions_in(call.callee)) and is_on(facts, ways[0].value):
        return True  # ``return True`` behind tests that all go another way where nobody sets anything
    return any(
        is_on(facts, one, bound, depth - 1)
        for one in made.returns
        if len(made.returns) == 1 or not isinstance(one, Constant)
    )


def _handed(facts: SourceFacts, value: Parameter) -> Iterator[Value]:
    """What a parameter is by its default and by its callers, those aside that start it on one desk."""
    calls = list(callers(facts, value.function))
    for call in calls:
        at_a_desk = call.span is not None and (_DESK_FILE.search(call.span.path) or asked_for(facts, call.span))
        said = passed(facts, value, call)
        if said:
            yield from () if at_a_desk else said
        elif value.default is not None and not call.open:
            yield value.default
    if not calls and value.default is not None:
        yield value.default


def _chosen(facts: SourceFacts, several: tuple[Value, ...], told: MappingType[str, Value], depth: int) -> bool:
    """``environment or True``, ``default if raw is None else raw == "1"``; a choice by a test that is not seen to hold is no switch
    that is on."""
    first, last = several[0], several[-1]
    if any(
        isinstance(one, Parameter) and one.parameter in told and is_on(facts, one, told, depth - 1) for one in several
    ):
        return True
    if surely_on(facts, several, tuple(is_on(facts, one, told, depth - 1) for one in several)):
        return True
    return not isinstance(first, Constant) and isinstance(last, Constant) and is_on(facts, last)


def _holds(facts: SourceFacts, left: Value, right: Value, told: MappingType[str, Value]) -> bool:
    """That a comparison with an environment variable holds where the variable is not set."""
    found = compared(facts, left, right)
    if found is None:
        return False
    shown, wanted = default_text(found.left, told), literal_words(found.right)
    if shown is None:
        shown, wanted = default_text(found.right, told), literal_words(found.left)
    if shown is None:
        return False
    return (shown in wanted) == (found.operator in ("==", "in")) and (
        found.operator[0] in "=i" or shown in YES or not wanted.isdisjoint(_LIVE)
    )


def _is_denied(left: Value, right: Value) -> bool:
    """``not (os.environ.get("IS_PROD") == "1")``: true wherever nobody says that this is production."""
    names = [one.variable for one in walk(left, 4) if isinstance(one, EnvironmentValue)]
    wanted = literal_words(right)
    return any(map(_OFF_FLAG.search, names)) and default_text(left, _NOTHING_TOLD) not in (wanted | {None})


def _owner(name: str) -> str:
    return name.rpartition(".")[2]


def _overridden(facts: SourceFacts, key: str, owner: str) -> bool:
    """That only classes are loaded that stand below this one and turn it off again."""
    if not owner:
        return False
    below = [found for found in facts.classes(owner) if found.name != owner]
    off = [
        found for found in below if isinstance(value := found.attributes.get(key), Constant) and not is_on(facts, value)
    ]
    return bool(off) and not _loads(facts, owner)


def _loads(facts: SourceFacts, owner: str) -> bool:
    """That a call loads that very class."""
    last = _owner(owner)
    for call in facts.calls("*.from_object"):
        for value in walk(call.args[0], 2) if call.args else ():
            if isinstance(value, Name) and value.dotted == owner:
                return True
            if isinstance(value, Constant) and isinstance(value.value, str) and _owner(value.value) == last:
                return True
    return False


def is_only_choice(facts: SourceFacts, owner: str) -> bool:
    """That the class for one desk is the one that is loaded by its name, with no choice, or where nobody chooses."""
    return any(
        _names(value, owner)
        for call in facts.calls("*.from_object")
        if call.args
        for value in _chosen_by_default(facts, call.args[0])
    )


def _names(value: Value, owner: str) -> bool:
    said = text_of(value)
    return value.dotted == owner if isinstance(value, Name) else said is not None and _owner(said) == _owner(owner)


def _chosen_by_default(facts: SourceFacts, value: Value) -> Iterator[Value]:
    """The value, or what a table gives under the name that holds where the environment says none: ``CONFIGS[getenv("ENV", "dev")]``."""
    yield value
    table = value.owner if isinstance(value, Item) else value.receiver if isinstance(value, Call) else None
    if isinstance(value, Call) and not (value.method == "get" and value.args):
        return
    name = value.key if isinstance(value, Item) else value.args[0] if isinstance(value, Call) else None
    for option in (table,) if isinstance(table, Mapping) else ():
        for said in _names_by_default(facts, name):
            held = option.get(said)
            if held is not None:
                yield held


def _names_by_default(facts: SourceFacts, name: Value | None) -> Iterator[str]:
    match name:
        case EnvironmentValue(default=default):
            yield from _names_by_default(facts, default)
        case Constant(value=str(said)):
            yield said
        case Choice(options=(EnvironmentValue(), *_, Constant(value=str(said))), every=False):
            yield said  # ``getenv("ENV") or "development"``
        case Choice(options=(Parameter() as told, other), every=False):  # ``name or getenv("ENV", "development")``
            if any(is_constant(one, None, "") for one in _handed(facts, told)):
                yield from _names_by_default(facts, other)
        case Parameter():
            for one in _handed(facts, name):
                if not isinstance(one, (Parameter, Constant)):
                    yield from _names_by_default(facts, one)
        case _:
            return


def asked_for(facts: SourceFacts, span: Span | None, steps: int = 2, *, by_name: bool = False) -> bool:
    """That the place, or every call of the function in which it stands, stands behind a test of a flag for debugging, development or
    tests, so that somebody has to ask for it. With *by_name* the flag has to say so: whatever is off at first is none."""
    if span is None:
        return False
    around = facts.function_around(span)
    last = around.rpartition(".")[2].rstrip("'")  # a setter has the name of its property once more
    sets = not last.isupper() and _SETS_FLAG.fullmatch(last) is not None  # ``DEBUG`` as a property is the setting
    desk = sets or _LOCAL_START.fullmatch(last) is not None
    if desk and not facts.is_view(around):
        return True
    known: dict[tuple[int, bool], bool] = facts.once("conditions for a desk", dict[tuple[int, bool], bool])
    for condition in facts.conditions_around(span):
        key = (id(condition), by_name)  # the facts keep it
        if key not in known:
            known[key] = is_for_desk(facts, condition, by_name=by_name)
        if known[key]:
            return True
    called = list(facts.calls(around)) if around and steps and not facts.routes_of_view(around) else []
    return bool(called) and all(asked_for(facts, call.span, steps - 1, by_name=True) for call in called)


def is_for_desk(facts: SourceFacts, condition: Condition, *, by_name: bool) -> bool:
    """That the test holds on a desk or in a test run alone; see ``asked_for``."""
    if not condition.negated and _is_option(facts, condition.value):
        return True
    inside = list(walk(condition.value))
    if any(isinstance(one, Name) and one.dotted.startswith("flask.request.") for one in inside):
        return False  # whoever calls asks for it
    unasked = holds_unasked(facts, condition.value, condition.negated)
    if unasked is not None and any(isinstance(one, (EnvironmentValue, ConfigValue)) for one in inside):
        return not unasked  # a default that stands beside the variable decides
    if (is_unset if condition.negated else holds_unset)(condition.value, _OFF_FLAG):
        return False  # ``if not os.environ.get("DISABLE_DEBUGGER")``
    match condition.value:
        case Truth(parts=(EnvironmentValue(default=None | Constant(value=None)), Constant(value=None)), differs=False):
            if not condition.negated:
                return False  # ``os.environ.get("NO_TEST_ROUTES") is None`` holds where nobody says anything
        case Truth() | EnvironmentValue() if not condition.negated and is_on(facts, condition.value):
            return False  # ``os.environ.get("TRACE", "1") == "1"``
        case _:
            pass
    words = [word for value in inside for word in _words(value)]
    if not by_name and any(is_constant(one, None, False, "") for one in options(condition.value)):
        words.append("debug")  # a flag that is off until something else sets it
    if any(isinstance(value, (Caught, Call)) for value in inside) and not _says_flag(inside):
        return False  # whether something was found, or went wrong
    if any(_OFF_FLAG.search(word) for word in words):
        differs = any(condition.span.holds(found.span) for found in facts.comparisons("!=", "not in", "is not"))
        return differs != condition.negated
    return any(FLAG.search(word) for word in words)


def _says_flag(values: list[Value]) -> bool:
    """That a name or text among these says it, beside what is only nothing: None, an empty text, False."""
    return any(
        FLAG.search(word) or _OFF_FLAG.search(word)
        for value in values
        if not (isinstance(value, Constant) and value.value in (None, False, ""))
        for word in _words(value)
    )


def _is_option(facts: SourceFacts, value: Value) -> bool:
    """That it is an option of a command which is off until it is typed."""
    return isinstance(value, Parameter) and any(
        not is_on(facts, one.keyword("default")) for one in options_of_command(facts, value)
    )


def _words(value: Value) -> Iterator[str]:
    match value:
        case (
            Parameter(parameter=name)
            | Name(dotted=name)
            | Member(attribute=name)
            | EnvironmentValue(variable=name)
            | ConfigValue(key=name)
        ):
            yield "" if name == "__name__" else name
        case Item(key=Constant(value=str(name))) | Constant(value=str(name)) if name:
            yield "" if name == "__main__" else name
        case Call(callee=callee) if _ASKS_FLAG.fullmatch(callee.rpartition(".")[2]):
            yield "debug"
        case _:
            yield value.name
