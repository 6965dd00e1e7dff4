"""Pages that do not look like ones: a sentence with the caller's words in it, which Flask sends as HTML, and a template that asks the request itself."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceType
from typing import Final

from stopper.core.answers.page_types import is_shown
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.nested_functions import inside
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Item, Mapping, Name, Sequence, Value, text_of, walk

JSON_BY_ITSELF: Final = ("flask_smorest", "flask_rebar", "apiflask", "connexion", "flask_apispec", "spectree", "flask_openapi3", "fastapi")  # fmt: skip
"""What makes JSON of the text that a view gives back."""
_JSON_OF_RESOURCES: Final = ("flask_restful", "flask_restx", "flask_restplus")
"""What makes JSON of what the methods of its resources give back; a view that is a function beside them stays Flask's."""
_DUMPS: Final = frozenset({"json.dumps", "flask.json.dumps", "simplejson.dumps", "ujson.dumps"})
"""What leaves ``<`` and ``>`` as they are in the text that it makes."""
_OF_ADDRESS: Final = frozenset({"query-string", "path-parameter", "request-url"})
_TYPES: Final = frozenset({"content-type", "mimetype", "content_type"})
_WORDS: Final = frozenset({"flask.request.args", "flask.request.form", "flask.request.values"})
_ASKED: Final = re.compile(
    r"\{\{-?\s*request\.(?:args|form|values|cookies|headers)(?:\.get\(\s*['\"][^'\"{}]+['\"][^{}|]*\)|\[['\"][^'\"{}]+['\"]\]|\.\w+)[^{}|]*\|\s*safe\b"
)
_ASKED_AT_ALL: Final = re.compile(_ASKED.pattern.removesuffix(r"\|\s*safe\b") + r"\}\}")
_OFF: Final = re.compile(r"\{%-?\s*autoescape\s+false")
_ON: Final = re.compile(r"\{%-?\s*(?:endautoescape|autoescape\s+true)")
"""``{{ request.args.get("q") | safe }}``"""


def is_bare_text(facts: SourceFacts, flow: Flow, tainted: Callable[[SourceFacts, Value], bool]) -> bool:
    """``return f"Comment received: {comment}"``: no tag stands in it, and none need stand there, since Flask calls every text a page."""
    if not is_left_to_flask(facts, flow):
        return False
    value = flow.value
    if isinstance(value, Sequence):
        value = value.items[0] if value.items else value
    if _is_as_it_came(facts, value, flow.function) or _is_filled_page(facts, value, tainted):
        return True
    if not isinstance(value, Format) or not any(isinstance(one, Constant) for one in value.parts):
        return False
    first = value.parts[0]
    if isinstance(first, Constant) and isinstance(first.value, str) and first.value.lstrip()[:1] in ("{", "["):
        return False  # JSON by hand
    return any(tainted(facts, one) for one in value.parts)


def is_json_page(facts: SourceFacts, flow: Flow) -> bool:
    """``return json.dumps({"sought": request.args["q"]})``: a text, which Flask sends as a page, and JSON leaves the signs of tags as they are. What
    an address says alone: no link of a stranger makes a browser send a body of JSON."""
    value = flow.value
    if isinstance(value, Sequence) and value.items:
        value = value.items[0]
    elif flow.detail == "flask.make_response":
        made = next((call for call in facts.calls(flow.detail) if call.span == flow.span and call.args), None)
        value = made.args[0] if made is not None else value  # a status stands beside it
    if not isinstance(value, Call) or value.callee not in _DUMPS or not value.args:
        return False
    shown = is_shown(facts, flow) if flow.detail == "flask.Response" else is_left_to_flask(facts, flow)
    if (
        not shown
        or facts.imports(*JSON_BY_ITSELF)
        or not facts.routes_of_view(flow.function)
        or _is_typed_elsewhere(facts, flow)
    ):
        return False
    return any(label.kind in _OF_ADDRESS for label in labels_of(facts, value.args[0], numbers=True))


def _is_typed_elsewhere(facts: SourceFacts, flow: Flow) -> bool:
    """By a decorator of the view, or by what is done with every answer."""
    known = facts.function(flow.function)
    above = [one.name for one in known.decorators] if known is not None else []
    hooks = [one.name for one in facts.functions() if any(two.name.endswith("after_request") for two in one.decorators)]
    named = any(re.search(r"(?i)json|mime|content_?type|produces", name.rpartition(".")[2]) for name in above)
    return named or any(
        one.attribute.lower() in _TYPES or one.target.strip("[]\"'").lower() in _TYPES
        for name in hooks
        for one in facts.assignments_in(name)
    )


def is_left_to_flask(facts: SourceFacts, flow: Flow) -> bool:
    """That a view gives back a text and says no type of it, and no library makes JSON of it: Flask calls it a page."""
    if facts.imports(*JSON_BY_ITSELF):
        return False
    if flow.detail != "return" and not (flow.detail == "flask.make_response" and _is_left_as_it_is(facts, flow)):
        return False
    if facts.imports(*_JSON_OF_RESOURCES) and not _is_plain_view(facts, flow.function):
        return False
    given = next((one.value for one in facts.returns_of(flow.function) if one.span == flow.span), flow.value)
    return not _has_headers(given)


def _has_headers(given: Value) -> bool:
    """``return text, 200, headers`` and ``return text, {"Content-Type": "application/json"}``: what stands beside a text may say another type of it."""
    beside = given.items[1:] if isinstance(given, Sequence) else ()
    return len(beside) > 1 or any(map(_may_say_type, beside))


def _may_say_type(headers: Value) -> bool:
    return isinstance(headers, Mapping) and (
        headers.open or any((text_of(key) or "content-type").lower() == "content-type" for key, _ in headers.items)
    )


def _is_as_it_came(facts: SourceFacts, value: Value, function: str) -> bool:
    """``return request.args["name"]`` of a view that asks nothing before: one word of a form or an address is the whole page. What is given
    back where a test holds is often a challenge, which answers whoever knows a word."""
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted in _WORDS
        and not facts.conditions_in(function)
        and not _is_asked_above(facts, function)
        and bool(facts.routes_of_view(function))
    )


def _is_asked_above(facts: SourceFacts, function: str) -> bool:
    """That a decorator of the project turns some callers away."""
    known = facts.function(function)
    return known is not None and any(
        one.stops
        for above in known.decorators
        for name in inside(facts, above.name)
        for one in facts.conditions_in(name)
    )


def _is_filled_page(facts: SourceFacts, value: Value, tainted: Callable[[SourceFacts, Value], bool]) -> bool:
    """``open("page.html").read().replace("{{ name }}", name)``: nothing escapes what is put into the text of a file."""
    filled = False
    while isinstance(value, Call) and value.method == "replace" and len(value.args) > 1:
        filled = filled or tainted(facts, value.args[1])
        value = value.receiver or value.args[0]
    if not filled or not isinstance(value, Call) or value.method not in ("read", "read_text"):
        return False
    return any((text_of(part) or "").endswith((".html", ".htm", ".xhtml")) for part in walk(value, 4))


def _is_plain_view(facts: SourceFacts, function: str) -> bool:
    known = facts.function(function)
    return known is not None and not known.owner and bool(facts.routes_of_view(function))


def _is_left_as_it_is(facts: SourceFacts, flow: Flow) -> bool:
    """``make_response(f"Comment received: {comment}")`` that nobody gives another type afterwards."""
    plain = any(
        call.span == flow.span and len(call.args) < 3 and not call.open and not any(map(_may_say_type, call.args[1:]))
        for call in facts.calls("flask.make_response")
    ) and not any(_has_headers(one.value) for one in facts.returns_of(flow.function) if one.span.holds(flow.span))
    return plain and not any(
        made.attribute.lower() in (*_TYPES, "headers") for made in facts.assignments_in(flow.function)
    )


def said_by_templates(facts: SourceFacts) -> Iterator[Span]:
    """The places where a template puts what the request says into its page as markup."""
    for file in facts.files_of("template"):
        off = lines_unescaped(file.lines)
        for number, line in enumerate(file.lines, 1):
            for found in (_ASKED if number not in off else _ASKED_AT_ALL).finditer(line) if "request" in line else ():
                yield Span(file.path, number, number, found.start() + 1, found.end() + 1)


def lines_unescaped(lines: SequenceType[str]) -> frozenset[int]:
    """The lines of a template where escaping is off: ``{% autoescape false %}``."""
    found, off = set[int](), False
    for number, line in enumerate(lines, 1):
        off = (off or _OFF.search(line) is not None) and _ON.search(line) is None
        found |= {number} if off else set()
    return frozenset(found)


def in_every_template(facts: SourceFacts) -> Iterator[tuple[str, Value]]:
    """What a context processor gives each template by name."""
    for function in facts.functions():
        if any(one.name.endswith("context_processor") for one in function.decorators):
            for given in function.returns:
                for key, value in given.items if isinstance(given, Mapping) else ():
                    yield text_of(key) or "", value
