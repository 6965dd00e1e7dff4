"""The names that Python and libraries have for the statuses of HTTP: each is read as its number, so that rules see one spelling."""

import re
from http import HTTPStatus
from typing import Final

from stopper.core.values import Constant
from stopper.scan.source.drafts import new_constant

_HOMES: Final = frozenset({"http.HTTPStatus", "http.client"})
_NUMBERED: Final = re.compile(r"HTTP_([1-5]\d\d)_[A-Z_]+")
"""``status.HTTP_404_NOT_FOUND`` of Flask-API and others."""


def status_named(owner: str, name: str) -> Constant | None:
    """The number that the name stands for, None where it is no status."""
    if owner in _HOMES:
        return new_constant(int(HTTPStatus[name])) if name in HTTPStatus.__members__ else None
    said = _NUMBERED.fullmatch(name) if name[:5] == "HTTP_" else None
    return new_constant(int(said[1])) if said is not None else None
