"""Two rules for the tests of whole runs: one of the wire alone, one that reads and asks."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import judge, protected, shown
from stopper.core.rule import Hit, Rule


def tampering(target: Target) -> Steps[Verdict]:
    """A changed token must not be taken for a good one."""
    honest = yield from protected(target)
    if honest is None or honest.identity.token is None:
        return not_applicable("nothing is protected")
    changed = yield from send(shown(honest, target.forge.tampered(honest.identity.token.reveal())))
    if judge(honest, changed.response) == "let-in":
        return failed(
            "it takes a changed token",
            [honest.ref],
            [Evidence("exchange", "good", honest.accepted), Evidence("exchange", "changed", changed)],
        )
    return passed("it refuses a changed token")


def unverified(app: App) -> Iterator[Hit]:
    """Every decode that names verify_signature."""
    for call in source_of(app).calls("jwt.decode"):
        if call.keyword("options") is not None:
            yield Hit("the signature is not looked at", call.span)


def _rule(slug: str, **given: object) -> Rule:
    return Rule(
        slug=slug, family="jwt", title=slug, harm="h", severity="critical", check="authentication", cwe=(347,), owasp="API2:2023", asvs=(),
        ends="e", **given,  # type: ignore[arg-type]
    )  # fmt: skip


def canary(target: Target) -> Steps[Verdict]:
    """Says who the scan could be, to look at it from a test."""
    people = ",".join(f"{one.name}{'*' if one.minted else ''}" for one in target.identities)
    answer = yield from send(target.request_for(target.app.routes[0], "GET"))
    secret = target.identities[0].token.reveal() if target.identities and target.identities[0].token else ""
    return failed(f"people {people} {secret}", [RouteRef("GET", "/")], [Evidence("exchange", f"x {secret}", answer)])


def littering(target: Target) -> Steps[Verdict]:
    """Makes three notes and does not take them back."""
    route = next(route for route in target.app.routes if route.path == "/notes" and "POST" in route.methods)
    for _ in range(3):
        made = yield from send(target.identities[0].on(target.request_for(route, "POST")))
        if made.response.status != 201:
            return not_applicable("no note was made")
    return passed("three notes were made")


SIGNATURE = _rule("signature-unread", detect=unverified, surfaces=("source",))
CHANGED = _rule("changed-token-accepted", probe=tampering, surfaces=("wsgi", "http"), effect_of=("signature-unread",))
LITTERING = _rule("litter-left", probe=littering, surfaces=("http",))
PEOPLE = _rule("people-seen", probe=canary, surfaces=("wsgi", "http"))
