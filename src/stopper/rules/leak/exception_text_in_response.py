"""A stranger learns from the texts of failing libraries how the inside is built."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.exception_texts import certainty_of, exception_text
from stopper.core.answers.followed_exceptions import TEXTS, FollowedExceptions, Place
from stopper.core.answers.raised_answers import raised_answers
from stopper.core.answers.shown_in_templates import is_printed
from stopper.core.app import App
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.answer_edits import told_to_the_log
from stopper.core.exchange import Exchange
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.guards.admin_pages import is_of_flask_admin
from stopper.core.guards.reached_by_admins import only_admins_come_to
from stopper.core.people.mailing import mailers
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.provoke import Provoked, provoked, to_the_end
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Caught,
    Format,
    Item,
    Member,
    Parameter,
    Value,
    walk,
)

_LIBRARY: Final = "what a failing library wrote into its exception goes to the caller"
_SURENESS: Final[tuple[Certainty, ...]] = ("possible", "likely", "certain")
_SEVERAL: Final = 3
"""So many who hand their exception to one function, which makes the text: what has to change is that function."""
_TAKES_NO_EXCEPTION: Final = frozenset({"return", "flask.jsonify", "flask.make_response", "flask.Response"})
"""Given an exception as it is, these fail, or treat an HTTP error as the response that it is."""


def detect(app: App) -> Iterator[Hit]:
    """The text of a caught exception that reaches a response."""
    facts = source_of(app)
    own = {found.name for found in facts.classes()}
    asking = FollowedExceptions(facts)
    found: dict[Span, Certainty] = {}
    by_handler: dict[Span, list[Span]] = {}
    by_maker: dict[str, set[Span]] = {}
    made_at: dict[str, Span] = {}
    for flow in (*facts.flows("response", "response-header", "template", "redirect"), *raised_answers(facts)):
        if flow.sink == "template" and (flow.function in mailers(facts) or not is_printed(facts, flow)):
            continue  # the page is a mail, or does not show it
        as_text = flow.sink in ("template", "redirect") or flow.detail not in _TAKES_NO_EXCEPTION
        for catches, place, handler in asking.caught(flow.value, Place(flow.span, flow.function), as_text):
            certainty = certainty_of(catches, own)
            if certainty is None:
                continue
            found[place.span] = max(certainty, found.get(place.span, certainty), key=_SURENESS.index)  # pyright: ignore[reportArgumentType]
            by_handler.setdefault(handler or place.span, []).append(place.span)
            if place.maker is not None:
                by_maker.setdefault(place.maker.function, set()).add(place.span)
                made_at.setdefault(place.maker.function, place.maker.span)
    told: set[tuple[str, int]] = set()
    for function, spans in by_maker.items():
        if len(spans) >= _SEVERAL:
            sure = max((found[span] for span in spans), key=_SURENESS.index)
            told |= {(span.path, span.line) for span in spans}
            yield Hit(
                f"what failing libraries wrote into their exceptions goes to the caller: {len(spans)} places hand theirs to this function",
                made_at[function],
                certainty=sure,  # pyright: ignore[reportArgumentType]
                severity="low" if sure == "possible" else None,
            )
    for catching, places in by_handler.items():
        left = [one for one in places if (one.path, one.line) not in told and not asked_for(facts, one)]
        if left:
            span = _first(catching, left)
            told |= {(one.path, one.line) for one in left}
            if found[span] == "possible" or is_of_flask_admin(facts, span) or only_admins_come_to(app, span):
                message = f"{_LIBRARY}: look whether its words tell of the inside"
                yield Hit(message, span, certainty="possible", severity="low")
            else:
                yield Hit(_LIBRARY, span, certainty=found[span])


def _first(handler: Span, places: list[Span]) -> Span:
    """Where what one handler catches is answered first; in the handler itself where that answers."""
    return min(places, key=lambda one: (not handler.holds(one), one.path != handler.path, one.path, one.line))


def fix(app: App, hit: Hit) -> Edit | None:
    """A fixed text in place of the exception's, which goes to the log; nothing where one function gives it away in several places."""
    facts = source_of(app)

    def is_exception(value: Value) -> bool:
        handles = isinstance(value, Parameter) and value.index == 0 and facts.error_handlers_of(value.function)
        return isinstance(value, Caught) or bool(handles)

    def gives_away(value: Value) -> bool:
        match value:
            case Format():
                return any(is_exception(one) for one in walk(value))
            case Call(callee="str" | "repr" | "format", args=(inner, *_)):
                return is_exception(inner)
            case Call(receiver=Caught() | Parameter() as inner, method="__str__" | "__repr__"):
                return is_exception(inner)
            case Item(owner=Member(attribute="args", owner=inner)):
                return is_exception(inner)
            case Member(attribute=attribute, owner=inner):
                return attribute in TEXTS and is_exception(inner)
            case _:
                return False

    if hit.span is None:
        return None
    function = facts.function_around(hit.span)
    for flow in facts.flows("response", "response-header", "template"):
        elsewhere = flow.function == function and flow.span != hit.span and not hit.span.holds(flow.span)
        if elsewhere and any(map(gives_away, walk(flow.value))):
            return None  # it goes out in two ways, and a fixed text in one of them mends nothing
    return told_to_the_log(facts, hit.span, gives_away)


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_TRACEBACK: Final = "Traceback (most recent call last)"
_OF_A_PROGRAM: Final = re.compile(r"<string>|is not defined")


def probe(target: Target) -> Steps[Verdict]:
    """Look at how each route answers a few wrong requests for texts that only an exception has."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from provoked(target)
    for one in asked:
        found = _told(one)
        if found is not None:
            places.append(one.ref)
            evidence += [
                Evidence("exchange", f"control: {one.ref.path} asked as it wants to be asked", one.honest),
                Evidence("exchange", "one wrong value brings the text of an exception", found),
            ]
    if places:
        return failed(f"{places[0]} answers wrong input with the text of an exception", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    yield from to_the_end(target)
    return passed(f"none of {len(asked)} routes answers wrong input with the text of an exception")


def _told(one: Provoked) -> Exchange | None:
    before = exception_text(one.honest.response.text)
    status = one.honest.response.status
    if before is not None and (status >= 500 or (status >= 400 and _OF_A_PROGRAM.search(before))):
        return one.honest  # it fails for want of something, or takes any text for a program
    for answer in one.wrong:
        text = exception_text(answer.response.text)
        if text and text != before and _TRACEBACK not in answer.response.text:
            return answer
    return None


RULE = Rule(
    slug="exception-text-in-response",
    family="leak",
    title="Exception text in a response",
    harm="A stranger learns from the texts of failing libraries how the inside is built.",
    severity="medium",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V16.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` answers an exception with a status and its title, never with its text.",
    echo_of=("traceback-in-response",),
    repeats=("traceback-in-response",),
    detect=detect,
    fix=fix,
    provokes=True,
    probe=probe,
)
