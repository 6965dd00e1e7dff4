"""Claims are only encoded: whoever sees the token reads the password, the secret or the person's data in it."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.account_names import checks_password_hash
from stopper.core.app import App
from stopper.core.edits.leaving_out_edits import without_members
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.naming import sensitive
from stopper.core.personal import is_personal
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import token_baseline
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.whole_rows import is_of_every_column
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import encodings
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

EXTENSION: Final = ("flask_jwt_extended.create_access_token", "flask_jwt_extended.create_refresh_token")
_ORDINARY: Final = re.compile(r"(?i)^(user_?|contact_?)?e_?mail(_?address)?$")
_SAYS_WHAT: Final = frozenset(
    {"scope", "scp", "aud", "iss", "typ", "type", "token_type", "purpose", "role", "roles", "rights", "permissions"}
)
"""Claims of a few known words: a purpose called ``set_password`` is no password."""
_WHAT_FOR: Final = re.compile(
    r"(?i)^(?:reset|change|forgot|recover|confirm)_?(?:password|passwd|pwd)(?:_?(?:id|for|user))?$"
)
"""``{"reset_password": user.id}``: what the token is for, and whose."""
_ROWS: Final = re.compile(
    r"(?is)^\s*select\s+(?:\w+\.)?\*\s+from\s+[\"`\[]?\w*(?:user|account|member|customer|employee|person|people)"
)
_MORE: Final = re.compile(
    r"(?i)^(credit_?card\w*|card|cvv|cvc|pin|account_number|social_security\w*|medical\w*|diagnosis|address|driver_?licen[cs]e\w*|(?:security|secret)_?answer\w*|"
    r"(hashed_?|user_?)?(password|passwd|pwd)(_?(hash|digest|salt))?|private_key|api_?secret|db_?password)$"
)


def detect(app: App) -> Iterator[Hit]:
    """Claims whose names or values are secrets or a person's data. An e-mail address is what many tokens are about."""
    facts = source_of(app)
    for call, shape in encodings(facts):
        yield from _judged(facts, call, call.argument(shape.claims, "payload", "claims"))
    for call in facts.calls(*EXTENSION):
        for given in (call.keyword("additional_claims", "user_claims"), call.argument(0, "identity")):
            yield from _judged(facts, call, given)
    for function in facts.functions() if facts.imports("flask_jwt_extended") else ():
        loads = any(
            one.name.endswith(("additional_claims_loader", "user_claims_loader")) for one in function.decorators
        )
        for returned in function.returns if loads else ():
            if (name := next(_told(facts, returned), None)) is not None:
                yield Hit(f"the claim {name} can be read by whoever sees the token", returned.span or function.span)


def _judged(facts: SourceFacts, call: Call, claims: Value | None) -> Iterator[Hit]:
    for one in reached(facts, claims):
        if (name := next(_told(facts, one), None)) is not None:
            yield Hit(f"the claim {name} can be read by whoever sees the token", call.span)
            return
    if (name := next(_added(facts, claims), None)) is not None:
        yield Hit(f"the claim {name} can be read by whoever sees the token", call.span)


def _added(facts: SourceFacts, claims: Value | None) -> Iterator[str]:
    """``data.update(password=…)`` of what a method out of sight has made, before it is signed or given back."""
    made = [one for one in reached(facts, claims) if isinstance(one, Call)]
    for call in facts.calls("*.update") if made else ():
        if any(call.receiver is one for one in made):
            given = Mapping(tuple((Constant(name), value) for name, value in call.keywords))
            for one in (given, *call.args):
                yield from _told(facts, one, 1)


def _told(facts: SourceFacts, claims: Value, depth: int = 3) -> Iterator[str]:
    """The names of claims that must not be in a token."""
    if isinstance(claims, Call) and (function := facts.function(claims.callee)) is not None and depth > 0:
        for returned in function.returns:
            yield from _told(facts, returned, depth - 1)
    if isinstance(claims, Call):
        yield from _dumped(facts, claims)
    if _is_whole_row(claims):
        yield "with a whole row"
    if isinstance(claims, Unknown) and depth:  # ``asdict(person) | {"phone": …}``
        for part in claims.parts:
            yield from _told(facts, part, depth - 1)
    if not isinstance(claims, Mapping) or depth == 0:
        return
    if is_of_every_column(facts, claims):
        yield "with a whole row"
    for key, value in claims.items:
        name = text_of(key) or ""
        if _is_whole_row(value):
            yield name or "with a whole row"
            continue
        if _holds_a_password(facts, value):
            yield "with all that a log-in sends"
            continue
        if isinstance(key, Unknown) and _is_row_of_a_log_in(facts, value):
            yield "with a whole row"
            continue
        if isinstance(value, Call) and value.callee == "json.dumps" and value.args:
            value = value.args[0]
        if isinstance(value, Call) and value.method in ("asdict", "vars", "model_dump", "_asdict", "dict", "dump"):
            for inner in reached(facts, value):
                yield from _told(facts, inner, depth - 1)
        spread = [one for one in options(value) if isinstance(one, Mapping)] if isinstance(key, Unknown) else []
        if isinstance(value, Mapping) or spread or (isinstance(key, Unknown) and isinstance(value, Call)):
            for inner in spread or (value,):
                yield from _told(facts, inner, depth - 1)
        elif isinstance(value, Truth) or is_constant(value, True, False, None):
            continue  # whether there is one, not what it is
        elif is_secret_claim(name):
            yield name
        elif _WHAT_FOR.match(name) and isinstance(value, Member) and not is_secret_claim(value.attribute):
            continue
        elif name not in _SAYS_WHAT and _is_secret_value(facts, value):
            yield name or "with a secret"


def _dumped(facts: SourceFacts, call: Call) -> Iterator[str]:
    """``UserSchema().dump(user)``: the fields that the schema gives out."""
    known = classes_by_name(facts).get(call.callee.rpartition(".")[0]) if call.method == "dump" else None
    for name, field in known.attributes.items() if known is not None else ():
        if isinstance(field, Call) and is_secret_claim(name) and not is_constant(field.keyword("load_only"), True):
            yield name


def _holds_a_password(facts: SourceFacts, spread: Value) -> bool:
    """``{**request.get_json(), …}`` where a log-in reads the body: the password is in it."""
    is_body = (isinstance(spread, Call) and spread.callee == "flask.request.get_json") or (
        isinstance(spread, Name) and spread.dotted in ("flask.request.json", "flask.request.form")
    )
    if not is_body:
        return False
    span = spread.span if isinstance(spread, Call) else None
    around = facts.function_around(span) if span is not None else ""
    read = any(sensitive(one.key) == "password" for one in facts.readings() if not around or one.function == around)
    routes = facts.routes_reaching(around) if around else ()
    return read or any(_LOG_IN.search(route.path) for route in routes)


def _is_row_of_a_log_in(facts: SourceFacts, spread: Value) -> bool:
    """``{**user, …}`` of what a function found, where the password is held against a member of what it finds."""
    found = [one for one in reached(facts, spread) if not isinstance(one, (Constant, Parameter))]
    finders = {one.callee for one in found if isinstance(one, Call) and facts.function(one.callee)}
    return bool(found) and any(
        isinstance(given, Item)
        and any(
            one in found or (isinstance(one, Call) and one.callee in finders)
            for one in (given.owner, *options(given.owner))
        )
        for call in facts.calls("*.check_password_hash", "*.checkpw", "*.verify")
        if checks_password_hash(call)
        for given in call.args
    )


_LOG_IN: Final = re.compile(r"(?i)log-?_?in|sign-?_?in|authenticate|/token$|register|sign-?_?up")


def _is_whole_row(value: Value) -> bool:
    """``dict(row)`` of what ``SELECT * FROM users`` found, ``vars(user)``: the hash of the password is in it."""
    if isinstance(value, Member) and value.attribute == "__dict__":
        return not isinstance(value.owner, Name)
    if not isinstance(value, Call) or value.callee not in ("dict", "vars", "dataclasses.asdict") or not value.args:
        return False
    if value.callee == "vars":
        return not isinstance(value.args[0], Name)
    return any(
        isinstance(part, Call) and part.method == "execute" and part.args and _ROWS.search(text_of(part.args[0]) or "")
        for part in walk(value.args[0], 5)
    )


def is_secret_claim(name: str) -> bool:
    """That a claim of that name holds a secret or a person's data, e-mail addresses left aside."""
    if _ORDINARY.match(name) or _WHAT_FOR.match(name):
        return False
    return sensitive(name) in ("password", "api-key", "config-secret") or is_personal(name) or bool(_MORE.match(name))


def _is_secret_value(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Member) and is_secret_claim(value.attribute):
        return True
    if isinstance(value, Call):
        return False
    if _WHAT_FOR.match(text_of(value) or ""):
        return False  # ``RESET_PASSWORD = "reset_password"``: what the token is for
    # What a field is called says more than what lies beside it in the same record.
    return facts.derives(value, "password", "config-secret", "api-key", by_name=not isinstance(value, Member))


def probe(target: Target) -> Steps[Verdict]:
    """Reads the claims of the token that the application gave out; nothing is forged."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None or baseline.identity.minted:
        return not_applicable("the application issued no signed token to any identity of this scan")
    claims = target.forge.claims(baseline.identity.token.reveal())
    names = sorted(set(_names(claims, 3)))
    if not names:
        return passed("the claims of the token tell no secrets")
    issuer = baseline.identity.issued_by
    refs: tuple[RouteRef, ...] = (issuer,) if issuer is not None else (baseline.ref,)
    seen = Evidence("effect", f"the token, which anybody can read, has the claims {', '.join(names)}")
    return failed(f"the token that {refs[0]} gives out tells {', '.join(names)}", refs, (*controls(baseline), seen))


def _names(claims: object, depth: int) -> Iterator[str]:
    if depth == 0 or not isinstance(claims, dict):
        return
    for name, value in cast("dict[str, object]", claims).items():
        if isinstance(value, dict):
            yield from _names(cast("object", value), depth - 1)
        elif is_secret_claim(name) and isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            yield name


def fix(app: App, hit: Hit) -> Edit | None:
    """The claims without those that are nobody's business."""
    facts = source_of(app)
    given = [
        call.argument(shape.claims, "payload", "claims") for call, shape in encodings(facts) if call.span == hit.span
    ]
    for call in facts.calls(*EXTENSION):
        if call.span == hit.span:
            given += [call.keyword("additional_claims", "user_claims"), call.argument(0, "identity")]
    claims = [one for value in given for one in reached(facts, value)]
    names = {name for one in claims for name in _told(facts, one)}
    return without_members(claims, lambda name, _: name in names)


RULE = Rule(
    slug="jwt-sensitive-claims",
    family="jwt",
    title="A password, a secret or personal data is put into the claims of a token",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(522,),
    owasp="API3:2023",
    asvs=("V14.2.4",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service puts the subject, scopes and roles into a token, and nothing else.",
    detect=detect,
    fix=fix,
    probe=probe,
)
