"""A redirect shows its body to nobody: rules about pages and headers look at what is shown, and the router's own slash is nobody's link."""

import pytest
from flask import Flask, redirect, request

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


def outcome(slug: str, app: Flask) -> str:
    rule = find(slug)
    assert rule is not None
    return try_rule(rule, app).outcome


def moved() -> Flask:
    app = Flask("moved")
    app.add_url_rule("/old", "old", lambda: redirect("/new/"))
    return app


def shown() -> Flask:
    app = moved()
    app.add_url_rule("/new/", "new", lambda: "<p>new</p>")
    return app


@pytest.mark.parametrize("slug", ["content-security-policy-missing", "security-headers-missing"])
def test_a_redirect_alone_lacks_no_header_of_a_page(slug: str) -> None:
    assert outcome(slug, moved()) == "not-applicable"
    assert outcome(slug, shown()) == "fail"


def test_a_redirect_within_the_address_that_was_asked_is_nobodys_link() -> None:
    app = Flask("hosts")
    app.add_url_rule("/notes/", "notes", lambda: "<p>notes</p>")
    app.add_url_rule("/notes", "slash", lambda: redirect(f"{request.host_url}notes/"))
    assert outcome("host-header-trusted", app) == "not-applicable"
    told = Flask("told")
    told.add_url_rule("/old", "old", lambda: redirect(f"https://{request.host}/notes/"))
    assert outcome("host-header-trusted", told) == "fail"


def test_a_page_that_only_breaks_is_no_page() -> None:
    app = Flask("broken")
    app.add_url_rule("/broken", "broken", lambda: ("<p>broken</p>", 500))
    assert outcome("content-security-policy-missing", app) == "not-applicable"
