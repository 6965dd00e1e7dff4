"""Links of templates whose whole address the request says: ``<a href="{{ back }}">`` of ``javascript:…`` runs where it is clicked, escaped or not."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.answers.shown_in_templates import pages_shown
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.read_parts import origins
from stopper.core.labels import LabelKind
from stopper.core.values import Call, Format, Item, Member, Value, options, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_LINK: Final = re.compile(
    r"(?i)\b(?:href|action|formaction)\s*=\s*[\"']?\s*\{\{-?\s*(\w+)\s*(?:\|\s*(?:e|escape|safe)\s*)?-?\}\}"
)
_QUOTES: Final = frozenset({"quote", "quote_plus", "urlencode", "url_quote", "url_quote_plus"})
_SENT: Final[tuple[LabelKind, ...]] = ("query-string", "request-data")


def links_by_request(facts: "SourceFacts") -> Iterator["Span"]:
    """The calls that show such a template, where nothing asks how the address begins."""
    linked = {
        file.path: {found.group(1) for line in file.lines if "{{" in line for found in _LINK.finditer(line)}
        for file in facts.files_of("template")
    }
    if not any(linked.values()):
        return
    for call in facts.calls("flask.render_template"):
        handed = [(name, value) for name, value in call.keywords if any(name in names for names in linked.values())]
        shown = list(pages_shown(facts, call.argument(0, "template_name_or_list"))) if handed else []
        if call.span is not None and any(
            name in linked[page.path] and _is_all_sent(facts, value, call.function)
            for name, value in handed
            for page in shown
        ):
            yield call.span


def _is_all_sent(facts: "SourceFacts", value: Value, function: str, depth: int = 3) -> bool:
    for one in options(value):
        own = facts.function(one.callee) if isinstance(one, Call) and not (one.args or one.keywords) and depth else None
        if own is not None and own.returns:  # what it reads, it checks
            if any(_is_all_sent(facts, said, own.name, depth - 1) for said in own.returns):
                return True
            continue
        first = one.parts[0] if isinstance(one, Format) and one.parts else one
        if isinstance(first, Call) and first.method in _QUOTES:
            continue  # no colon is left
        sent = any(label.kind in _SENT for label in labels_of(facts, first, numbers=True))
        read = {facts.function_around(part.span) for part in walk(first, 6) if isinstance(part, Item) and part.span}
        if sent and not any(
            is_checked(facts, first, name) or _is_asked_how_it_begins(facts, first, name) for name in {function, *read}
        ):
            return True
    return False


def _is_asked_how_it_begins(facts: "SourceFacts", value: Value, function: str) -> bool:
    """``if not back.startswith("/"): abort(400)``: no address of a script begins so, whichever host follows."""
    mine = origins(value)
    begins = (call.receiver for call in facts.calls_in(function) if call.method == "startswith")
    return any(one is not None and bool(mine & origins(one)) for one in begins) or any(
        isinstance(part, Member) and part.attribute == "scheme" and bool(mine & origins(part.owner))
        for one in facts.conditions_in(function)
        for part in walk(one.value, 4)
    )
