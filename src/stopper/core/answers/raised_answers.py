"""Exceptions of HTTP that are raised with a description, which Werkzeug answers with: ``raise BadRequest(str(error))``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ErrorHandler, Flow
from stopper.core.values import Call, Member, Parameter, Value, parts

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HOME: Final = "werkzeug.exceptions."
_STATUS: Final = {
    "BadRequest": "400", "Unauthorized": "401", "Forbidden": "403", "NotFound": "404", "NotAcceptable": "406", "RequestTimeout": "408",
    "Conflict": "409", "Gone": "410", "PreconditionFailed": "412", "RequestEntityTooLarge": "413", "UnsupportedMediaType": "415",
    "ImATeapot": "418", "UnprocessableEntity": "422", "Locked": "423", "FailedDependency": "424", "TooManyRequests": "429",
    "InternalServerError": "500", "NotImplemented": "501", "BadGateway": "502", "ServiceUnavailable": "503", "GatewayTimeout": "504",
    "HTTPException": "",
}  # fmt: skip
_SHOWING: Final = frozenset({"description", "get_description", "get_response", "get_body", "data", "args"})
_GENERAL: Final = frozenset({f"{_HOME}HTTPException", "Exception", "BaseException"})


def raised_answers(facts: "SourceFacts") -> tuple[Flow, ...]:
    """Each description as what an ``abort`` would answer with; not where a handler of the application leaves it out."""
    return facts.once("descriptions of exceptions of HTTP", lambda: tuple(_described(facts)))


def _described(facts: "SourceFacts") -> Iterator[Flow]:
    if not facts.imports("werkzeug"):
        return
    for call in facts.calls(*(f"{_HOME}{name}" for name in _STATUS)):
        said = call.argument(0, "description")
        if said is not None and call.span is not None and _is_shown(facts, call) and not _is_kept_back(facts, call):
            yield Flow("response", said, facts.labels(said), call.span, call.function, "flask.abort")
    for one in facts.assignments():
        made = one.into if one.attribute == "description" else None
        if isinstance(made, Call) and made.callee.removeprefix(_HOME) in _STATUS and _is_shown(facts, made):
            yield Flow("response", one.value, facts.labels(one.value), one.span, one.function, "flask.abort")


def _is_shown(facts: "SourceFacts", made: Call) -> bool:
    status = _STATUS[made.callee.removeprefix(_HOME)]
    asked = [one for one in facts.error_handlers() if one.what in (status, made.callee) or one.what in _GENERAL]
    return not asked or any(_tells(facts, one) for one in asked)


def _is_kept_back(facts: "SourceFacts", made: Call) -> bool:
    """A command of the application answers nobody; nor does what an ``except BadRequest:`` further down answers by itself."""
    function = facts.function(made.function)
    if function is not None and any(one.name.endswith(".command") for one in function.decorators):
        return True
    return made.span is not None and any(
        not one.name
        and one.action != "raise"
        and made.span < one.span
        and not {made.callee, f"{_HOME}HTTPException"}.isdisjoint(one.catches)
        for one in facts.handlers_in(made.function)
    )


def _tells(facts: "SourceFacts", handler: ErrorHandler) -> bool:
    given = [one.value for one in facts.returns_of(handler.function)]
    given += [flow.value for flow in facts.flows("response", "template") if flow.function == handler.function]
    return any(_shows(one, handler.function) for one in given)


def _shows(value: Value, function: str, depth: int = 8) -> bool:
    """That the description of the exception, or the exception itself, is in the value."""
    if isinstance(value, Member) and isinstance(value.owner, Parameter):
        return value.attribute in _SHOWING and value.owner.function == function
    if isinstance(value, Parameter):
        return value.function == function and value.index == 0
    return depth > 0 and any(_shows(part, function, depth - 1) for part in parts(value))
