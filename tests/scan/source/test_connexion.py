"""Routes that Connexion serves by a document beside the code."""

import pytest

from stopper.core.facts import source_of

DOCUMENT = """
openapi: 3.0.0
info: {title: Notes, version: "1"}
servers: [{url: /v1}]
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer, x-bearerInfoFunc: shop.auth.read_token}
    forgotten: {type: http, scheme: bearer}
paths:
  /notes:
    get:
      operationId: shop.views.listing
      responses: {"200": {description: all}}
    post:
      operationId: shop.views.add
      security: [{bearer: []}]
      responses: {"201": {description: made}}
  /notes/{note-id}:
    x-openapi-router-controller: shop.views
    get:
      operationId: show
      security: [{forgotten: []}]
      parameters: [{name: note-id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: one}}
"""
VIEWS = "def listing(word=None):\n    return word\ndef add(body):\n    return body\ndef show(note_id):\n    return str(note_id)\n"
APP = "import connexion\napp = connexion.FlaskApp(__name__, specification_dir='spec')\napp.add_api({given})\n"


def files(given: str = "'notes.yaml'") -> dict[str, str]:
    return {
        "shop/__init__.py": "", "shop/app.py": APP.format(given=given), "shop/views.py": VIEWS,
        "shop/auth.py": "def read_token(token):\n    return None\n", "shop/spec/notes.yaml": DOCUMENT,
    }  # fmt: skip


def test_each_operation_is_a_route_of_the_function_that_it_names(read):
    routes = {
        (route.path, *sorted(set(route.methods) - {"HEAD", "OPTIONS"})): route for route in read(files()).app.routes
    }
    assert {key: route.view for key, route in routes.items()} == {
        ("/v1/notes", "GET"): "shop.views.listing",
        ("/v1/notes", "POST"): "shop.views.add",
        ("/v1/notes/{note_id}", "GET"): "shop.views.show",
    }
    assert routes["/v1/notes/{note_id}", "GET"].parameters == (("note_id", "int"),)


def test_a_scheme_guards_where_a_function_is_named_that_reads_the_credential(read):
    routes = read(files()).app.routes
    states = {(route.path, method): access.state for route in routes for method, access in route.access.items()}
    assert states["/v1/notes", "POST"] == "guarded"
    assert states["/v1/notes", "GET"] == "open"
    assert states["/v1/notes/{note_id}", "GET"] == "open"  # Connexion lets pass what nothing looks at


def test_a_scheme_for_administrators_says_so(read):
    several = files()
    several["shop/spec/notes.yaml"] = DOCUMENT.replace("shop.auth.read_token", "shop.auth.read_admin_token")
    several["shop/auth.py"] = several["shop/auth.py"].replace("read_token", "read_admin_token")
    (route,) = (one for one in read(several).app.routes if "POST" in one.methods)
    assert [guard.name for guard in route.access["POST"].guards] == ["connexion.security.admins"]
    (route,) = (one for one in read(files()).app.routes if "POST" in one.methods)
    assert [guard.name for guard in route.access["POST"].guards] == ["connexion.security"]


def test_what_the_document_hands_over_is_the_callers(read):
    facts = source_of(read(files()).app)
    kinds = {
        one.function: {label.kind for label in facts.labels(one.value)}
        for one in facts.returns()
        if one.function.startswith("shop.views")
    }
    assert kinds["shop.views.listing"] >= {"request-data"}
    assert kinds["shop.views.add"] >= {"request-data"}


@pytest.mark.parametrize(
    "given", ["'notes.yaml', base_path='/v1'", "Path('spec') / 'notes.yaml', base_path='/v1'", "SPEC"]
)
def test_a_document_is_found_by_however_it_is_named(read, given: str):
    said = files(given)
    said["shop/app.py"] = "from pathlib import Path\nSPEC = 'notes.yaml'\n" + said["shop/app.py"]
    assert {route.path for route in read(said).app.routes} == {"/v1/notes", "/v1/notes/{note_id}"}


def test_a_resolver_names_the_functions_by_the_path(read):
    document = DOCUMENT.replace("operationId: shop.views.listing", "x-none: 1").replace(
        "operationId: shop.views.add", "x-none: 1"
    )
    said = files("'notes.yaml', resolver=connexion.RestyResolver('shop')") | {
        "shop/spec/notes.yaml": document,
        "shop/notes.py": "def search():\n    return []\ndef post(body):\n    return body\n",
    }
    views = {route.view for route in read(said).app.routes}
    assert {"shop.notes.search", "shop.notes.post", "shop.views.show"} == views


@pytest.mark.parametrize(
    "document",
    ["a: [", "openapi: 3.0.0\npaths: 1\n", "x: 1\n", "openapi: 3.0.0\npaths: {/a: {get: {operationId: 3}}}\n"],
)
def test_a_document_that_cannot_be_read_has_no_routes(read, document: str):
    reading = read(files() | {"shop/spec/notes.yaml": document})
    assert reading.app.routes == ()
    assert [error.fatal for error in reading.errors] == ([] if "operationId" in document else [True])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("openapi: 3.0.0\npaths: [", "neither JSON nor YAML at line 2"),
        (DOCUMENT + "# " + "x" * 600_000, "too large"),
        (DOCUMENT + "# " + "x" * 5_000_000, "larger than 4 MiB"),
        ('openapi: 3.0.0\ninfo: {title: x, version: "1"}\npaths: {$ref: paths.yaml}\n', "another file"),
        (DOCUMENT + "  /more: {$ref: 'more.yaml#/~1more'}\n", "another file"),
        (DOCUMENT + "  /more:\n    get:\n      $ref: more.yaml\n", "another file"),
        ("openapi: 3.0.0\npaths: " + "[" * 25_000, "cannot be read as YAML"),
    ],
)
def test_a_document_that_cannot_be_read_leaves_the_run_incomplete(read, document, said):
    (error,) = read({**files(), "shop/spec/notes.yaml": document}).errors
    assert (error.path, error.fatal) == ("shop/spec/notes.yaml", True)
    assert said in error.message


def test_a_broken_document_matters_only_to_who_serves_it(read):
    broken = {"shop/spec/notes.yaml": "paths: ["}
    assert read({**files("'other.yaml'"), **broken}).errors == ()
    assert read({"tests/test_it.py": files()["shop/app.py"], "tests/spec/notes.yaml": "paths: ["}).errors == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [("title: Notes", "title: Notes, x-since: 2020-02-30"), ("title: Notes", "title: {{title}}")],
)
def test_an_impossible_date_and_what_is_filled_in_lose_no_document(read, before, after):
    reading = read({**files(), "shop/spec/notes.yaml": DOCUMENT.replace(before, after)})
    assert (reading.errors, len(reading.app.routes)) == ((), 3)


@pytest.mark.parametrize("name", ["API.yml", "OpenAPI.yaml", "api_v1.yml", "specification.yaml", "specs/v1/notes.yml"])
def test_a_document_may_be_called_in_many_ways(read, name):
    reading = read(
        {
            "shop/__init__.py": "import connexion\napp = connexion.App(__name__, specification_dir='.')\n"
            f"app.add_api('{name}')\n",
            "shop/views.py": "def listing():\n    return []\n",
            f"shop/{name}": 'openapi: 3.0.0\ninfo: {title: x, version: "1"}\npaths:\n  /notes:\n    get:\n'
            "      operationId: shop.views.listing\n      responses: {}\n",
        }
    )
    assert [route.view for route in source_of(reading.app).routes] == ["shop.views.listing"]
