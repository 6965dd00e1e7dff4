"""A token that was given for reading does everything else too, because nobody looks at its scopes."""

import re
from collections.abc import Iterator
from collections.abc import Sequence as SequenceType
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.idle_questions import is_only_noted, only_notes
from stopper.core.guards.told_nothing import is_told_in_vain, is_told_nothing
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import TRIES, attempt, controls, establish
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import CONNEXION, CONNEXION_ADMINS, mapping, operations
from stopper.core.values import Call, Constant, Mapping, Parameter, Sequence, Value, options, text_of, walk

_SAYS: Final = frozenset(
    {"debug", "info", "warning", "error", "exception", "log", "print", "jsonify", "split", "render_template"}
)
"""Calls that show or take apart what a token says, and refuse nobody."""
_SPELLED: Final = re.compile(r"\w[:./]\w")
"""How scopes are mostly spelled: ``orders:read``."""
_CHECKS: Final = re.compile(
    r"(?i)scope|scp\b|permission|role|privilege|polic|authori[sz]e|rbac|entitle|has_access|can_"
)
_CLAIMS: Final = ("scope", "scp", "scopes", "permissions")


def detect(app: App) -> Iterator[Hit]:
    """Operations with scopes in the document, whose view and guards never look at a scope, a role or a permission."""
    yield from _deaf_functions(app)
    yield from _written_beside(app)
    wanted = [route for route in app.routes if route.spec_scopes and route.readers & {"source", "running"}]
    if not wanted or app.source is None:
        return
    index = index_of(source_of(app))
    known = frozenset(
        scope for route in wanted for scopes in route.spec_scopes.values() for scope in scopes
    ) | _declared(app)
    for route in wanted:
        for method, scopes in route.spec_scopes.items():
            if not (method in route.methods and route.view):
                continue
            if not _looks(index, route, method, scopes) or _looks_at_others(index, route, method, scopes, known):
                ref = RouteRef(method, route.path)
                text = f"the document asks for the scope {', '.join(scopes)} at {ref}, and the code looks at no scope"
                yield Hit(text, route.span, ref)


def _declared(app: App) -> frozenset[str]:
    """All scopes that the flows of the document know."""
    flows = (flow for scheme in _schemes(app).values() for flow in mapping(mapping(scheme).get("flows")).values())
    return frozenset(str(scope) for flow in flows for scope in mapping(mapping(flow).get("scopes")))


def _schemes(app: App) -> dict[str, object]:
    document = mapping(app.spec.document if app.spec is not None else None)
    return {
        **mapping(mapping(document.get("components")).get("securitySchemes")),
        **mapping(document.get("securityDefinitions")),
    }


def _written_beside(app: App) -> Iterator[Hit]:
    """Scopes that a decorator of the view writes into the document which a library makes: ``@blp.doc(security=[{"oauth2": ["claims:approve"]}])``."""
    facts = source_of(app)
    if app.source is None or not facts.says("security"):
        return
    index = index_of(facts)
    for route in app.routes:
        for method in route.methods if route.view and not route.spec_scopes else ():
            own = list(index.of_view(route.view, route.span, method)) if method not in ("HEAD", "OPTIONS") else []
            calls = [one.call for function in own for one in function.decorators if one.call is not None]
            scopes = [scope for call in calls for scope in _of_security(call.keyword("security"))]
            if scopes and not _looks(index, route, method, scopes):
                ref = RouteRef(method, route.path)
                text = f"the document asks for the scope {', '.join(scopes)} at {ref}, and the code looks at no scope"
                yield Hit(text, own[0].span, ref)


def _of_security(said: Value | None) -> Iterator[str]:
    """The scopes of ``[{"oauth2": ["notes:read"]}]``, also where one stands there as a text."""
    for one in said.items if isinstance(said, Sequence) else (said,):
        for _, held in one.items if isinstance(one, Mapping) else ():
            for scope in held.items if isinstance(held, Sequence) else (held,):
                if text := text_of(scope):
                    yield text


def _deaf_functions(app: App) -> Iterator[Hit]:
    """``x-scopeValidateFunc`` of Connexion, with a function of the project that never looks at the scopes that it is handed first."""
    if app.spec is None or app.source is None:
        return
    facts = source_of(app)
    for name, scheme in _schemes(app).items():
        asked = [one for one in operations(app.spec) if any(mapping(said).get(name) for said in one.security or ())]
        tells = mapping(scheme).get("x-tokenInfoFunc") or mapping(scheme).get("x-bearerInfoFunc")
        for given in facts.returns_of(str(tells)) if asked else ():
            if not facts.is_test(given.span) and any(map(_is_of_every_token, options(given.value))):
                yield Hit("every token has the same scopes here, whatever it says of itself", given.span, asked[0].ref)
        function = facts.function(str(mapping(scheme).get("x-scopeValidateFunc")))
        if function is None or not function.parameters or facts.is_test(function.span):
            continue
        if asked and not _uses(facts, function.name, function.parameters[0]):
            text = f"the scopes that the document asks for are handed to {function.name.rpartition('.')[2]}(), which does not look at them"
            yield Hit(text, next((one.span for one in facts.returns_of(function.name)), function.span), asked[0].ref)


def _is_of_every_token(info: Value) -> bool:
    """``{"sub": claims["sub"], "scope": ["orders:write"]}``: the scopes are written down."""
    said = (info.get("scope") or info.get("scopes")) if isinstance(info, Mapping) else None
    if isinstance(said, Sequence):
        return bool(said.items) and not said.open and all(isinstance(one, Constant) for one in said.items)
    return isinstance(said, Constant) and isinstance(said.value, str) and bool(said.value)


def _uses(facts: SourceFacts, function: str, parameter: str) -> bool:
    values: list[Value] = [one.value for one in facts.returns_of(function)]
    values += [one.value for one in facts.conditions_in(function)]
    values += [one.value for one in facts.assignments_in(function)]
    values += facts.calls_in(function)
    values += [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    return any(
        isinstance(part, Parameter) and part.parameter == parameter for value in values for part in walk(value, 10)
    )


def _looks(index: FunctionIndex, route: Route, method: str, scopes: SequenceType[str]) -> bool:
    """That the view, a guard, or what they call speaks of scopes. Where no function is found, nothing is said."""
    own = list(index.of_view(route.view, route.span, method))
    access = route.access.get(method)
    guards = access.guards if access is not None else ()
    decorators = [one for function in own for one in function.decorators if not one.above_route]
    deaf = {one.name for one in decorators if is_told_nothing(index.facts, one) or is_told_in_vain(index.facts, one)}
    if any(guard.name in (CONNEXION, CONNEXION_ADMINS) for guard in guards):
        return True  # Connexion holds the token's scopes against the document's, or hands them on: see above
    names = [*(guard.name for guard in guards), *(one.name for one in decorators)]
    names = [name for name in names if name not in deaf]
    if not own or any(guard.kind == "policy" for guard in guards) or any(_CHECKS.search(name) for name in names):
        return True
    unseen = {guard.name for guard in guards if guard.stops is None}
    if any(one.name in unseen and one.call is not None and _names_something(one.call) for one in decorators):
        return True  # the guard stands in code that was not read, and is told words
    values: list[Value] = [
        one.call
        for one in decorators
        if one.call is not None
        and "route" not in one.name
        and one.name not in deaf
        and one.call.keyword("security") is None  # it writes the document
    ]
    heads = [*names, *(function.name for function in own)]
    roots = [name for head in heads for name in (head, *inside(index.facts, head)) if name in index.by_name]
    for name in index.calling(roots, 3):
        values += [call for call in index.facts.calls_in(name) if call.method not in _SAYS]
        compared = [one for one in index.comparisons.get(name, ()) if not is_only_noted(index, name, one)]
        values += [side for one in compared for side in (one.left, one.right)]
        values += [one.value for one in index.conditions.get(name, ()) if not only_notes(index, name, one)]
    return any(_speaks(part, scopes) for value in values for part in walk(value, 6))


def _looks_at_others(
    index: FunctionIndex, route: Route, method: str, scopes: SequenceType[str], known: frozenset[str]
) -> bool:
    """That the view and its decorators speak of scopes of the document, and of none that it asks for here."""
    own = list(index.of_view(route.view, route.span, method))
    values: list[Value] = [one.call for function in own for one in function.decorators if one.call is not None]
    for function in own:
        values += index.facts.calls_in(function.name)
        values += [side for one in index.comparisons.get(function.name, ()) for side in (one.left, one.right)]
    said = {text_of(part) for value in values for part in walk(value, 6)} & known
    named = {word for word in said if word and _SPELLED.search(word)}  # a bare word may stand for anything
    asked = {
        word for one in values if isinstance(one, Call) for word in _asked(one.keyword("scopes", "required_scopes"))
    }
    if asked and asked.isdisjoint(scopes) and all(map(_SPELLED.search, scopes)):
        return True  # ``@require_token(scopes=("notes", "profile"))`` at an operation of ``notes:admin``
    return bool(named) and said.isdisjoint(scopes)


def _asked(said: Value | None) -> set[str]:
    """The scopes that a guard is told, where all of them can be read."""
    held = said.items if isinstance(said, Sequence) and not said.open else ()
    texts = {text for one in held if (text := text_of(one)) is not None}
    return texts if len(texts) == len(held) else set()


def _names_something(call: Call) -> bool:
    given = (*call.args, *(value for _, value in call.keywords))
    return any(text_of(part) for value in given for part in walk(value, 2))


def _speaks(part: Value, scopes: SequenceType[str]) -> bool:
    if isinstance(part, Constant):
        return isinstance(part.value, str) and (part.value in scopes or bool(_CHECKS.fullmatch(part.value)))
    said = (getattr(part, word, "") for word in ("dotted", "callee", "attribute", "parameter", "name"))
    keywords = cast("tuple[tuple[str, Value], ...]", getattr(part, "keywords", ()))
    return any(_CHECKS.search(str(word)) for word in said) or any(_CHECKS.search(word) for word, _ in keywords)


def probe(target: Target) -> Steps[Verdict]:
    """A token whose own claims say other scopes must not open an operation that the document gives a scope."""
    routes = [one for one in target.app.routes if "GET" in one.methods and one.spec_scopes.get("GET")]
    if not routes:
        return not_applicable("no document asks for a scope on an operation that can be read")
    tried = 0
    for route in routes[: TRIES[target.depth] // 3]:
        scopes = route.spec_scopes["GET"]
        low = next((one for one in target.identities if _lacks(target, one, scopes)), None)
        baseline = None if low is None else (yield from attempt(establish(target, route, "GET", low)))
        if baseline is None:
            continue
        tried += 1
        if baseline.kind == "protected":
            said = Evidence("spec", f"the document asks for the scope {', '.join(scopes)} at {baseline.ref}")
            message = f"{baseline.ref} takes a token without the scope {', '.join(scopes)}"
            return failed(message, [baseline.ref], [said, *controls(baseline)])
    if not tried:
        return unsure("no token of this scan says that it lacks a scope of the document")
    return passed(f"{tried} operations refuse a token that lacks their scope, or are open to all")


def _lacks(target: Target, one: Identity, scopes: SequenceType[str]) -> bool:
    """The token says which scopes it has, and one that is asked for is not among them."""
    claims = target.forge.claims(one.token.reveal()) if one.token is not None else {}
    said = [claims[name] for name in _CLAIMS if name in claims]
    words = {
        str(word)
        for value in said
        for word in (re.split(r"[\s,]+", value) if isinstance(value, str) else cast("list[object]", value or []))
    }
    return bool(said) and not set(scopes) <= words and not any("*" in word or "admin" in word for word in words)


RULE = Rule(
    slug="spec-scopes-not-enforced",
    family="authorization",
    title="Scopes of the spec are not enforced",
    harm=__doc__ or "",
    severity="high",
    check="function-authorization",
    cwe=(863,),
    owasp="API5:2023",
    asvs=("V10.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends='`@(bearer & scope("notes:read"))` of Stopper refuses every token without that scope.',
    certainty="likely",
    detect=detect,
    probe=probe,
)
