"""Looking into a token before it is verified: when that only chooses a key, and when what was seen decides something."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.guards.idle_questions import on_another_way
from stopper.core.place import Span
from stopper.core.tokens.jwt_names import ENCODING, verifies, written_in
from stopper.core.values import Call, Item, Name, Parameter, Value, options, text_of, walk

_OUTBOUND: Final = re.compile(r"(requests|httpx|urllib3)\..*\b(get|post|put|request|send)|.*urlopen")
KEY_CHOOSERS: Final = frozenset({"iss", "kid", "alg", "azp", "client_id", "tid", "tenant"})
"""Members that a verifier may read from an unverified token, because they only choose with what it is verified."""
ENDS: Final = frozenset({"exp", "iat"})
"""Members that say how long the application's own copy of somebody else's token is of use."""


def is_our_own(facts: SourceFacts, call: Call) -> bool:
    """A token that this code just signed or fetched itself from a provider over TLS (OpenID Connect Core 3.1.3.7, item 6)."""
    token = call.argument(0, "jwt", "token")
    signed = any(isinstance(part, Call) and (part.callee in ENCODING or _signs(part)) for part in walk(token))
    return signed or (facts.derives(token, "upstream") and not facts.derives(token, "request-header", "cookie"))


def _signs(call: Call) -> bool:
    """``issuer.encode(claims, key)`` of a library out of sight, and not ``text.encode("utf-8")``."""
    return call.method == "encode" and len(call.args) + len(call.keywords) > 1


def is_only_a_first_look(facts: SourceFacts, call: Call) -> bool:
    """That what is seen lets nobody on: the same function, what it calls, or every function that calls it verifies the token for real, or
    only the words of a refusal, the choice of a key or the end of the application's own copy come of it."""
    if _only_words_a_refusal(facts, call) or _is_only_logged(facts, call):
        return True
    if _after_a_failed_check(facts, call) or is_given_back_before(facts, call) or lets_on_before(facts, call):
        return False
    if _verifies_in(facts, call.function, call):
        return True
    if _gives_only(facts, call, KEY_CHOOSERS) or (
        _is_of_no_request(facts, call) and (_gives_only(facts, call, ENDS) or _looks_only_at(facts, call, ENDS))
    ):
        return True
    callers = [function.name for function in facts.functions() if call.function and call.function in function.calls]
    return bool(callers) and all(_verifies_in(facts, caller, None, call) for caller in callers)


def _only_words_a_refusal(facts: SourceFacts, call: Call) -> bool:
    """What was refused is looked into for the words of the error, in an ``except`` that lets nobody on."""
    return any(
        call.span is not None and handler.action in ("raise", "refuse") and within(call.span, handler.span)
        for handler in facts.handlers_in(call.function)
    )


def _is_only_logged(facts: SourceFacts, call: Call) -> bool:
    """Nothing becomes of what is seen but a line in the log."""
    logs = {flow.span for flow in facts.flows("log") if flow.function == call.function}
    if not logs or call.function == "":
        return False
    uses = [one for one in facts.calls_in(call.function) if one is not call and _is_handed(one, call)]
    elsewhere = [one.value for one in facts.returns_of(call.function)]
    elsewhere += [one.value for one in facts.conditions_in(call.function)]
    elsewhere += [one.value for one in facts.assignments_in(call.function)]
    elsewhere += [side for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    return (
        bool(uses)
        and all(one.span in logs for one in uses)
        and not any(part is call for value in elsewhere for part in walk(value, 8))
    )


def _is_handed(taker: Call, call: Call) -> bool:
    return any(part is call for given in (*taker.args, *(one for _, one in taker.keywords)) for part in walk(given, 8))


def _is_of_no_request(facts: SourceFacts, call: Call) -> bool:
    """Nothing shows that a request brings this token: it is one that the application keeps itself, or an object in an attribute."""
    token = call.argument(0, "jwt", "token")
    if facts.derives(token, "authorization-header", "request-header", "request-data", "query-string", "cookie"):
        return False
    owner = written_in(facts, call).rpartition(".")[0]
    is_kept = isinstance(token, Name) and bool(owner) and token.dotted.startswith(owner + ".")
    return is_kept or not facts.routes_reaching(call.function)


def _gives_only(facts: SourceFacts, call: Call, members: frozenset[str]) -> bool:
    """A helper that returns nothing of the token but these members."""
    around = written_in(facts, call)
    function = facts.function(around)
    if function is None or (around == call.function and facts.is_view(around)):
        return False
    used = [part for value in function.returns for part in walk(value)]
    keys = [text_of(part.key) for part in used if isinstance(part, Item) and _comes_from(part.owner, call)]
    bare = any(_comes_from(value, call) for value in function.returns) or any(
        argument is call
        for other in facts.calls_in(call.function)
        if other.method != "loads"
        for argument in other.args
    )
    return bool(keys) and not bare and all(key in members for key in keys)


def _looks_only_at(facts: SourceFacts, call: Call, members: frozenset[str]) -> bool:
    """``if claims["exp"] - time() < 900: self.login(…)``: nothing else of the token is asked for, or handed on."""
    values: list[Value] = [one.value for one in facts.conditions_in(call.function)]
    values += [one.value for one in facts.assignments_in(call.function)]
    values += [one.value for one in facts.returns_of(call.function)]
    values += [side for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    for other in facts.calls_in(call.function):
        values += (*other.args, *dict(other.keywords).values())
    if any(value is call for value in values):
        return False
    keys = [
        text_of(part.key)
        for value in values
        for part in walk(value)
        if isinstance(part, Item) and _comes_from(part.owner, call)
    ]
    return bool(keys) and all(key in members for key in keys)


def lets_on_before(facts: SourceFacts, call: Call) -> bool:
    """``if jwt.decode(shown, options=UNCHECKED).get("internal"): return view(*args)`` in a decorator, above the line that verifies; the test may
    be a function of its own."""
    looks = [call]
    for _ in range(_STEPS):
        if any(_runs_it_on(facts, one) for one in looks):
            return True
        giving = [
            look.function
            for look in looks
            if any(part is look for one in facts.returns_of(look.function) for part in walk(one.value, 8))
        ]
        looks = [one for name in dict.fromkeys(giving) if name for one in facts.calls(name)]
    return False


_STEPS: Final = 3
"""Functions that hand on what was seen."""


def _runs_it_on(facts: SourceFacts, look: Call) -> bool:
    """That a condition about what was seen runs the view, and nothing above it verifies."""
    checked = _lines_that_verify(facts, look)
    ways = [one for one in facts.returns_of(look.function) if _runs_the_view(facts, one.value)]
    return any(
        asked.body is not None and asked.body.holds(way.span) and not any(line <= asked.span.line for line in checked)
        for asked in facts.conditions_in(look.function)
        if asked.stops and not asked.refuses and any(part is look for part in walk(asked.value, 8))
        for way in ways
    )


def _lines_that_verify(facts: SourceFacts, look: Call) -> list[int]:
    """Where the function verifies, or calls a step that does; a step that it alone calls is read as a part of it, and stands elsewhere."""
    own = facts.function(look.function)
    inside = [one for one in facts.calls_in(look.function) if one is not look and one.span is not None]
    elsewhere = [one.span for one in inside if verifies(one)]
    found: list[int] = []
    for one in inside:
        made = facts.function(one.callee)
        steps = made is not None and any(span is not None and made.span.holds(span) for span in elsewhere)
        if own is None or one.span is None or not own.span.holds(one.span):
            continue
        if verifies(one) or steps or any(map(verifies, facts.calls_in(one.callee))):
            found.append(one.span.line)
    return found


def _runs_the_view(facts: SourceFacts, value: Value, steps: int = 1) -> bool:
    """``view(*args, **kwargs)`` of what the decorator is given, ``self.view(*args, **kwargs)`` where it is a class, also in a step of its own."""
    if not isinstance(value, Call):
        return False
    if value.open and value.callee[:1] == "?":
        return isinstance(value.receiver, Parameter) or value.keyword("**") is not None
    return steps > 0 and any(_runs_the_view(facts, one.value, steps - 1) for one in facts.returns_of(value.callee))


def _comes_from(value: Value, call: Call) -> bool:
    """The call, or what ``json.loads`` makes of it."""
    return value is call or (
        isinstance(value, Call) and value.method == "loads" and any(argument is call for argument in value.args)
    )


_VERIFIES_TOKEN: Final = re.compile(r"_?(?:validate|verify)_(?:\w+_)?(?:token|jwt)")
"""What a library is asked that raises where a token is no good."""


def is_asked_elsewhere(facts: SourceFacts, call: Call) -> bool:
    """The same function sends the token to a service that verifies it (RFC 7662), or has a library verify it, and reads it afterwards."""
    shown = call.args[0] if call.args else None
    return any(
        _VERIFIES_TOKEN.fullmatch(other.method)
        and facts.function(other.callee) is None
        and other.span is not None
        and call.span is not None
        and other.span.line < call.span.line
        and shown in other.args
        for other in facts.calls_in(call.function)
    ) or any(
        _OUTBOUND.fullmatch(other.callee)
        and other.span is not None
        and call.span is not None
        and other.span.line < call.span.line
        and any(
            facts.derives(value, "token", "authorization-header")
            for value in (*other.args, *(v for _, v in other.keywords))
        )
        for other in facts.calls_in(call.function)
    )


def _after_a_failed_check(facts: SourceFacts, call: Call) -> bool:
    return any(
        call.span is not None and within(call.span, handler.span) and any("decode" in tried for tried in handler.tried)
        for handler in facts.handlers()
    )


def is_given_back_before(facts: SourceFacts, call: Call) -> bool:
    """``if …: return claims`` of what nobody has verified, above the line that verifies."""
    checks = [
        one
        for one in facts.calls_in(call.function)
        if one is not call
        and one.span is not None
        and (verifies(one) or any(map(verifies, facts.calls_in(one.callee))))
    ]
    checked = [one.span.line for one in checks if one.span is not None]
    if not checked:
        return False
    returned = facts.returns_of(call.function)
    proved = [one.span for one in returned if isinstance(one.value, Call) and verifies(one.value)]
    for one in returned:  # calls of steps elsewhere stand in other files, the ways out beside each other
        if _comes_from(one.value, call) and any(
            span.path == one.span.path and span.line > one.span.line for span in proved
        ):
            return True
        either = options(one.value)
        if any(_comes_from(way, call) for way in either) and any(
            isinstance(way, Call) and verifies(way) for way in either
        ):
            return True  # ``return read(token) if app.debug else verify(token)``
    ends = {id(one.value) for one in returned}
    if all(id(one) in ends for one in checks) and any(_comes_from(one.value, call) for one in returned):
        return True  # each check is a way out of its own, so none was passed on the way to this one
    kept = [
        one
        for one in facts.assignments_in(call.function)
        if one.target.startswith("g.") and one.span.line < min(checked)
    ]
    branches = [
        one for one in facts.conditions_in(call.function) if one.stops and not one.refuses and one.body is not None
    ]
    return any(
        (_comes_from(one.value, call) or _hands_on(facts, one.value, call)) and one.span.line < min(checked)
        for one in facts.returns_of(call.function)
    ) or any(
        any(part is call for part in walk(one.value, 6)) and branch.body is not None and branch.body.holds(one.span)
        for one in kept
        for branch in branches
    )


def _hands_on(facts: SourceFacts, value: Value, call: Call) -> bool:
    """What a step of its own has looked into."""
    return isinstance(value, Call) and any(_comes_from(one.value, call) for one in facts.returns_of(value.callee))


def _verifies_in(facts: SourceFacts, function: str, look: Call | None, itself: Call | None = None) -> bool:
    """Whether *function*, or a function of the project that it calls, verifies a token (the one that *look* read)."""
    if not function:
        return False
    inside = list(facts.calls_in(function))
    if any(
        verifies(other) and _may_be_one_token(look, other) and not _is_instead(facts, look, other)
        for other in inside
        if other is not look
    ):
        return True
    called = {other.callee for other in inside if other is not look and facts.function(other.callee) is not None}
    return any(
        other is not itself and verifies(other) and not _sent_apart(look or itself, other)
        for name in called
        for other in facts.calls_in(name)
    )


def _is_instead(facts: SourceFacts, look: Call | None, other: Call) -> bool:
    """``if CHECKS: claims = verify(token)`` and ``else: claims = read(token)``: no token goes through both."""
    return (
        look is not None
        and look.span is not None
        and other.span is not None
        and on_another_way(facts, look.span, other.span)
    )


def _may_be_one_token(look: Call | None, other: Call) -> bool:
    if look is None:
        return True
    if _sent_apart(look, other):
        return False
    first, second = _root(look.argument(0, "jwt", "token")), _root(other.argument(0, "jwt", "token"))
    return first == second or not (first and second)


def _sent_apart(look: Call | None, other: Call) -> bool:
    """That the two tokens come in different places of the request: a header of its own beside ``Authorization``."""
    first, second = (_places(one) if one is not None else frozenset[str]() for one in (look, other))
    return bool(first) and bool(second) and first.isdisjoint(second)


def _places(call: Call) -> frozenset[str]:
    """Where in the request the token stands that a call is given; nothing where that is not seen."""
    found: set[str] = set()
    for part in walk(call.argument(0, "jwt", "token"), 8):
        if isinstance(part, Name) and part.dotted.startswith("flask.request.authorization"):
            found.add("headers authorization")
        elif isinstance(part, Item) and isinstance(part.owner, Name) and part.owner.dotted in _PARTS:
            found.add(f"{part.owner.dotted.rpartition('.')[2]} {(text_of(part.key) or '?').lower()}")
        elif isinstance(part, Parameter):
            return frozenset()
    return frozenset(found)


_PARTS: Final = frozenset(f"flask.request.{part}" for part in ("headers", "cookies", "args", "form", "values", "json"))


def _root(token: Value | None) -> str:
    """What tells two parameters or names apart; an empty text where nothing does."""
    if isinstance(token, Parameter):
        return token.parameter
    return token.dotted if isinstance(token, Name) else ""


def within(inner: Span, outer: Span) -> bool:
    """That the first place lies inside the lines of the second."""
    return inner.path == outer.path and outer.line <= inner.line and inner.end_line <= outer.end_line and outer.line > 0
