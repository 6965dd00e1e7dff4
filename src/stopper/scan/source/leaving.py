"""The ways out of a function: what it returns or raises, and whether that turns the caller away."""

import ast
import re
from typing import Final

from stopper.core.drafts import changed
from stopper.core.fact import (
    Raise,
)
from stopper.core.values import (
    Call,
    Constant,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Value,
    text_of,
    walk,
)
from stopper.scan.source.blocks import Body
from stopper.scan.source.drafts import new_flow, new_return, new_unknown
from stopper.scan.source.project import Refusal
from stopper.scan.source.reader import Reader

_REFUSALS: Final = (401, 403, 407)
_STATUS: Final = frozenset({"status", "status_code", "code", "http_status_code"})
_SAYING: Final = frozenset({"error", "message", "msg", "detail", "status", "reason", "description", "err", "errors"})
_ANSWERS: Final = frozenset({"jsonify", "make_response", "Response", "dumps", "dict", "json_response"})
_TURNED_AWAY: Final = re.compile(
    r"(?i)\bunauthori[sz]ed\b|\bnot (?:authori[sz]ed|authenticated|logged in|signed in|allowed)\b|\b(?:access|permission) denied\b|\bforbidden\b"
    r"|\b(?:log|sign)[- ]?in (?:is )?(?:required|needed|first)\b|\bplease (?:log|sign)[- ]?in\b|\bauth\w* (?:is )?(?:required|failed|needed)\b"
    r"|\b(?:token|api[- ]?key|credentials?|session|bearer|authori[sz]ation(?: header)?)s? (?:is |are |has |was |not )?(?:missing|invalid|expired|required|wrong|valid|found|provided)\b"
    r"|\b(?:missing|invalid|no|bad|wrong|expired) (?:auth\w*|access[- ]?token|token|api[- ]?key|credentials?|jwt|bearer)\b|\b(?:admins?|administrators?|staff) only\b"
)
"""What is said to a caller who is turned away."""
LOGIN_PAGE: Final = re.compile(r"(?i)log_?-?in|sign_?-?in")


def read_return(reader: Reader, node: ast.Return) -> Body:
    if node.value is None:
        return Body(True, False)
    reader.returned = node.value
    value = reader.value(node.value)
    reader.project.returns.append(new_return(value, reader.span(node), reader.function))
    turned, said = refuses(value), value
    if not turned and type(value) is Call and (refusal := _refusal_made_by(reader, value)) is not None:
        turned, said = True, refusal
    if not turned and _stands_before(reader) and _in_words(value):
        turned = True
    if turned:
        refuse(reader, node, says(said, 401, "401"), to_login=_leads_to_login(value), beside=_is_beside(value))
    return Body(True, turned)


def _stands_before(reader: Reader) -> bool:
    """That this is the function inside a decorator, whose answer stands in place of the view's."""
    home = reader.function.rpartition(".")[0]
    return reader.project.has_function(home) and home not in reader.project.classes


def _in_words(value: Value, depth: int = 3) -> bool:
    """An answer that turns the caller away whatever its status: ``jsonify({"message": "Token is missing!"})``."""
    if type(value) is Constant:
        return type(value.value) is str and _TURNED_AWAY.search(value.value) is not None
    if not depth:
        return False
    if type(value) is Sequence:
        return value.kind == "tuple" and bool(value.items) and _in_words(value.items[0], depth - 1)
    if type(value) is Mapping:
        return any(text_of(key) in _SAYING and _in_words(held, depth - 1) for key, held in value.items)
    if type(value) is Call and value.method in _ANSWERS:
        named = any(key in _SAYING and _in_words(held, depth - 1) for key, held in value.keywords)
        return named or any(_in_words(one, depth - 1) for one in value.args[:1])
    return False


def _refusal_made_by(reader: Reader, call: Call) -> Value | None:
    """``return refused("no such key")``, where a function of the project does nothing but make a refusal: what it gives."""
    if not reader.follows or not reader.project.has_function(call.callee):
        return None
    made = reader.results(call.callee)
    if made and all(refuses(one) and not _is_beside(one) for one in made):
        return made[0]
    other = any(type(one) is Constant and type(one.value) is int and 200 <= one.value < 600 for one in told_by(call))
    return made[0] if made and not other and all(map(_is_refusal_unless_told, made)) else None


def _is_refusal_unless_told(value: Value) -> bool:
    """An answer whose status is a parameter that is 401 or 403 by default."""
    if type(value) is Sequence and value.kind == "tuple":
        said = value.items[1:]
    elif type(value) is Call:
        said = (*value.args, *(held for key, held in value.keywords if key in _STATUS))
    else:
        return False
    return any(type(one) is Parameter and one.default is not None and _refusing_status(one.default) for one in said)


def refuse(
    reader: Reader, node: ast.stmt | ast.expr, plain: bool, *, to_login: bool = False, beside: bool = False
) -> None:
    """Keep that the caller is turned away here. What is given *beside* something else turns nobody away by itself."""
    kept = reader.project.beside if beside else reader.project.refusals
    kept.append(Refusal(reader.function, reader.under, plain, reader.span(node), to_login))


def _leads_to_login(value: Value) -> bool:
    return (
        type(value) is Call
        and value.callee == "flask.redirect"
        and any(
            type(part) is Constant and type(part.value) is str and LOGIN_PAGE.search(part.value)
            for part in walk(value, 4)
        )
    )


def refuses(value: Value, depth: int = 3) -> bool:
    """That an answer turns the caller away: 401 or 403 in it, or a way to a login page."""
    if type(value) is Sequence and value.kind == "tuple":
        if _is_beside(value):
            return depth > 0 and refuses(value.items[1], depth - 1)
        return any(_refusing_status(part) for part in value.items[1:]) or (
            bool(value.items) and depth > 0 and refuses(value.items[0], depth - 1)
        )
    if type(value) is Call:
        given = (*value.args, *(held for key, held in value.keywords if key in _STATUS))
        if value.method in (
            "abort",
            "Response",
            "make_response",
            "jsonify",
            "json_response",
            "error_response",
            "HTTPError",
        ):
            return any(
                _refusing_status(part) or (depth > 0 and type(part) is Sequence and refuses(part, depth - 1))
                for part in given
            )
        if value.callee == "flask.redirect":
            return True
        if value.method in ("unauthorized", "forbidden", "Unauthorized", "Forbidden"):
            return True
        # ``self.respond({"error": "auth_required"}, 401)``: a number like this is passed for nothing else.
        return any(type(part) is Constant and type(part.value) is int and part.value in _REFUSALS for part in given)
    return False


def with_status(answer: Value, attribute: str, status: Value) -> Value | None:
    """An answer that was made and is given the status of a refusal afterwards: ``answer.status_code = 401`` says what
    ``make_response(answer, 401)`` says. None where it is anything else."""
    said = status.default if type(status) is Parameter else status
    if type(answer) is not Call or attribute not in _STATUS or said is None or not _refusing_status(said):
        return None
    return changed(answer, keywords=(*answer.keywords, (attribute, status)))


def _is_beside(value: Value) -> bool:
    """``return False, error`` of a check."""
    if type(value) is not Sequence or value.kind != "tuple" or len(value.items) < 2:
        return False
    first = value.items[0]
    return type(first) is Constant and first.value in (False, None)


def _refusing_status(value: Value) -> bool:
    if type(value) is Constant:
        return value.value in _REFUSALS or (type(value.value) is str and value.value[:3] in ("401", "403"))
    return type(value) is Name and value.dotted.endswith(("UNAUTHORIZED", "FORBIDDEN"))


def read_raise(reader: Reader, node: ast.Raise) -> Body:
    value = reader.value(node.exc) if node.exc is not None else None
    if node.cause is not None:
        reader.value(node.cause)
    name = value.callee if type(value) is Call else value.dotted if type(value) is Name else ""
    span = reader.span(node)
    reader.project.raises.append(Raise(name, value, span, reader.function))
    if type(value) is Call:
        told = (*value.args, *(held for _, held in value.keywords))
        if any(type(part) is not Constant or part.name for part in told):
            reader.project.flows.append(
                new_flow(
                    "exception-message",
                    told[0] if len(told) == 1 else new_unknown(told),
                    frozenset(),
                    span,
                    reader.function,
                    name,
                )
            )
    refuse(
        reader,
        node,
        is_refusal(name) or (type(value) is Call and any(_refusing_status(part) for part in told_by(value))),
    )
    return Body(True, True)


def read_assert(reader: Reader, node: ast.Assert) -> None:
    """What stands behind the comma becomes the text of an AssertionError."""
    compared = reader.project.comparisons
    before = len(compared)
    reader.value(node.test)
    compared[before:] = [changed(one, asserted=True) for one in compared[before:]]
    value = reader.value(node.msg) if node.msg is not None else None
    if value is not None and (type(value) is not Constant or value.name):
        flow = new_flow("exception-message", value, frozenset(), reader.span(node), reader.function, "AssertionError")
        reader.project.flows.append(flow)


def told_by(call: Call) -> tuple[Value, ...]:
    """Everything that is passed."""
    return (*call.args, *(held for _, held in call.keywords))


def says(value: Value, *statuses: int | str) -> bool:
    """That one of these statuses is in an answer; a name of that meaning counts as 401."""
    return any(
        (type(part) is Constant and part.value in statuses)
        or (type(part) is Name and part.dotted.endswith("UNAUTHORIZED"))
        or (type(part) is Call and part.method in ("unauthorized", "Unauthorized"))
        for part in walk(value, 4)
    )


def is_refusal(exception: str) -> bool:
    """That an exception of that name means 401 or 403."""
    word = exception.rpartition(".")[2].lower()
    return any(
        part in word for part in ("unauthorized", "forbidden", "auth", "permission", "accessdenied", "jwt", "token")
    )
