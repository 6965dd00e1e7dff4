"""Whether only somebody with a role comes to a function, as far as what stands on the way to it says so."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Condition, Decorator
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.passing import callers, passed
from stopper.core.guards.rights_confirmed import confirms_rights
from stopper.core.labels import LabelKind
from stopper.core.owner_names import ROLE
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    text_of,
    walk,
)

_ADMIN_CLASS: Final = re.compile(r"(?:^|\.)(?:Admin|Administrator|Superuser)(?:[A-Z]\w*)?(?:\.|$)")
_ADMINS: Final = re.compile(r"(?i)(?:^|(?<=_))(?:super|sys)?(?:admin(?:istrator)?|superuser)s?(?=_|$)")
_LEVEL: Final = re.compile(r"(?i)access_?level|admin|role|staff|permission|superuser")
_NOTES: Final = re.compile(
    r"\?|(?:.*\.)?(?:wraps|debug|info|warning|warn|error|exception|critical|log|print|flash|str|len|get|append|add|commit|now|utcnow|time|record|count|inc)"
)
"""Calls that note something or go on to the view, and stop nobody; ``?`` is what a decorator was handed."""
_LIBRARIES: Final = ("firebase_admin.", "flask_admin.")
"""Libraries in whose name the word stands."""
_PERMISSION: Final = "flask_principal.Permission.require"
"""Whoever has one of the needs of a permission passes."""
_WORDS = ("admin", "role", "staff", "permission", "superuser", "scope")


def is_reached_by_admins(facts: SourceFacts, function: str, *, own: bool = False) -> bool:
    """Something on the way or in the view says that only somebody with a role comes here. Where it is the caller's *own* session that is
    written, the word for what is written (``/role``) says nothing of who may come."""
    if function and not facts.is_view(function):
        return True  # what a function is handed was judged, or not, where it is called
    return _says_admin(facts, function, own)


def is_brought_by_admins(
    facts: SourceFacts, value: Value, function: str, kinds: tuple[LabelKind, ...], depth: int = 4, *, own: bool = False
) -> bool:
    """That only somebody with a role brings this value of the request into the function: by what is said there, or at every call of the
    project that passes it on. Where nobody is seen to call, it may be so."""
    if not function or facts.is_view(function):
        return is_reached_by_admins(facts, function, own=own)
    if not depth or _says_admin(facts, function, own):
        return True
    mine = [part for part in walk(value) if isinstance(part, Parameter) and part.function == function]
    for call in facts.calls(function):
        given = [
            one for parameter in mine for one in passed(facts, parameter, call) if not _lacks(one, value, parameter)
        ]
        sent = [one for one in given if facts.derives(one, *kinds)] if mine else [value]
        if any(not is_brought_by_admins(facts, one, call.function, kinds, depth - 1, own=own) for one in sent):
            return False
    return True


def is_run_by_admins_alone(app: App, function: str, depth: int = 4) -> bool:
    """That every view which comes to the function has a guard for administrators above it. A method of which no call is seen is run by those
    calls of something of that name, on an object of unknown class, that hand over as much."""
    facts = source_of(app)
    known = facts.function(function)
    if known is None or not depth:
        return False
    if facts.is_view(function):
        above = (*known.decorators, *(one for route in facts.routes_of_view(function) for one in route.decorators))
        return any(_is_for_admins(one) and not lets_all_in(facts, app.routes, one) for one in above)
    calls = list(callers(facts, function))
    if not calls and known.owner:
        taken = [name for name in known.parameters if name not in ("self", "cls")]
        alike = facts.calls("?." + function.rpartition(".")[2])
        calls = [one for one in alike if len(one.args) + len(one.keywords) == len(taken)]
    return bool(calls) and all(is_run_by_admins_alone(app, one.function, depth - 1) for one in calls)


_IS_ADMIN: Final = re.compile(
    r"(?i)_?is_?(?:an?_)?(?:super_?|sys_?|site_?|global_?)?(?:admin(?:istrator)?|superuser|root)"
)
_IS_NO_ADMIN: Final = re.compile(
    r"(?i)_?is_?(?:not|no)_(?:an?_)?(?:super_?|sys_?|site_?|global_?)?(?:admin(?:istrator)?|superuser|root)"
)


def only_admins_come_to(app: App, span: Span) -> bool:
    """That whoever is no administrator does not come to this place: by guards above the views, or by what is asked on the way."""
    facts = source_of(app)
    function = facts.function_around(span)
    return bool(function) and (asks_for_admins(facts, span) or is_run_by_admins_alone(app, function))


def asks_for_admins(facts: SourceFacts, span: Span) -> bool:
    """``if not current_user.is_admin: return redirect(…)`` before the place, or ``if user.is_admin():`` around it."""
    before = (
        one
        for one in facts.conditions_in(facts.function_around(span))
        if one.stops and one.span.line < span.line and not (one.body is not None and one.body.holds(span))
    )
    return any(map(_turns_others_away, before)) or any(
        not one.negated and _lets_admins_on(one.value) for one in facts.conditions_around(span)
    )


def _turns_others_away(asked: Condition) -> bool:
    words = _IS_ADMIN if asked.negated else _IS_NO_ADMIN
    return words.fullmatch(_last_word(asked.value)) is not None


def _lets_admins_on(value: Value) -> bool:
    """``user.is_admin()``, also as one of several things that must all hold."""
    if isinstance(value, Choice):
        return value.every and any(map(_lets_admins_on, value.options))
    return _IS_ADMIN.fullmatch(_last_word(value)) is not None


def _last_word(value: Value) -> str:
    match value:
        case Call():
            return value.method
        case Member(attribute=word) | Name(dotted=word):
            return word.rpartition(".")[2]
        case _:
            return ""


def lets_all_in(facts: SourceFacts, routes: Sequence[Route], one: Decorator) -> bool:
    """That the decorator stands in the project, asks nothing that is out of sight, and no access of these *routes* says that it stops anybody: its
    name promises what it does not do."""
    if facts.function(one.name) is None:
        return False
    asked = (call.callee for name in (one.name, *inside(facts, one.name)) for call in facts.calls_in(name))
    if any(facts.function(name) is None and not _NOTES.fullmatch(name) for name in asked):
        return False
    guards = [guard for route in routes for access in route.access.values() for guard in access.guards]
    word = one.name.rpartition(".")[2]
    here = [guard for guard in guards if guard.span == one.span and guard.kind == "decorator"]
    here = here or [guard for guard in guards if word in guard.name.split(".")]
    return all(guard.stops is False for guard in here)


_LOG_IN: Final = re.compile(
    r"flask_login\.(?:utils\.)?(?:fresh_)?login_required|flask_jwt_extended\.(?:jwt_required|verify_jwt_in_request|get_jwt|get_jwt_identity|get_current_user|current_user\.\w+)"
)


def asks_for_a_log_in_alone(facts: SourceFacts, guard: str) -> bool:
    """``def admin_only(view)`` round which ``@jwt_required()`` stands, and that refuses nobody by itself but who is not logged in: whoever is
    passes, whatever the name promises."""
    if facts.function(guard) is None:
        return False
    own = (guard, *inside(facts, guard))
    refusing = [asked for name in own for asked in facts.conditions_in(name) if asked.stops or asked.refuses]
    if not all(_asks_for_anybody(asked.value) for asked in refusing):
        return False
    known = [found for name in own if (found := facts.function(name)) is not None]
    beside = [each for found in known for each in found.decorators if each.name != "functools.wraps"]
    called = [call.callee for name in own for call in facts.calls_in(name)]
    if any(each.call is not None and (each.call.args or each.call.keywords) for each in beside):
        return False
    asking = [*(each.name for each in beside), *(name for name in called if not _NOTES.fullmatch(name))]
    asking = [name for name in asking if not (refusing and _REFUSES.fullmatch(name))]
    return bool(asking or refusing) and all(_LOG_IN.fullmatch(name) for name in asking)


_REFUSES: Final = re.compile(
    r"\?|flask\.(?:abort|redirect|url_for|jsonify|make_response|flash|session\.get)|(?:.*\.)?unauthorized"
)
"""What a guard calls that turns somebody away, and the view itself."""
_ANYBODY: Final = re.compile(
    r"(?:.*\.)?(?:current_user(?:\.is_(?:authenticated|active|anonymous))?|flask\.g\.(?:current_)?user|flask\.session)"
)
_ID_OF_ANYBODY: Final = re.compile(r"(?i)(?:current_?)?(?:user|account|member|login)(?:_?(?:id|name))?|uid|email")


def _asks_for_anybody(value: Value) -> bool:
    """``current_user.is_authenticated``, ``current_user is None``, ``"user_id" in session``: whether somebody is logged in, and not who."""
    match value:
        case Name(dotted=said):
            return _ANYBODY.fullmatch(said) is not None
        case Item(owner=Name(dotted="flask.session"), key=Constant(value=str(key))):
            return _ID_OF_ANYBODY.fullmatch(key) is not None
        case Truth(parts=several) | Choice(options=several):
            asked = [one for one in several if not isinstance(one, Constant)]
            words = [text for one in several if (text := text_of(one)) is not None]
            return bool(asked) and all(map(_asks_for_anybody, asked)) and all(map(_ID_OF_ANYBODY.fullmatch, words))
        case _:
            return False


def _is_for_admins(one: Decorator) -> bool:
    """``@admins_only``, ``@role_required("admin")``, ``@admin_permission.require(403)`` of Flask-Principal."""
    if _ADMINS.search(one.name.rpartition(".")[2]):
        return True
    if one.name == _PERMISSION and one.call is not None and isinstance(one.call.receiver, Call):
        needed = [text_of(part) for need in one.call.receiver.args for part in walk(need, 2) if text_of(part)]
        return bool(needed) and all(_ADMINS.fullmatch(text or "") or text == "role" for text in needed)
    given = one.call.args if one.call is not None and "route" not in one.name else ()
    return len(given) == 1 and _ADMINS.fullmatch(text_of(given[0]) or "") is not None


def _lacks(given: Value, value: Value, parameter: Parameter) -> bool:
    """That what is taken out of a parameter is a literal in the mapping that is passed for it."""
    if not isinstance(value, Item) or value.owner is not parameter or not isinstance(given, Mapping) or given.open:
        return False
    held = given.get(text_of(value.key) or "")
    return held is None or isinstance(held, Constant)


def _says_admin(facts: SourceFacts, function: str, own: bool) -> bool:
    known = facts.function(function)
    words = [one.name for one in known.decorators] if known is not None else []
    words += [_said_by(facts, call.callee) for call in facts.calls_in(function)]
    asked = [call for one in (known.decorators if known is not None else ()) if (call := one.call) is not None]
    told = [value for call in asked for value in (*call.args, *(held for _, held in call.keywords))]
    if any(_LEVEL.search(name) for value in told for name in _named(value)):
        return True  # ``@requires(AccessLevel.full)``
    if any(_LEVEL.search(name) for call in asked for name, _ in call.keywords):
        return True  # ``@authorized(role=20)``: what a level is called may be a number by now
    if known is not None and any(_asks_a_level(facts, one) for one in known.decorators):
        return True
    words += [one.path for one in facts.routes_of_view(function) if not own or "admin" in one.path.lower()]
    words += [hook for one in facts.routes_of_view(function) for hook in one.hooks]
    if any(word in name.lower() for name in words for word in _WORDS):
        return True
    if any(confirms_rights(facts, call) for call in facts.calls_in(function)):
        return True
    return any(_names_role(one.value) and not _lets_owners_on(one.value) for one in facts.conditions_in(function))


def _lets_owners_on(value: Value) -> bool:
    """``if note.author_id != current_user.id and not current_user.is_admin: abort(403)``: whose it is comes on as well, whoever that is."""
    return isinstance(value, Choice) and any(
        isinstance(part, Truth) and len(part.parts) == 2 and any(map(_is_id_of_caller, part.parts))
        for part in value.options
    )


def _is_id_of_caller(value: Value) -> bool:
    said = value.dotted if isinstance(value, Name) else ""
    return said.endswith((".current_user.id", ".g.user.id", ".g.user_id", ".current_user.get_id"))


def _names_role(value: Value) -> bool:
    return any(
        ROLE.search(name)
        for part in walk(value, 3)
        for name in (getattr(part, "attribute", ""), getattr(part, "dotted", "").rpartition(".")[2])
    )


def _said_by(facts: SourceFacts, callee: str) -> str:
    """What a call does by its name: a row that is made, ``models.permissions.Permission(…)``, asks nobody for one, nor does its ``save``."""
    owner, _, word = callee.rpartition(".")
    known = classes_by_name(facts)
    return "" if callee in known else word if owner in known or callee.startswith(_LIBRARIES) else callee


def _asks_a_level(facts: SourceFacts, one: Decorator) -> bool:
    """``@authorized(least=Level.ADMIN)`` of the project, which asks for a role beside what it is told: the words of that may be numbers by now."""
    if one.call is None or facts.function(one.name) is None or not (one.call.args or one.call.keywords):
        return False
    within = (one.name, *inside(facts, one.name))
    return any(_names_role(asked.value) for name in within for asked in facts.conditions_in(name))


def _named(value: Value) -> Iterator[str]:
    """The names and texts that a guard is handed; the address of a route is none."""
    for part in walk(value, 2):
        name = part.dotted if isinstance(part, Name) else text_of(part) or ""
        yield "" if name[:1] == "/" else name


def logs_in_admins_alone(facts: SourceFacts) -> bool:
    """That Flask-Login is never handed anybody but an administrator, whatever other accounts there are; where nothing else lets people in, that
    sessions name administrators alone, or always the same one."""
    handed = [value for call in facts.calls("flask_login.login_user") for value in call.args[:1]]
    if not handed and next(facts.calls(*_ISSUE), None) is None:
        kept = [flow.value for flow in facts.flows("session") if _ID_OF_ANYBODY.fullmatch(flow.detail)]
        if kept and all(isinstance(one, Constant) for one in kept):
            return True
        handed = kept
    return bool(handed) and all(any(map(_is_an_admin, walk(value, 6))) for value in handed)


_ISSUE: Final = ("jwt.encode", "jose.jwt.encode", "*.create_access_token")


def _is_an_admin(value: Value) -> bool:
    """``AdminAccount.query.filter_by(name=name)``, ``session.get(AdminAccount, number)``, ``passkey.admin_account``."""
    match value:
        case Call(callee=word) | Name(dotted=word):
            return _ADMIN_CLASS.search(word) is not None
        case Member(attribute=word):
            return "admin" in word.lower() and not word.startswith("is_")
        case _:
            return False
