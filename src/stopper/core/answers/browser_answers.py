"""What a view gives a person's browser and no program: pages, and addresses to go to."""

from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Choice, Constant, Format, Sequence, Value

_SHOWN: Final = ("flask.render_template", "flask.render_template_string", "flask_admin.BaseView.render")
_SENT: Final = ("flask.redirect", "werkzeug.utils.redirect")
_SENDS: Final = "authorize_redirect"
"""By which a client of Authlib sends the browser to a provider of log-ins."""
_DEEP: Final = 3
"""So many functions that only hand an answer on."""
_WRONG: Final = 400


def answers_a_browser(facts: SourceFacts, view: str) -> bool:
    """That all that the view answers is a page, an address to go to, or beside those a word about what was wrong with the request."""
    given = [kind for one in facts.returns_of(view) for kind in _kinds(facts, one.value, _DEEP)]
    return "browser" in given and set(given) <= {"browser", "refused"}


def _kinds(facts: SourceFacts, value: Value, deep: int) -> Iterator[str]:
    """``browser``, ``refused`` with a text, or ``data``, of each that the value may be."""
    match value:
        case Choice(options):
            for one in options:
                yield from _kinds(facts, one, deep)
        case Sequence((Constant(str()) | Format(), Constant(int(status)), *_)) if status >= _WRONG:
            yield "refused"
        case Call(callee="flask.abort" | "werkzeug.exceptions.abort"):
            yield "refused"
        case Sequence((first, *_)):
            yield from _kinds(facts, first, deep)
        case Call(callee) if callee in _SHOWN or callee in _SENT or value.method == _SENDS:
            yield "browser"
        case Call(callee) if deep and (handed := facts.returns_of(callee)):
            for returned in handed:
                yield from _kinds(facts, returned.value, deep - 1)
        case _:
            yield "data"
