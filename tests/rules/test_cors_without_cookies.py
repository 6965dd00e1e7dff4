"""Any origin with credentials weighs less where a browser holds nothing that it would send along."""

import pytest
from flask import Flask, Response, jsonify, request

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

ANN = Identity("ann", (("Authorization", Secret("Bearer token-of-ann")),), token=Secret("token-of-ann"))
BEN = Identity("ben", (("Authorization", Secret("Basic YmVuOmJlbg==")),))


def open_to_all(cookie: bool) -> Flask:
    app = Flask("open")
    app.add_url_rule("/me", "me", lambda: jsonify(user="ann"))

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "https://app.example.com")
        response.headers["Access-Control-Allow-Credentials"] = "true"
        if cookie:
            response.set_cookie("session", "of-ann", secure=True, httponly=True, samesite="None")
        return response

    return app


@pytest.mark.parametrize("slug", ["cors-any-origin-with-credentials", "cors-origin-reflected"])
@pytest.mark.parametrize(
    ("cookie", "people", "severity"),
    [(False, (ANN,), "medium"), (True, (ANN,), None), (False, (BEN,), None), (False, (), None)],
    ids=["bearers only", "a cookie", "Basic", "nobody is known"],
)
def test_what_it_weighs(slug: str, cookie: bool, people: tuple[Identity, ...], severity: str | None) -> None:
    rule = find(slug)
    assert rule is not None
    verdict = try_rule(rule, open_to_all(cookie), identities=people, mode="default")
    assert (verdict.outcome, verdict.severity) == ("fail", severity)
