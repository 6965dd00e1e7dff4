"""Who builds on the document builds an API that asks nobody for a credential, and the gateway that reads it lets everybody in."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.app import App, Route, Spec
from stopper.core.login_names import PASSWORD
from stopper.core.probing.baseline import is_door
from stopper.core.probing.rebuild_names import REBUILDS
from stopper.core.rule import Hit, Rule, Severity
from stopper.core.spec_document import Operation, mapping, operations, place_of

_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OPENS: Final = re.compile(
    r"(?i)(^|[/_-])(password|forgot|reset|recover|verify|verification|confirm|activate|callback|webhooks?|hooks?|contact|feedback|newsletter|tokens|"
    r"subscribe|unsubscribe|search|invit\w*|sessions?|auth|revoke|introspect|device|otp|mfa|magic-?link|csrf|graphql|track|events?|"
    r"check|validate|calculate|calculation|calculator|compute|convert|estimates?|quotes?|preview|look-?up|echo|translate|predict\w*|availability|simulate|simulation)([/_-]|$)"
)


def detect(app: App) -> Iterator[Hit]:
    """A document without any security, a scheme that nothing defines, and an operation that writes, or builds the database anew, and asks for
    nothing."""
    if app.spec is None or not app.spec.document:
        return
    every = list(operations(app.spec))
    closed = [one for one in every if not _is_open_by_nature(one, app.spec)]
    if closed and not app.spec.schemes and not any(one.schemes for one in every):
        top = "openapi" if "openapi" in app.spec.document else "swagger"
        reads = not any(one.method in _WRITES for one in closed)  # what only reads may be for everybody
        weight: Severity | None = "low" if reads else None
        yield Hit("the document names no security scheme at all", place_of(app, top), reader="spec", severity=weight)
        return
    for one in every:
        unknown = [name for name in one.schemes if name not in app.spec.schemes]
        if unknown:
            yield _hit(app, one, f"{one.ref} asks for {unknown[0]}, which the document does not define")
        elif one.open_to_all and REBUILDS.search(one.path):
            yield _hit(app, one, f"{one.ref} makes the database anew and asks for no credential")
        elif one.method in _WRITES and one.open_to_all and one in closed and not _only_reads(one):
            yield _hit(app, one, f"{one.ref} changes something and asks for no credential")


def _only_reads(one: Operation) -> bool:
    """``POST /bulk/documents``, "Get a list of documents", whose names are in the body because they are many."""
    said = (one.node.get("operationId"), one.node.get("summary"))
    return one.method == "POST" and all(isinstance(text, str) and _GETS.match(text) is not None for text in said)


_GETS: Final = re.compile(r"(?i:get|list|search|find|fetch|retrieve|look ?up|query)(?=[ _A-Z]|s\b)")
"""Both must begin so: ``getOrCreate`` is hardly called "Get" in the sentence beside it."""


def _hit(app: App, one: Operation, message: str) -> Hit:
    return Hit(message, place_of(app, one.written, one.method.lower()), one.ref, reader="spec")


def _is_open_by_nature(one: Operation, spec: Spec) -> bool:
    return is_door(Route(one.path, (one.method,))) or bool(_OPENS.search(one.path)) or _registers(one, spec)


def _registers(one: Operation, spec: Spec) -> bool:
    """``POST /users`` with a password in its body: who registers has no credential yet. It may stand in an inner object or a form."""
    if one.method != "POST" or "{" in one.path:
        return False
    body = mapping(mapping(one.node.get("requestBody")).get("content"))
    schemas = [mapping(media).get("schema") for media in body.values()]
    schemas += [said.get("schema") for said in one.parameters if said.get("in") == "body"]
    members = [mapping(_resolved(schema, spec).get("properties")) for schema in schemas]
    inner = [mapping(_resolved(value, spec).get("properties")) for some in members for value in some.values()]
    fields = {name for some in (*members, *inner) for name in some}
    fields |= {str(said.get("name")) for said in one.parameters if said.get("in") == "formData"}
    return any(PASSWORD.search(name) for name in fields) and any(_SUBJECT.search(name) for name in fields)


_SUBJECT: Final = re.compile(r"(?i)mail|user_?name|login|phone")


def _resolved(schema: object, spec: Spec) -> Mapping[str, object]:
    """The schema, or what its reference into the same document leads to."""
    said = mapping(schema)
    reference = said.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return said
    found: object = spec.document
    for word in reference[2:].split("/"):
        found = mapping(found).get(word)
    return mapping(found)


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
