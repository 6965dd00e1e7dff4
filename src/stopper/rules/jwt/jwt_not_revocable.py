"""Somebody logs out, or loses a device, and the old token works until it ends by itself."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import ClassFact, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import given
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import ENCODING, encodings
from stopper.core.tokens.jwt_purposes import purposes_of
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    parts,
    text_of,
    walk,
)

LOGOUT: Final = re.compile(r"(?i)(^|[/_-])(log[-_]?out|sign[-_]?out|log[-_]?off)([/_-]|$)")
_OUT: Final = re.compile(r"(?:User|Api|API|Auth)?(?:Log|Sign)_?[Oo](?:ut|ff)(?=[A-Z]|$)")
"""A view class that lets people out: ``LogoutView``."""
_SESSION: Final = re.compile(r"(?i)/(?:sessions?|log-?in|tokens?|auth)(?:/current|/me)?/?$")
"""What a DELETE of ends the caller's own session."""
STORE: Final = re.compile(
    r"(?i)block_?list|black_?list|deny_?list|revok|revoc|invalidat|token_?(version|generation|epoch)|session_?(id|version|store)"
    r"|logged_?out|valid_?(after|since|from)|(refresh|active|used)_?tokens\b"
)
WHO: Final = re.compile(
    r"(?i)^(sub|user|user_?id|uid|id|public_id|e?mail|user_?name|name|identity|roles?|admin|is_admin)$"
)
HANDLES: Final = frozenset({"jti", "sid", "session_id", "ver", "version", "token_version", "tv", "epoch", "generation"})
_COLUMNS: Final = re.compile(r"(?i)\b(\w*(?:revo[ck]|block|deny|valid_from|valid_after|token_version)\w*)\b")
"""Words of a query that may be such a column or table."""
_MAKES: Final = re.compile(r"(?i)\s*(?:create|drop|alter)\s")
_PASSWORD: Final = re.compile(r"(?i)passw|passwd|(?:^|_)pwd?(?:_|$)|pwdhash")
_DEPTH: Final = 9
"""Levels of a value that are looked through for the token."""


def detect(app: App) -> Iterator[Hit]:
    """The calls that sign tokens without a handle, in an application that lets people out or refreshes, and keeps no list."""
    facts = source_of(app)
    signing = list(encodings(facts))
    if not signing or not _ends_sessions(app, facts, [call.callee for call, _ in signing]) or _keeps_a_list(facts):
        return
    for call, shape in signing:
        found = [
            one for one in reached(facts, call.argument(shape.claims, "payload", "claims")) if isinstance(one, Mapping)
        ]
        if not found or any(one.open or HANDLES & set(one.keys()) for one in found):
            continue
        if not any(WHO.match(name) for one in found for name in one.keys()):  # noqa: SIM118
            continue  # a link or a state that happens to be a token logs nobody in
        if any(a.function == call.function and a.attribute in HANDLES and "[" in a.target for a in facts.assignments()):
            continue
        if _only_goes_out(facts, call) or _ends_with_the_password(facts, call.argument(shape.key, "key", "secret")):
            continue
        yield Hit("the token has no jti and nothing remembers which tokens were ended", call.span)


def _ends_with_the_password(facts: SourceFacts, key: Value | None, depth: int = 3) -> bool:
    """``app.config["KEY"] + user.password_hash``, also out of functions of the project: a new password ends what was signed before it."""
    for part in walk(key, 8):
        if isinstance(part, Member) and _PASSWORD.search(part.attribute):
            return True
        if isinstance(part, Call) and part.span in _columns_of_passwords(facts):
            return True  # ``self.password`` of a model
        own = facts.function(part.callee) if depth and isinstance(part, Call) else None
        if own is not None and any(_ends_with_the_password(facts, one, depth - 1) for one in own.returns):
            return True
    return False


def _columns_of_passwords(facts: SourceFacts) -> frozenset[Span | None]:
    """Where models say what a password is kept as."""
    return facts.once(
        "columns of passwords",
        lambda: frozenset(
            one.value.span
            for one in facts.assignments()
            if not one.function and _PASSWORD.search(one.attribute) and isinstance(one.value, Call)
        ),
    )


def _only_goes_out(facts: SourceFacts, call: Call) -> bool:
    """That the token is made for calls of other services, each time anew, and nobody is given it."""

    def is_made(value: Value) -> bool:
        return isinstance(value, Call) and (
            value.span == call.span or (value.callee == call.function and call.function != "")
        )

    def bears(value: Value) -> bool:
        level, met = [value], set[int]()
        for _ in range(_DEPTH):
            unmet = {id(one): one for one in level if id(one) not in met}
            met |= unmet.keys()
            if any(map(is_made, unmet.values())):
                return True
            level = [part for one in unmet.values() if not _is_asked_with_headers(one) for part in parts(one)]
        return False

    if not any(bears(flow.value) for flow in facts.flows("outbound-headers")):
        return False
    return not any(bears(flow.value) for flow in facts.flows("response", "template", "cookie", "redirect", "session"))


def _is_asked_with_headers(value: Value) -> bool:
    """A call of another service, whose answer is not what was sent."""
    return isinstance(value, Call) and value.keyword("headers") is not None


def _ends_sessions(app: App, facts: SourceFacts, callees: list[str]) -> bool:
    if any(LOGOUT.search(path) for path in (*(one.path for one in app.routes), *(one.path for one in facts.routes))):
        return True
    if any(
        LOGOUT.search(name) or _OUT.match(name) for name in (route.view.rpartition(".")[2] for route in facts.routes)
    ):
        return True
    if any("DELETE" in route.methods and _SESSION.search(route.path) for route in facts.routes):
        return True
    return any(callee in ENCODING for callee in callees) and any(
        "refresh" in purposes_of(facts, call) for call, _ in encodings(facts)
    )


def _keeps_a_list(facts: SourceFacts) -> bool:
    """Something in the project is called like a store of ended tokens, or like a handle that ends them."""
    if any(_is_handle(one.left, one.right) or _is_handle(one.right, one.left) for one in facts.comparisons("!=", "==")):
        return True
    stores = [one for one in facts.classes() if STORE.search(one.name.rpartition(".")[2])]
    unused = {
        one.name for one in stores if (not _is_used(facts, one.name) if one.bases else _is_never_asked(facts, one))
    }
    names = [one.name.rpartition(".")[2] for one in stores if one.name not in unused]
    names += [
        word
        for one in facts.classes()
        if one not in stores
        for word, held in one.attributes.items()
        if not STORE.search(word) or not _is_one_of(facts, held, unused)
    ]
    idle = {one.name for one in facts.functions() if STORE.search(one.name) and not _is_run(facts, one)}
    names += [
        word
        for one in facts.functions()
        for owner, _, word in (one.name.rpartition("."),)
        if owner not in unused and one.name not in idle
    ]
    names += [
        one.attribute
        for one in facts.assignments()
        if one.target.rpartition(".")[0] not in unused
        and (
            not STORE.search(one.attribute)
            or (_is_asked(facts, one.value) and not _is_one_of(facts, one.value, unused))
        )
    ]
    names += [
        part.value
        for call in facts.calls("*.get", "*.exists", "*.has", "*.sismember", "*.zscore", "*.hget", "*.hexists")
        if call.function not in idle and call.function.rpartition(".")[0] not in unused
        for part in walk(call, 4)
        if isinstance(part, Constant) and isinstance(part.value, str)
    ]  # what is looked for in a cache under f"blocked:{token}"
    names += [
        column
        for call in facts.calls("*.execute")
        if call.args and isinstance(said := text_of(call.args[0]), str) and not _MAKES.match(said)
        for column in _COLUMNS.findall(said)
    ]
    return any(
        STORE.search(name) for name in names if not re.match(r"(?i)(create|make|issue|generate|new|encode|sign)", name)
    )


def _is_run(facts: SourceFacts, function: Function) -> bool:
    """That something calls the function, or a decorator or a class has it: one that nobody calls looks nothing up."""
    return bool(function.owner or function.decorators) or any(True for _ in facts.calls(function.name))


def _is_asked(facts: SourceFacts, kept: Value) -> bool:
    """That something looks into a set or table of the module; one that is only added to remembers nothing."""
    if not isinstance(kept, (Sequence, Mapping)) or kept.span is None:
        return True
    sides = (
        side for one in facts.comparisons("in", "not in", "==", "!=", "is", "is not") for side in (one.left, one.right)
    )
    if any(getattr(part, "span", None) == kept.span for side in sides for part in walk(side, 4)):
        return True
    return any(
        getattr(part, "span", None) == kept.span
        for call in facts.calls()
        if call.method not in _ADDS
        for given in (call.receiver, *call.args)
        for part in walk(given, 2)
    ) or any(getattr(part, "span", None) == kept.span for one in facts.conditions() for part in walk(one.value, 4))


_ADDS: Final = frozenset({"add", "append", "update", "extend", "discard", "clear"})


def _is_never_asked(facts: SourceFacts, store: ClassFact) -> bool:
    """That nobody calls what the class would answer, ``revocations.contains(jti)``; only what adds to it is called, if anything."""
    answers = [
        one
        for one in store.methods
        if not one.startswith("__")
        and any(not is_constant(back.value, None) for back in facts.returns_of(f"{store.name}.{one}"))
    ]
    return bool(answers) and not any(
        call.callee in (f"?.{one}", f"{store.name}.{one}") and not call.function.startswith(f"{store.name}.")
        for one in answers
        for call in facts.calls(f"*.{one}")
    )


def _is_one_of(facts: SourceFacts, kept: Value, classes: set[str]) -> bool:
    """An object of one of these classes, also where the constructor is handed it."""
    made = [
        one
        for option in options(kept)
        for one in (given(facts, option) if isinstance(option, Parameter) else (option,))
    ]
    return bool(classes) and bool(made) and all(isinstance(one, Call) and one.callee in classes for one in made)


def _is_used(facts: SourceFacts, table: str) -> bool:
    """That a function beside its own makes, finds or counts rows of it; a table that nobody asks remembers nothing."""
    return any(
        (call.callee.startswith(table) and call.function)
        or any(isinstance(one, Name) and one.dotted.startswith(table) for one in (call.receiver, *call.args))
        for call in facts.calls()
        if not call.function.startswith(f"{table}.")
    )


def _is_handle(claim: Value, kept: Value) -> bool:
    """``account.access != claims["access"]``: what was written into the token is asked of the account again."""
    if not isinstance(claim, Item) or not isinstance(kept, Member):
        return False
    name = text_of(claim.key)
    return name is not None and name == kept.attribute and WHO.match(name) is None and not name.endswith("id")


RULE = Rule(
    slug="jwt-not-revocable",
    family="jwt",
    title="Tokens have no `jti` and there is no revocation store, although a logout or refresh exists",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.1",),
    surfaces=("source",),
    ends="Stopper's tokens all have a `jti`, and its service ends them at once at logout.",
    certainty="likely",
    detect=detect,
)
