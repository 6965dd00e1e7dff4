"""What Flask, or a kit that stands on it, calls a route: the name that hooks know it by."""

import re
from typing import Final

from stopper.core.values import Call, Value, text_of
from stopper.scan.source.groups import Group
from stopper.scan.source.project import Project, Registration

_WORDS: Final = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])")
_KIT: Final = re.compile(r"flask_(?:restful|restx|restplus)\.")


def endpoint_of(
    project: Project, registration: Registration, group: Group | None, view_class: str, given: Value | None
) -> str:
    """``said in endpoint=``, the name that ``as_view`` is told, or what the kit makes of the name of the class; ``""`` where the view's own
    name is the endpoint. *given* is what a rule is given as its view."""
    call = registration.call
    word = _said(registration, call) if call is not None else ""
    if not word and isinstance(given, Call) and given.method == "as_view":
        word = text_of(given.argument(0, "name")) or ""
    kind = project.api_of(group.call.callee) if group is not None and view_class else None
    if group is None or not _KIT.match(kind or ""):
        before = f"{group.name}." if group is not None and group.name else ""
        return before + word if word else ""
    if not word:
        plain = view_class.rpartition(".")[2]
        word = plain.lower() if (kind or "").startswith("flask_restful") else _WORDS.sub("_", plain).lower()
        word = f"{group.name}_{word}" if group.name not in ("", "default") else word
    return word


def _said(registration: Registration, call: Call) -> str:
    if registration.verb == "add_url_rule":
        return text_of(call.argument(1, "endpoint")) or ""
    return text_of(call.keyword("endpoint")) or ""
