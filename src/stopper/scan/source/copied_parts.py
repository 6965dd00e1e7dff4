"""Copies of the parts of a request: what is taken out of one is taken out of the request."""

from typing import Final

from stopper.core.values import Call, Name, Value
from stopper.scan.source.drafts import new_name

_COPIES: Final = {
    f"flask.request.{part}.{word}": f"flask.request.{part}"
    for part in ("args", "form", "values", "cookies", "headers", "json")
    for word in ("to_dict", "copy")
}


def as_it_came(owner: Call) -> Value:
    """``request.args.to_dict()``, ``dict(request.headers)``: one element of the copy is that element of the request."""
    part = _COPIES.get(owner.callee)
    if part is not None:
        return new_name(part)
    if owner.callee == "dict" and len(owner.args) == 1 and not owner.keywords:
        inner = owner.args[0]
        if type(inner) is Name and inner.dotted in _COPIES.values():
            return inner
        return as_it_came(inner) if type(inner) is Call and inner.callee in _COPIES else owner
    return owner
