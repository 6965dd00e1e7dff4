"""Everybody who reads the description believes that the route is closed, and it is open."""

from typing import cast

from stopper.core.app import Route, Spec
from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.reset import asks_for_reset
from stopper.core.probing.baseline import TRIES, alike, attempt, is_door
from stopper.core.rule import Rule, Severity
from stopper.core.spec_document import operations


def probe(target: Target) -> Steps[Verdict]:
    """Calls every operation that the document protects without a credential, and as somebody where the scan is somebody."""
    if target.app.spec is None:
        return not_applicable("there is no OpenAPI document")
    pairs = [
        (route, method) for route in target.app.routes if route.spec_security for method in _methods(target, route)
    ]
    if not pairs:
        return not_applicable("the OpenAPI document asks for no credential on any operation that this mode may call")
    open_to_all: list[tuple[RouteRef, tuple[Evidence, ...]]] = []
    unclear = refused = 0
    for route, method in pairs[: TRIES[target.depth]]:
        seen = yield from attempt(_anonymous(target, route, method))
        if seen is None:
            unclear += 1
        elif seen:
            open_to_all.append((RouteRef(method, route.path), seen))
        else:
            refused += 1
    refs = {ref for ref, _ in open_to_all}
    severity: Severity | None = (
        "medium" if refused and not refs & _said_of_themselves(target.app.spec) and _only_read(refs) else None
    )
    return _verdict(open_to_all, unclear, len(pairs), severity)


def _said_of_themselves(spec: Spec) -> set[RouteRef]:
    """The operations that ask for a credential themselves. What only the document as a whole asks for is often meant for most of them: an
    author forgets to say which are public."""
    return {one.ref for one in operations(spec) if one.node.get("security")}


def _only_read(refs: set[RouteRef]) -> bool:
    return all(ref.method == "GET" for ref in refs)


def _methods(target: Target, route: Route) -> list[str]:
    """GET always; changing methods only where writing is allowed. Log-ins are no operations to test this way, nor is what somebody asks who has
    forgotten the password: a document that says one credential for everything means neither."""
    allowed = ("GET", "POST", "PUT", "PATCH") if target.mode == "active" else ("GET",)
    return [
        method
        for method in allowed
        if method in route.methods and not (method != "GET" and (is_door(route) or asks_for_reset(route)))
    ]


def _anonymous(target: Target, route: Route, method: str) -> Steps[tuple[Evidence, ...] | None]:
    """The evidence that nobody was let in; empty where nobody was refused; None where it cannot be told."""
    request, ref = target.request_for(route, method), RouteRef(method, route.path)
    anonymous = yield from send(request)
    if anonymous.response.refused:
        return ()
    if not anonymous.response.succeeded or _complains(anonymous.response):
        return None
    said = Evidence("spec", f"the OpenAPI document asks for {', '.join(route.spec_security or ())} on {ref}")
    seen = Evidence("exchange", "without any credential the operation is answered", anonymous)
    if not target.identities or method != "GET":
        return (said, seen)
    honest = yield from send(target.identities[0].on(request))
    if not alike(honest.response, anonymous.response):
        return None
    control = Evidence(
        "exchange", f"control: {target.identities[0].name}'s own credential gets the same answer", honest
    )
    return (said, control, seen)


def _complains(response: Response) -> bool:
    """A success by its status that says in its body, or in the envelope around its data, that it is none."""
    said = response.json()
    if not isinstance(said, dict):
        return False
    members = cast("dict[str, object]", said)
    inner = [cast("dict[str, object]", value) for value in members.values() if isinstance(value, dict)]
    return any(not {"error", "errors", "Error"}.isdisjoint(one) for one in (members, *inner))


def _verdict(
    open_to_all: list[tuple[RouteRef, tuple[Evidence, ...]]], unclear: int, total: int, severity: Severity | None
) -> Verdict:
    if open_to_all:
        names = ", ".join(str(ref) for ref, _ in open_to_all[:5])
        evidence = [one for _, seen in open_to_all[:5] for one in seen]
        message = f"{names} should need a credential by the OpenAPI document, and the server answers without one"
        return failed(message, [ref for ref, _ in open_to_all], evidence, severity)
    if unclear == total:
        return unsure("no operation that the document protects gave an answer that tells anything")
    return passed("the operations that the document protects refuse a caller without a credential")


RULE = Rule(
    slug="spec-security-not-enforced",
    family="authorization",
    title="The spec declares security that the server does not enforce",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` runs no view without a policy, whatever the document says.",
    probe=probe,
)
