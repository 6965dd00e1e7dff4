"""A link or a stored text runs a stranger's script in the browser of somebody who is logged in."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.bare_pages import in_every_template, is_bare_text, is_json_page, said_by_templates
from stopper.core.answers.flashed_markup import flashed_as_markup
from stopper.core.answers.kept_markup import KEPT, kept_as_markup
from stopper.core.answers.links_by_request import links_by_request
from stopper.core.answers.marked_words import marked_texts
from stopper.core.answers.page_types import is_plain
from stopper.core.answers.plain_templates import makes_no_page
from stopper.core.answers.refused_pages import refused_with_words
from stopper.core.answers.said_safe import said_safe
from stopper.core.answers.unescaped_templates import filled_unescaped
from stopper.core.app import App
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.flow.checked_input import is_each_checked
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import put_under
from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.probe import Steps, Target
from stopper.core.probing.markup import marked_up
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.kept_rows import put_into_pages
from stopper.core.stores.stored_columns import columns_in_pages, columns_said_safe
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

_KINDS: Final[tuple[LabelKind, ...]] = (
    "query-string",
    "request-data",
    "path-parameter",
    "cookie",
    "request-header",
    "request-url",
)
_TAG: Final = re.compile(r"(?i)<\s*/?\s*(?:!doctype|[a-z][\w-]*)[\s>/=]|<[a-z][\w-]*$|<\x00[^<]*</\x00")
_FILTER: Final = re.compile(r"\|\s*safe\b")
_OFF: Final = re.compile(r"\{%-?\s*autoescape\s+false")
LINKED: Final = "a link of the page leads wherever the request says, javascript: too"
PUT_TOGETHER: Final = "text from the request becomes part of a page without being escaped"
FLASHED: Final = "the template takes what is flashed for markup, and a part of it comes from the request"
_NONE: Final[list[str]] = []
_KEEPS: Final = frozenset(
    {"replace", "join", "format", "strip", "splitlines", "split", "lower", "upper", "sub", "str", "title"}
)
"""What gives a text back with its signs in it."""
_QUOTES: Final = ("urllib.parse.quote", "urllib.parse.quote_plus", "urllib.parse.urlencode")
"""What no browser reads as a tag; Werkzeug's debugger keeps the whole error in one."""


def detect(app: App) -> Iterator[Hit]:
    """Markup made of what a caller sent: said to be safe, put together as text, or by a template that does not escape."""
    facts = source_of(app)
    seen: set[Span] = set()
    for flow in facts.flows("html", label=_KINDS):
        if (
            flow.span not in seen
            and _is_markup(facts, flow)
            and not is_each_checked(facts, flow.value, flow.function, *_KINDS)
        ):
            seen.add(flow.span)
            yield Hit(PUT_TOGETHER, flow.span)
    for flow in facts.flows("response", label=_KINDS):
        tagged = flow.span not in seen and _is_page(facts, flow)
        if flow.span in seen or not (tagged or is_bare_text(facts, flow, _is_tainted) or is_json_page(facts, flow)):
            continue
        if not is_each_checked(facts, flow.value, flow.function, *_KINDS):
            seen.add(flow.span)
            yield Hit(PUT_TOGETHER, flow.span, severity=None if tagged else "medium")
    for call, text in marked_texts(facts):
        if call.span not in seen and facts.derives(text, *_KINDS, by_name=False):
            yield Hit("words of what somebody sent are put into tags, and the rest of it is not escaped", call.span)
    yield from _filters(facts)
    yield from _templates(facts)
    for call, name, value in filled_unescaped(facts):
        if _is_tainted(facts, value) and not is_each_checked(facts, value, call.function, *_KINDS):
            yield Hit(f"Flask escapes nothing in a template of that name, and {name} comes from the request", call.span)
    yield from (Hit(FLASHED, span) for span in flashed_as_markup(facts, *_KINDS))
    yield from (Hit(PUT_TOGETHER, span) for span in refused_with_words(facts, *_KINDS))
    yield from _stored(facts, seen)
    yield from (Hit("the template takes for markup what the request says", one) for one in said_by_templates(facts))
    yield from _environments(facts)
    yield from (Hit(LINKED, span, severity="medium") for span in links_by_request(facts))


def _filters(facts: SourceFacts) -> Iterator[Hit]:
    """A template's filter that gives back what it was handed as markup: ``Markup(text.replace(word, f"<b>{word}</b>"))``."""
    names = {
        function.name
        for function in facts.functions()
        if any(one.name.endswith(("template_filter", "template_global")) for one in function.decorators)
    }
    names |= {
        part.dotted for call in facts.calls("*.add_template_filter") for part in call.args[:1] if isinstance(part, Name)
    }
    names |= set(_put_into_environment(facts))
    for call in facts.calls("markupsafe.Markup", "flask.Markup", "jinja2.Markup") if names else ():
        if (
            call.function in names
            and any(_is_handed(call.function, one) for one in call.args)
            and call.span is not None
        ):
            yield Hit("a filter of the templates takes what it is handed for markup", call.span, certainty="likely")


def _put_into_environment(facts: SourceFacts) -> Iterator[str]:
    """``app.jinja_env.filters["mark"] = mark``, ``app.jinja_env.globals.update(summary=summary)``"""
    tables = (".jinja_env.filters", ".jinja_env.globals", ".filters", ".globals")
    for one in facts.assignments():
        if isinstance(one.value, Name) and one.target.startswith("[") and _ends_with(one.into, tables):
            yield one.value.dotted
    for call in facts.calls("*.update"):
        if _ends_with(call.receiver, tables):
            yield from (given.dotted for _, given in call.keywords if isinstance(given, Name))


def _ends_with(value: Value | None, tables: tuple[str, ...]) -> bool:
    said = value.dotted if isinstance(value, Name) else f".{value.attribute}" if isinstance(value, Member) else ""
    return said.endswith(tables)


_CONVERTS: Final = re.compile(
    r"markdown2?\.(?:markdown|Markdown(?:\.convert)?)|mistune\.html|commonmark\.commonmark|textile\.textile|bleach\.linkify"
)
"""Libraries that make a page of a text, and leave the tags in it that stand there already."""


def _converts(call: Call) -> bool:
    return _CONVERTS.fullmatch(call.callee) is not None and call.lacks(None, "safe_mode", "escape")


def _is_handed(function: str, value: Value) -> bool:
    """That a parameter of the filter stands in it as it came."""
    if isinstance(value, Parameter):
        return value.function == function
    keeps = isinstance(value, Call) and (value.method in _KEEPS or _converts(value))
    if isinstance(value, Call) and (not keeps or _is_markup_already(value)):
        return False
    return any(_is_handed(function, part) for part in parts(value))


def _is_markup_already(call: Call) -> bool:
    """``escape(text).replace(a, b)``, ``Markup("…").format(word)``: methods of markup escape what they are handed."""
    inner: Value | None = call
    while isinstance(inner, Call) and inner.receiver is not None and inner.method in _KEEPS:
        inner = inner.receiver
    return isinstance(inner, Call) and inner.method in ("Markup", "escape")


def _is_markup(facts: SourceFacts, flow: Flow) -> bool:
    if flow.detail == "markupsafe.Markup":
        return (
            not _only_formatted(flow.value) and not _is_plain_again(facts, flow) and not _is_quoted(facts, flow.value)
        )
    return _has_tag(facts, flow.value)


def _is_plain_again(facts: SourceFacts, flow: Flow) -> bool:
    """``Markup(x).unescape()`` and ``.striptags()`` give a plain text, which is escaped like any other."""
    return any(
        isinstance(call.receiver, Call) and call.receiver.span == flow.span
        for call in facts.calls("*.unescape", "*.striptags")
    )


def _only_formatted(value: Value) -> bool:
    """``Markup("…").format(x)`` escapes what is put in."""
    return isinstance(value, Call) and value.method == "format" and isinstance(value.receiver, Call)


def _is_page(facts: SourceFacts, flow: Flow) -> bool:
    """A response that is a text with tags in it, of a type that browsers show as a page."""
    call = next((call for call in facts.calls(flow.detail) if call.span == flow.span), None)
    if flow.detail not in ("flask.Response", "flask.make_response", "return"):
        return False
    if call is not None and is_plain(call):
        return False
    return _has_tag(facts, flow.value)


def _has_tag(facts: SourceFacts, value: Value, steps: int = 2) -> bool:
    """A text that is put together here, or by a function that gives it back, and holds a tag beside the tainted part."""
    if isinstance(value, (Mapping,)):
        return False
    if isinstance(value, Sequence):
        return bool(value.items) and _has_tag(facts, value.items[0], steps)
    for part in walk(value, 8):
        made = facts.returns_of(part.callee) if isinstance(part, Call) and steps else ()
        if any(_has_tag(facts, one.value, steps - 1) for one in made):
            return True
        if not isinstance(part, Format):
            continue
        fixed = "\0".join(one.value for one in part.parts if isinstance(one, Constant) and isinstance(one.value, str))
        if _TAG.search(fixed) and any(_is_bare(facts, one) for one in part.parts):
            return True
    return False


def _is_tainted(facts: SourceFacts, value: Value) -> bool:
    """That it comes from the request and was made no number on the way."""
    return any(label.kind in _KINDS for label in labels_of(facts, value, numbers=True))


def _is_bare(facts: SourceFacts, value: Value) -> bool:
    """That it comes from the request, and not as part of an address whose signs are written as numbers."""
    return _is_tainted(facts, value) and not _is_quoted(facts, value)


def _is_quoted(facts: SourceFacts, value: Value) -> bool:
    """``f"<a href='/search?q={quote_plus(word)}'>"``: whatever of the request stands in it was written for an address."""
    if isinstance(value, Call) and value.callee in _QUOTES:
        return value.lacks(1, "safe")
    inner = [one for one in parts(value) if _is_tainted(facts, one)]
    return bool(inner) and all(_is_quoted(facts, one) for one in inner)


def _stored(facts: SourceFacts, seen: set[Span]) -> Iterator[Hit]:
    for place in dict.fromkeys((*put_into_pages(facts), *columns_in_pages(facts))):
        if place not in seen:
            yield Hit("what somebody has sent and a table keeps becomes part of a page without being escaped", place)
    for place in dict.fromkeys(columns_said_safe(facts)):
        if place not in seen:
            yield Hit("what somebody has sent and a table keeps is said to be markup", place)
    for place, name, what in kept_as_markup(facts):
        message = f"the template takes `{name}` for markup, and {what}"
        if what == KEPT:
            yield Hit(message, place)
        else:
            yield Hit(message, place, certainty="possible", severity="low")


def _templates(facts: SourceFacts) -> Iterator[Hit]:
    """A template that says ``|safe`` of a name which a view fills from the request."""
    files: dict[str, list[str]] = {}
    for file in facts.files_of("template"):
        text = "\n".join(file.lines)
        found = sorted(said_safe(text)) if _FILTER.search(text) else []
        if found or _OFF.search(text):
            files[file.path] = found or ["*"]
    everywhere = tuple(in_every_template(facts)) if files else ()
    for call in facts.calls("flask.render_template", "flask.render_template_string", "flask.stream_template"):
        first = text_of(call.argument(0, "template_name_or_list", "source"))
        if first is None:
            continue
        if call.callee.endswith("_string"):
            names = ["*"] if _OFF.search(first) else sorted(said_safe(first))
        else:
            names = next((said for path, said in files.items() if path == first or path.endswith("/" + first)), _NONE)
        for name, value in (*call.keywords, *(everywhere if names else ())):
            if (
                (name in names or "*" in names)
                and any(facts.derives(one, *_KINDS) for one in put_under(facts, value) or (value,))
                and not is_each_checked(facts, value, call.function, *_KINDS)
            ):
                yield Hit(f"the template takes {name} for markup, and it comes from the request", call.span)
                break


def _environments(facts: SourceFacts) -> Iterator[Hit]:
    """A template engine of one's own that escapes nothing, filled from the request."""
    if not facts.imports("jinja2"):
        return
    off = [call for call in facts.calls("jinja2.Environment") if _escapes_nothing(call)]
    for call in facts.calls("*.render"):
        inside = [part for part in walk(call.receiver, 6) if isinstance(part, Call)]
        own = any(part in off or (part.callee == "jinja2.Template" and _escapes_nothing(part)) for part in inside)
        given = [value for _, value in call.keywords] if own and not makes_no_page(call.receiver) else []
        if any(facts.derives(value, *_KINDS) for value in given):
            yield Hit("this template engine escapes nothing, and it is filled from the request", call.span)


def _escapes_nothing(call: Call) -> bool:
    said = call.keyword("autoescape")
    return not call.open and (said is None or is_constant(said, False))


def fix(app: App, hit: Hit) -> Edit | None:
    """``markupsafe.escape`` round what is put into a page that is put together in the place itself; markup of one's own is escaped with it."""
    if hit.span is None or hit.message != PUT_TOGETHER or hit.severity is not None:
        return None  # whether a sentence without a tag is meant as a page or as plain text, a person must say
    for flow in source_of(app).flows("response", "html"):
        if flow.span == hit.span and any(_joined(part, hit.span) for part in walk(flow.value, 4)):
            return Edit(hit.span, "", safe=False, imports=("markupsafe",), how="escaped")
    return None


def _joined(part: Value, place: Span) -> bool:
    return isinstance(part, Format) and part.span is not None and place.holds(part.span)


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """A tag of our own where text is expected must come back escaped, or not as a page; so must one that is stored and shown later."""
    return (yield from marked_up(target))


RULE = Rule(
    slug="markup-unescaped",
    family="injection",
    title="Request data in a page without escaping",
    harm=__doc__ or "",
    severity="high",
    check="input-validation",
    cwe=(79,),
    owasp="API8:2023",
    asvs=("V1.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`STOPPER_CONTENT_SECURITY_POLICY` lets no script of a page run by default under `Stopper(app)`.",
    detect=detect,
    fix=fix,
    probe=probe,
)
