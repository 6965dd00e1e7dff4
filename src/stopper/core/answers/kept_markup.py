"""Templates that take for markup what somebody has sent and the application kept: ``{{ note.text|safe }}`` where a form has a field ``text``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.passing import put_under
from stopper.core.labels import LabelKind
from stopper.core.origins import FORMS, FREE_FIELD
from stopper.core.place import Span
from stopper.core.stores.kept_rows import taken_by_templates
from stopper.core.stores.stored_columns import filled_columns, is_escaped_column, shown_as_markup
from stopper.core.values import Call, Item, Member, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_MEMBER: Final = re.compile(r"\{\{-?\s*(?:\w+\.)*\w+(?:\.(\w+)|\[\s*['\"](\w+)['\"]\s*\])\s*\|\s*safe\s*-?\}\}")
"""``{{ one.text|safe }}``, ``{{ one["text"] | safe }}``: a member of something, as it is kept."""
_NAME: Final = re.compile(r"\{\{-?\s*(\w+)\s*\|\s*safe\s*-?\}\}")
_COLUMNS: Final = re.compile(r"\bsafe_columns\s*=\s*[\[(]([^\])]*)[\])]")
"""``render_table(notes, safe_columns=["text"])`` of Bootstrap-Flask."""
_MARKUP_NAME: Final = re.compile(r"(?i)html|markup|svg|rendered|script|json|css|widget|url")
_CLEANERS: Final = ("bleach", "nh3", "lxml_html_clean", "html_sanitizer", "lxml.html.clean")
_CLEANS: Final = re.compile(r"(?i)(?:^|_)(?:saniti[sz]e\w*|clean_?html|html_?clean|strip_?tags|purify\w*)$")
_SENT: Final = ("flask.request.form", "flask.request.json", "flask.request.values", "flask.request.get_json")
_KINDS: Final[tuple[LabelKind, ...]] = ("request-data", "query-string", "path-parameter", "cookie", "request-header")
_RENDERS: Final = ("flask.render_template", "flask.stream_template")


KEPT: Final = "what somebody has sent is kept in that column"
_OF_A_TABLE: Final = "its table keeps what somebody has sent: look whether it is that"
_ALIKE: Final = "somebody sends that too: look whether it is the same"


def kept_as_markup(facts: "SourceFacts") -> Iterator[tuple[Span, str, str]]:
    """Each such place of a template with the name, and what makes it somebody's; where the project cleans markup, none but those of which it is
    seen that what is kept there has not been cleaned."""
    shown = [*shown_as_markup(facts)]
    told = {(place.path, place.line) for place, column in shown if is_escaped_column(facts, column)}
    for place, column in shown:
        if column in filled_columns(facts) and (place.path, place.line) not in told:
            told.add((place.path, place.line))
            yield place, column.name, KEPT
    if facts.imports(*_CLEANERS) or any(_CLEANS.search(name.rpartition(".")[2]) for name in facts.callees()):
        return
    for place, name, sure in taken_by_templates(facts):
        if (place.path, place.line) not in told:
            told.add((place.path, place.line))
            yield place, name, KEPT if sure else _OF_A_TABLE
    yield from ((place, name, _ALIKE) for place, name in _sent_alike(facts) if (place.path, place.line) not in told)


def _sent_alike(facts: "SourceFacts") -> Iterator[tuple[Span, str]]:
    """Places that are called as what somebody sends."""
    keys = {one.key for one in facts.readings(*_SENT)} | _fields(facts)
    for file in facts.files_of("template") if keys else ():
        shown = {name for name, members in _shown(facts, file.path).items() if members & keys}
        for number, line in file.lines_with("safe"):
            for found, names in (
                *_members_in(line),
                *((one, [one[1]]) for one in _NAME.finditer(line) if one[1] in shown),
            ):
                sent = next((one for one in names if one in keys | shown and not _MARKUP_NAME.search(one)), "")
                if sent:
                    yield Span(file.path, number, number, found.start() + 1, found.end() + 1), sent


def _members_in(line: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    for found in _MEMBER.finditer(line):
        yield found, [found[1] or found[2]]
    for found in _COLUMNS.finditer(line):
        yield found, re.findall(r"\w+", found[1])


def _fields(facts: "SourceFacts") -> set[str]:
    """The fields of forms in which somebody writes a text."""
    return {
        name
        for one in facts.classes(*FORMS)
        for name, value in one.attributes.items()
        if isinstance(value, Call) and FREE_FIELD.fullmatch(value.callee)
    }


def _shown(facts: "SourceFacts", path: str) -> dict[str, set[str]]:
    """The names that views hand to that template, with the members of things that they are: ``username=user["username"]``. What the request
    that is being answered says is told where it is handed over."""
    found: dict[str, set[str]] = {}
    for call in facts.calls(*_RENDERS):
        first = text_of(call.argument(0, "template_name_or_list"))
        if first is not None and f"/{path}".endswith(f"/{first}"):
            for name, value in call.keywords:
                told = put_under(facts, value) or facts.derives(value, *_KINDS, by_name=False)
                found.setdefault(name, set()).update(() if told else _members(value))
    return found


def _members(value: Value) -> Iterator[str]:
    for option in options(value):
        if isinstance(option, Item) and isinstance(option.owner, (Item, Call)):
            yield text_of(option.key) or ""
        elif isinstance(option, Member) and isinstance(option.owner, (Item, Call)):
            yield option.attribute
