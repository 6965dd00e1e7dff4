"""Password hashes, keys and internal values go to whoever may read the answer."""

from typing import Final

from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probe_provoke import Provoked, provoked
from stopper.core.response_fields import secret_fields, texts
from stopper.core.rule import Rule

TELLING: Final = 12
"""Characters from which a password in an answer is no word that happens to stand there; a shorter one counts beside its owner's name."""


def probe(target: Target) -> Steps[Verdict]:
    """Look for members of JSON answers whose name says that nobody should see their value, and for the passwords of the scan's people."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from provoked(target)
    for one in asked:
        what = _seen(target, one) if one.honest.response.succeeded and one.ref.method == "GET" else ""
        if what:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"{one.ref.path} answers with {what}", one.honest))
    if places:
        return failed(f"{places[0]} answers with what nobody should see", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with a field that nobody should see")


def _seen(target: Target, one: Provoked) -> str:
    names = secret_fields(one.honest.response)
    if names:
        return ", ".join(names[:4])
    said = set(texts(one.honest.response.json()))
    for person in target.identities:
        password = person.password.reveal() if person.password is not None and not person.minted else ""
        if password in said and (len(password) >= TELLING or person.subject in said) and password != person.subject:
            return f"the password of {person.name}"
    return ""


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
