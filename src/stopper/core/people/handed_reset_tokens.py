"""Answers that hand the token of a reset to whoever asks for the reset: a mail would go to the owner of the account alone."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.deployment.switched_on import asked_for
from stopper.core.facts import source_of
from stopper.core.flow.view_functions import index_of
from stopper.core.place import Span
from stopper.core.stores.whole_selects import held_in
from stopper.core.values import Call, Mapping, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.app import App
    from stopper.core.fact import Flow
    from stopper.core.facts import SourceFacts

_ASKS: Final = re.compile(r"(?i)forgot|reset|recover|lost_?-?password")
_PEOPLE: Final = re.compile(r"(?i)forgot|recover|passw|pwd|account|user|member|customer|login|log_?-?in|auth")
_WHO: Final = re.compile(r"(?i)\w*(?:e_?mail|user|account|member|customer|login|phone|mobile|handle|nick)\w*|who|name")
_KEY: Final = re.compile(
    r"(?i)(?:\w*(?:reset|recovery|forgot|one_?time|temp(?:orary)?|verification)\w*)?_?(?:token|code|link|url|otp|pin|key)|reset|otp"
)
_DRAWS: Final = re.compile(
    r"secrets\.(?:token_\w+|randbelow|choice)|uuid\.uuid[14]|random\.\w+|os\.urandom|(?:.*\.)?(?:dumps|sign)|jwt\.encode|(?:\w+\.)*generate_\w*(?:token|code|otp)"
)
"""What makes a token: a generator, or a signature."""
_SIGNS_IN: Final = re.compile(r"(?i)access|refresh|session|auth|jwt|csrf")


def handed_out(app: "App", sets_password: "Callable[[SourceFacts, str], bool]") -> Iterator[Span]:
    """The places of such answers, where nobody has to say who he is and no password is set at once."""
    facts = source_of(app)
    index = index_of(facts)
    open_views = {route.view for route in app.routes if any(one.state != "guarded" for one in route.access.values())}
    named = {route.view: f"{route.path} {route.view.rpartition('.')[2]}" for route in facts.routes}
    views = {view for view, words in named.items() if _ASKS.search(words)}
    for view in sorted(views & open_views):
        own = [one.name for one in index.of_view(view)]
        if not _PEOPLE.search(named[view]) and not any(_asks_who(facts, name) for name in own):
            continue  # a reset of something else: a counter, a device
        if any(sets_password(facts, name) or _is_shown_one(facts, name) for name in own):
            continue
        for flow in facts.flows("response"):
            if flow.function in own and _hands(facts, flow) and not asked_for(facts, flow.span, by_name=True):
                yield flow.span
                break


def _asks_who(facts: "SourceFacts", name: str) -> bool:
    known = facts.function(name)
    asked = [one.key for one in facts.readings() if one.function == name]
    return any(map(_WHO.fullmatch, (*asked, *(known.parameters if known is not None else ()))))


def _hands(facts: "SourceFacts", flow: "Flow") -> bool:
    pairs = [pair for part in held_in(flow.value, 5) if isinstance(part, Mapping) for pair in part.items]
    said = [(text_of(key) or "", held) for key, held in pairs]
    said += [pair for call in facts.calls(flow.detail) if call.span == flow.span for pair in call.keywords]
    return any(_KEY.fullmatch(name) and not _SIGNS_IN.search(name) and _is_drawn(facts, held) for name, held in said)


def _is_drawn(facts: "SourceFacts", value: Value, depth: int = 2) -> bool:
    for part in walk(value, 8):
        if not isinstance(part, Call):
            continue
        if _DRAWS.fullmatch(part.callee):
            return True
        made = facts.returns_of(part.callee) if depth else ()
        if any(_is_drawn(facts, one.value, depth - 1) for one in made):
            return True
    return False


def _is_shown_one(facts: "SourceFacts", name: str) -> bool:
    """That the view is shown a token already: it ends a reset, and what it hands out is something else."""
    known = facts.function(name)
    asked = [one.key for one in facts.readings() if one.function == name]
    return any(map(_KEY.fullmatch, asked)) or (known is not None and any(map(_KEY.fullmatch, known.parameters)))
