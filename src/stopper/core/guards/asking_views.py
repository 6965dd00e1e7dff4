"""Whether something on the way to a view, or the view itself, seems to ask who is calling, further than the reader could follow it."""

import re
from collections.abc import Sequence
from typing import Final

from stopper.core.app import Route
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.labels import LabelKind
from stopper.core.owner_names import OF_ANYBODY
from stopper.core.values import Call, Constant, Item, Member, Name, Truth, Value, parts, text_of, walk

_SHOWN: Final[tuple[LabelKind, ...]] = ("api-key", "token", "authorization-header", "password")
# What a view calls that proves something about the caller, or that checks what the caller shows.
_PROOF: Final = re.compile(
    r"(?i).*(?:\b|_)(compare_digest|construct_event|decode|loads|check_password(_hash)?|verify\w*|checkpw|authenticate\w*|authori[sz]e\w*|login_user|logout_user|"
    r"is_authenticated|abort_unless\w*|require\w*|current_user\w*|get_current_\w*|get_jwt\w*|has_(?:access|permissions?|roles?|rights?)|check_\w*(auth|token|key|permission|access|role)\w*)"
)
_TAKES_HEADERS: Final = re.compile(r"(?i)auth|token|credential|login|permission|user_?info|principal|identity")
_PARSERS: Final = frozenset({
    "json", "simplejson", "ujson", "orjson", "rapidjson", "flask.json", "yaml", "toml", "tomllib", "tomli", "xmltodict", "bson.json_util", "geojson",
})  # fmt: skip
_GUARD: Final = re.compile(
    r"(?i)(?:login|log_in|auth\w*|token|jwt|key|session|user|admin)_?(?:is_)?(?:required|protected|only)$|^(?:require|protect|ensure|check|need)\w*_(?:login|auth\w*|token|jwt|key|session|user)$"
)
"""What a decorator is called that turns nobodies away."""
_AUTH_NAME: Final = re.compile(
    r"(?i)auth(?!or)|require|verify|permission|login|token|credential|protect|guard|api_?key|signature|signed|hmac|validate_\w*(?:request|webhook|call)"
)
_OF_FORMS: Final = re.compile(r"(?i)csrf|xsrf|form_token")
"""What looks after the tokens of forms, which every visitor has."""
_SOMEBODY: Final = re.compile(
    r"(?i)(?:current_?|logged_in_?|auth_?|session_?)(?:user|account|person|token|identity|principal)|principal|identity|claims"
)
_WHO: Final = (
    "flask.session",
    "flask.g",
    "flask_login.current_user",
    "flask_security.current_user",
    "flask_jwt_extended.current_user",
)

_LOOKS_UP: Final = re.compile(
    r"(?i)(?:session|token|credential)s?(?:\.|_by_|_for_)?(?:load|get|find|fetch|look_?up|by_\w+|from_\w+)?$|(?:load|get|find|fetch|look_?up)_(?:\w+_)?(?:session|token|credential)$"
)
"""What looks up who has the session or token that is shown."""
_OWNER: Final = frozenset(
    {"user", "user_id", "userid", "username", "account", "account_id", "person", "person_id", "owner_id"}
)


def has_idle_guard(facts: SourceFacts) -> bool:
    """That a decorator of the project turns callers away, and stands before nothing: somebody meant to use it."""
    for inner in facts.functions():
        outer, _, _ = inner.name.rpartition(".")
        if _GUARD.search(outer.rpartition(".")[2]) is None or facts.function(outer) is None:
            continue
        refuses = any(
            isinstance(part, Constant) and part.value in (401, 403)
            for value in (*inner.returns, *facts.calls_in(inner.name))
            for part in walk(value, 3)
        )
        if refuses and not _is_used(facts, outer):
            return True
    return False


def _is_used(facts: SourceFacts, name: str) -> bool:
    word = name.rpartition(".")[2]
    return any(True for _ in facts.calls(f"*.{word}")) or any(
        one.name.rpartition(".")[2] == word for function in facts.functions() for one in function.decorators
    )


def asks_somebody(index: FunctionIndex, route: Route, own: Sequence[Function], understood: frozenset[str]) -> bool:
    """Something on the way, or the view itself, seems to ask who is calling, further than the reader could follow it. ``understood`` are
    hooks that were followed to their end: where one lets a route pass, it does so by a list."""
    return (
        _hooked(index, route, understood)
        or _decorated(own)
        or _is_handed_somebody(route, own)
        or _asks_by_itself(index, own)
    )


def _is_handed_somebody(route: Route, own: Sequence[Function]) -> bool:
    """A parameter that says who is calling and comes from no path: a decorator must have found out."""
    from_path = {name for name, _ in route.parameters}
    return any(
        _SOMEBODY.fullmatch(name) and name not in from_path and function.decorators
        for function in own
        for name in function.parameters
    )


def _asks_by_itself(index: FunctionIndex, own: Sequence[Function]) -> bool:
    """The view, or what it calls in the project, looks at who is calling or checks what was shown."""
    facts, names = index.facts, set(index.calling([function.name for function in own], 1))
    calls = [call for name in names for call in facts.calls_in(name)]
    if any(_proves(call) or _speaks_of_somebody(call) for call in calls):
        return True
    asked = [one for name in names for one in index.conditions.get(name, ())]
    if any(
        one.refuses and (_speaks_of_somebody(one.value) or _finds_session(index, names, one.value)) for one in asked
    ):
        return True
    if any(_lets_some_go(index, name) for name in index.calling([function.name for function in own], 2)):
        return True
    if any(one.stops and _checks_header(facts, part) for one in asked for part in walk(one.value)):
        return True
    return any(
        facts.derives(one.left, *_SHOWN, "request-header") or facts.derives(one.right, *_SHOWN, "config-secret")
        for name in names
        for one in index.comparisons.get(name, ())
    )


def _finds_session(index: FunctionIndex, names: set[str], value: Value) -> bool:
    """``session = Session.load(db, form["sk"])``, ``if session is None: abort(403)``, and then ``session.user_id`` says who is calling."""
    asked = value.parts[0] if isinstance(value, Truth) and value.parts else value
    if not isinstance(asked, Call) or not _LOOKS_UP.search(asked.callee) or index.facts.function(asked.callee) is None:
        return False
    found = {asked.callee, asked.function}
    return any(
        isinstance(part, Member)
        and part.attribute in _OWNER
        and isinstance(part.owner, Call)
        and part.owner.callee in found
        for name in names
        for call in index.facts.calls_in(name)
        for given in (*call.args, *dict(call.keywords).values())
        for part in walk(given, 4)
    )


def _lets_some_go(index: FunctionIndex, name: str) -> bool:
    """``if current_user: if current_user.admin: return True`` and then ``abort(refusal)``: who may goes back, and everybody else does not."""
    if not any(call.method == "abort" for call in index.facts.calls_in(name)):
        return False
    return any(_speaks_of_somebody(one.value) for one in index.conditions.get(name, ()))


def _proves(call: Call) -> bool:
    """That it checks what is shown; whoever reads JSON, or makes text of bytes, checks nothing."""
    if _TAKES_HEADERS.search(call.method) and any(
        _is_headers(value) for value in (*call.args, *dict(call.keywords).values())
    ):
        return True  # ``helper.authorization_tokens(request.headers)`` of a package
    if _PROOF.fullmatch(call.callee) is None:
        return False
    if call.method == "loads":
        return call.callee.rpartition(".")[0] not in _PARSERS
    of_text = call.method == "decode" and (not call.args or text_of(call.args[0]) is not None)
    return not (of_text or call.callee.startswith(("base64.", "urllib.", "codecs.")))


def _is_headers(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted in ("flask.request.headers", "flask.request")


def refuses_by_header(index: FunctionIndex, own: Sequence[Function]) -> bool:
    """``if not may_change(order): return {…}, 403``, where that function of the project holds what the caller shows in a header against
    something."""
    facts = index.facts
    asked = [
        part.callee
        for function in own
        for one in index.conditions.get(function.name, ())
        if one.refuses
        for part in walk(one.value, 4)
        if isinstance(part, Call) and part.callee in index.by_name
    ]
    return any(
        facts.derives(side, *_SHOWN, "request-header")
        for name in index.calling(asked, 1)
        for one in index.comparisons.get(name, ())
        for side in (one.left, one.right)
    )


def _checks_header(facts: SourceFacts, part: Value) -> bool:
    """A call that is handed a header of the request: ``validator.validate(url, form, request.headers["X-Signature"])``."""
    return (
        isinstance(part, Call)
        and not part.callee.startswith("flask.")
        and any(facts.derives(given, *_SHOWN, "request-header", by_name=False) for given in part.args)
    )


def is_who(part: Value) -> bool:
    """That it says who is calling: the session, the person that is logged in, whether somebody is."""
    return (isinstance(part, Name) and part.dotted.startswith(_WHO)) or (
        isinstance(part, Member) and part.attribute == "is_authenticated"
    )


def _speaks_of_somebody(value: Value) -> bool:
    """That somewhere in it stands who is calling; a form's token in the session is everybody's own."""
    level, met = [value], set[int]()
    while level:
        one = level.pop()
        if id(one) in met or _is_of_anybody(one):
            continue
        met.add(id(one))
        if is_who(one):
            return True
        level += parts(one)
    return False


def _is_of_anybody(value: Value) -> bool:
    """``session["csrf_token"]``, ``session.pop("state", None)``"""
    if isinstance(value, Item):
        return (
            isinstance(value.owner, Name)
            and value.owner.dotted == "flask.session"
            and OF_ANYBODY.search(text_of(value.key) or "") is not None
        )
    return (
        isinstance(value, Call)
        and value.callee.startswith("flask.session.")
        and OF_ANYBODY.search(text_of(value.argument(0)) or "") is not None
    )


def _hooked(index: FunctionIndex, route: Route, understood: frozenset[str]) -> bool:
    """A function that runs before the view may refuse in a way that the reader could not follow to its end."""
    known = understood & {
        guard.name for access in route.access.values() for guard in access.guards if guard.stops is False
    }
    hooks = dict.fromkeys(
        hook for one in index.facts.routes if one.path == route.path for hook in one.hooks if hook not in known
    )
    words = [name.rpartition(".")[2] for name in index.calling(hooks, 3)]
    return any(_AUTH_NAME.search(word) and not _OF_FORMS.search(word) for word in words)


def _decorated(own: Sequence[Function]) -> bool:
    """A decorator between route and view that speaks of access: whether it stops anybody is for the probe to say."""
    return any(
        _AUTH_NAME.search(decorator.name.rpartition(".")[2]) and not decorator.above_route
        for function in own
        for decorator in function.decorators
    )
