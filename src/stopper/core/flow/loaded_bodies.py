"""Whether a call loads what a caller sent with a schema that was handed in."""

from typing import Final

from stopper.core.values import Call, Member, Name, Parameter, Value

_WHOLE_BODY: Final = frozenset(
    f"flask.request.{word}" for word in ("args", "form", "json", "values", "data", "get_json", "get_data")
)


def is_loaded(call: Call) -> bool:
    """``schema.load(…)``, and ``made().loads(request.data)`` of whatever a decorator was told: it is handed all that was sent."""
    asked = call.receiver.receiver if isinstance(call.receiver, Call) and call.receiver.callee == "?" else call.receiver
    if "schema" in _said(asked):
        return True
    sent = call.argument(0)
    if isinstance(sent, Call) and sent.method in ("decode", "to_dict"):
        sent = Name(sent.callee.rpartition(".")[0])
    whole = sent.dotted if isinstance(sent, Name) else sent.callee if isinstance(sent, Call) else ""
    return isinstance(asked, Parameter) and whole in _WHOLE_BODY


def _said(value: Value | None) -> str:
    if isinstance(value, Member):
        return value.attribute.lower()
    return value.parameter.lower() if isinstance(value, Parameter) else ""
