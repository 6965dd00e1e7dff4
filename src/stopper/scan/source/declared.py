"""What a class says that the fields of its objects are: by default, or out of the environment."""

from typing import Final

from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    EnvironmentValue,
    Mapping,
    Name,
    Parameter,
    Unknown,
    Value,
    is_constant,
)
from stopper.scan.source.drafts import new_call
from stopper.scan.source.project import Project
from stopper.scan.source.reader import named

FIELDS: Final = frozenset({"dataclasses.field", "attr.ib", "attr.attrib", "attrs.field", "pydantic.Field"})


_GIVE: Final = frozenset({"default", "default_factory", "factory", "init"})


def only_declares(value: Value) -> bool:
    """``key: str = field(repr=False)``: how a field of a data class is treated, and nothing that it holds; who makes the object has to say it."""
    if type(value) is not Call or value.callee not in FIELDS or value.callee == "pydantic.Field":
        return False
    return not value.open and not value.args and _GIVE.isdisjoint([name for name, _ in value.keywords])


def is_unshown(value: Value) -> bool:
    """``field(repr=False)``: kept out of the text of the object."""
    return type(value) is Call and is_constant(value.keyword("repr"), False)


def by_default(project: Project, declared: Call) -> Value:
    """What a field of a data class is where nobody gives it anything: ``field(default_factory=lambda: os.environ["KEY"])``."""
    if declared.callee not in FIELDS:
        return declared
    made = declared.keyword("default_factory", "factory")
    if type(made) is Unknown and len(made.parts) == 1:
        return made.parts[0]
    if type(made) is Name and made.dotted in project.classes:
        return new_call(made.dotted, (), (), False, None, declared.function, declared.span)
    given = declared.keyword("default")
    return declared if given is None else given


def is_passed(project: Project, made: Call, name: str) -> bool:
    """``Form(**request.json).role``: what stands in the class is only what the field has when nothing is passed for it."""
    if made.keyword(name) is not None:
        return True
    return made.open and project.attribute(made.callee, "__init__") is None


def from_settings(project: Project, owner: str, name: str, known: Value | None) -> Value:
    """A field of a class of pydantic settings: the environment's, else what stands in the class; None where it has to be set."""
    default: Value | None = known
    variable = name
    if type(known) is Call:
        if known.method != "Field":
            return known
        part = by_default(project, known)
        if type(part) is Call and part.callee in project.classes:
            return part  # ``Field(default_factory=HeaderSettings)``: a group of settings, and no variable of its own
        default = known.argument(0, "default") or (_by_factory(known) if part is known else part)
        said = known.keyword("validation_alias") or known.keyword("alias") or known.keyword("env")
        variable = said.value if type(said) is Constant and type(said.value) is str else name
    elif type(known) is Name:
        return known
    config = project.attribute(owner, "model_config")
    prefix = config.keyword("env_prefix") if type(config) is Call else None
    if type(config) is Mapping:
        prefix = config.get("env_prefix")
    before = prefix.value if type(prefix) is Constant and type(prefix.value) is str and variable == name else ""
    found = EnvironmentValue((before + variable).upper(), default, None if known is None else known.span)
    return named(found, name) if sensitive(name) else found


def of_typed_settings(project: Project, owner: Value, name: str) -> Value | None:
    """``settings.algorithms`` of a parameter, or of a field of a class, that is declared to be a class of pydantic settings: whoever makes the
    object, it holds what the environment has, or what stands in the class."""
    home = owner.typed if type(owner) is Parameter else ""
    if type(owner) is Name:
        holder, _, field = owner.dotted.rpartition(".")
        found = project.classes.get(holder)
        said = found.fields.get(field) if found is not None and project.attribute(holder, field) is None else None
        home = said.dotted if type(said) is Name else ""
    if not home or not project.reads_environment(home):
        return None
    known = project.attribute(home, name)
    return from_settings(project, home, name, known) if known is not None or project.declares(home, name) else None


def _by_factory(declared: Call) -> Value | None:
    """What a function of a library makes where the environment has nothing: ``Field(default_factory=secrets.token_hex)``."""
    made = declared.keyword("default_factory")
    if type(made) is not Name:
        return None
    return new_call(made.dotted, (), (), False, None, declared.function, declared.span)


def declared(project: Project, made: Value, name: str) -> Value | None:
    """What ``made.name`` is where *made* turns out to be an object of a class of the project only once it is known what a function is
    given: the default of the field, which nothing passed. Also of ``settings or Settings()``, handed nothing by whoever calls."""
    if type(made) is Choice:
        left = [one for one in made.options if not is_constant(getattr(one, "default", one), None)]
        return declared(project, left[0], name) if len(left) == 1 else None
    if type(made) is not Call or made.callee not in project.classes:
        return None
    known = project.attribute(made.callee, name)
    if project.reads_environment(made.callee) and (known is not None or project.declares(made.callee, name)):
        return from_settings(project, made.callee, name, known)
    if known is None or type(known) is Name or is_passed(project, made, name):
        return None
    return by_default(project, known) if type(known) is Call else known
