"""Password hashes, keys and internal values go to whoever may read the answer."""

from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probe_provoke import provoked
from stopper.core.response_fields import secret_fields
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Look for members of JSON answers whose name says that nobody should see their value."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from provoked(target)
    for one in asked:
        names = secret_fields(one.honest.response) if one.honest.response.succeeded and one.ref.method == "GET" else ()
        if names:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"{one.ref.path} answers with {', '.join(names[:4])}", one.honest))
    if places:
        return failed(f"{places[0]} answers with fields that nobody should see", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with a field that nobody should see")


RULE = Rule(
    slug="sensitive-field-in-response",
    family="leak",
    title="A sensitive field in a response",
    harm="Password hashes, keys and internal values go to whoever may read the answer.",
    severity="high",
    check="property-authorization",
    cwe=(213,),
    owasp="API3:2023",
    asvs=("V15.3.1",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `Secret` is answered as `***`, so a key that is one does not go out.",
    probe=probe,
    effect_of=("whole-model-serialized",),
)
