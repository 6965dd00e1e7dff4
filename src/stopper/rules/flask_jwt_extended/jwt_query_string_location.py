"""Tokens stand in URLs, so they end up in logs, histories and other sites' Referer headers."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.deployment.setting_facts import MISSING, in_force, members, plain, written
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.outgoing.kept_out_of_addresses import kept_out_of_addresses
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import controls, judge, protected
from stopper.core.probing.query import with_query
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import LIBRARY, ended, uses
from stopper.core.values import Call, Choice, ConfigValue, Sequence, Unknown, Value, is_constant, walk

_HOME = f"{LIBRARY}."
_CALLS = tuple(
    f"{_HOME}{home}{name}" for home in ("", "view_decorators.") for name in ("jwt_required", "verify_jwt_in_request")
)


def detect(app: App) -> Iterator[Hit]:
    """``query_string`` among the locations of a setting or of one guard."""
    if not uses(app) or ended(app, "JWT_ALLOW_QUERY_STRING"):
        return
    facts, seen = source_of(app), False
    for write in written(app, "JWT_TOKEN_LOCATION"):
        seen = True
        if _names_query(plain(facts, write.value)) or _adds_query(write.value):
            yield Hit("JWT_TOKEN_LOCATION takes tokens from the query string", write.span)
    for call in facts.calls(*_CALLS):
        said: Value | None = call.argument(3, "locations")
        if _names_query(plain(facts, said)) or _adds_query(said):
            yield Hit("this guard takes tokens from the query string", call.span)
    for call in facts.calls("*.append", "*.extend", "*.add", "*.insert"):
        kept = call.receiver
        if isinstance(kept, ConfigValue) and kept.key == "JWT_TOKEN_LOCATION" and any(map(_adds_query, _wrapped(call))):
            yield Hit("JWT_TOKEN_LOCATION takes tokens from the query string", call.span)
    force = in_force(app, "JWT_TOKEN_LOCATION")
    if not seen and force is not MISSING and _names_query((force,)):
        yield Hit("JWT_TOKEN_LOCATION takes tokens from the query string", reader="running")


def _names_query(values: tuple[object, ...]) -> bool:
    return any(name == "query_string" for value in values for name in members(value))


def _wrapped(call: Call) -> tuple[Value, ...]:
    return (Sequence(call.args),)


def _adds_query(value: Value | None) -> bool:
    """``("headers",) + (("query_string",) if … else ())``: a list put together of several."""
    joined = isinstance(value, (Unknown, Choice, Sequence))
    return joined and any(is_constant(part, "query_string") for part in walk(value, 6))


def probe(target: Target) -> Steps[Verdict]:
    """The honest request, with its token moved from the header to the query."""
    if (silent := kept_out_of_addresses(target)) is not None:
        return silent
    baseline = yield from protected(target)
    if baseline is None or baseline.identity.token is None:
        return not_applicable("no route that only a token opens is in reach")
    fact = target.app.config.get("JWT_QUERY_STRING_NAME")
    prefix = target.app.config.get("JWT_QUERY_STRING_VALUE_PREFIX")
    name = fact.value if fact is not None and isinstance(fact.value, str) else "jwt"
    before = prefix.value if prefix is not None and isinstance(prefix.value, str) else ""
    moved = yield from send(with_query(baseline.request, name, before + baseline.identity.token.reveal()))
    if judge(baseline, moved.response) != "let-in":
        return passed(f"{baseline.ref} does not take the token from the query string")
    seen = Evidence("exchange", f"the same token in the query, as {name}, is accepted", moved)
    return failed(f"{baseline.ref} takes a token from the query string", (baseline.ref,), (*controls(baseline), seen))


def fix(app: App, hit: Hit) -> Edit | None:
    """The list without ``query_string``, where it stands in the setting itself; clients that send it in the URL are refused then."""
    for write in written(app, "JWT_TOKEN_LOCATION"):
        value, span = write.value, getattr(write.value, "span", None)
        if write.span != hit.span or span is None or not write.span.holds(span):
            continue
        if isinstance(value, Sequence) and not value.open and len(value.plain()) == len(value.items):
            kept = [str(name) for name in value.plain() if name != "query_string"] or ["headers"]
            return Edit(span, "[" + ", ".join(f'"{name}"' for name in kept) + "]", safe=False)
    return None


RULE = Rule(
    slug="jwt-query-string-location",
    family="flask-jwt-extended",
    title="Tokens are taken from the query string",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(598,),
    owasp="API2:2023",
    asvs=("V14.2.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@bearer` reads a token from the Authorization header and from nowhere else.",
    detect=detect,
    fix=fix,
    probe=probe,
)
