"""A token goes on working after its owner logged out."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import in_force, switches
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.nested_functions import inside
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_extended import BLOCKLIST, guarded, issues, manager, registers, uses, version
from stopper.core.values import Item, Name, Value, is_constant, text_of, walk

_OUT: Final = re.compile(
    r"(?i)(^|[/_.-])(log[-_]?out|sign[-_]?out|log[-_]?off|(revoke[-_]?tokens?|tokens?/revoke)|(?:auth|session)/revoke)([/_-]|$)"
)

_SESSION: Final = re.compile(r"(?i)/(?:sessions?|log-?in|tokens?|auth)(?:/current|/me)?/?$")


def detect(app: App) -> Iterator[Hit]:
    """A log-out or refresh tokens, and no loader that says which tokens were taken back (or the loader is switched off)."""
    place, known = manager(app), app.extensions.tokens
    if known is None and (place is None or not uses(app)):
        return
    facts = source_of(app)
    wants = [route.path for route in app.routes if _OUT.search(route.path)]
    views = (route.view.rpartition(".")[2] for route in facts.routes)
    wants += [word for word in views if not wants and _OUT.search(word.lower())]
    wants += [
        route.path for route in facts.routes if not wants and "DELETE" in route.methods and _SESSION.search(route.path)
    ]
    if not wants and not _refreshes(app):
        return
    reason = f"{wants[0]} logs out" if wants else "refresh tokens are issued"
    said = f"{reason}, but no token_in_blocklist_loader says which tokens were taken back"
    if known is not None and not known.blocklist:
        yield Hit(said, place, reader="running")
    if place is None:
        return
    if always := _always_says_no(facts):
        yield Hit("the loader says of every token that it was not taken back", always)
    elif not registers(facts, BLOCKLIST):
        if (known is None or not known.blocklist) and not _asks_by_decorator(facts):
            yield Hit(said, place)
    elif version(app) < 4:
        off = [doubt.span for doubt in switches(app, "JWT_BLACKLIST_ENABLED") if not doubt.value and doubt.span]
        if off or in_force(app, "JWT_BLACKLIST_ENABLED") is False:
            yield Hit("JWT_BLACKLIST_ENABLED is off, so the loader is never asked", off[0] if off else place)


def _always_says_no(facts: SourceFacts) -> Span | None:
    """``return False``, and nothing else, in the loader."""
    named = {
        one.dotted
        for call in facts.calls(*(f"*.{name}" for name in BLOCKLIST))
        for one in call.args
        if isinstance(one, Name)
    }
    for function in facts.functions():
        loads = function.name in named or any(one.name.endswith(BLOCKLIST) for one in function.decorators)
        if loads and function.returns and all(is_constant(one, False, None) for one in function.returns):
            return function.span
    return None


def _asks_by_decorator(facts: SourceFacts) -> bool:
    """A decorator of the project looks for the token's ``jti`` among those that were taken back, and refuses."""
    loaders = {
        one.dotted
        for call in facts.calls("*.user_lookup_loader", "*.user_loader_callback_loader")
        for one in call.args
        if isinstance(one, Name)
    }
    if any(_is_jti(part) for name in loaders for call in facts.calls_in(name) for part in walk(call, 5)):
        return True  # whose session has ended is nobody
    used = {decorator.name for function in facts.functions() for decorator in function.decorators}
    for name in used:
        for function in (name, *inside(facts, name)):
            calls = list(facts.calls_in(function))
            looks = any(_is_jti(part) for call in calls for part in walk(call, 5))
            if looks and (
                any(one.refuses for one in facts.conditions_in(function))
                or any(call.method == "abort" for call in calls)
            ):
                return True
    return False


def _is_jti(part: Value) -> bool:
    return isinstance(part, Item) and text_of(part.key) == "jti"


def _refreshes(app: App) -> bool:
    """That tokens are refreshed: a guard takes refresh tokens, or one is made."""
    facts = source_of(app)
    return (
        any(one.refresh for one in app.extensions.token_guards)
        or any(one.refresh for one in guarded(facts))
        or any(True for _ in issues(facts, "create_refresh_token"))
    )


RULE = Rule(
    slug="jwt-blocklist-loader-missing",
    family="flask-jwt-extended",
    title="Nothing asks whether a token was taken back",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.1",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` asks its store about revoked tokens at every request.",
    certainty="likely",
    detect=detect,
)
