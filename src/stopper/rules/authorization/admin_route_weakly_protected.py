"""Every user who is logged in reaches what is meant for administrators."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Condition, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.admin_pages import opened_by_any_log_in
from stopper.core.guards.reached_by_admins import asks_for_a_log_in_alone, lets_all_in, logs_in_admins_alone
from stopper.core.guards.seeming_guards import is_seemingly_guarded
from stopper.core.guards.told_nothing import is_told_nothing
from stopper.core.login_names import BEST
from stopper.core.owner_names import ADMIN_GUARD, ROLE, WHO, only_describes
from stopper.core.people.kinds_of_staff import is_flag_of_staff
from stopper.core.people.low_roles import admits_everybody, asks_nobody_special, noted_only, says_low
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Item, Member, Name, Parameter, Value, text_of, walk

ADMIN: Final = re.compile(
    r"(?i)(^|/)(admin|super-?admin|sys-?admin|admin[_-](?:api|panel|area|console)|administration|administrator|backoffice|back-office|superuser|staff|(?<!account/)(?<!profile/)(?<!settings/)(?<!/me/)manage(ment)?|moderation)([/_.-]|$)"
)
_ADMIN_BLUEPRINT: Final = re.compile(
    r"(?i)(?:^|[._])(?:super)?admin(?:istration|_?(?:bp|api|blueprint|routes|panel))?$|(?:^|[._])back_?office$"
)
_ADMIN_VIEW: Final = re.compile(r"(?i)^(?:super)?admin_\w+")
_BODY: Final = frozenset(
    {"flask.request.get_json", "flask.request.json", "flask.request.form", "flask.request.args", "flask.request.values"}
)
_MANAGES: Final = re.compile(
    r"(?i)^(?!.*(?:admin|superuser|staff|back-?office|moderation)).*/manage(?:ment)?(?:[/_.-]|$)"
)
_SEARCHES: Final = re.compile(r"(?i)/(?:search|filter|query|lookup|find|list)/?$")
_OF_ONESELF: Final = re.compile(
    r"(?i)(^|/)(me|myself|your-account|my-account|(?:account|profile|settings)/manage)(/|$)"
)
"""What everybody may do with what is their own, under an administrator's path too."""
_SCOPE: Final = re.compile(r"(?i)scopes?|scp|permissions?|groups?|authorities|entitlements?|realm_access")
"""Members of claims that say what their holder may do."""
_OF_ADMINS: Final = re.compile(r"(?:^|\.)(?:Admin|Administrator|Superuser|Staff)(?:User|Account)?\.")
_REGISTERS: Final = re.compile(r"(?i)register|registration|sign-?up|join|users?/?$")
_KIND_OF_USER: Final = re.compile(
    r"(?:^|\.)current_user\.is_(?!authenticated$|active$|anonymous$|confirmed$|verified$|enabled$|fresh$)\w+$"
)
"""``current_user.is_referee``: which kind of person is asking."""
_SENDS_ON: Final = frozenset({"flask.redirect", "flask.url_for", "flask.flash"})
_LOOKS_UP: Final = frozenset({
    "filter", "filter_by", "where", "get", "get_or_404", "execute", "scalar", "scalars", "paginate", "find", "find_one",
})  # fmt: skip
_KIND: Final = re.compile(
    r"(?i)is_(?!authenticated|active|anonymous|confirmed|verified|enabled|fresh|deleted|locked|valid|expired|none|blocked)\w+"
)
_COMES_OR_GOES: Final = re.compile(r"(?i)login|log[-_]?out|sign[-_]?out|log[-_]?off")
_OF_A_LOG_IN: Final = re.compile(
    r"(?i)log_?-?(?:in|out)|sign_?-?(?:in|out)|auth|token|session|password|profile|/me\b|account"
)


_MANY: Final = 4
"""Routes of an application of some size."""
_MOST_ASK: Final = 4
"""So many routes of a file that ask for the role, each by itself, show that somebody has thought about each."""
_ANSWERS: Final = frozenset(
    {"jsonify", "dump", "dumps", "make_response", "render_template", "Response", "frozenset", "set", "tuple", "list"}
)
"""Calls that show or keep what somebody's role is, and ask nobody for one."""


def detect(app: App) -> Iterator[Hit]:
    """Guarded routes with an administrator's path whose guards speak of no role, nor does the view."""
    if not _knows_only_admins(source_of(app)):
        for span in opened_by_any_log_in(source_of(app)):
            yield Hit("whoever is logged in passes this view of Flask-Admin", span)
    routes = [route for route in app.routes if _is_named_for_admins(route) and not _COMES_OR_GOES.search(route.path)]
    if not routes or _knows_only_admins(source_of(app)) or _logs_in_admins_only(app):
        return
    found, asking = _found(app, routes)
    found = [one for one in found if not (asking and one.reads and one.manages)]
    beside = {path for path in asking if asking.count(path) >= _MOST_ASK}
    reads = [one for one in found if one.reads and one.hit.span is not None and one.hit.span.path in beside]
    for one in found:
        if one not in reads:
            yield replace(one.hit, certainty="possible", severity="low") if one.reads else one.hit
    for path in dict.fromkeys(one.hit.span.path for one in reads if one.hit.span is not None):
        here = [one.hit for one in reads if one.hit.span is not None and one.hit.span.path == path]
        # What everybody may look at is often left open on purpose: one thing to decide about, and not one for each page.
        more = f", as {len(here) - 1} others of this file that only show something" if len(here) > 1 else ""
        yield replace(here[0], message=here[0].message + more, certainty="possible", severity="low")


@dataclass(frozen=True, slots=True)
class _Found:
    """One route that asks for no role; ``reads``: it changes nothing; ``manages``: it is called so, which says less than "admin": whoever
    manages something shows what there is to others, and asks for a role where it is changed."""

    hit: Hit
    reads: bool
    manages: bool


def _found(app: App, routes: list[Route]) -> tuple[list[_Found], list[str]]:
    """The routes that ask for no role, and the file of each one that does."""
    index = index_of(source_of(app))
    found: list[_Found] = []
    asking: list[str] = []
    for route in routes:
        for method, access in sorted(
            route.access.items(), key=lambda one: one[0] == "GET"
        ):  # what changes something first
            by_policy = any(guard.kind == "policy" for guard in access.guards)  # its requirements stand in the lock
            by_key = all(guard.kind == "view-body" for guard in access.guards) and not _asks_session(
                index, route, method
            )
            if not is_seemingly_guarded(access) or by_policy or by_key or method in ("HEAD", "OPTIONS"):
                continue
            views = list(index.of_view(route.view, route.span, method))
            if _asks_role(app, route, method, [guard.name for guard in access.guards]):
                asking += [one.span.path for one in views[:1]]
            elif not _serves_oneself(index, route, method):
                own = next((one.span for one in views if one.owner), route.span)
                hit = Hit(
                    f"{method} {route.path} is an administrator's by its path, and whoever is logged in passes",
                    own,
                    RouteRef(method, route.path),
                    reader="running" if own is None else None,
                )
                shows = method == "GET" or (method == "POST" and _SEARCHES.search(route.path) is not None)
                reads = shows and not any(writes(source_of(app), one.name) for one in views)
                if reads and not _is_for_admins(route.path):
                    continue  # a blueprint's name says less than a path
                found.append(_Found(hit, reads, _MANAGES.search(route.path) is not None))
                break
    return found, asking


def _knows_only_admins(facts: SourceFacts) -> bool:
    """That the only people who can log in are administrators: the one model of accounts is called so, or it has nothing by which two
    people could differ, and nobody can sign up."""
    people = list(facts.classes("flask_login.UserMixin"))
    names = [one.name.rpartition(".")[2].lower() for one in people]
    if names and all(name in ("admin", "administrator", "superuser") for name in names):
        return True
    if logs_in_admins_alone(facts):
        return True  # there may be other accounts, which nothing logs in
    alike = bool(people) and not any(one.attributes or one.methods or len(one.bases) > 1 for one in people)
    return alike and not any(_REGISTERS.search(route.path) for route in facts.routes)


def _logs_in_admins_only(app: App) -> bool:
    """That a log-in opens administration and nothing else, in an application of some size, and no route asks for more: nobody else has one."""
    closed = [
        route
        for route in app.routes
        if any(
            access.state == "guarded" and any(guard.kind != "view-body" for guard in access.guards)
            for method, access in route.access.items()
            if method != "OPTIONS"
        )
        and not _OF_A_LOG_IN.search(route.path)
    ]
    ruled = [route for route in closed if _is_for_admins(route.path)]
    guards = [guard.name for route in ruled for access in route.access.values() for guard in access.guards]
    if any(_speaks_of_rights(name) for name in guards if not name.startswith("flask.")):
        return False  # who asks for the role at one of them knows people without it
    return 0 < len(ruled) == len(closed) and (len(ruled) >= _MANY or _log_in_is_theirs(app))


def _log_in_is_theirs(app: App) -> bool:
    """``/admin/login`` is the only log-in, and nobody registers: whoever is logged in came through that door."""
    doors = [route.path for route in app.routes if BEST.search(route.path)]
    return (
        bool(doors)
        and all(map(_is_for_admins, doors))
        and not any(_REGISTERS.search(route.path) for route in app.routes if not _is_for_admins(route.path))
    )


def _asks_role(app: App, route: Route, method: str, guards: list[str]) -> bool:
    """That a guard of the view, or the view, asks what role somebody has."""
    facts = source_of(app)
    index = index_of(facts)
    own = list(index.of_view(route.view, route.span, method))
    if says_low(facts, route.view):
        return False
    words, calls = _heard(app, route, own, guards)
    if any(_speaks_of_rights(word) for word in words if not word.startswith("flask.")) or any(
        map(_is_told_role, calls)
    ):
        return True
    names = index.calling([*(function.name for function in own), *words], 2)
    names += [name for word in dict.fromkeys(words) if word in index.by_name for name in inside(facts, word)]
    if _knows_by_admins(index, words):
        return True
    noted, unheard = noted_only(index, names)
    named = {name for name, _ in route.parameters}
    judged = _judged(facts, index, names, noted, unheard)
    if any(_is_role(part) and not _is_sent(facts, part) and not _is_of_a_target(part, named) for part in judged):
        return True
    asked = [
        call
        for name in names
        for call in facts.calls_in(name)
        if call.method not in _ANSWERS and not any(call.span is not None and one.span.holds(call.span) for one in noted)
    ]
    return any(_asks_about(facts, part) for call in asked for part in walk(call)) or _asks_kind(index, names, own)


def _heard(app: App, route: Route, own: list[Function], guards: list[str]) -> tuple[list[str], list[Call]]:
    """The names of what stands before the view, and what it is told, without what refuses nobody for a role."""
    facts = source_of(app)
    known = [one for one in facts.routes if one.path == route.path]
    told = [one for function in own for one in function.decorators]
    deaf = {
        one.name
        for one in told
        if is_told_nothing(facts, one)
        or (one.call is not None and admits_everybody(facts, one.call))
        or (_speaks_of_rights(one.name) and lets_all_in(facts, app.routes, one))
    }
    deaf |= {name for name in guards if _speaks_of_rights(name) and asks_for_a_log_in_alone(facts, name)}
    calls = [one.call for one in told if one.call is not None and one.name not in deaf and not only_describes(one.name)]
    calls += [one for one in _of_classes(index_of(facts), own) if not admits_everybody(facts, one)]
    deaf |= {one.callee for one in calls if asks_nobody_special(facts, one, _is_role)}
    words = [*guards, *(one.name for one in told), *(one.name for each in known for one in each.decorators)]
    words += [hook for one in known for hook in one.hooks]
    return [word for word in words if word not in deaf], calls


def _is_told_role(call: Call) -> bool:
    """``@needs(role="x")``, ``@needs("admin")``."""
    return any(ROLE.search(name) or "admin" in str(text_of(value)).lower() for name, value in call.keywords) or any(
        "admin" in said and "/" not in said for value in call.args if (said := str(text_of(value)).lower())
    )


def _judged(
    facts: SourceFacts, index: FunctionIndex, names: list[str], noted: Collection[Condition], unheard: Collection[str]
) -> Iterator[Value]:
    """Parts of what the functions compare and ask, without what is only noted."""
    for name in names:
        for one in index.comparisons.get(name, ()):
            if facts.function_around(one.span) not in unheard:
                yield from walk(one.left)
                yield from walk(one.right)
        for condition in index.conditions.get(name, ()):
            if condition not in noted:
                yield from walk(condition.value)


def _speaks_of_rights(word: str) -> bool:
    head, _, last = word.rpartition(".")
    return ADMIN_GUARD.search(last) is not None or head.endswith(("Permission", "RoleNeed"))


def _asks_session(index: FunctionIndex, route: Route, method: str) -> bool:
    """That the check in the view asks who is logged in."""
    names = [function.name for function in index.of_view(route.view, route.span, method)]
    values = [side for name in names for one in index.comparisons.get(name, ()) for side in (one.left, one.right)]
    values += [one.value for name in names for one in index.conditions.get(name, ())]
    return any(
        isinstance(part, Name) and (part.dotted.startswith("flask.session") or WHO.search(part.dotted))
        for value in values
        for part in walk(value)
    )


def _is_sent(facts: SourceFacts, part: Value) -> bool:
    """``request.get_json()["role"]``: the role that somebody is to have, and not the one that the caller has."""
    if isinstance(part, Call):
        return False
    return any(
        (part.dotted if isinstance(part, Name) else part.callee if isinstance(part, Call) else "") in _BODY
        for part in walk(part, 6)
    )


def _is_of_a_target(part: Value, named: set[str]) -> bool:
    """The role of whoever the path names, and not of who is calling: ``User.query.get(user_id).role``."""
    inside = list(walk(part, 8)) if isinstance(part, Member) else []
    return any(isinstance(one, Parameter) and one.parameter in named for one in inside) and not any(
        isinstance(one, Name) and WHO.search(one.dotted) for one in inside
    )


def _asks_about(facts: SourceFacts, part: Value) -> bool:
    """In what is called: a function that is asked for a role, or the role of who is calling. A role that is written is none."""
    if isinstance(part, Call):
        return _is_role(part)
    if not _is_role(part):
        return False
    who = any(isinstance(one, Name) and WHO.search(one.dotted) for one in walk(part))
    return who or (isinstance(part, Item) and not _is_sent(facts, part))


def _is_named_for_admins(route: Route) -> bool:
    """By its path, by the blueprint that it stands in, or by the name of its view."""
    if _is_for_admins(route.path):
        return True
    named = _ADMIN_BLUEPRINT.search(route.blueprint) or _ADMIN_VIEW.search(route.view.rpartition(".")[2])
    return named is not None and _OF_ONESELF.search(route.path) is None


def _asks_kind(index: FunctionIndex, names: list[str], own: list[Function]) -> bool:
    """A guard that turns away whoever is of another kind: ``if not member.is_librarian: abort(403)``, ``if not session.get("editor")``."""
    views = {function.name for function in own}
    return any(
        (isinstance(part, Member) and _KIND.match(part.attribute) is not None) or is_flag_of_staff(part)
        for name in names
        if name not in views
        for one in index.conditions.get(name, ())
        if one.refuses
        for part in walk(one.value, 6)
    )


def _serves_oneself(index: FunctionIndex, route: Route, method: str) -> bool:
    """That the view only sends on to another route, or looks up nothing but what is the caller's own: ``filter_by(user_id=current_user.id)``."""
    own = list(index.of_view(route.view, route.span, method))
    calls = [call for function in own for call in index.facts.calls_in(function.name)]
    returned = [value for function in own for value in function.returns]
    if returned and all(isinstance(value, Call) and value.callee == "flask.redirect" for value in returned):
        return all(call.callee in _SENDS_ON for call in calls)
    asked = [call for call in calls if call.method in _LOOKS_UP and not call.callee.startswith("flask.")]
    filters = [call for call in asked if call.method in ("filter_by", "filter", "where")]
    return bool(filters) and len(filters) == len(asked) and all(_is_own(call) for call in filters)


def _is_own(call: Call) -> bool:
    given = (*call.args, *(value for _, value in call.keywords))
    return any(isinstance(part, Name) and WHO.search(part.dotted) for value in given for part in walk(value, 4))


def _of_classes(index: FunctionIndex, own: list[Function]) -> list[Call]:
    """What is called in the ``decorators`` of the view classes that these are methods of."""
    owners = {function.owner for function in own} - {""}
    return [
        part
        for one in (index.facts.classes() if owners else ())
        if one.name in owners
        for attribute in ("decorators", "method_decorators")
        for part in walk(one.attributes.get(attribute), 3)
        if isinstance(part, Call)
    ]


def _knows_by_admins(index: FunctionIndex, words: list[str]) -> bool:
    """The guard looks for whoever is logged in among administrators: ``AdminUser.get_by_email(session["email"])``."""
    inner = [name for word in dict.fromkeys(words) for name in inside(index.facts, word)]
    guards = index.calling([*(word for word in words if word in index.by_name), *inner], 2)
    return any(_OF_ADMINS.search(call.callee) for name in guards for call in index.facts.calls_in(name))


def _is_for_admins(path: str) -> bool:
    return ADMIN.search(path) is not None and _OF_ONESELF.search(path) is None


def _is_role(part: Value) -> bool:
    match part:
        case Member(attribute=word) | Name(dotted=word) | Call(callee=word):
            last = word.rpartition(".")[2]
            if _KIND_OF_USER.search(word):
                return True
            return bool(ROLE.search(last)) or bool(
                re.search(
                    r"(?i)role|permission|admin|has_scope|capabilit|has_rights?$|privilege|^(?:can|may|is_allowed|allowed_to)$",
                    last,
                )
            )
        case ConfigValue(key=word) | EnvironmentValue(variable=word):
            return "admin" in word.lower()
        case Item():
            return bool(ROLE.search(text_of(part.key) or "") or _SCOPE.fullmatch(text_of(part.key) or ""))
        case _:
            return False


RULE = Rule(
    slug="admin-route-weakly-protected",
    family="authorization",
    title="An admin route is guarded no more strongly than user routes",
    harm=__doc__ or "",
    severity="high",
    check="function-authorization",
    cwe=(285,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("source",),
    ends='`@(bearer & role("admin"))` of Stopper says who may pass, and the lock shows it in review.',
    certainty="likely",
    detect=detect,
)
