"""Where the text of a caught exception goes: through the functions of the project, records, and what keeps it for another request."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from stopper.core.answers.exception_texts import EVERYTHING, certainty_of
from stopper.core.answers.never_raised import is_never_raised
from stopper.core.answers.reworded_exceptions import raised_as, reached, worded_by_others
from stopper.core.deployment.switched_on import asked_for
from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.held_attributes import held_under, raised_for
from stopper.core.flow.kept_in_mappings import kept_under
from stopper.core.flow.passing import callers
from stopper.core.flow.passing import passed as passed_for
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Caught,
    Choice,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    options,
    parts,
    walk,
)

TEXTS: Final = frozenset(
    {
        "args", "message", "msg", "strerror", "orig", "original_exception", "__cause__", "reason", "statement", "__dict__", "stderr", "stdout",
        "output", "pgerror",
    }
)  # fmt: skip
"""Attributes of an exception that hold what a library wrote, or a program that was run."""
_CAUSES: Final = frozenset({"__cause__", "__context__"})
_BEHIND: Final = _CAUSES | {"original_exception"}
"""What was caught before this was raised."""
_PARSES: Final = frozenset({
    "json.loads", "flask.json.loads", "datetime.datetime.fromisoformat", "datetime.date.fromisoformat", "datetime.datetime.strptime", "decimal.Decimal",
    "uuid.UUID", "dateutil.parser.parse", "dateutil.parser.isoparse", "fractions.Fraction", "ipaddress.ip_address", "ipaddress.ip_network", "str", "len",
    "json.dumps", "flask.json.dumps", "base64.b64decode", "base64.urlsafe_b64decode", "binascii.unhexlify", "flask.jsonify",
})  # fmt: skip
_ANSWERS: Final = frozenset({
    "isinstance", "Exception", "ValueError", "json.dumps", "flask.redirect", "flask.url_for", "flask.abort", "flask.request.form.get", "flask.request.args.get",
    "flask.make_response", "flask.request.get_json", "flask.request.get_json.get", "flask.request.json.get",
})  # fmt: skip
"""What is called beside the reading of a text, and asks nothing of the inside."""
_READS_BODY: Final = frozenset({"flask.request.get_json", "flask.request.get_data"})
_SAYS_NOTHING: Final = frozenset({Constant, Truth})
"""Kinds of values with no text of an exception in them: most of all."""
_HANDLES: Final = re.compile(r"flask(?:\w*\.)+handle_\w+$")
_TELLS_NOTHING: Final = frozenset({"type", "isinstance", "hasattr", "len", "id", "hash", "bool"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes out: the response itself, or the call that hands it to a function which answers with it. ``maker`` is where
    that function makes a text of an exception that is handed to it as it is."""

    span: Span
    function: str
    maker: "Place | None" = None


Told: TypeAlias = tuple[tuple[str, ...], Place, Span | None]
"""What is caught, where its text is given away, and the handler that catches it."""


class FollowedExceptions:
    """Follows the texts of exceptions through the functions of the project."""

    def __init__(self, facts: SourceFacts) -> None:
        self._facts = facts
        self._worded: set[tuple[str, str]] | None = None
        self._handlers: dict[Span, Handler] = {}
        self._asked: dict[tuple[int, Place, bool], tuple[int, Value]] = {}

    def caught(self, value: Value, place: Place, as_text: bool, depth: int = 3) -> Iterator[Told]:
        """What is caught where the text of an exception is part of the value, and where it is given away. What was asked before is not
        told again."""
        asked = (id(value), place, as_text)
        if self._asked.get(asked, (-1, value))[0] >= depth:
            return
        self._asked[asked] = (depth, value)  # kept with the value, so that its identity cannot pass to another
        inside = walk(value, 8) if any(map(self._facts.says, _BEHIND)) else ()
        unpacked = {
            id(one.owner): one.attribute for one in inside if isinstance(one, Member) and one.attribute in _BEHIND
        }
        met: dict[tuple[int, bool], Value] = {}
        for used, in_text in self._texts(value, as_text):
            if (id(used), in_text) in met:
                continue
            met[id(used), in_text] = used
            if isinstance(used, (Item, Mapping, Sequence)):
                for held, function in kept_under(self._facts, used) if depth else ():
                    yield from self.caught(held, Place(place.span, function, place.maker), as_text, depth - 1)
            elif isinstance(used, Member) and isinstance(used.owner, Caught):
                for made, function in raised_as(self._facts, used.owner) if depth else ():
                    for held, _ in held_under(self._facts, made, used.attribute):
                        yield from self.caught(held, Place(place.span, function, place.maker), True, depth - 1)
            elif isinstance(used, Member):
                for held, function in held_under(self._facts, used.owner, used.attribute) if depth else ():
                    yield from self.caught(held, Place(place.span, function, place.maker), True, depth - 1)
            elif isinstance(used, Caught):
                if in_text and unpacked.get(id(used)) in _CAUSES:
                    yield ("Exception",), place, used.span
                elif in_text and not self._is_our_wording(used, place.function) and not self._tells_nothing(used):
                    yield used.catches, place, used.span
                for made in worded_by_others(self._facts, used) if in_text and depth else ():
                    yield from self.caught(made.args[0], Place(place.span, made.function, place.maker), True, depth - 1)
            else:
                yield from self._handed_over(used, place, in_text, depth, unpacked=unpacked.get(id(used), ""))

    def _handed_over(
        self, value: Parameter, place: Place, in_text: bool, depth: int, *, unpacked: str = ""
    ) -> Iterator[Told]:
        """What a parameter may hold: the exception of a registered handler, or a text that a caller took from one. ``unpacked``: it is
        asked for the exception that a 500 was made of, which may be any."""
        if value.index == 0 and in_text:
            for one in self._facts.error_handlers_of(value.function):
                of_500 = unpacked and (one.what == "500" or one.what.endswith("InternalServerError"))
                yield ("Exception",) if of_500 or unpacked in _CAUSES else (one.what,), place, None
        for made in raised_for(self._facts, value) if depth and in_text else ():
            for told in made.args[:1]:  # the text of another went into it
                yield from self.caught(told, Place(place.span, made.function, place.maker), True, depth - 1)
        for call in callers(self._facts, value.function) if depth else ():
            for passed_here in passed_for(self._facts, value, call):
                if call.span is None:
                    continue
                maker = (place.maker or place) if isinstance(passed_here, (Caught, Parameter)) else None
                yield from self.caught(passed_here, Place(call.span, call.function, maker), True, depth - 1)

    def _texts(
        self, value: Value, as_text: bool, depth: int = 12, met: dict[tuple[int, bool], int] | None = None
    ) -> Iterator[tuple[Caught | Parameter | Member | Item | Mapping | Sequence, bool]]:
        """The exceptions, parameters and what was kept for another request inside whose text is used; not those of which only the type or another attribute is. Attributes
        of other objects come as they are. ``as_text``, also in the pairs that come: an exception that stands there as it is will be made a text.
        """
        if type(value) in _SAYS_NOTHING:
            return
        met = {} if met is None else met
        match value:
            case Caught() | Parameter():
                yield value, as_text
            case Choice(options=several, every=False) if any(self._is_for_desk(option.span) for option in several):
                for option in several if depth > 0 else ():
                    if not self._is_for_desk(option.span):
                        yield from self._texts(option, as_text, depth - 1, met)
            case Name(dotted=dotted) if dotted.startswith("flask.g.") and depth > 0:
                for one in self._facts.assignments():
                    if f"flask.{one.target}" == dotted and one.value is not value:
                        yield from self._texts(one.value, as_text, depth - 4)
            case Item(owner=Call(callee="sys.exc_info"), key=Constant(value=int(place))):
                if place == 1:
                    yield Caught(("*",), value.span), as_text
            case Call(callee="sys.exception"):
                yield Caught(("*",), value.span), as_text
            case Item() | Mapping(items=()) | Sequence(items=()) if kept_under(self._facts, value):
                yield value, as_text
            case Member(attribute=attribute, owner=owner):
                if attribute in TEXTS and depth > 0:
                    yield from self._texts(owner, True, depth - 1)
                if not isinstance(owner, Caught) or attribute not in TEXTS:
                    yield value, True
            case Call(method="group" | "groups" | "groupdict"):
                return  # what a pattern takes out of it, and no more
            case Call(callee=callee) if callee in _TELLS_NOTHING or _HANDLES.match(callee):
                return  # ``super().handle_error(error)`` answers as if nobody had overridden it
            case Call(callee=callee) if self._facts.error_handlers_of(callee):
                return  # the handler itself answers, and is judged there
            case Call(callee=callee) if (own := self._facts.function(callee)) is not None:
                # What a function of the project makes of it is judged where it answers; one that fills a mapping does not answer.
                for filled in (one for said in own.returns for one in options(said)):
                    gathers = isinstance(filled, Mapping) or (isinstance(filled, Sequence) and filled.kind == "list")
                    if depth > 0 and (gathers or self._makes_object(filled)):
                        yield from self._filled(value, filled, as_text, depth)
            case Call(receiver=(Caught() | Parameter()) as spoken, method="__str__" | "__repr__" | "_message"):
                yield spoken, True
            case Call(receiver=Caught() | Parameter(), args=args, keywords=keywords):
                for part in (*args, *(passed_here for _, passed_here in keywords)):
                    yield from self._texts(part, True, depth - 1)
            case _ if met.get((id(value), as_text), 0) < depth:  # many values share their parts
                met[id(value), as_text] = depth
                as_it_is = as_text if isinstance(value, (Mapping, Sequence, Choice)) else True
                for part in parts(value):
                    yield from self._texts(part, as_it_is, depth - 1, met)
            case _:
                return

    def _is_for_desk(self, span: Span | None) -> bool:
        """``str(error) if app.debug else "internal"``"""
        return asked_for(self._facts, span, 0, by_name=True) and not any(
            one.negated for one in (self._facts.conditions_around(span) if span is not None else ())
        )

    def _makes_object(self, value: Value) -> bool:
        return isinstance(value, Call) and value.callee in classes_by_name(self._facts)

    def _filled(
        self, call: Call, filled: Value, as_text: bool, depth: int
    ) -> Iterator[tuple[Caught | Parameter | Member | Item | Mapping | Sequence, bool]]:
        """What a call hands to a function that fills a mapping or an object with it."""
        for part, in_text in self._texts(filled, as_text, depth - 2):
            if isinstance(part, Parameter) and part.function == call.callee:
                told = call.argument(part.index if part.index >= 0 else None, part.parameter)
                if told is not None:
                    yield from self._texts(told, in_text or as_text, depth - 4)
            elif isinstance(part, Parameter) or (isinstance(part, Caught) and self._makes_object(filled)):
                yield part, in_text  # a function that one place calls has what is passed in place of the parameter

    def _is_our_wording(self, value: Caught, function: str) -> bool:
        """That what is caught is raised by a function of the project that was tried, with a text of the project, and nothing is caught beside
        it in whose text the inside is told: ``except (QuotaError, OSError)``."""
        if self._worded is None:
            raises = self._facts.raises()
            own = [one for one in raises if not self._facts.derives(one.value, "exception")]
            self._worded = {(one.function, one.exception) for one in own}
            # A step that is read as a part of its one caller is called by its own name.
            self._worded |= {(self._facts.function_around(one.span), one.exception) for one in own}
        handlers = (one for one in self._facts.handlers() if one.function == function and one.catches == value.catches)
        named = [(one, name) for one in handlers for name in one.catches if name not in EVERYTHING]
        tried = {name: [*reached(self._facts, one.tried)] for one, name in named}
        worded = {name for name, callees in tried.items() if any((callee, name) in self._worded for callee in callees)}
        left = (name for name in value.catches if name not in worded and name not in classes_by_name(self._facts))
        return bool(worded) and not any(certainty_of((name,), set()) == "likely" for name in left)

    def _tells_nothing(self, value: Caught) -> bool:
        """That it never comes, or that nothing was tried but to read a number, a date or JSON: the text says what is wrong with it, and
        nothing of the inside."""
        self._handlers = self._handlers or {one.span: one for one in self._facts.handlers()}
        handler = self._handlers.get(value.span) if value.span is not None else None
        if handler is None:
            return False
        if handler.tried and _READS_BODY.issuperset(handler.tried):
            return True  # Werkzeug says that the body is none of JSON, and no more
        return is_never_raised(self._facts, handler) or (
            bool(_PARSES & set(handler.tried))
            and (
                all(one in _PARSES or one in _ANSWERS for one in handler.tried)
                if EVERYTHING & set(value.catches)
                else set(value.catches) <= {"ValueError", "TypeError"}
                and all(one in _PARSES or one.startswith("?.") for one in handler.tried)
            )
        )
