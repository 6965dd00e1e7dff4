"""Headers, CORS and error pages: on every answer, whoever made it."""

import json
import logging
from typing import Any

import pytest
from flask import Response, abort
from tests.extension.made import Made, bearer_header
from werkzeug.exceptions import NotFound

from stopper import bearer, public

EXPECTED = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}

PAGE = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def made_with(config: dict[str, Any] | None = None) -> Made:
    made = Made(config)
    made.route("/public", public, "public")
    made.route("/bearer", bearer, "bearer")

    @made.app.get("/boom")
    @public
    def boom() -> str:
        raise RuntimeError("password=hunter2-hunter2")

    @made.app.get("/abort/<int:code>")
    @public
    def aborted(code: int) -> str:
        abort(code, description="the user bob@example.com has no such note")

    @made.app.get("/own")
    @public
    def own() -> Response:
        answer = Response("<p>page</p>")
        answer.headers["Content-Security-Policy"] = "default-src 'self'"
        answer.headers["Cache-Control"] = "max-age=60"
        return answer

    @made.app.get("/cached")
    @bearer
    def cached() -> Response:
        answer = Response("mine")
        answer.headers["Cache-Control"] = "public, max-age=60"
        return answer

    return made


class TestHeaders:
    @pytest.mark.parametrize(
        "path", ["/public", "/bearer", "/boom", "/nowhere", "/abort/405", "/static/x", "/abort/418"]
    )
    def test_every_answer_has_each_of_them_once(self, path: str) -> None:
        answer = made_with().get(path)
        page = {"Content-Security-Policy": PAGE} if answer.mimetype == "text/html" else {}
        for name, value in {**EXPECTED, **page}.items():
            assert answer.headers.getlist(name) == [value]
        assert len(answer.headers["X-Request-Id"]) == 32

    def test_a_view_may_set_its_own(self) -> None:
        answer = made_with().get("/own")
        assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]
        assert answer.headers["Cache-Control"] == "max-age=60"

    @pytest.mark.parametrize(
        ("sort", "is_page"),
        [("text/html; charset=utf-8", True), ("TEXT/HTML", True), ("application/xhtml+xml", True), ("application/json", False),
         ("text/plain", False), ("image/svg+xml", False)],
    )  # fmt: skip
    @pytest.mark.parametrize("more", [{}, {"X-More": "1"}])
    def test_a_page_may_send_its_forms_home_and_data_may_do_nothing(
        self, sort: str, is_page: bool, more: dict[str, str]
    ) -> None:
        made = Made()
        made.app.add_url_rule("/x", "x", public(lambda: Response("x", content_type=sort, headers=more)))
        expected = PAGE if is_page else EXPECTED["Content-Security-Policy"]
        assert made.get("/x").headers.getlist("Content-Security-Policy") == [expected]

    @pytest.mark.parametrize(
        ("config", "expected"),
        [
            ({"STOPPER_CONTENT_SECURITY_POLICY": "default-src 'none'; sandbox"}, "default-src 'none'; sandbox"),
            ({"STOPPER_PAGE_CONTENT_SECURITY_POLICY": "default-src https:"}, "default-src https:"),
        ],
    )
    def test_the_policy_of_pages_is_a_setting_and_a_general_one_that_stands_alone_holds_for_them(
        self, config: dict[str, str], expected: str
    ) -> None:
        assert made_with(config).get("/public").headers["Content-Security-Policy"] == expected

    def test_no_hsts_in_dev(self) -> None:
        assert "Strict-Transport-Security" not in made_with({"STOPPER_MODE": "dev"}).get("/public").headers

    def test_what_belongs_to_one_caller_is_in_no_cache(self) -> None:
        """CVE-2023-30861, CVE-2026-27205: an answer for one person served to the next."""
        for path in ("/bearer", "/cached"):
            for shown in ([bearer_header()], []):
                answer = made_with().get(path, *shown)
                assert answer.headers.getlist("Cache-Control") == ["no-store"]
                assert "Authorization, Cookie, X-API-Key" in answer.headers.getlist("Vary")


class TestCors:
    CONFIG = {"STOPPER_CORS_ORIGINS": ["https://app.example", "http://127.0.0.1:3000"]}  # noqa: RUF012

    @pytest.mark.parametrize("origin", ["https://app.example", "http://127.0.0.1:3000"])
    def test_an_exact_origin_is_let_in(self, origin: str) -> None:
        made = made_with(self.CONFIG)
        for path in ("/public", "/bearer", "/nowhere"):
            answer = made.get(path, ("Origin", origin))
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "Origin" in answer.headers.getlist("Vary")
            assert "Access-Control-Allow-Credentials" not in answer.headers

    @pytest.mark.parametrize(
        "origin",
        ["https://app.example.evil.example", "https://evilapp.example", "http://app.example", "null", "https://APP.example", "https://app.example:443",
         "https://app.example/", "", "*", "https://app.example, https://evil.example", "https://xapp.example"],
    )  # fmt: skip
    def test_any_other_is_not(self, origin: str) -> None:
        made = made_with(self.CONFIG)
        for method in ("GET", "OPTIONS"):
            answer = made.get("/bearer", ("Origin", origin), ("Access-Control-Request-Method", "GET"), method=method)
            assert not [name for name in dict(answer.headers) if name.lower().startswith("access-control-")]
            assert "Origin" in answer.headers.getlist("Vary")

    def test_a_preflight_is_answered_without_running_anything(self) -> None:
        made = made_with(self.CONFIG)
        answer = made.get(
            "/bearer", ("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET"), method="OPTIONS"
        )
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, X-API-Key"
        assert made.ran == []

    def test_with_credentials_only_when_asked(self) -> None:
        made = made_with({**self.CONFIG, "STOPPER_CORS_CREDENTIALS": True})
        answer = made.get("/bearer", ("Origin", "https://app.example"))
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"

    def test_off_by_default(self) -> None:
        answer = made_with().get("/public", ("Origin", "https://app.example"))
        assert not [name for name in dict(answer.headers) if name.lower().startswith("access-control-")]

    def test_any_origin_without_credentials_is_never_reflected(self) -> None:
        answer = made_with({"STOPPER_CORS_ORIGINS": "*"}).get("/public", ("Origin", "https://any.example"))
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


class TestErrorPages:
    def test_an_exception_shows_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        answer = made_with().get("/boom")
        assert answer.status_code == 500
        assert json.loads(answer.data) == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
        assert "RuntimeError" in caplog.text
        assert "hunter2-hunter2" not in caplog.text

    @pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 413, 415, 418, 422, 429, 500, 501, 503])
    def test_an_aborts_text_stays_inside(self, code: int) -> None:
        answer = made_with().get(f"/abort/{code}")
        assert answer.status_code == code
        assert b"bob" not in answer.data
        assert answer.content_type == "application/problem+json"
        assert json.loads(answer.data)["status"] == code

    def test_it_may_be_shown_where_somebody_says_so_but_never_for_a_500(self) -> None:
        made = made_with({"STOPPER_ALLOW_ERROR_DETAILS": True})
        assert b"bob" in made.get("/abort/404").data
        assert b"bob" not in made.get("/abort/500").data
        assert "detail" not in json.loads(made.get("/nowhere").data)

    def test_the_applications_own_handlers_come_first(self) -> None:
        made = made_with()

        @made.app.errorhandler(404)
        def mine(error: NotFound) -> tuple[str, int]:
            return "mine", 404

        assert made.get("/nowhere").data == b"mine"

    def test_a_ready_answer_in_an_abort_stays(self) -> None:
        made = Made()

        @made.app.get("/x")
        @public
        def view() -> str:
            abort(Response("mine", 409))

        assert made.get("/x").data == b"mine"

    def test_a_broken_body_shows_no_parser_text(self) -> None:
        from flask import request

        made = Made()

        @made.app.post("/x")
        @public
        def view() -> Any:
            return request.get_json()

        answer = made.get("/x", method="POST", data='{"password": "hunter2', content_type="application/json")
        assert answer.status_code == 400
        assert json.loads(answer.data) == {"type": "about:blank", "title": "Bad Request", "status": 400}

    def test_the_log_of_an_exception_is_masked(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.ERROR)
        made_with().get("/boom")
        assert "hunter2-hunter2" not in "".join(str(record.__dict__) for record in caplog.records)
