"""What a form of the own account takes beside its fields shows on the pages, and members are written as an API spells them."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Send
from stopper.core.probing.accounts.account import Account
from stopper.core.probing.accounts.page_wishes import taken_on_a_page
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

RULE = next(rule for rule in load() if rule.slug == "mass-assignment")


def judged(app: Any) -> Verdict:
    return try_rule(RULE, app)


@pytest.mark.parametrize("taken", ["credit", "is_admin", "about"])
def test_a_form_of_the_account_takes_what_it_has_no_field_for(taken: str) -> None:
    app, one = Flask("market"), {"credit": "0", "is_admin": "", "about": ""}

    @app.route("/account", methods=["GET", "POST"])
    def account() -> Any:
        sent = request.get_json() if request.method == "POST" else {}
        one.update({name: str(value) for name, value in sent.items() if name in ("about", taken)})
        more = "<a href='/admin/reports'>Reports</a>" if one["is_admin"] else ""
        return f"<p>Credit: {one['credit']}</p>{more}<form method=post><textarea name=about>{one['about']}</textarea></form>"

    courier, person = (
        Courier(WsgiTransport(app), mode="active"),
        Identity("ann", (("Cookie", Secret("session=ann-0123456789")),)),
    )
    view = Request("GET", "/account")
    seen = courier.carry(person.on(view))
    honest = Request(
        "POST", "/account", (("Content-Type", "application/json"),), json.dumps({"about": "me"}).encode(), "write"
    )
    steps = taken_on_a_page(honest, Route("/account", ("POST",)), Account(person, seen, (), view, seen))
    answer, verdict = None, None
    while verdict is None:
        try:
            step = steps.send(answer)
        except StopIteration as ended:
            verdict = ended.value
        else:
            assert isinstance(step, Send)
            answer = courier.carry(step.request)
    assert (verdict.outcome == "fail") is (taken != "about"), verdict.message


def test_members_are_sent_as_the_api_spells_them() -> None:
    toy, people = ToyPeople("shop"), dict[str, dict[str, Any]]()

    @toy.app.route("/profile", methods=["GET", "PUT"])
    def profile() -> Any:
        one = people.setdefault(toy.caller(), {"username": toy.caller(), "fullName": "", "isEmployee": False})
        sent = request.get_json() if request.method == "PUT" else {}
        one.update({name: value for name, value in sent.items() if name in ("fullName", "isEmployee")})
        return jsonify(one)

    found = judged(toy.app)
    assert found.outcome == "fail"
    assert "isEmployee" in found.message
