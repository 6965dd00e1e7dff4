"""A cache on the way, or the browser's own, keeps the token after its owner has left."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.server_headers import said_by_server
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.request_hooks import AFTER, hung
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.accounts.login import entered, token_in
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import FACE
from stopper.core.tokens.jwt_keys import returned_by
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

HANDED: Final = frozenset(
    {"access_token", "accesstoken", "refresh_token", "refreshtoken", "id_token", "auth_token", "bearer_token", "jwt"}
)
"""Members of an answer that are a token."""
MAYBE: Final = frozenset(
    {
        "token",
        "access",
        "refresh",
        "bearer",
        "auth",
        "session",
        "jwt_token",
        "api_token",
        "user_token",
        "session_token",
        "api_key",
        "apikey",
        "key",
        "new_key",
        "secret",
        "client_secret",
    }
)
"""A member that is one where its value is."""
_BODY_WORDS: Final = HANDED | MAYBE
LAYERS: Final = 4
"""Functions from a view to what makes the body of its answer: service, factory, and two more."""
_GUARDS: Final = re.compile(r"(?i)cache|no_store|nostore")
_UNPACKS: Final = frozenset(
    {"asdict", "_asdict", "to_dict", "as_dict", "model_dump", "dict", "json", "dump", "dumps", "jsonify", "vars"}
)
_CLIENTS: Final = ("requests.", "httpx.", "urllib.", "urllib3.", "aiohttp.")
_REDIRECTS: Final = ("flask.redirect", "werkzeug.utils.redirect")
_MAKERS: Final = ("flask.jsonify", "flask.make_response", "flask.json.jsonify", "dict", "flask.Response")


def detect(app: App) -> Iterator[Hit]:
    """A view that returns a token where nothing says that it may not be stored."""
    facts = source_of(app)
    if not facts.says_anyhow(*_BODY_WORDS) and not any(_BODY_WORDS & one.fields.keys() for one in facts.classes()):
        return
    views = {route.view for route in facts.routes}
    handing = [
        one
        for one in facts.returns()
        if (one.function in views or one.function.rpartition(".")[0] in views)
        and not _only_redirects(one.value)
        and _hands_out(facts, one.value, views)
    ]
    if not handing or (guarded := _guarded(facts)) is None:
        return
    made_by: set[str] = set()
    for returned in handing:
        maker = returned.value.callee if isinstance(returned.value, Call) else ""
        if maker in made_by or returned.function in made_by:
            continue  # another view gives back what the same function made, or that function stands in the view's class
        function = facts.function(returned.function)
        decorated = function is not None and any(
            _GUARDS.search(one.name) and _may_say_so(facts, one.name, guarded) for one in function.decorators
        )
        said = (part.callee for part in walk(returned.value, 5) if isinstance(part, Call))
        if returned.function not in guarded and not decorated and guarded.isdisjoint(said):
            made_by |= {maker} if facts.function(maker) is not None else set()
            yield Hit("an answer with a token has no `Cache-Control: no-store`", returned.span)


def _only_redirects(value: Value) -> bool:
    """That the answer has an address and no body; a token in the address is asked about elsewhere."""
    return all(isinstance(one, Call) and one.callee in _REDIRECTS for one in options(value))


def _hands_out(facts: SourceFacts, value: Value, views: set[str]) -> bool:
    """Somewhere in what is returned, in a mapping that a function called there gives, or in what services behind it make of it; what
    another view answers is told there."""
    seen = set(views)
    level: list[Value] = []
    # ``caller()["id"]`` gives one member of what the function returns, and no other.
    taken = {
        id(inner.owner)
        for inner in walk(value, 5)
        if isinstance(inner, Item) and (text_of(inner.key) or "token").lower() not in _BODY_WORDS
    }
    # ``requests.get(address, params={"access_token": own})``: what goes out is no answer.
    sent = {
        id(part)
        for made in walk(value, 5)
        if isinstance(made, Call) and made.callee.startswith(_CLIENTS)
        for given in (*made.args, *(held for _, held in made.keywords))
        for part in walk(given, 5)
    }
    # ``Radio({"token": own}).playlist()`` gives a list, and not what the object of a library was made with.
    sent |= {
        id(part)
        for made in walk(value, 5)
        if isinstance(made, Call) and isinstance(made.receiver, Call) and made.method not in _UNPACKS
        for given in made.receiver.args
        if isinstance(given, Mapping) and facts.function(made.receiver.callee) is None
        for part in walk(given, 5)
    }
    # ``jsonify(api.__schema__)``: what an object of a library was made with is no part of what it says.
    sent |= {
        id(part)
        for said in walk(value, 5)
        if isinstance(said, Member) and isinstance(said.owner, Call) and said.owner.method[:1].isupper()
        for _, held in said.owner.keywords
        if isinstance(held, Mapping)
        for part in walk(held, 5)
    }
    for inner in walk(value, 5):
        if id(inner) in sent:
            continue
        if _is_token_body(facts, inner):
            return True
        if isinstance(inner, Call) and id(inner) not in taken:
            level += [one for one in returned_by(facts, inner.callee) if isinstance(one, Mapping)]
    level += _handed_on(facts, value, seen)
    for _ in range(LAYERS):
        if any(_is_token_body(facts, inner) for one in level for inner in _bodies(one)):
            return True
        level = [made for one in level for made in _handed_on(facts, one, seen)]
    return False


def _handed_on(facts: SourceFacts, value: Value, seen: set[str]) -> list[Value]:
    """What the functions of the project return whose results are the value, or members of it, and not parts of something else."""
    calls = {one.callee: one for one in _bodies(value) if isinstance(one, Call) and one.callee not in seen}
    seen.update(calls)
    return [made.value for call in calls.values() for made in facts.returns_of(call.callee)
            if not _only_when_asked(facts, made.span, call)]  # fmt: skip


def _only_when_asked(facts: SourceFacts, place: Span, call: Call) -> bool:
    """``if with_token:`` round what is returned, where this call leaves that at its default, which is no."""
    return any(
        isinstance(asked := condition.value, Parameter)
        and not condition.negated
        and is_constant(asked.default, False, None)
        and call.argument(asked.index, asked.parameter) is None
        for condition in facts.conditions_around(place)
    )


def _bodies(value: Value, depth: int = 4) -> Iterator[Value]:
    """The value and what of it becomes the answer: what is given to ``jsonify``, members, one of a choice, an object that is unpacked."""
    if depth == 0:
        return
    inside: tuple[Value, ...] = ()
    match value:
        case Choice() | Sequence():
            inside = value.options if isinstance(value, Choice) else value.items
        case Mapping():
            yield value
            inside = tuple(item for _, item in value.items)
        case Call():
            yield value
            if value.callee in _MAKERS or value.method in _UNPACKS:
                inside = (*value.args, *(said for _, said in value.keywords))
                inside += (value.receiver,) if value.receiver is not None and value.method in _UNPACKS else ()
        case _:
            pass
    for one in inside:
        yield from _bodies(one, depth - 1)


def _is_token_body(facts: SourceFacts, value: Value) -> bool:
    """A mapping, or what is given to ``jsonify``, with a member that is a token which the caller did not send."""
    pairs: list[tuple[str, Value]] = []
    if isinstance(value, Mapping):
        pairs = [(text_of(key) or "", item) for key, item in value.items]
    elif isinstance(value, Call) and (value.callee in _MAKERS or value.method[:1].isupper()):
        pairs = [*value.keywords, *_by_place(facts, value)]  # also of ``TokenPair(access_token=…)``
    elif isinstance(value, Call) and value.callee in _PAGES:  # a page asks for other tokens too, of forms and of links
        pairs = [(name, item) for name, item in value.keywords if name.lower() in HANDED or _is_made(item)]
    return any(
        name.lower() in HANDED
        or (name.lower() in MAYBE and (facts.derives(item, "token", by_name=False) or _is_made(item)))
        for name, item in pairs
        if name.lower() in _BODY_WORDS and not isinstance(item, Constant) and not _was_sent(item)
    )


def _by_place(facts: SourceFacts, made: Call) -> Iterator[tuple[str, Value]]:
    """``Pair(access, refresh)`` under the names of the fields that the class declares."""
    own = next((one for one in facts.classes() if one.name == made.callee), None) if made.args else None
    if own is not None and "__init__" not in own.methods:
        yield from zip(own.fields, made.args, strict=False)


_PAGES: Final = ("flask.render_template", "flask.render_template_string")
_RANDOM: Final = ("secrets.token_urlsafe", "secrets.token_hex")
_ISSUES: Final = re.compile(
    r"(?i)_?(get|create|generate|issue|make|new|encode|mint|sign|build|gen)_?(\w+_)?(auth_?|access_?|api_?|refresh_?)?(token|jwt)(_for(_\w+)?)?"
)


def _is_made(value: Value) -> bool:
    """``user.get_token()``, ``generate_auth_token(user)``: what is called so hands out a token, also where it is not seen."""
    if isinstance(value, Format):  # ``f"pk_{secrets.token_urlsafe(32)}"``
        return any(isinstance(one, Call) and one.callee in _RANDOM for one in value.parts)
    return isinstance(value, Call) and (
        (_ISSUES.fullmatch(value.method) is not None and "csrf" not in value.method.lower()) or value.callee in _RANDOM
    )


def _was_sent(value: Value) -> bool:
    """What the caller sent comes back as it was: nothing is handed out that the caller did not have."""
    owner: Value | None = value
    while isinstance(owner, (Item, Call)):
        named = owner.callee if isinstance(owner, Call) else ""
        if named.startswith("flask.request."):
            return True
        owner = owner.owner if isinstance(owner, Item) else owner.receiver if owner.method in ("get", "strip") else None
    return isinstance(owner, Name) and owner.dotted.startswith("flask.request.")


def _guarded(facts: SourceFacts) -> frozenset[str] | None:
    """The functions that say no-store; None where a hook or the web server says it of every answer, or an extension may."""
    if facts.imports("stopper", FACE) or any("no-store" in one for one in said_by_server(facts, "Cache-Control")):
        return None
    said = [
        (one.function, one.span)
        for one in headers_set(facts, "Cache-Control")
        if "no-store" in " ".join(str(part.value) for part in walk(one.value) if isinstance(part, Constant))
    ]
    said += [(one.function, one.span) for one in facts.assignments() if one.attribute == "no_store"]
    found, hooks = {function for function, _ in said}, hung(facts, *AFTER)
    for function, span in said:
        below = _only_below(facts, span) if function in hooks else None
        if function in hooks and below is None:
            return None
        found |= {route.view for route in facts.routes if below and route.path.startswith(below)}
    return frozenset(found)


def _only_below(facts: SourceFacts, span: Span) -> tuple[str, ...] | None:
    """The paths below which a hook says it: ``if request.path.startswith("/static"):`` around the line; None where it is not asked so."""
    for one in facts.conditions_around(span):
        if not one.negated and isinstance(one.value, Call) and one.value.callee == "flask.request.path.startswith":
            return tuple(text for part in walk(one.value.argument(0), 2) if (text := text_of(part)) is not None)
    return None


def _may_say_so(facts: SourceFacts, decorator: str, guarded: frozenset[str]) -> bool:
    """That a decorator of such a name says it, as far as is seen: one of the project has to write it."""
    return facts.function(decorator) is None or any(
        one == decorator or one.startswith(f"{decorator}.") for one in guarded
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``{"Cache-Control": "no-store"}`` behind what the view returns; libraries that make the answer themselves take none there."""
    facts = source_of(app)
    if facts.imports("flask_restful", "flask_restx", "flask_restplus", "apiflask", "flask_smorest", "connexion"):
        return None
    for returned in facts.returns():
        if returned.span != hit.span:
            continue
        value: Value | None = returned.value
        maker = value.callee if isinstance(value, Call) else ""
        if facts.function(maker) is not None and sum(1 for _ in facts.calls(maker)) > 1:
            return None  # it belongs into the function that makes the answer of several
        if isinstance(value, Sequence):
            status = value.items[-1] if value.kind == "tuple" and len(value.items) == 2 and not value.open else None
            value = status if isinstance(status, Constant) and isinstance(status.value, int) else None
        span = value.span if isinstance(value, (Constant, Mapping, Call)) else None
        if (
            span is not None and returned.span.holds(span) and returned.span != span
        ):  # the body of a lambda is all of it
            at = Span(span.path, span.end_line, span.end_line, span.end_column, span.end_column)
            return Edit(at, ', {"Cache-Control": "no-store"}', safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Logs in, and reads what the answer says to caches."""
    person = next((one for one in target.identities if one.subject and one.password), None)
    if person is None:
        return not_applicable("no account with a password is known")
    found = yield from attempt(entered(target, person))
    if found is None:
        return unsure("nobody could be logged in")
    route, exchange = found
    if token_in(exchange.response) is None:
        return not_applicable("the log-in hands out no token")
    ref = RouteRef("POST", route.path)
    if "no-store" in ",".join(exchange.response.all_headers("Cache-Control")).lower():
        return passed(f"{ref} says that its answer may not be stored")
    seen = Evidence("exchange", "the answer has a token, and nothing says that it may not be stored", exchange)
    return failed(f"{ref} hands out a token in an answer that caches may keep", (ref,), (seen,))


RULE = Rule(
    slug="token-response-cacheable",
    family="bearer",
    title="Reply with a token may be cached",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(525,),
    owasp="API8:2023",
    asvs=("V14.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` answers with `Cache-Control: no-store` on every guarded route.",
    detect=detect,
    fix=fix,
    probe=probe,
)
