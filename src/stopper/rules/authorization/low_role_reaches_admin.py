"""An ordinary user sees and does what only an administrator should."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import Route
from stopper.core.finding import Evidence, Verdict
from stopper.core.owner_names import ADMIN_PATH
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import TRIES, alike, attempt, is_door
from stopper.core.rule import Rule

_ROLES: Final = re.compile(r"(?i)role|scope|perm|group|admin")
_HIGH: Final = re.compile(r"(?i)admin|root|super|staff|manager|operator")


def probe(target: Target) -> Steps[Verdict]:
    """An administrator's reading routes that refuse nobody's request are asked as an ordinary user of the scan."""
    low = next((one for one in target.identities if one.headers and _is_low(target, one)), None)
    if low is None:
        return not_applicable("the scan is no ordinary user")
    if _may_be_the_only_one(target, low):
        return unsure(f"{low.name} was given alone and may be the administrator; give a second person")
    tried = 0
    for route in list(_routes(target))[: TRIES[target.depth]]:
        request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
        anonymous = yield from attempt(send(request))
        if anonymous is None or not anonymous.response.refused:
            continue
        tried += 1
        answer = yield from attempt(send(low.on(request)))
        if (
            answer is None
            or not answer.response.succeeded
            or not answer.response.body
            or alike(answer.response, anonymous.response)
        ):
            continue
        evidence = [
            Evidence("exchange", "control: without a credential the route is refused", anonymous),
            Evidence("exchange", f"{low.name}, who has no role, gets the administrator's answer", answer),
        ]
        return failed(f"{ref} is an administrator's by its path, and an ordinary user is let in", [ref], evidence)
    if not tried:
        return not_applicable("no route of an administrator was found that refuses a caller without a credential")
    return passed(f"{tried} routes of administrators refuse an ordinary user")


def _routes(target: Target) -> Iterator[Route]:
    return (
        one for one in target.app.routes if "GET" in one.methods and ADMIN_PATH.search(one.path) and not is_door(one)
    )


def _may_be_the_only_one(target: Target, one: Identity) -> bool:
    """Whether nothing says that somebody is ordinary: nobody else is known, no claim tells a role, and the scan did not register them itself."""
    others = [other for other in target.identities if not other.minted and other.name != one.name]
    registered = bool(target.canary) and target.canary in (one.subject or "")
    return not others and not registered and not one.minted and not _tells_roles(target, one)


def _tells_roles(target: Target, one: Identity) -> bool:
    claims = target.forge.claims(one.token.reveal()) if one.token is not None else {}
    return any(_ROLES.search(name) for name in claims)


def _is_low(target: Target, one: Identity) -> bool:
    """Neither the name nor the claims of the credential say that somebody has a higher role."""
    claims = target.forge.claims(one.token.reveal()) if one.token is not None else {}
    said = [str(value) for name, value in claims.items() if _ROLES.search(name)]
    high = any(_HIGH.search(text) or text == "True" for text in said)
    return not high and not _HIGH.search(one.name) and not _HIGH.search(one.subject or "")


RULE = Rule(
    slug="low-role-reaches-admin",
    family="authorization",
    title="A low role reaches an admin function",
    harm=__doc__ or "",
    severity="critical",
    check="function-authorization",
    cwe=(285,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("wsgi", "http"),
    ends='`@(bearer & role("admin"))` of Stopper refuses every token without that role.',
    effect_of=("admin-route-weakly-protected",),
    probe=probe,
)
