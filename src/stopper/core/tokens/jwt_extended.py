"""What an application does with Flask-JWT-Extended, versions 3 and 4: its manager, its guards, its loaders, its settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import MISSING, in_force, members, plain, switches, written
from stopper.core.fact import Decorator
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.view_functions import VERBS, viewed_class
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Item,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

LIBRARY: Final = "flask_jwt_extended"
FACE: Final = "stopper.compat.flask_jwt_extended"
GUARDS: Final = {
    f"{LIBRARY}.{home}{name}": name
    for home in ("", "view_decorators.")
    for name in ("jwt_required", "jwt_optional", "fresh_jwt_required", "jwt_refresh_token_required", "verify_jwt_in_request",
                 "verify_jwt_in_request_optional", "verify_fresh_jwt_in_request", "verify_jwt_refresh_token_in_request")
}  # fmt: skip
"""Decorators and calls that look at a token, with their plain name; all but two are of version 3 alone."""
OLD: Final = frozenset(
    {"jwt_optional", "fresh_jwt_required", "jwt_refresh_token_required", "get_raw_jwt", "get_jwt_claims"}
)
"""Names that version 4 no longer has."""
BLOCKLIST: Final = ("token_in_blocklist_loader", "token_in_blacklist_loader")
LOOKUP: Final = ("user_lookup_loader", "user_loader_callback_loader")

_ENDS: Final = re.compile(r"(?i)log-?_?out|revoke|sign-?_?out")


@dataclass(frozen=True, slots=True)
class Guarded:
    """One view function with one guard: the methods and paths it answers, and how the guard is written (None: no parentheses)."""

    function: str
    guard: str
    call: Call | None
    span: Span
    methods: frozenset[str]
    paths: tuple[str, ...]
    spared: bool = False
    """That a hook lets pass whoever shows no token here, by the name of the endpoint."""

    @property
    def optional(self) -> bool:
        """That a caller without a token passes."""
        return self.spared or "optional" in self.guard or self._says("optional", 0)

    @property
    def fresh(self) -> bool:
        """That only a token from a log-in passes."""
        said = self.call.argument(1, "fresh") if self.call is not None else None
        return "fresh" in self.guard.replace("refresh", "") or not (said is None or is_constant(said, False, None))

    @property
    def refresh(self) -> bool:
        """That it takes refresh tokens."""
        return "refresh" in self.guard or self._says("refresh", 2)

    @property
    def shown(self) -> str:
        """Its first path; the name of its function where no path is known."""
        return self.paths[0] if self.paths else self.function.rpartition(".")[2]

    @property
    def ends_tokens(self) -> bool:
        """That its paths say log-out: it takes tokens of every kind in order to revoke them."""
        return any(_ENDS.search(path) for path in self.paths)

    def _says(self, word: str, position: int) -> bool:
        return self.call is not None and is_constant(self.call.argument(position, word), True)


def revokes(facts: SourceFacts, one: Guarded) -> bool:
    """That the route takes the token's own jti to wherever ended ones are kept: ``tokens.revoke(get_jwt()["jti"])``, also in a function of the
    project that it calls; a route that makes new tokens does more than to end one."""
    if any(call.callee == f"{LIBRARY}.create_access_token" for call in facts.calls_in(one.function)):
        return one.ends_tokens
    called = (call.callee for call in facts.calls_in(one.function) if facts.function(call.callee) is not None)
    return one.ends_tokens or any(
        isinstance(part, Item) and text_of(part.key) == "jti"
        for name in dict.fromkeys((one.function, *called))
        for call in facts.calls_in(name)
        for given in (*call.args, *(value for _, value in call.keywords))
        for part in walk(given, 4)
    )


def uses(app: App) -> bool:
    """That the application uses the library."""
    return source_of(app).imports(LIBRARY) or in_force(app, "JWT_TOKEN_LOCATION") is not MISSING


def stands_on_stopper(app: App) -> bool:
    """That it is Stopper's face of the library: weak settings that it fills in safely are no weakness there."""
    return source_of(app).imports(FACE) or in_force(app, "JWT_ALLOW_LEGACY_MESSAGES") is not MISSING


def ended(app: App, switch: str) -> bool:
    """That Stopper's face of the library ends the weakness, and *switch* does not bring it back."""
    return stands_on_stopper(app) and not any(doubt.value for doubt in switches(app, switch))


def version(app: App) -> int:
    """The library's major version: installed, required, or told by names that only one has; 4 where nothing tells."""
    facts = source_of(app)
    if facts.imports(*(f"{LIBRARY}.{name}" for name in OLD)) or any(
        True for _ in written(app, "JWT_BLACKLIST_ENABLED")
    ):
        return 3
    found = re.match(r"\D*(\d+)", app.dependencies.get("flask-jwt-extended", ""))
    return int(found.group(1)) if found else 4


def manager(app: App) -> Span | None:
    """Where the source makes its JWTManager: the place of what is not there."""
    facts = source_of(app)
    managers = (f"{LIBRARY}.JWTManager", f"{LIBRARY}.jwt_manager.JWTManager")
    derived = [one.name for one in facts.classes(*managers)]
    return next((call.span for call in facts.calls(*managers, *derived)), None)


def locations(app: App) -> tuple[str, ...]:
    """Where tokens are looked for, as settings and single guards say; the library's default where none does."""
    facts = source_of(app)
    found = [one for write in written(app, "JWT_TOKEN_LOCATION") for one in plain(facts, write.value)]
    force = in_force(app, "JWT_TOKEN_LOCATION")
    if force is not MISSING:
        found.append(force)
    for call in facts.calls(*GUARDS):
        told = plain(facts, call.argument(3, "locations"))
        found += told
        found += ["headers"] if told and len(found) == len(told) else []  # the guards that name none take the default
    names = [part for one in found for part in members(one)]
    return tuple(str(name) for name in names) or ("headers",)


def guarded(facts: SourceFacts) -> Iterator[Guarded]:
    """Every view function that the library guards: by decorator, by a view class's ``decorators``, by a call in its body."""
    if not facts.imports(LIBRARY):
        return
    for function in facts.functions():
        for decorator in function.decorators:
            if decorator.name in GUARDS:
                yield _guarded(facts, function.name, decorator.name, decorator.call, decorator.span)
            else:
                yield from _guarded_by_short_name(facts, function.name, decorator)
    for call in facts.calls(*(name for name in GUARDS if "verify" in name)):
        if call.span is not None and facts.is_view(call.function):
            yield _guarded(facts, call.function, call.callee, call, call.span)
        else:
            yield from _guarded_by_wrapper(facts, call)
            yield from _guarded_by_hook(facts, call)
    for rule in facts.calls("*.add_url_rule"):
        yield from _guarded_by_application(facts, rule.argument(2, "view_func"))
    for found in facts.classes():
        for name, call in _listed(found.attributes.get("decorators") or found.attributes.get("method_decorators")):
            for verb in found.methods:
                if verb in VERBS:
                    yield _guarded(facts, f"{found.name}.{verb}", name, call, call.span or found.span)


def _guarded_by_short_name(facts: SourceFacts, view: str, decorator: Decorator) -> Iterator[Guarded]:
    """``@member`` of the project, which gives ``jwt_required(optional=True)(view)`` back."""
    made = facts.function(decorator.name)
    for one in made.returns if made is not None and facts.is_view(view) else ():
        name = one.callee.removesuffix(".__call__") if isinstance(one, Call) else ""
        if isinstance(one, Call) and name in GUARDS and isinstance(one.receiver, Call):
            yield _guarded(facts, view, name, one.receiver, decorator.span)


def _guarded_by_wrapper(facts: SourceFacts, call: Call) -> Iterator[Guarded]:
    """The views under a decorator of the project whose wrapper makes this call; the place is where the decorator stands."""
    for function in facts.functions() if "." in call.function else ():
        for decorator in function.decorators:
            if call.function.startswith(f"{decorator.name}.") and facts.is_view(function.name):
                yield _guarded(facts, function.name, call.callee, call, decorator.span)


def _guarded_by_hook(facts: SourceFacts, call: Call) -> Iterator[Guarded]:
    """The views of routes before which a hook makes this call; the place is the call."""
    for route in facts.routes if call.function and call.span is not None else ():
        if call.function in route.hooks and call.span is not None:
            found = _guarded(facts, route.view, call.callee, call, call.span)
            yield replace(found, spared=_is_spared(call.argument(0, "optional"), route.view))


def _is_spared(value: Value | None, view: str) -> bool:
    """``optional=request.endpoint in OPEN``: that the view is one of those."""
    match value:
        case Truth(parts=(Name(dotted="flask.request.endpoint"), *wanted), differs=differs):
            names = [text_of(part) for one in wanted for part in (one.items if isinstance(one, Sequence) else (one,))]
            said = any(name and name.rpartition(".")[2] == view.rpartition(".")[2] for name in names)
            return said is not differs
        case _:
            return False


def _guarded_by_application(facts: SourceFacts, view: Value | None) -> Iterator[Guarded]:
    """``jwt_required(refresh=True)(view)``, where a rule is added by a call."""
    applied = [one for one in options(view) if isinstance(one, Call)]
    guards: list[tuple[str, Call]] = []
    for one in applied:
        if one.callee.removesuffix(".__call__") in GUARDS:
            guards.append(
                (one.callee.removesuffix(".__call__"), one.receiver if isinstance(one.receiver, Call) else one)
            )
        applied += [inner for inner in one.args if isinstance(inner, Call)]
    names = [inner.dotted for one in applied for inner in one.args if isinstance(inner, Name)]
    names += [
        f"{owner}.{method}"
        for one in applied
        if (known := classes_by_name(facts).get(owner := viewed_class(one))) is not None
        for method in known.methods
        if method in VERBS
    ]
    for name in names if guards else ():
        for guard, call in guards:
            if facts.is_view(name) and call.span is not None:
                yield _guarded(facts, name, guard, call, call.span)


def _listed(value: Value | None) -> Iterator[tuple[str, Call]]:
    for item in value.items if isinstance(value, Sequence) else ():
        if isinstance(item, Call) and item.callee in GUARDS:
            yield item.callee, item


def _guarded(facts: SourceFacts, function: str, guard: str, call: Call | None, span: Span) -> Guarded:
    routes = facts.routes_of_view(function)
    verb = function.rpartition(".")[2]
    of_class = verb in VERBS and all(route.view != function for route in routes)
    methods = frozenset(method for route in routes for method in route.methods) - {"HEAD", "OPTIONS"}
    mine = frozenset({verb.upper()}) if of_class else methods
    return Guarded(function, GUARDS[guard], call, span, mine, tuple(dict.fromkeys(route.path for route in routes)))


def registers(facts: SourceFacts, names: tuple[str, ...]) -> bool:
    """That some function is registered by a method of one of these names, as a decorator or by a call."""
    if any(True for _ in facts.calls(*(f"*.{name}" for name in names))):
        return True
    return any(
        decorator.name.rpartition(".")[2] in names
        for function in facts.functions()
        for decorator in function.decorators
    )


def issues(facts: SourceFacts, word: str = "create_access_token") -> Iterator[Call]:
    """The calls that make a token."""
    return facts.calls(f"{LIBRARY}.{word}", f"{LIBRARY}.utils.{word}")


def said_lifetime(call: Call) -> Value | None:
    """What a call that makes a token says about how long it lives; the two functions have it at different places."""
    return call.argument(1 if call.method == "create_refresh_token" else 2, "expires_delta")
