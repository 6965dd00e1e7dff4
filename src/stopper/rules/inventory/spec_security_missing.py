"""Who builds on the document builds an API that asks nobody for a credential, and the gateway that reads it lets everybody in."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.probe_baseline import is_door
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import Operation, operations, place_of

_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OPENS: Final = re.compile(
    r"(?i)(^|[/_-])(password|forgot|reset|recover|verify|verification|confirm|activate|callback|webhooks?|hooks?|contact|feedback|newsletter|"
    r"subscribe|unsubscribe|search|invit\w*|sessions?|auth|revoke|introspect|device|otp|mfa|magic-?link|csrf|graphql|track|events?)([/_-]|$)"
)


def detect(app: App) -> Iterator[Hit]:
    """A document without any security, a scheme that nothing defines, and a writing operation that asks for nothing."""
    if app.spec is None or not app.spec.document:
        return
    every = list(operations(app.spec))
    if every and not app.spec.schemes and not any(one.schemes for one in every):
        top = "openapi" if "openapi" in app.spec.document else "swagger"
        yield Hit("the document names no security scheme at all", place_of(app, top), reader="spec")
        return
    for one in every:
        unknown = [name for name in one.schemes if name not in app.spec.schemes]
        if unknown:
            yield _hit(app, one, f"{one.ref} asks for {unknown[0]}, which the document does not define")
        elif one.method in _WRITES and one.open_to_all and not _is_open_by_nature(one):
            yield _hit(app, one, f"{one.ref} changes something and asks for no credential")


def _hit(app: App, one: Operation, message: str) -> Hit:
    return Hit(message, place_of(app, one.written, one.method.lower()), one.ref, reader="spec")


def _is_open_by_nature(one: Operation) -> bool:
    return is_door(Route(one.path, (one.method,))) or bool(_OPENS.search(one.path))


RULE = Rule(
    slug="spec-security-missing",
    family="inventory",
    title="The spec asks for no credential",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V8.1.1",),
    surfaces=("source",),
    ends="`stopper serve` makes its document from the policies that it enforces.",
    certainty="likely",
    detect=detect,
)
