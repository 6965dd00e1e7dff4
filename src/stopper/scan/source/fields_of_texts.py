"""What the fields of a template take: ``"{0.host}/{user.name}".format(request, user=user)`` takes two attributes, not the objects."""

import re
from typing import Final

from stopper.core.values import Constant, Value
from stopper.scan.source.drafts import new_constant
from stopper.scan.source.lookups import attribute
from stopper.scan.source.reader import Reader

_OF_OBJECT: Final = re.compile(r"\{(\w*)((?:\.[A-Za-z_]\w*)+)(?:![rsa])?(?::[^{}]*)?\}")
_ANY: Final = re.compile(r"\{(\w*)")
_AS_FIELD: Final = "{{_{}}}"


def attributes_taken(
    reader: Reader, template: Value, given: list[Value], named: dict[str, Value]
) -> tuple[Value, list[Value], dict[str, Value]]:
    """The template and what fills it, with a field of its own for each attribute, and without the names that no field asks for."""
    if type(template) is not Constant or type(template.value) is not str or "**" in named:
        return template, given, named
    text = template.value
    taken: dict[str, Value] = {}

    def take(found: re.Match[str]) -> str:
        word = found[1]
        owner = named.get(word) if not word.isdigit() else given[int(word)] if int(word) < len(given) else None
        if owner is None:
            return found[0]
        for name in found[2][1:].split("."):
            owner = attribute(reader, owner, name)
        taken[f"_{len(taken)}"] = owner
        return _AS_FIELD.format(len(taken) - 1)

    text = _OF_OBJECT.sub(take, text)
    left = set(_ANY.findall(text))
    if not taken:
        return template, given, {key: one for key, one in named.items() if key in left}
    by_place = any(not name or name.isdigit() for name in left)
    return (
        new_constant(text, template.span),
        given if by_place else [],
        {**{key: one for key, one in named.items() if key in left}, **taken},
    )


def filled_by_template(template: Value, keywords: tuple[tuple[str, Value], ...]) -> list[Value]:
    """What ``Template(…).substitute(…)`` takes of its keywords: those that the text names."""
    text = template.value if type(template) is Constant and type(template.value) is str else None
    return [
        value
        for key, value in keywords
        if text is None or key == "**" or re.search(rf"\$(?:{re.escape(key)}\b|\{{{re.escape(key)}\}})", text)
    ]
