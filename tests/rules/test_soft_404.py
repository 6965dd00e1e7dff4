"""Applications that answer every path with a page and 200."""

from flask import Flask, request
from markupsafe import escape

from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def test_a_page_that_repeats_the_path_is_no_description_of_the_api() -> None:
    app = Flask("soft")
    app.register_error_handler(404, lambda _: (f"<p>There is no {escape(request.path)} here</p>", 200))
    assert try_rule(RULES["api-docs-public"], app, surface="http").outcome != "fail"


def test_a_page_of_a_viewer_is_one_wherever_it_lies() -> None:
    for path, page in (
        ("/swagger-ui", '<script src="/swagger-ui/bundle.js"></script><script>SwaggerUIBundle({})</script>'),
        ("/redoc", '<redoc spec-url="/openapi.json"></redoc><script src="/redoc/redoc.standalone.js"></script>'),
    ):
        app = Flask("viewer")
        app.add_url_rule(path, "viewer", lambda page=page: page)
        assert try_rule(RULES["api-docs-public"], app, surface="http").outcome == "fail"


def test_a_page_that_speaks_of_the_debugger_is_none() -> None:
    app = Flask("words")
    app.add_url_rule("/things/<int:number>", "thing", lambda number: {"number": number})
    app.register_error_handler(404, lambda _: ("<p>Not found</p><small>Werkzeug Debugger, Flask</small>", 404))
    assert try_rule(RULES["unhandled-error-leaks-details"], app, surface="http").outcome != "fail"
