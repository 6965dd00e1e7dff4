"""Reads Postman collections: paths, parameters and bodies come over, hosts and credentials never do."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, request
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scan.engine.test_scan import served

from stopper.core.app import App, Route
from stopper.core.errors import UsageError
from stopper.scan import catalogue
from stopper.scan.engine import run_detectors
from stopper.scan.options import ProbeOptions
from stopper.scan.reports import html, text
from stopper.scan.reports import json as json_report
from stopper.scan.run import run_scan
from stopper.scan.spec.read import read_spec
from stopper.scan.surface.honest import HonestRequests

CANARY = "Zq8PostmanCanary41x"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjb2xsZWN0aW9uIn0.c2lnbmF0dXJlLW9mLWEtY29sbGVjdGlvbg"


def call(method: str, url: Any, **more: Any) -> dict[str, Any]:
    return {"name": f"{method} {url}", "request": {"method": method, "url": url, **more}}


def collection(*items: Any, **more: Any) -> dict[str, Any]:
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    return {"info": {"name": "Shop", "schema": schema}, "item": list(items), **more}


def routes_of(document: Any) -> dict[tuple[str, str], Route]:
    _, routes = read_spec(json.dumps(document), "shop.json")
    return {(method, route.path): route for route in routes for method in route.methods}


FULL = collection(
    call("GET", {"raw": "{{baseUrl}}/users/:id?page=1&old=2&api_key=" + CANARY, "query": [
        {"key": "page", "value": "1"}, {"key": "old", "value": "2", "disabled": True}, {"key": "api_key", "value": CANARY},
    ], "variable": [{"key": "id", "value": "7"}]}),
    {"name": "folder", "auth": {"type": "apikey", "apikey": [{"key": "key", "value": "X-Shop-Key"}, {"key": "value", "value": CANARY}]}, "item": [
        {"name": "inner", "item": [call("POST", "{{baseUrl}}/orders", header=[{"key": "X-Secret", "value": CANARY}], body={
            "mode": "raw", "raw": '{"item": {{itemId}}, "note": "gift", "password": "PW", "to": "{{token}}", "access": "JWT", "lines": [{"sku": "A1"}]}'.replace("PW", CANARY).replace("JWT", JWT),
        })]},
        call("DELETE", "https://prod.example.com:8443/v2/users/{{userId}}", auth={"type": "basic", "basic": [{"key": "password", "value": CANARY}]}),
    ]},
    call("PATCH", {"host": ["{{baseUrl}}"], "path": ["v2", "users", "42"]}, body={"mode": "urlencoded", "urlencoded": [
        {"key": "nick", "value": "ann"}, {"key": "gone", "value": "x", "disabled": True}, {"key": "pin", "value": CANARY, "type": "text"},
    ]}),
    call("PUT", "{{baseUrl}}/avatar", body={"mode": "formdata", "formdata": [{"key": "file", "type": "file", "src": "/etc/passwd"}, {"key": "alt", "value": "me"}]}),
    call("GET", f"{{{{baseUrl}}}}/reset/{JWT}"),
    {"name": "text", "request": "http://elsewhere.example/health"},
    auth={"type": "bearer", "bearer": [{"key": "token", "value": JWT}]},
    variable=[{"key": "baseUrl", "value": "https://prod.example.com/v2/"}, {"key": "token", "value": CANARY}, {"key": "hidden", "value": CANARY, "type": "secret"}],
)  # fmt: skip


def test_paths_come_with_variables_folders_and_parameters() -> None:
    found = routes_of(FULL)
    assert set(found) == {
        ("GET", "/v2/users/{id}"), ("POST", "/v2/orders"), ("DELETE", "/v2/users/{id}"), ("PATCH", "/v2/users/{id}"),
        ("PUT", "/v2/avatar"), ("GET", "/v2/reset/{value}"), ("GET", "/health"),
    }  # fmt: skip
    assert found["GET", "/v2/users/{id}"].parameters == (("id", "int"),)
    assert found["GET", "/v2/users/{id}"].fields == ("page",)
    assert found["GET", "/v2/users/{id}"].examples == {"id": "7", "page": "1"}


def test_bodies_keep_harmless_values_and_the_type_of_others() -> None:
    found = routes_of(FULL)
    assert found["POST", "/v2/orders"].request_schema == {
        "type": "object",
        "properties": {
            "item": {}, "note": {"type": "string", "example": "gift"}, "password": {"type": "string"}, "to": {"type": "string"},
            "access": {"type": "string"},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string", "example": "A1"}}}},
        },
    }  # fmt: skip
    patched = found["PATCH", "/v2/users/{id}"].request_schema
    assert patched is not None
    assert list(patched["properties"]) == ["nick", "pin"]  # type: ignore[call-overload]
    assert found["PUT", "/v2/avatar"].request_schema == {
        "type": "object", "properties": {"alt": {"type": "string", "example": "me"}},
    }  # fmt: skip


def test_auth_is_handed_down_as_a_kind_and_no_route_is_called_public_or_closed() -> None:
    spec, routes = read_spec(json.dumps(FULL), "shop.json")
    assert {(one.kind, one.where, one.parameter) for one in spec.schemes.values()} == {
        ("http bearer", "", ""), ("http basic", "", ""), ("apiKey", "header", "X-Shop-Key"),
    }  # fmt: skip
    assert {route.spec_security for route in routes} == {None}


def test_no_credential_and_no_host_is_in_what_was_read() -> None:
    spec, routes = read_spec(json.dumps(FULL), "shop.json")
    honest = HonestRequests("")
    sent = [honest(route, method) for route in routes for method in route.methods]
    whole = f"{spec} {spec.document} {routes} {sent}"
    for secret in (CANARY, JWT, "prod.example.com", "elsewhere.example", "/etc/passwd"):
        assert secret not in whole


def test_a_credential_that_stands_once_more_under_a_harmless_name_stays() -> None:
    again = {"mode": "raw", "raw": json.dumps({"ref": "Opaque77", "both": "x-Opaque77-y", "note": "shown"})}
    auth = {"type": "apikey", "apikey": {"key": "X-Key", "value": "Opaque77"}}
    header = [{"key": "Cookie", "value": "sid=Cookie88; theme=dark"}]
    found = collection(
        call("POST", "{{base}}/things/Opaque77", auth=auth, body=again),
        call("GET", "{{base}}/c/Cookie88", header=header),
    )
    read = repr(read_spec(json.dumps(found), "x"))
    assert "Opaque77" not in read
    assert "Cookie88" not in read
    assert "shown" in read


@pytest.mark.parametrize("name", ["session", "x", "sid"])
def test_a_token_that_hides_behind_a_harmless_variable_stays(name: str) -> None:
    value = "a8f3c1d99e02b7745c6d1e0f2a3b4c5d"
    body = {"mode": "raw", "raw": json.dumps({"ref": f"{{{{{name}}}}}"})}
    found = collection(
        call("POST", f"{{{{base}}}}/a/{{{{{name}}}}}", body=body), variable=[{"key": name, "value": value}]
    )
    assert value not in repr(read_spec(json.dumps(found), "x"))


def test_a_wrapped_collection_is_read_and_an_old_one_is_one_line() -> None:
    assert routes_of({"collection": FULL}) == routes_of(FULL)
    with pytest.raises(UsageError, match=r"version 1; export it as v2\.1"):
        read_spec(json.dumps({"id": "x", "name": "x", "order": [], "requests": []}), "old.json")


def test_variables_that_multiply_and_folders_without_end_stay_bounded() -> None:
    variables = [{"key": f"v{number}", "value": f"{{{{v{number + 1}}}}}" * 10} for number in range(20)]
    folder: dict[str, Any] = call("GET", "{{base}}/deep")
    for _ in range(300):
        folder = {"name": "f", "item": [folder]}
    found = routes_of(collection(folder, call("GET", "{{base}}/x/{{v0}}"), variable=variables))
    assert ("GET", "/deep") in found
    assert all(len(path) < 100 for _, path in found)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["{{a}}", ":x", "/", "raw", "urlencoded", "http://h/{{a}}/7?b=c#d"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["item", "request", "url", "raw", "path", "query", "variable", "key", "value", "body", "mode", "auth", "type", "method", "urlencoded", "apikey", "bearer", "disabled", "graphql"]) | st.text(max_size=4),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=300)
@given(items=st.lists(ODD, max_size=4), variables=ODD, auth=ODD)
def test_any_content_of_a_collection_gives_routes_that_can_be_asked(items: Any, variables: Any, auth: Any) -> None:
    document = {"info": {"name": "x"}, "item": items, "variable": variables, "auth": auth}
    with contextlib.suppress(UsageError):
        _, routes = read_spec(json.dumps(document), "odd.json")
        honest = HonestRequests("")
        for route in routes:
            target = honest(route, route.methods[0]).target
            assert target.startswith("/")
            assert not set(target) & set("\r\n \x00")


def test_no_rule_judges_a_collection_as_if_it_were_the_apis_document() -> None:
    spec, routes = read_spec(json.dumps(FULL), "shop.json")
    app = App(name="x", routes=routes, spec=spec, readers=frozenset({"spec", "wire"}))
    seen = run_detectors(app, catalogue.load())
    assert [(one.rule.slug, one.error) for one in seen if one.hits or one.error] == []


@pytest.fixture
def shop() -> Iterator[tuple[str, list[str]]]:
    app, heard = Flask("shop"), list[str]()

    @app.before_request
    def note() -> Response:
        heard.append(f"{request.method} {request.full_path} {dict(request.headers)} {request.get_data(as_text=True)}")
        return Response('{"it": "is"}', mimetype="application/json")

    with served(app) as url:
        yield url, heard


def test_a_scan_by_a_collection_sends_and_shows_nothing_secret_of_it(
    shop: tuple[str, list[str]], tmp_path: Any
) -> None:
    url, heard = shop
    file = tmp_path / "shop.postman_collection.json"
    file.write_text(json.dumps(FULL), "utf-8")
    rules = [rule for rule in catalogue.load() if rule.probe is not None and rule.family in ("bearer", "api_key")]
    report = run_scan(url, ProbeOptions(rules=tuple(rules), spec=str(file), mode="active", max_requests=300))
    shown = [text.render(report), html.render(report), json_report.render(report)]
    assert any("/v2/users/" in one for one in heard)
    for secret in (CANARY, JWT):
        assert not [one for one in heard if secret in one]
        assert not [one for one in shown if secret in one]
