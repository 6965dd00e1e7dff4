"""Calls whose result is all the settings of a process at once, other than ``app.config`` and ``os.environ`` themselves."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.held_attributes import kept_by_application
from stopper.core.flow.shown_fields import secret_fields
from stopper.core.naming import sensitive
from stopper.core.values import Call, Constant, Item, Name, Parameter, Sequence, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_DUMPS: Final = frozenset({"model_dump", "model_dump_json", "dict", "json"})
_SETTINGS: Final = re.compile(r"(?:Settings|Config(?:uration)?|Options)$")
_COMMANDS: Final = re.compile(r"subprocess\.(?:run|check_output|getoutput|Popen)|os\.popen")
_ENVIRONMENT: Final = re.compile(r"(?:/usr)?(?:/bin/)?(?:printenv|env|export|set)$")


def holds_settings(facts: "SourceFacts", call: Call) -> bool:
    """``printenv`` of a shell, ``dotenv_values()``, ``settings.model_dump()`` of pydantic settings, ``vars(Config)``, what ``dir(Config)`` lists."""
    if call.callee in ("dotenv.dotenv_values", "dotenv.main.dotenv_values"):
        return True
    if call.method in _DUMPS and isinstance(call.receiver, (Call, Item)) and not call.args and not call.keywords:
        return any(_is_settings(facts, made.callee) for made in _made(facts, call.receiver))
    if call.callee == "dataclasses.asdict" and call.args:
        return any(_is_record_of_settings(facts, made.callee) for made in _made(facts, call.args[0]))
    if call.callee == "vars" and call.args:
        return _is_config(facts, call.args[0])
    if call.callee == "getattr" and len(call.args) > 1:  # ``getattr(Config, name) for name in dir(Config)``
        listed = call.args[1].owner if isinstance(call.args[1], Item) else None
        return isinstance(listed, Call) and listed.callee == "dir" and _is_config(facts, call.args[0])
    if call.callee.endswith((".__dict__.items", ".__dict__.copy")):
        return call.callee.rpartition(".__dict__")[0] in _config_classes(facts)
    if _COMMANDS.fullmatch(call.callee) and call.args:
        said = call.args[0].items if isinstance(call.args[0], Sequence) else call.args[:1]
        return (
            len(said) == 1 and isinstance(said[0], Constant) and _ENVIRONMENT.match(text_of(said[0]) or "") is not None
        )
    return False


def _made(facts: "SourceFacts", value: Value) -> list[Call]:
    """What makes the object, also where the application keeps it: ``current_app.extensions["settings"]``."""
    kept = kept_by_application(facts, value) if isinstance(value, Item) else (value,)
    return [made for made in kept if isinstance(made, Call)]


def _is_record_of_settings(facts: "SourceFacts", name: str) -> bool:
    return _SETTINGS.search(name.rpartition(".")[2]) is not None and len(list(secret_fields(facts, name))) > 1


def _is_settings(facts: "SourceFacts", name: str) -> bool:
    known = classes_by_name(facts).get(name)
    return known is not None and any(base.rpartition(".")[2] == "BaseSettings" for base in known.bases)


def _is_config(facts: "SourceFacts", value: Value) -> bool:
    """A class that the settings come from, or a function that gives back one of several such."""
    if isinstance(value, Call):
        given = [one for result in facts.returns_of(value.callee) for one in options(result.value)]
        return bool(given) and all(isinstance(one, Name) and one.dotted in _config_classes(facts) for one in given)
    return isinstance(value, Name) and (value.dotted in _config_classes(facts) or _is_module(facts, value.dotted))


_MODULE: Final = re.compile(r"(?:^|\.)(?:settings|config(?:uration)?)$")


def _is_module(facts: "SourceFacts", name: str) -> bool:
    """A module of settings by its name, with a secret among them."""
    path = f"/{name.replace('.', '/')}.py" if _MODULE.search(name) else ""
    return bool(path) and any(
        not one.function and sensitive(one.attribute) and f"/{one.span.path}".endswith(path)
        for one in facts.assignments()
    )


def _config_classes(facts: "SourceFacts") -> frozenset[str]:
    return facts.once(
        "classes of settings", lambda: frozenset(one.owner for one in facts.config_writes() if one.how == "class")
    )


_APPLICATIONS: Final = frozenset({"Flask", "APIFlask", "OpenAPI", "Quart"})


def is_application(value: Value) -> bool:
    """That the value is a Flask application, by what made it or by the usual name of a parameter."""
    if isinstance(value, Parameter):
        return value.parameter in ("app", "application", "flask_app", "current_app")
    return isinstance(value, Call) and value.method in _APPLICATIONS
