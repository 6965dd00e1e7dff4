"""Routes that the forms and the scripts of a page lead to: what these send is what its view reads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Response
from stopper.core.probing.page_forms import TOKEN, chosen, forms_of
from stopper.scan.surface.page_links import on_host
from stopper.scan.surface.script_bodies import Sent

PAGES: Final = ("text/html", "application/xhtml+xml")
TAKES_AWAY: Final = re.compile(
    r"(?i)delete|remove|destroy|cancel|clear|disable|deactivate|revoke|unsubscribe|log-?out|sign-?out|purchase|checkout|(^|/)pay(ments?|outs?)?(?![a-z])"
)
"""Words of an address that takes something away from somebody: it is neither followed nor sent."""


def asked_by_forms(response: Response, origin: str, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The paths that the page's forms ask by GET, each with the names of its query."""
    return ((where, fields) for where, fields, _, _ in _forms(response, origin, path, "get") if fields)


def form_routes(response: Response, origin: str, path: str) -> Iterator[Route]:
    """The routes of the forms that are sent by POST to the same host, with the names of their fields. Tokens against forged requests are
    left to who sends them."""
    for where, fields, files, picked in _forms(response, origin, path, "post"):
        yield Route(
            where, ("POST",), fields=fields, files=files, examples=picked, takes_form=True, readers=frozenset({"wire"})
        )


_Sent = tuple[str, tuple[str, ...], tuple[str, ...], dict[str, str]]


def _forms(response: Response, origin: str, path: str, method: str) -> Iterator[_Sent]:
    """Where the forms of a page go on the same host, each with the names of its fields and files, and what is picked there. What takes something away is left out."""
    if response.content_type not in PAGES:
        return
    for form in forms_of(response.text, method):
        where = on_host(form.action, origin, path)
        names = tuple(dict.fromkeys(name for name, _, _ in form.fields if not TOKEN.search(name)))
        if where is not None and (names or form.files) and not TAKES_AWAY.search(where.path):
            yield where.path, names, form.files, chosen(form)


def with_forms_of(known: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """*known*, where a route of which nobody has said what it reads gets the form that a page behind the log-in sends there."""
    forms = {one.path.rstrip("/"): one for one in seen if one.takes_form and (one.fields or one.files)}
    bare = {
        one.path: forms[one.path.rstrip("/")]
        for one in known
        if "POST" in one.methods
        and one.readers == frozenset({"wire"})
        and not one.fields
        and not one.files
        and one.path.rstrip("/") in forms
    }
    rest = [
        replace(one, methods=tuple(method for method in one.methods if method != "POST")) if one.path in bare else one
        for one in known
    ]
    return (*rest, *bare.values())


def with_pages_of(described: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """Routes of a document, each with what forms and links of pages say of it: what it reads, where the document does not say, and that a form is sent there."""
    forms = {one.path.rstrip("/"): one for one in seen if one.takes_form and (one.fields or one.files)}
    asked = {one.path.rstrip("/"): one for one in seen if "GET" in one.methods and one.names and not one.parameters}
    with_pages = [
        _with_page_of(one, forms.get(one.path.rstrip("/")), asked.get(one.path.rstrip("/"))) for one in described
    ]
    return tuple(part for one in with_pages for part in _by_forms(one, seen))


def _by_forms(route: Route, seen: Sequence[Route]) -> Iterator[Route]:
    """A route at which pages have several forms with fields of their own, once for each: together they are what nobody sends."""
    at = [one for one in seen if one.takes_form and one.path.rstrip("/") == route.path.rstrip("/") and one.fields]
    if (
        len(at) < 2
        or "POST" not in route.methods
        or not {*route.names, *route.body_names} <= {name for one in at for name in one.fields}
    ):
        yield route
        return
    told = [replace(route, fields=one.fields, optional=(), files=one.files, examples={**one.examples, **route.examples}, takes_form=True, request_schema=None) for one in at]  # fmt: skip
    yield told[0]
    yield from (replace(one, methods=("POST",)) for one in told[1:])


def _with_page_of(route: Route, form: Route | None, asked: Route | None) -> Route:
    says = bool(route.names or route.files or route.body_names)
    if form is not None and "POST" in route.methods and (not says or route.takes_form):
        told = replace(route, readers=route.readers | form.readers)
        read = (*route.names, *route.body_names)
        picked = {name: value for name, value in form.examples.items() if name in read}
        return replace(told, examples={**picked, **route.examples}) if says else replace(
            told, fields=form.fields, files=form.files, examples={**form.examples, **route.examples}, takes_form=True, request_schema=None
        )  # fmt: skip
    if asked is not None and "GET" in route.methods and not says and not route.parameters:
        return replace(route, optional=asked.names, examples={**asked.examples, **route.examples})
    return route


def sent_by_scripts(found: Mapping[str, Route], bodies: Mapping[tuple[str, str], Sent]) -> list[Route]:
    """The routes that take a POST, PUT or PATCH with what scripts send there."""
    return [
        replace(found[path], methods=(method,), fields=sent.names, takes_form=sent.form)
        for (path, method), sent in bodies.items()
        if path in found and method in ("POST", "PUT", "PATCH") and method in found[path].methods
    ]


def with_forms(found: Mapping[str, Route], forms: Mapping[str, Route]) -> tuple[Route, ...]:
    """The routes that answer, and those that forms lead to; of one path the form's own is the one that takes POST."""
    rest = [
        replace(one, methods=tuple(method for method in one.methods if method != "POST" or path not in forms))
        for path, one in found.items()
    ]
    return (*rest, *forms.values())
