"""Honest requests: what a well-meaning client would send to one method of one route."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import quote, urlencode

from stopper.core.app import Route
from stopper.core.exchange import Effect, Request
from stopper.core.login_names import BEST
from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.probing.accounts.login import is_log_in_form
from stopper.scan.spec.sample import sample

USUAL_FIELDS: Final = ("title", "name", "text", "content", "body", "description", "message", "value")
"""What a thing that people create most often has."""
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_LOGIN: Final = re.compile(r"(?i)(^|[/_-])(log-?in|sign-?in|tokens?|authenticate|refresh|sessions?|auth)/?$")
_SAMPLES: Final[dict[str, Callable[[], str]]] = {
    "int": lambda: "1",
    "float": lambda: "1.0",
    "uuid": lambda: str(uuid.UUID(int=1)),
    "path": lambda: "index.html",
}


@dataclass(slots=True)
class HonestRequests:
    """Makes requests for the routes of one application.

    ``harvest`` holds ids that were seen: route path → parameter → value. ``learned`` holds fields that a route turned out to want.
    """

    prefix: str = ""
    canary: str = "stopper"
    harvest: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    learned: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    learned_query: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The same of what is read from the query."""
    queries: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """What a route's query is, where only this makes sense: route path → name → value."""
    like: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """What the things of a collection show of themselves, by its path: members with a value of that type."""
    told: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """What the members of a route's body turned out to be, by its path."""
    own: dict[str, str] = field(default_factory=dict[str, str])
    """Numbers of the first person by the names of parameters; only what reads is asked with them."""

    def __call__(self, route: Route, method: str) -> Request:
        """The request: parameters filled with harvested ids first, else samples; a body where the method has one."""
        method = method.upper()
        target = self.prefix + self.path(route)
        if method not in BODY_METHODS:
            query = (
                urlencode(
                    {
                        name: self.queries.get(route.path, {}).get(name)
                        or self.own.get(as_parameter(name))
                        or route.examples.get(name)
                        or _in_query(plausible(name, self.canary), self.canary)
                        for name in dict.fromkeys(
                            (*route.fields, *self.learned_query.get(route.path, ()), *_asks_by_id(route))
                        )
                    }
                )
                if method == "GET"
                else ""
            )
            return Request(
                method,
                f"{target}?{query}" if query else target,
                (("Accept", "application/json"),),
                b"",
                "read" if method in ("GET", "HEAD", "OPTIONS") else "write",
            )
        body = json.dumps(self.body(route)).encode()
        headers = (("Accept", "application/json"), ("Content-Type", "application/json"))
        return Request(method, target, headers, body, effect_for(route, method))

    def path(self, route: Route) -> str:
        """The route's path with its parameters filled."""
        known = self.harvest.get(route.path, {})
        kinds = dict(route.parameters)
        own = self.own if _only_reads(route) else {}

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            value = known.get(name) or own.get(as_parameter(name)) or route.examples.get(name)
            value = value or _parameter(name, kinds.get(name, ""), self.canary)
            return quote(value, safe="/" if kinds.get(name) == "path" else "")

        return re.sub(r"\{([^{}]+)\}", fill, route.path)

    def body(self, route: Route) -> dict[str, object]:
        """What the view most likely reads: by the spec's schema, with the names that the source reads added."""
        made: object = sample(route.request_schema, self.canary) if route.request_schema else {}
        body = dict(cast("Mapping[str, object]", made)) if isinstance(made, dict) else {}
        for name in (*route.fields, *self.learned.get(route.path, ())):
            picked = route.examples.get(name) if route.takes_form and name in route.fields else None
            body.setdefault(name, picked or plausible(name, self.canary))
        if route.takes_form:  # what a page offers to be picked, also where a document calls it a text
            body.update({name: route.examples[name] for name in body if name in route.examples})
        if not body and route.request_schema is None:
            body = {
                name: plausible(name, self.canary) if isinstance(value, str) else value
                for name, value in self.like.get(route.path.partition("/{")[0].rstrip("/"), {}).items()
            }
        body.update(self.told.get(route.path, {}))
        return {name: self._meant(name, value) for name, value in body.items()}

    def _meant(self, name: str, value: object) -> object:
        """What a member says that names another thing: ``wallet_id`` is the id of a wallet that was seen, where one was. What is or is not
        (``is_admin``) is no text, though a document that was made from names calls it one."""
        if _FLAG.match(name) and value == plausible("", self.canary):
            return False
        said = as_parameter(name)
        if not said.endswith("_id") or isinstance(value, bool) or not isinstance(value, (int, str)):
            return value
        known = next((ids[said] for ids in self.harvest.values() if said in ids), None)
        nouns = {said.removesuffix("_id"), f"{said.removesuffix('_id')}s"}
        known = known or next(
            (
                next(iter(ids.values()))
                for path, ids in self.harvest.items()
                if len(ids) == 1 and path.partition("/{")[0].rpartition("/")[2].lower() in nouns
            ),
            None,
        )
        if known is None or (isinstance(value, int) and not known.isdigit()):
            return value
        return int(known) if isinstance(value, int) else known


_FLAG: Final = re.compile(r"(?:is|has|can)(?:_|(?=[A-Z]))")


def _asks_by_id(route: Route) -> tuple[str, ...]:
    """The one thing that a document leaves out of a query although the route says nothing without it: ``/report?report_id=…``. Whose things are
    listed is left out: that is whoever asks."""
    if any(WHOSE_ID.fullmatch(as_parameter(name)) for name in route.optional):
        return ()
    if route.parameters or route.fields or len(route.optional) != 1 or "spec" not in route.readers:
        return ()
    return route.optional if re.search(r"(?i)[a-z]_?(id|uuid)$|[a-z]I[dD]$", route.optional[0]) else ()


def _only_reads(route: Route) -> bool:
    return {"GET", "HEAD", "OPTIONS"}.issuperset(route.methods)


def effect_for(route: Route, method: str) -> Effect:
    """Whether an honest request to a changing method only logs in, or writes."""
    return (
        "login"
        if method == "POST" and (_LOGIN.search(route.path) or BEST.search(route.path) or is_log_in_form(route))
        else "write"
    )


def plausible(name: str, canary: str) -> object:
    """A value that a field of this name would accept."""
    lowered = name.lower()
    for pattern, value in _PLAUSIBLE:
        if re.search(pattern, lowered):
            return value(canary)
    return f"text {canary}"


def _in_query(value: object, canary: str) -> str:
    """A value as a query says it: of a list one member, which is what a document's example of such a list holds too."""
    return f"text {canary}" if isinstance(value, list) else str(value)


_PLAUSIBLE: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    (r"e-?mail", lambda canary: f"{canary}@example.com"),
    (r"passw|pwd|passphrase", lambda canary: f"Pass-{canary}-9a!"),
    (r"user_?name|login|nick|handle|^user$", lambda canary: f"user-{canary}"),
    (r"^next$|redirect|return_to|return_url", lambda _: "/"),
    (r"url|uri|link|webhook|callback|endpoint|image|avatar", lambda _: "https://example.com/"),
    (r"(^|_)(page|offset|skip|start)$", lambda _: 1),
    (r"limit|per_page|size|amount|quantity|qty|price|number|year|total|balance|(^|_)(age|count)(_|$)", lambda _: 1),
    (r"(^|_)ids?$|id$", lambda _: 1),
    (r"^(is|has|can)_|enabled|active|public|private|done|completed", lambda _: False),
    (r"date|_at$|time", lambda _: "2026-01-01T00:00:00Z"),
    (r"phone|mobile|^tel$", lambda _: "+15550001000"),
    (r"role", lambda _: "user"),
    (r"tags|items|list$", lambda _: []),
)


def _parameter(name: str, kind: str, canary: str) -> str:
    if kind in _SAMPLES:
        return _SAMPLES[kind]()
    if re.search(r"uuid|guid", name.lower()):
        return str(uuid.UUID(int=1))
    if re.search(r"e-?mail", name.lower()):
        return str(plausible(name, canary))  # which a body says too: what was made by it is read by it
    return "1"
