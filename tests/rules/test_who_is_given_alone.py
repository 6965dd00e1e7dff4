"""Who is given alone may be the administrator: of a blog with one author nobody reaches what is not theirs."""

import pytest
from flask import Flask, abort, jsonify, request, session

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


def person(name: str) -> Identity:
    return Identity(name, (("Authorization", Secret(f"Bearer of-{name}")),))


def blog() -> Flask:
    app = Flask("blog")

    @app.get("/admin/posts")
    def posts() -> object:
        if not (request.headers.get("Authorization") or "").startswith("Bearer of-"):
            abort(401)
        return jsonify(posts=["one"])

    return app


@pytest.mark.parametrize(("names", "outcome"), [(("ann",), "open"), (("ann", "ben"), "fail")])
def test_two_people_are_ordinary_and_one_may_be_the_administrator(names: tuple[str, ...], outcome: str) -> None:
    rule = find("low-role-reaches-admin")
    assert rule is not None
    people = [person(name) for name in names]
    assert try_rule(rule, blog(), identities=people, mode="default").outcome == outcome


@pytest.mark.parametrize(("kept", "outcome"), [({}, "fail"), ({"is_admin": True}, "not-applicable")])
def test_a_session_that_flask_calls_permanent_makes_nobody_an_administrator(
    kept: dict[str, bool], outcome: str
) -> None:
    app = Flask("permanent")
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    app.add_url_rule(
        "/admin/posts", "posts", lambda: jsonify(posts=[session["uid"]]) if "uid" in session else abort(401)
    )
    sealed = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    people = [
        Identity(name, (("Cookie", Secret("session=" + sealed.dumps({"_permanent": True, "uid": name, **kept}))),))
        for name in ("ann", "ben")
    ]
    rule = find("low-role-reaches-admin")
    assert rule is not None
    assert try_rule(rule, app, identities=people, mode="default").outcome == outcome
