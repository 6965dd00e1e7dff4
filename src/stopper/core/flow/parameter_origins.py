"""What a parameter of a function is because of who calls that function: a route, an error handler, a schema, a library that logs in."""

import re
from typing import TYPE_CHECKING, Final, cast

from stopper.core.flow.body_models import class_of, hands_body
from stopper.core.flow.message_parameters import of_message
from stopper.core.flow.passing import given as given_for
from stopper.core.flow.path_converters import takes_any_text
from stopper.core.flow.poured_parameters import of_poured
from stopper.core.naming import sensitive
from stopper.core.origins import NONE, Labels, labelled, of_header
from stopper.core.values import NAMED, Call, Constant, Mapping, Parameter, Value, is_constant, options, text_of

if TYPE_CHECKING:
    from stopper.core.fact import Function
    from stopper.core.facts import SourceFacts
    from stopper.core.labels import LabelKind

_VALIDATORS: Final = frozenset({"validates", "field_validator", "validator"})
_OF_A_SCHEMA: Final = frozenset(
    f"marshmallow.{module}{word}"
    for module in ("", "decorators.")
    for word in ("pre_load", "post_load", "validates_schema")
)
"""Methods of a schema that are given what is loaded, which is what the caller wrote."""


_INFO_FUNCTION: Final = re.compile(r"(?i)x-(bearer|basic|apikey|token)infofunc[\"']?\s*:\s*[\"']?([\w.]+)")
_OWN: Final = frozenset({"self", "cls", "user", "token_info", "context_", "request"})
"""Parameters that Connexion fills by itself."""
_COUNTS: Final = re.compile(
    r"(?i)^(?:limit|offset|page\w*|per_page|size|count|skip|top|start|end|year|month|day)$|(?:^|_)ids?$"
)
"""Parameters of which a document says nearly always that they are numbers."""


def names_said(facts: "SourceFacts", key: Value) -> list[str]:
    """The literal names that a key of a look-up may be, also where they are handed to the function."""
    found = [
        one
        for option in options(key)
        for one in (given_for(facts, option) if isinstance(option, Parameter) else (option,))
    ]
    return [one.value for one in found if isinstance(one, Constant) and isinstance(one.value, str)]


def of_parameter(facts: "SourceFacts", value: Parameter, numbers: bool) -> Labels:
    """What whoever calls the function hands over; with *numbers*, what was made a number is nothing."""
    return (
        _of_route(facts, value, numbers)
        | _of_handler(facts, value)
        | _of_preprocessor(facts, value)
        | _of_schema(facts, value)
        | _of_headers(facts, value)
        | _of_loader(facts, value)
        | _of_connexion(facts, value, numbers)
        | _of_validator(facts, value)
        | of_message(facts, value, numbers)
        | of_poured(facts, value, numbers)
    )


def _of_validator(facts: "SourceFacts", value: Parameter) -> Labels:
    """What ``@validates("password")`` of marshmallow or ``@field_validator("password")`` of pydantic hands over: that field."""
    function = facts.function(value.function) if value.index == 0 and facts.imports("marshmallow", "pydantic") else None
    for one in function.decorators if function is not None else ():
        if one.call is not None and one.name.rpartition(".")[2] in _VALIDATORS:
            kinds = tuple(kind for said in one.call.args if (kind := sensitive(text_of(said) or "")) is not None)
            return labelled("request-data", *cast("tuple[LabelKind, ...]", kinds)) if kinds else NONE
    return NONE


def is_asked_by_connexion(facts: "SourceFacts", function: "Function") -> bool:
    """That the function looks at a key: its document names it, or it is called as one that a document of Connexion names."""
    named = any(kind == "apikey" and f".{function.name}".endswith(f".{name}") for name, kind in _info_functions(facts))
    return named or (
        function.parameters[:1] in (("apikey",), ("api_key",)) and "required_scopes" in function.parameters
    )


def _of_connexion(facts: "SourceFacts", value: Parameter, numbers: bool) -> Labels:
    """What Connexion hands to a view by the names of the document, and the key that it hands to ``def check(apikey, required_scopes=None)``,
    the function that its document names."""
    if not facts.imports("connexion"):
        return NONE
    asking = next((kind for name, kind in _info_functions(facts) if f".{value.function}".endswith(f".{name}")), "")
    if asking == "basic" and value.index in (0, 1):
        return labelled("password") if value.index else labelled("request-data", source=value.parameter)
    if asking in ("bearer", "token") and value.index == 0:
        return labelled("authorization-header", source="authorization")
    if value.index == 0 and (asking or value.parameter in ("apikey", "api_key")):
        function = facts.function(value.function)
        known = asking or (function is not None and "required_scopes" in function.parameters)
        return of_header("X-API-Key") if known else NONE
    routes = facts.routes_of_view(value.function)
    if (
        not routes
        or value.parameter in _OWN
        or any(name == value.parameter for one in routes for name, _ in one.parameters)
    ):
        return NONE
    if numbers and (value.typed in ("int", "float", "bool") or _COUNTS.search(value.parameter)):
        return NONE
    return labelled("request-data", source=value.parameter)


def _info_functions(facts: "SourceFacts") -> tuple[tuple[str, str], ...]:
    """The functions that documents name to look at a credential, each with the kind of it: ``x-bearerInfoFunc: fleet.auth.bearer``."""

    def found() -> tuple[tuple[str, str], ...]:
        lines = (line for file in facts.files_of("openapi") for _, line in file.lines_with("infofunc"))
        return tuple((said[2], said[1].lower()) for line in lines for said in _INFO_FUNCTION.finditer(line))

    return facts.once("functions that look at credentials by a document", found)


def _of_loader(facts: "SourceFacts", value: Parameter) -> Labels:
    """What Flask-HTTPAuth or APIFlask hands to ``@auth.verify_token`` and ``@auth.verify_password``: what the caller shows."""
    function = facts.function(value.function) if facts.imports("flask_httpauth", "apiflask") else None
    names = [one.name.rpartition(".")[2] for one in function.decorators] if function is not None else []
    if "verify_token" in names and value.index == 0:
        made = facts.calls("flask_httpauth.HTTPTokenAuth")
        headers = [str(said.value) for call in made if isinstance(said := call.argument(2, "header"), Constant)]
        if next(facts.calls("*.APIKeyHeaderAuth", "*.APIKeyQueryAuth", "*.APIKeyCookieAuth"), None) is not None:
            headers.append("X-API-Key")
        own = frozenset(label for header in headers for label in of_header(header))
        return own or labelled("authorization-header", source="authorization")
    if "verify_password" in names and value.index in (0, 1):
        return labelled("password") if value.index else labelled("request-data", source=value.parameter)
    return NONE


def _of_preprocessor(facts: "SourceFacts", value: Parameter) -> Labels:
    """The parameters of the path, which ``@app.url_value_preprocessor`` is given before any view."""
    function = facts.function(value.function) if value.index == 1 else None
    names = [one.name.rpartition(".")[2] for one in function.decorators] if function is not None else []
    told = {"url_value_preprocessor", "app_url_value_preprocessor"} & set(names)
    return labelled("path-parameter", "request-data", source=value.parameter) if told else NONE


def _of_route(facts: "SourceFacts", value: Parameter, numbers: bool) -> Labels:
    for route in facts.routes_of_view(value.function):
        if any(name == value.parameter for name, _ in route.parameters):
            typed = dict(route.parameters)[value.parameter]
            if numbers and not takes_any_text(facts, typed):
                return NONE
            return labelled("path-parameter", "request-data", source=value.parameter)
        if value.index == NAMED and any(kind not in ("int", "uuid") for _, kind in route.parameters):
            return labelled("path-parameter", "request-data", source=value.parameter)
    return NONE


def _of_schema(facts: "SourceFacts", value: Parameter) -> Labels:
    """What ``@blp.arguments(Schema)``, ``@app.input(Schema)`` or ``@use_args(…)`` hands to a view: the caller wrote it."""
    function = facts.function(value.function)
    if function is None or value.parameter in ("self", "cls"):
        return NONE
    if any(name == value.parameter for route in facts.routes_of_view(value.function) for name, _ in route.parameters):
        return NONE
    given = any(hands_body(one.name) for one in function.decorators)
    given = given or (value.index == 0 and any(one.name in _OF_A_SCHEMA for one in function.decorators))
    given = given or (facts.is_view(value.function) and class_of(facts, value) is not None)
    return labelled("request-data") if given else NONE


def _of_headers(facts: "SourceFacts", value: Parameter) -> Labels:
    """What ``@use_kwargs({"auth": fields.Str(data_key="authorization")}, location="headers")`` of webargs hands over: a header."""
    function = facts.function(value.function) if facts.imports("webargs") else None
    for one in function.decorators if function is not None else ():
        call = one.call
        if (
            call is None
            or one.name.rpartition(".")[2] != "use_kwargs"
            or not is_constant(call.keyword("location"), "headers")
        ):
            continue
        for fields in call.args[:1]:
            field = fields.get(value.parameter) if isinstance(fields, Mapping) else None
            if field is not None:
                said = field.keyword("data_key") if isinstance(field, Call) else None
                return of_header(text_of(said) or value.parameter)
    return NONE


def _of_handler(facts: "SourceFacts", value: Parameter) -> Labels:
    if value.index != 0:
        return NONE
    for handler in facts.error_handlers_of(value.function):
        if not handler.what.isdigit() and not handler.what.startswith("werkzeug.exceptions"):
            return labelled("exception")
    return NONE
