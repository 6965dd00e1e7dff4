"""One request asks for a million rows and gets them."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Format, Item, Name, Parameter, Value, options, text_of

_NAMES: Final = re.compile(
    r"(?i)^(limit|per_?page|page_?size|size|count|max_?results|top|first|n|num|take|rows|pagesize|items)$"
)
_SINKS: Final = ("*.limit", "*.paginate", "*.fetchmany", "*.head", "*.slice", "*.islice")
_CAPS: Final = ("max_per_page",)


def detect(app: App) -> Iterator[Hit]:
    """The caller's number as the size of a page, with nothing that holds it down."""
    facts = source_of(app)
    names = {
        one.key
        for one in facts.readings(
            "flask.request.args", "flask.request.values", "flask.request.json", "flask.request.get_json"
        )
        if _NAMES.match(one.key)
    }
    if not names:
        return
    seen: set[object] = set()
    for call in facts.calls(*_SINKS, "paginate", "flask_sqlalchemy.paginate"):
        given = [
            *call.args,
            *(value for name, value in call.keywords if name in ("per_page", "limit", "error_out") or not name),
        ]
        if call.keyword(*_CAPS) is not None or (
            call.receiver is not None and call.method == "limit" and "flask_limiter" in call.callee
        ):
            continue
        if not any(_free(facts, value) for value in given) or _is_held_inside(facts, call):
            continue
        if not _asked(facts, call.function) and call.span not in seen:
            seen.add(call.span)
            yield Hit("the caller says how large a page is, and nothing holds it down", call.span)
    for call in facts.calls("*.execute"):
        text = next((text for value in call.args[:1] for text in _sql(value)), "")
        free = any(_free(facts, part) for value in call.args for part in _inside(value))
        if not free or not re.search(r"(?i)\blimit\b", text) or _asked(facts, call.function) or call.span in seen:
            continue
        seen.add(call.span)
        yield Hit("the caller says how many rows are read, and nothing holds it down", call.span)


def _sql(value: Value) -> Iterator[str]:
    if isinstance(value, Format):
        yield " ".join(text_of(part) or "" for part in value.parts)
    elif isinstance(value, Call):
        for inner in value.args:
            yield from _sql(inner)
    elif (text := text_of(value)) is not None:
        yield text


def _inside(value: Value) -> Iterator[Value]:
    yield value
    for name in ("parts", "items", "args"):
        for part in getattr(value, name, ()):
            if not isinstance(part, tuple):
                yield part
                yield from getattr(part, "args", ())


def _free(facts: SourceFacts, value: Value) -> bool:
    """The number itself, or a cast of it; ``min(…)`` and the like are no more free."""
    for option in options(value):
        match option:
            case Item(owner=Name(dotted=dotted), key=Constant(value=str(key))) if dotted.startswith("flask.request."):
                if _NAMES.match(key):
                    return True
            case Item(owner=Call(callee="flask.request.get_json"), key=Constant(value=str(key))) if _NAMES.match(key):
                return True
            case Call(callee="int" | "float", args=(inner, *_)):
                if _free(facts, inner):
                    return True
            case Call(callee=callee) if callee.startswith(("flask.request.args.", "flask.request.values.")):
                if option.args and _NAMES.match(text_of(option.args[0]) or ""):
                    return True
            case _:
                pass
    return False


def _asked(facts: SourceFacts, function: str) -> bool:
    """The function compares the number with something larger than nothing."""
    return any(
        one.function == function
        and any(_free(facts, side) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons(">", ">=", "<", "<=", "in", "not in")
    )


def _is_held_inside(facts: SourceFacts, call: Call) -> bool:
    """That the call is of a function of the project which compares the number with something larger than nothing, or cuts it."""
    called = facts.function(call.callee)
    if called is None:
        return False
    given = called.parameters[1:] if called.parameters[:1] in (("self",), ("cls",)) else called.parameters
    mine = {
        name
        for index, name in enumerate(given)
        if (passed := call.argument(index, name)) is not None and _free(facts, passed)
    }
    return any(
        any(_is_one_of(side, mine) for side in (one.left, one.right))
        and not any(isinstance(side, Constant) and side.value in (0, 1) for side in (one.left, one.right))
        for one in facts.comparisons_in(called.name)
    ) or any(
        inner.callee == "min" and any(_is_one_of(a, mine) for a in inner.args) for inner in facts.calls_in(called.name)
    )


def _is_one_of(value: Value, names: set[str]) -> bool:
    return any(isinstance(one, Parameter) and one.parameter in names for one in options(value))


RULE = Rule(
    slug="page-size-unlimited",
    family="rate",
    title="The client sets the page size without a cap",
    harm=__doc__ or "",
    severity="medium",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V15.2.2",),
    surfaces=("source",),
    ends="No setting of Stopper does yet.",
    detect=detect,
)
