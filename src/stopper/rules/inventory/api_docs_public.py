"""A stranger reads which routes there are, what they take and what they answer, and need not guess."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import quote, urlsplit

from stopper.core.app import Access, App, Route
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, passed, send
from stopper.core.probing.baseline import attempt, beyond, same
from stopper.core.probing.inputs import GRAPHQL
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, is_constant, may_be

_DOCS: Final = re.compile(
    r"(?i)(^|/)(openapi(\.json|\.ya?ml)?|swagger(\.json|\.ya?ml|-ui|ui)?|apispec(_\d+)?(\.json)?|api-docs|apidocs|redoc|rapidoc|scalar|graphiql|(?:api/)?docs?|schema\.json|(?:api/)?schema)/?(index\.html)?$"
)
_USUAL: Final = (
    "/openapi.json",
    "/swagger.json",
    "/docs",
    "/apidocs/",
    "/swagger",
    "/redoc",
    "/graphql",
    "/api/docs",
    "/api-docs",
    "/swagger-ui",
)
_QUERY: Final = "{__schema{types{name}}}"
_MAKERS: Final = {
    "flasgger.Swagger": "flasgger shows the description at /apidocs to everybody",
    "flask_swagger_ui.get_swaggerui_blueprint": "Swagger UI is served to everybody",
    "flask_restx.Api": "Flask-RESTX serves swagger.json and Swagger UI to everybody",
    "flask_restplus.Api": "Flask-RESTPlus serves swagger.json and Swagger UI to everybody",
    "flask_openapi3.OpenAPI": "flask-openapi3 serves the description to everybody",
    "apiflask.APIFlask": "APIFlask serves openapi.json and /docs to everybody",
    "spectree.SpecTree": "SpecTree serves the description to everybody",
    "flask_graphql.GraphQLView.as_view": "GraphiQL is switched on",
    "graphql_server.flask.GraphQLView.as_view": "GraphiQL is switched on",
    "strawberry.flask.views.GraphQLView.as_view": "GraphiQL is switched on",
}
_SWITCHES: Final = {
    "flask_restx.Api": ("doc", "False"),
    "flask_restplus.Api": ("doc", "False"),
    "flask_openapi3.OpenAPI": ("doc_ui", "False"),
    "apiflask.APIFlask": ("enable_openapi", "False"),
}
_SETTINGS: Final = ("OPENAPI_SWAGGER_UI_PATH", "OPENAPI_REDOC_PATH", "OPENAPI_RAPIDOC_PATH")


def detect(app: App) -> Iterator[Hit]:
    """Routes of the usual names that nothing guards, and libraries that serve the description by themselves."""
    facts = source_of(app)
    for route in app.routes:
        access = route.access.get("GET")
        if (
            "GET" in route.methods
            and _DOCS.search(route.path)
            and route.readers - {"spec"}
            and (access is None or _is_left_open(access))
            and not _is_meant(facts, route)
        ):
            reader: Literal["running"] | None = None if route.span is not None else "running"
            yield Hit(
                f"{route.path} describes the API to everybody",
                route.span,
                RouteRef("GET", route.path),
                "possible",
                reader,
            )
    for callee, text in _MAKERS.items():
        for call in facts.calls(callee):
            if _shows(call) and not _is_local(facts, call):
                yield Hit(text, call.span, certainty="likely")
    if facts.imports("flask_smorest"):
        for write in facts.config_writes(*_SETTINGS):
            if not is_constant(write.value, None, False, ""):
                yield Hit("flask-smorest serves the description to everybody", write.span, certainty="likely")


def _is_meant(facts: SourceFacts, route: Route) -> bool:
    """That the view says in as many words that it is for everybody."""
    if route.spec_security == ():
        return True  # the document speaks of its own address, and leaves it open
    own = facts.function(route.view)
    return own is not None and any(one.name == "stopper.public" for one in own.decorators)


def _is_left_open(access: Access) -> bool:
    """Open, and not because a policy says so in as many words."""
    return access.state == "open" and access.basis != "declared"


def _shows(call: Call) -> bool:
    """That the call does not switch the pages off."""
    if call.open:
        return False
    if call.callee in ("flask_restx.Api", "flask_restplus.Api"):
        return not is_constant(call.keyword("doc"), False) and call.lacks(None, "decorators")
    if call.callee == "apiflask.APIFlask":
        return (
            not is_constant(call.keyword("enable_openapi"), False)
            and not is_constant(call.keyword("docs_path"), None)
            and call.lacks(None, "docs_decorators", "spec_decorators")
        )
    if call.callee == "flask_openapi3.OpenAPI":
        return not is_constant(call.keyword("doc_ui"), False)
    if call.callee == "flasgger.Swagger":
        return call.lacks(None, "decorators")
    if "GraphQLView" in call.callee:
        return may_be(call.keyword("graphiql"), True) or (
            call.callee.startswith("strawberry") and call.keyword("graphiql", "graphql_ide") is None
        )
    return True


def _is_local(facts: SourceFacts, call: Call) -> bool:
    """That it stands behind a question about the environment: shown to developers only."""
    return any(
        condition.body is not None and call.span is not None and condition.body.holds(call.span)
        for condition in facts.conditions()
    )


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Ask the usual places as nobody: a description, its page, or an answer about GraphQL's own types is public."""
    nothing = yield from send(target.request_for(Route(f"/{target.canary}-not-there", ("GET",)), "GET"))
    places: list[RouteRef] = []
    evidence: list[Evidence] = [Evidence("exchange", "control: what a path that is not there answers", nothing)]
    tells = any(route.spec_security for route in target.app.routes)
    meant = {route.path for route in target.app.routes if _is_declared(route, tells)}
    for path in _places(target):
        if path in meant or (places and path == _came_by(target)):
            continue  # the second: a page that shows the document is told already
        found = yield from beyond(_looked_at(target, path, nothing, meant), places)
        if found is not None and found[0] not in [ref.path for ref in places]:
            places.append(RouteRef("GET", found[0]))
            evidence.append(Evidence("exchange", f"{found[1]} is given to nobody in particular", found[2]))
    if places:
        return failed(f"{places[0].path} describes the API to everybody", places, evidence)
    return passed("nothing describes the API to everybody")


def _looked_at(
    target: Target, path: str, nothing: Exchange, meant: set[str]
) -> Steps[tuple[str, str, Exchange] | None]:
    """Where something describes the API, what it is, and the answer; None where nothing at *path* does."""
    answer = yield from attempt(send(_asked(target, path)))
    if answer is not None and _adds_slash(answer.response, path):
        path = f"{path}/"
        if path in meant:
            return None
        answer = yield from attempt(send(_asked(target, path)))
    what = "" if answer is None or same(answer.response, nothing.response) else _described(answer.response, path)
    shown = path
    if not what and path in _doors(target):  # a door may take no GET
        shown = f"{path}/__schema"
        answer = yield from attempt(send(target.request_for(Route(shown, ("GET",)), "GET")))
        told = answer.response.json() if answer is not None and answer.response.succeeded else None
        what = "GraphQL introspection" if isinstance(told, dict) and "queryType" in told else ""
    return (shown, what, answer) if what and answer is not None else None


def _adds_slash(response: Response, path: str) -> bool:
    """Whether the server sends whoever asks to the same path with a slash behind it, as Flask does."""
    return response.sends_on and urlsplit(response.header("Location") or "").path.endswith(f"{path}/")


def _is_declared(route: Route, tells: bool) -> bool:
    """That a policy, or the document itself, says that the address is open: one that *tells* of security elsewhere."""
    access = route.access.get("GET")
    return (tells and route.spec_security == ()) or (access is not None and access.basis == "declared")


def _places(target: Target) -> list[str]:
    known = [
        route.path
        for route in target.app.routes
        if "GET" in route.methods and not route.parameters and _DOCS.search(route.path)
    ]
    graph = _doors(target)
    found = _came_by(target)
    # Connexion serves its page beside the document, as /ui/.
    own = (found, f"{found.rpartition('/')[0]}/ui/") if found else ()
    return list(dict.fromkeys((*known[:8], *graph[:2], *own, *(_USUAL if target.surface != "wsgi" else ()))))


def _doors(target: Target) -> list[str]:
    """Where GraphQL is spoken: a door may be known by its fields alone, which stand below it."""
    plain = [route.path for route in target.app.routes if not route.parameters]
    return list(dict.fromkeys(one for path in plain for one in (path, path.rpartition("/")[0]) if GRAPHQL.search(one)))


def _came_by(target: Target) -> str:
    """Where the scan itself found the document on the API; empty where it was given, and a file of this machine is told to nobody."""
    origin = target.app.spec.origin if target.app.spec is not None and target.surface != "wsgi" else ""
    return origin if origin.startswith("/") and not Path(origin).is_file() else ""


def _asked(target: Target, path: str) -> Request:
    request = target.request_for(Route(path, ("GET",)), "GET")
    if GRAPHQL.search(path):
        return Request("GET", f"{request.target}?query={quote(_QUERY)}", request.headers)
    return Request("GET", request.target, (("Accept", "application/json, text/html"),))


def _described(response: Response, path: str) -> str:
    """What of the API an answer describes; empty when it is about something else, or only repeats the *path* that was asked for."""
    if not response.succeeded:
        return ""
    found = response.json()
    if isinstance(found, dict):
        said = cast("dict[str, object]", found)
        if ("openapi" in said or "swagger" in said) and "paths" in said:
            return "the OpenAPI document"
        data = said.get("data")
        return "GraphQL introspection" if isinstance(data, dict) and "__schema" in data else ""
    text = response.text.replace(path, "")
    if re.search(
        r"(?i)swagger-ui|SwaggerUIBundle|<redoc|redoc\.standalone|rapi-doc|graphiql|@scalar/|<elements-api|@stoplight/elements",
        text,
    ):
        return "the page of the API's description"
    return "the OpenAPI document" if re.match(r"(?:openapi|swagger):\s*['\"]?[23]", text) else ""


def fix(app: App, hit: Hit) -> Edit | None:
    """The pages switched off, where the library has a switch; to be looked at, because somebody may read them."""
    for call in calls_at(source_of(app), hit.span):
        if call.callee in _SWITCHES:
            return passing(call, _SWITCHES[call.callee], safe=False)
    return None


RULE = Rule(
    slug="api-docs-public",
    family="inventory",
    title="The API's description is public",
    harm=__doc__ or "",
    severity="low",
    check="inventory",
    cwe=(540,),
    owasp="API9:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper.cover(…)` puts the pages of other packages under a policy.",
    detect=detect,
    fix=fix,
    probe=probe,
)
