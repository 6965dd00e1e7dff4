"""Texts in which words are put into tags, and which are then said to be markup: ``Markup(pattern.sub(r"<mark>\\g<0></mark>", text))``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_TAG: Final = re.compile(r"<[A-Za-z/]")


def marked_texts(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """Each call that makes the markup, with the text in which the words were found: of it the rest stays as it came."""
    for call in facts.calls("markupsafe.Markup", "flask.Markup", "jinja2.Markup"):
        for made in call.args[:1]:
            if not isinstance(made, Call) or made.method not in ("sub", "subn"):
                continue
            given = made.args[1:] if made.callee.startswith("re.") else made.args
            if len(given) > 1 and any(_TAG.search(text_of(part) or "") for part in walk(given[0], 5)):
                yield call, given[1]
