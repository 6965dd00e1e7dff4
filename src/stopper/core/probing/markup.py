"""Tags of our own: which inputs, stored texts and uploads a page shows as markup."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import LITTLE, Skipped, Steps, Target, failed, passed, send
from stopper.core.probing.baseline import beyond
from stopper.core.probing.inputs import Input, inputs, judged
from stopper.core.probing.likely_inputs import SHOWN
from stopper.core.probing.nowhere import NOWHERE, is_nowhere, nowhere
from stopper.core.probing.stored_text import PAGES, stored_markup
from stopper.core.probing.uploads import served_pages

_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)

_Found = tuple[Sequence[RouteRef], list[Evidence], str]
_RIGHT: Final = "inputs come back escaped or in no page"
SOON: Final = 6
"""Inputs by whose path or name a text comes back that are tried first where the budget is little."""


def marked_up(target: Target) -> Steps[Verdict]:
    """Whether a tag of our own comes back as one: from an input, from what is stored or uploaded, from the page of a path that is not there."""
    parts = (_stored_text, _served, _beside) if target.mode == "active" else (_beside,)
    each = judged(target, _tried, lambda one: f"puts {one.name} into its page as markup", _RIGHT, likely=SHOWN)
    if LITTLE in target.notes:  # what tells most for a few requests comes before each input by itself
        soon = yield from _gathered(target, (_likely, *parts), ())
        return _told((yield from beyond(each, soon[0])) or passed(_RIGHT), soon)
    verdict = yield from each
    return _told(verdict, (yield from _gathered(target, parts, verdict.routes)))


def _gathered(
    target: Target, parts: Sequence[Callable[[Target], Steps[_Found]]], known: Sequence[RouteRef]
) -> Steps[_Found]:
    """What the *parts* find, beside what is *known*; the first says it."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    said = ""
    for part in parts:
        try:
            found, seen, text = (yield from beyond(part(target), (*known, *places))) or ((), [], "")
        except Skipped:
            if part is parts[-1]:
                raise
            continue  # nothing is proven yet, and what comes next may ask less
        places, evidence, said = [*places, *found], [*evidence, *seen], said or (text if found else "")
    return places, evidence, said


def _told(verdict: Verdict, more: _Found) -> Verdict:
    places, evidence, said = more
    if not places:
        return verdict
    said = verdict.message if verdict.outcome == "fail" else said
    return failed(said, list(dict.fromkeys((*verdict.routes, *places))), [*verdict.evidence, *evidence])


def _likely(target: Target) -> Steps[_Found]:
    every = yield from inputs(target, likely=SHOWN)
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    said = ""
    for one in [one for one in every if SHOWN.search(one.route.path) or SHOWN.search(one.name)][:SOON]:
        seen = (yield from beyond(_tried(target, one), places)) if one.ref not in places else None
        if seen:
            places, evidence = [*places, one.ref], [*evidence, *seen]
            said = said or f"{one.ref} puts {one.name} into its page as markup"
    return places, evidence, said


def _stored_text(target: Target) -> Steps[_Found]:
    places, evidence = yield from stored_markup(target)
    return places, evidence, f"{places[0]} stores a text that a page shows as markup" if places else ""


def _served(target: Target) -> Steps[_Found]:
    places, evidence = yield from served_pages(target)
    return (
        places,
        evidence,
        f"{places[0]} takes any file, and a page that was uploaded is served as one" if places else "",
    )


def _beside(target: Target) -> Steps[_Found]:
    evidence = yield from _nowhere(target)
    return (
        [NOWHERE] if evidence else [],
        evidence,
        "the page of a path that is not there puts the path into it as markup",
    )


def _nowhere(target: Target) -> Steps[list[Evidence]]:
    plain = yield from send(nowhere(target))
    if f"{target.canary}-none" not in plain.response.text or plain.response.content_type not in PAGES:
        return []
    tag = f"<{target.canary}7>"
    marked = yield from send(nowhere(target, tag))
    return _seen(plain, marked, tag)


def _tried(target: Target, one: Input) -> Steps[list[Evidence]]:
    word = f"{target.canary}7"
    plain = yield from send(one.given(word))
    if word not in plain.response.text or plain.response.content_type not in (*PAGES, "image/svg+xml"):
        return []
    tag = f"<{word} x='1'>"
    marked = yield from send(one.given(tag))
    if marked.response.status >= 400 or word not in marked.response.text:  # a quote may have broken a query
        tag = f"<{word}>"
        marked = yield from send(one.given(tag))
    if (yield from is_nowhere(target, one, tag, marked, tag)):
        return []
    return _seen(plain, marked, tag)


_DEBUGGER: Final = "?__debugger__=yes"
"""Stands in the debugger's own page, which repeats an error in its title: that page is told by a rule of its own."""


def _seen(plain: Exchange, marked: Exchange, tag: str) -> list[Evidence]:
    page = _COMMENT.sub("", marked.response.text)
    if tag not in page or marked.response.content_type != plain.response.content_type or _DEBUGGER in page:
        return []
    return [
        Evidence("exchange", "control: a word is repeated in the page", plain),
        Evidence("exchange", "a tag is repeated as a tag", marked),
    ]
