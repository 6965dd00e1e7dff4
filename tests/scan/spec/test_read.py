"""Reads foreign OpenAPI documents: routes of good ones, one clear line for bad ones, and never anything else."""

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stopper.core.errors import UsageError
from stopper.scan.spec.find import given_spec
from stopper.scan.spec.read import in_one, read_spec
from stopper.scan.spec.sample import sample
from stopper.scan.surface.honest import HonestRequests

THREE: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Notes", "version": "1"},
    "servers": [{"url": "https://elsewhere.example/api"}],
    "security": [{"token": []}],
    "paths": {
        "/notes": {
            "get": {"parameters": [{"name": "q", "in": "query", "required": True}, {"name": "page", "in": "query"}]},
            "post": {"requestBody": {"$ref": "#/components/requestBodies/Note"}},
        },
        "/notes/{id}": {"parameters": [{"$ref": "#/components/parameters/Id"}], "get": {}, "delete": {"security": []}},
        "/open": {"get": {"security": [{}, {"token": []}]}},
    },
    "components": {
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}},
        "requestBodies": {"Note": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Note"}}}}},
        "schemas": {
            "Note": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "minLength": 3},
                    "parent": {"$ref": "#/components/schemas/Note"},
                    "id": {"type": "integer", "readOnly": True},
                },
            }
        },
        "securitySchemes": {
            "token": {"type": "http", "scheme": "Bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        },
    },
}


def routes_of(document: Any) -> dict[tuple[str, str], Any]:
    _, routes = read_spec(json.dumps(document), "here")
    return {(method, route.path): route for route in routes for method in route.methods}


def test_routes_security_and_bodies_of_a_document_of_version_3() -> None:
    spec, _ = read_spec(json.dumps(THREE), "here")
    found = routes_of(THREE)
    assert (spec.title, spec.version, spec.schemes["token"].kind, spec.schemes["key"].parameter) == (
        "Notes",
        "3.0.3",
        "http bearer",
        "X-Key",
    )
    assert set(found) == {
        ("GET", "/api/notes"),
        ("POST", "/api/notes"),
        ("GET", "/api/notes/{id}"),
        ("DELETE", "/api/notes/{id}"),
        ("GET", "/api/open"),
    }
    assert found["GET", "/api/notes"].spec_security == ("token",)
    assert found["DELETE", "/api/notes/{id}"].spec_security == ()
    assert found["GET", "/api/notes/{id}"].parameters == (("id", "int"),)


def test_an_empty_alternative_makes_security_optional() -> None:
    assert routes_of(THREE)["GET", "/api/open"].spec_security == ()


def test_variables_of_a_server_stand_at_their_defaults() -> None:
    """``{version}`` in the address of the first server is a part of the prefix."""
    version = {"version": {"default": "0.4", "enum": ["0.4"]}}
    document = {**THREE, "servers": [{"url": "https://elsewhere.example/api/{version}", "variables": version}]}
    spec, routes = read_spec(json.dumps(document), "openapi.json")
    assert spec.prefix == "/api/0.4"
    assert "/api/0.4/notes" in {route.path for route in routes}


def test_the_servers_host_is_never_used() -> None:
    assert not any("elsewhere" in path for _, path in routes_of(THREE))


def test_a_schema_that_holds_itself_is_written_out_to_a_bound() -> None:
    body = sample(routes_of(THREE)["POST", "/api/notes"].request_schema, "stp")
    assert isinstance(body, dict)
    assert body["text"] == "text stp"
    assert "id" not in body
    assert isinstance(body["parent"], dict)
    assert len(json.dumps(body)) < 2000


def test_yaml_and_version_3_1_and_swagger_2() -> None:
    _, routes = read_spec(yaml.safe_dump({**THREE, "openapi": "3.1.0"}), "here")
    assert len(routes) == 5
    two = {
        "swagger": "2.0", "info": {}, "basePath": "/v1", "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "paths": {"/login": {"post": {"parameters": [{"name": "user", "in": "formData", "type": "string"}]}},
                  "/pets": {"post": {"parameters": [{"in": "body", "name": "b", "schema": {"type": "object", "properties": {"age": {"type": "integer"}}}}],
                                     "security": [{"key": []}]}}},
    }  # fmt: skip
    found = routes_of(two)
    assert sample(found["POST", "/v1/pets"].request_schema, "c") == {"age": 30}  # of age
    assert found["POST", "/v1/pets"].spec_security == ("key",)
    assert sample(found["POST", "/v1/login"].request_schema, "c") == {"user": "text c"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "42", "{", "a: [", "hello", '{"openapi": "2.9", "paths": {}}', '{"swagger": "1.2"}', '{"openapi": "3.0.0", "paths": 5}', "\t\0", "[" * 100_000,
     "a: &a [*a, *a]\n", '{"openapi": 3.0}', "!!python/object:os.system x"],
)  # fmt: skip
def test_what_is_no_document_is_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError) as wrong:
        read_spec(text, "spec.json")
    assert str(wrong.value).startswith("spec.json ")
    assert "\n" not in str(wrong.value)


def test_aliases_that_multiply_stay_bounded() -> None:
    """The billion laughs: nine lines that would be a billion nodes when written out."""
    lines = ["a0: &a0 {type: string}"]
    lines += [
        f"a{n}: &a{n} {{type: object, properties: {{{', '.join(f'p{i}: *a{n - 1}' for i in range(10))}}}}}"
        for n in range(1, 10)
    ]
    text = "\n".join(
        ["openapi: 3.0.0", *lines, "paths: {/x: {post: {requestBody: {content: {application/json: {schema: *a9}}}}}}"]
    )
    _, (route,) = read_spec(text, "here")
    assert len(json.dumps(route.request_schema)) < 1_000_000


def test_references_in_a_circle_and_to_other_files_end() -> None:
    document = {
        "openapi": "3.0.0",
        "paths": {
            "/a": {"$ref": "#/paths/~1b"},
            "/b": {"$ref": "#/paths/~1a"},
            "/c": {"get": {"parameters": [{"$ref": "file:///etc/passwd"}, {"$ref": "http://evil.example/x"}]}},
        },
    }
    assert set(routes_of(document)) == {("GET", "/c")}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{"])
def test_a_file_that_is_no_document_is_one_line(tmp_path: Any, content: bytes) -> None:
    (tmp_path / "s.json").write_bytes(content)
    for place in (tmp_path / "s.json", tmp_path / "missing.json", tmp_path):
        with pytest.raises(UsageError) as wrong:
            given_spec(str(place), 5)
        assert "\n" not in str(wrong.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["object", "array", "string", "#/paths", "#/paths/~1a", "path", "body"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["get", "post", "parameters", "schema", "$ref", "in", "name", "type", "properties", "items", "allOf", "oneOf", "enum", "example", "requestBody",
                         "content", "application/json", "security", "minLength", "maximum", "a"]), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(JSON, JSON, JSON)
@example({"parameters": [{"in": []}]}, None, None)
@settings(max_examples=200)
def test_any_content_of_a_document_gives_routes(item: Any, components: Any, other: Any) -> None:
    document = {
        "openapi": "3.0.1",
        "paths": {"/a": item, "/b/{x}": {"post": item}},
        "components": components,
        "servers": other,
        "security": other,
    }
    _, routes = read_spec(json.dumps(document), "here")
    for route in routes:
        json.dumps(sample(route.request_schema, "c"), default=str)
        assert route.path


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_any_text_is_routes_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        _, routes = read_spec(text, "here")
        assert all(route.path.startswith("/") and route.methods for route in routes)


def test_scopes_and_replies_are_kept_for_each_operation() -> None:
    found = routes_of(
        {
            "openapi": "3.1.0",
            "security": [{"oauth": ["read"]}],
            "paths": {
                "/notes": {
                    "get": {
                        "responses": {"200": {"$ref": "#/components/responses/Fine"}, 429: {"description": "slow"}}
                    },
                    "post": {"security": [{"oauth": ["write", "read"]}, {"other": ["write"]}]},
                    "put": {"security": [{"oauth": ["write"]}, {"key": []}]},
                    "delete": {"security": [{}, {"oauth": ["write"]}]},
                }
            },
            "components": {
                "responses": {
                    "Fine": {
                        "headers": {"RateLimit-Limit": {}},
                        "content": {"application/json": {"schema": {"type": "array"}}},
                    }
                }
            },
        }
    )
    scopes = {method: route.spec_scopes.get(method, ()) for (method, _), route in found.items()}
    assert scopes == {"GET": ("read",), "POST": ("write",), "PUT": (), "DELETE": ()}
    replies = found["GET", "/notes"].spec_replies["GET"]
    assert set(replies) == {"200", "429"}
    assert replies["200"].headers == ("ratelimit-limit",)
    assert replies["200"].schema == {"type": "array"}
    assert found["POST", "/notes"].spec_replies == {}


def test_what_the_query_may_have_is_told_apart_from_what_it_must_have() -> None:
    found = routes_of(THREE)[("GET", "/api/notes")]
    assert (found.fields, found.optional, found.names) == (("q",), ("page",), ("q", "page"))
    assert set(routes_of(THREE)[("POST", "/api/notes")].body_names) == {"text", "parent", "id"}


def test_values_that_a_document_shows_are_asked_with() -> None:
    shown: list[dict[str, Any]] = [
        {"name": "tracking", "in": "path", "required": True, "schema": {"type": "string"}, "example": "PB1000001"},
        {"name": "format", "in": "query", "required": True, "schema": {"type": "string", "default": "txt"}},
        {"name": "from", "in": "query", "required": True, "examples": {"a": {"value": "http://other.example/"}}},
        {"name": "api_key", "in": "query", "required": True, "example": "4f9c2d71e8b34a06b5d1"},
    ]
    document = {**THREE, "paths": {"/track/{tracking}": {"get": {"parameters": shown}}}}
    route = routes_of(document)["GET", "/api/track/{tracking}"]
    assert route.examples == {"tracking": "PB1000001", "format": "txt"}
    assert HonestRequests(canary="stp")(route, "GET").target.startswith("/api/track/PB1000001?format=txt&from=")


def test_a_body_that_is_put_together_has_all_its_members() -> None:
    account = {"type": "object", "required": ["login"], "properties": {"login": {"type": "string"}}}
    whole = in_one({"allOf": [account, {"properties": {"phone": {"type": "string"}}}], "description": "new"})
    assert whole["properties"] == {"login": {"type": "string"}, "phone": {"type": "string"}}
    assert (whole["required"], whole["type"], "allOf" in whole) == (["login"], "object", False)
    assert in_one(account) == account


@pytest.mark.parametrize(
    "media",
    [
        {"example": {"username": "ann", "password": "ann-1", "otp": 12}},
        {"schema": {"type": "object"}, "examples": {"0": {"value": '{"username": "ann", "password": "ann-1", "otp": 12}'}}},
        {"schema": {"properties": {"username": {"type": "string"}, "otp": {"type": "integer", "example": 12}}},
         "example": {"username": "ann", "password": "ann-1", "otp": 3}},
        {"schema": {"type": "object", "example": '{"username": "ann", "password": "ann-1", "otp": 12}'}},
    ],
    ids=["without a schema", "the text of an object", "beside a schema", "in a schema"],
)  # fmt: skip
def test_the_example_of_a_whole_body_is_what_is_sent(media: dict[str, Any]) -> None:
    body = {"requestBody": {"content": {"application/json": media}}}
    route = routes_of({**THREE, "paths": {"/login": {"post": body}}})["POST", "/api/login"]
    assert HonestRequests(canary="stp").body(route) == {"username": "ann", "password": "ann-1", "otp": 12}
