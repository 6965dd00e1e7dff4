"""Text that callers have sent and a table keeps: which columns a statement fills with it, and where a page of one's own shows one."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceType
from typing import TYPE_CHECKING, Final, TypeAlias

from stopper.core.answers.bare_pages import JSON_BY_ITSELF, is_left_to_flask, lines_unescaped
from stopper.core.answers.page_types import is_called_page, is_shown
from stopper.core.flow.checked_input import is_each_checked
from stopper.core.flow.labelling import labels_of
from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.stores.found_rows import FINDS
from stopper.core.stores.sql_conditions import compared, inserted, statement_of
from stopper.core.stores.sql_tables import columns_read, made_tables, table_of
from stopper.core.stores.whole_selects import running_functions
from stopper.core.values import Call, Choice, Constant, Format, Item, Sequence, Unknown, Value, options, text_of, walk

if TYPE_CHECKING:
    from stopper.core.fact import Flow
    from stopper.core.facts import SourceFacts

Kept: TypeAlias = "Callable[[SourceFacts, Value], bool]"
"""Whether a value is a text that callers have sent and that is kept."""
KINDS: Final[tuple[LabelKind, ...]] = ("request-data", "query-string", "path-parameter", "cookie", "request-header")
TAG: Final = re.compile(r"(?i)<\s*/?\s*(?:!doctype|[a-z][\w-]*)[\s>/=]")
_PAGES: Final = ("flask.Response", "flask.make_response", "return")
_KEEPS: Final = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "replace", "decode", "ljust", "center"}
)
_RUNS: Final = r".*\.(?:execute|query|run|fetch)(?:_?\w+)?"
_SET: Final = re.compile(r"(?is)\bset\b(.*?)(?:\bwhere\b|$)")
_WORD: Final = re.compile(r"\w+")
_NUMBERS: Final = re.compile(
    r"(?i)(?:^|_)(?:id|price|amount|balance|count|quantity|qty|age|stock|total|rating|score|date|time|created\w*|updated\w*)$"
)
"""Columns that are no text, or are written in a form of their own."""
LOOP: Final = re.compile(r"\{%-?\s*for\s+(\w+)\s+in\s+(\w+)\s*-?%\}")
_SHOWN: Final = re.compile(
    r"\{\{-?\s*(\w+)(?:\.(\w+)|\[\s*['\"](\w+)['\"]\s*\]|\[\s*(\d+)\s*\])?\s*(\|\s*safe)?\s*-?\}\}"
)
"""``{{ one }}``, ``{{ one.text }}``, ``{{ one["text"] }}``, ``{{ one[1] }}``, also with ``|safe``."""


def sent_columns(facts: "SourceFacts") -> dict[str, frozenset[str]]:
    """The columns of each table, in lower case, that a statement fills with what somebody sends."""
    return facts.once("columns that callers fill", lambda: _sent(facts))


def _sent(facts: "SourceFacts") -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for call in _statements(facts):
        said = statement_of(call.args[0]).lstrip()[:7].lower() if call.args else ""
        pairs = inserted(call) if said.startswith("insert") else _set(call) if said.startswith("update") else ()
        table = table_of(call)
        sent = {
            column
            for column, value in pairs
            if not _NUMBERS.search(column)
            and _is_sent(facts, value)
            and not is_each_checked(facts, value, call.function, *KINDS)
        }
        if table and sent:
            found[table] = found.get(table, frozenset()) | sent
    return found


def _statements(facts: "SourceFacts") -> Iterator[Call]:
    runs = running_functions(facts)
    yield from (call for call in facts.calls_matching(_RUNS) if call.callee not in runs)
    yield from (call for name in sorted(runs) for call in facts.calls(name))


def _set(call: Call) -> Iterator[tuple[str, Value]]:
    """What an UPDATE sets, and not what it asks for."""
    found = _SET.search(statement_of(call.args[0]))
    names = set(_WORD.findall(found[1].lower())) if found is not None else set[str]()
    return (one for one in compared(call) if one[0] in names)


def _is_sent(facts: "SourceFacts", value: Value) -> bool:
    return any(label.kind in KINDS for label in labels_of(facts, value, numbers=True))


def is_kept(facts: "SourceFacts", value: Value) -> bool:
    """``row["text"]``, ``row[1]`` of ``SELECT … FROM notes``, where somebody sends what the column holds."""
    if not isinstance(value, Item):
        return False
    table, columns = table_behind(facts, value.owner)
    sent = sent_columns(facts).get(table, frozenset())
    key = value.key.value if isinstance(value.key, Constant) else None
    if isinstance(key, int):
        return 0 <= key < len(columns) and columns[key].lower() in sent and _is_row(facts, value.owner)
    return isinstance(key, str) and key.lower() in sent


def _is_row(facts: "SourceFacts", value: Value, steps: int = 2) -> bool:
    """One row, out of which a number takes a column; out of several it takes a row."""
    if isinstance(value, Call) and value.method not in FINDS:
        return steps > 0 and any(_is_row(facts, one.value, steps - 1) for one in facts.returns_of(value.callee))
    return isinstance(value, (Item, Call))


def table_behind(facts: "SourceFacts", rows: Value, steps: int = 2) -> tuple[str, tuple[str, ...]]:
    """The table that *rows* were asked of, here or by a function of the project that gives them back, and its columns in the order in which they
    come."""
    for part in walk(rows, 6):
        if not isinstance(part, Call):
            continue
        for given in facts.returns_of(part.callee) if steps else ():
            found = table_behind(facts, given.value, steps - 1)
            if found[0]:
                return found
        if not part.args:
            continue
        if not re.match(r"(?i)\s*select\b", statement_of(part.args[0])):
            continue
        table = table_of(part)
        return table, columns_read(part) or made_tables(facts).get(table, ())
    return "", ()


def put_into_pages(facts: "SourceFacts") -> Iterator[Span]:
    """Markup that a view puts together as text, with such a column in it: ``html += f"<p>{row['text']}</p>"``; and a page that is such a
    column as a whole: ``Response(row[0], mimetype="text/html")``."""
    if sent_columns(facts):
        yield from pages_with(facts, is_kept)


def pages_with(facts: "SourceFacts", is_kept_text: "Kept") -> Iterator[Span]:
    """Where a view puts what is such a text into a page, or makes it the page."""
    places: dict[int, Span] = {}
    for flow in facts.flows("response"):
        if flow.detail not in _PAGES or facts.imports(*JSON_BY_ITSELF):
            continue
        value = _body(flow.value)
        cells = (
            [*_whole(facts, flow, value, is_kept_text), *_put_in(facts, value, is_kept_text)]
            if is_shown(facts, flow)
            else []
        )
        for cell, place in cells:
            places[id(cell)] = min(places.get(id(cell), place), place, key=_begins)
    yield from {(one.path, one.line): one for one in sorted(places.values(), key=_begins)}.values()


def _body(given: Value) -> Value:
    """The text of an answer, without the status and the headers beside it."""
    beside = given.items if isinstance(given, Sequence) else given.parts if isinstance(given, Unknown) else ()
    return beside[0] if beside else given


def _put_in(facts: "SourceFacts", page: Value, is_kept_text: "Kept") -> Iterator[tuple[Value, Span]]:
    """What is put between tags, with the place."""
    made = isinstance(page, (Format, Choice)) or (isinstance(page, Call) and page.method == "join")
    for part in walk(page, 14) if made else ():
        if isinstance(part, Format) and part.span is not None and TAG.search(_fixed(part)):
            for cell in (
                option for one in part.parts for option in options(as_written(one)) if is_kept_text(facts, option)
            ):
                yield cell, part.span


def as_written(value: Value) -> Value:
    """``str(row[1]).strip()``: the column with all its signs."""
    while isinstance(value, Call) and (value.method in _KEEPS or value.callee == "str"):
        inner = value.args[0] if value.callee == "str" and value.args else value.receiver
        if inner is None:
            break
        value = inner
    return value


def _whole(facts: "SourceFacts", flow: "Flow", page: Value, is_kept_text: "Kept") -> Iterator[tuple[Value, Span]]:
    """A column that is all of the page."""
    for cell in options(as_written(page)):
        if is_kept_text(facts, cell) and (
            is_called_page(facts, flow) or (flow.detail == "return" and is_left_to_flask(facts, flow))
        ):
            yield cell, flow.span


def _begins(span: Span) -> tuple[str, int, int]:
    """A page is put together in ever longer texts: the first of them is where it happens."""
    return span.path, span.line, span.column


def taken_by_templates(facts: "SourceFacts") -> Iterator[tuple[Span, str, bool]]:
    """Where a template takes such a column for markup, by ``|safe`` or where escaping is off, with its name and whether it is that column for
    sure: ``{% for note in notes %}{{ note[1]|safe }}``."""
    for file in facts.files_of("template") if sent_columns(facts) else ():
        places = [*marked(file.lines)]
        handed = handed_to(facts, file.path) if places else {}
        loops = {found[1]: found[2] for line in file.lines for found in LOOP.finditer(line)} if handed else {}
        for number, found in places if handed else ():
            for rows in handed.get(loops.get(found[1], found[1]), ()):
                table, columns = table_behind(facts, rows)
                sent = sent_columns(facts).get(table, frozenset())
                named = (found[2] or found[3] or "").lower()
                if found[4]:
                    named = columns[int(found[4])].lower() if int(found[4]) < len(columns) else ""
                if sent and (named in sent or (not named and found[1] in loops)):
                    yield (
                        Span(file.path, number, number, found.start() + 1, found.end() + 1),
                        named or found[1],
                        bool(named),
                    )
                    break


def marked(lines: SequenceType[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Where a template takes something for markup, by ``|safe`` or where escaping is off: the line, and the name with its column."""
    off = lines_unescaped(lines)
    for number, line in enumerate(lines, 1):
        yield from ((number, found) for found in _SHOWN.finditer(line) if found[5] or number in off)


def handed_to(facts: "SourceFacts", path: str) -> dict[str, list[Value]]:
    """What views hand to that template, by name."""
    found: dict[str, list[Value]] = {}
    for call in facts.calls("flask.render_template", "flask.stream_template"):
        first = text_of(call.argument(0, "template_name_or_list"))
        for name, value in call.keywords if first is not None and f"/{path}".endswith(f"/{first}") else ():
            found.setdefault(name, []).append(value)
    return found


def _fixed(made: Format) -> str:
    return "\0".join(text for one in made.parts if (text := text_of(one)) is not None)
